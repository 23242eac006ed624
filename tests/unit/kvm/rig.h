/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program with a virtual machine of the stub and its KVM-VFIO device.
 */
#ifndef TESTS_UNIT_KVM_RIG_H
#define TESTS_UNIT_KVM_RIG_H

#include <stdint.h>

#include "lib/client.h"
#include "lib/machine.h"

#define GROUP_1 "/dev/vfio/1"
#define GROUP_2 "/dev/vfio/2"
#define CDEV_1  "/dev/vfio/devices/vfio0" /* of group 1 */
#define CDEV_2  "/dev/vfio/devices/vfio1"

struct rig {
	struct uvfio_machine *machine;
	struct client *client;
	int kvm;
	int vm;
	int device; /* KVM-VFIO */
};

/* With a profile and a host, as machine_create_as(). */
struct rig rig_create(const char *abi, const char *host);
void rig_destroy(struct rig *rig);

struct uvf_vm *rig_vm(struct rig *rig);

/* KVM_CREATE_VM; the descriptor. */
int create_vm(struct client *client, int kvm);

/* KVM_CREATE_DEVICE of this type and flags; the descriptor or an errno. */
long create_device(struct client *client, int vm, uint32_t type,
		   uint32_t flags);

/* KVM_SET_DEVICE_ATTR of group and attribute with this address. */
long set_attr(struct client *client, int device, uint32_t group, uint64_t attr,
	      const void *addr);
long has_attr(struct client *client, int device, uint32_t group, uint64_t attr);

/* ADD and DEL of a descriptor. */
long add_file(struct client *client, int device, int32_t fd);
long del_file(struct client *client, int device, int32_t fd);

/* VFIO_DEVICE_BIND_IOMMUFD. */
long bind_cdev(struct client *client, int cdev, int iommufd);

#endif /* TESTS_UNIT_KVM_RIG_H */

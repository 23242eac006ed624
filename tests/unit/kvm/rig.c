/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/kvm.h>

#include "core/file.h"
#include "kvm/stub.h"

struct rig rig_create(const char *abi, const char *host)
{
	struct rig rig = {
		.machine = machine_create_as(abi, host ? host : "kvm=stub"),
	};

	rig.client = client_create(rig.machine);
	rig.kvm = client_open(rig.client, "/dev/kvm");
	assert_true(rig.kvm >= 0);
	rig.vm = create_vm(rig.client, rig.kvm);
	rig.device =
		(int)create_device(rig.client, rig.vm, KVM_DEV_TYPE_VFIO, 0);
	assert_true(rig.device >= 0);
	return rig;
}

void rig_destroy(struct rig *rig)
{
	client_destroy(rig->client);
	uvfio_machine_destroy(rig->machine);
}

struct uvf_vm *rig_vm(struct rig *rig)
{
	struct uvf_file *file = client_file(rig->client, rig->vm);
	struct uvf_vm *vm = uvf_kvm_stub_vm(file);

	uvf_file_put(file);
	assert_non_null(vm);
	return vm;
}

int create_vm(struct client *client, int kvm)
{
	long fd = client_ioctl(client, kvm, KVM_CREATE_VM, 0);

	assert_true(fd >= 0);
	return (int)fd;
}

long create_device(struct client *client, int vm, uint32_t type, uint32_t flags)
{
	struct kvm_create_device create = {.type = type, .flags = flags};
	long ret =
		client_ioctl(client, vm, KVM_CREATE_DEVICE, (uintptr_t)&create);

	return ret ? ret : (long)create.fd;
}

long set_attr(struct client *client, int device, uint32_t group, uint64_t attr,
	      const void *addr)
{
	struct kvm_device_attr arg = {
		.flags = 0xffffffff,
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)addr,
	};

	return client_ioctl(client, device, KVM_SET_DEVICE_ATTR,
			    (uintptr_t)&arg);
}

long has_attr(struct client *client, int device, uint32_t group, uint64_t attr)
{
	struct kvm_device_attr arg = {.group = group, .attr = attr};

	return client_ioctl(client, device, KVM_HAS_DEVICE_ATTR,
			    (uintptr_t)&arg);
}

long add_file(struct client *client, int device, int32_t fd)
{
	return set_attr(client, device, KVM_DEV_VFIO_GROUP,
			KVM_DEV_VFIO_GROUP_ADD, &fd);
}

long del_file(struct client *client, int device, int32_t fd)
{
	return set_attr(client, device, KVM_DEV_VFIO_GROUP,
			KVM_DEV_VFIO_GROUP_DEL, &fd);
}

long bind_cdev(struct client *client, int cdev, int iommufd)
{
	struct {
		uint32_t argsz, flags;
		int32_t iommufd;
		uint32_t devid;
	} bind = {.argsz = 16, .iommufd = iommufd};

	return client_ioctl(client, cdev, _IO(';', 118), (uintptr_t)&bind);
}

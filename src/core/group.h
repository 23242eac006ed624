/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VFIO group: the node of one IOMMU group and who holds it open.
 *
 * Exists from the first registered device of the IOMMU group to the last.
 * While a device of it is open through a container, that device holds the
 * group's file, so that the node stays busy even when its descriptor is
 * closed.
 */
#ifndef UVF_CORE_GROUP_H
#define UVF_CORE_GROUP_H

#include "base/list.h"
#include "base/lock.h"
#include "core/vfio.h"

struct uvf_caller;
struct uvf_container;
struct uvf_device;
struct uvf_file;
struct uvf_iommu_group;
struct uvf_kvm;

struct uvf_group {
	struct uvf_vfio *vfio;
	struct uvf_iommu_group *iommu_group;
	struct uvf_list vfio_node;
	struct uvf_list devices; /* under vfio->lock; fixed while open */

	struct uvf_list container_node; /* under container->lock */

	struct uvf_mutex lock;           /* protects what follows */
	struct uvf_file *opened_file;    /* borrowed; NULL: not open */
	struct uvf_container *container; /* holds one reference */
	unsigned int container_users;    /* open devices, external users */

	struct uvf_mutex kvm_lock; /* a leaf; protects what follows */
	struct uvf_kvm *kvm;       /* borrowed from who tied the group to it */
};

/* A reference to the virtual machine that the group is tied to, or NULL. */
struct uvf_kvm *uvf_group_kvm_get(struct uvf_group *group);

/* Adds a device; creates the group when it is the first. */
int uvf_group_add_device(struct uvf_vfio *vfio, struct uvf_device *device);

/* Removes a device; the group goes with the last. */
void uvf_group_remove_device(struct uvf_device *device);

/* Handlers of core/dispatch.c. */
long group_ioctl_get_status(struct uvf_file *file, struct uvf_caller *caller,
			    unsigned int cmd, unsigned long arg);
long group_ioctl_set_container(struct uvf_file *file, struct uvf_caller *caller,
			       unsigned int cmd, unsigned long arg);
long group_ioctl_unset_container(struct uvf_file *file,
				 struct uvf_caller *caller, unsigned int cmd,
				 unsigned long arg);
long group_ioctl_get_device_fd(struct uvf_file *file, struct uvf_caller *caller,
			       unsigned int cmd, unsigned long arg);

#endif /* UVF_CORE_GROUP_H */

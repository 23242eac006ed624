/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VFIO group: the node of one IOMMU group and who holds it open.
 *
 * Its node exists from the first registered device of the IOMMU group to the
 * last.  Then a descriptor that is still open has an orphan behind it, and a
 * new group for the same IOMMU group may come.  Up to Linux 4.1 (by
 * last_device_detaches), an open descriptor keeps the node instead.
 *
 * While a device of it is open through a container, that device holds the
 * group's file, so that the node stays busy even when its descriptor is
 * closed.
 */
#ifndef UVF_CORE_GROUP_H
#define UVF_CORE_GROUP_H

#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "bus/group.h"
#include "core/device.h"
#include "core/vfio.h"
#include "iommu/iommu.h"

struct uvf_caller;
struct uvf_container;
struct uvf_device;
struct uvf_file;
struct uvf_iommu_group;
struct uvf_iommufd;
struct uvf_kvm;

struct uvf_group {
	struct uvf_ref ref; /* changed under vfio->lock */
	/* Fixed. */
	struct uvf_vfio *vfio;
	unsigned int id;           /* of the IOMMU group */
	enum uvf_device_kind kind; /* of all its devices */

	struct uvf_list vfio_node; /* under vfio->lock, as drivers */
	unsigned int minor;        /* of its node, fixed once it is listed */
	bool is_shown; /* it is listed, and was told of; under vfio->lock */
	unsigned int drivers; /* registered devices */

	struct uvf_mutex device_lock; /* protects devices; match() runs there */
	struct uvf_list devices;      /* struct uvf_device, by group_node */
	struct uvf_list unbound;      /* of core/viability.c */

	struct uvf_notifier notifier; /* of iommu_group, for all its life */
	atomic_bool is_violated;      /* its isolation was broken */

	struct uvf_list container_node; /* under container->lock */
	struct uvf_iommu_member member; /* of the container's backend */
	struct uvf_iommu_hw hw;         /* fixed: the IOMMU before it */

	struct uvf_mutex lock;               /* protects what follows */
	struct uvf_iommu_group *iommu_group; /* a reference; NULL: orphan */
	struct uvf_file *opened_file;        /* borrowed; NULL: not open */
	struct uvf_container *container;     /* holds one reference */
	struct uvf_iommufd *iommufd;         /* a reference; in its place */
	unsigned int container_users;        /* open devices, external users */
	unsigned int cdevs;                  /* devices bound by their own */
	bool is_owner; /* of the DMA, while in a container */

	struct uvf_mutex kvm_lock; /* a leaf; protects what follows */
	struct uvf_kvm *kvm;       /* borrowed from who tied the group to it */
};

/* A reference to the virtual machine that the group is tied to, or NULL. */
struct uvf_kvm *uvf_group_kvm_get(struct uvf_group *group);

/*
 * The last one ends the group, and by last_device_detaches only then its node
 * goes.  Context: no lock of the core is held.
 */
void uvf_group_put(struct uvf_group *group);

/**
 * uvf_group_add_device() - let a device into VFIO's group
 * @iommu_group: which one; VFIO's is made when this is its first device
 * Return: 0, -ENOMEM, or -EEXIST its bus device is in the group already.
 */
int uvf_group_add_device(struct uvf_device *device,
			 struct uvf_iommu_group *iommu_group);

/* Let nobody find a device any more; a second call does nothing. */
void uvf_group_hide_device(struct uvf_device *device);

/* A hidden device leaves its group; the node goes with the last. */
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

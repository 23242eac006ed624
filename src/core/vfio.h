/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VFIO core of one machine: its groups, and what opens of its nodes
 * lead to.
 *
 * Lock order, outermost first: vfio->lock, group->lock, the device set's
 * lock, container->lock, the IOMMU group's lock, the model's lock.
 */
#ifndef UVF_CORE_VFIO_H
#define UVF_CORE_VFIO_H

#include <sys/types.h>

#include "base/list.h"
#include "base/lock.h"
#include "iommu/iommu.h"

struct uvf_caller;
struct uvf_file;
struct uvf_machine;
struct uvf_v02;

struct uvf_vfio {
	struct uvf_machine *machine;
	struct uvf_iommu_host host;
	/* As uvf_iommu_backends_of() says; tests have others. */
	const struct uvf_iommu_backend *const *backends;
	struct uvf_v02 *v02; /* fixed: the ABI of 2011 instead of ours; NULL */

	/* Set between uvf_vfio_init() and the first device. */
	uint64_t request_ns; /* time between two requests to users */

	struct uvf_mutex lock;  /* protects what follows */
	struct uvf_list groups; /* struct uvf_group, by vfio_node */
	struct uvf_list sets;   /* struct uvf_device_set, by vfio_node */
	/* struct uvf_device, by vfio_node, in the order of their index */
	struct uvf_list devices;

	struct uvf_mutex added_lock; /* a leaf: protects added */
	struct uvf_list added; /* struct uvf_added_backend, newest first */

	struct uvf_list miscs; /* struct uvf_misc; fixed at run time */
	bool has_device_class; /* devices are shown as vfioN; fixed */
	bool has_cdev; /* iommufd and character devices; fixed at run time */
};

/* A node below /dev that is not VFIO's. */
struct uvf_misc {
	struct uvf_list node;
	const char *path; /* relative to /dev */
	mode_t mode;
	/* A file with one reference, or a negative errno. */
	int (*open)(struct uvf_misc *misc, struct uvf_file **ret_file);
};

/* @misc outlives @vfio.  Before the machine is in use. */
void uvf_vfio_add_misc(struct uvf_vfio *vfio, struct uvf_misc *misc);

void uvf_vfio_init(struct uvf_vfio *vfio, struct uvf_machine *machine,
		   const struct uvf_iommu_host *host);
void uvf_vfio_fini(struct uvf_vfio *vfio);

/**
 * uvf_container_open() - open /dev/vfio/vfio
 * Return: 0 and a file with one reference, or -ENOMEM.
 */
int uvf_container_open(struct uvf_vfio *vfio, struct uvf_file **ret_file);

/* What the node of a group without an IOMMU has before its number. */
#define UVF_GROUP_NOIOMMU "noiommu-"

/**
 * uvf_group_open() - open /dev/vfio/<id> or /dev/vfio/noiommu-<id>
 * @caller:     whose rights count
 * @wants_noiommu: which of the two
 * Return: 0 and a file with one reference, or, in the order tested:
 *   -ENXIO   no such group any more (by stale_node_errno)
 *   -ENODEV  its last device goes at this moment
 *   -EPERM   it has no IOMMU, and the caller no CAP_SYS_RAWIO
 *   -EBUSY   it is open
 *   -ENOMEM  out of memory
 */
int uvf_group_open(struct uvf_vfio *vfio, const struct uvf_caller *caller,
		   unsigned int id, bool wants_noiommu,
		   struct uvf_file **ret_file);

#define UVF_GROUP_NAME 24 /* bytes of a node's name, final NUL included */

/* The node of a group, below /dev/vfio. */
struct uvf_group_node {
	char name[UVF_GROUP_NAME];
	unsigned int minor; /* the lowest that was free when the group came */
};

/**
 * uvf_group_node() - the node of an IOMMU group
 * @ret_node: written when there is one
 * Return: whether there is one.
 */
bool uvf_group_node(struct uvf_vfio *vfio, unsigned int id,
		    struct uvf_group_node *ret_node);

#endif /* UVF_CORE_VFIO_H */

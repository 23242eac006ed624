/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A container: groups that share one IOMMU backend and so one view of
 * client memory.
 *
 * Lives until its file and the last of its groups are gone.  When the last
 * group leaves, the backend and all mappings go and the container is as new.
 */
#ifndef UVF_CORE_CONTAINER_H
#define UVF_CORE_CONTAINER_H

#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "core/vfio.h"

struct uvf_aspace;
struct uvf_caller;
struct uvf_group;

/* One SET_IOMMU; calls in flight keep it when the last group leaves. */
struct uvf_iommu {
	struct uvf_ref ref;
	const struct uvf_iommu_backend *backend;
	void *state;
};

struct uvf_container {
	struct uvf_ref ref;
	struct uvf_vfio *vfio;

	struct uvf_mutex lock;   /* protects what follows */
	struct uvf_list groups;  /* struct uvf_group, newest first */
	bool is_noiommu;         /* the groups have no IOMMU */
	struct uvf_iommu *iommu; /* NULL: no SET_IOMMU yet */
};

struct uvf_container *uvf_container_get(struct uvf_container *container);
void uvf_container_put(struct uvf_container *container);

/* The container behind a file, or NULL. */
struct uvf_container *uvf_container_of_file(struct uvf_file *file);

/**
 * uvf_container_attach() - let a group join
 * @container: on success the group holds a reference
 * @caller:    pays for memory that becomes pinned
 * Context: @group's lock is held; takes @container's.
 * Return: 0, or, in the order they are tested:
 *   -EPERM  it has groups, and these have an IOMMU and this has none, or
 *           the reverse
 *   -EPERM  the group's DMA is in use
 *   or what the backend says
 */
int uvf_container_attach(struct uvf_container *container,
			 struct uvf_caller *caller, struct uvf_group *group);

/**
 * uvf_container_detach() - let a group leave; drops its reference
 * Context: as uvf_container_attach(); no device of the group is open.
 */
void uvf_container_detach(struct uvf_group *group);

/* VFIO_CHECK_EXTENSION: what its backend, or any there is, says. */
long uvf_container_check_extension(struct uvf_container *container,
				   unsigned long extension);

/* Its IOMMU with a reference, or NULL before SET_IOMMU. */
struct uvf_iommu *uvf_container_get_iommu(struct uvf_container *container);
void uvf_iommu_put(struct uvf_iommu *iommu); /* takes NULL */

/* Whether SET_IOMMU was done. */
bool uvf_container_has_iommu(struct uvf_container *container);

/* Handlers of core/dispatch.c. */
long container_ioctl_get_api_version(struct uvf_file *file,
				     struct uvf_caller *caller,
				     unsigned int cmd, unsigned long arg);
long container_ioctl_check_extension(struct uvf_file *file,
				     struct uvf_caller *caller,
				     unsigned int cmd, unsigned long arg);
long container_ioctl_set_iommu(struct uvf_file *file, struct uvf_caller *caller,
			       unsigned int cmd, unsigned long arg);
/* Everything else goes to the backend. */
long container_ioctl_iommu(struct uvf_file *file, struct uvf_caller *caller,
			   unsigned int cmd, unsigned long arg);

#endif /* UVF_CORE_CONTAINER_H */

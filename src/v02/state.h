/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The objects of VFIO v0.2 and how they hold each other.
 *
 *     iommu 1 --- n group 1 --- n device 1 --- n device file
 *       |            |
 *       n            n
 *   iommu file   group file
 *
 * 1. A group with an open file has an iommu; one without may have.
 * 2. An iommu is in use while a file of it, or of a device in its groups, is
 *    open.  Files of groups keep the set together and nothing else.
 * 3. An iommu that is open has an address space, an owner (mm), and claims
 *    the IOMMU groups behind it, so that no driver of the host can join.
 *    One that is in use is open.
 * 4. A device finds its iommu through its group alone.
 *
 * One lock, that of struct uvf_v02, protects all of it.  It may be taken
 * under the lock of a bus device and under a notifier's; the locks of IOMMU
 * groups and of models are taken under it.
 */
#ifndef UVF_V02_STATE_H
#define UVF_V02_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/itree.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "v02/v02.h"

struct uvf_aspace;
struct uvf_bus;
struct uvf_iommu_group;
struct uvf_mm;

struct uvf_v02 {
	struct uvf_v02_host host; /* fixed */
	struct uvf_mutex lock;    /* protects all that follows */
	pthread_cond_t released;  /* an iommu may not be in use any more */
	struct uvf_list groups;   /* struct uvf_v02_group, oldest first */
};

/*
 * What clang checks in the place of uvf_v02::lock, since it cannot know that
 * all pointers lead to one.  It is never defined.
 */
extern struct uvf_mutex uvf_v02_role;

static inline void uvf_v02_lock(struct uvf_v02 *v02)
	UVF_ACQUIRE(uvf_v02_role) UVF_NO_ANALYSIS
{
	uvf_lock(&v02->lock);
}

static inline void uvf_v02_unlock(struct uvf_v02 *v02)
	UVF_RELEASE(uvf_v02_role) UVF_NO_ANALYSIS
{
	uvf_unlock(&v02->lock);
}

static inline void uvf_v02_assert_held(struct uvf_v02 *v02)
	UVF_TSA(assert_capability(uvf_v02_role)) UVF_NO_ANALYSIS
{
	uvf_assert_held(&v02->lock);
}

/* Wait for v02->released; 0, or ETIMEDOUT. */
static inline int uvf_v02_wait_until(struct uvf_v02 *v02,
				     const struct timespec *until)
	UVF_REQUIRES(uvf_v02_role) UVF_NO_ANALYSIS
{
	return uvf_cond_wait_until(&v02->released, &v02->lock, until);
}

struct uvf_v02_iommu {
	struct uvf_v02 *v02;
	struct uvf_bus *bus;    /* of all its groups */
	struct uvf_list groups; /* struct uvf_v02_group, by iommu_node */
	struct uvf_list files;  /* struct uvf_v02_iommu_file */
	bool is_open;
	/* While it is open. */
	struct uvf_mm *mm; /* who opened it; holds a reference */
	struct uvf_aspace *aspace;
	bool is_coherent;
	struct uvf_itree entries; /* struct uvf_v02_entry */
	struct uvf_itree pieces;  /* struct uvf_v02_piece */
};

struct uvf_v02_group {
	struct uvf_v02 *v02;
	struct uvf_list node; /* v02->groups */
	struct uvf_bus *bus;
	unsigned int id;
	char name[32];           /* of its node */
	unsigned int minor;      /* likewise */
	struct uvf_list devices; /* struct uvf_v02_device */
	unsigned int file_count; /* open files of the group */
	/* Of the devices, holds a reference; NULL: there are none. */
	struct uvf_iommu_group *iommu_group;
	bool is_attached;            /* iommu_group is claimed by the iommu */
	struct uvf_v02_iommu *iommu; /* NULL: none yet */
	struct uvf_list iommu_node;
};

/* Lives until it is deleted and its last file is gone. */
struct uvf_v02_device {
	struct uvf_ref ref;
	struct uvf_v02_group *group;       /* NULL: deleted */
	struct uvf_list node;              /* group->devices */
	struct uvf_bus_device *bus_device; /* holds a reference */
	const struct uvf_v02_device_ops *ops;
	void *data;            /* of the driver it is bound to, or NULL */
	struct uvf_list files; /* struct uvf_v02_device_file */
};

/* iommu.c: life of an iommu. */
struct uvf_v02_iommu *uvf_v02_iommu_create(struct uvf_v02_group *group);
void uvf_v02_iommu_add_group_locked(struct uvf_v02_iommu *iommu,
				    struct uvf_v02_group *group)
	UVF_REQUIRES(uvf_v02_role);

/* It leaves its iommu, which may have none left. */
void uvf_v02_iommu_remove_group_locked(struct uvf_v02_group *group)
	UVF_REQUIRES(uvf_v02_role);

/* Of an iommu that is closed and has no group and no file. */
void uvf_v02_iommu_destroy(struct uvf_v02_iommu *iommu);

bool uvf_v02_device_is_open_locked(const struct uvf_v02_device *device);
bool uvf_v02_group_has_open_device_locked(const struct uvf_v02_group *group);
bool uvf_v02_iommu_is_in_use_locked(const struct uvf_v02_iommu *iommu);

/* Bits of address that the IOMMUs before all its groups have. */
unsigned int uvf_v02_iommu_bits_locked(const struct uvf_v02_iommu *iommu);

/* Whether all devices of all groups are bound. */
bool uvf_v02_iommu_is_viable_locked(const struct uvf_v02_iommu *iommu);

/**
 * uvf_v02_iommu_open_locked() - get a domain, and make @mm its owner
 * Return: 0, or, in the order they are tested:
 *   -EBUSY   a device is not bound
 *   -EINVAL  it is open
 *   -EFAULT  no memory for the domain
 *   -EPERM, -EBUSY  somebody else has the DMA of a group
 *   -EFAULT  interrupts are not remapped, and that is not allowed
 */
int uvf_v02_iommu_open_locked(struct uvf_v02_iommu *iommu, struct uvf_mm *mm)
	UVF_REQUIRES(uvf_v02_role);

/* Detach all, unmap all, forget the owner; harmless when it is closed. */
void uvf_v02_iommu_close_locked(struct uvf_v02_iommu *iommu)
	UVF_REQUIRES(uvf_v02_role);

/**
 * uvf_v02_iommu_settle_locked() - something was released, or failed
 * Closes an iommu that is not in use; then dissolves it when no file of its
 * groups is open either.  Those who wait to unbind look again.
 */
void uvf_v02_iommu_settle_locked(struct uvf_v02_iommu *iommu)
	UVF_REQUIRES(uvf_v02_role);

/* Return: 0, -EPERM or -EBUSY; harmless when it is attached. */
int uvf_v02_attach_locked(struct uvf_v02_group *group)
	UVF_REQUIRES(uvf_v02_role);
void uvf_v02_detach_locked(struct uvf_v02_group *group)
	UVF_REQUIRES(uvf_v02_role);

/* One more file of an iommu that is open; 0 or -ENOMEM. */
int uvf_v02_iommu_file_create_locked(struct uvf_v02_iommu *iommu,
				     struct uvf_file **ret_file)
	UVF_REQUIRES(uvf_v02_role);

/* Take all files of an iommu and of its devices away; it ends closed. */
void uvf_v02_iommu_revoke_locked(struct uvf_v02_iommu *iommu)
	UVF_REQUIRES(uvf_v02_role);

/* dma.c: what an iommu maps. */
struct v02_dma_map;

/**
 * uvf_v02_map_locked() - let the devices of a set reach client memory
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  vaddr, dmaaddr or size not whole pages; size 0, or wrapping
 *   -EBUSY   something is mapped there
 *   -ENOMEM  more than the caller may lock; out of memory
 *   -EFAULT  client memory is not there, or not for this use; an address
 *            that the host's IOMMU does not reach
 */
int uvf_v02_map_locked(struct uvf_v02_iommu *iommu, struct uvf_caller *caller,
		       const struct v02_dma_map *map)
	UVF_REQUIRES(uvf_v02_role);

/**
 * uvf_v02_unmap_locked() - let them reach it no more; any part of mappings
 * Return: 0, also when nothing was mapped; -EINVAL dmaaddr or size not whole
 * pages, or wrapping; -ENOMEM, and then nothing changed.
 */
int uvf_v02_unmap_locked(struct uvf_v02_iommu *iommu,
			 const struct v02_dma_map *map)
	UVF_REQUIRES(uvf_v02_role);
void uvf_v02_unmap_all_locked(struct uvf_v02_iommu *iommu)
	UVF_REQUIRES(uvf_v02_role);

/* group.c, driver.c */

/* Unlinks and frees a group that has no device and no open file. */
void uvf_v02_group_destroy_locked(struct uvf_v02_group *group)
	UVF_REQUIRES(uvf_v02_role);

/* The group behind a file, or NULL. */
struct uvf_v02_group *uvf_v02_group_of_file(struct uvf_file *file);

/* merge.c: the ioctls of their names. */
long group_ioctl_merge(struct uvf_v02_group *group, struct uvf_caller *caller,
		       unsigned long arg);
long group_ioctl_unmerge(struct uvf_v02_group *group, struct uvf_caller *caller,
			 unsigned long arg);

/* Whether the set is somebody else's, who alone may use it. */
bool uvf_v02_is_foreign_locked(const struct uvf_v02_group *group,
			       const struct uvf_caller *caller);

/* device.c: device files. */

/**
 * uvf_v02_device_open_locked() - one more file of a device
 * Return: 0, -ENODEV it is not bound, -EFAULT its driver refuses, -ENOMEM.
 */
int uvf_v02_device_open_locked(struct uvf_v02_device *device,
			       struct uvf_file **ret_file)
	UVF_REQUIRES(uvf_v02_role);

/* Take its files away: calls fail with ENODEV from now on. */
void uvf_v02_device_revoke_locked(struct uvf_v02_device *device)
	UVF_REQUIRES(uvf_v02_role);
void uvf_v02_device_put(struct uvf_v02_device *device);

#endif /* UVF_V02_STATE_H */

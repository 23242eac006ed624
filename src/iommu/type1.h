/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The type1 IOMMU of one container: which IOVA reaches which client memory,
 * by the rules of VFIO_TYPE1_IOMMU (v1) and VFIO_TYPE1v2_IOMMU (v2).
 *
 * Every behaviour, and the order of errors, is that of Linux 6.12,
 * drivers/vfio/vfio_iommu_type1.c, where a profile does not say otherwise.
 * All groups are IOMMU-backed and share one domain.
 *
 * Lock order: type1->lock, then what copies client memory takes.
 */
#ifndef UVF_IOMMU_TYPE1_H
#define UVF_IOMMU_TYPE1_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/itree.h"
#include "base/lock.h"
#include "iommu/iommu.h"

struct uvf_aspace;
struct uvf_caller;
struct uvf_mem;

/* Mappings of one container; dma_entry_limit of the kernel's module. */
#define UVF_TYPE1_MAPPINGS_MAX 65535u

/* The aperture has one hole at most, the window of interrupt messages. */
#define UVF_TYPE1_VALID_MAX 2u

/* One MAP_DMA.  Of the instance; under its lock. */
struct uvf_mapping {
	struct uvf_inode node; /* key: IOVA */
	bool is_invalid;       /* its client address was invalidated */
	struct uvf_mem *mem;   /* holds one reference */
};

struct uvf_type1 {
	struct uvf_iommu_host host; /* set once, by open */
	bool is_v2;                 /* set once */
	bool is_nesting;            /* set once; then v2 too */
	struct uvf_aspace *aspace;  /* set once; owned */
	struct uvf_mutex lock;      /* protects all that follows */
	struct uvf_itree mappings;  /* owns its struct uvf_mapping */
	unsigned int invalid_count; /* mappings with is_invalid */
	unsigned int group_count;
	bool is_tracking; /* dirty pages */
};

extern const struct uvf_iommu_backend uvf_type1_backend;

/* The handlers; each answers to the ioctl of its name. */
long uvf_type1_ioctl_get_info(struct uvf_type1 *t1, struct uvf_caller *caller,
			      uint64_t arg);
long uvf_type1_ioctl_map_dma(struct uvf_type1 *t1, struct uvf_caller *caller,
			     uint64_t arg);
long uvf_type1_ioctl_unmap_dma(struct uvf_type1 *t1, struct uvf_caller *caller,
			       uint64_t arg);
long uvf_type1_ioctl_dirty_pages(struct uvf_type1 *t1,
				 struct uvf_caller *caller, uint64_t arg);

/* The bitmap GET_INFO shows; its lowest bit is the granule. */
uint64_t uvf_type1_page_sizes_locked(const struct uvf_type1 *t1)
	UVF_REQUIRES(t1->lock);
uint64_t uvf_type1_granule_locked(const struct uvf_type1 *t1)
	UVF_REQUIRES(t1->lock);

/*
 * The intervals of IOVA that may be mapped, ascending, into @ret_ranges of
 * UVF_TYPE1_VALID_MAX; none while no group is attached, and then all may.
 */
unsigned int uvf_type1_valid_locked(const struct uvf_type1 *t1,
				    struct uvf_range *ret_ranges)
	UVF_REQUIRES(t1->lock);

/* Remove every mapping, with one wait for devices. */
void uvf_type1_remove_all_locked(struct uvf_type1 *t1) UVF_REQUIRES(t1->lock);

/* Whether a mapping reaches over an end of the interval. */
bool uvf_type1_is_bisected_locked(const struct uvf_type1 *t1,
				  struct uvf_range iova) UVF_REQUIRES(t1->lock);

/* Dirty pages, in type1_dirty.c. */

/** uvf_type1_check_bitmap() - whether a bitmap of the client has its size
 * @size: bytes of IOVA it is about
 * Return: 0 or -EINVAL.
 */
int uvf_type1_check_bitmap(const struct vfio_bitmap *bitmap, uint64_t size);

/* Whether a mapping is too large for a dirty bitmap of the kernel. */
bool uvf_type1_is_too_large(struct uvf_range iova, uint64_t granule);

/**
 * uvf_type1_report_dirty_locked() - mark the pages of a mapping in a bitmap
 * @base: IOVA of the bitmap's first bit, not behind the mapping
 *
 * A device that never pins pages may have written any of them, so all are.
 *
 * Return: 0 or -EFAULT.
 */
int uvf_type1_report_dirty_locked(struct uvf_type1 *t1,
				  struct uvf_caller *caller,
				  const struct vfio_bitmap *bitmap,
				  struct uvf_range iova, uint64_t base)
	UVF_REQUIRES(t1->lock);

#endif /* UVF_IOMMU_TYPE1_H */

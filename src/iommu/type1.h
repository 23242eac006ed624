/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The type1 IOMMU of one container: which IOVA reaches which client memory,
 * by the rules of VFIO_TYPE1_IOMMU (v1) and VFIO_TYPE1v2_IOMMU (v2).
 *
 * Every behaviour, and the order of errors, is that of Linux 6.12,
 * drivers/vfio/vfio_iommu_type1.c, where a profile does not say otherwise.
 * All groups are IOMMU-backed and share one domain.
 *
 * Lock order: type1->users_lock, the locks of drivers that pin pages,
 * type1->lock, then what copies client memory takes.
 */
#ifndef UVF_IOMMU_TYPE1_H
#define UVF_IOMMU_TYPE1_H

#include <linux/vfio.h>
#include <stdatomic.h>
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
	struct uvf_iommu_host host;  /* set once, by open */
	bool is_v2;                  /* set once */
	bool is_nesting;             /* set once; then v2 too */
	struct uvf_aspace *aspace;   /* set once; owned */
	struct uvf_mutex users_lock; /* protects users; held in callbacks */
	struct uvf_list users;       /* struct uvf_dma_user */
	atomic_uint user_count;
	struct uvf_mutex lock;      /* protects all that follows */
	struct uvf_itree mappings;  /* owns its struct uvf_mapping */
	unsigned int invalid_count; /* mappings with is_invalid */
	unsigned int group_count;
	bool is_tracking;      /* dirty pages */
	struct uvf_itree pins; /* pages that are pinned */
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

/* Pinned pages, in type1_pin.c. */

void uvf_type1_register_user(void *state, struct uvf_dma_user *user);
void uvf_type1_unregister_user(void *state, struct uvf_dma_user *user);
int uvf_type1_pin_pages(void *state, uint64_t iova, size_t count, uint32_t prot,
			void **ret_pages);
void uvf_type1_unpin_pages(void *state, uint64_t iova, size_t count);
int uvf_type1_rw(void *state, uint64_t iova, void *buf, size_t len,
		 bool is_write);

/* Whether a page of the interval is pinned. */
bool uvf_type1_is_pinned_locked(const struct uvf_type1 *t1,
				struct uvf_range iova) UVF_REQUIRES(t1->lock);

/* Forgets the pins of an interval whose mapping goes. */
void uvf_type1_drop_pins_locked(struct uvf_type1 *t1, struct uvf_range iova)
	UVF_REQUIRES(t1->lock);

/**
 * uvf_type1_notify_unmap() - have an interval's pages unpinned
 * Context: without @t1->lock, which drivers take to unpin.
 */
void uvf_type1_notify_unmap(struct uvf_type1 *t1, struct uvf_range iova);

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

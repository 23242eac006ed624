/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The type1 IOMMU of one container: which IOVA reaches which client memory,
 * by the rules of VFIO_TYPE1_IOMMU (v1) and VFIO_TYPE1v2_IOMMU (v2).
 *
 * Every behaviour, and the order of errors, is that of Linux 6.12,
 * drivers/vfio/vfio_iommu_type1.c, where a profile does not say otherwise.
 * A group is behind an IOMMU or emulated.  Those behind equal IOMMUs share a
 * domain; each domain has an address space with all mappings.  While no group
 * is behind an IOMMU, memory is looked at only when it is used.
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
#include "base/pool.h"
#include "iommu/account.h"
#include "iommu/aperture.h"
#include "iommu/iommu.h"

struct uvf_aspace;
struct uvf_caller;
struct uvf_mem;

/* dma_entry_limit as the kernel's module starts. */
#define UVF_TYPE1_MAPPINGS_MAX 65535u

/* What a mapping is; in the tree's node. */
#define UVF_MAPPING_INVALID 0x1u /* its client address was invalidated */
#define UVF_MAPPING_MAPPED  0x2u /* the domains have it, and it is charged */
#define UVF_MAPPING_MORE    0x4u

/* Beside a mapping whose memory does not say all, in type1_mapping.c. */
struct uvf_mapping_more {
	struct uvf_mem *mem;          /* holds one reference */
	struct uvf_account_task task; /* who pays for pages pinned later */
	struct uvf_mm *payer;         /* whose pages; alive while charged */
	uint64_t charged;             /* pages */
	uint64_t *dirty;              /* a bit for each 4 KiB; while tracking */
	uint64_t offset;              /* of a part: where in @mem it begins */
	uint64_t large_page;          /* of the tables, bytes; 0: none */
};

/* One MAP_DMA.  Of the instance; under its lock. */
struct uvf_mapping {
	struct uvf_inode node; /* key: IOVA; own: UVF_MAPPING_* */
	union {
		struct uvf_mem *mem;           /* holds one reference */
		struct uvf_mapping_more *more; /* owned; UVF_MAPPING_MORE */
	};
};

/* One set of page tables, for groups behind equal IOMMUs. */
struct uvf_type1_domain {
	struct uvf_list node;
	struct uvf_iommu_hw hw; /* of the first group */
	struct uvf_aspace *aspace;
	struct uvf_list members; /* struct uvf_iommu_member */
};

struct uvf_type1 {
	struct uvf_iommu_host host;  /* set once, by open */
	struct uvf_iommu_hw hw;      /* set once; of groups with none else */
	bool is_v2;                  /* set once */
	bool is_nesting;             /* set once; then v2 too */
	bool splits;                 /* set once; then v1 */
	struct uvf_mutex users_lock; /* protects users; held in callbacks */
	struct uvf_list users;       /* struct uvf_dma_user */
	atomic_uint user_count;
	struct uvf_mutex lock;      /* protects all that follows */
	struct uvf_list domains;    /* struct uvf_type1_domain, latest first */
	struct uvf_list emulated;   /* struct uvf_iommu_member */
	struct uvf_iova_list valid; /* none: all IOVAs are */
	uint64_t page_sizes;        /* that all domains have */
	struct uvf_itree mappings;  /* owns its struct uvf_mapping */
	struct uvf_pool pool;       /* where those are */
	unsigned int available;     /* mappings that there is room for */
	unsigned int invalid_count; /* mappings with is_invalid */
	unsigned int silent_count;  /* groups that may write any page */
	bool is_tracking;           /* dirty pages */
	struct uvf_itree pins;      /* pages that are pinned */
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

/* The smallest page; all mappings consist of whole ones. */
uint64_t uvf_type1_granule_locked(const struct uvf_type1 *t1)
	UVF_REQUIRES(t1->lock);

/* Whether an interval that wraps is told from others: from 6.18 on. */
bool uvf_type1_knows_overflow(const struct uvf_type1 *t1);

static inline struct uvf_mapping *uvf_mapping_of(struct uvf_inode *node)
{
	return node ? uvf_itree_entry(node, struct uvf_mapping, node) : NULL;
}

static inline struct uvf_type1_domain *
uvf_type1_domain_of(struct uvf_list *node)
{
	return uvf_list_entry(node, struct uvf_type1_domain, node);
}

/* One mapping, in type1_mapping.c; under the instance's lock. */

static inline bool uvf_mapping_is(const struct uvf_mapping *mapping,
				  uint32_t flag)
{
	return mapping->node.own & flag;
}

/* Its memory; borrowed.  NULL before uvf_mapping_set_mem(). */
struct uvf_mem *uvf_mapping_mem(const struct uvf_mapping *mapping);

/* Takes over a reference to @mem; drops that to what was there. */
void uvf_mapping_set_mem(struct uvf_mapping *mapping, struct uvf_mem *mem);

/* How many pages are charged, and to whom. */
uint64_t uvf_mapping_charged(const struct uvf_mapping *mapping);
struct uvf_mm *uvf_mapping_payer(const struct uvf_mapping *mapping);

/* Where in its memory it begins. */
uint64_t uvf_mapping_offset(const struct uvf_mapping *mapping);

/* The bits of its dirty pages, or NULL. */
uint64_t *uvf_mapping_dirty(const struct uvf_mapping *mapping);

/* Where all that may be changed.  NULL: out of memory. */
struct uvf_mapping_more *uvf_mapping_get_more(struct uvf_mapping *mapping);

/* Free that, if the memory says it all; no page of it may be pinned. */
void uvf_mapping_simplify(struct uvf_mapping *mapping);

/* Nothing is charged any more, and the memory is let go. */
void uvf_mapping_fini(struct uvf_mapping *mapping);

/* Parts of mappings, in type1_split.c. */

/* Notes which large pages tables have for a new mapping.  0 or -ENOMEM. */
int uvf_type1_choose_pages_locked(struct uvf_type1 *t1,
				  struct uvf_mapping *mapping,
				  const struct uvf_caller *caller,
				  uint64_t vaddr) UVF_REQUIRES(t1->lock);

/**
 * uvf_type1_cut_out_locked() - let no mapping reach over an end of an interval
 * @iova: becomes larger where a page of the tables reaches over its end
 *
 * Nobody sees a difference until one of the parts goes.
 *
 * Return: 0; -ESRCH: a page of the tables reaches over its start, and then
 * nothing goes; -ENOMEM.
 */
int uvf_type1_cut_out_locked(struct uvf_type1 *t1, struct uvf_range *iova)
	UVF_REQUIRES(t1->lock);

/* Groups and their domains, in type1_domain.c. */

int uvf_type1_attach_group(void *state, struct uvf_caller *caller,
			   struct uvf_iommu_member *member,
			   struct uvf_aspace **ret_as);
void uvf_type1_detach_group(void *state, struct uvf_iommu_member *member);

/* Whether devices reach what is mapped without asking anybody. */
bool uvf_type1_has_domain_locked(const struct uvf_type1 *t1)
	UVF_REQUIRES(t1->lock);

/* Let all domains have a mapping.  -EFAULT beyond them, -ENOMEM: none has. */
int uvf_type1_map_domains_locked(struct uvf_type1 *t1,
				 const struct uvf_mapping *mapping)
	UVF_REQUIRES(t1->lock);

/* It goes from all domains; devices may use it until the drain. */
void uvf_type1_unlink_domains_locked(struct uvf_type1 *t1,
				     const struct uvf_mapping *mapping)
	UVF_REQUIRES(t1->lock);
void uvf_type1_drain_domains_locked(struct uvf_type1 *t1)
	UVF_REQUIRES(t1->lock);

/**
 * uvf_type1_pin_memory() - look at a mapping's memory, and charge it
 * @caller: whose limit counts
 * @mm:     whose memory, and pages
 * On success the mapping's memory is what is there now, and its pages are
 * charged to @mm; those that are pinned are already.
 * Return: 0; -ENOMEM, -EFAULT: what comes first in the order of addresses.
 */
int uvf_type1_pin_memory(const struct uvf_type1 *t1, struct uvf_caller *caller,
			 struct uvf_mapping *mapping, struct uvf_mm *mm,
			 struct uvf_range vaddr, uint32_t prot);

/* Remove every mapping, with one wait for devices. */
void uvf_type1_remove_all_locked(struct uvf_type1 *t1) UVF_REQUIRES(t1->lock);

/* Whether a mapping reaches over an end of the interval. */
bool uvf_type1_is_bisected_locked(const struct uvf_type1 *t1,
				  struct uvf_range iova) UVF_REQUIRES(t1->lock);

/* Pinned pages, in type1_pin.c. */

void uvf_type1_register_user(void *state, struct uvf_dma_user *user);
void uvf_type1_unregister_user(void *state, struct uvf_dma_user *user);
int uvf_type1_pin_pages(void *state, struct uvf_iommu_member *member,
			uint64_t iova, size_t count, uint32_t prot,
			void **ret_pages);
void uvf_type1_unpin_pages(void *state, uint64_t iova, size_t count);
int uvf_type1_rw(void *state, uint64_t iova, void *buf, size_t len,
		 bool is_write);

/* Whether a page of the interval is pinned. */
bool uvf_type1_is_pinned_locked(const struct uvf_type1 *t1,
				struct uvf_range iova) UVF_REQUIRES(t1->lock);

/* How many pages of an interval are. */
uint64_t uvf_type1_count_pins_locked(const struct uvf_type1 *t1,
				     struct uvf_range iova)
	UVF_REQUIRES(t1->lock);

/*
 * Mark the pages of a mapping that are pinned: whoever pinned them may write
 * them at any time.
 */
void uvf_type1_mark_pins_locked(struct uvf_type1 *t1,
				const struct uvf_mapping *mapping)
	UVF_REQUIRES(t1->lock);

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

/* Make, or free, the bits of a mapping.  Return: -ENOMEM, -EINVAL too large. */
int uvf_type1_alloc_dirty_locked(struct uvf_type1 *t1,
				 struct uvf_mapping *mapping)
	UVF_REQUIRES(t1->lock);

/* A device without DMA of its own writes, or may write, these bytes. */
void uvf_type1_mark_dirty_locked(struct uvf_type1 *t1, struct uvf_range iova)
	UVF_REQUIRES(t1->lock);

/* Every page of every mapping may have been written. */
void uvf_type1_mark_all_dirty_locked(struct uvf_type1 *t1)
	UVF_REQUIRES(t1->lock);

/* Whether address spaces keep bits: else all pages are reported anyhow. */
bool uvf_type1_keeps_bits_locked(const struct uvf_type1 *t1)
	UVF_REQUIRES(t1->lock);

/**
 * uvf_type1_report_dirty_locked() - mark the pages of a mapping in a bitmap
 * @base: IOVA of the bitmap's first bit, not behind the mapping
 * Nothing is forgotten.
 * Return: 0 or -EFAULT.
 */
int uvf_type1_report_dirty_locked(struct uvf_type1 *t1,
				  struct uvf_caller *caller,
				  const struct vfio_bitmap *bitmap,
				  const struct uvf_mapping *mapping,
				  uint64_t base) UVF_REQUIRES(t1->lock);

/**
 * uvf_type1_drain_dirty_locked() - wait for devices, and learn what they wrote
 * Of mappings that were unlinked and are still in the set.
 */
void uvf_type1_drain_dirty_locked(struct uvf_type1 *t1) UVF_REQUIRES(t1->lock);

#endif /* UVF_IOMMU_TYPE1_H */

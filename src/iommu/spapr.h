/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The IOMMU of a POWER host as VFIO shows it: tables of TCEs, each of which
 * translates a window of bus addresses.
 *
 * v1 (VFIO_SPAPR_TCE_IOMMU) has one group, one window, and memory that is
 * looked for at each MAP_DMA.  v2 has groups that share up to two windows,
 * and memory that was registered before.  A TCE that is set is replaced
 * silently, and any part of what was mapped may be unmapped.
 *
 * Lock order: sp->lock, then that of the registered memory.
 */
#ifndef UVF_IOMMU_SPAPR_H
#define UVF_IOMMU_SPAPR_H

#include <linux/vfio.h>

#include "base/itree.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/range.h"
#include "iommu/iommu.h"
#include "iommu/spapr_eeh.h"

/* Of the pages of the default window. */
#define UVF_SPAPR_DEFAULT_SHIFT 12u

struct uvf_mem;
struct uvf_mm;

/* A table of TCEs; zero when there is none. */
struct uvf_spapr_window {
	uint32_t page_shift; /* 0: no table */
	struct uvf_range iova;
	uint64_t charged; /* pages of the table itself */
};

/*
 * Memory that was registered, by one container of a process or by several of
 * them; what is not said to be of the registry is fixed.
 */
struct uvf_spapr_region {
	struct uvf_list node; /* the registry's, as users and mappings */
	struct uvf_mem *mem;  /* holds one reference */
	struct uvf_range vaddr;
	unsigned int page_shift; /* the largest page that it is made of */
	unsigned int users;      /* containers that have registered it */
	unsigned int mappings;   /* struct uvf_spapr_mapping */
};

/* TCEs side by side that lead to memory side by side. */
struct uvf_spapr_mapping {
	struct uvf_inode node;           /* key: bus addresses, whole TCEs */
	struct uvf_spapr_region *region; /* v2: counted there; else NULL */
};

/* One group, and the partitionable endpoint that is behind it. */
struct uvf_spapr_seat {
	struct uvf_list node;
	struct uvf_iommu_member *member; /* borrowed */
	struct uvf_eeh_pe pe;
};

/* Memory that this container has registered. */
struct uvf_spapr_prereg {
	struct uvf_list node;
	struct uvf_spapr_region *region; /* one of its users */
};

struct uvf_spapr {
	struct uvf_iommu_host host; /* fixed, as is_v2 */
	bool is_v2;
	struct uvf_aspace *aspace;

	struct uvf_mutex lock; /* protects what follows */
	struct uvf_mm *mm;     /* the only one that may call; NULL: any yet */
	bool is_enabled;
	uint64_t locked; /* v1: pages charged by ENABLE */
	/* The window that MAP_DMA, UNMAP_DMA or TCE_CREATE makes first. */
	bool is_default_pending;
	struct uvf_spapr_window windows[UVF_TCE_WINDOWS];
	struct uvf_itree mappings; /* struct uvf_spapr_mapping */
	struct uvf_list seats;     /* struct uvf_spapr_seat, newest first */
	struct uvf_list preregs;   /* struct uvf_spapr_prereg */
};

extern const struct uvf_iommu_backend uvf_spapr_backend;

/* What a real host of this kind has. */
extern const struct uvf_spapr_hw uvf_spapr_powernv;

/* Who calls, as in all handlers: -EPERM another process than the first. */
int uvf_spapr_admit_locked(const struct uvf_spapr *sp,
			   const struct uvf_caller *caller)
	UVF_REQUIRES(sp->lock);

/* From now on only this process may call; 0 or -EPERM. */
int uvf_spapr_take_mm_locked(struct uvf_spapr *sp,
			     const struct uvf_caller *caller)
	UVF_REQUIRES(sp->lock);

/* Windows, in spapr_window.c. */

/**
 * uvf_spapr_make_default_locked() - create the default window if it is pending
 * Return: 0, -ENODEV no group, or as for TCE_CREATE.
 */
int uvf_spapr_make_default_locked(struct uvf_spapr *sp,
				  struct uvf_caller *caller)
	UVF_REQUIRES(sp->lock);

/* Let all groups know what translates for them. */
void uvf_spapr_publish_locked(struct uvf_spapr *sp) UVF_REQUIRES(sp->lock);

/* The window that holds an address, or NULL. */
struct uvf_spapr_window *uvf_spapr_find_window_locked(struct uvf_spapr *sp,
						      uint64_t iova)
	UVF_REQUIRES(sp->lock);

/* Every table goes, with what it translates. */
void uvf_spapr_remove_windows_locked(struct uvf_spapr *sp)
	UVF_REQUIRES(sp->lock);

long uvf_spapr_ioctl_tce_create(struct uvf_spapr *sp, struct uvf_caller *caller,
				uint64_t arg);
long uvf_spapr_ioctl_tce_remove(struct uvf_spapr *sp, struct uvf_caller *caller,
				uint64_t arg);

/* MAP_DMA and UNMAP_DMA, in spapr_dma.c. */

/*
 * Clear the TCEs of an interval, whose ends no mapping crosses; when it
 * returns, no device reaches what they led to.
 */
void uvf_spapr_clear_locked(struct uvf_spapr *sp, struct uvf_range iova)
	UVF_REQUIRES(sp->lock);

long uvf_spapr_ioctl_map_dma(struct uvf_spapr *sp, struct uvf_caller *caller,
			     uint64_t arg);
long uvf_spapr_ioctl_unmap_dma(struct uvf_spapr *sp, struct uvf_caller *caller,
			       uint64_t arg);

/* Registered memory, in spapr_memory.c. */

/* The container lets go of all that it registered. */
void uvf_spapr_forget_memory_locked(struct uvf_spapr *sp)
	UVF_REQUIRES(sp->lock);

/**
 * uvf_spapr_region_find() - the region of a process that holds an interval
 * Return: the region, with a mapping counted in it, or NULL.
 */
struct uvf_spapr_region *uvf_spapr_region_find(const struct uvf_mm *mm,
					       struct uvf_range vaddr);

/* One mapping more that leads there, and one less. */
void uvf_spapr_region_add_mapping(struct uvf_spapr_region *region);
void uvf_spapr_region_remove_mapping(struct uvf_spapr_region *region);

long uvf_spapr_ioctl_register(struct uvf_spapr *sp, struct uvf_caller *caller,
			      uint64_t arg);
long uvf_spapr_ioctl_unregister(struct uvf_spapr *sp, struct uvf_caller *caller,
				uint64_t arg);

#endif /* UVF_IOMMU_SPAPR_H */

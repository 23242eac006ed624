/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which pages were written: a bit for each page of 4 KiB, set by any thread
 * without a lock, in memory that grows with what is written.
 */
#ifndef UVF_IOMMU_DIRTY_H
#define UVF_IOMMU_DIRTY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/range.h"

struct uvf_dirty;

/* Told of pages side by side that were written. */
typedef void uvf_dirty_fn(void *arg, struct uvf_range iova);

/* Without a bit set, or NULL. */
struct uvf_dirty *uvf_dirty_create(void);

/* Nobody marks any more.  Takes NULL. */
void uvf_dirty_destroy(struct uvf_dirty *dirty);

/*
 * Mark the pages of an interval.  Without memory for their bits, all pages
 * around them are marked: those may have been written, too.
 */
void uvf_dirty_mark(struct uvf_dirty *dirty, struct uvf_range iova);

/**
 * uvf_dirty_take() - find what was written
 * @iova:     where to look; whole pages
 * @is_clear: forget it, too
 * @fn:       told of runs of pages, ascending; NULL: nobody is
 */
void uvf_dirty_take(struct uvf_dirty *dirty, struct uvf_range iova,
		    bool is_clear, uvf_dirty_fn *fn, void *arg);

#endif /* UVF_IOMMU_DIRTY_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device wrote by DMA: VFIO_DEVICE_FEATURE_DMA_LOGGING_*.
 */
#ifndef UVF_CORE_DMA_LOGGING_H
#define UVF_CORE_DMA_LOGGING_H

#include <stddef.h>
#include <stdint.h>

#include "base/itree.h"
#include "base/range.h"

struct uvf_caller;

/* A client's bitmap: bit 0 of the first word is the first page of iova. */
struct uvf_dirty_bitmap {
	struct uvf_caller *caller;
	struct uvf_range iova;
	uint64_t page_size; /* bytes, a power of two */
	uint64_t addr;      /* client address of its words of 8 bytes */
};

/* What a driver does whose device logs.  None is NULL. */
struct uvf_dma_log_ops {
	/*
	 * Log writes to the ranges, which are the keys of @ranges, in pages
	 * of *page_size or of what is written there.
	 */
	int (*start)(void *arg, struct uvf_itree *ranges, unsigned int count,
		     uint64_t *page_size);
	int (*stop)(void *arg);
	/* Tell by uvf_dirty_bitmap_set() what was written, and forget it. */
	int (*report)(void *arg, struct uvf_range iova,
		      struct uvf_dirty_bitmap *bitmap);
};

/* Of a device that logs. */
struct uvf_dma_log {
	const struct uvf_dma_log_ops *ops;
	void *arg;
};

/**
 * uvf_dirty_bitmap_set() - mark what was written
 * @iova: any bytes; those outside the bitmap are not marked
 * Return: 0 or -EFAULT.
 */
int uvf_dirty_bitmap_set(struct uvf_dirty_bitmap *bitmap,
			 struct uvf_range iova);

/**
 * uvf_combine_iova_ranges() - merge ranges until there are few enough
 * @ranges: those with the smallest gap go first; elements drop out
 * @max:    at least 1
 */
void uvf_combine_iova_ranges(struct uvf_itree *ranges, size_t max);

/* The features, behind the checks for all; @log is NULL without logging. */
int uvf_dma_logging_start(const struct uvf_dma_log *log,
			  struct uvf_caller *caller, uint32_t flags,
			  uint64_t data, size_t size);
int uvf_dma_logging_stop(const struct uvf_dma_log *log, uint32_t flags,
			 size_t size);
int uvf_dma_logging_report(const struct uvf_dma_log *log,
			   struct uvf_caller *caller, uint32_t flags,
			   uint64_t data, size_t size);

#endif /* UVF_CORE_DMA_LOGGING_H */

/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/dma_logging.h"

#include <assert.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "core/feature.h"
#include "mem/caller.h"

/* The ranges of one START fill a page. */
#define RANGES_MAX                                                             \
	(4096u / sizeof(struct vfio_device_feature_dma_logging_range))

/* The smallest page of a report. */
#define PAGE_MIN 4096u

static_assert(RANGES_MAX == 256, "ABI");

/* OR bits of one word of the client's, from @first to @last. */
static int set_bits(struct uvf_dirty_bitmap *bitmap, uint64_t word,
		    unsigned int first, unsigned int last)
{
	uint64_t addr = bitmap->addr + word * sizeof(uint64_t);
	uint64_t mask = (~0ull << first) & (~0ull >> (63 - last));
	uint64_t bits;

	if (uvf_copy_in(bitmap->caller, &bits, addr, sizeof(bits)))
		return -EFAULT;
	if ((bits & mask) == mask)
		return 0;
	bits |= mask;
	return uvf_copy_out(bitmap->caller, addr, &bits, sizeof(bits));
}

int uvf_dirty_bitmap_set(struct uvf_dirty_bitmap *bitmap, struct uvf_range iova)
{
	unsigned int shift = (unsigned int)__builtin_ctzll(bitmap->page_size);
	uint64_t bit, last;

	if (!uvf_range_meets(bitmap->iova, iova))
		return 0;
	if (iova.first < bitmap->iova.first)
		iova.first = bitmap->iova.first;
	if (iova.last > bitmap->iova.last)
		iova.last = bitmap->iova.last;
	bit = (iova.first - bitmap->iova.first) >> shift;
	last = (iova.last - bitmap->iova.first) >> shift;
	while (bit <= last) {
		uint64_t end = bit | 63;

		if (set_bits(bitmap, bit / 64, bit % 64,
			     end < last ? 63 : last % 64))
			return -EFAULT;
		bit = end + 1;
	}
	return 0;
}

/* The range behind the smallest gap; there are two at least. */
static struct uvf_inode *behind_smallest_gap(const struct uvf_itree *ranges)
{
	struct uvf_inode *prev = uvf_itree_first(ranges);
	struct uvf_inode *node = uvf_itree_next(prev);
	struct uvf_inode *best = node;
	uint64_t smallest = UINT64_MAX;

	for (; node; prev = node, node = uvf_itree_next(node)) {
		uint64_t gap = node->key.first - prev->key.last;

		if (gap < smallest) {
			smallest = gap;
			best = node;
		}
	}
	return best;
}

void uvf_combine_iova_ranges(struct uvf_itree *ranges, size_t max)
{
	while (ranges->count > max) {
		struct uvf_inode *high = behind_smallest_gap(ranges);
		struct uvf_inode *low;
		struct uvf_range both;

		low = uvf_itree_first(ranges);
		while (uvf_itree_next(low) != high)
			low = uvf_itree_next(low);
		both = (struct uvf_range){low->key.first, high->key.last};
		uvf_itree_remove(ranges, high);
		uvf_itree_remove(ranges, low);
		uvf_itree_insert(ranges, low, both);
	}
}

/* Errors in this order: EFAULT, EINVAL, EOVERFLOW, EINVAL. */
static int
read_range(struct uvf_caller *caller,
	   const struct vfio_device_feature_dma_logging_control *control,
	   uint32_t index, struct uvf_itree *ranges, struct uvf_inode *node)
{
	struct vfio_device_feature_dma_logging_range range;
	uint64_t end;

	if (uvf_copy_in(caller, &range, control->ranges + index * sizeof(range),
			sizeof(range)))
		return -EFAULT;
	if ((range.iova | range.length) & (control->page_size - 1) ||
	    !range.length)
		return -EINVAL;
	if (__builtin_add_overflow(range.iova, range.length, &end))
		return -EOVERFLOW;
	return uvf_itree_insert(ranges, node,
				(struct uvf_range){range.iova, end - 1})
		       ? -EINVAL
		       : 0;
}

/*
 * Return: 0, or, in the order they are tested:
 *   -ENOTTY     the device does not log
 *   -EINVAL, 0: uvf_feature_check()
 *   -EFAULT     the structure cannot be read
 *   -EINVAL     no ranges
 *   -E2BIG      more than 256
 *   -ENOMEM     out of memory
 *   of each range: -EFAULT; -EINVAL empty or not whole pages; -EOVERFLOW;
 *               -EINVAL it meets one before it
 *   what the driver says
 *   -EFAULT     the answer cannot be written; nothing is logged
 */
int uvf_dma_logging_start(const struct uvf_dma_log *log,
			  struct uvf_caller *caller, uint32_t flags,
			  uint64_t data, size_t size)
{
	struct vfio_device_feature_dma_logging_control control;
	struct uvf_itree ranges = {0};
	struct uvf_inode *nodes;
	uint64_t page_size;
	int ret;

	if (!log)
		return -ENOTTY;
	ret = uvf_feature_check(flags, VFIO_DEVICE_FEATURE_SET, size,
				sizeof(control));
	if (ret != 1)
		return ret;
	if (uvf_copy_in(caller, &control, data, sizeof(control)))
		return -EFAULT;
	if (!control.num_ranges)
		return -EINVAL;
	if (control.num_ranges > RANGES_MAX)
		return -E2BIG;
	nodes = uvf_calloc(control.num_ranges, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	ret = 0;
	for (uint32_t i = 0; !ret && i < control.num_ranges; i++)
		ret = read_range(caller, &control, i, &ranges, &nodes[i]);
	page_size = control.page_size;
	if (!ret)
		ret = log->ops->start(log->arg, &ranges, control.num_ranges,
				      &page_size);
	control.page_size = page_size;
	if (!ret && uvf_copy_out(caller, data, &control, sizeof(control))) {
		log->ops->stop(log->arg);
		ret = -EFAULT;
	}
	uvf_free(nodes);
	return ret;
}

int uvf_dma_logging_stop(const struct uvf_dma_log *log, uint32_t flags,
			 size_t size)
{
	int ret;

	if (!log)
		return -ENOTTY;
	ret = uvf_feature_check(flags, VFIO_DEVICE_FEATURE_SET, size, 0);
	return ret == 1 ? log->ops->stop(log->arg) : ret;
}

/*
 * Return: 0, or, in the order they are tested:
 *   -ENOTTY     the device does not log
 *   -EINVAL, 0: uvf_feature_check()
 *   -EFAULT     the structure cannot be read
 *   -EINVAL     pages below 4 KiB, or no power of two
 *   -EOVERFLOW  the interval wraps, or reaches 2^64
 *   -EINVAL     it is empty
 *   what the driver says, and -EFAULT: the bitmap is not there
 */
int uvf_dma_logging_report(const struct uvf_dma_log *log,
			   struct uvf_caller *caller, uint32_t flags,
			   uint64_t data, size_t size)
{
	struct vfio_device_feature_dma_logging_report report;
	struct uvf_dirty_bitmap bitmap = {.caller = caller};
	uint64_t end;
	int ret;

	if (!log)
		return -ENOTTY;
	ret = uvf_feature_check(flags, VFIO_DEVICE_FEATURE_GET, size,
				sizeof(report));
	if (ret != 1)
		return ret;
	if (uvf_copy_in(caller, &report, data, sizeof(report)))
		return -EFAULT;
	if (report.page_size < PAGE_MIN ||
	    report.page_size & (report.page_size - 1))
		return -EINVAL;
	if (__builtin_add_overflow(report.iova, report.length, &end))
		return -EOVERFLOW;
	if (!report.length)
		return -EINVAL;
	bitmap.iova = (struct uvf_range){report.iova, end - 1};
	bitmap.page_size = report.page_size;
	bitmap.addr = report.bitmap;
	return log->ops->report(log->arg, bitmap.iova, &bitmap);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DIRTY_PAGES of type1 v2.
 *
 * The kernel reports every mapped page as dirty as long as a group is
 * attached whose driver never pinned pages; all of ours are such groups.  So
 * there is nothing to remember between two reports.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "iommu/type1.h"
#include "mem/caller.h"

/* The kernel's limits on one mapping and on one call. */
#define MAPPING_PAGES_MAX 0x7fffffffull
#define BITMAP_BYTES_MAX  (1ull << 28)

/* Where addresses of a client end, with four levels of page tables. */
#define CLIENT_END 0x7ffffffff000ull

#define WORD_BITS 64u

#define DIRTY_FLAGS                                                            \
	(VFIO_IOMMU_DIRTY_PAGES_FLAG_START |                                   \
	 VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP |                                    \
	 VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP)

static_assert(sizeof(struct vfio_iommu_type1_dirty_bitmap) == 8, "ABI");
static_assert(sizeof(struct vfio_iommu_type1_dirty_bitmap_get) == 40, "ABI");

int uvf_type1_check_bitmap(const struct vfio_bitmap *bitmap, uint64_t size)
{
	uint64_t data = (uintptr_t)bitmap->data;
	uint64_t pages;

	if (bitmap->size > CLIENT_END || data > CLIENT_END - bitmap->size)
		return -EINVAL;
	/* The kernel's shift by the lowest of no bits is undefined. */
	if (!bitmap->pgsize)
		return -EINVAL;
	pages = size >> __builtin_ctzll(bitmap->pgsize);
	if (!pages || !bitmap->size || bitmap->size > BITMAP_BYTES_MAX ||
	    bitmap->size / 8 < (pages - 1) / WORD_BITS + 1)
		return -EINVAL;
	return 0;
}

bool uvf_type1_is_too_large(struct uvf_range iova, uint64_t granule)
{
	return (iova.last - iova.first) / granule >= MAPPING_PAGES_MAX;
}

/* Set the first @count bits of whole words, and clear those behind. */
static void fill_words(uint64_t *words, size_t word_count, uint64_t count)
{
	for (size_t i = 0; i < word_count; i++) {
		if (count >= WORD_BITS)
			words[i] = ~0ull;
		else
			words[i] = (1ull << count) - 1;
		count -= count < WORD_BITS ? count : WORD_BITS;
	}
}

int uvf_type1_report_dirty_locked(struct uvf_type1 *t1,
				  struct uvf_caller *caller,
				  const struct vfio_bitmap *bitmap,
				  struct uvf_range iova, uint64_t base)
{
	uint64_t granule = uvf_type1_granule_locked(t1);
	uint64_t first = (iova.first - base) / granule;
	uint64_t skip = first % WORD_BITS;
	/* Bits from the start of the first word on. */
	uint64_t bits = skip + (iova.last - iova.first) / granule + 1;
	uint64_t addr = (uintptr_t)bitmap->data + first / WORD_BITS * 8;
	uint64_t before = 0; /* bits of the client that stay */
	uint64_t words[64];

	if (skip && uvf_copy_in(caller, &before, addr, sizeof(before)))
		return -EFAULT;
	before &= (1ull << skip) - 1;
	while (bits) {
		size_t count = sizeof(words) / sizeof(words[0]);

		if (count > (bits - 1) / WORD_BITS + 1)
			count = (bits - 1) / WORD_BITS + 1;
		fill_words(words, count, bits);
		if (skip)
			words[0] = (words[0] & ~0ull << skip) | before;
		if (uvf_copy_out(caller, addr, words, count * 8))
			return -EFAULT;
		addr += count * 8;
		bits -= bits < count * WORD_BITS ? bits : count * WORD_BITS;
		skip = 0;
	}
	return 0;
}

/* Tracking itself costs nothing: only the kernel's limit can refuse it. */
static int start_locked(struct uvf_type1 *t1) UVF_REQUIRES(t1->lock)
{
	uint64_t granule = uvf_type1_granule_locked(t1);
	const struct uvf_inode *node;

	if (t1->is_tracking)
		return 0;
	for (node = uvf_itree_first(&t1->mappings); node;
	     node = uvf_itree_next(node))
		if (uvf_type1_is_too_large(node->key, granule))
			return -EINVAL;
	t1->is_tracking = true;
	return 0;
}

static int
report_range_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
		    const struct vfio_iommu_type1_dirty_bitmap_get *get)
	UVF_REQUIRES(t1->lock)
{
	uint64_t granule = uvf_type1_granule_locked(t1);
	const struct uvf_inode *node;
	struct uvf_range iova;
	int ret;

	if (get->bitmap.pgsize != granule ||
	    (get->iova | get->size) & (granule - 1) ||
	    uvf_range_make(&iova, get->iova, get->size) || !t1->is_tracking ||
	    uvf_type1_is_bisected_locked(t1, iova))
		return -EINVAL;
	for (node = uvf_itree_at_or_after(&t1->mappings, iova.first);
	     node && node->key.first <= iova.last;
	     node = uvf_itree_next(node)) {
		ret = uvf_type1_report_dirty_locked(t1, caller, &get->bitmap,
						    node->key, iova.first);
		if (ret)
			return ret;
	}
	return 0;
}

static int get_bitmap(struct uvf_type1 *t1, struct uvf_caller *caller,
		      uint64_t arg, uint32_t argsz)
{
	struct vfio_iommu_type1_dirty_bitmap_get get;
	size_t head = sizeof(struct vfio_iommu_type1_dirty_bitmap);
	int ret;

	if (argsz - head < sizeof(get))
		return -EINVAL;
	if (uvf_copy_in(caller, &get, arg + head, sizeof(get)))
		return -EFAULT;
	/* Before 6.18 an interval that ends at 2^64 counts as wrapping. */
	if (get.iova + get.size < get.iova)
		return -EINVAL;
	ret = uvf_type1_check_bitmap(&get.bitmap, get.size);
	if (ret)
		return ret;
	uvf_lock(&t1->lock);
	ret = report_range_locked(t1, caller, &get);
	uvf_unlock(&t1->lock);
	return ret;
}

/**
 * uvf_type1_ioctl_dirty_pages() - which pages devices may have written
 * @arg: struct vfio_iommu_type1_dirty_bitmap, followed for GET_BITMAP by
 *       struct vfio_iommu_type1_dirty_bitmap_get
 *
 * Return: 0, or, in the order they are tested:
 *   -EACCES  v1
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  argsz too small; not exactly one known flag; START: a mapping
 *            is too large; GET_BITMAP: argsz too small
 *   -EFAULT  GET_BITMAP: the interval cannot be read
 *   -EINVAL  it wraps; the bitmap does not fit; not the smallest page size,
 *            not whole pages; not tracked; a mapping reaches over an end
 *   -EFAULT  the bitmap cannot be written; a part of it may have been
 */
long uvf_type1_ioctl_dirty_pages(struct uvf_type1 *t1,
				 struct uvf_caller *caller, uint64_t arg)
{
	struct vfio_iommu_type1_dirty_bitmap dirty;
	int ret = 0;

	if (!t1->is_v2)
		return -EACCES;
	if (uvf_copy_in(caller, &dirty, arg, sizeof(dirty)))
		return -EFAULT;
	if (dirty.argsz < sizeof(dirty) || dirty.flags & ~(uint32_t)DIRTY_FLAGS)
		return -EINVAL;
	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		uvf_lock(&t1->lock);
		ret = start_locked(t1);
		uvf_unlock(&t1->lock);
		return ret;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		uvf_lock(&t1->lock);
		t1->is_tracking = false;
		uvf_unlock(&t1->lock);
		return 0;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return get_bitmap(t1, caller, arg, dirty.argsz);
	default:
		return -EINVAL;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DIRTY_PAGES of type1 v2.
 *
 * Each mapping has a bit for each page that a driver wrote by the processor;
 * those that devices wrote are kept by the address spaces, and come to the
 * mapping's when somebody asks.  A host that reports all pages does it as
 * long as a group has DMA of its own and has never pinned pages, by which it
 * would tell what it writes; and there address spaces keep nothing.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "iommu/translate.h"
#include "iommu/type1.h"
#include "mem/caller.h"

/* The kernel's limits on one mapping and on one call. */
#define MAPPING_PAGES_MAX 0x7fffffffull
#define BITMAP_BYTES_MAX  (1ull << 28)

/* Where addresses of a client end, with four levels of page tables. */
#define CLIENT_END 0x7ffffffff000ull

#define WORD_BITS  64u
#define CHUNK      64u /* words that are written at once */
#define PAGE_BYTES 4096ull

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

/* Whether a mapping is too large for a dirty bitmap of the kernel. */
static bool is_too_large(struct uvf_range iova, uint64_t granule)
{
	return (iova.last - iova.first) / granule >= MAPPING_PAGES_MAX;
}

static uint64_t page_count(const struct uvf_mapping *mapping)
{
	return (mapping->node.key.last - mapping->node.key.first) / PAGE_BYTES +
	       1;
}

static uint64_t word_count(const struct uvf_mapping *mapping)
{
	return (page_count(mapping) - 1) / WORD_BITS + 1;
}

bool uvf_type1_keeps_bits_locked(const struct uvf_type1 *t1)
{
	return t1->is_tracking && !t1->host.reports_all_dirty;
}

int uvf_type1_alloc_dirty_locked(struct uvf_type1 *t1,
				 struct uvf_mapping *mapping)
{
	struct uvf_mapping_more *more;

	if (is_too_large(mapping->node.key, uvf_type1_granule_locked(t1)))
		return -EINVAL;
	more = uvf_mapping_get_more(mapping);
	if (!more)
		return -ENOMEM;
	more->dirty = uvf_calloc(word_count(mapping), sizeof(uint64_t));
	return more->dirty ? 0 : -ENOMEM;
}

/* Set the bits of an interval that lies in the mapping. */
static void mark(struct uvf_mapping *mapping, struct uvf_range iova)
{
	uint64_t page = (iova.first - mapping->node.key.first) / PAGE_BYTES;
	uint64_t last = (iova.last - mapping->node.key.first) / PAGE_BYTES;
	uint64_t *dirty = uvf_mapping_dirty(mapping);

	while (page <= last) {
		if (page % WORD_BITS == 0 && last - page >= WORD_BITS - 1) {
			dirty[page / WORD_BITS] = ~0ull;
			page += WORD_BITS;
		} else {
			dirty[page / WORD_BITS] |= 1ull << page % WORD_BITS;
			page++;
		}
	}
}

void uvf_type1_mark_dirty_locked(struct uvf_type1 *t1, struct uvf_range iova)
{
	struct uvf_mapping *mapping =
		uvf_mapping_of(uvf_itree_find(&t1->mappings, iova));

	if (mapping && uvf_mapping_dirty(mapping))
		mark(mapping, iova);
}

void uvf_type1_mark_all_dirty_locked(struct uvf_type1 *t1)
{
	struct uvf_inode *node;

	for (node = uvf_itree_first(&t1->mappings); node;
	     node = uvf_itree_next(node))
		mark(uvf_mapping_of(node), node->key);
}

/* Told by an address space, whose mappings are ours. */
static void mark_run(void *arg, struct uvf_range iova)
	UVF_REQUIRES(((struct uvf_type1 *)arg)->lock)
{
	uvf_type1_mark_dirty_locked(arg, iova);
}

/* What devices wrote until now comes to the mapping's bits. */
static void collect_locked(struct uvf_type1 *t1,
			   const struct uvf_mapping *mapping)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &t1->domains)
		uvf_aspace_take_dirty(uvf_type1_domain_of(node)->aspace,
				      mapping->node.key, true, mark_run, t1);
}

void uvf_type1_drain_dirty_locked(struct uvf_type1 *t1)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &t1->domains)
		uvf_aspace_drain_dirty(uvf_type1_domain_of(node)->aspace,
				       mark_run, t1);
}

/* Whether any page of a mapping may have been written, for all we know. */
static bool is_all_dirty_locked(const struct uvf_type1 *t1,
				const struct uvf_mapping *mapping)
	UVF_REQUIRES(t1->lock)
{
	return t1->host.reports_all_dirty && t1->silent_count &&
	       uvf_mapping_is(mapping, UVF_MAPPING_MAPPED);
}

/* The bits of 64 pages from one on; beyond the mapping they are clear. */
static uint64_t bits_from(const struct uvf_mapping *mapping, uint64_t page)
{
	uint64_t index = page / WORD_BITS, shift = page % WORD_BITS;
	const uint64_t *dirty = uvf_mapping_dirty(mapping);
	uint64_t bits = dirty[index] >> shift;

	if (shift && index + 1 < word_count(mapping))
		bits |= dirty[index + 1] << (WORD_BITS - shift);
	return bits;
}

/* The bit for one granule of a mapping, which may be several pages. */
static bool is_granule_dirty(const struct uvf_mapping *mapping, uint64_t index,
			     uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i += WORD_BITS) {
		uint64_t bits = bits_from(mapping, index * pages + i);

		if (pages < WORD_BITS)
			bits &= (1ull << pages) - 1;
		if (bits)
			return true;
	}
	return false;
}

/* The bits of @count granules, 64 at most, from one on. */
static uint64_t granule_bits_locked(const struct uvf_type1 *t1,
				    const struct uvf_mapping *mapping,
				    uint64_t first, uint64_t count)
	UVF_REQUIRES(t1->lock)
{
	uint64_t mask = count < WORD_BITS ? (1ull << count) - 1 : ~0ull;
	uint64_t pages = uvf_type1_granule_locked(t1) / PAGE_BYTES;
	uint64_t bits = 0;

	if (is_all_dirty_locked(t1, mapping))
		return mask;
	if (pages == 1)
		return bits_from(mapping, first) & mask;
	for (uint64_t i = 0; i < count; i++)
		if (is_granule_dirty(mapping, first + i, pages))
			bits |= 1ull << i;
	return bits;
}

/*
 * Bits of granules, by number, into words from bit @skip on, as far as there
 * is room.  Return: how many were looked at.
 */
static uint64_t fill_words_locked(const struct uvf_type1 *t1,
				  const struct uvf_mapping *mapping,
				  struct uvf_range granules, uint64_t skip,
				  uint64_t words[CHUNK]) UVF_REQUIRES(t1->lock)
{
	uint64_t first = granules.first;

	for (size_t i = 0; i < CHUNK && first <= granules.last; i++) {
		uint64_t count = granules.last - first + 1;

		if (count > WORD_BITS - skip)
			count = WORD_BITS - skip;
		words[i] |= granule_bits_locked(t1, mapping, first, count)
			    << skip;
		first += count;
		skip = 0;
	}
	return first - granules.first;
}

int uvf_type1_report_dirty_locked(struct uvf_type1 *t1,
				  struct uvf_caller *caller,
				  const struct vfio_bitmap *bitmap,
				  const struct uvf_mapping *mapping,
				  uint64_t base)
{
	uint64_t granule = uvf_type1_granule_locked(t1);
	uint64_t offset = (mapping->node.key.first - base) / granule;
	uint64_t count = page_count(mapping) / (granule / PAGE_BYTES);
	uint64_t addr = (uintptr_t)bitmap->data + offset / WORD_BITS * 8;
	uint64_t skip = offset % WORD_BITS;
	uint64_t done = 0;

	collect_locked(t1, mapping);
	while (done < count) {
		uint64_t words[CHUNK] = {0};
		uint64_t bits, bytes;

		/* Bits of the client that stay. */
		if (skip && uvf_copy_in(caller, words, addr, sizeof(words[0])))
			return -EFAULT;
		words[0] &= (1ull << skip) - 1;
		bits = fill_words_locked(t1, mapping,
					 (struct uvf_range){done, count - 1},
					 skip, words);
		bytes = ((skip + bits - 1) / WORD_BITS + 1) * 8;
		if (uvf_copy_out(caller, addr, words, bytes))
			return -EFAULT;
		addr += bytes;
		done += bits;
		skip = 0;
	}
	return 0;
}

static void stop_locked(struct uvf_type1 *t1) UVF_REQUIRES(t1->lock)
{
	struct uvf_list *domain;
	struct uvf_inode *node;

	uvf_list_for_each (domain, &t1->domains)
		(void)uvf_aspace_track_dirty(
			uvf_type1_domain_of(domain)->aspace, false);
	for (node = uvf_itree_first(&t1->mappings); node;
	     node = uvf_itree_next(node)) {
		struct uvf_mapping *mapping = uvf_mapping_of(node);

		if (!uvf_mapping_is(mapping, UVF_MAPPING_MORE))
			continue;
		uvf_free(mapping->more->dirty);
		mapping->more->dirty = NULL;
		if (!uvf_type1_is_pinned_locked(t1, node->key))
			uvf_mapping_simplify(mapping);
	}
	t1->is_tracking = false;
}

static int track_domains_locked(struct uvf_type1 *t1) UVF_REQUIRES(t1->lock)
{
	struct uvf_list *node;
	int ret;

	if (!uvf_type1_keeps_bits_locked(t1))
		return 0;
	uvf_list_for_each (node, &t1->domains) {
		ret = uvf_aspace_track_dirty(uvf_type1_domain_of(node)->aspace,
					     true);
		if (ret)
			return ret;
	}
	return 0;
}

/* Return: 0, or, as for the first mapping it fails for, -EINVAL, -ENOMEM. */
static int start_locked(struct uvf_type1 *t1) UVF_REQUIRES(t1->lock)
{
	struct uvf_inode *node;
	int ret = 0;

	if (t1->is_tracking)
		return 0;
	t1->is_tracking = true;
	for (node = uvf_itree_first(&t1->mappings); node && !ret;
	     node = uvf_itree_next(node)) {
		struct uvf_mapping *mapping = uvf_mapping_of(node);

		ret = uvf_type1_alloc_dirty_locked(t1, mapping);
		if (!ret)
			uvf_type1_mark_pins_locked(t1, mapping);
	}
	if (!ret)
		ret = track_domains_locked(t1);
	if (ret)
		stop_locked(t1);
	return ret;
}

/* Reported: forget it, but for pages that may be written at any time. */
static void forget_locked(struct uvf_type1 *t1, struct uvf_mapping *mapping)
	UVF_REQUIRES(t1->lock)
{
	memset(uvf_mapping_dirty(mapping), 0,
	       word_count(mapping) * sizeof(uint64_t));
	uvf_type1_mark_pins_locked(t1, mapping);
}

static int
report_range_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
		    const struct vfio_iommu_type1_dirty_bitmap_get *get)
	UVF_REQUIRES(t1->lock)
{
	uint64_t granule = uvf_type1_granule_locked(t1);
	struct uvf_inode *node;
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
						    uvf_mapping_of(node),
						    iova.first);
		if (ret)
			return ret;
		forget_locked(t1, uvf_mapping_of(node));
	}
	return 0;
}

/* Before 6.18 an interval that ends at 2^64 counts as wrapping. */
static int check_interval(const struct uvf_type1 *t1, uint64_t first,
			  uint64_t size)
{
	struct uvf_range range;

	if (uvf_type1_knows_overflow(t1))
		return uvf_range_make(&range, first, size);
	return first + size < first ? -EINVAL : 0;
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
	ret = check_interval(t1, get.iova, get.size);
	if (ret)
		return ret;
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
 *   -ENOTTY  before 5.8
 *   -EACCES  v1
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  argsz too small; not exactly one known flag; START: a mapping
 *            is too large; GET_BITMAP: argsz too small
 *   -ENOMEM  START: no memory for the bits
 *   -EFAULT  GET_BITMAP: the interval cannot be read
 *   -EINVAL  it wraps (from 6.18 on -EOVERFLOW); the bitmap does not fit;
 *            not the smallest page size, not whole pages; not tracked; a
 *            mapping reaches over an end
 *   -EFAULT  the bitmap cannot be written; a part of it may have been
 */
long uvf_type1_ioctl_dirty_pages(struct uvf_type1 *t1,
				 struct uvf_caller *caller, uint64_t arg)
{
	struct vfio_iommu_type1_dirty_bitmap dirty;
	int ret = 0;

	if (!t1->host.profile->type1_has_dirty_pages)
		return -ENOTTY;
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
		if (t1->is_tracking)
			stop_locked(t1);
		uvf_unlock(&t1->lock);
		return 0;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return get_bitmap(t1, caller, arg, dirty.argsz);
	default:
		return -EINVAL;
	}
}

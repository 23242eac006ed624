/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mappings of an I/O address space.
 *
 * An area says which IOVA reaches which bytes of which pages.  While there
 * is a page table, every area is filled: devices reach it, and its pages are
 * pinned.  Before, memory was not even looked at.
 */
#include <errno.h>

#include "base/alloc.h"
#include "iommu/iommufd/private.h"
#include "iommu/translate.h"
#include "mem/mem.h"

/* How often an access is asked for the same area. */
#define NOTIFY_MAX 100u

static struct uvf_area *area_of(struct uvf_inode *node)
{
	return node ? uvf_itree_entry(node, struct uvf_area, node) : NULL;
}

struct uvf_area *uvf_area_at(const struct uvf_ioas *ioas, uint64_t iova)
{
	return area_of(
		uvf_itree_find(&ioas->areas, (struct uvf_range){iova, iova}));
}

struct uvf_area *uvf_area_from(const struct uvf_ioas *ioas, uint64_t iova)
{
	return area_of(uvf_itree_at_or_after(&ioas->areas, iova));
}

struct uvf_area *uvf_area_next(const struct uvf_area *area)
{
	return area_of(uvf_itree_next(&area->node));
}

static struct uvf_area *area_create(struct uvf_pages *pages, uint64_t offset,
				    uint64_t size)
{
	struct uvf_area *area = uvf_zalloc(sizeof(*area));

	if (!area)
		return NULL;
	uvf_list_init(&area->pending);
	area->pages = uvf_pages_get(pages);
	area->offset = offset;
	area->size = size;
	return area;
}

static void area_destroy(struct uvf_area *area)
{
	uvf_pages_put(area->pages);
	uvf_free(area);
}

void uvf_ioas_drop_areas(struct uvf_list *areas)
{
	while (!uvf_list_is_empty(areas)) {
		struct uvf_area *area =
			uvf_list_entry(areas->next, struct uvf_area, pending);

		uvf_list_remove(&area->pending);
		area_destroy(area);
	}
}

static struct uvf_range bytes_of(const struct uvf_area *area)
{
	return (struct uvf_range){area->offset, area->offset + area->size - 1};
}

static int hold_area(struct uvf_area *area)
{
	return uvf_pages_hold(area->pages, bytes_of(area), false, &area->hold);
}

static void release_area(struct uvf_area *area)
{
	uvf_pages_release(area->pages, bytes_of(area), &area->hold);
}

static struct uvf_hwpt *hwpt_of(struct uvf_list *node)
{
	return uvf_list_entry(node, struct uvf_hwpt, ioas_node);
}

/* Let all page tables lead to an area, or none. */
static int fill_area(struct uvf_ioas *ioas, struct uvf_area *area)
{
	struct uvf_list *node;
	int ret = hold_area(area);

	if (ret)
		return ret;
	uvf_list_for_each (node, &ioas->hwpts) {
		ret = uvf_hwpt_map(hwpt_of(node), area);
		if (ret)
			break;
	}
	if (!ret)
		return 0;
	for (node = node->prev; node != &ioas->hwpts; node = node->prev)
		uvf_aspace_unlink(hwpt_of(node)->aspace, area->node.key);
	release_area(area);
	return ret;
}

/* The caller drains the tables before it lets its own caller go on. */
static void unfill_area(struct uvf_ioas *ioas, struct uvf_area *area)
{
	struct uvf_list *node;

	if (!area->hold.mem)
		return;
	uvf_list_for_each (node, &ioas->hwpts)
		uvf_aspace_unlink(hwpt_of(node)->aspace, area->node.key);
	release_area(area);
}

static void drain(struct uvf_ioas *ioas)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &ioas->hwpts)
		uvf_aspace_drain(hwpt_of(node)->aspace);
}

/* Take back what a table that is not to be was led to, before @end. */
static void undo_fill(struct uvf_ioas *ioas, struct uvf_hwpt *hwpt,
		      const struct uvf_area *end)
{
	bool is_first = uvf_list_is_empty(&ioas->hwpts);

	for (struct uvf_area *area = uvf_area_from(ioas, 0); area != end;
	     area = uvf_area_next(area)) {
		uvf_aspace_unlink(hwpt->aspace, area->node.key);
		if (is_first)
			release_area(area);
	}
	uvf_aspace_drain(hwpt->aspace);
}

int uvf_ioas_fill(struct uvf_ioas *ioas, struct uvf_hwpt *hwpt)
{
	bool is_first = uvf_list_is_empty(&ioas->hwpts);

	for (struct uvf_area *area = uvf_area_from(ioas, 0); area;
	     area = uvf_area_next(area)) {
		int ret = is_first ? hold_area(area) : 0;

		if (!ret) {
			ret = uvf_hwpt_map(hwpt, area);
			if (ret && is_first)
				release_area(area);
		}
		if (ret) {
			undo_fill(ioas, hwpt, area);
			return ret;
		}
	}
	return 0;
}

void uvf_ioas_unfill(struct uvf_ioas *ioas)
{
	for (struct uvf_area *area = uvf_area_from(ioas, 0); area;
	     area = uvf_area_next(area))
		release_area(area);
}

static void remove_area(struct uvf_ioas *ioas, struct uvf_area *area)
{
	unfill_area(ioas, area);
	uvf_itree_remove(&ioas->areas, &area->node);
	area_destroy(area);
}

/* Give one piece its place. */
static int insert_area(struct uvf_ioas *ioas, struct uvf_area *area,
		       uint64_t iova, uint32_t prot)
{
	uint64_t vaddr = area->pages->vaddr.first + area->offset;
	struct uvf_range key;
	int ret;

	if (prot & UVF_PROT_WRITE && !area->pages->is_writable)
		return -EPERM;
	if (vaddr & (UVF_IOMMUFD_PAGE - 1) & (ioas->alignment - 1))
		return -EINVAL;
	/* Pieces that fit together may not do so one by one. */
	if (ioas->hwpt_count && (iova | area->size) & (UVF_IOMMUFD_PAGE - 1))
		return -EINVAL;
	ret = uvf_range_make(&key, iova, area->size);
	if (ret)
		return ret;
	area->prot = prot;
	return uvf_itree_insert(&ioas->areas, &area->node, key);
}

/* All pieces side by side and, if devices are there, filled; or none. */
static int insert_areas(struct uvf_ioas *ioas, struct uvf_list *areas,
			uint64_t iova, uint32_t prot)
{
	struct uvf_list *node;
	int ret = 0;

	uvf_list_for_each (node, areas) {
		struct uvf_area *area =
			uvf_list_entry(node, struct uvf_area, pending);

		ret = insert_area(ioas, area, iova, prot);
		if (ret)
			break;
		iova += area->size;
		if (!ioas->hwpt_count)
			continue;
		ret = fill_area(ioas, area);
		if (ret) {
			uvf_itree_remove(&ioas->areas, &area->node);
			break;
		}
	}
	if (!ret)
		return 0;
	for (node = node->prev; node != areas; node = node->prev) {
		struct uvf_area *area =
			uvf_list_entry(node, struct uvf_area, pending);

		unfill_area(ioas, area);
		uvf_itree_remove(&ioas->areas, &area->node);
	}
	drain(ioas);
	return ret;
}

int uvf_ioas_add_areas(struct uvf_ioas *ioas, struct uvf_list *areas,
		       uint64_t size, uint32_t prot, bool is_fixed,
		       uint64_t *iova)
{
	const struct uvf_area *first =
		uvf_list_entry(areas->next, struct uvf_area, pending);
	int ret;

	if (size & (ioas->alignment - 1))
		ret = -EINVAL;
	else if (is_fixed)
		ret = uvf_ioas_check_iova(ioas, *iova, size);
	else
		ret = uvf_ioas_choose_iova(
			ioas, first->pages->vaddr.first + first->offset, size,
			iova);
	if (!ret)
		ret = insert_areas(ioas, areas, *iova, prot);
	if (ret) {
		uvf_ioas_drop_areas(areas);
		return ret;
	}
	while (!uvf_list_is_empty(areas))
		uvf_list_remove(areas->next);
	return 0;
}

int uvf_ioas_map(struct uvf_ioas *ioas, const struct uvf_map *map,
		 uint64_t *iova)
{
	struct uvf_pages *pages;
	struct uvf_area *area;
	struct uvf_list areas;
	uint64_t end;
	int ret;

	if (!map->size || map->size > UINT64_MAX - UVF_IOMMUFD_PAGE)
		return -EINVAL;
	if (__builtin_add_overflow(map->vaddr, map->size, &end))
		return -EOVERFLOW;
	ret = uvf_pages_create(&pages, ioas->ctx, map);
	if (ret)
		return ret;
	area = area_create(pages, 0, map->size);
	uvf_pages_put(pages);
	if (!area)
		return -ENOMEM;
	uvf_list_init(&areas);
	uvf_list_append(&areas, &area->pending);
	return uvf_ioas_add_areas(ioas, &areas, map->size, map->prot,
				  map->is_fixed, iova);
}

int uvf_ioas_copy(struct uvf_ioas *ioas, uint64_t src_iova, uint64_t size,
		  struct uvf_list *ret_areas)
{
	struct uvf_range left;
	int ret = uvf_range_make(&left, src_iova, size);

	if (ret)
		return ret;
	for (;;) {
		const struct uvf_area *from = uvf_area_at(ioas, left.first);
		struct uvf_area *piece;
		uint64_t last;

		ret = -ENOENT;
		if (!from)
			break;
		last = from->node.key.last < left.last ? from->node.key.last
						       : left.last;
		piece = area_create(from->pages,
				    from->offset +
					    (left.first - from->node.key.first),
				    last - left.first + 1);
		ret = -ENOMEM;
		if (!piece)
			break;
		uvf_list_append(ret_areas, &piece->pending);
		if (last == left.last)
			return 0;
		left.first = last + 1;
	}
	uvf_ioas_drop_areas(ret_areas);
	return ret;
}

int uvf_ioas_unmap(struct uvf_ioas *ioas, struct uvf_range iova,
		   uint64_t *ret_size)
{
	struct uvf_area *area;
	unsigned int tries = 0;
	int ret = 0;

	*ret_size = 0;
	while ((area = uvf_area_from(ioas, iova.first)) &&
	       area->node.key.first <= iova.last) {
		struct uvf_range key = area->node.key;

		if (!uvf_range_contains(iova, key)) {
			ret = -ENOENT;
			break;
		}
		if (key.first != iova.first)
			tries = 0;
		iova.first = key.first;
		if (area->pins) {
			if (tries++ == NOTIFY_MAX) {
				ret = -EDEADLOCK;
				break;
			}
			area->is_going = true;
			uvf_iommufd_notify(ioas, key);
			continue;
		}
		*ret_size += area->size;
		remove_area(ioas, area);
		if (key.last == iova.last)
			break;
		iova.first = key.last + 1;
	}
	drain(ioas);
	return ret;
}

/* Let the page tables, and what is held, be as if there were two areas. */
static int split_filled(struct uvf_ioas *ioas, const struct uvf_area *area,
			uint64_t at)
{
	struct uvf_list *node;
	int ret = uvf_pages_split(area->pages,
				  area->offset + (at - area->node.key.first));

	uvf_list_for_each (node, &ioas->hwpts) {
		if (ret)
			break;
		ret = uvf_aspace_split(hwpt_of(node)->aspace, area->node.key,
				       at);
	}
	return ret;
}

/* Two areas instead of one; devices see no difference. */
static int split(struct uvf_ioas *ioas, struct uvf_area *area, uint64_t last)
{
	struct uvf_range low = {area->node.key.first, last};
	struct uvf_range high = {last + 1, area->node.key.last};
	bool is_filled = area->hold.mem;
	struct uvf_area *rest;

	if (area->pins || (is_filled && !ioas->has_small_pages))
		return -EINVAL;
	rest = area_create(area->pages, area->offset + uvf_range_size(low),
			   uvf_range_size(high));
	if (!rest)
		return -ENOMEM;
	/* Should it fail, what was cut before needs no undoing. */
	if (is_filled && split_filled(ioas, area, high.first)) {
		area_destroy(rest);
		return -ENOMEM;
	}
	rest->prot = area->prot;
	if (is_filled) {
		rest->hold.mem = uvf_mem_get(area->hold.mem);
		rest->hold.offset = area->hold.offset + uvf_range_size(low);
	}
	uvf_itree_remove(&ioas->areas, &area->node);
	area->size = uvf_range_size(low);
	uvf_itree_insert(&ioas->areas, &area->node, low);
	uvf_itree_insert(&ioas->areas, &rest->node, high);
	return 0;
}

int uvf_ioas_cut(struct uvf_ioas *ioas, uint64_t last)
{
	struct uvf_area *area = uvf_area_at(ioas, last);
	uint64_t mask = ioas->alignment - 1;
	struct uvf_range key;

	/* One byte of an area is never cut off, as in the kernel. */
	if (!area || last == area->node.key.first ||
	    last == area->node.key.last)
		return 0;
	if (area->is_going)
		return -EBUSY;
	key = area->node.key;
	if (((last + 1) | (area->pages->vaddr.first + area->offset +
			   (last + 1 - key.first))) &
	    mask)
		return -EINVAL;
	return split(ioas, area, last);
}

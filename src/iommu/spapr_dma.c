/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MAP_DMA and UNMAP_DMA of a POWER host: TCEs, set and cleared.
 */
#include "iommu/spapr.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "iommu/translate.h"
#include "mem/caller.h"
#include "mem/mem.h"

/* Client memory for the next TCEs of a call. */
struct piece {
	struct uvf_mem *mem;             /* a reference */
	uint64_t offset;                 /* of its first byte */
	uint64_t size;                   /* bytes, whole TCEs */
	struct uvf_spapr_region *region; /* v2: a mapping counted; or NULL */
};

/* A MAP_DMA that was found right. */
struct request {
	struct uvf_range iova;
	uint64_t vaddr;
	uint64_t tce_size;
	uint32_t prot;
};

static struct uvf_spapr_mapping *mapping_of(struct uvf_inode *node)
{
	return node ? uvf_itree_entry(node, struct uvf_spapr_mapping, node)
		    : NULL;
}

/* The first mapping that meets [first, last], or NULL. */
static struct uvf_spapr_mapping *meets_locked(const struct uvf_spapr *sp,
					      uint64_t first, uint64_t last)
	UVF_REQUIRES(sp->lock)
{
	struct uvf_inode *node = uvf_itree_at_or_after(&sp->mappings, first);

	return node && node->key.first <= last ? mapping_of(node) : NULL;
}

/*
 * Let no mapping cross an address: one that does becomes two.  Nobody sees a
 * difference.
 * Return: 0 or -ENOMEM.
 */
static int cut_locked(struct uvf_spapr *sp, uint64_t at) UVF_REQUIRES(sp->lock)
{
	struct uvf_spapr_mapping *mapping = meets_locked(sp, at, at);
	struct uvf_spapr_mapping *behind;
	struct uvf_range key;
	int ret;

	if (!mapping || mapping->node.key.first == at)
		return 0;
	behind = uvf_zalloc(sizeof(*behind));
	if (!behind)
		return -ENOMEM;
	key = mapping->node.key;
	ret = uvf_aspace_split(sp->aspace, key, at);
	if (ret) {
		uvf_free(behind);
		return ret;
	}
	/* Commit: both halves are free again. */
	behind->region = mapping->region;
	if (behind->region)
		uvf_spapr_region_add_mapping(behind->region);
	uvf_itree_remove(&sp->mappings, &mapping->node);
	uvf_itree_insert(&sp->mappings, &mapping->node,
			 (struct uvf_range){key.first, at - 1});
	uvf_itree_insert(&sp->mappings, &behind->node,
			 (struct uvf_range){at, key.last});
	return 0;
}

/* The same at both ends of an interval that is not empty. */
static int cut_out_locked(struct uvf_spapr *sp, struct uvf_range iova)
	UVF_REQUIRES(sp->lock)
{
	int ret = cut_locked(sp, iova.first);

	/* Nothing crosses the end of all addresses. */
	if (!ret && iova.last != UINT64_MAX)
		ret = cut_locked(sp, iova.last + 1);
	return ret;
}

void uvf_spapr_clear_locked(struct uvf_spapr *sp, struct uvf_range iova)
{
	struct uvf_spapr_mapping *mapping;

	uvf_assert_held(&sp->lock);
	while ((mapping = meets_locked(sp, iova.first, iova.last))) {
		if (UVF_BUG_ON(!uvf_range_contains(iova, mapping->node.key)))
			return;
		uvf_itree_remove(&sp->mappings, &mapping->node);
		uvf_aspace_unlink(sp->aspace, mapping->node.key);
		if (mapping->region)
			uvf_spapr_region_remove_mapping(mapping->region);
		uvf_free(mapping);
	}
	uvf_aspace_drain(sp->aspace);
}

/* Set TCEs where there are none; the mapping counts in the piece's region. */
static int add_locked(struct uvf_spapr *sp, struct uvf_range iova,
		      const struct piece *piece, uint64_t offset, uint32_t prot)
	UVF_REQUIRES(sp->lock)
{
	struct uvf_spapr_mapping *mapping = uvf_zalloc(sizeof(*mapping));
	int ret;

	if (!mapping)
		return -ENOMEM;
	ret = uvf_aspace_map_slice(sp->aspace, iova, piece->mem, offset, prot);
	if (ret) {
		uvf_free(mapping);
		return ret;
	}
	mapping->region = piece->region;
	if (mapping->region)
		uvf_spapr_region_add_mapping(mapping->region);
	uvf_itree_insert(&sp->mappings, &mapping->node, iova);
	return 0;
}

/* Set TCEs that are set: devices meet the old ones or these. */
static int replace_locked(struct uvf_spapr *sp,
			  struct uvf_spapr_mapping *mapping,
			  const struct piece *piece, uint64_t offset,
			  uint32_t prot) UVF_REQUIRES(sp->lock)
{
	int ret = uvf_aspace_replace_slice(sp->aspace, mapping->node.key,
					   piece->mem, offset, prot);

	if (ret)
		return ret;
	if (mapping->region)
		uvf_spapr_region_remove_mapping(mapping->region);
	mapping->region = piece->region;
	if (mapping->region)
		uvf_spapr_region_add_mapping(mapping->region);
	return 0;
}

/*
 * Set the TCEs of an interval, part by part.
 * @ret_done: bytes of it that are set, whether the rest is or not
 * Return: 0 or -ENOMEM.
 */
static int set_locked(struct uvf_spapr *sp, struct uvf_range iova,
		      const struct piece *piece, uint32_t prot,
		      uint64_t *ret_done) UVF_REQUIRES(sp->lock)
{
	int ret = cut_out_locked(sp, iova);

	*ret_done = 0;
	while (!ret && *ret_done < piece->size) {
		uint64_t pos = iova.first + *ret_done;
		struct uvf_spapr_mapping *mapping =
			meets_locked(sp, pos, iova.last);
		uint64_t offset = piece->offset + *ret_done;
		struct uvf_range part = {pos, iova.last};

		if (mapping && mapping->node.key.first > pos) {
			part.last = mapping->node.key.first - 1;
			mapping = NULL;
		}
		if (mapping) {
			part = mapping->node.key;
			ret = replace_locked(sp, mapping, piece, offset, prot);
		} else {
			ret = add_locked(sp, part, piece, offset, prot);
		}
		if (!ret)
			*ret_done += uvf_range_size(part);
	}
	return ret;
}

/*
 * v1: as many TCEs of @size bytes as have memory behind them, none too few.
 * Return: 0, -ENOMEM or -EFAULT not even the first.
 */
static int find_memory(struct uvf_caller *caller, uint64_t vaddr, uint64_t size,
		       uint64_t tce_size, struct piece *ret_piece)
{
	uint64_t good = 0, bad = size / tce_size + 1, count = size / tce_size;

	*ret_piece = (struct piece){0};
	while (good + 1 < bad) {
		struct uvf_range range = {vaddr, vaddr + count * tce_size - 1};
		struct uvf_mem *mem;
		int ret = range.last < vaddr
				  ? -EFAULT
				  : uvf_mem_create(&mem, caller->mm, range,
						   UVF_PROT_ALL);

		if (ret == -ENOMEM) {
			uvf_mem_put(ret_piece->mem);
			return ret;
		}
		if (ret) {
			bad = count;
		} else {
			good = count;
			uvf_mem_put(ret_piece->mem);
			ret_piece->mem = mem;
		}
		count = good + (bad - good) / 2;
	}
	ret_piece->size = good * tce_size;
	return good ? 0 : -EFAULT;
}

/* v2: what one region has of it.  Return: 0 or -EINVAL nothing. */
static int find_region(const struct uvf_mm *mm, uint64_t vaddr, uint64_t size,
		       uint64_t tce_size, struct piece *ret_piece)
{
	struct uvf_range range = {vaddr, vaddr + (tce_size - 1)};
	struct uvf_spapr_region *region;
	uint64_t room;

	if (range.last < vaddr)
		return -EINVAL;
	region = uvf_spapr_region_find(mm, range);
	if (!region)
		return -EINVAL;
	if (tce_size >> region->page_shift > 1) {
		uvf_spapr_region_remove_mapping(region);
		return -EINVAL;
	}
	room = region->vaddr.last - vaddr + 1;
	room -= room % tce_size;
	ret_piece->mem = uvf_mem_get(region->mem);
	ret_piece->offset = vaddr - region->vaddr.first;
	ret_piece->size = room < size ? room : size;
	ret_piece->region = region;
	return 0;
}

static int find_piece(const struct uvf_spapr *sp, struct uvf_caller *caller,
		      const struct request *request, uint64_t done,
		      struct piece *ret_piece)
{
	uint64_t size = uvf_range_size(request->iova) - done;

	if (sp->is_v2)
		return find_region(sp->mm, request->vaddr + done, size,
				   request->tce_size, ret_piece);
	return find_memory(caller, request->vaddr + done, size,
			   request->tce_size, ret_piece);
}

/* From the first TCE on; those that were set are cleared if one cannot be. */
static int build_locked(struct uvf_spapr *sp, struct uvf_caller *caller,
			const struct request *request) UVF_REQUIRES(sp->lock)
{
	uint64_t size = uvf_range_size(request->iova);
	uint64_t done = 0;
	int ret = cut_out_locked(sp, request->iova);

	if (ret)
		return ret;
	while (!ret && done < size) {
		uint64_t first = request->iova.first + done;
		uint64_t set = 0;
		struct piece piece;

		ret = find_piece(sp, caller, request, done, &piece);
		if (ret)
			break;
		ret = set_locked(
			sp, (struct uvf_range){first, first + (piece.size - 1)},
			&piece, request->prot, &set);
		done += set;
		if (piece.region)
			uvf_spapr_region_remove_mapping(piece.region);
		uvf_mem_put(piece.mem);
	}
	if (ret && done)
		uvf_spapr_clear_locked(
			sp,
			(struct uvf_range){request->iova.first,
					   request->iova.first + (done - 1)});
	uvf_aspace_drain(sp->aspace);
	return ret;
}

/* Whether an interval of @size bytes, perhaps none, lies in a window. */
static bool fits(const struct uvf_spapr_window *window, uint64_t iova,
		 uint64_t size)
{
	uint64_t mask = (1ull << window->page_shift) - 1;

	return !(iova & mask) &&
	       (!size || size - 1 <= window->iova.last - iova);
}

/* What both calls ask for first.  Return: 0, -EPERM or -EFAULT. */
static int admit_locked(struct uvf_spapr *sp, struct uvf_caller *caller,
			bool is_unreadable) UVF_REQUIRES(sp->lock)
{
	int ret = uvf_spapr_admit_locked(sp, caller);

	if (ret)
		return ret;
	if (!sp->is_enabled)
		return -EPERM;
	return is_unreadable ? -EFAULT : 0;
}

static int map_locked(struct uvf_spapr *sp, struct uvf_caller *caller,
		      const struct vfio_iommu_type1_dma_map *map)
	UVF_REQUIRES(sp->lock)
{
	struct uvf_spapr_window *window;
	struct request request;
	uint64_t mask;
	int ret;

	if (map->argsz < sizeof(*map) ||
	    map->flags & ~(uint32_t)(VFIO_DMA_MAP_FLAG_READ |
				     VFIO_DMA_MAP_FLAG_WRITE))
		return -EINVAL;
	ret = uvf_spapr_make_default_locked(sp, caller);
	if (ret)
		return ret;
	window = uvf_spapr_find_window_locked(sp, map->iova);
	if (!window)
		return -ENXIO;
	mask = (1ull << window->page_shift) - 1;
	if ((map->size | map->vaddr) & mask || !map->flags ||
	    !fits(window, map->iova, map->size))
		return -EINVAL;
	if (!map->size)
		return 0;
	request.iova =
		(struct uvf_range){map->iova, map->iova + (map->size - 1)};
	request.vaddr = map->vaddr;
	request.tce_size = mask + 1;
	request.prot = map->flags;
	return build_locked(sp, caller, &request);
}

/**
 * uvf_spapr_ioctl_map_dma() - set TCEs
 * @arg: struct vfio_iommu_type1_dma_map
 *
 * TCEs that are set are replaced.  When one cannot be set, those before it
 * are cleared, and those behind it stay as they were.
 *
 * Return: 0, or, in the order they are tested:
 *   -EPERM   another process than the first; not enabled
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  argsz too small; unknown flag
 *   -ENOMEM  the table of the pending default window is over the limit of
 *            locked memory
 *   -ENXIO   the IOVA is in no window
 *   -EINVAL  size or address not whole IOMMU pages; neither READ nor WRITE;
 *            IOVA not whole IOMMU pages; it reaches out of the window
 *   -ENOMEM  out of memory
 *   -EFAULT  v1: memory is not there, or not writable
 *   -EINVAL  v2: memory is not registered, or not in pages that large
 */
long uvf_spapr_ioctl_map_dma(struct uvf_spapr *sp, struct uvf_caller *caller,
			     uint64_t arg)
{
	struct vfio_iommu_type1_dma_map map;
	bool is_unreadable = uvf_copy_in(caller, &map, arg, sizeof(map));
	int ret;

	uvf_lock(&sp->lock);
	ret = admit_locked(sp, caller, is_unreadable);
	if (!ret)
		ret = map_locked(sp, caller, &map);
	uvf_unlock(&sp->lock);
	return ret;
}

static int unmap_locked(struct uvf_spapr *sp, struct uvf_caller *caller,
			const struct vfio_iommu_type1_dma_unmap *unmap)
	UVF_REQUIRES(sp->lock)
{
	struct uvf_spapr_window *window;
	struct uvf_range iova;
	int ret;

	if (unmap->argsz < sizeof(*unmap) || unmap->flags)
		return -EINVAL;
	ret = uvf_spapr_make_default_locked(sp, caller);
	if (ret)
		return ret;
	window = uvf_spapr_find_window_locked(sp, unmap->iova);
	if (!window)
		return -ENXIO;
	if (unmap->size & ((1ull << window->page_shift) - 1) ||
	    !fits(window, unmap->iova, unmap->size))
		return -EINVAL;
	if (!unmap->size)
		return 0;
	iova = (struct uvf_range){unmap->iova, unmap->iova + (unmap->size - 1)};
	ret = cut_out_locked(sp, iova);
	if (!ret)
		uvf_spapr_clear_locked(sp, iova);
	return ret;
}

/**
 * uvf_spapr_ioctl_unmap_dma() - clear TCEs
 * @arg: struct vfio_iommu_type1_dma_unmap; nothing is written back
 *
 * Any part of what was mapped; TCEs that are clear are ignored.  When it
 * returns, no device reaches the memory.
 *
 * Return: 0, or, in the order they are tested:
 *   -EPERM   another process than the first; not enabled
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  argsz too small; a flag
 *   -ENOMEM  as for MAP_DMA
 *   -ENXIO   the IOVA is in no window
 *   -EINVAL  size or IOVA not whole IOMMU pages; it reaches out of the window
 *   -ENOMEM  out of memory, and nothing changed
 */
long uvf_spapr_ioctl_unmap_dma(struct uvf_spapr *sp, struct uvf_caller *caller,
			       uint64_t arg)
{
	struct vfio_iommu_type1_dma_unmap unmap;
	bool is_unreadable = uvf_copy_in(caller, &unmap, arg, sizeof(unmap));
	int ret;

	uvf_lock(&sp->lock);
	ret = admit_locked(sp, caller, is_unreadable);
	if (!ret)
		ret = unmap_locked(sp, caller, &unmap);
	uvf_unlock(&sp->lock);
	return ret;
}

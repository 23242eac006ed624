/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MAP_DMA and UNMAP_DMA.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "base/alloc.h"
#include "iommu/translate.h"
#include "iommu/type1.h"
#include "mem/caller.h"
#include "mem/mem.h"

/* How often drivers are asked to unpin; Linux stops the system then. */
#define UNPIN_TRIES 10

static_assert(sizeof(struct vfio_iommu_type1_dma_map) == 32, "ABI");
static_assert(sizeof(struct vfio_iommu_type1_dma_unmap) == 24, "ABI");
static_assert(sizeof(struct vfio_bitmap) == 24, "ABI");
static_assert(UVF_PROT_READ == VFIO_DMA_MAP_FLAG_READ &&
		      UVF_PROT_WRITE == VFIO_DMA_MAP_FLAG_WRITE,
	      "protections are passed on as they come");

/* Devices may use it still, until the domains are drained. */
static void free_locked(struct uvf_type1 *t1, struct uvf_mapping *mapping)
	UVF_REQUIRES(t1->lock)
{
	uvf_itree_remove(&t1->mappings, &mapping->node);
	uvf_type1_drop_pins_locked(t1, mapping->node.key);
	if (uvf_mapping_is(mapping, UVF_MAPPING_INVALID))
		t1->invalid_count--;
	t1->available++;
	uvf_mapping_fini(mapping);
	uvf_pool_free(&t1->pool, mapping);
}

void uvf_type1_remove_all_locked(struct uvf_type1 *t1)
{
	struct uvf_inode *node;

	uvf_assert_held(&t1->lock);
	while ((node = uvf_itree_first(&t1->mappings))) {
		uvf_type1_unlink_domains_locked(t1, uvf_mapping_of(node));
		free_locked(t1, uvf_mapping_of(node));
	}
	uvf_type1_drain_domains_locked(t1);
}

/*
 * Other memory behind a mapping, in all domains.  When the second has no
 * room for it, the first keeps it: to its client the two are the same.
 */
static int replace_locked(struct uvf_type1 *t1, struct uvf_mapping *mapping,
			  struct uvf_mem *mem) UVF_REQUIRES(t1->lock)
{
	struct uvf_list *node;
	int ret;

	uvf_list_for_each (node, &t1->domains) {
		struct uvf_type1_domain *domain = uvf_type1_domain_of(node);

		ret = uvf_aspace_replace(domain->aspace, mapping->node.key,
					 mem);
		if (ret)
			return ret;
	}
	uvf_mapping_set_mem(mapping, uvf_mem_get(mem));
	return 0;
}

/*
 * Memory whose pages we hold stays: it is what the kernel has pinned.  Other
 * memory is looked for where the client says that it is now; if it is not
 * there, devices keep what they have, as in the kernel.
 */
static int follow_locked(struct uvf_type1 *t1, struct uvf_mapping *mapping,
			 struct uvf_caller *caller, uint64_t vaddr)
	UVF_REQUIRES(t1->lock)
{
	const struct uvf_range iova = mapping->node.key;
	struct uvf_range range = {vaddr, vaddr + (iova.last - iova.first)};
	struct uvf_mem *mem = uvf_mapping_mem(mapping);
	int ret;

	if (uvf_mem_is_held(mem))
		return 0;
	ret = uvf_mem_create(&mem, caller->mm, range, mem->prot);
	if (ret)
		return ret == -ENOMEM ? ret : 0;
	/* What was charged stays, whatever is there now. */
	if (uvf_mem_pinned_pages(mem) != uvf_mapping_charged(mapping) &&
	    !uvf_mapping_get_more(mapping))
		ret = -ENOMEM;
	else
		ret = replace_locked(t1, mapping, mem);
	uvf_mem_put(mem);
	return ret;
}

/* The same, and its pages get a new payer. */
static int move_locked(struct uvf_type1 *t1, struct uvf_mapping *mapping,
		       struct uvf_caller *caller, uint64_t vaddr)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_mapping_more *more = uvf_mapping_get_more(mapping);
	int ret;

	if (!more)
		return -ENOMEM;
	ret = uvf_account_charge(caller, caller->mm, more->charged);
	if (ret)
		return ret;
	ret = follow_locked(t1, mapping, caller, vaddr);
	if (ret) {
		uvf_account_uncharge(caller->mm, more->charged);
		return ret;
	}
	uvf_account_uncharge(more->payer, more->charged);
	more->payer = caller->mm;
	return 0;
}

/* Give an invalid mapping a new client address. */
static int update_vaddr_locked(struct uvf_type1 *t1,
			       struct uvf_mapping *mapping,
			       struct uvf_caller *caller, uint64_t vaddr)
	UVF_REQUIRES(t1->lock)
{
	int ret;

	if (uvf_mapping_charged(mapping) &&
	    uvf_mapping_payer(mapping) != caller->mm)
		ret = move_locked(t1, mapping, caller, vaddr);
	else
		ret = follow_locked(t1, mapping, caller, vaddr);
	if (ret)
		return ret;
	if (!uvf_type1_is_pinned_locked(t1, mapping->node.key))
		uvf_mapping_simplify(mapping);
	mapping->node.own &= ~UVF_MAPPING_INVALID;
	t1->invalid_count--;
	return 0;
}

/*
 * Get hold of the memory and let devices have it, or, where none has DMA of
 * its own, just remember where it is.
 */
static int fill_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
		       struct uvf_mapping *mapping, struct uvf_range vaddr,
		       uint32_t prot) UVF_REQUIRES(t1->lock)
{
	int ret;

	if (!uvf_list_is_empty(&t1->emulated)) {
		struct uvf_mapping_more *more = uvf_mapping_get_more(mapping);

		if (!more)
			return -ENOMEM;
		more->task = uvf_account_task_of(caller);
	}
	if (t1->splits) {
		ret = uvf_type1_choose_pages_locked(t1, mapping, caller,
						    vaddr.first);
		if (ret)
			return ret;
	}
	if (uvf_type1_has_domain_locked(t1)) {
		ret = uvf_type1_pin_memory(t1, caller, mapping, caller->mm,
					   vaddr, prot);
	} else {
		struct uvf_mem *mem;

		ret = uvf_mem_create_unseen(&mem, caller->mm, vaddr, prot);
		if (!ret)
			uvf_mapping_set_mem(mapping, mem);
	}
	if (!ret)
		ret = uvf_type1_map_domains_locked(t1, mapping);
	if (ret || !t1->is_tracking)
		return ret;
	ret = uvf_type1_alloc_dirty_locked(t1, mapping);
	if (ret) {
		uvf_type1_unlink_domains_locked(t1, mapping);
		uvf_type1_drain_domains_locked(t1);
	}
	return ret;
}

/* Make the mapping; all that can be said without looking at memory is. */
static int add_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
		      struct uvf_range iova, struct uvf_range vaddr,
		      uint32_t prot) UVF_REQUIRES(t1->lock)
{
	struct uvf_mapping *mapping = uvf_pool_zalloc(&t1->pool);
	int ret;

	if (!mapping)
		return -ENOMEM;
	mapping->node.key = iova;
	ret = fill_locked(t1, caller, mapping, vaddr, prot);
	if (ret) {
		uvf_mapping_fini(mapping);
		uvf_pool_free(&t1->pool, mapping);
		return ret;
	}
	/* Commit: the caller has seen that nothing meets it. */
	(void)uvf_itree_insert(&t1->mappings, &mapping->node, iova);
	t1->available--;
	return 0;
}

static int map_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
		      const struct vfio_iommu_type1_dma_map *map)
	UVF_REQUIRES(t1->lock)
{
	uint64_t mask = uvf_type1_granule_locked(t1) - 1;
	struct uvf_mapping *mapping;
	struct uvf_range iova, vaddr;

	if ((map->size | map->iova | map->vaddr) & mask ||
	    uvf_range_make(&iova, map->iova, map->size) ||
	    uvf_range_make(&vaddr, map->vaddr, map->size))
		return -EINVAL;
	mapping = uvf_mapping_of(uvf_itree_find(&t1->mappings, iova));
	if (map->flags & VFIO_DMA_MAP_FLAG_VADDR) {
		if (!mapping)
			return -ENOENT;
		if (!uvf_mapping_is(mapping, UVF_MAPPING_INVALID) ||
		    mapping->node.key.first != iova.first ||
		    mapping->node.key.last != iova.last)
			return -EINVAL;
		return update_vaddr_locked(t1, mapping, caller, map->vaddr);
	}
	if (mapping)
		return -EEXIST;
	if (!t1->available)
		return -ENOSPC;
	if (t1->valid.count && !uvf_iova_list_contains(&t1->valid, iova))
		return -EINVAL;
	return add_locked(t1, caller, iova, vaddr, map->flags & UVF_PROT_ALL);
}

/**
 * uvf_type1_ioctl_map_dma() - let devices reach client memory by DMA
 * @arg: struct vfio_iommu_type1_dma_map
 *
 * Devices see the whole interval or, on failure, none of it.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  argsz too small; unknown flag
 *   -EOVERFLOW  from 6.18 on: a range that wraps
 *   -EINVAL  VADDR beside READ or WRITE, or none of the three; size 0, or not
 *            whole pages; a range that wraps
 *   -ENOENT  VADDR, and nothing is mapped there
 *   -EINVAL  VADDR, and the mapping is valid or another
 *   -EEXIST  the interval meets a mapping
 *   -ENOSPC  as many mappings are there as dma_entry_limit allows
 *   -EINVAL  the interval is not within the aperture
 *   -ENOMEM  out of memory, or the caller may not lock so much
 *   -EFAULT  client memory is not there, or not for this use; before 5.4:
 *            the interval is not within the aperture
 */
long uvf_type1_ioctl_map_dma(struct uvf_type1 *t1, struct uvf_caller *caller,
			     uint64_t arg)
{
	struct vfio_iommu_type1_dma_map map;
	struct uvf_range range;
	bool has_prot, has_vaddr;
	int ret;

	if (uvf_copy_in(caller, &map, arg, sizeof(map)))
		return -EFAULT;
	if (map.argsz < sizeof(map) ||
	    map.flags & ~t1->host.profile->map_dma_flags)
		return -EINVAL;
	if (uvf_type1_knows_overflow(t1) &&
	    (uvf_range_make(&range, map.iova, map.size) == -EOVERFLOW ||
	     uvf_range_make(&range, map.vaddr, map.size) == -EOVERFLOW))
		return -EOVERFLOW;
	has_prot = map.flags & UVF_PROT_ALL;
	has_vaddr = map.flags & VFIO_DMA_MAP_FLAG_VADDR;
	if (has_prot == has_vaddr)
		return -EINVAL;
	uvf_lock(&t1->lock);
	ret = map_locked(t1, caller, &map);
	uvf_unlock(&t1->lock);
	return ret;
}

bool uvf_type1_is_bisected_locked(const struct uvf_type1 *t1,
				  struct uvf_range iova)
{
	struct uvf_range first = {iova.first, iova.first};
	struct uvf_range last = {iova.last, iova.last};
	const struct uvf_inode *node = uvf_itree_find(&t1->mappings, first);

	if (node && node->key.first != iova.first)
		return true;
	node = uvf_itree_find(&t1->mappings, last);
	return node && node->key.last != iova.last;
}

/*
 * Invalidate the client addresses of all mappings from @node on that start
 * up to @last; none when one of them is invalid already.
 */
static int invalidate_locked(struct uvf_type1 *t1, struct uvf_inode *first,
			     uint64_t last, uint64_t *ret_size)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_inode *node;
	uint64_t size = 0;

	for (node = first; node && node->key.first <= last;
	     node = uvf_itree_next(node))
		if (uvf_mapping_is(uvf_mapping_of(node), UVF_MAPPING_INVALID))
			return -EINVAL;
	for (node = first; node && node->key.first <= last;
	     node = uvf_itree_next(node)) {
		node->own |= UVF_MAPPING_INVALID;
		t1->invalid_count++;
		size += uvf_range_size(node->key);
	}
	*ret_size = size;
	return 0;
}

/* All mappings from @node on that start before @end, or all. */
static uint64_t remove_until_locked(struct uvf_type1 *t1,
				    struct uvf_inode *node,
				    const struct uvf_inode *end)
	UVF_REQUIRES(t1->lock)
{
	uint64_t size = 0;

	while (node != end) {
		struct uvf_inode *next = uvf_itree_next(node);

		size += uvf_range_size(node->key);
		free_locked(t1, uvf_mapping_of(node));
		node = next;
	}
	return size;
}

/*
 * Tell which pages were written, of all mappings from @node on up to @end;
 * *ret_end is one whose pages cannot be told.
 */
static int report_until_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
			       struct uvf_inode *node,
			       struct uvf_inode **ret_end, uint64_t base,
			       const struct vfio_bitmap *bitmap)
	UVF_REQUIRES(t1->lock)
{
	int ret;

	for (; node != *ret_end; node = uvf_itree_next(node)) {
		ret = uvf_type1_report_dirty_locked(t1, caller, bitmap,
						    uvf_mapping_of(node), base);
		if (!ret)
			continue;
		*ret_end = node;
		return ret;
	}
	return 0;
}

/*
 * Remove all mappings from @node on that start up to the interval's end.
 * Those before one whose dirty pages cannot be reported are gone then.
 *
 * What devices write up to the very end is reported: once to see that the
 * bitmap can be written, and again when no device writes any more.
 */
static int remove_range_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
			       struct uvf_inode *node, struct uvf_range iova,
			       const struct vfio_bitmap *bitmap,
			       uint64_t *ret_size) UVF_REQUIRES(t1->lock)
{
	struct uvf_inode *end = node;
	int ret = 0;

	while (end && end->key.first <= iova.last)
		end = uvf_itree_next(end);
	if (bitmap)
		ret = report_until_locked(t1, caller, node, &end, iova.first,
					  bitmap);
	for (struct uvf_inode *at = node; at != end; at = uvf_itree_next(at))
		uvf_type1_unlink_domains_locked(t1, uvf_mapping_of(at));
	if (bitmap)
		uvf_type1_drain_dirty_locked(t1);
	else
		uvf_type1_drain_domains_locked(t1);
	if (bitmap && !ret) {
		struct uvf_inode *told = end;

		ret = report_until_locked(t1, caller, node, &told, iova.first,
					  bitmap);
	}
	*ret_size = remove_until_locked(t1, node, end);
	return ret;
}

/* Check what an UNMAP_DMA is about. */
static int unmap_range_locked(struct uvf_type1 *t1,
			      const struct vfio_iommu_type1_dma_unmap *unmap,
			      const struct vfio_bitmap *bitmap,
			      struct uvf_range *ret_iova) UVF_REQUIRES(t1->lock)
{
	uint64_t granule = uvf_type1_granule_locked(t1);
	bool is_all = unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL;
	int ret;

	if (unmap->iova & (granule - 1))
		return -EINVAL;
	if (is_all) {
		if (unmap->iova || unmap->size)
			return -EINVAL;
		*ret_iova = (struct uvf_range){0, ~0ull};
	} else {
		if (unmap->size & (granule - 1))
			return -EINVAL;
		ret = uvf_range_make(ret_iova, unmap->iova, unmap->size);
		if (ret)
			return uvf_type1_knows_overflow(t1) ? ret : -EINVAL;
	}
	if (bitmap && (!t1->is_tracking || bitmap->pgsize != granule))
		return -EINVAL;
	if (t1->is_v2 && !is_all && uvf_type1_is_bisected_locked(t1, *ret_iova))
		return -EINVAL;
	return 0;
}

/* The first mapping that an UNMAP_DMA is about, or NULL. */
static int find_first_locked(struct uvf_type1 *t1,
			     const struct vfio_iommu_type1_dma_unmap *unmap,
			     const struct vfio_bitmap *bitmap,
			     struct uvf_range *ret_iova,
			     struct uvf_inode **ret_node) UVF_REQUIRES(t1->lock)
{
	struct uvf_inode *node;
	int ret = unmap_range_locked(t1, unmap, bitmap, ret_iova);

	if (ret)
		return ret;
	if (t1->splits)
		ret = uvf_type1_cut_out_locked(t1, ret_iova);
	if (ret == -ENOMEM)
		return ret;
	node = ret ? NULL
		   : uvf_itree_at_or_after(&t1->mappings, ret_iova->first);
	/* v1 stops at a mapping that starts before the interval. */
	if (node && !t1->is_v2 && node->key.first < ret_iova->first)
		node = NULL;
	/*
	 * Before 6.18 the end of such an interval is 0, and nothing lies
	 * below it.
	 */
	if (unmap->size && ret_iova->last == ~0ull &&
	    !uvf_type1_knows_overflow(t1))
		node = NULL;
	*ret_node = node;
	return 0;
}

/* The first mapping from @node on, up to @last, with pages pinned, or NULL. */
static struct uvf_inode *find_pinned_locked(const struct uvf_type1 *t1,
					    struct uvf_inode *node,
					    uint64_t last)
	UVF_REQUIRES(t1->lock)
{
	for (; node && node->key.first <= last; node = uvf_itree_next(node))
		if (uvf_type1_is_pinned_locked(t1, node->key))
			return node;
	return NULL;
}

/*
 * Drivers unpin the pages first, which they do while the lock is not held:
 * then all is looked at anew.  A driver that does not is not waited for.
 */
static int unmap_locked(struct uvf_type1 *t1, struct uvf_caller *caller,
			struct vfio_iommu_type1_dma_unmap *unmap,
			const struct vfio_bitmap *bitmap) UVF_REQUIRES(t1->lock)
{
	bool is_vaddr = unmap->flags & VFIO_DMA_UNMAP_FLAG_VADDR;
	struct uvf_inode *node, *pinned;
	struct uvf_range iova, going;
	uint64_t size = 0;
	int ret;

	if (is_vaddr && !uvf_list_is_empty(&t1->emulated))
		return -EBUSY;
	for (unsigned int tries = 0;; tries++) {
		ret = find_first_locked(t1, unmap, bitmap, &iova, &node);
		if (ret)
			return ret;
		pinned = is_vaddr || tries == UNPIN_TRIES
				 ? NULL
				 : find_pinned_locked(t1, node, iova.last);
		if (!pinned)
			break;
		going = pinned->key;
		uvf_unlock(&t1->lock);
		uvf_type1_notify_unmap(t1, going);
		uvf_lock(&t1->lock);
	}
	if (is_vaddr)
		ret = invalidate_locked(t1, node, iova.last, &size);
	else
		ret = remove_range_locked(t1, caller, node, iova, bitmap,
					  &size);
	unmap->size = size;
	return ret;
}

/* The bitmap behind an UNMAP_DMA that asks for dirty pages. */
static int read_bitmap(struct uvf_caller *caller, uint64_t arg,
		       const struct vfio_iommu_type1_dma_unmap *unmap,
		       struct vfio_bitmap *ret_bitmap)
{
	if (unmap->flags &
	    (VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR))
		return -EINVAL;
	if (unmap->argsz < sizeof(*unmap) + sizeof(*ret_bitmap))
		return -EINVAL;
	if (uvf_copy_in(caller, ret_bitmap, arg + sizeof(*unmap),
			sizeof(*ret_bitmap)))
		return -EFAULT;
	return uvf_type1_check_bitmap(ret_bitmap, unmap->size);
}

/**
 * uvf_type1_ioctl_unmap_dma() - let devices reach client memory no more
 * @arg: struct vfio_iommu_type1_dma_unmap; on success its size becomes what
 *       was unmapped or invalidated, on failure nothing is written
 *
 * v2 takes whole mappings only.  v1 takes each mapping whose first byte is
 * in the interval, all of it, and stops at one that starts before; that of
 * 3.14 takes what is in the interval, by pages of the tables.
 * When it returns, no device reaches the memory.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  argsz too small; unknown flags or ones that exclude each other
 *   -EFAULT  the bitmap's description cannot be read
 *   -EINVAL  it does not fit
 *   -EBUSY   VADDR, and a group is emulated
 *   -EINVAL  IOVA not whole pages; ALL with an interval; size 0, not whole
 *            pages, or wrapping (from 6.18 on -EOVERFLOW); dirty pages are
 *            not tracked; v2, and a mapping reaches over an end; an address
 *            is invalid already
 *   -ENOMEM  3.14: no memory for the rest of a mapping
 *   -EFAULT  the bitmap or the answer cannot be written, too late
 */
long uvf_type1_ioctl_unmap_dma(struct uvf_type1 *t1, struct uvf_caller *caller,
			       uint64_t arg)
{
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_bitmap bitmap;
	bool has_bitmap;
	int ret;

	if (uvf_copy_in(caller, &unmap, arg, sizeof(unmap)))
		return -EFAULT;
	if (unmap.argsz < sizeof(unmap) ||
	    unmap.flags & ~t1->host.profile->unmap_dma_flags)
		return -EINVAL;
	has_bitmap = unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	if (has_bitmap) {
		ret = read_bitmap(caller, arg, &unmap, &bitmap);
		if (ret)
			return ret;
	}
	uvf_lock(&t1->lock);
	ret = unmap_locked(t1, caller, &unmap, has_bitmap ? &bitmap : NULL);
	uvf_unlock(&t1->lock);
	if (ret)
		return ret;
	return uvf_copy_out(caller, arg, &unmap, sizeof(unmap));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MAP_DMA and UNMAP_DMA: two sets of intervals.
 *
 * What clients mapped is kept in entries: neighbours that continue each
 * other are one, and an unmap cuts them anywhere.  What devices reach is
 * kept in pieces, the mappings of the address space; those are never joined,
 * since each stands for the memory that was there when it was made.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "iommu/account.h"
#include "iommu/translate.h"
#include "mem/caller.h"
#include "mem/mem.h"
#include "v02/abi.h"
#include "v02/state.h"

#define PAGE_SIZE 4096ull

struct uvf_v02_entry {
	struct uvf_inode node; /* iommu->entries */
	uint64_t vaddr;
	bool is_writable;
	struct uvf_mm *mm; /* whose pages; alive while they are charged */
};

struct uvf_v02_piece {
	struct uvf_inode node; /* iommu->pieces */
};

static struct uvf_v02_entry *entry_of(struct uvf_inode *node)
{
	return node ? uvf_itree_entry(node, struct uvf_v02_entry, node) : NULL;
}

static struct uvf_v02_piece *piece_of(struct uvf_inode *node)
{
	return node ? uvf_itree_entry(node, struct uvf_v02_piece, node) : NULL;
}

/* Whether the second begins where the first ends, in all respects. */
static bool continues(const struct uvf_v02_entry *first,
		      const struct uvf_v02_entry *second)
{
	return first->node.key.last + 1 == second->node.key.first &&
	       first->vaddr + uvf_range_size(first->node.key) ==
		       second->vaddr &&
	       first->is_writable == second->is_writable &&
	       first->mm == second->mm;
}

static void insert_entry(struct uvf_v02_iommu *iommu,
			 struct uvf_v02_entry *entry, struct uvf_range range)
{
	int ret = uvf_itree_insert(&iommu->entries, &entry->node, range);

	UVF_BUG_ON(ret);
}

/* Put an entry in, as one with the neighbours that it continues. */
static void add_entry(struct uvf_v02_iommu *iommu, struct uvf_v02_entry *entry,
		      struct uvf_range range)
{
	struct uvf_v02_entry *before = NULL, *behind = NULL;

	entry->node.key = range;
	if (range.first)
		before = entry_of(uvf_itree_find(
			&iommu->entries,
			(struct uvf_range){range.first - 1, range.first - 1}));
	if (range.last != UINT64_MAX)
		behind = entry_of(uvf_itree_find(
			&iommu->entries,
			(struct uvf_range){range.last + 1, range.last + 1}));
	if (before && continues(before, entry)) {
		range.first = before->node.key.first;
		entry->vaddr = before->vaddr;
		uvf_itree_remove(&iommu->entries, &before->node);
		uvf_free(before);
	}
	entry->node.key = range;
	if (behind && continues(entry, behind)) {
		range.last = behind->node.key.last;
		uvf_itree_remove(&iommu->entries, &behind->node);
		uvf_free(behind);
	}
	insert_entry(iommu, entry, range);
}

/* Let devices reach the memory; nothing changes on failure. */
static int add_piece(struct uvf_v02_iommu *iommu, struct uvf_mm *mm,
		     struct uvf_range iova, struct uvf_range vaddr,
		     uint32_t prot)
{
	struct uvf_v02_piece *piece = uvf_zalloc(sizeof(*piece));
	struct uvf_mem *mem;
	int ret;

	if (!piece)
		return -ENOMEM;
	ret = uvf_mem_create(&mem, mm, vaddr, prot);
	if (!ret) {
		ret = uvf_aspace_map(iommu->aspace, iova, mem, prot);
		uvf_mem_put(mem);
	}
	if (ret) {
		uvf_free(piece);
		return ret;
	}
	ret = uvf_itree_insert(&iommu->pieces, &piece->node, iova);
	UVF_BUG_ON(ret);
	return 0;
}

/* Check what needs no look at memory; fill the two intervals. */
static int check_map(const struct uvf_v02_iommu *iommu,
		     const struct v02_dma_map *map, struct uvf_range *ret_iova,
		     struct uvf_range *ret_vaddr)
{
	if ((map->vaddr | map->dmaaddr | map->size) & (PAGE_SIZE - 1) ||
	    uvf_range_make(ret_iova, map->dmaaddr, map->size) ||
	    uvf_range_make(ret_vaddr, map->vaddr, map->size))
		return -EINVAL;
	if (uvf_itree_find(&iommu->entries, *ret_iova))
		return -EBUSY;
	return 0;
}

int uvf_v02_map_locked(struct uvf_v02_iommu *iommu, struct uvf_caller *caller,
		       const struct v02_dma_map *map)
{
	const unsigned int bits = uvf_v02_iommu_bits_locked(iommu);
	struct uvf_v02_entry *entry = uvf_zalloc(sizeof(*entry));
	struct uvf_range iova, vaddr;
	int ret;

	uvf_v02_assert_held(iommu->v02);
	if (!entry)
		return -ENOMEM;
	ret = check_map(iommu, map, &iova, &vaddr);
	if (!ret)
		ret = uvf_account_charge(caller, caller->mm,
					 map->size / PAGE_SIZE);
	if (ret)
		goto err_free;
	entry->is_writable = map->flags & V02_DMA_MAP_WRITE;
	if (bits < 64 && iova.last >> bits)
		ret = -EFAULT;
	else
		ret = add_piece(iommu, caller->mm, iova, vaddr,
				entry->is_writable ? UVF_PROT_ALL
						   : UVF_PROT_READ);
	if (ret)
		goto err_uncharge;
	/* Commit: nothing below can fail. */
	entry->vaddr = map->vaddr;
	entry->mm = caller->mm;
	add_entry(iommu, entry, iova);
	return 0;

err_uncharge:
	uvf_account_uncharge(caller->mm, map->size / PAGE_SIZE);
err_free:
	uvf_free(entry);
	return ret;
}

/* Make two entries of the one that reaches over an address, if one does. */
static int cut_entry(struct uvf_v02_iommu *iommu, uint64_t at)
{
	struct uvf_v02_entry *low = entry_of(
		uvf_itree_find(&iommu->entries, (struct uvf_range){at, at}));
	struct uvf_v02_entry *high;
	struct uvf_range range;

	if (!low || low->node.key.first == at)
		return 0;
	high = uvf_zalloc(sizeof(*high));
	if (!high)
		return -ENOMEM;
	range = low->node.key;
	*high = *low;
	high->vaddr += at - range.first;
	uvf_itree_remove(&iommu->entries, &low->node);
	insert_entry(iommu, low, (struct uvf_range){range.first, at - 1});
	insert_entry(iommu, high, (struct uvf_range){at, range.last});
	return 0;
}

/* The same for pieces. */
static int cut_piece(struct uvf_v02_iommu *iommu, uint64_t at)
{
	struct uvf_v02_piece *low = piece_of(
		uvf_itree_find(&iommu->pieces, (struct uvf_range){at, at}));
	struct uvf_v02_piece *high;
	struct uvf_range range;
	int ret;

	if (!low || low->node.key.first == at)
		return 0;
	high = uvf_zalloc(sizeof(*high));
	if (!high)
		return -ENOMEM;
	range = low->node.key;
	ret = uvf_aspace_split(iommu->aspace, range, at);
	if (ret) {
		uvf_free(high);
		return ret;
	}
	uvf_itree_remove(&iommu->pieces, &low->node);
	ret = uvf_itree_insert(&iommu->pieces, &low->node,
			       (struct uvf_range){range.first, at - 1});
	if (!ret)
		ret = uvf_itree_insert(&iommu->pieces, &high->node,
				       (struct uvf_range){at, range.last});
	UVF_BUG_ON(ret);
	return 0;
}

static int cut(struct uvf_v02_iommu *iommu, uint64_t at)
{
	int ret = cut_entry(iommu, at);

	return ret ? ret : cut_piece(iommu, at);
}

/* Remove what lies in an interval that cuts nothing. */
static void remove_range(struct uvf_v02_iommu *iommu, struct uvf_range range)
{
	struct uvf_inode *node;

	while ((node = uvf_itree_find(&iommu->entries, range))) {
		struct uvf_v02_entry *entry = entry_of(node);

		uvf_itree_remove(&iommu->entries, node);
		uvf_account_uncharge(
			entry->mm, uvf_range_size(entry->node.key) / PAGE_SIZE);
		uvf_free(entry);
	}
	while ((node = uvf_itree_find(&iommu->pieces, range))) {
		uvf_itree_remove(&iommu->pieces, node);
		uvf_aspace_unlink(iommu->aspace, node->key);
		uvf_free(piece_of(node));
	}
	uvf_aspace_drain(iommu->aspace);
}

int uvf_v02_unmap_locked(struct uvf_v02_iommu *iommu,
			 const struct v02_dma_map *map)
{
	struct uvf_range range;
	int ret = 0;

	uvf_v02_assert_held(iommu->v02);
	if ((map->dmaaddr | map->size) & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!map->size)
		return 0;
	if (uvf_range_make(&range, map->dmaaddr, map->size))
		return -EINVAL;
	/* A cut changes nothing that anybody sees. */
	ret = cut(iommu, range.first);
	if (!ret && range.last != UINT64_MAX)
		ret = cut(iommu, range.last + 1);
	if (!ret)
		remove_range(iommu, range);
	return ret;
}

void uvf_v02_unmap_all_locked(struct uvf_v02_iommu *iommu)
{
	uvf_v02_assert_held(iommu->v02);
	remove_range(iommu, (struct uvf_range){0, UINT64_MAX});
}

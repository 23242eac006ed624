/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UNMAP_DMA of 3.14, which takes any part of what was mapped.
 *
 * That kernel knows neighbours that continue each other as one mapping, and
 * asks the IOMMU's tables how much goes: a page of theirs goes whole when its
 * first byte does, and else stays.  Joining is seen by nobody, so it is not
 * done here.  Which pages are large depends on where memory lies in the
 * machine; here those are that are huge pages of the client.
 *
 * Source: what Linux 6.12 tells of it in vfio_dma_do_unmap() of
 * drivers/vfio/vfio_iommu_type1.c.
 */
#include <errno.h>
#include <stdatomic.h>

#include "base/bug.h"
#include "iommu/translate.h"
#include "iommu/type1.h"
#include "mem/caller.h"
#include "mem/mem.h"

#define PAGE_BYTES 4096ull

int uvf_type1_choose_pages_locked(struct uvf_type1 *t1,
				  struct uvf_mapping *mapping,
				  const struct uvf_caller *caller,
				  uint64_t vaddr)
{
	const struct uvf_range iova = mapping->node.key;
	struct uvf_range range = {vaddr, vaddr + (iova.last - iova.first)};
	struct uvf_mapping_more *more;
	uint64_t size;

	uvf_assert_held(&t1->lock);
	if (t1->host.disable_hugepages &&
	    atomic_load(t1->host.disable_hugepages))
		return 0;
	size = uvf_mm_page_size(caller->mm, range);
	if (size == PAGE_BYTES || !(t1->page_sizes & size) ||
	    (iova.first ^ vaddr) & (size - 1))
		return 0;
	more = uvf_mapping_get_more(mapping);
	if (!more)
		return -ENOMEM;
	more->large_page = size;
	return 0;
}

static struct uvf_mapping *find_locked(const struct uvf_type1 *t1, uint64_t at)
	UVF_REQUIRES(t1->lock)
{
	return uvf_mapping_of(
		uvf_itree_find(&t1->mappings, (struct uvf_range){at, at}));
}

/* The page of the tables that holds an address of a mapping. */
static struct uvf_range page_at(const struct uvf_mapping *mapping, uint64_t at)
{
	uint64_t mask = PAGE_BYTES - 1;
	struct uvf_range page;

	if (uvf_mapping_is(mapping, UVF_MAPPING_MORE) &&
	    mapping->more->large_page)
		mask = mapping->more->large_page - 1;
	page = (struct uvf_range){at & ~mask, at | mask};
	if (uvf_range_contains(mapping->node.key, page))
		return page;
	mask = PAGE_BYTES - 1;
	return (struct uvf_range){at & ~mask, at | mask};
}

/* Give the second part of a mapping, which is new, what belongs to it. */
static void share(struct uvf_mapping *mapping, struct uvf_mapping *behind,
		  struct uvf_range key, uint64_t at)
{
	struct uvf_mapping_more *low = mapping->more, *high = behind->more;
	uint64_t pages =
		uvf_mem_pinned_pages_in(low->mem, low->offset, at - key.first);

	*high = *low;
	high->mem = uvf_mem_get(low->mem);
	high->offset = low->offset + (at - key.first);
	if (low->charged > pages)
		low->charged = pages;
	high->charged -= low->charged;
	behind->node.own |= mapping->node.own & UVF_MAPPING_MAPPED;
}

static int split_domains_locked(struct uvf_type1 *t1, struct uvf_range key,
				uint64_t at) UVF_REQUIRES(t1->lock)
{
	struct uvf_list *node;
	int ret = 0;

	uvf_list_for_each (node, &t1->domains) {
		ret = uvf_aspace_split(uvf_type1_domain_of(node)->aspace, key,
				       at);
		if (ret)
			break;
	}
	return ret;
}

/* Make two mappings of one that reaches over an address.  0 or -ENOMEM. */
static int cut_locked(struct uvf_type1 *t1, uint64_t at) UVF_REQUIRES(t1->lock)
{
	struct uvf_mapping *mapping = find_locked(t1, at);
	struct uvf_mapping *behind;
	struct uvf_range key;
	int ret;

	if (!mapping || mapping->node.key.first == at)
		return 0;
	key = mapping->node.key;
	behind = uvf_pool_zalloc(&t1->pool);
	if (!behind)
		return -ENOMEM;
	if (!uvf_mapping_get_more(mapping) || !uvf_mapping_get_more(behind) ||
	    split_domains_locked(t1, key, at)) {
		uvf_mapping_fini(behind);
		uvf_pool_free(&t1->pool, behind);
		return -ENOMEM;
	}
	/* Commit: nothing below can fail. */
	share(mapping, behind, key, at);
	uvf_itree_remove(&t1->mappings, &mapping->node);
	ret = uvf_itree_insert(&t1->mappings, &mapping->node,
			       (struct uvf_range){key.first, at - 1});
	if (!ret)
		ret = uvf_itree_insert(&t1->mappings, &behind->node,
				       (struct uvf_range){at, key.last});
	UVF_BUG_ON(ret);
	t1->available--;
	return 0;
}

int uvf_type1_cut_out_locked(struct uvf_type1 *t1, struct uvf_range *iova)
{
	const struct uvf_mapping *mapping;
	int ret;

	uvf_assert_held(&t1->lock);
	mapping = find_locked(t1, iova->first);
	if (mapping && page_at(mapping, iova->first).first != iova->first)
		return -ESRCH;
	mapping = find_locked(t1, iova->last);
	if (mapping)
		iova->last = page_at(mapping, iova->last).last;
	ret = cut_locked(t1, iova->first);
	/* Nothing reaches over the end of all addresses. */
	if (!ret && iova->last != UINT64_MAX)
		ret = cut_locked(t1, iova->last + 1);
	return ret;
}

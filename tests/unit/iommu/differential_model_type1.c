/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MAP_DMA and UNMAP_DMA of type1.
 */
#include "differential_model_parts.h"

#include <errno.h>
#include <stddef.h>

/* Flags beside DM_READ and DM_WRITE. */
#define MAP_VADDR    4u
#define UNMAP_DIRTY  1u
#define UNMAP_ALL    2u
#define UNMAP_VADDR  4u
#define MAP_ARGSZ    32u
#define UNMAP_ARGSZ  24u
#define MAPPINGS_MAX 65535u

static int type1_vaddr(struct dm_model *dm, const struct dm_call *call,
		       struct dm_area *met)
{
	if (!met)
		return -ENOENT;
	if (!met->is_invalid || met->first != call->iova ||
	    met->last != call->iova + call->size - 1)
		return -EINVAL;
	met->is_invalid = false;
	/* Memory that is not there any more: the device keeps the old. */
	if (!(met->prot & ~dm_allows(dm, call->vaddr, call->size)))
		met->vaddr = call->vaddr;
	return 0;
}

/* What wraps is told first from 6.18 on. */
static int type1_wraps(const struct dm_model *dm, const struct dm_call *call)
{
	bool wraps = call->iova + call->size - 1 < call->iova ||
		     call->vaddr + call->size - 1 < call->vaddr;

	if (!dm->has_overflow)
		return 0;
	if (!call->size)
		return -EINVAL;
	return wraps ? -EOVERFLOW : 0;
}

int dm_type1_map(struct dm_model *dm, struct dm_call *call)
{
	struct dm_space *space = &dm->spaces[0];
	uint64_t last = call->iova + call->size - 1;
	uint32_t prot = call->flags & DM_RW;
	struct dm_area *met;
	int ret;

	if (call->argsz < MAP_ARGSZ || call->flags & ~(DM_RW | MAP_VADDR))
		return -EINVAL;
	if (dm->is_old && call->flags & MAP_VADDR)
		return -EINVAL;
	ret = type1_wraps(dm, call);
	if (ret)
		return ret;
	if (!prot == !(call->flags & MAP_VADDR))
		return -EINVAL;
	if (!call->size || (call->size | call->iova | call->vaddr) & MISALIGNED)
		return -EINVAL;
	if (last < call->iova || call->vaddr + call->size - 1 < call->vaddr)
		return -EINVAL;
	met = dm_find(space, call->iova, last);
	if (call->flags & MAP_VADDR)
		return type1_vaddr(dm, call, met);
	if (met)
		return -EEXIST;
	if (space->count >= MAPPINGS_MAX)
		return -ENOSPC;
	if (!dm->is_old && !dm_is_reachable(call->iova, last))
		return -EINVAL;
	if (prot & ~dm_allows(dm, call->vaddr, call->size) ||
	    last >= DM_APERTURE)
		return -EFAULT;
	dm_insert(space, (struct dm_area){.first = call->iova,
					  .last = last,
					  .vaddr = call->vaddr,
					  .prot = prot,
					  .pages = dm->maps++});
	return 0;
}

bool dm_cuts(struct dm_model *dm, uint64_t first, uint64_t last)
{
	struct dm_area *low = dm_find(&dm->spaces[0], first, first);
	struct dm_area *high = dm_find(&dm->spaces[0], last, last);

	return (low && low->first != first) || (high && high->last != last);
}

static int type1_check_unmap(struct dm_model *dm, const struct dm_call *call)
{
	uint64_t last = call->iova + call->size - 1;
	bool is_all = call->flags & UNMAP_ALL;

	if (call->argsz < UNMAP_ARGSZ || call->flags & (dm->is_old ? ~0u : ~7u))
		return -EINVAL;
	/* A bitmap is never there. */
	if (call->flags & UNMAP_DIRTY)
		return -EINVAL;
	if (call->iova & MISALIGNED)
		return -EINVAL;
	if (is_all)
		return call->iova || call->size ? -EINVAL : 0;
	if (!call->size || call->size & MISALIGNED)
		return -EINVAL;
	if (last < call->iova)
		return dm->has_overflow ? -EOVERFLOW : -EINVAL;
	if (dm->mode == DM_V2 && dm_cuts(dm, call->iova, last))
		return -EINVAL;
	return 0;
}

/* Let a mapping begin at an address, if one holds it. */
static void split(struct dm_space *space, uint64_t at)
{
	struct dm_area *area = dm_find(space, at, at);
	struct dm_area high;

	if (!area || area->first == at)
		return;
	high = *area;
	high.first = at;
	high.vaddr += at - area->first;
	area->last = at - 1;
	dm_insert(space, high);
}

int dm_type1_unmap(struct dm_model *dm, struct dm_call *call)
{
	struct dm_space *space = &dm->spaces[0];
	bool is_all = call->flags & UNMAP_ALL;
	bool is_vaddr = call->flags & UNMAP_VADDR;
	uint64_t first = call->iova;
	uint64_t last = is_all ? LAST : first + call->size - 1;
	struct dm_area *met = dm_find(space, first, first);
	uint64_t size = 0;
	int ret = type1_check_unmap(dm, call);

	if (ret)
		return ret;
	if (dm->splits && last != LAST) {
		split(space, first);
		split(space, last + 1);
		met = NULL;
	}
	/* v1 stops at a mapping that began before. */
	if (met && met->first != first)
		last = 0;
	/* Up to 6.17 the end of such a range is 0. */
	if (!is_all && last == LAST && !dm->has_overflow)
		last = 0;
	for (unsigned int i = 0; i < space->count; i++)
		if (is_vaddr && space->areas[i].is_invalid &&
		    space->areas[i].first >= first &&
		    space->areas[i].first <= last && last)
			return -EINVAL;
	for (unsigned int i = space->count; i--;) {
		struct dm_area *area = &space->areas[i];

		if (area->first < first || area->first > last || !last)
			continue;
		size += area->last - area->first + 1;
		if (is_vaddr)
			area->is_invalid = true;
		else
			dm_remove_area(space, area);
	}
	call->size = size;
	return 0;
}

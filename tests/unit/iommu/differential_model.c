/* SPDX-License-Identifier: BSD-3-Clause */
#include "differential_model_parts.h"

#include <errno.h>
#include <string.h>

/* Of VFIO_IOMMU_MAP_DMA and UNMAP_DMA. */
#define UNMAP_ALL   2u
#define MAP_ARGSZ   32u
#define UNMAP_ARGSZ 24u

/* Flags of IOMMU_IOAS_MAP. */
#define N_FIXED 1u
#define N_WRITE 2u
#define N_READ  4u
#define N_FLAGS 7u

/* Flags of VFIO_IOMMU_DIRTY_PAGES. */
#define DIRTY_START 1u
#define DIRTY_STOP  2u
#define DIRTY_GET   4u

static bool is_type1(const struct dm_model *dm)
{
	return dm->mode == DM_V1 || dm->mode == DM_V2;
}

void dm_init(struct dm_model *dm, enum dm_mode mode, uint64_t base)
{
	memset(dm, 0, sizeof(*dm));
	dm->mode = mode;
	dm->base = base;
	dm->groups = 1;
}

struct dm_area *dm_find(struct dm_space *space, uint64_t first, uint64_t last)
{
	for (unsigned int i = 0; i < space->count; i++)
		if (space->areas[i].first <= last &&
		    space->areas[i].last >= first)
			return &space->areas[i];
	return NULL;
}

void dm_insert(struct dm_space *space, struct dm_area area)
{
	unsigned int at = 0;

	while (at < space->count && space->areas[at].first < area.first)
		at++;
	memmove(&space->areas[at + 1], &space->areas[at],
		(space->count - at) * sizeof(area));
	space->areas[at] = area;
	space->count++;
}

void dm_remove_area(struct dm_space *space, struct dm_area *area)
{
	unsigned int at = (unsigned int)(area - space->areas);

	space->count--;
	memmove(&space->areas[at], &space->areas[at + 1],
		(space->count - at) * sizeof(*area));
}

uint32_t dm_allows(const struct dm_model *dm, uint64_t vaddr, uint64_t size)
{
	uint64_t last = vaddr + size - 1;

	if (vaddr < dm->base || last < vaddr ||
	    last >= dm->base + (DM_GOOD + DM_READ_ONLY) * DM_PAGE)
		return 0;
	return last < dm->base + DM_GOOD * DM_PAGE ? DM_RW : DM_READ;
}

static uint64_t size_of(const struct dm_area *area)
{
	return area->last - area->first + 1;
}

bool dm_is_reachable(uint64_t first, uint64_t last)
{
	return last < DM_APERTURE &&
	       (last < DM_WINDOW || first > DM_WINDOW_LAST);
}

/* iommufd */

static bool has_table(const struct dm_model *dm, unsigned int space)
{
	return dm->at == (int)space;
}

/* Whether all is in pages: TYPE1 wants that, and page tables do. */
static bool is_paged(const struct dm_model *dm, unsigned int space)
{
	return has_table(dm, space) || dm->mode == DM_C1;
}

unsigned int dm_ranges(const struct dm_model *dm, unsigned int space,
		       struct dm_range ret_ranges[4])
{
	if (dm->is_old)
		return 0;
	if (!is_type1(dm) && !has_table(dm, space)) {
		ret_ranges[0] = (struct dm_range){0, LAST};
		return 1;
	}
	ret_ranges[0] = (struct dm_range){0, DM_WINDOW - 1};
	ret_ranges[1] = (struct dm_range){DM_WINDOW_LAST + 1, DM_APERTURE - 1};
	return 2;
}

/* How far from an address on all is in use, if it is; else 0. */
static uint64_t used_up_to(struct dm_model *dm, unsigned int space,
			   uint64_t first, uint64_t last)
{
	const struct dm_area *area = dm_find(&dm->spaces[space], first, last);

	if (area)
		return area->last;
	if (!has_table(dm, space) || dm_is_reachable(first, last))
		return 0;
	return last >= DM_APERTURE ? LAST : DM_WINDOW_LAST;
}

/* The lowest address in a range that may be used and is free. */
static bool choose_in(struct dm_model *dm, unsigned int space,
		      struct dm_range range, uint64_t alignment,
		      uint64_t offset, uint64_t size, uint64_t *ret_iova)
{
	uint64_t pos = range.first;

	for (;;) {
		uint64_t start = (pos + alignment - 1) / alignment * alignment;
		uint64_t used;

		/*
		 * Nothing wraps: all ranges end before the last page.  A hole
		 * of one byte is none.
		 */
		start |= offset;
		if (start >= range.last || range.last - start < size - 1)
			return false;
		used = used_up_to(dm, space, start,
				  start + (size == 1 ? 1 : size - 1));
		if (!used) {
			*ret_iova = start;
			return true;
		}
		if (used >= range.last)
			return false;
		pos = used + 1;
	}
}

static int choose(struct dm_model *dm, unsigned int space, uint64_t vaddr,
		  uint64_t size, uint64_t *ret_iova)
{
	const struct dm_space *s = &dm->spaces[space];
	const struct dm_range whole = {DM_PAGE, LAST - DM_PAGE};
	uint64_t alignment = 1;

	if (size >= INT64_MAX)
		return -EOVERFLOW;
	while (alignment < size && alignment < 2ull << 20)
		alignment *= 2;
	while (vaddr & (alignment - 1))
		alignment /= 2;
	if (is_paged(dm, space) && alignment < DM_PAGE)
		return -EINVAL;
	if (!s->allowed_count)
		return choose_in(dm, space, whole, alignment,
				 vaddr & MISALIGNED, size, ret_iova)
			       ? 0
			       : -ENOSPC;
	for (unsigned int i = 0; i < s->allowed_count; i++) {
		struct dm_range range = s->allowed[i];

		/* Ranges that touch are one. */
		while (i + 1 < s->allowed_count &&
		       s->allowed[i + 1].first == range.last + 1)
			range.last = s->allowed[++i].last;
		if (range.first < whole.first)
			range.first = whole.first;
		if (range.last > whole.last)
			range.last = whole.last;
		if (range.first <= range.last &&
		    choose_in(dm, space, range, alignment, vaddr & MISALIGNED,
			      size, ret_iova))
			return 0;
	}
	return -ENOSPC;
}

static int place(struct dm_model *dm, unsigned int space, uint64_t vaddr,
		 uint64_t size, bool is_fixed, uint64_t *iova)
{
	uint64_t last = *iova + size - 1;

	if (is_paged(dm, space) && size & MISALIGNED)
		return -EINVAL;
	if (!is_fixed)
		return choose(dm, space, vaddr, size, iova);
	if (is_paged(dm, space) && *iova & MISALIGNED)
		return -EINVAL;
	if (last < *iova)
		return -EOVERFLOW;
	if (has_table(dm, space) && !dm_is_reachable(*iova, last))
		return -EINVAL;
	return dm_find(&dm->spaces[space], *iova, last) ? -EEXIST : 0;
}

/* Both by the calls of a container and by its own. */
static int iommufd_map(struct dm_model *dm, struct dm_call *call, uint32_t prot,
		       bool is_fixed)
{
	uint64_t iova = call->iova;
	int ret;

	if (!call->size || call->size > LAST - DM_PAGE)
		return -EINVAL;
	if (call->vaddr + call->size < call->vaddr)
		return -EOVERFLOW;
	ret = place(dm, call->space, call->vaddr, call->size, is_fixed, &iova);
	if (ret)
		return ret;
	if (is_paged(dm, call->space) && call->vaddr & MISALIGNED)
		return -EINVAL;
	if (has_table(dm, call->space)) {
		uint32_t good = dm_allows(dm, call->vaddr, call->size);

		if (!good || prot & DM_WRITE & ~good)
			return -EFAULT;
		if (!prot)
			return -EINVAL;
	}
	call->iova = iova;
	dm_insert(&dm->spaces[call->space],
		  (struct dm_area){.first = iova,
				   .last = iova + call->size - 1,
				   .vaddr = call->vaddr,
				   .prot = prot,
				   .pages_prot = prot,
				   .pages = dm->maps++});
	return 0;
}

static uint32_t prot_of(uint32_t flags)
{
	return (flags & N_READ ? DM_READ : 0) |
	       (flags & N_WRITE ? DM_WRITE : 0);
}

int dm_map(struct dm_model *dm, struct dm_call *call)
{
	if (is_type1(dm))
		return dm_type1_map(dm, call);
	if (dm->mode != DM_N) {
		if (call->argsz < MAP_ARGSZ || call->flags & ~DM_RW)
			return -EINVAL;
		return iommufd_map(dm, call, call->flags, true);
	}
	if (call->flags & ~N_FLAGS)
		return -EOPNOTSUPP;
	if (call->iova == LAST || call->size == LAST)
		return -EOVERFLOW;
	if (!prot_of(call->flags))
		return -EINVAL;
	return iommufd_map(dm, call, prot_of(call->flags),
			   call->flags & N_FIXED);
}

/* Let an area end at an address; what TYPE1 does before it unmaps. */
static int cut(struct dm_space *space, uint64_t at)
{
	struct dm_area *area = dm_find(space, at, at);
	struct dm_area high;

	if (!area || area->last == at || area->first == at)
		return 0;
	if ((at + 1) & MISALIGNED)
		return -EINVAL;
	high = *area;
	high.first = at + 1;
	high.vaddr += high.first - area->first;
	area->last = at;
	dm_insert(space, high);
	return 0;
}

/* Whole areas, until one reaches over an end; @ret_gone counts bytes. */
static int remove_whole(struct dm_space *space, uint64_t first, uint64_t last,
			uint64_t *ret_gone)
{
	struct dm_area *area;

	*ret_gone = 0;
	while ((area = dm_find(space, first, last))) {
		if (area->first < first || area->last > last)
			return -ENOENT;
		*ret_gone += area->last - area->first + 1;
		dm_remove_area(space, area);
	}
	return 0;
}

static int compat_unmap(struct dm_model *dm, struct dm_call *call)
{
	struct dm_space *space = &dm->spaces[0];
	uint64_t last = call->iova + call->size - 1;
	uint64_t gone = 0;
	int ret = 0;

	if (call->argsz < UNMAP_ARGSZ || call->flags & ~UNMAP_ALL)
		return -EINVAL;
	if (call->flags & UNMAP_ALL) {
		if (call->iova || call->size)
			return -EINVAL;
		return remove_whole(space, 0, LAST, &call->size);
	}
	if (dm->mode == DM_C1) {
		ret = cut(space, last);
		if (!ret && call->iova)
			ret = cut(space, call->iova - 1);
		if (ret)
			return ret;
	}
	if (!call->size)
		ret = -EINVAL;
	else if (last < call->iova)
		ret = -EOVERFLOW;
	else
		ret = remove_whole(space, call->iova, last, &gone);
	call->size = gone;
	return ret;
}

int dm_unmap(struct dm_model *dm, struct dm_call *call)
{
	struct dm_space *space = &dm->spaces[call->space];
	uint64_t last = call->iova + call->size - 1;
	bool is_all = !call->iova && call->size == LAST;
	uint64_t gone = 0;
	int ret;

	if (is_type1(dm))
		return dm_type1_unmap(dm, call);
	if (dm->mode != DM_N)
		return compat_unmap(dm, call);
	if (is_all) {
		last = LAST;
	} else {
		if (call->iova == LAST || call->size == LAST)
			return -EOVERFLOW;
		if (!call->size)
			return -EINVAL;
		if (last < call->iova)
			return -EOVERFLOW;
	}
	ret = remove_whole(space, call->iova, last, &gone);
	if (ret)
		return ret;
	if (!gone && !is_all)
		return -ENOENT;
	call->size = gone;
	return 0;
}

/* The pieces of areas, side by side, that hold an interval; 0: a hole. */
static unsigned int pieces_of(struct dm_space *space, uint64_t first,
			      uint64_t last, struct dm_area *pieces)
{
	unsigned int count = 0;

	for (;;) {
		struct dm_area *area = dm_find(space, first, first);
		struct dm_area *piece = &pieces[count++];

		if (!area)
			return 0;
		*piece = *area;
		piece->vaddr += first - area->first;
		piece->first = first;
		if (piece->last > last)
			piece->last = last;
		if (piece->last == last)
			return count;
		first = piece->last + 1;
	}
}

/* What stands against pieces at their places, one after the other. */
static int check_pieces(const struct dm_model *dm, unsigned int space,
			const struct dm_area *pieces, unsigned int count,
			uint32_t prot, uint64_t iova)
{
	for (unsigned int i = 0; i < count; i++) {
		uint64_t size = size_of(&pieces[i]);
		uint32_t good = dm_allows(dm, pieces[i].vaddr, size);

		if (prot & DM_WRITE && !(pieces[i].pages_prot & DM_WRITE))
			return -EPERM;
		if (is_paged(dm, space) && pieces[i].vaddr & MISALIGNED)
			return -EINVAL;
		if (has_table(dm, space) && (iova | size) & MISALIGNED)
			return -EINVAL;
		if (has_table(dm, space) &&
		    (!good || pieces[i].pages_prot & DM_WRITE & ~good))
			return -EFAULT;
		iova += size;
	}
	return 0;
}

int dm_copy(struct dm_model *dm, struct dm_call *call)
{
	static struct dm_area pieces[DM_AREAS];
	struct dm_space *from = &dm->spaces[call->source];
	uint64_t src = call->vaddr, iova = call->iova;
	uint64_t last = src + call->size - 1;
	uint32_t prot = prot_of(call->flags);
	unsigned int count;
	int ret;

	if (call->flags & ~N_FLAGS)
		return -EOPNOTSUPP;
	if (call->size == LAST || src == LAST || iova == LAST)
		return -EOVERFLOW;
	if (!prot)
		return -EINVAL;
	if (!call->size)
		return -EINVAL;
	if (last < src)
		return -EOVERFLOW;
	count = pieces_of(from, src, last, pieces);
	if (!count)
		return -ENOENT;
	ret = place(dm, call->space, pieces[0].vaddr, call->size,
		    call->flags & N_FIXED, &iova);
	if (!ret)
		ret = check_pieces(dm, call->space, pieces, count, prot, iova);
	if (ret)
		return ret;
	call->iova = iova;
	for (unsigned int i = 0; i < count; i++) {
		uint64_t size = pieces[i].last - pieces[i].first;

		pieces[i].first = iova;
		pieces[i].last = iova + size;
		pieces[i].prot = prot;
		dm_insert(&dm->spaces[call->space], pieces[i]);
		iova += size + 1;
	}
	return 0;
}

static bool meets_allowed(const struct dm_space *space, uint64_t first,
			  uint64_t last)
{
	for (unsigned int i = 0; i < space->allowed_count; i++)
		if (space->allowed[i].first <= last &&
		    space->allowed[i].last >= first)
			return true;
	return false;
}

/* What stands against a page table, in the order in which it is found. */
static int check_space(const struct dm_model *dm, struct dm_space *space,
		       bool is_attached)
{
	bool in_window = dm_find(space, DM_WINDOW, DM_WINDOW_LAST) ||
			 meets_allowed(space, DM_WINDOW, DM_WINDOW_LAST);

	if (in_window && !is_attached)
		return -EADDRINUSE;
	for (unsigned int i = 0; i < space->count; i++)
		if ((space->areas[i].first | space->areas[i].vaddr |
		     (space->areas[i].last + 1)) &
		    MISALIGNED)
			return -EADDRINUSE;
	if (dm_find(space, DM_APERTURE, LAST) ||
	    meets_allowed(space, DM_APERTURE, LAST))
		return -EADDRINUSE;
	for (unsigned int i = 0; i < space->count; i++) {
		const struct dm_area *area = &space->areas[i];
		uint32_t good = dm_allows(dm, area->vaddr, size_of(area));

		if (!good || area->pages_prot & DM_WRITE & ~good)
			return -EFAULT;
		if (!area->prot)
			return -EINVAL;
	}
	return in_window ? -EADDRINUSE : 0;
}

int dm_attach(struct dm_model *dm, unsigned int space)
{
	int ret = 0;

	if (is_type1(dm)) {
		for (unsigned int i = 0; i < dm->spaces[0].count; i++)
			if (dm->spaces[0].areas[i].is_invalid)
				return -EBUSY;
		dm->groups++;
		return 0;
	}
	if (dm->at != (int)space)
		ret = check_space(dm, &dm->spaces[space], dm->at >= 0);
	if (!ret)
		dm->at = (int)space;
	return ret;
}

void dm_detach(struct dm_model *dm)
{
	if (is_type1(dm))
		dm->groups--;
	else
		dm->at = -1;
}

int dm_allow(struct dm_model *dm, unsigned int space,
	     const struct dm_range *ranges, unsigned int count)
{
	struct dm_space next = {.allowed_count = 0};

	for (unsigned int i = 0; i < count; i++) {
		unsigned int at = 0;

		if (ranges[i].first >= ranges[i].last ||
		    meets_allowed(&next, ranges[i].first, ranges[i].last))
			return -EINVAL;
		while (at < next.allowed_count &&
		       next.allowed[at].first < ranges[i].first)
			at++;
		memmove(&next.allowed[at + 1], &next.allowed[at],
			(next.allowed_count - at) * sizeof(next.allowed[0]));
		next.allowed[at] = ranges[i];
		next.allowed_count++;
	}
	if (has_table(dm, space) &&
	    (meets_allowed(&next, DM_WINDOW, DM_WINDOW_LAST) ||
	     meets_allowed(&next, DM_APERTURE, LAST)))
		return -EADDRINUSE;
	memcpy(dm->spaces[space].allowed, next.allowed, sizeof(next.allowed));
	dm->spaces[space].allowed_count = next.allowed_count;
	return 0;
}

int dm_dirty(struct dm_model *dm, uint32_t flags, uint64_t iova, uint64_t size)
{
	struct dm_space *space = &dm->spaces[0];
	uint64_t last = iova + size - 1;

	if (!is_type1(dm) || dm->is_old)
		return -ENOTTY;
	if (dm->mode == DM_V1)
		return -EACCES;
	if (flags == DIRTY_START || flags == DIRTY_STOP) {
		bool starts = flags == DIRTY_START;

		/* A second START changes nothing. */
		if (!starts || !dm->is_tracking)
			for (unsigned int i = 0; i < space->count; i++)
				space->areas[i].written = 0;
		dm->is_tracking = starts;
		return 0;
	}
	if (flags != DIRTY_GET || !size)
		return -EINVAL;
	/* Up to 6.17 an end at 2^64 is a wrap, too. */
	if (last < iova)
		return dm->has_overflow ? -EOVERFLOW : -EINVAL;
	if (last == LAST && !dm->has_overflow)
		return -EINVAL;
	if ((iova | size) & MISALIGNED || !dm->is_tracking ||
	    dm_cuts(dm, iova, last))
		return -EINVAL;
	return 0;
}

uint64_t dm_byte(const struct dm_model *dm, uint64_t iova, uint32_t prot)
{
	int at = is_type1(dm) ? 0 : dm->at;
	const struct dm_area *area;

	if (at < 0)
		return 0;
	area = dm_find((struct dm_space *)(uintptr_t)&dm->spaces[at], iova,
		       iova);
	return area && area->prot & prot ? area->vaddr + (iova - area->first)
					 : 0;
}

void dm_mark(struct dm_model *dm, uint64_t iova)
{
	struct dm_area *area = dm_find(&dm->spaces[0], iova, iova);

	if (area && dm->is_tracking)
		area->written |= 1ull
				 << (((iova - area->first) / DM_PAGE) & 63);
}

/* Pages of an area that an area before it has not: of the same MAP. */
static unsigned int own_pages(const struct dm_model *dm,
			      const struct dm_space *space, unsigned int at)
{
	const struct dm_area *area = &space->areas[at];
	uint64_t pages = 0;

	/* None is longer than the memory, which is less than 64 pages. */
	for (uint64_t i = 0; i < size_of(area) / DM_PAGE; i++)
		pages |= 1ull << ((area->vaddr - dm->base) / DM_PAGE + i);
	for (unsigned int i = 0; i < at; i++) {
		const struct dm_area *other = &space->areas[i];
		uint64_t page = (other->vaddr - dm->base) / DM_PAGE;

		if (other->pages != area->pages)
			continue;
		for (uint64_t k = 0; k < size_of(other) / DM_PAGE; k++)
			pages &= ~(1ull << (page + k));
	}
	return (unsigned int)__builtin_popcountll(pages);
}

uint64_t dm_locked(const struct dm_model *dm)
{
	const struct dm_space *space = &dm->spaces[dm->at > 0];
	uint64_t pages = 0;

	for (unsigned int i = 0; dm->at >= 0 && i < space->count; i++)
		pages += is_type1(dm) ? size_of(&space->areas[i]) / DM_PAGE
				      : own_pages(dm, space, i);
	return pages;
}

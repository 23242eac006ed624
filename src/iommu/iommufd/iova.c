/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which IOVAs of a space may be mapped: what its users reserve, what the
 * client allows, and how areas must be aligned.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "iommu/iommufd/private.h"
#include "iommu/translate.h"

#define LAST UINT64_MAX

/* Huge pages of x86, the best alignment of a chosen place. */
#define ALIGNMENT_MAX (2ull << 20)

/* One range of ALLOW_IOVAS. */
struct uvf_allowed {
	struct uvf_inode node;
};

/* IOVAs behind the reach of page tables; false: they reach all. */
static bool behind_aperture(const struct uvf_iommu_hw *hw,
			    struct uvf_range *ret_range)
{
	*ret_range = (struct uvf_range){hw->aperture.last + 1, LAST};
	return hw->aperture.last != LAST;
}

unsigned int uvf_ioas_reserved(const struct uvf_ioas *ioas,
			       struct uvf_range *ret_ranges)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < ioas->reserved_count; i++) {
		struct uvf_range range = ioas->reserved[i].range;
		struct uvf_range *before = ret_ranges + count - 1;

		/* One interval if they touch, for who asks for the gaps. */
		if (!count ||
		    (before->last != LAST && before->last + 1 < range.first))
			ret_ranges[count++] = range;
		else if (before->last < range.last)
			before->last = range.last;
	}
	return count;
}

unsigned int uvf_ioas_usable(const struct uvf_ioas *ioas,
			     struct uvf_range *ret_ranges)
{
	struct uvf_range reserved[UVF_IOAS_RESERVED_MAX];
	unsigned int count = uvf_ioas_reserved(ioas, reserved);
	unsigned int found = 0;
	uint64_t pos = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (reserved[i].first > pos)
			ret_ranges[found++] =
				(struct uvf_range){pos, reserved[i].first - 1};
		if (reserved[i].last == LAST)
			return found;
		pos = reserved[i].last + 1;
	}
	ret_ranges[found++] = (struct uvf_range){pos, LAST};
	return found;
}

static bool is_reserved(const struct uvf_ioas *ioas, struct uvf_range iova)
{
	struct uvf_range reserved[UVF_IOAS_RESERVED_MAX];
	unsigned int count = uvf_ioas_reserved(ioas, reserved);

	for (unsigned int i = 0; i < count; i++)
		if (uvf_range_meets(reserved[i], iova))
			return true;
	return false;
}

/* Whether nobody wants to use what is to be reserved. */
static int check_unused(const struct uvf_ioas *ioas, struct uvf_range iova)
{
	if (uvf_itree_find(&ioas->areas, iova) ||
	    uvf_itree_find(&ioas->allowed, iova))
		return -EADDRINUSE;
	return 0;
}

int uvf_ioas_check_iova(const struct uvf_ioas *ioas, uint64_t iova,
			uint64_t size)
{
	struct uvf_range range;
	int ret;

	if (iova & (ioas->alignment - 1))
		return -EINVAL;
	ret = uvf_range_make(&range, iova, size);
	if (ret)
		return ret;
	if (is_reserved(ioas, range))
		return -EINVAL;
	return uvf_itree_find(&ioas->areas, range) ? -EEXIST : 0;
}

/* How a place is to be chosen. */
struct wish {
	uint64_t size;
	uint64_t alignment;
	uint64_t offset; /* in the first page */
};

/* The lowest fitting address of a hole; false: too small. */
static bool fit(const struct wish *wish, struct uvf_range hole,
		uint64_t *ret_iova)
{
	uint64_t iova;

	if (__builtin_add_overflow(hole.first, wish->alignment - 1, &iova))
		return false;
	iova = (iova & ~(wish->alignment - 1)) | wish->offset;
	if (iova >= hole.last || hole.last - iova < wish->size - 1)
		return false;
	*ret_iova = iova;
	return true;
}

/* What is in use at @iova or first behind it, up to @last. */
static bool next_used(const struct uvf_ioas *ioas, uint64_t iova, uint64_t last,
		      struct uvf_range *ret_used)
{
	struct uvf_range reserved[UVF_IOAS_RESERVED_MAX];
	unsigned int count = uvf_ioas_reserved(ioas, reserved);
	const struct uvf_area *area = uvf_area_from(ioas, iova);
	bool is_found = area;

	if (area)
		*ret_used = area->node.key;
	for (unsigned int i = 0; i < count; i++) {
		if (reserved[i].last < iova)
			continue;
		if (!is_found || reserved[i].first < ret_used->first)
			*ret_used = reserved[i];
		is_found = true;
		break;
	}
	return is_found && ret_used->first <= last;
}

/* The lowest place in a range that may be used. */
static bool fit_in(const struct uvf_ioas *ioas, const struct wish *wish,
		   struct uvf_range range, uint64_t *ret_iova)
{
	struct uvf_range used;
	uint64_t pos;

	if (!fit(wish, range, &pos))
		return false;
	while (next_used(ioas, pos, range.last, &used)) {
		if (used.first > pos &&
		    fit(wish, (struct uvf_range){pos, used.first - 1},
			ret_iova))
			return true;
		if (used.last >= range.last)
			return false;
		pos = used.last + 1;
	}
	return fit(wish, (struct uvf_range){pos, range.last}, ret_iova);
}

static uint64_t round_up_to_power(uint64_t size)
{
	return size > 1 ? 1ull << (64 - __builtin_clzll(size - 1)) : 1;
}

/* Allowed ranges that touch are one. */
static struct uvf_inode *join_allowed(struct uvf_inode *node,
				      struct uvf_range *ret_range)
{
	*ret_range = node->key;
	for (node = uvf_itree_next(node);
	     node && node->key.first == ret_range->last + 1;
	     node = uvf_itree_next(node))
		ret_range->last = node->key.last;
	return node;
}

int uvf_ioas_choose_iova(const struct uvf_ioas *ioas, uint64_t vaddr,
			 uint64_t size, uint64_t *ret_iova)
{
	const struct uvf_range whole = {UVF_IOMMUFD_PAGE,
					LAST - UVF_IOMMUFD_PAGE};
	struct uvf_inode *node = uvf_itree_first(&ioas->allowed);
	struct wish wish = {
		.size = size,
		.offset = vaddr & (UVF_IOMMUFD_PAGE - 1),
	};

	if (size >= LAST / 2)
		return -EOVERFLOW;
	wish.alignment = round_up_to_power(size);
	if (vaddr && wish.alignment > (vaddr & -vaddr))
		wish.alignment = vaddr & -vaddr;
	if (wish.alignment > ALIGNMENT_MAX)
		wish.alignment = ALIGNMENT_MAX;
	if (wish.alignment < ioas->alignment)
		return -EINVAL;
	if (!node)
		return fit_in(ioas, &wish, whole, ret_iova) ? 0 : -ENOSPC;
	while (node) {
		struct uvf_range range;

		node = join_allowed(node, &range);
		if (range.first < whole.first)
			range.first = whole.first;
		if (range.last > whole.last)
			range.last = whole.last;
		if (range.first <= range.last &&
		    fit_in(ioas, &wish, range, ret_iova))
			return 0;
	}
	return -ENOSPC;
}

/* Whether all areas fit an alignment. */
static int check_alignment(const struct uvf_ioas *ioas, uint64_t alignment)
{
	uint64_t mask = alignment - 1;

	for (struct uvf_area *area = uvf_area_from(ioas, 0); area;
	     area = uvf_area_next(area))
		if ((area->node.key.first | area->size |
		     (area->pages->vaddr.first + area->offset)) &
		    mask)
			return -EADDRINUSE;
	return 0;
}

int uvf_ioas_update_alignment(struct uvf_ioas *ioas)
{
	uint64_t alignment = 1;
	int ret = 0;

	/* Page tables take pages of the CPU's size, and no smaller ones. */
	if (ioas->has_small_pages || ioas->hwpt_count || ioas->access_count)
		alignment = UVF_IOMMUFD_PAGE;
	if (alignment > ioas->alignment)
		ret = check_alignment(ioas, alignment);
	if (!ret)
		ioas->alignment = alignment;
	return ret;
}

/* Where an interval is among the reserved ones, or would be. */
static unsigned int find_reserved(const struct uvf_ioas *ioas,
				  struct uvf_range range)
{
	unsigned int at = 0;

	while (at < ioas->reserved_count &&
	       (ioas->reserved[at].range.first < range.first ||
		(ioas->reserved[at].range.first == range.first &&
		 ioas->reserved[at].range.last < range.last)))
		at++;
	return at;
}

static bool is_at(const struct uvf_ioas *ioas, unsigned int at,
		  struct uvf_range range)
{
	return at < ioas->reserved_count &&
	       ioas->reserved[at].range.first == range.first &&
	       ioas->reserved[at].range.last == range.last;
}

/* Return: 0, -EADDRINUSE or -ENOMEM. */
static int reserve(struct uvf_ioas *ioas, struct uvf_range range)
{
	unsigned int at = find_reserved(ioas, range);
	struct uvf_reserved *place = &ioas->reserved[at];
	int ret = check_unused(ioas, range);

	if (ret)
		return ret;
	if (is_at(ioas, at, range)) {
		place->users++;
		return 0;
	}
	if (ioas->reserved_count == UVF_IOAS_RESERVED_MAX)
		return -ENOMEM;
	memmove(place + 1, place, (ioas->reserved_count - at) * sizeof(*place));
	*place = (struct uvf_reserved){range, 1};
	ioas->reserved_count++;
	return 0;
}

static void unreserve(struct uvf_ioas *ioas, struct uvf_range range)
{
	unsigned int at = find_reserved(ioas, range);
	struct uvf_reserved *place = &ioas->reserved[at];

	if (UVF_BUG_ON(!is_at(ioas, at, range)) || --place->users)
		return;
	ioas->reserved_count--;
	memmove(place, place + 1, (ioas->reserved_count - at) * sizeof(*place));
}

/* The first regions of an IOMMU are nobody's any more. */
static void unreserve_regions(struct uvf_ioas *ioas,
			      const struct uvf_iommu_hw *hw, unsigned int count)
{
	while (count--)
		if (!uvf_resv_may_map(&hw->resv[count]))
			unreserve(ioas, hw->resv[count].range);
}

int uvf_ioas_add_device(struct uvf_ioas *ioas, const struct uvf_iommu_hw *hw)
{
	int ret;

	for (unsigned int i = 0; i < hw->resv_count; i++) {
		if (uvf_resv_may_map(&hw->resv[i]))
			continue;
		ret = reserve(ioas, hw->resv[i].range);
		if (ret) {
			unreserve_regions(ioas, hw, i);
			return ret;
		}
	}
	return 0;
}

void uvf_ioas_remove_device(struct uvf_ioas *ioas,
			    const struct uvf_iommu_hw *hw)
{
	unreserve_regions(ioas, hw, hw->resv_count);
}

int uvf_ioas_add_hwpt(struct uvf_ioas *ioas, struct uvf_hwpt *hwpt)
{
	uint64_t former = ioas->alignment;
	struct uvf_range behind;
	bool has_end = behind_aperture(&hwpt->hw, &behind);
	int ret;

	ioas->hwpt_count++;
	ret = uvf_ioas_update_alignment(ioas);
	if (!ret && has_end)
		ret = reserve(ioas, behind);
	if (ret)
		goto err_count;
	ret = uvf_ioas_fill(ioas, hwpt);
	if (ret)
		goto err_reserved;
	uvf_list_append(&ioas->hwpts, &hwpt->ioas_node);
	return 0;

err_reserved:
	if (has_end)
		unreserve(ioas, behind);
err_count:
	ioas->hwpt_count--;
	ioas->alignment = former;
	return ret;
}

void uvf_ioas_remove_hwpt(struct uvf_ioas *ioas, struct uvf_hwpt *hwpt)
{
	struct uvf_range behind;

	uvf_list_remove(&hwpt->ioas_node);
	uvf_aspace_destroy(hwpt->aspace);
	hwpt->aspace = NULL;
	if (behind_aperture(&hwpt->hw, &behind))
		unreserve(ioas, behind);
	if (--ioas->hwpt_count)
		return;
	uvf_ioas_unfill(ioas);
	uvf_ioas_update_alignment(ioas);
}

int uvf_allowed_add(struct uvf_itree *tree, struct uvf_range range)
{
	struct uvf_allowed *allowed;

	if (uvf_itree_find(tree, range))
		return -EINVAL;
	allowed = uvf_zalloc(sizeof(*allowed));
	if (!allowed)
		return -ENOMEM;
	return uvf_itree_insert(tree, &allowed->node, range);
}

void uvf_allowed_clear(struct uvf_itree *tree)
{
	struct uvf_inode *node;

	while ((node = uvf_itree_first(tree))) {
		uvf_itree_remove(tree, node);
		uvf_free(uvf_itree_entry(node, struct uvf_allowed, node));
	}
}

int uvf_ioas_allow(struct uvf_ioas *ioas, struct uvf_itree *tree)
{
	struct uvf_range reserved[UVF_IOAS_RESERVED_MAX];
	unsigned int count = uvf_ioas_reserved(ioas, reserved);
	struct uvf_itree former = ioas->allowed;

	for (unsigned int i = 0; i < count; i++)
		if (uvf_itree_find(tree, reserved[i]))
			return -EADDRINUSE;
	ioas->allowed = *tree;
	*tree = former;
	return 0;
}

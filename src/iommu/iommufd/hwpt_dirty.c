/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which pages devices wrote through one page table.
 */
#include <errno.h>
#include <string.h>

#include "iommu/iommufd/abi_hwpt.h"
#include "iommu/iommufd/private.h"
#include "iommu/translate.h"
#include "mem/caller.h"

/* Bytes of a client's bitmap that are worked on at a time. */
#define PIECE_BYTES 4096u
#define PIECE_BITS  (8u * PIECE_BYTES)

static struct uvf_hwpt *find_paging(struct uvf_iommufd *ctx, uint32_t id)
{
	struct uvf_object *object = uvf_object_find(ctx, id);

	return object && object->type == UVF_OBJECT_HWPT
		       ? (struct uvf_hwpt *)(void *)object
		       : NULL;
}

/**
 * iommu_ioctl_hwpt_set_dirty_tracking() - keep bits of what is written, or stop
 * @cmd: struct iommu_hwpt_set_dirty_tracking
 *
 * Nothing is dirty after it was turned on, even if it was on.
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  unknown flag
 *   -ENOENT      no such page table, or a nested one
 *   -EOPNOTSUPP  it was not made for this
 *   -ENOMEM      out of memory
 */
int iommu_ioctl_hwpt_set_dirty_tracking(struct uvf_iommufd_call *call,
					void *cmd)
{
	const struct iommu_hwpt_set_dirty_tracking *set = cmd;
	struct uvf_hwpt *hwpt;

	if (set->flags & ~IOMMU_HWPT_DIRTY_TRACKING_ENABLE)
		return -EOPNOTSUPP;
	hwpt = find_paging(call->ctx, set->hwpt_id);
	if (!hwpt)
		return -ENOENT;
	if (!hwpt->has_dirty)
		return -EOPNOTSUPP;
	return uvf_aspace_track_dirty(
		hwpt->aspace, set->flags & IOMMU_HWPT_DIRTY_TRACKING_ENABLE);
}

/* A part of a client's bitmap. */
struct piece {
	struct uvf_range iova; /* of its bits */
	unsigned int shift;    /* of a bit's IOVAs */
	bool is_any;           /* bits are set */
	uint8_t bits[PIECE_BYTES];
};

static void set_bits(void *arg, struct uvf_range iova)
{
	struct piece *piece = arg;
	uint64_t bit = (iova.first - piece->iova.first) >> piece->shift;
	uint64_t last = (iova.last - piece->iova.first) >> piece->shift;

	piece->is_any = true;
	for (; bit <= last; bit++)
		piece->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
}

/*
 * Add what was written to the bits at @addr.  Nothing is forgotten that the
 * client was not told of, so look twice.
 */
static int report_piece(struct uvf_caller *caller, struct uvf_hwpt *hwpt,
			struct piece *piece, uint64_t addr, bool is_clear)
{
	size_t len =
		((piece->iova.last - piece->iova.first) >> piece->shift) / 8 +
		1;
	uint8_t theirs[PIECE_BYTES];

	memset(piece->bits, 0, len);
	piece->is_any = false;
	uvf_aspace_take_dirty(hwpt->aspace, piece->iova, false, set_bits,
			      piece);
	if (!piece->is_any)
		return 0;
	if (uvf_copy_in(caller, theirs, addr, len))
		return -EFAULT;
	for (size_t i = 0; i < len; i++)
		piece->bits[i] |= theirs[i];
	if (uvf_copy_out(caller, addr, piece->bits, len))
		return -EFAULT;
	if (!is_clear)
		return 0;
	uvf_aspace_take_dirty(hwpt->aspace, piece->iova, true, set_bits, piece);
	return uvf_copy_out(caller, addr, piece->bits, len);
}

/* Go on where an area may be, a whole number of pieces ahead; false: none. */
static bool skip_hole(const struct uvf_ioas *ioas, struct piece *piece,
		      uint64_t last, uint64_t *addr)
{
	const struct uvf_area *area = uvf_area_from(ioas, piece->iova.first);
	uint64_t pieces = 0;

	if (!area || area->node.key.first > last)
		return false;
	if (area->node.key.first > piece->iova.first)
		pieces = ((area->node.key.first - piece->iova.first) >>
			  piece->shift) /
			 PIECE_BITS;
	piece->iova.first += pieces * PIECE_BITS << piece->shift;
	*addr += pieces * PIECE_BYTES;
	return true;
}

static int report(struct uvf_caller *caller, struct uvf_hwpt *hwpt,
		  const struct iommu_hwpt_get_dirty_bitmap *get)
{
	bool is_clear = !(get->flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR);
	uint64_t last = get->iova + (get->length - 1);
	uint64_t addr = get->data;
	struct piece piece = {
		.iova = {get->iova, last},
		.shift = (unsigned int)__builtin_ctzll(get->page_size),
	};
	int ret;

	while (skip_hole(hwpt->ioas, &piece, last, &addr)) {
		uint64_t bits = (last - piece.iova.first) >> piece.shift;

		piece.iova.last = last;
		if (bits >= PIECE_BITS)
			piece.iova.last =
				piece.iova.first +
				(((uint64_t)PIECE_BITS << piece.shift) - 1);
		ret = report_piece(caller, hwpt, &piece, addr, is_clear);
		if (ret || piece.iova.last == last)
			return ret;
		piece.iova.first = piece.iova.last + 1;
		addr += PIECE_BYTES;
	}
	return 0;
}

/* Whether an interval is one of whole pages, of the table and of the call. */
static int check_interval(const struct iommu_hwpt_get_dirty_bitmap *get,
			  uint64_t alignment)
{
	struct uvf_range iova;
	int ret = uvf_range_make(&iova, get->iova, get->length);

	if (ret)
		return ret;
	if (!uvf_range_is_aligned(iova, alignment) || !get->page_size ||
	    !uvf_range_is_aligned(iova, get->page_size))
		return -EINVAL;
	return 0;
}

/**
 * iommu_ioctl_hwpt_get_dirty_bitmap() - which pages were written
 * @cmd: struct iommu_hwpt_get_dirty_bitmap
 *
 * Bits of the client are set and never cleared.  Holes have none.
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  unknown flag, reserved field
 *   -ENOENT      no such page table, or a nested one
 *   -EINVAL      length 0
 *   -EOVERFLOW   the interval wraps
 *   -EINVAL      it is not aligned, or no page size
 *   -EOPNOTSUPP  the table was not made for this
 *   -EFAULT      the bitmap cannot be written
 */
int iommu_ioctl_hwpt_get_dirty_bitmap(struct uvf_iommufd_call *call, void *cmd)
{
	const struct iommu_hwpt_get_dirty_bitmap *get = cmd;
	struct uvf_hwpt *hwpt;
	int ret;

	if (get->flags & ~IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR || get->reserved)
		return -EOPNOTSUPP;
	hwpt = find_paging(call->ctx, get->hwpt_id);
	if (!hwpt)
		return -ENOENT;
	ret = check_interval(get, hwpt->ioas->alignment);
	if (ret)
		return ret;
	if (!hwpt->has_dirty)
		return -EOPNOTSUPP;
	return report(call->caller, hwpt, get);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows: tables of TCEs, made and removed.
 *
 * Source: drivers/vfio/vfio_iommu_spapr_tce.c and
 * arch/powerpc/platforms/powernv/pci-ioda-tce.c, Linux 6.12.
 */
#include "iommu/spapr.h"

#include <assert.h>
#include <errno.h>

#include "iommu/account.h"
#include "mem/caller.h"

#define PAGE_SHIFT      12u
#define TCE_SHIFT       3u  /* a TCE has 8 bytes */
#define ADDRESS_BITS    55u /* that levels may translate */
#define LEVEL_SHIFT_MAX 24u /* 16 MiB are the most the kernel allocates */
#define SECOND_WINDOW   (1ull << 59)
#define DEFAULT_LEVELS  1u

static_assert(sizeof(struct vfio_iommu_spapr_tce_create) == 40, "ABI");
static_assert(sizeof(struct vfio_iommu_spapr_tce_remove) == 16, "ABI");

/* What a window is to be. */
struct request {
	uint32_t page_shift;
	uint32_t levels;
	uint64_t size; /* bytes */
};

struct table {
	unsigned int shift;       /* bytes, if it had one level */
	unsigned int level_shift; /* bytes of each part of a level */
	uint64_t bytes;           /* of all levels, and of their copies */
};

static bool is_power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

/* The kernel keeps a table for the hardware and a copy with addresses. */
static uint64_t table_bytes(const struct table *table, uint32_t levels)
{
	uint64_t level = 1ull << table->level_shift;
	uint64_t bytes = 0;
	uint64_t size = 1ull << table->shift;

	for (; levels; levels--) {
		bytes += (size + level - 1) & ~(level - 1);
		size = size / level << TCE_SHIFT;
		if (size < level)
			size = level;
	}
	return 2 * bytes;
}

/* Return: 0 or -EINVAL. */
static int plan(const struct uvf_spapr *sp, const struct request *request,
		struct table *ret_table)
{
	unsigned int entries, per_level;

	if (!request->levels || request->levels > sp->host.spapr->max_levels ||
	    !is_power_of_two(request->size) ||
	    request->size >> request->page_shift == 0)
		return -EINVAL;
	entries = (unsigned int)__builtin_ctzll(request->size) -
		  request->page_shift;
	per_level = (entries + request->levels - 1) / request->levels;
	ret_table->shift = entries + TCE_SHIFT;
	if (ret_table->shift < PAGE_SHIFT)
		ret_table->shift = PAGE_SHIFT;
	ret_table->level_shift = per_level + TCE_SHIFT;
	if (ret_table->level_shift < PAGE_SHIFT)
		ret_table->level_shift = PAGE_SHIFT;
	ret_table->bytes = table_bytes(ret_table, request->levels);
	return 0;
}

/* Return: 0, or -EINVAL levels that translate too much, or -ENOMEM. */
static int check_table(const struct table *table, const struct request *request)
{
	if ((table->level_shift - TCE_SHIFT) * request->levels +
		    request->page_shift >=
	    ADDRESS_BITS)
		return -EINVAL;
	return table->level_shift > LEVEL_SHIFT_MAX ? -ENOMEM : 0;
}

void uvf_spapr_publish_locked(struct uvf_spapr *sp)
{
	struct uvf_tce_window windows[UVF_TCE_WINDOWS] = {0};
	struct uvf_list *node;

	uvf_assert_held(&sp->lock);
	for (unsigned int i = 0; i < UVF_TCE_WINDOWS; i++) {
		const struct uvf_spapr_window *window = &sp->windows[i];

		if (!window->page_shift)
			continue;
		windows[i].page_shift = window->page_shift;
		windows[i].offset = window->iova.first >> window->page_shift;
		windows[i].size =
			uvf_range_size(window->iova) >> window->page_shift;
	}
	uvf_list_for_each (node, &sp->seats) {
		struct uvf_iommu_member *member =
			uvf_list_entry(node, struct uvf_spapr_seat, node)
				->member;

		member->set_windows(member, windows);
	}
}

static int find_free_locked(const struct uvf_spapr *sp) UVF_REQUIRES(sp->lock)
{
	for (int i = 0; i < (int)UVF_TCE_WINDOWS; i++)
		if (!sp->windows[i].page_shift)
			return i;
	return -ENOSPC;
}

/*
 * Return: the window's number, or, in the order they are tested:
 *   -ENOSPC  there are two
 *   -EINVAL  the host has no pages of this size; levels, or a size that is no
 *            power of two or less than a page
 *   -ENOMEM  the table is over the limit of locked memory
 *   -EINVAL  its levels translate too much
 *   -ENOMEM  a level is too large
 */
static int create_locked(struct uvf_spapr *sp, struct uvf_caller *caller,
			 const struct request *request) UVF_REQUIRES(sp->lock)
{
	const struct uvf_spapr_hw *hw = sp->host.spapr;
	int num = find_free_locked(sp);
	struct uvf_spapr_window *window;
	struct table table;
	int ret;

	if (num < 0)
		return num;
	if (request->page_shift >= 64 ||
	    !(hw->page_sizes & (1ull << request->page_shift)) ||
	    plan(sp, request, &table))
		return -EINVAL;
	ret = uvf_account_charge(caller, sp->mm, table.bytes >> PAGE_SHIFT);
	if (ret)
		return ret;
	ret = check_table(&table, request);
	if (ret) {
		uvf_account_uncharge(sp->mm, table.bytes >> PAGE_SHIFT);
		return ret;
	}
	window = &sp->windows[num];
	window->page_shift = request->page_shift;
	window->charged = table.bytes >> PAGE_SHIFT;
	window->iova.first = num ? SECOND_WINDOW : hw->window_first;
	window->iova.last =
		window->iova.first +
		((1ull << (table.shift - TCE_SHIFT + request->page_shift)) - 1);
	uvf_spapr_publish_locked(sp);
	return num;
}

int uvf_spapr_make_default_locked(struct uvf_spapr *sp,
				  struct uvf_caller *caller)
{
	const struct request request = {
		.page_shift = UVF_SPAPR_DEFAULT_SHIFT,
		.levels = DEFAULT_LEVELS,
		.size = sp->host.spapr->window_size,
	};
	int ret;

	uvf_assert_held(&sp->lock);
	if (!sp->is_default_pending)
		return 0;
	if (uvf_list_is_empty(&sp->seats))
		return -ENODEV;
	ret = create_locked(sp, caller, &request);
	if (ret < 0)
		return ret;
	sp->is_default_pending = false;
	return 0;
}

struct uvf_spapr_window *uvf_spapr_find_window_locked(struct uvf_spapr *sp,
						      uint64_t iova)
{
	const struct uvf_range at = {iova, iova};

	uvf_assert_held(&sp->lock);
	for (unsigned int i = 0; i < UVF_TCE_WINDOWS; i++)
		if (sp->windows[i].page_shift &&
		    uvf_range_contains(sp->windows[i].iova, at))
			return &sp->windows[i];
	return NULL;
}

static void remove_locked(struct uvf_spapr *sp, struct uvf_spapr_window *window)
	UVF_REQUIRES(sp->lock)
{
	uvf_spapr_clear_locked(sp, window->iova);
	uvf_account_uncharge(sp->mm, window->charged);
	*window = (struct uvf_spapr_window){0};
	uvf_spapr_publish_locked(sp);
}

void uvf_spapr_remove_windows_locked(struct uvf_spapr *sp)
{
	uvf_assert_held(&sp->lock);
	for (unsigned int i = 0; i < UVF_TCE_WINDOWS; i++)
		if (sp->windows[i].page_shift)
			remove_locked(sp, &sp->windows[i]);
}

/* What both calls ask for first.  Return: 0, -EPERM, -ENXIO or -EFAULT. */
static int admit_locked(struct uvf_spapr *sp, struct uvf_caller *caller,
			bool is_unreadable) UVF_REQUIRES(sp->lock)
{
	int ret = uvf_spapr_take_mm_locked(sp, caller);

	if (ret)
		return ret;
	if (uvf_list_is_empty(&sp->seats))
		return -ENXIO;
	return is_unreadable ? -EFAULT : 0;
}

static int tce_create_locked(struct uvf_spapr *sp, struct uvf_caller *caller,
			     struct vfio_iommu_spapr_tce_create *args)
	UVF_REQUIRES(sp->lock)
{
	const struct request request = {
		.page_shift = args->page_shift,
		.levels = args->levels,
		.size = args->window_size,
	};
	int ret;

	if (args->argsz < sizeof(*args) || args->flags)
		return -EINVAL;
	ret = uvf_spapr_make_default_locked(sp, caller);
	if (ret)
		return ret;
	ret = create_locked(sp, caller, &request);
	if (ret < 0)
		return ret;
	args->start_addr = sp->windows[ret].iova.first;
	return 0;
}

/**
 * uvf_spapr_ioctl_tce_create() - VFIO_IOMMU_SPAPR_TCE_CREATE
 * @arg: struct vfio_iommu_spapr_tce_create; start_addr is written
 *
 * Return: 0, or, in the order they are tested:
 *   -EPERM   another process than the first
 *   -ENXIO   no group
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  argsz too small; flags
 *   -ENOMEM  the default window was pending, and its table is over the limit
 *            of locked memory
 *   -ENOSPC  there are two windows
 *   -EINVAL  the host has no pages of this size; levels; no power of two
 *   -ENOMEM  the table is over the limit of locked memory, or too large
 *   -EFAULT  the answer cannot be written; the window stays
 */
long uvf_spapr_ioctl_tce_create(struct uvf_spapr *sp, struct uvf_caller *caller,
				uint64_t arg)
{
	struct vfio_iommu_spapr_tce_create args;
	bool is_unreadable = uvf_copy_in(caller, &args, arg, sizeof(args));
	int ret;

	uvf_lock(&sp->lock);
	ret = admit_locked(sp, caller, is_unreadable);
	if (!ret)
		ret = tce_create_locked(sp, caller, &args);
	uvf_unlock(&sp->lock);
	return ret ? ret : uvf_copy_out(caller, arg, &args, sizeof(args));
}

static int tce_remove_locked(struct uvf_spapr *sp,
			     const struct vfio_iommu_spapr_tce_remove *args)
	UVF_REQUIRES(sp->lock)
{
	struct uvf_spapr_window *window;

	if (args->argsz < sizeof(*args) || args->flags)
		return -EINVAL;
	if (sp->is_default_pending && !args->start_addr) {
		sp->is_default_pending = false;
		return 0;
	}
	window = uvf_spapr_find_window_locked(sp, args->start_addr);
	if (!window)
		return -EINVAL;
	remove_locked(sp, window);
	return 0;
}

/**
 * uvf_spapr_ioctl_tce_remove() - VFIO_IOMMU_SPAPR_TCE_REMOVE
 * @arg: struct vfio_iommu_spapr_tce_remove; any address of the window will do
 *
 * When it returns, no device reaches memory through the window.
 *
 * Return: 0, or, in the order they are tested:
 *   -EPERM   another process than the first
 *   -ENXIO   no group
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  argsz too small; flags; an address in no window
 */
long uvf_spapr_ioctl_tce_remove(struct uvf_spapr *sp, struct uvf_caller *caller,
				uint64_t arg)
{
	struct vfio_iommu_spapr_tce_remove args;
	bool is_unreadable = uvf_copy_in(caller, &args, arg, sizeof(args));
	int ret;

	uvf_lock(&sp->lock);
	ret = admit_locked(sp, caller, is_unreadable);
	if (!ret)
		ret = tce_remove_locked(sp, &args);
	uvf_unlock(&sp->lock);
	return ret;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The backend: its life, its groups, and the calls that concern neither
 * windows nor memory.
 *
 * Source: drivers/vfio/vfio_iommu_spapr_tce.c, Linux 6.12.
 */
#include "iommu/spapr.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "base/alloc.h"
#include "iommu/account.h"
#include "iommu/translate.h"
#include "mem/caller.h"
#include "mem/mem.h"

#define PAGE_SHIFT 12u
#define INFO_SIZE  offsetof(struct vfio_iommu_spapr_tce_info, ddw)
#define EEH_SIZE   12u /* up to op; the padding behind it is not read */

static_assert(sizeof(struct vfio_iommu_spapr_tce_info) == 32, "ABI");
static_assert(INFO_SIZE == 16, "ABI");

/* PowerNV with 4 KiB, 64 KiB and 16 MiB pages. */
const struct uvf_spapr_hw uvf_spapr_powernv = {
	.window_first = 0,
	.window_size = 1ull << 30,
	.page_sizes = 1ull << 12 | 1ull << 16 | 1ull << 24,
	.max_windows = UVF_TCE_WINDOWS,
	.max_levels = 5,
};

static bool has_v2(const struct uvf_iommu_host *host)
{
	return host->profile->has_spapr_tce_v2;
}

static bool has_eeh(const struct uvf_iommu_host *host)
{
	return host->profile->has_eeh;
}

static int spapr_check_extension(void *state, const struct uvf_iommu_host *host,
				 unsigned long extension)
{
	(void)state;
	switch (extension) {
	case VFIO_SPAPR_TCE_IOMMU:
		return 1;
	case VFIO_SPAPR_TCE_v2_IOMMU:
		return has_v2(host);
	case VFIO_EEH:
		return has_eeh(host);
	default:
		return 0;
	}
}

static int spapr_open(void **ret_state, const struct uvf_iommu_host *host,
		      unsigned long type)
{
	struct uvf_spapr *sp;
	int ret;

	if (type != VFIO_SPAPR_TCE_IOMMU && type != VFIO_SPAPR_TCE_v2_IOMMU)
		return -EINVAL;
	sp = uvf_zalloc(sizeof(*sp));
	if (!sp)
		return -ENOMEM;
	ret = uvf_aspace_create(&sp->aspace, host->write_implies_read);
	if (ret) {
		uvf_free(sp);
		return ret;
	}
	sp->host = *host;
	sp->is_v2 = type == VFIO_SPAPR_TCE_v2_IOMMU;
	uvf_mutex_init(&sp->lock);
	uvf_itree_init(&sp->mappings);
	uvf_list_init(&sp->seats);
	uvf_list_init(&sp->preregs);
	*ret_state = sp;
	return 0;
}

static void disable_locked(struct uvf_spapr *sp) UVF_REQUIRES(sp->lock)
{
	if (!sp->is_enabled)
		return;
	sp->is_enabled = false;
	uvf_account_uncharge(sp->mm, sp->locked);
	sp->locked = 0;
}

static void spapr_release(void *state)
{
	struct uvf_spapr *sp = state;

	uvf_lock(&sp->lock);
	uvf_spapr_remove_windows_locked(sp);
	uvf_spapr_forget_memory_locked(sp);
	disable_locked(sp);
	uvf_unlock(&sp->lock);
	uvf_aspace_destroy(sp->aspace);
	uvf_mm_put(sp->mm);
	uvf_mutex_fini(&sp->lock);
	uvf_free(sp);
}

static struct uvf_spapr_seat *seat_of(struct uvf_list *node)
{
	return uvf_list_entry(node, struct uvf_spapr_seat, node);
}

static int attach_locked(struct uvf_spapr *sp, struct uvf_iommu_member *member)
	UVF_REQUIRES(sp->lock)
{
	struct uvf_spapr_seat *seat;

	if (sp->is_v2 && !sp->host.spapr->max_windows)
		return -EINVAL;
	if (!sp->is_v2 && !uvf_list_is_empty(&sp->seats))
		return -EBUSY;
	seat = uvf_zalloc(sizeof(*seat));
	if (!seat)
		return -ENOMEM;
	if (uvf_list_is_empty(&sp->seats) && !sp->windows[0].page_shift)
		sp->is_default_pending = true;
	seat->member = member;
	uvf_list_add(&sp->seats, &seat->node);
	uvf_spapr_publish_locked(sp);
	return 0;
}

/*
 * All groups are behind bridges of one kind, so that each takes the windows
 * of another.
 *
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  an emulated group; v2, and no windows can be created
 *   -EBUSY   v1, and there is a group
 *   -ENOMEM  out of memory
 */
static int spapr_attach_group(void *state, struct uvf_caller *caller,
			      struct uvf_iommu_member *member,
			      struct uvf_aspace **ret_as)
{
	struct uvf_spapr *sp = state;
	int ret;

	(void)caller;
	if (member->is_emulated)
		return -EINVAL;
	uvf_lock(&sp->lock);
	ret = attach_locked(sp, member);
	uvf_unlock(&sp->lock);
	if (!ret)
		*ret_as = sp->aspace;
	return ret;
}

/* Also what it translated for other groups is cleared. */
static void spapr_detach_group(void *state, struct uvf_iommu_member *member)
{
	static const struct uvf_tce_window none[UVF_TCE_WINDOWS];
	struct uvf_spapr *sp = state;
	struct uvf_list *node = NULL;

	uvf_lock(&sp->lock);
	uvf_list_for_each (node, &sp->seats)
		if (seat_of(node)->member == member)
			break;
	uvf_list_remove(node);
	if (seat_of(node)->pe.is_dma_stopped)
		member->block(member, false);
	member->set_windows(member, none);
	uvf_free(seat_of(node));
	uvf_spapr_clear_locked(sp, (struct uvf_range){0, UINT64_MAX});
	uvf_unlock(&sp->lock);
}

int uvf_spapr_admit_locked(const struct uvf_spapr *sp,
			   const struct uvf_caller *caller)
{
	return sp->mm && sp->mm != caller->mm ? -EPERM : 0;
}

int uvf_spapr_take_mm_locked(struct uvf_spapr *sp,
			     const struct uvf_caller *caller)
{
	uvf_assert_held(&sp->lock);
	if (!sp->mm)
		sp->mm = uvf_mm_get(caller->mm);
	return uvf_spapr_admit_locked(sp, caller);
}

/**
 * ioctl_get_info() - VFIO_IOMMU_SPAPR_TCE_GET_INFO
 * @arg: struct vfio_iommu_spapr_tce_info; 16 bytes are written, or 32 if
 *       there is room
 *
 * Return: 0, or, in the order they are tested:
 *   -EPERM   another process than the first
 *   -ENXIO   no group
 *   -EFAULT  16 bytes cannot be read
 *   -EINVAL  argsz is less
 *   -EFAULT  the answer cannot be written
 */
static long ioctl_get_info(struct uvf_spapr *sp, struct uvf_caller *caller,
			   uint64_t arg)
{
	const struct uvf_spapr_hw *hw = sp->host.spapr;
	struct vfio_iommu_spapr_tce_info info = {0};
	bool is_unreadable = uvf_copy_in(caller, &info, arg, INFO_SIZE);
	size_t size = INFO_SIZE;
	int ret;

	uvf_lock(&sp->lock);
	ret = uvf_spapr_admit_locked(sp, caller);
	if (!ret && uvf_list_is_empty(&sp->seats))
		ret = -ENXIO;
	uvf_unlock(&sp->lock);
	if (!ret && is_unreadable)
		ret = -EFAULT;
	if (!ret && info.argsz < INFO_SIZE)
		ret = -EINVAL;
	if (ret)
		return ret;
	info.flags = 0;
	info.dma32_window_start = (uint32_t)hw->window_first;
	info.dma32_window_size = (uint32_t)hw->window_size;
	if (sp->is_v2) {
		info.flags = VFIO_IOMMU_SPAPR_INFO_DDW;
		info.ddw.pgsizes = hw->page_sizes;
		info.ddw.max_dynamic_windows_supported = hw->max_windows;
		info.ddw.levels = hw->max_levels;
	}
	/* What it says of windows came with v2. */
	if (info.argsz >= sizeof(info) && has_v2(&sp->host))
		size = sizeof(info);
	return uvf_copy_out(caller, arg, &info, size);
}

/**
 * ioctl_enable() - VFIO_IOMMU_ENABLE, v1
 *
 * All memory that the window can reach is charged, mapped or not.
 *
 * Return: 0, or, in the order they are tested:
 *   -EPERM   another process than the first
 *   -EBUSY   enabled already
 *   -ENODEV  no group
 *   -EPERM   the host's default window has no size
 *   -ENOMEM  the window is over the limit of locked memory
 */
static long ioctl_enable(struct uvf_spapr *sp, struct uvf_caller *caller)
{
	uint64_t pages = sp->host.spapr->window_size >> PAGE_SHIFT;
	int ret;

	uvf_lock(&sp->lock);
	ret = uvf_spapr_admit_locked(sp, caller);
	if (!ret && sp->is_enabled)
		ret = -EBUSY;
	if (!ret && uvf_list_is_empty(&sp->seats))
		ret = -ENODEV;
	if (!ret && !pages)
		ret = -EPERM;
	if (!ret)
		ret = uvf_spapr_take_mm_locked(sp, caller);
	if (!ret)
		ret = uvf_account_charge(caller, sp->mm, pages);
	if (!ret) {
		sp->locked = pages;
		sp->is_enabled = true;
	}
	uvf_unlock(&sp->lock);
	return ret;
}

/* VFIO_IOMMU_DISABLE, v1; TCEs stay.  Return: 0, or -EPERM another process. */
static long ioctl_disable(struct uvf_spapr *sp, struct uvf_caller *caller)
{
	int ret;

	uvf_lock(&sp->lock);
	ret = uvf_spapr_admit_locked(sp, caller);
	if (!ret)
		disable_locked(sp);
	uvf_unlock(&sp->lock);
	return ret;
}

/* One group's turn; its DMA follows the state of its endpoint. */
static int seat_op(struct uvf_spapr_seat *seat, const struct vfio_eeh_pe_op *op)
{
	bool was_stopped = seat->pe.is_dma_stopped;
	int ret = uvf_eeh_pe_op(&seat->pe, op);

	if (seat->pe.is_dma_stopped != was_stopped)
		seat->member->block(seat->member, !was_stopped);
	return ret;
}

/**
 * ioctl_eeh_pe_op() - VFIO_EEH_PE_OP
 * @arg: struct vfio_eeh_pe_op
 *
 * Each group in its turn, the newest first, up to one that does not answer 0.
 *
 * Return: as uvf_eeh_pe_op(), 0 with no group, or before that:
 *   -EPERM   another process than the first
 *   -EFAULT  the argument cannot be read
 */
static long ioctl_eeh_pe_op(struct uvf_spapr *sp, struct uvf_caller *caller,
			    uint64_t arg)
{
	struct vfio_eeh_pe_op op = {0};
	bool is_unreadable = uvf_copy_in(caller, &op, arg, EEH_SIZE);
	struct uvf_list *node;
	int ret;

	if (!is_unreadable && op.op == VFIO_EEH_PE_INJECT_ERR && !op.flags &&
	    op.argsz >= sizeof(op))
		is_unreadable = uvf_copy_in(caller, &op, arg, sizeof(op));
	uvf_lock(&sp->lock);
	ret = uvf_spapr_admit_locked(sp, caller);
	uvf_list_for_each (node, &sp->seats) {
		if (!ret && is_unreadable)
			ret = -EFAULT;
		if (!ret)
			ret = seat_op(seat_of(node), &op);
	}
	uvf_unlock(&sp->lock);
	return ret;
}

/* Calls of this version, or of both; the rest is unknown to it. */
static long ioctl_of_version(struct uvf_spapr *sp, struct uvf_caller *caller,
			     unsigned int cmd, unsigned long arg)
{
	if (!sp->is_v2) {
		switch (cmd) {
		case VFIO_IOMMU_ENABLE:
			return ioctl_enable(sp, caller);
		case VFIO_IOMMU_DISABLE:
			return ioctl_disable(sp, caller);
		default:
			return -ENOTTY;
		}
	}
	switch (cmd) {
	case VFIO_IOMMU_SPAPR_REGISTER_MEMORY:
		return uvf_spapr_ioctl_register(sp, caller, arg);
	case VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY:
		return uvf_spapr_ioctl_unregister(sp, caller, arg);
	case VFIO_IOMMU_SPAPR_TCE_CREATE:
		return uvf_spapr_ioctl_tce_create(sp, caller, arg);
	case VFIO_IOMMU_SPAPR_TCE_REMOVE:
		return uvf_spapr_ioctl_tce_remove(sp, caller, arg);
	default:
		return -ENOTTY;
	}
}

/* Another process than the first gets -EPERM, whatever it calls. */
static long spapr_ioctl(void *state, struct uvf_caller *caller,
			unsigned int cmd, unsigned long arg)
{
	struct uvf_spapr *sp = state;
	long ret = -ENOTTY;
	int admitted;

	switch (cmd) {
	case VFIO_IOMMU_SPAPR_TCE_GET_INFO:
		return ioctl_get_info(sp, caller, arg);
	case VFIO_IOMMU_MAP_DMA:
		return uvf_spapr_ioctl_map_dma(sp, caller, arg);
	case VFIO_IOMMU_UNMAP_DMA:
		return uvf_spapr_ioctl_unmap_dma(sp, caller, arg);
	case VFIO_EEH_PE_OP:
		if (has_eeh(&sp->host))
			return ioctl_eeh_pe_op(sp, caller, arg);
		break;
	default:
		ret = ioctl_of_version(sp, caller, cmd, arg);
		break;
	}
	if (ret != -ENOTTY)
		return ret;
	uvf_lock(&sp->lock);
	admitted = uvf_spapr_admit_locked(sp, caller);
	uvf_unlock(&sp->lock);
	return admitted ? admitted : ret;
}

const struct uvf_iommu_backend uvf_spapr_backend = {
	.name = "spapr",
	.check_extension = spapr_check_extension,
	.open = spapr_open,
	.release = spapr_release,
	.attach_group = spapr_attach_group,
	.detach_group = spapr_detach_group,
	.ioctl = spapr_ioctl,
};

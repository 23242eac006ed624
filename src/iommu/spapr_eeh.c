/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source: VFIO_EEH_PE_OP of drivers/vfio/vfio_iommu_spapr_tce.c,
 * arch/powerpc/kernel/eeh.c and .../platforms/powernv/eeh-powernv.c, Linux
 * 6.12.
 */
#include "iommu/spapr_eeh.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

/* Of arch/powerpc/include/uapi/asm/eeh.h. */
#define EEH_ERR_TYPE_64  1u
#define EEH_ERR_FUNC_MAX 19

#define OP_SIZE     offsetofend(struct vfio_eeh_pe_op, op)
#define INJECT_SIZE offsetofend(struct vfio_eeh_pe_op, err.mask)
#define offsetofend(type, member)                                              \
	(offsetof(type, member) + sizeof(((type *)0)->member))

static_assert(offsetof(struct vfio_eeh_pe_op, op) == 8, "ABI");
static_assert(offsetof(struct vfio_eeh_pe_op, err.type) == 16, "ABI");
static_assert(INJECT_SIZE == 40, "ABI");

static int inject(struct uvf_eeh_pe *pe, const struct vfio_eeh_pe_op *op)
{
	int function = (int)op->err.func;

	if (op->argsz < INJECT_SIZE)
		return -EINVAL;
	if (function < 0 || function > EEH_ERR_FUNC_MAX)
		return -EINVAL;
	if (op->err.type > EEH_ERR_TYPE_64)
		return -ERANGE;
	pe->is_io_stopped = true;
	pe->is_dma_stopped = true;
	return 0;
}

static int state_of(const struct uvf_eeh_pe *pe)
{
	if (pe->is_reset)
		return VFIO_EEH_PE_STATE_RESET;
	if (pe->is_dma_stopped)
		return pe->is_io_stopped ? VFIO_EEH_PE_STATE_STOPPED
					 : VFIO_EEH_PE_STATE_STOPPED_DMA;
	return pe->is_io_stopped ? VFIO_EEH_PE_STATE_UNAVAIL
				 : VFIO_EEH_PE_STATE_NORMAL;
}

int uvf_eeh_pe_op(struct uvf_eeh_pe *pe, const struct vfio_eeh_pe_op *op)
{
	if (op->argsz < OP_SIZE || op->flags)
		return -EINVAL;
	switch (op->op) {
	case VFIO_EEH_PE_DISABLE:
	case VFIO_EEH_PE_CONFIGURE:
		return 0;
	case VFIO_EEH_PE_ENABLE:
		/* Who takes over an endpoint that is frozen thaws it. */
		if (!pe->is_reset)
			*pe = (struct uvf_eeh_pe){0};
		return 0;
	case VFIO_EEH_PE_UNFREEZE_IO:
		if (!pe->is_reset)
			pe->is_io_stopped = false;
		return 0;
	case VFIO_EEH_PE_UNFREEZE_DMA:
		if (!pe->is_reset)
			pe->is_dma_stopped = false;
		return 0;
	case VFIO_EEH_PE_GET_STATE:
		return state_of(pe);
	case VFIO_EEH_PE_RESET_DEACTIVATE:
		*pe = (struct uvf_eeh_pe){0};
		return 0;
	case VFIO_EEH_PE_RESET_HOT:
	case VFIO_EEH_PE_RESET_FUNDAMENTAL:
		*pe = (struct uvf_eeh_pe){true, true, true};
		return 0;
	case VFIO_EEH_PE_INJECT_ERR:
		return inject(pe, op);
	default:
		return -EINVAL;
	}
}

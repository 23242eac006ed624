/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Enhanced error handling of POWER: a group's partitionable endpoint is
 * frozen when an error happens, and goes on by leave of who owns it.
 */
#ifndef UVF_IOMMU_SPAPR_EEH_H
#define UVF_IOMMU_SPAPR_EEH_H

#include <linux/vfio.h>
#include <stdbool.h>

struct uvf_eeh_pe {
	bool is_io_stopped; /* registers */
	bool is_dma_stopped;
	bool is_reset; /* reset is asserted; both are stopped, too */
};

/**
 * uvf_eeh_pe_op() - VFIO_EEH_PE_OP for one endpoint
 * @op: as the client gave it, up to what argsz says
 *
 * An error that is injected happens at once.
 *
 * Return: 0, a state (VFIO_EEH_PE_STATE_*), or, in the order they are tested:
 *   -EINVAL  argsz is less than 12; flags; unknown operation; INJECT_ERR with
 *            argsz less than 40, or a function out of range
 *   -ERANGE  INJECT_ERR with an unknown type
 */
int uvf_eeh_pe_op(struct uvf_eeh_pe *pe, const struct vfio_eeh_pe_op *op);

#endif /* UVF_IOMMU_SPAPR_EEH_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Functions that are bridges: a bus behind them, and windows in the
 * addresses of the bus above for the BARs of what is there.
 */
#ifndef UVF_PCI_BRIDGE_H
#define UVF_PCI_BRIDGE_H

#include "pci/pci.h"

struct uvf_options;
struct uvfio_error;

/**
 * uvf_bridge_place() - find the bridge above a function, if it is to have one
 * @pci: options are set
 * Its key bridge names it; on success the function holds a reference.
 *
 * Return: 0, or -EINVAL and a line in @err: no such bridge.
 */
int uvf_bridge_place(struct uvf_pci *pci, struct uvfio_error *err);

/**
 * uvf_bridge_init() - number the bus behind a bridge, find room for windows
 * @pci: a bridge; its address is set
 * Its keys bus-reserve, mem-reserve, io-reserve and pref64-reserve say how much
 * is to be behind it.
 * Return: 0, or, in the order tested, -EINVAL or -ENOSPC and a line in @err.
 */
int uvf_bridge_init(struct uvf_pci *pci, struct uvfio_error *err);

/* The registers of a type 1 header that differ from those of type 0. */
void uvf_bridge_build_header(struct uvf_pci *pci);

/* The bridge above a function, or NULL. */
struct uvf_pci *uvf_bridge_of(const struct uvf_pci *pci);

/* Whether a bridge is above a function, directly or not. */
bool uvf_bridge_leads_to(const struct uvf_pci *bridge,
			 const struct uvf_pci *pci);

/* Whether behind it no function can be told from another by an IOMMU. */
bool uvf_bridge_is_conventional(const struct uvf_pci *bridge);

static inline bool uvf_pci_is_bridge(const struct uvf_pci *pci)
{
	return pci->desc->features & UVFIO_PCI_BRIDGE;
}

#endif /* UVF_PCI_BRIDGE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single Root I/O Virtualization: a physical function (PF) and the virtual
 * ones (VFs) that come and go by its file sriov_numvfs.
 */
#ifndef UVF_PCI_SRIOV_H
#define UVF_PCI_SRIOV_H

#include <sys/types.h>

#include "pci/pci.h"

struct uvf_task;

static inline bool uvf_sriov_is_pf(const struct uvf_pci *pci)
{
	return pci->desc->sriov.offset;
}

/* The registers of the capability; config space is not shared yet. */
void uvf_sriov_build(struct uvf_pci *pci);

/* Where a VF is, from 0; false: beyond the buses of this segment. */
bool uvf_sriov_address(const struct uvf_pci *pf, unsigned int index,
		       struct uvf_pci_address *ret_address);

/* How many VFs there are. */
unsigned int uvf_sriov_count(const struct uvf_pci *pf);

/**
 * uvf_sriov_enable() - as pci_enable_sriov()
 * @count:    not 0; there are none yet
 * @override: the driver_override that each VF gets; NULL: none
 *
 * Drivers are asked to take each.  Nothing is left behind by a failure.
 *
 * Return: 0, or, in the order they are tested:
 *   -ENOMEM  an address is beyond the buses of the bridge above; no memory
 *   -EEXIST  a device is at the address of a VF
 */
int uvf_sriov_enable(struct uvf_pci *pf, unsigned int count,
		     const char *override) UVF_REQUIRES(pf->bus.lock);

/* Take all VFs out; waits for their users. */
void uvf_sriov_disable(struct uvf_pci *pf, struct uvf_task *task)
	UVF_REQUIRES(pf->bus.lock);

/* Whether drivers may take a function: VFs by sriov_drivers_autoprobe. */
bool uvf_sriov_may_probe(struct uvf_pci *pci);

/* struct uvf_bus_device_ops::each_link: virtfnN, physfn */
void uvf_sriov_each_link(struct uvf_bus_device *bus, uvf_bus_link_fn *link,
			 void *arg);

/* Files of a PF, of a VF; each returns where the next one goes. */
struct uvf_bus_attr *uvf_sriov_list_files(struct uvf_pci *pci,
					  struct uvf_bus_attr *at);

#endif /* UVF_PCI_SRIOV_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio-pci: what it does when the first client opens a function and the last
 * one leaves.
 */
#ifndef UVF_PCI_DRIVER_H
#define UVF_PCI_DRIVER_H

#include "pci/pci.h"

#define UVF_PCI_DRIVER_NAME "vfio-pci"

extern const struct uvf_device_ops uvf_pci_device_ops;

struct uvf_task;

/**
 * uvf_pci_driver_set_vfs() - let the driver of a PF have VFs, or none
 * @count: 0, or, while there are none, up to those it can have
 *
 * Return: 0, or, in the order they are tested:
 *   -ENOENT  no driver, or one that does nothing about VFs
 *   -EBUSY   there are VFs, and @count is not 0
 *   -ENOENT  vfio-pci without its parameter enable_sriov
 *   or what uvf_sriov_enable() returns
 */
int uvf_pci_driver_set_vfs(struct uvf_pci *pci, unsigned int count,
			   struct uvf_task *task) UVF_REQUIRES(pci->bus.lock);

#endif /* UVF_PCI_DRIVER_H */

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

#endif /* UVF_PCI_DRIVER_H */

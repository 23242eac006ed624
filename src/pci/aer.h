/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Advanced error reporting, as the host does it.
 */
#ifndef UVF_PCI_AER_H
#define UVF_PCI_AER_H

struct uvf_bus_device;

/**
 * uvf_pci_report_error() - let a function report an uncorrectable error that
 * is not fatal
 *
 * The model is told.  The drivers of all functions behind the same bridge
 * hear of it, which for vfio-pci is the ERR interrupt, and nothing is reset.
 *
 * Context: takes the driver core's locks of these functions, one at a time.
 * Return: 0, or, in the order they are tested:
 *   -ENODEV      it is no PCI function
 *   -EOPNOTSUPP  it has no capability to report errors
 *   -ENOMEM      out of memory
 */
int uvf_pci_report_error(struct uvf_bus_device *bus);

#endif /* UVF_PCI_AER_H */

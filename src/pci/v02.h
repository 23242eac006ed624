/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio-pci on a machine that speaks VFIO v0.2.
 */
#ifndef UVF_PCI_V02_H
#define UVF_PCI_V02_H

struct uvf_bus_device;
struct uvf_driver_ops;

/* Of the driver vfio-pci; its data is the struct uvf_vfio. */
extern const struct uvf_driver_ops uvf_pci_v02_driver_ops;

/* The bus driver knows all functions, bound or not: struct uvf_bus_ops. */
void uvf_pci_v02_added(struct uvf_bus_device *device);
void uvf_pci_v02_removed(struct uvf_bus_device *device);

#endif /* UVF_PCI_V02_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PCI Express root port: a bus of its own for the devices behind it.  All
 * it has is its configuration space, which is uvfio's.
 */
#include <uvfio/pci.h>

extern const struct uvfio_pci_model uvfio_model_bridge;

static const struct uvfio_device_ops bridge_ops = {0};

/* Ids of the generic root port that QEMU has. */
const struct uvfio_pci_model uvfio_model_bridge = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "bridge",
	.summary = "PCI Express root port, for devices with bridge=",
	.ops = &bridge_ops,
	.vendor = 0x1b36,
	.device = 0x000c,
	.class_code = 0x060400,
	.features = UVFIO_PCI_EXPRESS | UVFIO_PCI_BRIDGE,
	.pm_offset = 0x40,
	.express_offset = 0x54,
};

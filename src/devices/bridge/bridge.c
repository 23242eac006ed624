/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bridges: a PCI Express port, which is a root port or behind another bridge
 * one of a switch, or a conventional bridge.  All they have is their
 * configuration space, which is uvfio's, as are the keys about its size.
 */
#include <errno.h>
#include <string.h>

#include <uvfio/pci.h>

extern const struct uvfio_pci_model uvfio_model_bridge;

static const struct uvfio_device_ops bridge_ops = {0};

static const struct uvfio_key bridge_keys[] = {
	{"type", "express|pci", "a port of PCI Express, or a conventional one"},
	{"bus-reserve", "N", "buses kept for bridges behind it (0)"},
	{"mem-reserve", "SIZE", "memory for what is behind it (16M)"},
	{"io-reserve", "SIZE", "I/O ports for what is behind it (4K)"},
	{"pref64-reserve", "SIZE", "prefetchable 64-bit memory (none)"},
	{NULL, NULL, NULL},
};

static int bridge_configure(struct uvfio_pci_model *model,
			    const struct uvfio_spec *spec,
			    struct uvfio_error *err)
{
	const char *type = uvfio_spec_value(spec, "type");

	if (!type || !strcmp(type, "express"))
		return 0;
	if (strcmp(type, "pci")) {
		uvfio_error_set(err, "type=%s: write express or pci", type);
		return -EINVAL;
	}
	/* Id of the bridge that QEMU has. */
	model->device = 0x0001;
	model->features = UVFIO_PCI_BRIDGE;
	model->pm_offset = 0;
	model->express_offset = 0;
	return 0;
}

/* Ids of the generic root port that QEMU has. */
const struct uvfio_pci_model uvfio_model_bridge = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "bridge",
	.summary = "PCI Express port, or PCI bridge, for devices with bridge=",
	.keys = bridge_keys,
	.ops = &bridge_ops,
	.vendor = 0x1b36,
	.device = 0x000c,
	.class_code = 0x060400,
	.features = UVFIO_PCI_EXPRESS | UVFIO_PCI_BRIDGE,
	.pm_offset = 0x40,
	.express_offset = 0x54,
	.configure = bridge_configure,
};

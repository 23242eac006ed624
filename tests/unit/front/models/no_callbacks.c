/* SPDX-License-Identifier: BSD-3-Clause */
/* A model that a machine refuses, as it would a built-in one. */
#include <uvfio/pci.h>

const struct uvfio_pci_model uvfio_model = {
	.abi = UVFIO_DEVICE_ABI,
	.name = "idle",
	.summary = "has no callbacks",
};

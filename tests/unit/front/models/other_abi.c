/* SPDX-License-Identifier: BSD-3-Clause */
/* A model made for another version of the interface. */
#include <uvfio/pci.h>

const struct uvfio_pci_model uvfio_model = {
	.abi = UVFIO_DEVICE_ABI + 1,
	.name = "other",
	.summary = "made for another version",
};

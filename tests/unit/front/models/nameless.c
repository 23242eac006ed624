/* SPDX-License-Identifier: BSD-3-Clause */
/* A model that nobody can speak of. */
#include <uvfio/pci.h>

const struct uvfio_pci_model uvfio_model = {
	.abi = UVFIO_DEVICE_ABI,
	.summary = "has no name",
};

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The version of the library and of its device interface.
 */
#ifndef UVFIO_VERSION_H
#define UVFIO_VERSION_H

#define UVFIO_VERSION_MAJOR 0
#define UVFIO_VERSION_MINOR 1
#define UVFIO_VERSION_PATCH 0
#define UVFIO_VERSION       "0.1.0"

/* What struct uvfio_pci_model::abi must hold. */
#define UVFIO_DEVICE_ABI 1

#endif /* UVFIO_VERSION_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All of the public interface.
 */
#ifndef UVFIO_UVFIO_H
#define UVFIO_UVFIO_H

#include <uvfio/device.h>
#include <uvfio/driver.h>
#include <uvfio/file.h>
#include <uvfio/iommu.h>
#include <uvfio/machine.h>
#include <uvfio/mdev.h>
#include <uvfio/migration.h>
#include <uvfio/pci.h>
#include <uvfio/platform.h>
#include <uvfio/version.h>

#endif /* UVFIO_UVFIO_H */

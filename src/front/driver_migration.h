/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The migration of a device whose driver is written by uvfio/driver.h.
 */
#ifndef UVF_FRONT_DRIVER_MIGRATION_H
#define UVF_FRONT_DRIVER_MIGRATION_H

#include "core/dma_logging.h"

struct uvf_device;
struct uvf_migration;
struct uvfio_vfio_device;
struct uvfio_vfio_migration_ops;

/* Embedded by a driver's device. */
struct uvf_driver_migration {
	const struct uvfio_vfio_migration_ops *ops;
	struct uvfio_vfio_device *device;
	struct uvf_migration *migration; /* NULL: it has none */
	struct uvf_dma_log log;
};

/**
 * uvf_driver_migration_init() - let a device migrate
 * @core: of @device; gets what the core asks
 * Return: 0, or -EINVAL an op is missing, or the flags are none; -ENOMEM.
 */
int uvf_driver_migration_init(struct uvf_driver_migration *migration,
			      struct uvfio_vfio_device *device,
			      struct uvf_device *core,
			      const struct uvfio_vfio_migration_ops *ops);

/* Nothing of it was initialised, or all. */
void uvf_driver_migration_fini(struct uvf_driver_migration *migration);

#endif /* UVF_FRONT_DRIVER_MIGRATION_H */

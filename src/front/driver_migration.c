/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/driver_migration.h"

#include <errno.h>
#include <string.h>

#include <uvfio/driver.h>

#include "core/device.h"
#include "core/migration.h"

static int step(void *arg, enum uvf_mig_state from, enum uvf_mig_state to)
{
	const struct uvf_driver_migration *migration = arg;

	return migration->ops->step(migration->device,
				    (enum uvfio_migration_state)from,
				    (enum uvfio_migration_state)to);
}

static ssize_t save(void *arg, void *buf, size_t len)
{
	const struct uvf_driver_migration *migration = arg;

	return migration->ops->save(migration->device, buf, len);
}

static int load(void *arg, const void *buf, size_t len)
{
	const struct uvf_driver_migration *migration = arg;

	return migration->ops->load(migration->device, buf, len);
}

static uint64_t data_size(void *arg)
{
	const struct uvf_driver_migration *migration = arg;

	return migration->ops->data_size(migration->device);
}

static void precopy_left(void *arg, uint64_t *ret_initial, uint64_t *ret_dirty)
{
	const struct uvf_driver_migration *migration = arg;

	migration->ops->precopy_left(migration->device, ret_initial, ret_dirty);
}

static void reset(void *arg)
{
	const struct uvf_driver_migration *migration = arg;

	if (migration->ops->reset)
		migration->ops->reset(migration->device);
}

#define OPS(plain)                                                             \
	{                                                                      \
		.step = step, .save = save, .load = load,                      \
		.data_size = data_size, .precopy_left = precopy_left,          \
		.reset = reset, .has_plain_end = (plain),                      \
	}

static const struct uvf_migration_ops ops_by_end[] = {OPS(false), OPS(true)};

/* A log of a device that writes nothing. */
static int start_log(void *arg, struct uvf_itree *ranges, unsigned int count,
		     uint64_t *page_size)
{
	(void)arg;
	(void)ranges;
	(void)count;
	(void)page_size;
	return 0;
}

static int stop_log(void *arg)
{
	(void)arg;
	return 0;
}

static int report_log(void *arg, struct uvf_range iova,
		      struct uvf_dirty_bitmap *bitmap)
{
	(void)arg;
	(void)iova;
	(void)bitmap;
	return 0;
}

static const struct uvf_dma_log_ops empty_log = {
	.start = start_log,
	.stop = stop_log,
	.report = report_log,
};

int uvf_driver_migration_init(struct uvf_driver_migration *migration,
			      struct uvfio_vfio_device *device,
			      struct uvf_device *core,
			      const struct uvfio_vfio_migration_ops *ops)
{
	int ret;

	if (!ops->step || !ops->save || !ops->load || !ops->data_size ||
	    (ops->flags & UVF_MIG_HAS_PRE_COPY && !ops->precopy_left))
		return -EINVAL;
	migration->ops = ops;
	migration->device = device;
	ret = uvf_migration_create(&migration->migration,
				   &ops_by_end[ops->has_plain_end], ops->flags,
				   migration);
	if (ret)
		return ret;
	core->migration = migration->migration;
	if (!ops->has_empty_log)
		return 0;
	migration->log = (struct uvf_dma_log){&empty_log, migration};
	core->dma_log = &migration->log;
	return 0;
}

void uvf_driver_migration_fini(struct uvf_driver_migration *migration)
{
	uvf_migration_destroy(migration->migration);
	memset(migration, 0, sizeof(*migration));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that migrates, whose state is an array of bytes.
 */
#ifndef TESTS_UNIT_CORE_MIGRATION_FAKE_H
#define TESTS_UNIT_CORE_MIGRATION_FAKE_H

#include "core/migration.h"

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/profile.h"
#include "core/device.h"
#include "core/file.h"
#include "mem/caller.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GET          VFIO_DEVICE_FEATURE_GET
#define SET          VFIO_DEVICE_FEATURE_SET
#define PROBE        VFIO_DEVICE_FEATURE_PROBE
#define DATA_SIZE    9u
#define PRECOPY_INFO _IO(';', 121)
#define STATE_BYTES  10000u

struct fake {
	struct uvf_device device;
	struct uvf_profile profile;
	struct uvf_caller caller;
	struct uvf_file *installed; /* what the last call gave */
	bool has_no_fd;
	uint8_t arcs[32][2];
	unsigned int arc_count;
	unsigned int fails_at; /* 1 for the first arc; 0: none */
	int failure;
	uint8_t state[STATE_BYTES];
	size_t saved, loaded, precopy;
};

extern const struct uvf_migration_ops fake_migration_ops;

/* @flags of its abilities; 0: it does not migrate.  @abi: a profile. */
void fake_open(struct fake *fake, uint32_t flags, const char *abi);
void fake_close(struct fake *fake);
uint32_t state_of(struct fake *fake);

/* VFIO_DEVICE_FEATURE. */
int feature(struct fake *fake, void *arg);

struct mig_state {
	struct vfio_device_feature header;
	struct vfio_device_feature_mig_state data;
};

struct mig_state mig_state(uint32_t op, uint32_t state);
/* SET; *ret_file is what came along, or NULL. */
int set_state(struct fake *fake, uint32_t state, struct uvf_file **ret_file);

#endif /* TESTS_UNIT_CORE_MIGRATION_FAKE_H */

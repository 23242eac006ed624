/* SPDX-License-Identifier: BSD-3-Clause */
#include "migration_fake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/feature.h"
#include "mem/copy.h"
#include "mem/self.h"

static int fake_step(void *arg, enum uvf_mig_state from, enum uvf_mig_state to)
{
	struct fake *fake = arg;

	assert_true(fake->arc_count < COUNT(fake->arcs));
	fake->arcs[fake->arc_count][0] = (uint8_t)from;
	fake->arcs[fake->arc_count][1] = (uint8_t)to;
	fake->arc_count++;
	if (fake->fails_at && !--fake->fails_at)
		return fake->failure;
	if (from == UVF_MIG_RESUMING && to == UVF_MIG_STOP &&
	    fake->loaded != STATE_BYTES)
		return -EINVAL;
	if (to == UVF_MIG_RESUMING)
		fake->loaded = 0;
	if (from == UVF_MIG_STOP || from == UVF_MIG_RUNNING)
		fake->saved = 0;
	return 0;
}

uint32_t state_of(struct fake *fake)
{
	return uvf_migration_state(fake->device.migration);
}

/* While the device runs, only the first bytes are known. */
static ssize_t fake_save(void *arg, void *buf, size_t len)
{
	struct fake *fake = arg;
	size_t end = fake->precopy ? fake->precopy : STATE_BYTES;

	if (len > end - fake->saved)
		len = end - fake->saved;
	memcpy(buf, fake->state + fake->saved, len);
	fake->saved += len;
	return (ssize_t)len;
}

static int fake_load(void *arg, const void *buf, size_t len)
{
	struct fake *fake = arg;

	if (len > STATE_BYTES - fake->loaded)
		return -ENOSPC;
	memcpy(fake->state + fake->loaded, buf, len);
	fake->loaded += len;
	return 0;
}

static uint64_t fake_data_size(void *arg)
{
	struct fake *fake = arg;

	return STATE_BYTES - fake->saved;
}

static void fake_precopy_left(void *arg, uint64_t *ret_initial,
			      uint64_t *ret_dirty)
{
	struct fake *fake = arg;

	*ret_initial = fake->precopy - fake->saved;
	*ret_dirty = 7;
}

const struct uvf_migration_ops fake_migration_ops = {
	.step = fake_step,
	.save = fake_save,
	.load = fake_load,
	.data_size = fake_data_size,
	.precopy_left = fake_precopy_left,
};

static struct fake *fake_of(struct uvf_caller *caller)
{
	return (struct fake *)(void *)((char *)caller -
				       offsetof(struct fake, caller));
}

static int fake_fd_check(struct uvf_caller *caller)
{
	return fake_of(caller)->has_no_fd ? -EMFILE : 0;
}

static int fake_file_install(struct uvf_caller *caller, struct uvf_file *file)
{
	fake_of(caller)->installed = file;
	return 42;
}

static const struct uvf_caller_ops fake_caller_ops = {
	.fd_check = fake_fd_check,
	.file_install = fake_file_install,
};

static const struct uvf_device_ops fake_ops;

void fake_open(struct fake *fake, uint32_t flags, const char *abi)
{
	memset(fake, 0, sizeof(*fake));
	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(uvf_profile_parse(&fake->profile, abi, NULL), 0);
	fake->caller.ops = &fake_caller_ops;
	assert_int_equal(uvf_self_create(&fake->caller.mm), 0);
	fake->device.ops = &fake_ops;
	for (size_t i = 0; i < STATE_BYTES; i++)
		fake->state[i] = (uint8_t)(i * 7 + i / 256);
	if (flags)
		assert_int_equal(uvf_migration_create(&fake->device.migration,
						      &fake_migration_ops,
						      flags, fake),
				 0);
}

void fake_close(struct fake *fake)
{
	uvf_migration_destroy(fake->device.migration);
	uvf_mm_put(fake->caller.mm);
}

int feature(struct fake *fake, void *arg)
{
	return (int)uvf_device_feature(&fake->device, &fake->profile,
				       &fake->caller, (uintptr_t)arg);
}

struct mig_state mig_state(uint32_t op, uint32_t state)
{
	return (struct mig_state){
		.header.argsz = sizeof(struct mig_state),
		.header.flags = op | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
		.data.device_state = state,
		.data.data_fd = 5,
	};
}

int set_state(struct fake *fake, uint32_t state, struct uvf_file **ret_file)
{
	struct mig_state arg = mig_state(SET, state);
	int ret;

	fake->arc_count = 0;
	fake->installed = NULL;
	ret = feature(fake, &arg);
	assert_int_equal(arg.data.data_fd, fake->installed ? 42 : -1);
	if (ret_file)
		*ret_file = fake->installed;
	else
		uvf_file_put(fake->installed);
	return ret;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/profile.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct uvf_profile profiles[] = {
	{
		.name = "6.1",
		.set_container_kind_errno = EINVAL,
		.group_looks_for_bound_cdev = false,
		.info_caps_aligned = false,
		.info_copies_any_length = false,
		.device_info_copies_any_length = false,
		.msix_is_dynamic = false,
		.loopback_skips_unknown = false,
		.bar_access_max = 4,
		.irq_negative_fd_is_error = false,
		.hot_reset_checks_bus_first = true,
		.express_v2_size = 0x32,
	},
	{
		.name = "6.12",
		.set_container_kind_errno = EBADFD,
		.group_looks_for_bound_cdev = true,
		.info_caps_aligned = true,
		.info_copies_any_length = true,
		.device_info_copies_any_length = true,
		.msix_is_dynamic = true,
		.loopback_skips_unknown = true,
		.bar_access_max = 8,
		.irq_negative_fd_is_error = true,
		.hot_reset_checks_bus_first = false,
		.express_v2_size = 0x34,
	},
};

#define PROFILE_COUNT (sizeof(profiles) / sizeof(profiles[0]))

const struct uvf_profile *uvf_profile_find(const char *name)
{
	for (size_t i = 0; i < PROFILE_COUNT; i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	return NULL;
}

const struct uvf_profile *uvf_profile_default(void)
{
	return &profiles[PROFILE_COUNT - 1];
}

const struct uvf_profile *uvf_profile_at(unsigned int index)
{
	return index < PROFILE_COUNT ? &profiles[index] : NULL;
}

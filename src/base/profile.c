/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/device.h>

#define DEFAULT "6.12"
#define COLUMNS 7
#define NOT     0 /* what the switch is about did not exist */

static const char *const names[COLUMNS + 1] = {
	"v02", "3.14", "4.1", "6.1", "6.6", "6.12", "6.19", NULL,
};

enum kind {
	SWITCH,
	NUMBER,
	ERRNO,
};

struct row {
	const char *name;
	enum kind kind;
	size_t offset; /* in struct uvf_profile */
	unsigned int values[COLUMNS];
};

#define ROW(kind, field, ...)                                                  \
	{                                                                      \
#field, kind, offsetof(struct uvf_profile, field),             \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}

/* clang-format off */
static const struct row rows[] = {
	/*                              v02 3.14 4.1 6.1 6.6 6.12 6.19 */
	ROW(SWITCH, is_v02,                 1, 0, 0, 0, 0, 0, 0),

	ROW(NUMBER, viability,
	    UVF_VIABILITY_DRIVER_SCAN, UVF_VIABILITY_DRIVER_SCAN,
	    UVF_VIABILITY_UNBOUND_LIST, UVF_VIABILITY_DMA_OWNER,
	    UVF_VIABILITY_DMA_OWNER, UVF_VIABILITY_DMA_OWNER,
	    UVF_VIABILITY_DMA_OWNER),
	ROW(ERRNO, set_container_kind_errno,
	    NOT, EINVAL, EINVAL, EINVAL, EBADFD, EBADFD, EBADFD),
	ROW(ERRNO, set_container_negative_errno,
	    NOT, EINVAL, EINVAL, EBADF, EBADF, EBADF, EBADF),
	ROW(SWITCH, set_container_users_first,  0, 1, 1, 0, 0, 0, 0),
	ROW(SWITCH, device_name_first,          0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, set_container_wants_viable, 0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, unregister_requests,        1, 0, 1, 1, 1, 1, 1),
	ROW(SWITCH, unregister_hides_first,     0, 0, 0, 0, 1, 1, 1),
	ROW(SWITCH, last_device_detaches,       0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, container_passes_file_calls, 0, 1, 1, 0, 0, 0, 0),
	ROW(SWITCH, host_bind_breaks_isolation, 0, 1, 1, 0, 0, 0, 0),
	ROW(SWITCH, has_noiommu,                0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, has_device_class,           0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, has_cdev,                   0, 0, 0, 0, 1, 1, 1),
	ROW(SWITCH, has_mdev,                   0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, has_platform,               1, 0, 1, 1, 1, 1, 1),
	ROW(SWITCH, platform_can_reset,         1, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, sample_migrates,            0, 0, 0, 0, 0, 1, 1),
	ROW(SWITCH, has_pasid,                  0, 0, 0, 0, 0, 0, 1),
	ROW(SWITCH, has_core_feature,           0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, has_precopy,                0, 0, 0, 0, 1, 1, 1),
	ROW(SWITCH, set_iommu_tries_next,       0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, device_opens_per_fd,        1, 1, 1, 0, 0, 0, 0),
	ROW(ERRNO, stale_node_errno,
	    ENODEV, ENODEV, ENODEV, ENXIO, ENXIO, ENXIO, ENXIO),
	ROW(ERRNO, feature_unknown_errno,
	    NOT, NOT, NOT, EINVAL, EINVAL, EINVAL, ENOTTY),
	ROW(ERRNO, duplicate_register_errno,
	    NOT, EBUSY, EBUSY, EBUSY, EINVAL, EINVAL, EINVAL),

	ROW(SWITCH, has_driver_override,        0, 0, 1, 1, 1, 1, 1),
	ROW(ERRNO, bind_bound_errno,
	    ENODEV, ENODEV, ENODEV, EBUSY, EBUSY, EBUSY, EBUSY),
	ROW(SWITCH, bind_locks_parent,          1, 1, 1, 0, 0, 0, 0),
	ROW(SWITCH, bind_hides_probe_errno,     1, 1, 1, 0, 0, 0, 0),
	ROW(SWITCH, remove_is_deferred,         1, 1, 0, 0, 0, 0, 0),

	ROW(SWITCH, has_kvm_vfio,               0, 1, 1, 1, 1, 1, 1),
	ROW(SWITCH, kvm_add_wants_viable,       0, 1, 1, 0, 0, 0, 0),
	ROW(SWITCH, kvm_del_checks_group,       0, 1, 1, 0, 0, 0, 0),
	ROW(SWITCH, kvm_dies_with_fd,           0, 0, 0, 1, 1, 1, 1),
	ROW(NUMBER, kvm_coherency,
	    UVF_KVM_NEVER_COHERENT, UVF_KVM_NEVER_COHERENT,
	    UVF_KVM_ASKS_CONTAINER, UVF_KVM_ASKS_DEVICE, UVF_KVM_ASKS_DEVICE,
	    UVF_KVM_ASKS_DEVICE, UVF_KVM_ASKS_DEVICE),
	ROW(SWITCH, kvm_checks_mm,              0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, kvm_has_spapr_tce,          0, 0, 0, 1, 1, 1, 1),

	ROW(NUMBER, type1_extensions,
	    NOT, 0x2, 0x5a, 0x65a, 0x65a, 0x65a, 0x61a),
	ROW(NUMBER, map_dma_flags,              NOT, 3, 3, 7, 7, 7, 7),
	ROW(NUMBER, unmap_dma_flags,            NOT, 0, 0, 7, 7, 7, 7),
	ROW(SWITCH, type1_splits,               0, 1, 0, 0, 0, 0, 0),
	ROW(SWITCH, zero_page_is_free,          0, 1, 1, 1, 0, 0, 0),
	ROW(SWITCH, type1_has_ranges,           0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, type1_has_entry_limit,      0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, type1_has_dirty_pages,      0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, vtd_any_page_size,          0, 1, 1, 0, 0, 0, 0),
	ROW(SWITCH, info_has_caps,              0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, info_caps_aligned,          0, 0, 0, 0, 1, 1, 1),
	ROW(SWITCH, info_copies_any_length,     0, 0, 0, 0, 1, 1, 1),
	ROW(SWITCH, type1_knows_overflow,       0, 0, 0, 0, 0, 0, 1),

	ROW(SWITCH, has_spapr_tce_v2,           0, 0, 0, 1, 1, 1, 1),
	ROW(SWITCH, has_eeh,                    0, 0, 1, 1, 1, 1, 1),

	ROW(NUMBER, iommufd_last,
	    NOT, NOT, NOT, NOT, 0x8a, 0x8e, 0x94),
	ROW(NUMBER, hwpt_flags,                 0, 0, 0, 0, 0, 0x3, 0xf),

	ROW(SWITCH, device_info_copies_any_length, 0, 0, 0, 0, 1, 1, 1),
	ROW(SWITCH, msix_is_dynamic,            0, 0, 0, 0, 1, 1, 1),
	ROW(SWITCH, loopback_skips_unknown,     0, 0, 0, 0, 1, 1, 1),
	ROW(NUMBER, bar_access_max,             4, 4, 4, 4, 4, 8, 8),
	ROW(SWITCH, irq_negative_fd_is_error,   0, 0, 0, 0, 0, 1, 1),
	ROW(SWITCH, hot_reset_checks_bus_first, 1, 1, 1, 1, 0, 0, 0),
	ROW(SWITCH, vfio_has_vfs,               0, 0, 0, 1, 1, 1, 1),
	ROW(NUMBER, express_v2_size,
	    0x32, 0x32, 0x32, 0x32, 0x32, 0x34, 0x34),
};
/* clang-format on */

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static void set(struct uvf_profile *profile, const struct row *row,
		unsigned int value)
{
	char *field = (char *)profile + row->offset;

	switch (row->kind) {
	case SWITCH:
		*(bool *)(void *)field = value;
		break;
	case NUMBER:
		*(unsigned int *)(void *)field = value;
		break;
	case ERRNO:
		*(int *)(void *)field = (int)value;
		break;
	}
}

static int find_column(const char *name, size_t len)
{
	for (int i = 0; i < COLUMNS; i++)
		if (strlen(names[i]) == len && !strncmp(names[i], name, len))
			return i;
	return -1;
}

static int refuse_name(const char *name, size_t len, struct uvfio_error *err)
{
	char known[128];
	size_t used = 0;

	for (int i = 0; i < COLUMNS; i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used,
					 "%s%s", i ? ", " : "", names[i]);
	uvfio_error_set(err, "no profile '%.*s'; there are: %s", (int)len, name,
			known);
	return -EINVAL;
}

static const struct row *find_row(const char *name, size_t len)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (strlen(rows[i].name) == len &&
		    !strncmp(rows[i].name, name, len))
			return &rows[i];
	return NULL;
}

/* What is written after a switch's name; -1: not one of its values. */
static long parse_value(const struct row *row, const char *text)
{
	char *end;
	long value;

	switch (row->kind) {
	case SWITCH:
		if (!strcmp(text, "on"))
			return 1;
		return strcmp(text, "off") ? -1 : 0;
	case ERRNO:
		for (int i = 1; i < 134; i++) {
			const char *name = strerrorname_np(i);

			if (name && !strcmp(name, text))
				return i;
		}
		return -1;
	default:
		value = strtol(text, &end, 0);
		return *text < '0' || *text > '9' || *end ? -1 : value;
	}
}

static int change(struct uvf_profile *profile, const char *item, size_t len,
		  struct uvfio_error *err)
{
	static const char *const wants[] = {
		[SWITCH] = "on or off",
		[NUMBER] = "a number",
		[ERRNO] = "the name of an errno",
	};
	const char *equals = memchr(item, '=', len);
	const struct row *row =
		equals ? find_row(item, (size_t)(equals - item)) : NULL;
	char text[32];
	long value;

	if (!row) {
		uvfio_error_set(err,
				"'%.*s' is no SWITCH=VALUE of a profile; see "
				"docs/profiles.md",
				(int)len, item);
		return -EINVAL;
	}
	(void)snprintf(text, sizeof(text), "%.*s",
		       (int)(item + len - equals - 1), equals + 1);
	value = parse_value(row, text);
	if (value < 0 || value > UINT16_MAX) {
		uvfio_error_set(err, "%.*s: %s wants %s", (int)len, item,
				row->name, wants[row->kind]);
		return -EINVAL;
	}
	set(profile, row, (unsigned int)value);
	return 0;
}

int uvf_profile_parse(struct uvf_profile *ret_profile, const char *text,
		      struct uvfio_error *err)
{
	struct uvf_profile profile = {0};
	const char *rest = text ? text : DEFAULT;
	size_t len = strcspn(rest, ",");
	int column = find_column(rest, len);
	int ret;

	if (column < 0)
		return refuse_name(rest, len, err);
	(void)snprintf(profile.name, sizeof(profile.name), "%s", names[column]);
	for (size_t i = 0; i < ROW_COUNT; i++)
		set(&profile, &rows[i], rows[i].values[column]);
	for (rest += len; *rest; rest += len) {
		rest++;
		len = strcspn(rest, ",");
		ret = change(&profile, rest, len, err);
		if (ret)
			return ret;
	}
	*ret_profile = profile;
	return 0;
}

const char *uvf_profile_name_at(unsigned int index)
{
	return index < COLUMNS ? names[index] : NULL;
}

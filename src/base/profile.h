/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel versions as data: a profile is a column of switches, and each
 * switch is asked in exactly one place.
 */
#ifndef UVF_BASE_PROFILE_H
#define UVF_BASE_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

struct uvf_profile {
	const char *name; /* as after --abi */

	/* The core. */
	int set_container_kind_errno; /* fd is no container nor iommufd */
	bool group_looks_for_bound_cdev;

	/* type1. */
	bool info_caps_aligned;      /* GET_INFO capabilities on 8 bytes */
	bool info_copies_any_length; /* GET_INFO writes min(argsz, struct) */

	/* vfio-pci. */
	bool device_info_copies_any_length;
	bool msix_is_dynamic;          /* vectors may be added one by one */
	bool loopback_skips_unknown;   /* NONE/BOOL beyond enabled vectors */
	unsigned int bar_access_max;   /* bytes of the widest piece */
	bool irq_negative_fd_is_error; /* ERR, REQ: fd below -1 is EINVAL */
	bool hot_reset_checks_bus_first;
	unsigned int express_v2_size; /* bytes of a v2 endpoint's capability */
};

/** uvf_profile_find() - the profile of this name, or NULL */
const struct uvf_profile *uvf_profile_find(const char *name);

/** uvf_profile_default() - what applies when nobody chose */
const struct uvf_profile *uvf_profile_default(void);

/** uvf_profile_at() - the profiles by number, NULL after the last */
const struct uvf_profile *uvf_profile_at(unsigned int index);

#endif /* UVF_BASE_PROFILE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine of one run: its devices, IOMMU groups and pretended host.
 * The set of devices is fixed once the machine is in use.
 */
#ifndef UVF_BUS_MACHINE_H
#define UVF_BUS_MACHINE_H

#include <stdbool.h>

#include "base/list.h"
#include "base/profile.h"
#include "bus/device.h"
#include "bus/group.h"

#define UVF_GROUP_OWN  (-1) /* a group of its own, smallest free id from 1 */
#define UVF_GROUP_NONE (-2) /* behind no IOMMU */

struct uvf_machine {
	const struct uvf_profile *profile;
	struct uvf_list devices; /* in the order they were added */
	struct uvf_list groups;  /* by id */
};

void uvf_machine_init(struct uvf_machine *machine,
		      const struct uvf_profile *profile);

/* Destroys devices and groups. */
void uvf_machine_fini(struct uvf_machine *machine);

/**
 * uvf_machine_add() - put a device into the machine
 * @device:   named; on success the machine owns it
 * @group_id: IOMMU group, UVF_GROUP_OWN or UVF_GROUP_NONE
 *
 * Return: 0, or -EEXIST the name is taken, -ENOMEM.
 */
int uvf_machine_add(struct uvf_machine *machine, struct uvf_bus_device *device,
		    int group_id);

struct uvf_bus_device *uvf_machine_find(struct uvf_machine *machine,
					const char *name);

#endif /* UVF_BUS_MACHINE_H */

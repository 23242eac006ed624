/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device set: devices that are reset together, and so are opened, closed
 * and attached one at a time.
 *
 * Exists from its first member to its last.
 */
#ifndef UVF_CORE_DEVICE_SET_H
#define UVF_CORE_DEVICE_SET_H

#include "base/list.h"
#include "base/lock.h"

struct uvf_bus_device;
struct uvf_device;
struct uvf_vfio;

struct uvf_device_set {
	const void *key;           /* fixed */
	struct uvf_list vfio_node; /* under vfio->lock */
	unsigned int members;      /* under vfio->lock */

	/* The open count of each member, its first open and last close. */
	struct uvf_mutex lock;
	struct uvf_list devices; /* struct uvf_device, by set_node */
};

/**
 * uvf_device_assign_set() - put a device into the set of a key
 * @device: initialised, in no set, not registered
 * @key:    whatever the members have in common
 * Return: 0, or, in the order they are tested: -EINVAL @key is NULL,
 * -ENOMEM.
 */
int uvf_device_assign_set(struct uvf_device *device, const void *key);

/* Leave the set, if there is one; it goes with its last member. */
void uvf_device_leave_set(struct uvf_device *device);

/* The member that is this device of the machine, or NULL. */
struct uvf_device *uvf_device_set_find(struct uvf_device_set *set,
				       const struct uvf_bus_device *bus_device)
	UVF_REQUIRES(set->lock);

/* How often the members are open, all together. */
unsigned int uvf_device_set_open_count(struct uvf_device_set *set);

#endif /* UVF_CORE_DEVICE_SET_H */

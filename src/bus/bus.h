/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bus of the machine: "pci", "platform", "mdev".  A class is one that no
 * driver is on.
 */
#ifndef UVF_BUS_BUS_H
#define UVF_BUS_BUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct uvf_bus;
struct uvf_bus_device;
struct uvf_driver;
struct uvf_machine;
struct uvf_task;

struct uvf_bus_ops {
	bool has_override; /* files driver_override, where the kernel has */
	bool has_new_id;   /* files new_id and remove_id of its drivers */
	/*
	 * Whether a driver takes a device; NULL: by driver_override and ids,
	 * uvf_driver_match().
	 */
	bool (*match)(struct uvf_driver *driver, struct uvf_bus_device *device);
	/* Bring back what was removed; NULL: nothing comes back. */
	void (*rescan)(struct uvf_bus *bus);
	/*
	 * A device came, with its group; it is about to leave it, without a
	 * driver.  NULL: nobody wants to know.
	 */
	void (*added)(struct uvf_bus_device *device);
	void (*removed)(struct uvf_bus_device *device);
	/* The machine ends: free data.  NULL: nothing to free. */
	void (*fini)(struct uvf_bus *bus);
};

struct uvf_bus {
	/* Fixed. */
	char name[16];
	bool is_class; /* of devices without a bus; no list has it */
	const struct uvf_bus_ops *ops;
	void *data; /* of the bus's owner */
	struct uvf_machine *machine;

	atomic_bool is_autoprobe; /* drivers_autoprobe */

	/* Under the machine's lock. */
	struct uvf_list machine_node;
	struct uvf_list drivers; /* struct uvf_driver, by bus_node */
};

/**
 * uvf_bus_register() - add a bus to a machine
 * @data:    for @ops
 * @ret_bus: the machine's; NULL: not wanted
 * Return: 0 or -ENOMEM.
 */
int uvf_bus_register(struct uvf_machine *machine, const char *name,
		     const struct uvf_bus_ops *ops, void *data,
		     struct uvf_bus **ret_bus);

/* The n-th bus, or NULL; buses only come. */
struct uvf_bus *uvf_bus_at(struct uvf_machine *machine, size_t n);

/* A bus by its name, or NULL. */
struct uvf_bus *uvf_bus_find(struct uvf_machine *machine, const char *name);

/**
 * uvf_bus_find_device() - a device of a bus by what was written
 * @name: one newline may follow it
 * Return: the device with a reference, or NULL.
 */
struct uvf_bus_device *uvf_bus_find_device(struct uvf_bus *bus,
					   const char *name);

/**
 * uvf_bus_probe() - write a device's name to the file drivers_probe
 * Return: 0, also when no driver wanted it, or, in the order tested:
 *   -ENODEV  no such device
 *   -EINVAL  a driver failed before its probe
 */
int uvf_bus_probe(struct uvf_bus *bus, const char *name);

#endif /* UVF_BUS_BUS_H */

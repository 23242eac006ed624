/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drivers, and how they come to devices and leave them.
 *
 * Order of errors in all of it from drivers/base/{bus,dd}.c and
 * drivers/pci/pci-driver.c, Linux 6.12; older forms by switch.
 */
#ifndef UVF_BUS_DRIVER_H
#define UVF_BUS_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "bus/id.h"

struct uvf_bus;
struct uvf_bus_device;
struct uvf_driver;
struct uvf_task;

struct uvf_driver_ops {
	/* Take a device; 0 or a negative errno. */
	int (*probe)(struct uvf_driver *driver, struct uvf_bus_device *device);
	/* Let it go; may wait for its users, and never fails. */
	void (*remove)(struct uvf_driver *driver, struct uvf_bus_device *device,
		       struct uvf_task *task);
};

/* One id that a driver takes. */
struct uvf_driver_id {
	struct uvf_list node;
	struct uvf_bus_id id;
	bool is_dynamic; /* came by new_id */
};

struct uvf_driver {
	/* Fixed. */
	char name[33];
	const struct uvf_driver_ops *ops;
	bool manages_dma;   /* does not use the group's default domain */
	bool has_any_id;    /* from the start, for devices given by override */
	const char *module; /* in /sys/module; NULL: built in */
	void *data;         /* of the driver */
	struct uvf_bus *bus;

	/* Under the machine's lock. */
	struct uvf_list bus_node; /* bus->drivers, in order of registration */
	struct uvf_list ids;      /* struct uvf_driver_id */
};

/**
 * uvf_driver_register() - add a driver to a bus
 * @driver: on success, the machine's until its end: uvf_zalloc()ed, with the
 *          fixed fields set except @bus
 * Devices that it would take are not bound.
 * Return: 0 or -EEXIST the bus has a driver of this name.
 */
int uvf_driver_register(struct uvf_bus *bus, struct uvf_driver *driver);

/**
 * uvf_driver_add() - make a driver like this one and add it to a bus
 * @template:   what uvf_driver_register() wants to be set
 * @ret_driver: written on success: the machine's driver; NULL is allowed
 * Return: 0, or -ENOMEM, -EEXIST.
 */
int uvf_driver_add(struct uvf_bus *bus, const struct uvf_driver *template,
		   struct uvf_driver **ret_driver);

/**
 * uvf_driver_obtain() - the driver of this name for a device: one that is
 * there, or a new one of the host
 * @ops:        of drivers of the host; one that has others stays as it is
 * @id:         what one of the host gets when it does not match @device
 * @ret_driver: written on success
 * Return: 0 or -ENOMEM.
 */
int uvf_driver_obtain(struct uvf_bus_device *device, const char *name,
		      const struct uvf_driver_ops *ops,
		      const struct uvf_bus_id *id,
		      struct uvf_driver **ret_driver);

/* A driver of a bus by its name, or NULL. */
struct uvf_driver *uvf_driver_find(struct uvf_bus *bus, const char *name);

/* The n-th driver of a bus, or NULL; drivers only come. */
struct uvf_driver *uvf_driver_at(struct uvf_bus *bus, size_t n);

/**
 * uvf_driver_add_id() - devices that a driver knows from the start
 * Return: 0 or -ENOMEM.
 */
int uvf_driver_add_id(struct uvf_driver *driver, const struct uvf_bus_id *id);

/* The same as if by new_id, but no device is offered. */
int uvf_driver_give_id(struct uvf_driver *driver, const struct uvf_bus_id *id);

/* Whether it has an id of a device, whatever the device's override says. */
bool uvf_driver_knows(struct uvf_driver *driver, struct uvf_bus_device *device);

/* Whether a driver would take a device: driver_override, then its ids. */
bool uvf_driver_match(struct uvf_driver *driver, struct uvf_bus_device *device);

/**
 * uvf_driver_bind() - write a device's name to a driver's file bind
 * @name: one newline may follow it
 *
 * Waits while somebody binds or unbinds the device.
 *
 * Return: 0, or, in the order they are tested:
 *   -ENODEV  no such device, or the driver does not match it
 *   -ENODEV  the device was unplugged
 *   -EBUSY   it has a driver (-ENODEV, without waiting, by bind_bound_errno)
 *   -EBUSY   the driver needs the default domain and the group is owned
 *   or what probe said (-EAGAIN for "later"; -ENODEV by
 *   bind_hides_probe_errno)
 */
int uvf_driver_bind(struct uvf_driver *driver, const char *name,
		    struct uvf_task *task);

/**
 * uvf_driver_unbind() - write a device's name to a driver's file unbind
 * Waits for the users of the device.  Two at once both succeed.
 * Return: 0, or -ENODEV no such device, or bound to another driver or none.
 */
int uvf_driver_unbind(struct uvf_driver *driver, const char *name,
		      struct uvf_task *task);

/**
 * uvf_driver_new_id() - write a driver's file new_id
 * Then the driver is offered every device without one.
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  less than two fields
 *   -EEXIST  less than seven, and the driver knows this id from the start
 *   -EINVAL  data differs from that of all ids it knows from the start
 *   -ENOMEM  out of memory
 *   -EEXIST  less than seven, and an id given before means the same
 */
int uvf_driver_new_id(struct uvf_driver *driver, const char *text);

/**
 * uvf_driver_remove_id() - write a driver's file remove_id
 * Devices that are bound stay so.
 * Return: 0, or -EINVAL less than two fields, -ENODEV no such dynamic id.
 */
int uvf_driver_remove_id(struct uvf_driver *driver, const char *text);

/**
 * uvf_device_attach() - let a driver of the bus take a device
 * Return: 1 it has a driver now, 0 none wanted it, or a negative errno of
 * what came before a probe.
 */
int uvf_device_attach(struct uvf_bus_device *device);

/**
 * uvf_device_attach_driver() - let one driver take a device, match or not
 * Return: 0, or what uvf_driver_bind() says after the match.
 */
int uvf_device_attach_driver(struct uvf_bus_device *device,
			     struct uvf_driver *driver);

/* Take its driver away, whichever it is; may wait. */
void uvf_device_detach(struct uvf_bus_device *device, struct uvf_task *task);

/* The same for good: nothing binds to it any more. */
void uvf_device_kill(struct uvf_bus_device *device, struct uvf_task *task);

#endif /* UVF_BUS_DRIVER_H */

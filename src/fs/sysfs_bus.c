/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /sys/bus: the buses, their devices and drivers, and how they are bound.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "bus/bus.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "fs/sysfs_walk.h"

/* One less than a page, so that it can be read back with a newline. */
#define ALIGNMENT_MAX 4095

static ssize_t answer(int ret, size_t size)
{
	return ret ? ret : (ssize_t)size;
}

static ssize_t store_bind(const struct uvf_walk_file *file,
			  struct uvf_task *task, const char *text, size_t size)
{
	return answer(uvf_driver_bind(file->object, text, task), size);
}

static ssize_t store_unbind(const struct uvf_walk_file *file,
			    struct uvf_task *task, const char *text,
			    size_t size)
{
	return answer(uvf_driver_unbind(file->object, text, task), size);
}

static ssize_t store_new_id(const struct uvf_walk_file *file,
			    struct uvf_task *task, const char *text,
			    size_t size)
{
	(void)task;
	return answer(uvf_driver_new_id(file->object, text), size);
}

static ssize_t store_remove_id(const struct uvf_walk_file *file,
			       struct uvf_task *task, const char *text,
			       size_t size)
{
	(void)task;
	return answer(uvf_driver_remove_id(file->object, text), size);
}

static ssize_t store_probe(const struct uvf_walk_file *file,
			   struct uvf_task *task, const char *text, size_t size)
{
	(void)task;
	return answer(uvf_bus_probe(file->object, text), size);
}

static ssize_t store_autoprobe(const struct uvf_walk_file *file,
			       struct uvf_task *task, const char *text,
			       size_t size)
{
	struct uvf_bus *bus = file->object;

	(void)task;
	atomic_store(&bus->is_autoprobe, text[0] != '0');
	uvf_machine_touch(file->machine);
	return (ssize_t)size;
}

static ssize_t store_alignment(const struct uvf_walk_file *file,
			       struct uvf_task *task, const char *text,
			       size_t size)
{
	struct uvf_machine *machine = file->machine;
	char *param, *old;

	(void)task;
	if (size >= ALIGNMENT_MAX)
		return -EINVAL;
	param = uvf_strdup(text);
	if (!param)
		return -ENOMEM;
	param[strcspn(param, "\n")] = '\0';
	if (!*param) {
		uvf_free(param);
		param = NULL;
	}
	uvf_lock(&machine->lock);
	old = machine->resource_alignment;
	machine->resource_alignment = param;
	uvf_unlock(&machine->lock);
	uvf_free(old);
	uvf_machine_touch(machine);
	return (ssize_t)size;
}

static void walk_driver(struct uvf_walk *walk, struct uvf_driver *driver)
{
	static const struct uvf_walk_text files[] = {
		{"bind", 0200, NULL, store_bind},
		{"uevent", 0200, NULL, uvf_walk_store_uevent},
		{"unbind", 0200, NULL, store_unbind},
		{NULL, 0, NULL, NULL},
	};
	static const struct uvf_walk_text id_files[] = {
		{"new_id", 0200, NULL, store_new_id},
		{"remove_id", 0200, NULL, store_remove_id},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {
		.object = driver,
		.subsystem = "drivers",
	};
	char dir[UVF_WALK_PATH], target[UVF_WALK_PATH];
	char module[UVF_WALK_MODULE];

	uvf_walk_path(walk, dir, "bus/%s/drivers/%s", driver->bus->name,
		      driver->name);
	if (!uvf_walk_wants(walk, dir))
		return;
	uvf_walk_dir(walk, "%s", dir);
	uvf_walk_texts(walk, files, &about, "%s", dir);
	if (driver->bus->ops->has_new_id)
		uvf_walk_texts(walk, id_files, &about, "%s", dir);
	if (!uvf_walk_module_of(driver, module))
		return;
	uvf_walk_path(walk, target, "module/%s", module);
	uvf_walk_link(walk, target, "%s/module", dir);
}

static void walk_drivers(struct uvf_walk *walk, struct uvf_bus *bus,
			 const char *above)
{
	struct uvf_driver *driver;
	char dir[UVF_WALK_PATH];

	uvf_walk_path(walk, dir, "%s/drivers", above);
	if (!uvf_walk_wants(walk, dir))
		return;
	for (size_t i = 0; (driver = uvf_driver_at(bus, i)); i++)
		walk_driver(walk, driver);
}

/* The links to a device: of its bus, and of its driver. */
static void walk_links(struct uvf_walk *walk, struct uvf_bus_device *device,
		       const char *devices, const char *drivers)
{
	struct uvf_driver *driver;
	char dir[UVF_BUS_PATH];

	if (!uvf_walk_wants_entry(walk, devices, device->name) &&
	    !uvf_walk_wants(walk, drivers))
		return;
	driver = uvf_bus_device_driver(device);
	uvf_bus_device_path(device, dir);
	uvf_walk_link(walk, dir, "%s/%s", devices, device->name);
	if (driver)
		uvf_walk_link(walk, dir, "%s/%s/%s", drivers, driver->name,
			      device->name);
}

static void walk_devices(struct uvf_walk *walk, struct uvf_bus *bus,
			 const char *above)
{
	char all[UVF_WALK_PATH], drivers[UVF_WALK_PATH];
	struct uvf_bus_device **devices;
	size_t count;

	uvf_walk_path(walk, all, "%s/devices", above);
	uvf_walk_path(walk, drivers, "%s/drivers", above);
	if (!uvf_walk_wants(walk, all) && !uvf_walk_wants(walk, drivers))
		return;
	devices = uvf_machine_devices(walk->machine, bus, &count);
	if (!devices) {
		uvf_walk_fail(walk, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < count; i++)
		walk_links(walk, devices[i], all, drivers);
	uvf_bus_devices_put(devices, count);
}

/* Files of every bus, and of PCI alone. */
static void walk_files(struct uvf_walk *walk, struct uvf_bus *bus)
{
	struct uvf_machine *machine = walk->machine;
	char alignment[UVF_WALK_TEXT] = "";
	const struct uvf_walk_text files[] = {
		{"drivers_autoprobe", 0644,
		 atomic_load(&bus->is_autoprobe) ? "1\n" : "0\n",
		 store_autoprobe},
		{"drivers_probe", 0200, NULL, store_probe},
		{"uevent", 0200, NULL, uvf_walk_store_uevent},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_text pci_files[] = {
		{"rescan", 0200, NULL, uvf_walk_store_rescan},
		{"resource_alignment", 0644, alignment, store_alignment},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {.object = bus, .subsystem = "bus"};

	uvf_walk_texts(walk, files, &about, "bus/%s", bus->name);
	if (strcmp(bus->name, "pci"))
		return;
	uvf_lock(&machine->lock);
	if (machine->resource_alignment)
		(void)snprintf(alignment, sizeof(alignment), "%.*s\n",
			       UVF_WALK_TEXT - 2, machine->resource_alignment);
	uvf_unlock(&machine->lock);
	uvf_walk_texts(walk, pci_files, &about, "bus/pci");
	uvf_walk_dir(walk, "bus/pci/slots");
}

void uvf_sysfs_walk_bus(struct uvf_walk *walk)
{
	struct uvf_bus *bus;

	uvf_walk_dir(walk, "bus");
	for (size_t i = 0; (bus = uvf_bus_at(walk->machine, i)); i++) {
		char dir[UVF_WALK_PATH];

		uvf_walk_path(walk, dir, "bus/%s", bus->name);
		if (!uvf_walk_wants(walk, dir))
			continue;
		uvf_walk_dir(walk, "%s", dir);
		walk_files(walk, bus);
		uvf_walk_dir(walk, "%s/devices", dir);
		uvf_walk_dir(walk, "%s/drivers", dir);
		walk_drivers(walk, bus, dir);
		walk_devices(walk, bus, dir);
	}
}

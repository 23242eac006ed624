/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /sys/devices/pciDDDD:BB and what is below it.
 */
#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "core/cdev.h"
#include "core/class.h"
#include "fs/sysfs_walk.h"

static size_t show_override(struct uvf_bus_device *device, void *buf,
			    size_t size)
{
	return uvf_bus_device_show_override(device, buf, size);
}

static ssize_t store_override(struct uvf_bus_device *device,
			      struct uvf_task *task, const char *text,
			      size_t size)
{
	int ret = uvf_bus_device_set_override(device, text, size);

	(void)task;
	return ret ? ret : (ssize_t)size;
}

ssize_t uvf_walk_store_rescan(const struct uvf_walk_file *file,
			      struct uvf_task *task, const char *text,
			      size_t size)
{
	(void)task;
	return uvf_machine_rescan_by_file(file->machine, text, size);
}

static size_t show_uevent(struct uvf_bus_device *device, void *buf, size_t size)
{
	return uvf_bus_device_pairs(device, buf, size);
}

/* What the kernel's device model gives every device. */
static const struct uvf_bus_attr override_attr = {
	"driver_override", show_override, 0644, store_override, NULL, NULL, 0};
static const struct uvf_bus_attr uevent_attr = {
	"uevent", show_uevent, 0644, uvf_uevent_store, NULL, NULL, 0};

static void walk_attr(struct uvf_walk *walk, struct uvf_bus_device *device,
		      const struct uvf_bus_attr *attr, const char *dir)
{
	struct uvf_walk_file file;

	if (!uvf_walk_wants_entry(walk, dir, attr->name))
		return;
	file = (struct uvf_walk_file){
		.mode = attr->mode & 07777,
		.device = device,
		.attr = attr,
	};
	uvf_walk_file(walk, &file, "%s/%s", dir, attr->name);
}

static void walk_attrs(struct uvf_walk *walk, struct uvf_bus_device *device,
		       const char *dir)
{
	const struct uvf_bus_attr *attr = device->ops->attrs;

	for (; attr && attr->name; attr++)
		walk_attr(walk, device, attr, dir);
	if (uvf_bus_device_has_override(device))
		walk_attr(walk, device, &override_attr, dir);
	walk_attr(walk, device, &uevent_attr, dir);
}

/* vfioN below the device that has it; without a cdev it has no number. */
static void walk_vfio_dev(struct uvf_walk *walk, const char *parent, int index)
{
	const bool has_cdev = uvf_cdev_exists(walk->vfio, (unsigned int)index);
	char dev[32], uevent[UVF_CLASS_PAIRS];
	const struct uvf_walk_text files[] = {
		{"uevent", 0644, uevent, uvf_walk_store_uevent},
		{has_cdev ? "dev" : NULL, 0444, dev, NULL},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {.subsystem = "vfio-dev"};
	char dir[UVF_WALK_PATH];

	(void)snprintf(dev, sizeof(dev), "%u:%d\n", UVF_CDEV_MAJOR, index);
	uvf_class_device_pairs(uevent, (unsigned int)index, has_cdev);
	uvf_walk_dir(walk, "%s/vfio-dev", parent);
	uvf_walk_path(walk, dir, "%s/vfio-dev/vfio%d", parent, index);
	if (!uvf_walk_wants(walk, dir))
		return;
	uvf_walk_dir(walk, "%s", dir);
	uvf_walk_link(walk, parent, "%s/device", dir);
	uvf_walk_link(walk, "class/vfio-dev", "%s/subsystem", dir);
	uvf_walk_texts(walk, files, &about, "%s", dir);
	uvf_walk_dir(walk, "%s/power", dir);
}

/* A link to the group; before there were groups in sysfs, its number. */
static void walk_group_of(struct uvf_walk *walk, const char *dir,
			  unsigned int group)
{
	char target[UVF_WALK_PATH], text[16];
	const struct uvf_walk_text files[] = {
		{"iommu_group", 0444, text, NULL},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {0};

	if (walk->has_group_numbers) {
		(void)snprintf(text, sizeof(text), "%u\n", group);
		uvf_walk_texts(walk, files, &about, "%s", dir);
		return;
	}
	uvf_walk_path(walk, target, "kernel/iommu_groups/%u", group);
	uvf_walk_link(walk, target, "%s/iommu_group", dir);
}

/* What the kernel knows of a PCI bus: below its bridge, or at the root. */
static void walk_pci_bus(struct uvf_walk *walk, const char *above,
			 const char *name)
{
	static const struct uvf_walk_text files[] = {
		{"rescan", 0200, NULL, uvf_walk_store_rescan},
		{"uevent", 0644, "", uvf_walk_store_uevent},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {.subsystem = "pci_bus"};
	char dir[UVF_WALK_PATH];

	if (!uvf_walk_wants(walk, above) &&
	    !uvf_walk_wants(walk, "class/pci_bus"))
		return;
	uvf_walk_dir(walk, "%s/pci_bus", above);
	uvf_walk_path(walk, dir, "%s/pci_bus/%s", above, name);
	uvf_walk_dir(walk, "%s", dir);
	uvf_walk_link(walk, above, "%s/device", dir);
	uvf_walk_link(walk, "class/pci_bus", "%s/subsystem", dir);
	uvf_walk_texts(walk, files, &about, "%s", dir);
	uvf_walk_link(walk, dir, "class/pci_bus/%s", name);
}

/* Where links of a device are. */
struct link_place {
	struct uvf_walk *walk;
	const char *dir;
};

static void walk_link_to(void *arg, const char *name,
			 struct uvf_bus_device *target)
{
	const struct link_place *place = arg;
	char path[UVF_BUS_PATH];

	uvf_bus_device_path(target, path);
	uvf_walk_link(place->walk, path, "%s/%s", place->dir, name);
}

static void walk_device(struct uvf_walk *walk, struct uvf_bus_device *device)
{
	char dir[UVF_BUS_PATH], target[UVF_WALK_PATH];
	struct link_place place = {walk, dir};
	struct uvf_driver *driver;
	unsigned int group;
	int index;

	uvf_bus_device_path(device, dir);
	if (!uvf_walk_wants(walk, dir))
		return;
	driver = uvf_bus_device_driver(device);
	index = uvf_bus_device_vfio_index(device);
	uvf_walk_dir(walk, "%s", dir);
	uvf_walk_dir(walk, "%s/power", dir);
	if (device->ops->folder)
		uvf_walk_dir(walk, "%s/%s", dir, device->ops->folder);
	walk_attrs(walk, device, dir);
	uvf_walk_path(walk, target, "%s/%s",
		      device->bus->is_class ? "class" : "bus",
		      device->bus->name);
	uvf_walk_link(walk, target, "%s/subsystem", dir);
	if (driver) {
		uvf_walk_path(walk, target, "bus/%s/drivers/%s",
			      device->bus->name, driver->name);
		uvf_walk_link(walk, target, "%s/driver", dir);
	}
	if (uvf_bus_device_group_id(device, &group))
		walk_group_of(walk, dir, group);
	if (device->ops->each_link)
		device->ops->each_link(device, walk_link_to, &place);
	if (index >= 0)
		walk_vfio_dev(walk, dir, index);
	uvf_sysfs_walk_mdevs(walk, device, dir);
}

static void walk_bus_behind(struct uvf_walk *walk,
			    const struct uvf_bus_device *bridge)
{
	char dir[UVF_BUS_PATH];

	uvf_bus_device_path(bridge, dir);
	walk_pci_bus(walk, dir, bridge->behind);
}

static bool has_root(const struct uvf_bus_device *device, const char *kind)
{
	return !device->parent && !strncmp(device->root, kind, strlen(kind));
}

/* Whether an earlier device had the same directory. */
static bool has_root_of_another(struct uvf_bus_device **devices, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!devices[i]->parent &&
		    !strcmp(devices[i]->root, devices[at]->root))
			return true;
	return false;
}

/* The root bus of a device. */
static void walk_pci_root(struct uvf_walk *walk, const char *root)
{
	static const struct uvf_walk_text files[] = {
		{"uevent", 0644, "", uvf_walk_store_uevent},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {.subsystem = NULL};
	char dir[UVF_WALK_PATH];

	uvf_walk_path(walk, dir, "devices/%s", root);
	uvf_walk_dir(walk, "%s", dir);
	uvf_walk_texts(walk, files, &about, "%s", dir);
	uvf_walk_dir(walk, "%s/power", dir);
	walk_pci_bus(walk, dir, root + strlen("pci"));
}

/* What is above the devices of the platform bus. */
static void walk_platform(struct uvf_walk *walk)
{
	static const struct uvf_walk_text files[] = {
		{"uevent", 0644, "", uvf_walk_store_uevent},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {.subsystem = NULL};

	uvf_walk_dir(walk, "devices/platform");
	uvf_walk_texts(walk, files, &about, "devices/platform");
	uvf_walk_dir(walk, "devices/platform/power");
}

/* What the device at an index is directly below. */
static void walk_root(struct uvf_walk *walk, struct uvf_bus_device **devices,
		      size_t at)
{
	const char *root = devices[at]->root;

	if (devices[at]->parent || has_root_of_another(devices, at))
		return;
	if (has_root(devices[at], "pci"))
		walk_pci_root(walk, root);
	else if (has_root(devices[at], "platform"))
		walk_platform(walk);
	else if (has_root(devices[at], "virtual/"))
		uvf_walk_dir(walk, "devices/%s", root);
}

void uvf_sysfs_walk_devices(struct uvf_walk *walk)
{
	struct uvf_bus_device **devices;
	size_t count;

	uvf_walk_dir(walk, "devices");
	uvf_walk_dir(walk, "devices/virtual");
	uvf_walk_dir(walk, "class/pci_bus");
	devices = uvf_machine_devices(walk->machine, NULL, &count);
	if (!devices) {
		uvf_walk_fail(walk, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		walk_root(walk, devices, i);
		walk_device(walk, devices[i]);
		if (devices[i]->behind[0])
			walk_bus_behind(walk, devices[i]);
	}
	uvf_bus_devices_put(devices, count);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/sysfs.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "core/vfio.h"
#include "fs/sysfs_walk.h"

#define VFIO_PCI "vfio-pci"

/* Dynamic on a real kernel; this is what Debian's gives with few modules. */
#define GROUP_MAJOR 245

/* The largest file of a device: extended configuration space. */
#define ATTR_SIZE_MAX 8192

/* "0000:00:03.0" lies below root bus "pci0000:00". */
#define PCI_BUS_LENGTH 7

/* Whether the name is DDDD:BB:DD.F, and so that of a PCI function. */
static bool is_pci(const struct uvf_bus_device *device)
{
	static const char shape[] = "xxxx:xx:xx.x";
	const char *name = device->name;

	if (strlen(name) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == 'x' ? !strchr("0123456789abcdef", name[i])
				    : name[i] != shape[i])
			return false;
	return true;
}

static bool is_same_bus(const struct uvf_bus_device *a,
			const struct uvf_bus_device *b)
{
	return is_pci(a) && is_pci(b) &&
	       !strncmp(a->name, b->name, PCI_BUS_LENGTH);
}

static const char *driver_name(const struct uvf_bus_device *device)
{
	return device->driver ? device->driver->name : NULL;
}

static bool has_vfio_driver(const struct uvf_bus_device *device)
{
	return device->group && device->driver &&
	       !strcmp(device->driver->name, VFIO_PCI);
}

static bool has_attr(const struct uvf_bus_device *device, const char *name)
{
	const struct uvf_bus_attr *attr = device->ops->attrs;

	for (; attr && attr->name; attr++)
		if (!strcmp(attr->name, name))
			return true;
	return false;
}

static const char *device_dir(char dir[UVF_WALK_PATH],
			      const struct uvf_bus_device *device)
{
	snprintf(dir, UVF_WALK_PATH, "devices/pci%.*s/%s", PCI_BUS_LENGTH,
		 device->name, device->name);
	return dir;
}

/* The first PCI function from a node of the machine's list on, or NULL. */
static struct uvf_bus_device *pci_from(struct uvf_machine *machine,
				       struct uvf_list *node)
{
	for (; node != &machine->devices; node = node->next) {
		struct uvf_bus_device *device = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);

		if (is_pci(device))
			return device;
	}
	return NULL;
}

static struct uvf_bus_device *first_pci(struct uvf_machine *machine)
{
	return pci_from(machine, machine->devices.next);
}

static struct uvf_bus_device *next_pci(struct uvf_machine *machine,
				       const struct uvf_bus_device *device)
{
	return pci_from(machine, device->machine_node.next);
}

/* What the model and the bus know of a device. */
static void walk_attrs(struct uvf_walk *walk, struct uvf_bus_device *device,
		       const char *dir)
{
	const struct uvf_bus_attr *attr = device->ops->attrs;
	char *content = uvf_zalloc(ATTR_SIZE_MAX);

	if (!content) {
		uvf_walk_fail(walk, -ENOMEM);
		return;
	}
	for (; attr && attr->name; attr++) {
		size_t size = 0;

		if (attr->show)
			size = attr->show(device, content, ATTR_SIZE_MAX);
		uvf_walk_file(walk, attr->mode & 07777, content, size, "%s/%s",
			      dir, attr->name);
	}
	uvf_free(content);
}

/* What the kernel's device model adds, unless the bus gave it. */
static void walk_generic_attrs(struct uvf_walk *walk,
			       const struct uvf_bus_device *device,
			       const char *dir)
{
	const char *driver = driver_name(device);
	char text[128] = "";

	if (!has_attr(device, "driver_override"))
		uvf_walk_text(walk, 0644,
			      has_vfio_driver(device) ? VFIO_PCI "\n"
						      : "(null)\n",
			      "%s/driver_override", dir);
	if (!has_attr(device, "remove"))
		uvf_walk_text(walk, 0220, "", "%s/remove", dir);
	if (!has_attr(device, "rescan"))
		uvf_walk_text(walk, 0200, "", "%s/rescan", dir);
	if (has_attr(device, "uevent"))
		return;
	snprintf(text, sizeof(text), "%s%s%sPCI_SLOT_NAME=%s\n",
		 driver ? "DRIVER=" : "", driver ? driver : "",
		 driver ? "\n" : "", device->name);
	uvf_walk_text(walk, 0644, text, "%s/uevent", dir);
}

/* Power management of a function; vfio-pci has let it sleep. */
static void walk_power(struct uvf_walk *walk, const char *dir)
{
	static const struct uvf_walk_text files[] = {
		{"async", 0644, "enabled\n"},
		{"autosuspend_delay_ms", 0644, ""},
		{"control", 0644, "auto\n"},
		{"runtime_active_kids", 0444, "0\n"},
		{"runtime_active_time", 0444, "0\n"},
		{"runtime_enabled", 0444, "enabled\n"},
		{"runtime_status", 0444, "suspended\n"},
		{"runtime_suspended_time", 0444, "0\n"},
		{"runtime_usage", 0444, "0\n"},
		{NULL, 0, NULL},
	};

	uvf_walk_dir(walk, "%s/power", dir);
	uvf_walk_texts(walk, files, "%s/power", dir);
}

/* vfioN below the device that has it; no dev, for there is no cdev. */
static void walk_vfio_dev(struct uvf_walk *walk, const char *parent,
			  unsigned int index)
{
	char dir[UVF_WALK_PATH];

	uvf_walk_dir(walk, "%s/vfio-dev", parent);
	uvf_walk_path(walk, dir, "%s/vfio-dev/vfio%u", parent, index);
	uvf_walk_dir(walk, "%s", dir);
	uvf_walk_link(walk, parent, "%s/device", dir);
	uvf_walk_link(walk, "class/vfio-dev", "%s/subsystem", dir);
	uvf_walk_text(walk, 0644, "", "%s/uevent", dir);
	uvf_walk_dir(walk, "%s/power", dir);
}

static void walk_device(struct uvf_walk *walk, struct uvf_bus_device *device,
			unsigned int *vfio_index)
{
	char dir[UVF_WALK_PATH], target[UVF_WALK_PATH];

	device_dir(dir, device);
	uvf_walk_dir(walk, "%s", dir);
	walk_attrs(walk, device, dir);
	walk_generic_attrs(walk, device, dir);
	walk_power(walk, dir);
	uvf_walk_link(walk, "bus/pci", "%s/subsystem", dir);
	if (device->driver) {
		uvf_walk_path(walk, target, "bus/pci/drivers/%s",
			      driver_name(device));
		uvf_walk_link(walk, target, "%s/driver", dir);
	}
	if (device->group) {
		uvf_walk_path(walk, target, "kernel/iommu_groups/%u",
			      device->group->id);
		uvf_walk_link(walk, target, "%s/iommu_group", dir);
	}
	if (has_vfio_driver(device))
		walk_vfio_dev(walk, dir, (*vfio_index)++);
}

/* The root bus of a device, unless an earlier device had the same. */
static void walk_root_bus(struct uvf_walk *walk, struct uvf_machine *machine,
			  const struct uvf_bus_device *device)
{
	const struct uvf_bus_device *other;
	char dir[UVF_WALK_PATH], bus[UVF_WALK_PATH];

	for (other = first_pci(machine); other;
	     other = next_pci(machine, other)) {
		if (other == device)
			break;
		if (is_same_bus(other, device))
			return;
	}
	uvf_walk_path(walk, dir, "devices/pci%.*s", PCI_BUS_LENGTH,
		      device->name);
	uvf_walk_dir(walk, "%s", dir);
	uvf_walk_text(walk, 0644, "", "%s/uevent", dir);
	uvf_walk_dir(walk, "%s/power", dir);
	uvf_walk_dir(walk, "%s/pci_bus", dir);
	uvf_walk_path(walk, bus, "%s/pci_bus/%.*s", dir, PCI_BUS_LENGTH,
		      device->name);
	uvf_walk_dir(walk, "%s", bus);
	uvf_walk_link(walk, dir, "%s/device", bus);
	uvf_walk_link(walk, "class/pci_bus", "%s/subsystem", bus);
	uvf_walk_text(walk, 0200, "", "%s/rescan", bus);
	uvf_walk_text(walk, 0644, "", "%s/uevent", bus);
	uvf_walk_link(walk, bus, "class/pci_bus/%.*s", PCI_BUS_LENGTH,
		      device->name);
}

static void walk_devices(struct uvf_walk *walk, struct uvf_machine *machine)
{
	struct uvf_bus_device *device;
	unsigned int vfio_index = 0;

	uvf_walk_dir(walk, "devices");
	uvf_walk_dir(walk, "class/pci_bus");
	for (device = first_pci(machine); device;
	     device = next_pci(machine, device)) {
		walk_root_bus(walk, machine, device);
		walk_device(walk, device, &vfio_index);
	}
}

static void walk_driver(struct uvf_walk *walk, const char *name)
{
	static const struct uvf_walk_text files[] = {
		{"bind", 0200, ""},      {"new_id", 0200, ""},
		{"remove_id", 0200, ""}, {"uevent", 0200, ""},
		{"unbind", 0200, ""},    {NULL, 0, NULL},
	};

	uvf_walk_dir(walk, "bus/pci/drivers/%s", name);
	uvf_walk_texts(walk, files, "bus/pci/drivers/%s", name);
	if (!strcmp(name, VFIO_PCI))
		uvf_walk_link(walk, "module/vfio_pci",
			      "bus/pci/drivers/%s/module", name);
}

/* The driver of a device, unless it is known from an earlier one. */
static void walk_driver_of(struct uvf_walk *walk, struct uvf_machine *machine,
			   const struct uvf_bus_device *device)
{
	const struct uvf_bus_device *other;
	char dir[UVF_WALK_PATH];
	bool is_known = !strcmp(driver_name(device), VFIO_PCI);

	for (other = first_pci(machine); other;
	     other = next_pci(machine, other)) {
		if (other == device || is_known)
			break;
		is_known = other->driver == device->driver;
	}
	if (!is_known)
		walk_driver(walk, driver_name(device));
	uvf_walk_link(walk, device_dir(dir, device), "bus/pci/drivers/%s/%s",
		      driver_name(device), device->name);
}

static void walk_bus(struct uvf_walk *walk, struct uvf_machine *machine)
{
	static const struct uvf_walk_text files[] = {
		{"drivers_autoprobe", 0644, "1\n"},
		{"drivers_probe", 0200, ""},
		{"rescan", 0200, ""},
		{"resource_alignment", 0644, "\n"},
		{"uevent", 0200, ""},
		{NULL, 0, NULL},
	};
	const struct uvf_bus_device *device;
	char dir[UVF_WALK_PATH];

	uvf_walk_dir(walk, "bus");
	uvf_walk_dir(walk, "bus/pci");
	uvf_walk_texts(walk, files, "bus/pci");
	uvf_walk_dir(walk, "bus/pci/slots");
	uvf_walk_dir(walk, "bus/pci/devices");
	uvf_walk_dir(walk, "bus/pci/drivers");
	walk_driver(walk, VFIO_PCI);
	for (device = first_pci(machine); device;
	     device = next_pci(machine, device)) {
		uvf_walk_link(walk, device_dir(dir, device),
			      "bus/pci/devices/%s", device->name);
		if (device->driver)
			walk_driver_of(walk, machine, device);
	}
}

static void walk_group(struct uvf_walk *walk, struct uvf_vfio *vfio,
		       const struct uvf_iommu_group *group)
{
	const struct uvf_range *msi = &vfio->host.msi_window;
	const struct uvf_bus_device *device;
	char dir[UVF_WALK_PATH], text[64] = "";
	struct uvf_list *node;

	uvf_walk_path(walk, dir, "kernel/iommu_groups/%u", group->id);
	uvf_walk_dir(walk, "%s", dir);
	if (msi->last)
		snprintf(text, sizeof(text), "0x%016llx 0x%016llx msi\n",
			 (unsigned long long)msi->first,
			 (unsigned long long)msi->last);
	uvf_walk_text(walk, 0444, text, "%s/reserved_regions", dir);
	uvf_walk_text(walk, 0644, "DMA\n", "%s/type", dir);
	uvf_walk_dir(walk, "%s/devices", dir);
	uvf_list_for_each (node, &group->devices) {
		char target[UVF_WALK_PATH];

		device =
			uvf_list_entry(node, struct uvf_bus_device, group_node);
		if (is_pci(device))
			uvf_walk_link(walk, device_dir(target, device),
				      "%s/devices/%s", dir, device->name);
	}
}

static void walk_groups(struct uvf_walk *walk, struct uvf_vfio *vfio)
{
	struct uvf_list *node;

	uvf_walk_dir(walk, "kernel");
	uvf_walk_dir(walk, "kernel/iommu_groups");
	uvf_list_for_each (node, &vfio->machine->groups)
		walk_group(walk, vfio,
			   uvf_list_entry(node, struct uvf_iommu_group,
					  machine_node));
}

/* A character device of a class, as udev and devtmpfs learn of it. */
static void walk_class_device(struct uvf_walk *walk, const char *class,
			      const char *name, const char *dev,
			      const char *uevent)
{
	char dir[UVF_WALK_PATH], target[UVF_WALK_PATH];

	uvf_walk_path(walk, dir, "devices/virtual/%s/%s", class, name);
	uvf_walk_path(walk, target, "class/%s", class);
	uvf_walk_dir(walk, "%s", dir);
	uvf_walk_text(walk, 0444, dev, "%s/dev", dir);
	uvf_walk_text(walk, 0644, uevent, "%s/uevent", dir);
	uvf_walk_link(walk, target, "%s/subsystem", dir);
	uvf_walk_dir(walk, "%s/power", dir);
	uvf_walk_link(walk, dir, "class/%s/%s", class, name);
}

/* Whether this is the member that brought its group to VFIO. */
static bool is_first_of_group(const struct uvf_bus_device *device)
{
	const struct uvf_bus_device *other;
	struct uvf_list *node;

	uvf_list_for_each (node, &device->group->devices) {
		other = uvf_list_entry(node, struct uvf_bus_device, group_node);
		if (has_vfio_driver(other))
			return other == device;
	}
	return false;
}

/* VFIO's groups; a minor is the lowest free when the group comes. */
static void walk_vfio_groups(struct uvf_walk *walk, struct uvf_machine *machine)
{
	const struct uvf_bus_device *device;
	char name[16], dev[16], uevent[64];
	unsigned int minor = 0;

	for (device = first_pci(machine); device;
	     device = next_pci(machine, device)) {
		if (!has_vfio_driver(device) || !is_first_of_group(device))
			continue;
		snprintf(name, sizeof(name), "%u", device->group->id);
		snprintf(dev, sizeof(dev), "%u:%u\n", GROUP_MAJOR, minor);
		snprintf(uevent, sizeof(uevent),
			 "MAJOR=%u\nMINOR=%u\nDEVNAME=vfio/%s\n", GROUP_MAJOR,
			 minor, name);
		walk_class_device(walk, "vfio", name, dev, uevent);
		minor++;
	}
}

static void walk_classes(struct uvf_walk *walk, struct uvf_machine *machine)
{
	const struct uvf_bus_device *device;
	char dir[UVF_WALK_PATH], target[UVF_WALK_PATH];
	unsigned int index = 0;

	uvf_walk_dir(walk, "devices/virtual");
	uvf_walk_dir(walk, "devices/virtual/misc");
	uvf_walk_dir(walk, "devices/virtual/vfio");
	uvf_walk_dir(walk, "class/misc");
	uvf_walk_dir(walk, "class/vfio");
	uvf_walk_dir(walk, "class/vfio-dev");
	walk_class_device(walk, "misc", "vfio", "10:196\n",
			  "MAJOR=10\nMINOR=196\nDEVNAME=vfio/vfio\n"
			  "DEVMODE=0666\n");
	walk_vfio_groups(walk, machine);
	for (device = first_pci(machine); device;
	     device = next_pci(machine, device)) {
		if (!has_vfio_driver(device))
			continue;
		uvf_walk_path(walk, target, "%s/vfio-dev/vfio%u",
			      device_dir(dir, device), index);
		uvf_walk_link(walk, target, "class/vfio-dev/vfio%u", index);
		index++;
	}
}

/**
 * uvf_sysfs_walk() - tell a sink all that the machine shows below /sys
 * Source: `find /sys` of Debian's 6.1 and 6.12 with vfio-pci loaded.
 */
int uvf_sysfs_walk(struct uvf_vfio *vfio, const struct uvf_sysfs_sink *sink)
{
	struct uvf_walk walk = {.sink = sink};

	uvf_walk_dir(&walk, "class");
	walk_devices(&walk, vfio->machine);
	walk_classes(&walk, vfio->machine);
	uvf_sysfs_walk_modules(&walk);
	walk_bus(&walk, vfio->machine);
	walk_groups(&walk, vfio);
	return walk.error;
}

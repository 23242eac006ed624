/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /sys/class/{misc,vfio,vfio-dev} and /sys/devices/virtual.
 */
#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/device.h"
#include "bus/group.h"
#include "bus/machine.h"
#include "core/class.h"
#include "core/vfio.h"
#include "fs/sysfs_walk.h"
#include "v02/v02.h"

/* A character device of a class, as udev and devtmpfs learn of it. */
static void walk_class_device(struct uvf_walk *walk, const char *class,
			      const char *name, const char *dev,
			      const char *uevent)
{
	const struct uvf_walk_text files[] = {
		{"dev", 0444, dev, NULL},
		{"uevent", 0644, uevent, uvf_walk_store_uevent},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {.subsystem = class};
	char dir[UVF_WALK_PATH], target[UVF_WALK_PATH];

	uvf_walk_path(walk, dir, "devices/virtual/%s/%s", class, name);
	uvf_walk_path(walk, target, "class/%s", class);
	if (!uvf_walk_wants(walk, dir) && !uvf_walk_wants(walk, target))
		return;
	uvf_walk_dir(walk, "%s", dir);
	uvf_walk_texts(walk, files, &about, "%s", dir);
	uvf_walk_link(walk, target, "%s/subsystem", dir);
	uvf_walk_dir(walk, "%s/power", dir);
	uvf_walk_link(walk, dir, "class/%s/%s", class, name);
}

/* The group whose node has this name below /dev/vfio. */
static int walk_vfio_group(void *arg, const char *name, unsigned int minor)
{
	char dev[24], uevent[UVF_CLASS_PAIRS];

	(void)snprintf(dev, sizeof(dev), "%u:%u\n", UVF_GROUP_MAJOR, minor);
	uvf_class_group_pairs(uevent, minor, name);
	walk_class_device(arg, "vfio", name, dev, uevent);
	return 0;
}

/* As long as they have nodes: while the last device is unbound, too. */
static void walk_vfio_groups(struct uvf_walk *walk, struct uvf_vfio *vfio)
{
	struct uvf_iommu_group *group;
	struct uvf_group_node node;
	unsigned int id = 0;

	for (; (group = uvf_iommu_group_from(walk->machine, id)); id++) {
		id = group->id;
		uvf_iommu_group_put(group);
		if (uvf_group_node(vfio, id, &node))
			(void)walk_vfio_group(walk, node.name, node.minor);
	}
}

static void walk_vfio_devices(struct uvf_walk *walk,
			      struct uvf_bus_device **devices, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int index = uvf_bus_device_vfio_index(devices[i]);
		char dir[UVF_BUS_PATH], target[UVF_WALK_PATH];

		if (index < 0)
			continue;
		uvf_bus_device_path(devices[i], dir);
		uvf_walk_path(walk, target, "%s/vfio-dev/vfio%d", dir, index);
		uvf_walk_link(walk, target, "class/vfio-dev/vfio%d", index);
	}
}

/* Devices of the machine that have a class instead of a bus. */
static void walk_classes(struct uvf_walk *walk, struct uvf_bus_device **devices,
			 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct uvf_bus *class = devices[i]->bus;
		char dir[UVF_BUS_PATH];
		bool is_first = class->is_class;

		for (size_t j = 0; j < i && is_first; j++)
			is_first = strcmp(devices[j]->bus->name, class->name);
		if (is_first)
			uvf_walk_dir(walk, "class/%s", class->name);
		if (!class->is_class)
			continue;
		uvf_bus_device_path(devices[i], dir);
		uvf_walk_link(walk, dir, "class/%s/%s", class->name,
			      devices[i]->name);
	}
}

void uvf_sysfs_walk_classes(struct uvf_walk *walk, struct uvf_vfio *vfio)
{
	struct uvf_bus_device **devices;
	size_t count;
	int ret;

	uvf_walk_dir(walk, "devices/virtual/misc");
	uvf_walk_dir(walk, "devices/virtual/vfio");
	uvf_walk_dir(walk, "class/misc");
	uvf_walk_dir(walk, "class/vfio");
	if (vfio->has_device_class)
		uvf_walk_dir(walk, "class/vfio-dev");
	if (vfio->v02) {
		ret = uvf_v02_walk_nodes(vfio->v02, walk_vfio_group, walk);
		if (ret)
			uvf_walk_fail(walk, ret);
		return;
	}
	walk_class_device(walk, "misc", "vfio", "10:196\n",
			  "MAJOR=10\nMINOR=196\nDEVNAME=vfio/vfio\n"
			  "DEVMODE=0666\n");
	if (vfio->has_cdev)
		walk_class_device(walk, "misc", "iommu", "10:125\n",
				  "MAJOR=10\nMINOR=125\nDEVNAME=iommu\n"
				  "DEVMODE=0660\n");
	devices = uvf_machine_devices(walk->machine, NULL, &count);
	if (!devices) {
		uvf_walk_fail(walk, -ENOMEM);
		return;
	}
	walk_vfio_groups(walk, vfio);
	walk_vfio_devices(walk, devices, count);
	walk_classes(walk, devices, count);
	uvf_sysfs_walk_mdev_class(walk, devices, count);
	uvf_bus_devices_put(devices, count);
}

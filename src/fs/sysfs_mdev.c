/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What /sys shows of mediated devices beside what every device has: what a
 * parent can have of them, how they are created and removed, and their
 * parents in /sys/class/mdev_bus.
 */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "fs/sysfs_walk.h"
#include "mdev/mdev.h"

static ssize_t store_create(const struct uvf_walk_file *file,
			    struct uvf_task *task, const char *text,
			    size_t size)
{
	int ret = uvf_mdev_create(file->object, text, size);

	(void)task;
	return ret ? ret : (ssize_t)size;
}

static ssize_t store_remove(const struct uvf_walk_file *file,
			    struct uvf_task *task, const char *text,
			    size_t size)
{
	uint64_t value;
	int ret = 0;

	if (uvf_parse_ulong(text, &value))
		return -EINVAL;
	if (value)
		ret = uvf_mdev_remove(uvf_mdev_of(file->device), task);
	return ret ? ret : (ssize_t)size;
}

/* Links to the devices of a type that are whole and stay. */
static void walk_devices_of(struct uvf_walk *walk, struct uvf_mdev_type *type,
			    const char *dir)
{
	struct uvf_bus_device **devices;
	size_t count;

	uvf_walk_dir(walk, "%s/devices", dir);
	devices = uvf_machine_devices(walk->machine, type->parent->driver->bus,
				      &count);
	if (!devices) {
		uvf_walk_fail(walk, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct uvfio_mdev *mdev = uvf_mdev_of(devices[i]);
		char target[UVF_BUS_PATH];

		if (mdev->type != type ||
		    uvf_mdev_state(mdev) != UVF_MDEV_ACTIVE)
			continue;
		uvf_bus_device_path(devices[i], target);
		uvf_walk_link(walk, target, "%s/devices/%s", dir,
			      devices[i]->name);
	}
	uvf_bus_devices_put(devices, count);
}

static void walk_type(struct uvf_walk *walk, struct uvf_mdev_type *type,
		      const char *dir)
{
	struct uvfio_mdev_parent *parent = type->parent;
	const struct uvfio_mdev_driver *driver = parent->desc;
	char available[16], api[32], name[UVF_WALK_TEXT];
	char description[UVF_WALK_TEXT] = "";
	const struct uvf_walk_text files[] = {
		{"available_instances", 0444, available, NULL},
		{"create", 0200, NULL, store_create},
		{"device_api", 0444, api, NULL},
		{"name", 0444, name, NULL},
		{driver->describe ? "description" : NULL, 0444, description,
		 NULL},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {
		.device = &parent->bus,
		.object = type,
	};

	uvf_walk_dir(walk, "%s", dir);
	(void)snprintf(available, sizeof(available), "%u\n",
		       uvf_mdev_type_available(type));
	(void)snprintf(api, sizeof(api), "%s\n", driver->device_api);
	(void)snprintf(name, sizeof(name), "%s\n",
		       type->desc->pretty_name ? type->desc->pretty_name
					       : type->desc->name);
	if (driver->describe)
		driver->describe(parent, type->index, description,
				 sizeof(description));
	uvf_walk_texts(walk, files, &about, "%s", dir);
	walk_devices_of(walk, type, dir);
}

static void walk_types(struct uvf_walk *walk, struct uvfio_mdev_parent *parent,
		       const char *above)
{
	uvf_walk_dir(walk, "%s/mdev_supported_types", above);
	for (size_t i = 0; i < parent->type_count; i++) {
		char dir[UVF_WALK_PATH];

		uvf_walk_path(walk, dir, "%s/mdev_supported_types/%s", above,
			      parent->types[i].name);
		if (uvf_walk_wants(walk, dir))
			walk_type(walk, &parent->types[i], dir);
	}
}

/* Those of the driver, as long as it has the device. */
static void walk_driver_files(struct uvf_walk *walk, struct uvfio_mdev *mdev,
			      const char *dir)
{
	const struct uvfio_mdev_file *file = mdev->type->parent->desc->files;

	if (!uvf_bus_device_driver(&mdev->bus))
		return;
	for (; file && file->name; file++) {
		char text[UVF_WALK_TEXT] = "", path[UVF_WALK_PATH];

		uvf_walk_path(walk, path, "%s%s%s", dir,
			      file->folder ? "/" : "",
			      file->folder ? file->folder : "");
		if (file->folder)
			uvf_walk_dir(walk, "%s", path);
		file->show(mdev, text, sizeof(text));
		uvf_walk_text(walk, 0444, text, "%s/%s", path, file->name);
	}
}

static void walk_mdev(struct uvf_walk *walk, struct uvfio_mdev *mdev,
		      const char *dir)
{
	static const struct uvf_walk_text files[] = {
		{"remove", 0200, NULL, store_remove},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {.device = &mdev->bus};
	enum uvf_mdev_state state = uvf_mdev_state(mdev);
	char above[UVF_BUS_PATH], target[UVF_WALK_PATH];

	if (state != UVF_MDEV_REMOVING)
		uvf_walk_texts(walk, files, &about, "%s", dir);
	uvf_bus_device_path(mdev->bus.parent, above);
	uvf_walk_path(walk, target, "%s/mdev_supported_types/%s", above,
		      mdev->type->name);
	if (state == UVF_MDEV_ACTIVE)
		uvf_walk_link(walk, target, "%s/mdev_type", dir);
	walk_driver_files(walk, mdev, dir);
}

void uvf_sysfs_walk_mdevs(struct uvf_walk *walk, struct uvf_bus_device *device,
			  const char *dir)
{
	struct uvfio_mdev_parent *parent = uvf_mdev_parent_of(device);
	struct uvfio_mdev *mdev = uvf_mdev_of(device);

	if (parent)
		walk_types(walk, parent, dir);
	if (mdev)
		walk_mdev(walk, mdev, dir);
}

void uvf_sysfs_walk_mdev_class(struct uvf_walk *walk,
			       struct uvf_bus_device **devices, size_t count)
{
	if (!uvf_bus_find(walk->machine, UVF_MDEV_BUS))
		return;
	uvf_walk_dir(walk, "class/mdev_bus");
	for (size_t i = 0; i < count; i++) {
		char dir[UVF_BUS_PATH];

		if (!uvf_mdev_parent_of(devices[i]))
			continue;
		uvf_bus_device_path(devices[i], dir);
		uvf_walk_link(walk, dir, "class/mdev_bus/%s", devices[i]->name);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "bus/bus.h"
#include "bus/driver.h"
#include "bus/machine.h"

/* One less than a page, so that it can be read back with a newline. */
#define OVERRIDE_MAX 4095

void uvf_bus_device_init(struct uvf_bus_device *device)
{
	uvf_ref_init(&device->ref);
	uvf_list_init(&device->machine_node);
	device->vfio_index = -1;
	uvf_list_init(&device->group_node);
	uvf_list_init(&device->remover_node);
	uvf_mutex_init(&device->lock);
}

struct uvf_bus_device *uvf_bus_device_get(struct uvf_bus_device *device)
{
	uvf_ref_get(&device->ref);
	return device;
}

void uvf_bus_device_put(struct uvf_bus_device *device)
{
	if (!device || !uvf_ref_put(&device->ref))
		return;
	uvf_bus_device_fini(device);
	device->ops->destroy(device);
}

void uvf_bus_device_fini(struct uvf_bus_device *device)
{
	uvf_bus_device_put(device->parent);
	uvf_free(device->driver_override);
	uvf_mutex_fini(&device->lock);
}

struct uvf_iommu_group *uvf_bus_device_group(struct uvf_bus_device *device)
{
	struct uvf_machine *machine = device->bus->machine;
	struct uvf_iommu_group *group;

	uvf_lock(&machine->lock);
	group = device->group;
	if (group)
		uvf_iommu_group_get(group);
	uvf_unlock(&machine->lock);
	return group;
}

struct uvf_driver *uvf_bus_device_driver(struct uvf_bus_device *device)
{
	struct uvf_machine *machine = device->bus->machine;
	struct uvf_driver *driver;

	uvf_lock(&machine->lock);
	driver = device->is_unbinding ? NULL : device->driver;
	uvf_unlock(&machine->lock);
	return driver;
}

const char *uvf_bus_device_driver_name(struct uvf_bus_device *device)
{
	struct uvf_driver *driver = uvf_bus_device_driver(device);

	return driver ? driver->name : "none";
}

bool uvf_bus_device_group_id(struct uvf_bus_device *device,
			     unsigned int *ret_id)
{
	struct uvf_machine *machine = device->bus->machine;
	bool has_group;

	uvf_lock(&machine->lock);
	has_group = device->group;
	if (has_group)
		*ret_id = device->group->id;
	uvf_unlock(&machine->lock);
	return has_group;
}

int uvf_bus_device_vfio_index(struct uvf_bus_device *device)
{
	struct uvf_machine *machine = device->bus->machine;
	int index;

	uvf_lock(&machine->lock);
	index = device->vfio_index;
	uvf_unlock(&machine->lock);
	return index;
}

void uvf_bus_device_set_vfio_index(struct uvf_bus_device *device, int index)
{
	struct uvf_machine *machine = device->bus->machine;

	uvf_lock(&machine->lock);
	device->vfio_index = index;
	uvf_unlock(&machine->lock);
	uvf_machine_touch(machine);
}

bool uvf_bus_device_has_override(const struct uvf_bus_device *device)
{
	const struct uvf_bus *bus = device->bus;

	return bus->ops->has_override &&
	       bus->machine->profile->has_driver_override;
}

void uvf_bus_device_path(const struct uvf_bus_device *device,
			 char ret_path[UVF_BUS_PATH])
{
	char above[UVF_BUS_PATH];

	if (device->parent)
		uvf_bus_device_path(device->parent, above);
	else
		(void)snprintf(above, sizeof(above), "devices/%s",
			       device->root);
	if (snprintf(ret_path, UVF_BUS_PATH, "%s/%s", above, device->name) >=
	    UVF_BUS_PATH)
		ret_path[0] = '\0';
}

size_t uvf_bus_device_pairs(struct uvf_bus_device *device, char *buf,
			    size_t size)
{
	struct uvf_driver *driver = uvf_bus_device_driver(device);
	size_t done = 0;
	int n;

	if (driver) {
		n = snprintf(buf, size, "DRIVER=%s\n", driver->name);
		done = n < 0 || (size_t)n >= size ? 0 : (size_t)n;
	}
	if (device->ops->show_pairs)
		done += device->ops->show_pairs(device, buf + done,
						size - done);
	return done;
}

int uvf_bus_device_set_override(struct uvf_bus_device *device, const char *text,
				size_t size)
{
	struct uvf_machine *machine = device->bus->machine;
	size_t len = strcspn(text, "\n");
	char *name = NULL, *old;

	if (size >= OVERRIDE_MAX)
		return -EINVAL;
	if (len) {
		name = uvf_zalloc(len + 1);
		if (!name)
			return -ENOMEM;
		memcpy(name, text, len);
	}
	uvf_lock(&machine->lock);
	old = device->driver_override;
	device->driver_override = name;
	uvf_unlock(&machine->lock);
	uvf_free(old);
	uvf_machine_touch(machine);
	return 0;
}

size_t uvf_bus_device_show_override(struct uvf_bus_device *device, char *buf,
				    size_t size)
{
	struct uvf_machine *machine = device->bus->machine;
	const char *name;
	int n;

	uvf_lock(&machine->lock);
	name = device->driver_override;
	n = snprintf(buf, size, "%s\n", name ? name : "(null)");
	uvf_unlock(&machine->lock);
	if (n < 0)
		return 0;
	return (size_t)n < size ? (size_t)n : size - 1;
}

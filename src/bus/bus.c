/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/bus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "bus/driver.h"
#include "bus/machine.h"

int uvf_bus_register(struct uvf_machine *machine, const char *name,
		     const struct uvf_bus_ops *ops, void *data,
		     struct uvf_bus **ret_bus)
{
	struct uvf_bus *bus = uvf_zalloc(sizeof(*bus));

	if (!bus)
		return -ENOMEM;
	(void)snprintf(bus->name, sizeof(bus->name), "%s", name);
	bus->ops = ops;
	bus->data = data;
	bus->machine = machine;
	atomic_init(&bus->is_autoprobe, true);
	uvf_list_init(&bus->drivers);
	uvf_lock(&machine->lock);
	uvf_list_append(&machine->buses, &bus->machine_node);
	uvf_unlock(&machine->lock);
	if (ret_bus)
		*ret_bus = bus;
	return 0;
}

struct uvf_bus *uvf_bus_find(struct uvf_machine *machine, const char *name)
{
	struct uvf_bus *bus, *found = NULL;
	struct uvf_list *node;

	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &machine->buses) {
		bus = uvf_list_entry(node, struct uvf_bus, machine_node);
		if (!strcmp(bus->name, name)) {
			found = bus;
			break;
		}
	}
	uvf_unlock(&machine->lock);
	return found;
}

struct uvf_bus *uvf_bus_at(struct uvf_machine *machine, size_t n)
{
	struct uvf_bus *bus = NULL;
	struct uvf_list *node;

	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &machine->buses) {
		if (!n--) {
			bus = uvf_list_entry(node, struct uvf_bus,
					     machine_node);
			break;
		}
	}
	uvf_unlock(&machine->lock);
	return bus;
}

/* Equal, but for one newline after what was written. */
static bool is_named(const char *name, const char *written)
{
	size_t len = strlen(name);

	if (strncmp(written, name, len))
		return false;
	written += len;
	return !written[written[0] == '\n'];
}

struct uvf_bus_device *uvf_bus_find_device(struct uvf_bus *bus,
					   const char *name)
{
	struct uvf_machine *machine = bus->machine;
	struct uvf_bus_device *device, *found = NULL;
	struct uvf_list *node;

	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &machine->devices) {
		device = uvf_list_entry(node, struct uvf_bus_device,
					machine_node);
		if (device->bus == bus && is_named(device->name, name)) {
			found = uvf_bus_device_get(device);
			break;
		}
	}
	uvf_unlock(&machine->lock);
	return found;
}

int uvf_bus_probe(struct uvf_bus *bus, const char *name)
{
	struct uvf_bus_device *device = uvf_bus_find_device(bus, name);
	int ret;

	if (!device)
		return -ENODEV;
	ret = uvf_device_attach(device);
	uvf_bus_device_put(device);
	return ret < 0 ? -EINVAL : 0;
}

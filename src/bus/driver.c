/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "bus/bus.h"
#include "bus/machine.h"

static struct uvf_driver *find_locked(struct uvf_bus *bus, const char *name)
	UVF_REQUIRES(bus->machine->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &bus->drivers) {
		struct uvf_driver *driver =
			uvf_list_entry(node, struct uvf_driver, bus_node);

		if (!strcmp(driver->name, name))
			return driver;
	}
	return NULL;
}

int uvf_driver_register(struct uvf_bus *bus, struct uvf_driver *driver)
{
	int ret = 0;

	driver->bus = bus;
	uvf_list_init(&driver->ids);
	uvf_lock(&bus->machine->lock);
	if (find_locked(bus, driver->name))
		ret = -EEXIST;
	else
		uvf_list_append(&bus->drivers, &driver->bus_node);
	uvf_unlock(&bus->machine->lock);
	if (!ret)
		uvf_machine_touch(bus->machine);
	return ret;
}

int uvf_driver_add(struct uvf_bus *bus, const struct uvf_driver *template,
		   struct uvf_driver **ret_driver)
{
	struct uvf_driver *driver = uvf_zalloc(sizeof(*driver));
	int ret;

	if (!driver)
		return -ENOMEM;
	*driver = *template;
	ret = uvf_driver_register(bus, driver);
	if (ret)
		uvf_free(driver);
	else if (ret_driver)
		*ret_driver = driver;
	return ret;
}

int uvf_driver_obtain(struct uvf_bus_device *device, const char *name,
		      const struct uvf_driver_ops *ops,
		      const struct uvf_bus_id *id,
		      struct uvf_driver **ret_driver)
{
	struct uvf_driver template = {.ops = ops};
	int ret;

	*ret_driver = uvf_driver_find(device->bus, name);
	if (!*ret_driver) {
		(void)snprintf(template.name, sizeof(template.name), "%s",
			       name);
		ret = uvf_driver_add(device->bus, &template, ret_driver);
		if (ret)
			return ret;
	}
	if ((*ret_driver)->ops != ops || uvf_driver_match(*ret_driver, device))
		return 0;
	return uvf_driver_add_id(*ret_driver, id);
}

struct uvf_driver *uvf_driver_find(struct uvf_bus *bus, const char *name)
{
	struct uvf_driver *driver;

	uvf_lock(&bus->machine->lock);
	driver = find_locked(bus, name);
	uvf_unlock(&bus->machine->lock);
	return driver;
}

struct uvf_driver *uvf_driver_at(struct uvf_bus *bus, size_t n)
{
	struct uvf_driver *driver = NULL;
	struct uvf_list *node;

	uvf_lock(&bus->machine->lock);
	uvf_list_for_each (node, &bus->drivers) {
		if (!n--) {
			driver = uvf_list_entry(node, struct uvf_driver,
						bus_node);
			break;
		}
	}
	uvf_unlock(&bus->machine->lock);
	return driver;
}

static struct uvf_driver_id *find_id_locked(struct uvf_driver *driver,
					    const struct uvf_bus_id *what,
					    bool is_dynamic)
	UVF_REQUIRES(driver->bus->machine->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &driver->ids) {
		struct uvf_driver_id *id =
			uvf_list_entry(node, struct uvf_driver_id, node);

		if (id->is_dynamic == is_dynamic && uvf_id_match(&id->id, what))
			return id;
	}
	return NULL;
}

static int add_id(struct uvf_driver *driver, const struct uvf_bus_id *what,
		  bool is_dynamic)
{
	struct uvf_driver_id *id = uvf_zalloc(sizeof(*id));

	if (!id)
		return -ENOMEM;
	id->id = *what;
	id->is_dynamic = is_dynamic;
	uvf_lock(&driver->bus->machine->lock);
	uvf_list_append(&driver->ids, &id->node);
	uvf_unlock(&driver->bus->machine->lock);
	return 0;
}

int uvf_driver_add_id(struct uvf_driver *driver, const struct uvf_bus_id *what)
{
	return add_id(driver, what, false);
}

int uvf_driver_give_id(struct uvf_driver *driver, const struct uvf_bus_id *what)
{
	return add_id(driver, what, true);
}

static bool knows_locked(struct uvf_driver *driver,
			 struct uvf_bus_device *device)
	UVF_REQUIRES(driver->bus->machine->lock)
{
	return find_id_locked(driver, &device->id, true) ||
	       find_id_locked(driver, &device->id, false);
}

bool uvf_driver_knows(struct uvf_driver *driver, struct uvf_bus_device *device)
{
	bool is_known;

	uvf_lock(&driver->bus->machine->lock);
	is_known = knows_locked(driver, device);
	uvf_unlock(&driver->bus->machine->lock);
	return is_known;
}

bool uvf_driver_match(struct uvf_driver *driver, struct uvf_bus_device *device)
{
	bool is_match;

	uvf_lock(&driver->bus->machine->lock);
	if (device->driver_override)
		is_match = !strcmp(device->driver_override, driver->name);
	else
		is_match = knows_locked(driver, device);
	uvf_unlock(&driver->bus->machine->lock);
	return is_match;
}

/* Only data that an id from the start has, if there is any such id. */
static bool is_data_known_locked(struct uvf_driver *driver, uint64_t data)
	UVF_REQUIRES(driver->bus->machine->lock)
{
	bool has_table = driver->has_any_id;
	struct uvf_list *node;

	if (driver->has_any_id && !data)
		return true;

	uvf_list_for_each (node, &driver->ids) {
		struct uvf_driver_id *id =
			uvf_list_entry(node, struct uvf_driver_id, node);

		if (id->is_dynamic)
			continue;
		if (id->id.data == data)
			return true;
		has_table = true;
	}
	return !has_table;
}

/* Offers the driver all devices; what one of them says is nobody's matter. */
static int offer_all(struct uvf_driver *driver)
{
	struct uvf_bus_device **devices;
	size_t count;

	devices =
		uvf_machine_devices(driver->bus->machine, driver->bus, &count);
	if (!devices)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (uvf_driver_match(driver, devices[i]))
			(void)uvf_device_attach_driver(devices[i], driver);
	uvf_bus_devices_put(devices, count);
	return 0;
}

static int check_id_locked(struct uvf_driver *driver,
			   const struct uvf_bus_id *id, bool is_whole)
	UVF_REQUIRES(driver->bus->machine->lock)
{
	if (!is_whole && find_id_locked(driver, id, false))
		return -EEXIST;
	if (!is_data_known_locked(driver, id->data))
		return -EINVAL;
	if (!is_whole && find_id_locked(driver, id, true))
		return -EEXIST;
	return 0;
}

int uvf_driver_new_id(struct uvf_driver *driver, const char *text)
{
	struct uvf_driver_id *id;
	struct uvf_bus_id what;
	int fields = uvf_id_parse(&what, text);
	int ret;

	if (fields < 2)
		return -EINVAL;
	id = uvf_zalloc(sizeof(*id));
	uvf_lock(&driver->bus->machine->lock);
	ret = check_id_locked(driver, &what, fields == 7);
	if (!ret && !id)
		ret = -ENOMEM;
	if (!ret) {
		id->id = what;
		id->is_dynamic = true;
		uvf_list_append(&driver->ids, &id->node);
	}
	uvf_unlock(&driver->bus->machine->lock);
	if (ret) {
		uvf_free(id);
		return ret;
	}
	return offer_all(driver);
}

/* Fields that were not given mean any. */
static bool is_meant(const struct uvf_bus_id *id, const struct uvf_bus_id *said)
{
	return id->vendor == said->vendor && id->device == said->device &&
	       (said->subvendor == UVF_ID_ANY ||
		id->subvendor == said->subvendor) &&
	       (said->subdevice == UVF_ID_ANY ||
		id->subdevice == said->subdevice) &&
	       !((id->class_code ^ said->class_code) & said->class_mask);
}

int uvf_driver_remove_id(struct uvf_driver *driver, const char *text)
{
	struct uvf_machine *machine = driver->bus->machine;
	struct uvf_driver_id *found = NULL;
	struct uvf_bus_id said;
	struct uvf_list *node;

	if (uvf_id_parse(&said, text) < 2)
		return -EINVAL;
	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &driver->ids) {
		struct uvf_driver_id *id =
			uvf_list_entry(node, struct uvf_driver_id, node);

		if (id->is_dynamic && is_meant(&id->id, &said)) {
			found = id;
			uvf_list_remove(&id->node);
			break;
		}
	}
	uvf_unlock(&machine->lock);
	uvf_free(found);
	return found ? 0 : -ENODEV;
}

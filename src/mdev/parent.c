/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What mediated devices are parts of: how it comes, and how it takes them
 * along when it goes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "bus/uevent.h"
#include "mdev/mdev.h"
#include "mdev/private.h"

static struct uvfio_mdev_parent *parent_of(struct uvf_bus_device *bus)
{
	return uvf_container_of(bus, struct uvfio_mdev_parent, bus);
}

static void free_parent(struct uvfio_mdev_parent *parent)
{
	pthread_cond_destroy(&parent->idle);
	uvf_free(parent->priv);
	uvf_free(parent->types);
	uvf_free(parent);
}

static void parent_destroy(struct uvf_bus_device *bus)
{
	free_parent(parent_of(bus));
}

/* No call creates or removes from here on. */
static void stop_calls(struct uvfio_mdev_parent *parent)
{
	struct uvf_mutex *lock = &parent->mdevs->lock;

	uvf_lock(lock);
	parent->is_unregistering = true;
	while (parent->calls)
		uvf_cond_wait(&parent->idle, lock);
	uvf_unlock(lock);
}

/* Shown no more as what can have mediated devices. */
static void hide(struct uvfio_mdev_parent *parent)
{
	struct uvf_machine *machine = parent->bus.bus->machine;

	uvf_lock(&machine->lock);
	parent->bus.mdevs = NULL;
	uvf_unlock(&machine->lock);
	uvf_machine_touch(machine);
	uvf_uevent_emit_device(&parent->bus, UVF_UEVENT_CHANGE,
			       "MDEV_STATE=unregistered\n");
}

/* Source: mdev_unregister_parent(); drivers/vfio/mdev/mdev_core.c, 6.12. */
static void parent_removing(struct uvf_bus_device *bus, struct uvf_task *task)
{
	struct uvfio_mdev_parent *parent = parent_of(bus);

	if (!uvf_mdev_parent_of(bus))
		return;
	stop_calls(parent);
	uvf_mdev_remove_all(parent, task);
	hide(parent);
}

const struct uvf_bus_attr uvf_mdev_no_attrs[] = {{.name = NULL}};

static const struct uvf_bus_device_ops parent_ops = {
	.attrs = uvf_mdev_no_attrs,
	.removing = parent_removing,
	.destroy = parent_destroy,
};

static const struct uvf_bus_ops class_ops = {.match = NULL};

/* Nobody takes a device of this bus but whom create gives it to. */
static bool bus_match(struct uvf_driver *driver, struct uvf_bus_device *device)
{
	(void)driver;
	(void)device;
	return false;
}

static void bus_fini(struct uvf_bus *bus)
{
	struct uvf_mdevs *mdevs = bus->data;

	uvf_mutex_fini(&mdevs->lock);
	uvf_free(mdevs);
}

static const struct uvf_bus_ops bus_ops = {
	.match = bus_match,
	.fini = bus_fini,
};

/* The bus, made with the first driver; NULL: there is no memory. */
static struct uvf_bus *obtain_bus(struct uvf_machine *machine)
{
	struct uvf_bus *bus = uvf_bus_find(machine, UVF_MDEV_BUS);
	struct uvf_mdevs *mdevs;

	if (bus)
		return bus;
	mdevs = uvf_zalloc(sizeof(*mdevs));
	if (!mdevs)
		return NULL;
	uvf_mutex_init(&mdevs->lock);
	uvf_list_init(&mdevs->devices);
	if (!uvf_bus_register(machine, UVF_MDEV_BUS, &bus_ops, mdevs, &bus))
		return bus;
	uvf_mutex_fini(&mdevs->lock);
	uvf_free(mdevs);
	return NULL;
}

static int driver_probe(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	const struct uvfio_mdev_driver *desc = driver->data;

	return desc->probe(uvf_mdev_of(bus));
}

/* For whom it waits is in bus->unbinding_task. */
static void driver_remove(struct uvf_driver *driver, struct uvf_bus_device *bus,
			  struct uvf_task *task)
{
	const struct uvfio_mdev_driver *desc = driver->data;

	(void)task;
	desc->remove(uvf_mdev_of(bus));
}

static const struct uvf_driver_ops driver_ops = {
	.probe = driver_probe,
	.remove = driver_remove,
};

static int obtain_driver(struct uvf_bus *bus,
			 const struct uvfio_mdev_driver *desc,
			 struct uvf_driver **ret_driver)
{
	struct uvf_driver *driver = uvf_driver_find(bus, desc->name);
	int ret;

	*ret_driver = driver;
	if (driver)
		return driver->data == desc ? 0 : -EEXIST;
	driver = uvf_zalloc(sizeof(*driver));
	if (!driver)
		return -ENOMEM;
	(void)snprintf(driver->name, sizeof(driver->name), "%s", desc->name);
	driver->ops = &driver_ops;
	driver->manages_dma = true;
	driver->module = desc->name;
	/* The core writes nothing to what it is given. */
	driver->data = (void *)(uintptr_t)desc;
	ret = uvf_driver_register(bus, driver);
	if (ret)
		uvf_free(driver);
	*ret_driver = driver;
	return ret;
}

static int fill_types(struct uvfio_mdev_parent *parent)
{
	const struct uvfio_mdev_type *desc = parent->desc->types;

	while (desc[parent->type_count].name)
		parent->type_count++;
	parent->types = uvf_calloc(parent->type_count + 1,
				   sizeof(struct uvf_mdev_type));
	if (!parent->types)
		return -ENOMEM;
	for (unsigned int i = 0; i < parent->type_count; i++) {
		struct uvf_mdev_type *type = &parent->types[i];

		type->parent = parent;
		type->desc = &desc[i];
		type->index = i;
		(void)snprintf(type->name, sizeof(type->name), "%s-%s",
			       parent->desc->name, desc[i].name);
	}
	return 0;
}

static int fill(struct uvfio_mdev_parent *parent, struct uvf_bus *bus)
{
	const char *name = parent->desc->name;

	parent->mdevs = bus->data;
	parent->available = parent->desc->max_instances;
	parent->class = (struct uvf_bus){
		.ops = &class_ops,
		.machine = bus->machine,
		.is_class = true,
	};
	(void)snprintf(parent->class.name, sizeof(parent->class.name), "%s",
		       name);
	(void)snprintf(parent->bus.name, sizeof(parent->bus.name), "%s", name);
	(void)snprintf(parent->bus.root, sizeof(parent->bus.root), "virtual/%s",
		       parent->class.name);
	parent->bus.ops = &parent_ops;
	parent->bus.bus = &parent->class;
	parent->bus.mdevs = parent;
	parent->priv = uvf_zalloc(parent->desc->parent_size + 1);
	return parent->priv ? fill_types(parent) : -ENOMEM;
}

int uvf_mdev_parent_create(struct uvf_machine *machine,
			   const struct uvfio_mdev_driver *desc,
			   struct uvfio_mdev_parent **ret_parent)
{
	struct uvf_bus *bus = obtain_bus(machine);
	struct uvfio_mdev_parent *parent;
	struct uvf_driver *driver;
	int ret = bus ? obtain_driver(bus, desc, &driver) : -ENOMEM;

	if (ret)
		return ret;
	parent = uvf_zalloc(sizeof(*parent));
	if (!parent)
		return -ENOMEM;
	pthread_cond_init(&parent->idle, NULL);
	parent->desc = desc;
	parent->driver = driver;
	ret = fill(parent, bus);
	if (ret) {
		free_parent(parent);
		return ret;
	}
	uvf_bus_device_init(&parent->bus);
	/* One reference is the machine's, one the caller's. */
	ret = uvf_machine_add(machine, uvf_bus_device_get(&parent->bus),
			      UVF_GROUP_NONE);
	if (ret) {
		uvf_bus_device_put(&parent->bus);
		uvf_bus_device_put(&parent->bus);
		return ret;
	}
	uvf_uevent_emit_device(&parent->bus, UVF_UEVENT_CHANGE,
			       "MDEV_STATE=registered\n");
	*ret_parent = parent;
	return 0;
}

struct uvfio_mdev_parent *uvf_mdev_parent_of(struct uvf_bus_device *device)
{
	struct uvf_machine *machine = device->bus->machine;
	struct uvfio_mdev_parent *parent;

	uvf_lock(&machine->lock);
	parent = device->mdevs;
	uvf_unlock(&machine->lock);
	return parent;
}

unsigned int uvf_mdev_type_available(struct uvf_mdev_type *type)
{
	struct uvfio_mdev_parent *parent = type->parent;
	unsigned int available;

	if (parent->desc->available)
		return parent->desc->available(parent, type->index);
	uvf_lock(&parent->mdevs->lock);
	available = parent->available;
	uvf_unlock(&parent->mdevs->lock);
	return available;
}

void *uvfio_mdev_parent_priv(struct uvfio_mdev_parent *parent)
{
	return parent->priv;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/machine.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "bus/bus.h"
#include "bus/driver.h"

#define DMA_ENTRY_LIMIT 65535 /* U16_MAX mappings of a container */

void uvf_machine_init(struct uvf_machine *machine,
		      const struct uvf_profile *profile)
{
	machine->profile = profile;
	machine->has_iommu = true;
	atomic_init(&machine->generation, 0);
	uvf_mutex_init(&machine->rescan_lock);
	uvf_mutex_init(&machine->lock);
	uvf_mutex_init(&machine->event_lock);
	uvf_list_init(&machine->buses);
	uvf_list_init(&machine->devices);
	uvf_list_init(&machine->groups);
	machine->resource_alignment = NULL;
	uvf_remover_init(&machine->remover);
	atomic_init(&machine->params.allow_unsafe_interrupts, false);
	atomic_init(&machine->params.reset_required, true);
	atomic_init(&machine->params.disable_hugepages, false);
	atomic_init(&machine->params.dma_entry_limit, DMA_ENTRY_LIMIT);
	atomic_init(&machine->params.enable_sriov, false);
	atomic_init(&machine->params.enable_unsafe_noiommu_mode, false);
	machine->seqnum = 0;
	machine->changed = NULL;
	machine->changed_arg = NULL;
}

static void free_driver(struct uvf_driver *driver)
{
	struct uvf_list *node, *tmp;

	uvf_list_for_each_safe (node, tmp, &driver->ids)
		uvf_free(uvf_list_entry(node, struct uvf_driver_id, node));
	uvf_free(driver);
}

static void free_bus(struct uvf_bus *bus)
{
	struct uvf_list *node, *tmp;

	if (bus->ops->fini)
		bus->ops->fini(bus);

	uvf_list_for_each_safe (node, tmp, &bus->drivers)
		free_driver(uvf_list_entry(node, struct uvf_driver, bus_node));
	uvf_free(bus);
}

static void remove_all(struct uvf_machine *machine)
	UVF_REQUIRES(machine->rescan_lock)
{
	/* What is behind a bridge came after it. */
	while (!uvf_list_is_empty(&machine->devices))
		uvf_machine_remove(machine,
				   uvf_list_entry(machine->devices.prev,
						  struct uvf_bus_device,
						  machine_node),
				   NULL);
}

void uvf_machine_fini(struct uvf_machine *machine)
{
	struct uvf_list *node, *tmp;

	uvf_remover_fini(&machine->remover);
	uvf_lock(&machine->rescan_lock);
	remove_all(machine);
	uvf_unlock(&machine->rescan_lock);
	uvf_list_for_each_safe (node, tmp, &machine->buses)
		free_bus(uvf_list_entry(node, struct uvf_bus, machine_node));
	uvf_free(machine->resource_alignment);
	uvf_mutex_fini(&machine->event_lock);
	uvf_mutex_fini(&machine->lock);
	uvf_mutex_fini(&machine->rescan_lock);
}

void uvf_machine_set_changed(struct uvf_machine *machine,
			     uvf_changed_fn *changed, void *arg)
{
	uvf_lock(&machine->event_lock);
	machine->changed = changed;
	machine->changed_arg = arg;
	uvf_unlock(&machine->event_lock);
}

void uvf_machine_touch(struct uvf_machine *machine)
{
	atomic_fetch_add(&machine->generation, 1);
}

static struct uvf_bus_device *find_locked(struct uvf_machine *machine,
					  const char *name)
	UVF_REQUIRES(machine->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &machine->devices) {
		struct uvf_bus_device *device = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);

		if (!strcmp(device->name, name))
			return device;
	}
	return NULL;
}

struct uvf_bus_device *uvf_machine_find(struct uvf_machine *machine,
					const char *name)
{
	struct uvf_bus_device *device;

	uvf_lock(&machine->lock);
	device = find_locked(machine, name);
	if (device)
		uvf_bus_device_get(device);
	uvf_unlock(&machine->lock);
	return device;
}

struct uvf_bus_device **uvf_machine_devices(struct uvf_machine *machine,
					    const struct uvf_bus *bus,
					    size_t *ret_count)
{
	struct uvf_bus_device **devices, *device;
	struct uvf_list *node;
	size_t count = 0;

	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &machine->devices)
		count++;
	devices = uvf_calloc(count + 1, sizeof(struct uvf_bus_device *));
	count = 0;
	uvf_list_for_each (node, &machine->devices) {
		device = uvf_list_entry(node, struct uvf_bus_device,
					machine_node);
		if (devices && (!bus || device->bus == bus))
			devices[count++] = uvf_bus_device_get(device);
	}
	uvf_unlock(&machine->lock);
	*ret_count = count;
	return devices;
}

void uvf_bus_devices_put(struct uvf_bus_device **devices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		uvf_bus_device_put(devices[i]);
	uvf_free(devices);
}

/* Into the list of devices, unless the name is taken. */
static int insert(struct uvf_machine *machine, struct uvf_bus_device *device)
{
	int ret = 0;

	uvf_lock(&machine->lock);
	if (find_locked(machine, device->name))
		ret = -EEXIST;
	else
		uvf_list_append(&machine->devices, &device->machine_node);
	uvf_unlock(&machine->lock);
	return ret;
}

int uvf_machine_add(struct uvf_machine *machine, struct uvf_bus_device *device,
		    int group_id)
{
	struct uvf_iommu_group *group = NULL;
	int ret;

	if (machine->has_iommu && group_id != UVF_GROUP_NONE) {
		group = group_id == UVF_GROUP_OWN
				? uvf_iommu_group_create(machine, NULL)
				: uvf_iommu_group_obtain(
					  machine, (unsigned int)group_id);
		if (!group)
			return -ENOMEM;
	}
	/* Nobody binds it before it is whole. */
	uvf_lock(&device->lock);
	ret = insert(machine, device);
	if (!ret && group)
		uvf_iommu_group_add_device(group, device);
	if (!ret) {
		uvf_machine_touch(machine);
		uvf_uevent_emit_device(device, UVF_UEVENT_ADD, "");
	}
	uvf_unlock(&device->lock);
	if (!ret && device->bus->ops->added)
		device->bus->ops->added(device);
	uvf_iommu_group_put(group);
	return ret;
}

/* The last that came of those behind a bridge, with a reference, or NULL. */
static struct uvf_bus_device *last_child(struct uvf_machine *machine,
					 const struct uvf_bus_device *bridge)
{
	struct uvf_bus_device *device, *last = NULL;
	struct uvf_list *node;

	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &machine->devices) {
		device = uvf_list_entry(node, struct uvf_bus_device,
					machine_node);
		if (device->parent == bridge)
			last = device;
	}
	if (last)
		uvf_bus_device_get(last);
	uvf_unlock(&machine->lock);
	return last;
}

static void remove_children(struct uvf_machine *machine,
			    struct uvf_bus_device *bridge,
			    struct uvf_task *task)
	UVF_REQUIRES(machine->rescan_lock)
{
	struct uvf_bus_device *child;

	while ((child = last_child(machine, bridge))) {
		uvf_machine_remove(machine, child, task);
		uvf_bus_device_put(child);
	}
}

void uvf_machine_remove(struct uvf_machine *machine,
			struct uvf_bus_device *device, struct uvf_task *task)
{
	uvf_assert_held(&machine->rescan_lock);
	if (device->ops->removing)
		device->ops->removing(device, task);
	remove_children(machine, device, task);
	uvf_machine_take_out(machine, device, task);
}

void uvf_machine_take_out(struct uvf_machine *machine,
			  struct uvf_bus_device *device, struct uvf_task *task)
{
	bool is_in;

	uvf_device_kill(device, task);
	uvf_lock(&machine->lock);
	is_in = !uvf_list_is_empty(&device->machine_node);
	uvf_list_remove(&device->machine_node);
	uvf_unlock(&machine->lock);
	if (!is_in)
		return;
	if (device->bus->ops->removed)
		device->bus->ops->removed(device);
	uvf_iommu_group_remove_device(device);
	uvf_machine_touch(machine);
	uvf_uevent_emit_device(device, UVF_UEVENT_REMOVE, "");
	if (device->ops->removed)
		device->ops->removed(device);
	uvf_bus_device_put(device);
}

void uvf_machine_unplug(struct uvf_bus_device *device, struct uvf_task *task)
{
	struct uvf_machine *machine = device->bus->machine;

	uvf_lock(&machine->rescan_lock);
	uvf_machine_remove(machine, device, task);
	uvf_unlock(&machine->rescan_lock);
}

void uvf_machine_rescan(struct uvf_machine *machine)
{
	struct uvf_bus *bus;

	uvf_lock(&machine->rescan_lock);
	for (size_t i = 0; (bus = uvf_bus_at(machine, i)); i++)
		if (bus->ops->rescan)
			bus->ops->rescan(bus);
	uvf_unlock(&machine->rescan_lock);
}

int uvf_machine_unplug_by_file(struct uvf_bus_device *device,
			       struct uvf_task *task)
{
	if (device->bus->machine->profile->remove_is_deferred)
		return uvf_remover_queue(&device->bus->machine->remover,
					 device);
	uvf_machine_unplug(device, task);
	return 0;
}

ssize_t uvf_machine_rescan_by_file(struct uvf_machine *machine,
				   const char *text, size_t size)
{
	uint64_t value;

	if (uvf_parse_ulong(text, &value))
		return -EINVAL;
	if (value)
		uvf_machine_rescan(machine);
	return (ssize_t)size;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/viability.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "bus/bus.h"
#include "bus/device.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "core/device.h"

/* One device on its way out; under device_lock. */
struct uvf_unbound {
	struct uvf_list node;
	struct uvf_bus_device *bus_device; /* holds a reference */
};

int uvf_unbound_prepare(struct uvf_device *device)
{
	device->unbound = uvf_zalloc(sizeof(*device->unbound));
	if (!device->unbound)
		return -ENOMEM;
	device->unbound->bus_device = uvf_bus_device_get(device->bus_device);
	return 0;
}

static void free_unbound(struct uvf_unbound *unbound)
{
	uvf_bus_device_put(unbound->bus_device);
	uvf_free(unbound);
}

void uvf_unbound_cancel(struct uvf_device *device)
{
	free_unbound(device->unbound);
	device->unbound = NULL;
}

void uvf_group_record_unbound(struct uvf_device *device)
{
	struct uvf_group *group = device->group;
	struct uvf_unbound *unbound = device->unbound;

	device->unbound = NULL;
	uvf_lock(&group->device_lock);
	uvf_list_append(&group->unbound, &unbound->node);
	uvf_unlock(&group->device_lock);
}

void uvf_group_forget_unbound(struct uvf_group *group,
			      const struct uvf_bus_device *bus_device)
{
	struct uvf_list *node, *tmp;
	struct uvf_list gone;

	uvf_list_init(&gone);
	uvf_lock(&group->device_lock);
	uvf_list_for_each_safe (node, tmp, &group->unbound) {
		struct uvf_unbound *unbound =
			uvf_list_entry(node, struct uvf_unbound, node);

		if (bus_device && unbound->bus_device != bus_device)
			continue;
		uvf_list_remove(node);
		uvf_list_append(&gone, node);
	}
	uvf_unlock(&group->device_lock);
	uvf_list_for_each_safe (node, tmp, &gone) {
		struct uvf_unbound *unbound =
			uvf_list_entry(node, struct uvf_unbound, node);

		free_unbound(unbound);
	}
}

/* Registered with the group or, if that counts, unbound from it just now. */
static bool is_ours(struct uvf_group *group,
		    const struct uvf_bus_device *bus_device,
		    bool unbound_counts)
{
	struct uvf_list *node;
	bool ret = false;

	uvf_lock(&group->device_lock);
	uvf_list_for_each (node, &group->devices)
		if (uvf_list_entry(node, struct uvf_device, group_node)
			    ->bus_device == bus_device)
			ret = true;
	if (unbound_counts)
		uvf_list_for_each (node, &group->unbound)
			if (uvf_list_entry(node, struct uvf_unbound, node)
				    ->bus_device == bus_device)
				ret = true;
	uvf_unlock(&group->device_lock);
	return ret;
}

/* Source: drivers/vfio/vfio.c, Linux 3.14: these two do no DMA. */
static bool is_harmless(const struct uvf_bus_device *bus_device)
{
	struct uvf_machine *machine = bus_device->bus->machine;
	const struct uvf_driver *driver;

	uvf_lock(&machine->lock);
	driver = bus_device->driver;
	uvf_unlock(&machine->lock);
	return !driver || !strcmp(driver->name, "pci-stub") ||
	       !strcmp(driver->name, "pcieport");
}

static bool scan(struct uvf_group *group, bool unbound_counts)
{
	struct uvf_bus_device **members;
	bool is_viable = true;
	size_t count;

	members = uvf_iommu_group_members(group->iommu_group, &count);
	if (!members)
		return false;
	for (size_t i = 0; i < count && is_viable; i++)
		is_viable = is_harmless(members[i]) ||
			    is_ours(group, members[i], unbound_counts);
	uvf_bus_devices_put(members, count);
	return is_viable;
}

bool uvf_group_is_viable_locked(struct uvf_group *group)
{
	const unsigned int how = group->vfio->machine->profile->viability;

	uvf_assert_held(&group->lock);
	if (how == UVF_VIABILITY_DMA_OWNER)
		return group->container || group->iommufd ||
		       group->kind != UVF_DEVICE_IOMMU ||
		       uvf_iommu_group_is_idle(group->iommu_group);
	return !atomic_load(&group->is_violated) &&
	       scan(group, how == UVF_VIABILITY_UNBOUND_LIST);
}

/* Another member's driver may have come before the container. */
static void check_isolation(struct uvf_group *group,
			    const struct uvf_bus_device *bus_device)
{
	const bool is_culprit =
		!is_harmless(bus_device) && !is_ours(group, bus_device, false);

	uvf_lock(&group->lock);
	if (is_culprit && group->container &&
	    !uvf_group_is_viable_locked(group)) {
		uvf_log(UVF_LOG_ERROR,
			"%s: bound to a driver of the host in group %u, which "
			"is in use; the group can do no DMA any more",
			bus_device->name, group->id);
		atomic_store(&group->is_violated, true);
		uvf_iommu_group_set_domain(group->iommu_group, NULL);
	}
	uvf_unlock(&group->lock);
}

void uvf_group_notified(struct uvf_notifier *notifier, enum uvf_notify event,
			struct uvf_bus_device *bus_device)
{
	struct uvf_group *group =
		uvf_container_of(notifier, struct uvf_group, notifier);

	if (event == UVF_NOTIFY_BOUND)
		check_isolation(group, bus_device);
	else if (event == UVF_NOTIFY_UNBOUND)
		uvf_group_forget_unbound(group, bus_device);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/group.h"

#include <errno.h>
#include <string.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "base/parse.h"
#include "bus/bus.h"
#include "bus/machine.h"

static struct uvf_iommu_group *find_locked(struct uvf_machine *machine,
					   unsigned int id)
	UVF_REQUIRES(machine->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &machine->groups) {
		struct uvf_iommu_group *group = uvf_list_entry(
			node, struct uvf_iommu_group, machine_node);

		if (group->id == id)
			return group;
	}
	return NULL;
}

static unsigned int free_id_locked(struct uvf_machine *machine)
	UVF_REQUIRES(machine->lock)
{
	/* Where there is an IOMMU, group 0 is the host bridge's. */
	unsigned int id = machine->has_iommu ? 1 : 0;
	struct uvf_list *node;

	uvf_list_for_each (node, &machine->groups) {
		struct uvf_iommu_group *group = uvf_list_entry(
			node, struct uvf_iommu_group, machine_node);

		if (group->id > id)
			break;
		if (group->id == id)
			id++;
	}
	return id;
}

/* Puts a group into the list, which is sorted by id. */
static void insert_locked(struct uvf_machine *machine,
			  struct uvf_iommu_group *group)
	UVF_REQUIRES(machine->lock)
{
	struct uvf_list *next;

	uvf_list_for_each (next, &machine->groups)
		if (uvf_list_entry(next, struct uvf_iommu_group, machine_node)
			    ->id > group->id)
			break;
	uvf_list_append(next, &group->machine_node);
}

/* Default domains; the first is what a group begins with. */
static const char *const types[] = {"DMA", "DMA-FQ", "identity"};
static const char no_type[] = "unknown";

static struct uvf_iommu_group *alloc_group(struct uvf_machine *machine,
					   const char *name)
{
	struct uvf_iommu_group *group = uvf_zalloc(sizeof(*group));

	if (!group)
		return NULL;
	uvf_ref_init(&group->ref);
	group->machine = machine;
	group->name = name;
	group->type = name ? no_type : types[0];
	uvf_list_init(&group->devices);
	uvf_list_init(&group->notifiers);
	uvf_mutex_init(&group->notify_lock);
	uvf_mutex_init(&group->lock);
	return group;
}

static void free_group(struct uvf_iommu_group *group)
{
	UVF_BUG_ON(!uvf_list_is_empty(&group->devices));
	UVF_BUG_ON(!uvf_list_is_empty(&group->notifiers));
	uvf_mutex_fini(&group->lock);
	uvf_mutex_fini(&group->notify_lock);
	uvf_free(group);
}

struct uvf_iommu_group *uvf_iommu_group_create(struct uvf_machine *machine,
					       const char *name)
{
	struct uvf_iommu_group *group = alloc_group(machine, name);

	if (!group)
		return NULL;
	uvf_lock(&machine->lock);
	group->id = free_id_locked(machine);
	insert_locked(machine, group);
	uvf_unlock(&machine->lock);
	uvf_machine_touch(machine);
	return group;
}

struct uvf_iommu_group *uvf_iommu_group_obtain(struct uvf_machine *machine,
					       unsigned int id)
{
	struct uvf_iommu_group *made = alloc_group(machine, NULL);
	struct uvf_iommu_group *group;

	if (!made)
		return NULL;
	uvf_lock(&machine->lock);
	group = find_locked(machine, id);
	if (group) {
		uvf_iommu_group_get(group);
	} else {
		made->id = id;
		insert_locked(machine, made);
	}
	uvf_unlock(&machine->lock);
	if (!group)
		return made;
	free_group(made);
	return group;
}

struct uvf_iommu_group *uvf_iommu_group_get(struct uvf_iommu_group *group)
{
	uvf_ref_get(&group->ref);
	return group;
}

void uvf_iommu_group_put(struct uvf_iommu_group *group)
{
	struct uvf_machine *machine;
	bool is_last;

	if (!group)
		return;
	machine = group->machine;
	uvf_lock(&machine->lock);
	is_last = uvf_ref_put(&group->ref);
	if (is_last)
		uvf_list_remove(&group->machine_node);
	uvf_unlock(&machine->lock);
	if (!is_last)
		return;
	free_group(group);
	uvf_machine_touch(machine);
}

struct uvf_iommu_group *uvf_iommu_group_find(struct uvf_machine *machine,
					     unsigned int id)
{
	struct uvf_iommu_group *group;

	uvf_lock(&machine->lock);
	group = find_locked(machine, id);
	if (group)
		uvf_iommu_group_get(group);
	uvf_unlock(&machine->lock);
	return group;
}

struct uvf_iommu_group *uvf_iommu_group_from(struct uvf_machine *machine,
					     unsigned int id)
{
	struct uvf_iommu_group *group = NULL;
	struct uvf_list *node;

	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &machine->groups) {
		group = uvf_list_entry(node, struct uvf_iommu_group,
				       machine_node);
		if (group->id >= id)
			break;
		group = NULL;
	}
	if (group)
		uvf_iommu_group_get(group);
	uvf_unlock(&machine->lock);
	return group;
}

static void aim(struct uvf_bus_device *device, struct uvf_aspace *as)
{
	if (device->ops->set_domain)
		device->ops->set_domain(device, as);
}

void uvf_iommu_group_add_device(struct uvf_iommu_group *group,
				struct uvf_bus_device *device)
{
	struct uvf_machine *machine = group->machine;

	uvf_lock(&group->lock);
	if (uvf_list_is_empty(&group->devices)) {
		group->iommu = device->iommu;
		group->iommu_bits = device->iommu_bits;
	}
	uvf_list_append(&group->devices, &device->group_node);
	if (group->domain && !group->is_blocked)
		aim(device, group->domain);
	uvf_unlock(&group->lock);
	uvf_lock(&machine->lock);
	device->group = uvf_iommu_group_get(group);
	uvf_unlock(&machine->lock);
	uvf_machine_touch(machine);
	uvf_iommu_group_notify(device, UVF_NOTIFY_ADD);
}

void uvf_iommu_group_remove_device(struct uvf_bus_device *device)
{
	struct uvf_machine *machine = device->bus->machine;
	struct uvf_iommu_group *group = uvf_bus_device_group(device);

	if (!group)
		return;
	uvf_iommu_group_notify(device, UVF_NOTIFY_DEL);
	uvf_lock(&machine->lock);
	device->group = NULL;
	uvf_unlock(&machine->lock);
	uvf_lock(&group->lock);
	uvf_list_remove(&device->group_node);
	if (group->domain)
		aim(device, NULL);
	uvf_unlock(&group->lock);
	uvf_iommu_group_put(group); /* found above */
	uvf_iommu_group_put(group); /* the device's own */
	uvf_machine_touch(machine);
}

struct uvf_bus_device **uvf_iommu_group_members(struct uvf_iommu_group *group,
						size_t *ret_count)
{
	struct uvf_bus_device **devices;
	struct uvf_list *node;
	size_t count = 0;

	uvf_lock(&group->lock);
	uvf_list_for_each (node, &group->devices)
		count++;
	devices = uvf_calloc(count + 1, sizeof(struct uvf_bus_device *));
	count = 0;
	if (devices)
		uvf_list_for_each (node, &group->devices)
			devices[count++] = uvf_bus_device_get(uvf_list_entry(
				node, struct uvf_bus_device, group_node));
	uvf_unlock(&group->lock);
	*ret_count = count;
	return devices;
}

static int take_locked(struct uvf_iommu_group *group, void *owner)
	UVF_REQUIRES(group->lock)
{
	if (group->domain)
		return -EBUSY;
	group->owner = owner;
	group->owner_count = 1;
	return 0;
}

int uvf_iommu_group_claim(struct uvf_iommu_group *group, void *owner)
{
	int ret;

	uvf_lock(&group->lock);
	if (group->host_users || group->owner)
		ret = -EPERM;
	else
		ret = take_locked(group, owner);
	uvf_unlock(&group->lock);
	return ret;
}

void uvf_iommu_group_release(struct uvf_iommu_group *group)
{
	uvf_lock(&group->lock);
	UVF_BUG_ON(!group->owner);
	group->owner = NULL;
	group->owner_count = 0;
	uvf_unlock(&group->lock);
}

int uvf_iommu_group_claim_device(struct uvf_iommu_group *group, void *owner)
{
	int ret = 0;

	uvf_lock(&group->lock);
	if (group->owner == owner)
		group->owner_count++;
	else if (group->host_users || group->owner)
		ret = -EPERM;
	else
		ret = take_locked(group, owner);
	uvf_unlock(&group->lock);
	return ret;
}

void uvf_iommu_group_release_device(struct uvf_iommu_group *group)
{
	uvf_lock(&group->lock);
	UVF_BUG_ON(!group->owner);
	if (!--group->owner_count)
		group->owner = NULL;
	uvf_unlock(&group->lock);
}

bool uvf_iommu_group_is_idle(struct uvf_iommu_group *group)
{
	bool is_idle;

	uvf_lock(&group->lock);
	is_idle = !group->host_users && !group->owner;
	uvf_unlock(&group->lock);
	return is_idle;
}

const char *uvf_iommu_group_type(struct uvf_iommu_group *group)
{
	const char *type;

	uvf_lock(&group->lock);
	type = group->type;
	uvf_unlock(&group->lock);
	return type;
}

static const char *find_type(const char *text)
{
	if (uvf_parse_equal(text, "auto"))
		return types[0];
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (uvf_parse_equal(text, types[i]))
			return types[i];
	return NULL;
}

int uvf_iommu_group_set_type(struct uvf_iommu_group *group, const char *text)
{
	const char *type = find_type(text);
	int ret = 0;

	uvf_lock(&group->lock);
	if (group->type == no_type || !type)
		ret = -EINVAL;
	else if (group->type == types[0] && type == types[1])
		group->type = type; /* a queue is added to what is there */
	else if (uvf_list_is_empty(&group->devices) || group->host_users ||
		 group->owner)
		ret = -EPERM;
	else
		group->type = type;
	uvf_unlock(&group->lock);
	if (!ret)
		uvf_machine_touch(group->machine);
	return ret;
}

int uvf_iommu_group_use_default(struct uvf_iommu_group *group)
{
	const struct uvf_profile *profile = group->machine->profile;
	int ret = 0;

	uvf_lock(&group->lock);
	if (group->owner && !profile->host_bind_breaks_isolation)
		ret = -EBUSY;
	else
		group->host_users++;
	uvf_unlock(&group->lock);
	return ret;
}

void uvf_iommu_group_unuse_default(struct uvf_iommu_group *group)
{
	uvf_lock(&group->lock);
	UVF_BUG_ON(!group->host_users);
	group->host_users--;
	uvf_unlock(&group->lock);
}

static void aim_all_locked(struct uvf_iommu_group *group)
	UVF_REQUIRES(group->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &group->devices)
		aim(uvf_list_entry(node, struct uvf_bus_device, group_node),
		    group->is_blocked ? NULL : group->domain);
}

void uvf_iommu_group_set_domain(struct uvf_iommu_group *group,
				struct uvf_aspace *as)
{
	uvf_lock(&group->lock);
	group->domain = as;
	aim_all_locked(group);
	uvf_unlock(&group->lock);
}

void uvf_iommu_group_set_blocked(struct uvf_iommu_group *group, bool is_blocked)
{
	uvf_lock(&group->lock);
	group->is_blocked = is_blocked;
	aim_all_locked(group);
	uvf_unlock(&group->lock);
}

void uvf_iommu_group_set_windows(struct uvf_iommu_group *group,
				 const struct uvf_tce_window *windows)
{
	uvf_lock(&group->lock);
	memcpy(group->windows, windows, sizeof(group->windows));
	uvf_unlock(&group->lock);
}

void uvf_iommu_group_get_windows(struct uvf_iommu_group *group,
				 const struct uvf_tce_window *host,
				 struct uvf_tce_window *ret_windows)
{
	uvf_lock(&group->lock);
	memcpy(ret_windows, group->windows, sizeof(group->windows));
	if (!group->owner)
		ret_windows[0] = *host;
	uvf_unlock(&group->lock);
}

void uvf_iommu_group_add_notifier(struct uvf_iommu_group *group,
				  struct uvf_notifier *notifier)
{
	uvf_lock(&group->notify_lock);
	uvf_list_append(&group->notifiers, &notifier->node);
	uvf_unlock(&group->notify_lock);
}

void uvf_iommu_group_remove_notifier(struct uvf_iommu_group *group,
				     struct uvf_notifier *notifier)
{
	uvf_lock(&group->notify_lock);
	uvf_list_remove(&notifier->node);
	uvf_unlock(&group->notify_lock);
}

void uvf_iommu_group_notify(struct uvf_bus_device *device,
			    enum uvf_notify event)
{
	struct uvf_iommu_group *group = uvf_bus_device_group(device);
	struct uvf_list *node;

	if (!group)
		return;
	uvf_lock(&group->notify_lock);
	uvf_list_for_each (node, &group->notifiers) {
		struct uvf_notifier *notifier =
			uvf_list_entry(node, struct uvf_notifier, node);

		notifier->call(notifier, event, device);
	}
	uvf_unlock(&group->notify_lock);
	uvf_iommu_group_put(group);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bus drivers' side: which devices there are, and which are bound.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/task.h"
#include "bus/bus.h"
#include "bus/device.h"
#include "bus/group.h"
#include "bus/machine.h"
#include "core/class.h"
#include "v02/state.h"

#define REQUEST_SECONDS 10

int uvf_v02_create(struct uvf_v02 **ret_v02, const struct uvf_v02_host *host)
{
	struct uvf_v02 *v02 = uvf_zalloc(sizeof(*v02));
	pthread_condattr_t attr;

	if (!v02)
		return -ENOMEM;
	v02->host = *host;
	uvf_mutex_init(&v02->lock);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&v02->released, &attr);
	pthread_condattr_destroy(&attr);
	uvf_list_init(&v02->groups);
	*ret_v02 = v02;
	return 0;
}

void uvf_v02_destroy(struct uvf_v02 *v02)
{
	if (!v02)
		return;
	UVF_BUG_ON(!uvf_list_is_empty(&v02->groups));
	pthread_cond_destroy(&v02->released);
	uvf_mutex_fini(&v02->lock);
	uvf_free(v02);
}

static struct uvf_v02_group *find_group_locked(struct uvf_v02 *v02,
					       const struct uvf_bus *bus,
					       unsigned int id)
	UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &v02->groups) {
		struct uvf_v02_group *group =
			uvf_list_entry(node, struct uvf_v02_group, node);

		if (group->bus == bus && group->id == id)
			return group;
	}
	return NULL;
}

static struct uvf_v02_device *
find_device_locked(struct uvf_v02 *v02, const struct uvf_bus_device *bus_device)
	UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_list *outer, *inner;

	uvf_list_for_each (outer, &v02->groups) {
		struct uvf_v02_group *group =
			uvf_list_entry(outer, struct uvf_v02_group, node);

		uvf_list_for_each (inner, &group->devices) {
			struct uvf_v02_device *device = uvf_list_entry(
				inner, struct uvf_v02_device, node);

			if (device->bus_device == bus_device)
				return device;
		}
	}
	return NULL;
}

static bool is_name_taken_locked(struct uvf_v02 *v02, const char *name)
	UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &v02->groups)
		if (!strcmp(uvf_list_entry(node, struct uvf_v02_group, node)
				    ->name,
			    name))
			return true;
	return false;
}

static bool is_minor_taken_locked(struct uvf_v02 *v02, unsigned int minor)
	UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &v02->groups)
		if (uvf_list_entry(node, struct uvf_v02_group, node)->minor ==
		    minor)
			return true;
	return false;
}

/* A group's number is its name, unless another bus was first to have it. */
static struct uvf_v02_group *
create_group_locked(struct uvf_v02 *v02, struct uvf_bus *bus, unsigned int id)
	UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_v02_group *group = uvf_zalloc(sizeof(*group));

	if (!group)
		return NULL;
	group->v02 = v02;
	group->bus = bus;
	group->id = id;
	uvf_list_init(&group->devices);
	uvf_list_init(&group->iommu_node);
	(void)snprintf(group->name, sizeof(group->name), "%u", id);
	if (is_name_taken_locked(v02, group->name))
		(void)snprintf(group->name, sizeof(group->name), "%s:%u",
			       bus->name, id);
	while (is_minor_taken_locked(v02, group->minor))
		group->minor++;
	uvf_list_append(&v02->groups, &group->node);
	uvf_machine_touch(bus->machine);
	uvf_class_emit_group(bus->machine, UVF_UEVENT_ADD, group->minor,
			     group->name);
	return group;
}

void uvf_v02_group_destroy_locked(struct uvf_v02_group *group)
{
	struct uvf_v02_iommu *iommu = group->iommu;

	uvf_v02_assert_held(group->v02);
	UVF_BUG_ON(group->file_count || !uvf_list_is_empty(&group->devices));
	uvf_v02_detach_locked(group);
	if (iommu) {
		uvf_v02_iommu_remove_group_locked(group);
		uvf_v02_iommu_settle_locked(iommu);
	}
	uvf_list_remove(&group->node);
	uvf_iommu_group_put(group->iommu_group);
	uvf_machine_touch(group->bus->machine);
	uvf_class_emit_group(group->bus->machine, UVF_UEVENT_REMOVE,
			     group->minor, group->name);
	uvf_free(group);
}

/* Puts a device into a group; nothing changes on failure. */
static int join_locked(struct uvf_v02_group *group,
		       struct uvf_v02_device *device,
		       struct uvf_iommu_group *iommu_group)
	UVF_REQUIRES(uvf_v02_role)
{
	bool is_first = !group->iommu_group;
	int ret = 0;

	if (is_first)
		group->iommu_group = uvf_iommu_group_get(iommu_group);
	if (group->iommu && group->iommu->is_open)
		ret = uvf_v02_attach_locked(group);
	if (ret) {
		if (is_first) {
			uvf_iommu_group_put(group->iommu_group);
			group->iommu_group = NULL;
		}
		return ret;
	}
	device->group = group;
	uvf_list_append(&group->devices, &device->node);
	uvf_machine_touch(group->bus->machine);
	return 0;
}

static struct uvf_v02_device *
create_device(struct uvf_bus_device *bus_device,
	      const struct uvf_v02_device_ops *ops)
{
	struct uvf_v02_device *device = uvf_zalloc(sizeof(*device));

	if (!device)
		return NULL;
	uvf_ref_init(&device->ref);
	device->bus_device = uvf_bus_device_get(bus_device);
	device->ops = ops;
	uvf_list_init(&device->node);
	uvf_list_init(&device->files);
	return device;
}

/* *ret_is_live: the device was added to a set in use. */
static int add_locked(struct uvf_v02 *v02, struct uvf_bus_device *bus_device,
		      const struct uvf_v02_device_ops *ops,
		      struct uvf_iommu_group *iommu_group, bool *ret_is_live)
	UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_v02_device *device;
	struct uvf_v02_group *group;
	int ret = -ENOMEM;

	if (find_device_locked(v02, bus_device))
		return 0;
	device = create_device(bus_device, ops);
	if (!device)
		return -ENOMEM;
	group = find_group_locked(v02, bus_device->bus, iommu_group->id);
	if (!group)
		group = create_group_locked(v02, bus_device->bus,
					    iommu_group->id);
	if (group)
		ret = join_locked(group, device, iommu_group);
	if (ret) {
		uvf_v02_device_put(device);
		return ret;
	}
	*ret_is_live =
		group->iommu && uvf_v02_iommu_is_in_use_locked(group->iommu);
	return 0;
}

int uvf_v02_group_add_dev(struct uvf_v02 *v02, struct uvf_bus_device *device,
			  const struct uvf_v02_device_ops *ops)
{
	struct uvf_iommu_group *iommu_group;
	bool is_live = false;
	int ret;

	if (!ops)
		return -EINVAL;
	iommu_group = uvf_bus_device_group(device);
	if (!iommu_group)
		return -ENODEV;
	uvf_v02_lock(v02);
	ret = add_locked(v02, device, ops, iommu_group, &is_live);
	uvf_v02_unlock(v02);
	uvf_iommu_group_put(iommu_group);
	if (is_live) {
		uvf_log(UVF_LOG_WARNING, "%s is added to an IOMMU group in use",
			device->name);
		if (ops->claim)
			ops->claim(device);
	}
	return ret;
}

static void del_locked(struct uvf_v02_device *device) UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_v02_group *group = device->group;

	uvf_list_remove(&device->node);
	device->group = NULL;
	if (uvf_list_is_empty(&group->devices)) {
		uvf_v02_detach_locked(group);
		uvf_iommu_group_put(group->iommu_group);
		group->iommu_group = NULL;
		if (!group->file_count)
			uvf_v02_group_destroy_locked(group);
	}
}

void uvf_v02_group_del_dev(struct uvf_v02 *v02, struct uvf_bus_device *device)
{
	struct uvf_v02_device *found;
	bool is_open = false;

	uvf_v02_lock(v02);
	found = find_device_locked(v02, device);
	if (found) {
		is_open = uvf_v02_device_is_open_locked(found);
		if (!is_open)
			del_locked(found);
	}
	uvf_v02_unlock(v02);
	if (UVF_BUG_ON(is_open))
		return;
	if (found)
		uvf_v02_device_put(found);
	else
		uvf_log(UVF_LOG_WARNING,
			"%s is deleted, and was never added to a group",
			device->name);
}

int uvf_v02_bind_dev(struct uvf_v02 *v02, struct uvf_bus_device *device,
		     void *data)
{
	struct uvf_v02_device *found;
	int ret = -EINVAL;

	uvf_v02_lock(v02);
	found = find_device_locked(v02, device);
	if (!UVF_BUG_ON(!found || found->data || !data)) {
		found->data = data;
		ret = 0;
	}
	uvf_v02_unlock(v02);
	return ret;
}

static void wake(void *arg)
{
	struct uvf_v02 *v02 = arg;

	/* Under the lock: the waiter has looked, or waits. */
	uvf_v02_lock(v02);
	pthread_cond_broadcast(&v02->released);
	uvf_v02_unlock(v02);
}

static bool is_in_use_locked(const struct uvf_v02_device *device)
{
	const struct uvf_v02_iommu *iommu = device->group->iommu;

	return iommu && uvf_v02_iommu_is_in_use_locked(iommu);
}

/*
 * Wait for the next reason to ask again: the set is not in use, time passed,
 * or, once in the life of a wait, a signal came.
 */
static void wait_locked(struct uvf_v02_device *device, struct uvf_task *task,
			bool *is_deaf) UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_v02 *v02 = device->group->v02;
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += REQUEST_SECONDS;
	while (is_in_use_locked(device) && !ret) {
		if (!*is_deaf && uvf_task_is_interrupted(task)) {
			uvf_log(UVF_LOG_WARNING,
				"%s: a signal came to %s (%d), which waits "
				"for its users and goes on to wait",
				device->bus_device->name, task->comm,
				(int)task->pid);
			*is_deaf = true;
			return;
		}
		ret = uvf_v02_wait_until(v02, &until);
	}
}

static void wait_for_users_locked(struct uvf_v02_device *device,
				  struct uvf_task *task)
	UVF_REQUIRES(uvf_v02_role)
{
	const struct uvf_machine *machine = device->bus_device->bus->machine;
	const bool asks = uvf_machine_asks_users(machine);
	const unsigned int limit = asks ? machine->revoke_after : 0;
	bool is_deaf = !asks;

	for (unsigned int count = 0; is_in_use_locked(device); count++) {
		if (limit && count >= limit) {
			uvf_v02_iommu_revoke_locked(device->group->iommu);
			return;
		}
		if (asks && device->ops->request)
			device->ops->request(device->data, count);
		wait_locked(device, task, &is_deaf);
	}
}

void *uvf_v02_unbind_dev(struct uvf_v02 *v02, struct uvf_bus_device *device,
			 struct uvf_task *task)
{
	struct uvf_v02_device *found;
	void *data = NULL;

	uvf_task_on_interrupt(task, wake, v02);
	uvf_v02_lock(v02);
	found = find_device_locked(v02, device);
	if (!UVF_BUG_ON(!found || !found->data)) {
		wait_for_users_locked(found, task);
		data = found->data;
		found->data = NULL;
	}
	uvf_v02_unlock(v02);
	uvf_task_on_interrupt(task, NULL, NULL);
	return data;
}

int uvf_v02_walk_nodes(struct uvf_v02 *v02, uvf_v02_node_fn *fn, void *arg)
{
	struct uvf_v02_group *group;
	size_t count = 0, i = 0;
	struct uvf_list *node;
	int ret = 0;
	struct named {
		char name[sizeof(group->name)];
		unsigned int minor;
	} * nodes;

	uvf_v02_lock(v02);
	uvf_list_for_each (node, &v02->groups)
		count++;
	nodes = uvf_calloc(count + 1, sizeof(*nodes));
	if (nodes)
		uvf_list_for_each (node, &v02->groups) {
			group = uvf_list_entry(node, struct uvf_v02_group,
					       node);
			nodes[i].minor = group->minor;
			memcpy(nodes[i++].name, group->name,
			       sizeof(group->name));
		}
	uvf_v02_unlock(v02);
	if (!nodes)
		return -ENOMEM;
	for (i = 0; i < count && !ret; i++)
		ret = fn(arg, nodes[i].name, nodes[i].minor);
	uvf_free(nodes);
	return ret;
}

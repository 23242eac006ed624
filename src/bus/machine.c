/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/machine.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"

void uvf_machine_init(struct uvf_machine *machine,
		      const struct uvf_profile *profile)
{
	machine->profile = profile;
	uvf_list_init(&machine->devices);
	uvf_list_init(&machine->groups);
}

void uvf_machine_fini(struct uvf_machine *machine)
{
	struct uvf_list *node, *tmp;

	uvf_list_for_each_safe (node, tmp, &machine->devices) {
		struct uvf_bus_device *device = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);

		uvf_list_remove(node);
		device->ops->destroy(device);
	}
	uvf_list_for_each_safe (node, tmp, &machine->groups) {
		struct uvf_iommu_group *group = uvf_list_entry(
			node, struct uvf_iommu_group, machine_node);

		uvf_list_remove(node);
		uvf_mutex_fini(&group->lock);
		uvf_free(group);
	}
}

struct uvf_bus_device *uvf_machine_find(struct uvf_machine *machine,
					const char *name)
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

static struct uvf_iommu_group *find_group(struct uvf_machine *machine,
					  unsigned int id)
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

static unsigned int free_group_id(struct uvf_machine *machine)
{
	unsigned int id = 1;

	while (find_group(machine, id))
		id++;
	return id;
}

static struct uvf_iommu_group *create_group(struct uvf_machine *machine,
					    unsigned int id)
{
	struct uvf_iommu_group *group = uvf_zalloc(sizeof(*group));
	struct uvf_list *next;

	if (!group)
		return NULL;
	group->id = id;
	uvf_list_init(&group->devices);
	uvf_mutex_init(&group->lock);
	uvf_list_for_each (next, &machine->groups)
		if (uvf_list_entry(next, struct uvf_iommu_group, machine_node)
			    ->id > id)
			break;
	uvf_list_append(next, &group->machine_node);
	return group;
}

int uvf_machine_add(struct uvf_machine *machine, struct uvf_bus_device *device,
		    int group_id)
{
	struct uvf_iommu_group *group = NULL;
	unsigned int id;

	if (uvf_machine_find(machine, device->name))
		return -EEXIST;
	if (group_id != UVF_GROUP_NONE) {
		id = group_id == UVF_GROUP_OWN ? free_group_id(machine)
					       : (unsigned int)group_id;
		group = find_group(machine, id);
		if (!group)
			group = create_group(machine, id);
		if (!group)
			return -ENOMEM;
		uvf_list_append(&group->devices, &device->group_node);
	}
	device->group = group;
	uvf_list_append(&machine->devices, &device->machine_node);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /sys/kernel/iommu_groups.
 */
#include <inttypes.h>
#include <stdio.h>

#include "bus/device.h"
#include "bus/group.h"
#include "bus/machine.h"
#include "core/vfio.h"
#include "fs/sysfs_walk.h"

static ssize_t store_type(const struct uvf_walk_file *file,
			  struct uvf_task *task, const char *text, size_t size)
{
	struct uvf_iommu_group *group =
		uvf_iommu_group_find(file->machine, file->id);
	int ret;

	(void)task;
	if (!group)
		return -ENODEV;
	ret = uvf_iommu_group_set_type(group, text);
	uvf_iommu_group_put(group);
	return ret ? ret : (ssize_t)size;
}

static void walk_members(struct uvf_walk *walk, struct uvf_iommu_group *group,
			 const char *dir)
{
	struct uvf_bus_device **devices;
	size_t count;

	uvf_walk_dir(walk, "%s/devices", dir);
	devices = uvf_iommu_group_members(group, &count);
	if (!devices) {
		uvf_walk_fail(walk, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		char target[UVF_BUS_PATH];

		uvf_bus_device_path(devices[i], target);
		uvf_walk_link(walk, target, "%s/devices/%s", dir,
			      devices[i]->name);
	}
	uvf_bus_devices_put(devices, count);
}

/* A line for each; none where there is no IOMMU. */
static void print_regions(char *text, size_t size, const struct uvf_vfio *vfio,
			  const struct uvf_iommu_group *group)
{
	struct uvf_iommu_hw hw;
	size_t used = 0;

	uvf_iommu_hw_init_other(&hw, &vfio->host, group->iommu,
				group->iommu_bits);
	text[0] = '\0';
	for (unsigned int i = 0; i < hw.resv_count && !group->name; i++) {
		const struct uvf_resv *resv = &hw.resv[i];

		used += (size_t)snprintf(text + used, size - used,
					 "0x%016" PRIx64 " 0x%016" PRIx64
					 " %s\n",
					 resv->range.first, resv->range.last,
					 uvf_resv_type_name(resv->type));
	}
}

static void walk_group(struct uvf_walk *walk, struct uvf_vfio *vfio,
		       struct uvf_iommu_group *group)
{
	char dir[UVF_WALK_PATH], name[32] = "", type[16];
	char regions[UVF_RESV_MAX * 64];
	const struct uvf_walk_text files[] = {
		{"reserved_regions", 0444, regions, NULL},
		{"type", 0644, type, store_type},
		/* Of groups without an IOMMU only. */
		{group->name ? "name" : NULL, 0444, name, NULL},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {.id = group->id};

	uvf_walk_path(walk, dir, "kernel/iommu_groups/%u", group->id);
	if (!uvf_walk_wants(walk, dir))
		return;
	uvf_walk_dir(walk, "%s", dir);
	print_regions(regions, sizeof(regions), vfio, group);
	(void)snprintf(type, sizeof(type), "%s\n", uvf_iommu_group_type(group));
	if (group->name)
		(void)snprintf(name, sizeof(name), "%s\n", group->name);
	uvf_walk_texts(walk, files, &about, "%s", dir);
	walk_members(walk, group, dir);
}

void uvf_sysfs_walk_groups(struct uvf_walk *walk, struct uvf_vfio *vfio)
{
	struct uvf_iommu_group *group;
	unsigned int id = 0;

	uvf_walk_dir(walk, "kernel");
	uvf_walk_dir(walk, "kernel/iommu_groups");
	while ((group = uvf_iommu_group_from(walk->machine, id))) {
		id = group->id + 1;
		walk_group(walk, vfio, group);
		uvf_iommu_group_put(group);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/devfs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bus/machine.h"
#include "core/cdev.h"
#include "core/vfio.h"
#include "v02/v02.h"

#define CONTAINER_NODE "vfio/vfio"
#define GROUP_PREFIX   "vfio/"
#define CDEV_PREFIX    "vfio/devices/vfio"

/* A group number as the kernel writes it: decimal, no leading zero. */
static bool parse_group(const char *text, unsigned int *ret_id)
{
	unsigned int id = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || id > 99999999)
			return false;
		id = id * 10 + (unsigned int)(*text - '0');
	}
	*ret_id = id;
	return true;
}

/* What follows "vfio/" in the name of a group's node. */
static bool parse_group_node(const char *text, unsigned int *ret_id,
			     bool *ret_is_noiommu)
{
	const size_t len = strlen(UVF_GROUP_NOIOMMU);

	*ret_is_noiommu = !strncmp(text, UVF_GROUP_NOIOMMU, len);
	return parse_group(*ret_is_noiommu ? text + len : text, ret_id);
}

struct v02_walk {
	uvf_devfs_node_fn *fn;
	void *arg;
};

static int tell_v02_node(void *arg, const char *name, unsigned int minor)
{
	const struct v02_walk *walk = arg;
	char path[64];

	(void)minor;
	(void)snprintf(path, sizeof(path), GROUP_PREFIX "%s", name);
	return walk->fn(walk->arg, path, 0600);
}

/* What VFIO has below /dev/vfio without any group; v0.2 has groups alone. */
static int walk_personality(struct uvf_vfio *vfio, uvf_devfs_node_fn *fn,
			    void *arg)
{
	struct v02_walk walk = {fn, arg};

	if (vfio->v02)
		return uvf_v02_walk_nodes(vfio->v02, tell_v02_node, &walk);
	return fn(arg, CONTAINER_NODE, 0666);
}

static int walk_cdevs(struct uvf_vfio *vfio, uvf_devfs_node_fn *fn, void *arg)
{
	char path[40];
	int ret = 0;

	for (unsigned int index = 0; !ret && uvf_cdev_next(vfio, &index);
	     index++) {
		snprintf(path, sizeof(path), CDEV_PREFIX "%u", index);
		ret = fn(arg, path, 0600);
	}
	return ret;
}

int uvf_devfs_walk(struct uvf_vfio *vfio, uvf_devfs_node_fn *fn, void *arg)
{
	struct uvf_group_node group_node;
	struct uvf_iommu_group *group;
	struct uvf_list *node;
	unsigned int id = 0;
	char path[32];
	int ret = walk_personality(vfio, fn, arg);

	if (ret)
		return ret;
	uvf_list_for_each (node, &vfio->miscs) {
		struct uvf_misc *misc =
			uvf_list_entry(node, struct uvf_misc, node);

		ret = fn(arg, misc->path, misc->mode);
		if (ret)
			return ret;
	}
	while ((group = uvf_iommu_group_from(vfio->machine, id))) {
		id = group->id + 1;
		uvf_iommu_group_put(group);
		if (!uvf_group_node(vfio, id - 1, &group_node))
			continue;
		snprintf(path, sizeof(path), GROUP_PREFIX "%s",
			 group_node.name);
		ret = fn(arg, path, 0600);
		if (ret)
			return ret;
	}
	return walk_cdevs(vfio, fn, arg);
}

static struct uvf_misc *find_misc(struct uvf_vfio *vfio, const char *path)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &vfio->miscs) {
		struct uvf_misc *misc =
			uvf_list_entry(node, struct uvf_misc, node);

		if (!strcmp(misc->path, path))
			return misc;
	}
	return NULL;
}

int uvf_devfs_open_past(struct uvf_vfio *vfio, const struct uvf_caller *caller,
			const char *path, struct uvf_file **ret_file)
{
	unsigned int id;
	bool is_noiommu;

	if (!vfio->v02 && !strncmp(path, GROUP_PREFIX, strlen(GROUP_PREFIX)) &&
	    parse_group_node(path + strlen(GROUP_PREFIX), &id, &is_noiommu))
		return uvf_group_open(vfio, caller, id, is_noiommu, ret_file);
	return uvf_devfs_open(vfio, caller, path, ret_file);
}

static int open_group(struct uvf_vfio *vfio, const struct uvf_caller *caller,
		      const char *name, struct uvf_file **ret_file)
{
	struct uvf_group_node node;
	unsigned int id;
	bool is_noiommu;

	if (!parse_group_node(name, &id, &is_noiommu) ||
	    !uvf_group_node(vfio, id, &node) || strcmp(name, node.name) != 0)
		return -ENOENT;
	return uvf_group_open(vfio, caller, id, is_noiommu, ret_file);
}

int uvf_devfs_open(struct uvf_vfio *vfio, const struct uvf_caller *caller,
		   const char *path, struct uvf_file **ret_file)
{
	struct uvf_misc *misc = find_misc(vfio, path);
	unsigned int id;

	if (misc)
		return misc->open(misc, ret_file);
	if (strncmp(path, GROUP_PREFIX, strlen(GROUP_PREFIX)) != 0)
		return -ENOENT;
	if (vfio->v02)
		return uvf_v02_open(vfio->v02, path + strlen(GROUP_PREFIX),
				    ret_file);
	if (!strcmp(path, CONTAINER_NODE))
		return uvf_container_open(vfio, ret_file);
	if (!strncmp(path, CDEV_PREFIX, strlen(CDEV_PREFIX)) &&
	    parse_group(path + strlen(CDEV_PREFIX), &id))
		return uvf_cdev_open(vfio, id, ret_file);
	return open_group(vfio, caller, path + strlen(GROUP_PREFIX), ret_file);
}

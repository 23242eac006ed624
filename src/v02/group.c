/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Group files: nodes below /dev/vfio that may be opened any number of times.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "core/file.h"
#include "mem/caller.h"
#include "v02/abi.h"
#include "v02/state.h"

/* The longest name of a device, its NUL included: what strndup_user takes. */
#define NAME_MAX_BYTES 4096

bool uvf_v02_is_foreign_locked(const struct uvf_v02_group *group,
			       const struct uvf_caller *caller)
{
	const struct uvf_v02_iommu *iommu = group->iommu;

	/* Held by a reference, so no later process has the same. */
	return iommu->mm && iommu->mm != caller->mm;
}

static struct uvf_v02_group *group_of(struct uvf_file *file)
{
	return file->object;
}

static void group_release(struct uvf_file *file)
{
	struct uvf_v02_group *group = group_of(file);
	struct uvf_v02 *v02 = group->v02;

	uvf_v02_lock(v02);
	group->file_count--;
	uvf_v02_iommu_settle_locked(group->iommu);
	if (!group->file_count && uvf_list_is_empty(&group->devices))
		uvf_v02_group_destroy_locked(group);
	uvf_v02_unlock(v02);
}

/* The flags are those of the whole set; anybody may ask. */
static long ioctl_get_flags(struct uvf_v02_group *group,
			    struct uvf_caller *caller, unsigned long arg)
{
	uint64_t flags = 0;

	uvf_v02_lock(group->v02);
	if (uvf_v02_iommu_is_viable_locked(group->iommu))
		flags |= V02_GROUP_VIABLE;
	if (group->iommu->mm)
		flags |= V02_GROUP_MM_LOCKED;
	uvf_v02_unlock(group->v02);
	return uvf_copy_out(caller, arg, &flags, sizeof(flags));
}

static int open_for_locked(struct uvf_v02_group *group,
			   struct uvf_caller *caller) UVF_REQUIRES(uvf_v02_role)
{
	if (uvf_v02_is_foreign_locked(group, caller))
		return -EPERM;
	if (group->iommu->is_open)
		return 0;
	return uvf_v02_iommu_open_locked(group->iommu, caller->mm);
}

static long install(struct uvf_caller *caller, struct uvf_file *file)
{
	int ret = caller->ops->file_install(caller, file);

	if (ret < 0)
		uvf_file_put(file);
	return ret;
}

/*
 * GROUP_GET_IOMMU_FD: one more descriptor of the set's iommu.
 *
 * Return: a descriptor, or, in the order they are tested:
 *   why the iommu cannot be opened
 *   -ENOMEM, -EMFILE
 */
static long ioctl_get_iommu_fd(struct uvf_v02_group *group,
			       struct uvf_caller *caller)
{
	struct uvf_file *file;
	int ret;

	uvf_v02_lock(group->v02);
	ret = open_for_locked(group, caller);
	if (!ret) {
		ret = uvf_v02_iommu_file_create_locked(group->iommu, &file);
		if (ret)
			uvf_v02_iommu_settle_locked(group->iommu);
	}
	uvf_v02_unlock(group->v02);
	return ret ? ret : install(caller, file);
}

/* A device of the set by its name, or NULL. */
static struct uvf_v02_device *find_device(const struct uvf_v02_iommu *iommu,
					  const char *name)
{
	struct uvf_list *outer, *inner;

	uvf_list_for_each (outer, &iommu->groups) {
		struct uvf_v02_group *group =
			uvf_list_entry(outer, struct uvf_v02_group, iommu_node);

		uvf_list_for_each (inner, &group->devices) {
			struct uvf_v02_device *device = uvf_list_entry(
				inner, struct uvf_v02_device, node);

			if (device->ops->match(device->bus_device, name))
				return device;
		}
	}
	return NULL;
}

/*
 * GROUP_GET_DEVICE_FD: a descriptor of a device in any group of the set.
 *
 * Return: a descriptor, or, in the order they are tested:
 *   -EFAULT, -EINVAL, -ENOMEM  for the name
 *   why the iommu cannot be opened
 *   -ENODEV  no device has this name
 *   -EFAULT  its driver refuses
 *   -ENOMEM, -EMFILE
 */
static long ioctl_get_device_fd(struct uvf_v02_group *group,
				struct uvf_caller *caller, unsigned long arg)
{
	struct uvf_v02_device *device;
	struct uvf_file *file;
	char *name;
	int ret = uvf_copy_string_in(caller, &name, arg, NAME_MAX_BYTES);

	if (ret)
		return ret;
	uvf_v02_lock(group->v02);
	ret = open_for_locked(group, caller);
	if (!ret) {
		device = find_device(group->iommu, name);
		ret = device ? uvf_v02_device_open_locked(device, &file)
			     : -ENODEV;
		if (ret)
			uvf_v02_iommu_settle_locked(group->iommu);
	}
	uvf_v02_unlock(group->v02);
	uvf_free(name);
	return ret ? ret : install(caller, file);
}

static bool is_foreign(struct uvf_v02_group *group,
		       const struct uvf_caller *caller)
{
	bool ret;

	uvf_v02_lock(group->v02);
	ret = uvf_v02_is_foreign_locked(group, caller);
	uvf_v02_unlock(group->v02);
	return ret;
}

/*
 * Who may call is tested before the command is looked at, and again where it
 * takes effect.
 */
static long group_ioctl(struct uvf_file *file, struct uvf_caller *caller,
			unsigned int cmd, unsigned long arg)
{
	struct uvf_v02_group *group = group_of(file);

	if (cmd == V02_GROUP_GET_FLAGS)
		return ioctl_get_flags(group, caller, arg);
	if (is_foreign(group, caller))
		return -EPERM;
	switch (cmd) {
	case V02_GROUP_MERGE:
		return group_ioctl_merge(group, caller, arg);
	case V02_GROUP_UNMERGE:
		return group_ioctl_unmerge(group, caller, arg);
	case V02_GROUP_GET_IOMMU_FD:
		return ioctl_get_iommu_fd(group, caller);
	case V02_GROUP_GET_DEVICE_FD:
		return ioctl_get_device_fd(group, caller, arg);
	default:
		return -ENOSYS;
	}
}

static const struct uvf_file_ops group_file_ops = {
	.ioctl = group_ioctl,
	.release = group_release,
};

struct uvf_v02_group *uvf_v02_group_of_file(struct uvf_file *file)
{
	return file->kind == UVF_FILE_V02_GROUP ? group_of(file) : NULL;
}

const char *uvf_v02_node_name(const struct uvf_file *file)
{
	const struct uvf_v02_group *group = file->object;

	return group->name;
}

static struct uvf_v02_group *find_node_locked(struct uvf_v02 *v02,
					      const char *name)
	UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &v02->groups) {
		struct uvf_v02_group *group =
			uvf_list_entry(node, struct uvf_v02_group, node);

		if (!strcmp(group->name, name))
			return group;
	}
	return NULL;
}

static int open_locked(struct uvf_v02_group *group, struct uvf_file **ret_file)
	UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_v02_iommu *made = NULL;
	int ret;

	if (!group->iommu) {
		made = uvf_v02_iommu_create(group);
		if (!made)
			return -ENOMEM;
	}
	ret = uvf_file_create(ret_file, UVF_FILE_V02_GROUP, &group_file_ops,
			      group);
	if (ret) {
		uvf_free(made);
		return ret;
	}
	if (made)
		uvf_v02_iommu_add_group_locked(made, group);
	group->file_count++;
	return 0;
}

int uvf_v02_open(struct uvf_v02 *v02, const char *name,
		 struct uvf_file **ret_file)
{
	struct uvf_v02_group *group;
	int ret;

	uvf_v02_lock(v02);
	group = find_node_locked(v02, name);
	ret = group ? open_locked(group, ret_file) : -ENODEV;
	uvf_v02_unlock(v02);
	return ret;
}

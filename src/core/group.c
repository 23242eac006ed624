/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/group.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "bus/device.h"
#include "bus/group.h"
#include "bus/machine.h"
#include "core/container.h"
#include "core/device.h"
#include "core/device_file.h"
#include "core/file.h"
#include "core/iommufd.h"
#include "core/kvm.h"
#include "core/viability.h"
#include "mem/caller.h"

/* The longest name of a device, its NUL included: what strndup_user takes. */
#define NAME_MAX_BYTES 4096

/*
 * Source: VFIO_GROUP_GET_STATUS; drivers/vfio/group.c, Linux 6.12: a group
 * that is in a container is viable by definition.
 */
long group_ioctl_get_status(struct uvf_file *file, struct uvf_caller *caller,
			    unsigned int cmd, unsigned long arg)
{
	struct uvf_group *group = file->object;
	struct vfio_group_status status;

	(void)cmd;
	if (uvf_copy_in(caller, &status, arg, sizeof(status)))
		return -EFAULT;
	if (status.argsz < sizeof(status))
		return -EINVAL;
	uvf_lock(&group->lock);
	if (!group->iommu_group) {
		uvf_unlock(&group->lock);
		return -ENODEV;
	}
	status.flags = 0;
	if (group->container || group->iommufd)
		status.flags |= VFIO_GROUP_FLAGS_CONTAINER_SET;
	if (uvf_group_is_viable_locked(group))
		status.flags |= VFIO_GROUP_FLAGS_VIABLE;
	uvf_unlock(&group->lock);
	return uvf_copy_out(caller, arg, &status, sizeof(status));
}

/* Up to Linux 4.1 a container in use won over a descriptor that is none. */
static int check_unset(struct uvf_group *group)
{
	const struct uvf_profile *profile = group->vfio->machine->profile;
	int ret;

	if (!profile->set_container_users_first)
		return 0;
	uvf_lock(&group->lock);
	ret = group->container ? -EINVAL : 0;
	uvf_unlock(&group->lock);
	return ret;
}

static int attach_container(struct uvf_group *group,
			    struct uvf_container *container,
			    struct uvf_caller *caller) UVF_REQUIRES(group->lock)
{
	if (group->kind == UVF_DEVICE_NOIOMMU && !caller->has_rawio)
		return -EPERM;
	return uvf_container_attach(container, caller, group);
}

/*
 * Source: VFIO_GROUP_SET_CONTAINER; order of errors from drivers/vfio/
 * group.c, Linux 6.12: "already set" wins over the kind of the file.
 */
long group_ioctl_set_container(struct uvf_file *file, struct uvf_caller *caller,
			       unsigned int cmd, unsigned long arg)
{
	struct uvf_group *group = file->object;
	struct uvf_container *container;
	struct uvf_iommufd *iommufd;
	struct uvf_file *other;
	int32_t fd;
	int ret;

	(void)cmd;
	if (uvf_copy_in(caller, &fd, arg, sizeof(fd)))
		return -EFAULT;
	if (fd < 0)
		return -group->vfio->machine->profile
				->set_container_negative_errno;
	ret = check_unset(group);
	if (ret)
		return ret;
	ret = caller->ops->file_lookup(caller, fd, &other);
	if (ret)
		return ret;
	uvf_lock(&group->lock);
	container = other ? uvf_container_of_file(other) : NULL;
	iommufd = other ? uvf_iommufd_of_file(other) : NULL;
	if (group->container || group->iommufd)
		ret = -EINVAL;
	else if (!group->iommu_group)
		ret = -ENODEV;
	else if (iommufd)
		ret = uvf_group_set_iommufd(group, iommufd);
	else if (!container)
		ret = -group->vfio->machine->profile->set_container_kind_errno;
	else
		ret = attach_container(group, container, caller);
	uvf_unlock(&group->lock);
	uvf_file_put(other);
	return ret;
}

/* Source: VFIO_GROUP_UNSET_CONTAINER; the argument is ignored. */
long group_ioctl_unset_container(struct uvf_file *file,
				 struct uvf_caller *caller, unsigned int cmd,
				 unsigned long arg)
{
	struct uvf_group *group = file->object;
	long ret = 0;

	(void)caller;
	(void)cmd;
	(void)arg;
	uvf_lock(&group->lock);
	if (group->iommufd)
		uvf_group_unset_iommufd(group);
	else if (!group->container)
		ret = -EINVAL;
	else if (group->container_users)
		ret = -EBUSY;
	else
		uvf_container_detach(group);
	uvf_unlock(&group->lock);
	return ret;
}

static int match(struct uvf_device *device, const char *name)
{
	if (device->ops->match)
		return device->ops->match(device, name);
	return !strcmp(device->bus_device->name, name);
}

/**
 * get_device() - the device of a name, kept registered
 * Return: 0, -ENODEV, or what match() said.
 */
static int get_device(struct uvf_group *group, const char *name,
		      struct uvf_device **ret_device)
{
	struct uvf_list *node;
	int ret = -ENODEV;

	uvf_lock(&group->device_lock);
	uvf_list_for_each (node, &group->devices) {
		struct uvf_device *device =
			uvf_list_entry(node, struct uvf_device, group_node);
		int found = match(device, name);

		if (found < 0) {
			ret = found;
			break;
		}
		if (found && uvf_device_try_get(device)) {
			*ret_device = device;
			ret = 0;
			break;
		}
	}
	uvf_unlock(&group->device_lock);
	return ret;
}

static bool is_ready_locked(struct uvf_group *group) UVF_REQUIRES(group->lock)
{
	if (group->iommufd)
		return true;
	return group->container && uvf_container_has_iommu(group->container) &&
	       uvf_group_is_viable_locked(group);
}

static bool is_ready(struct uvf_group *group)
{
	bool ret;

	uvf_lock(&group->lock);
	ret = is_ready_locked(group);
	uvf_unlock(&group->lock);
	return ret;
}

/* Who has such a device can do harm to everybody. */
static void tell_of_open(const struct uvf_device *device,
			 const struct uvf_caller *caller)
{
	char comm[UVF_CALLER_COMM];

	uvf_caller_comm(caller, comm);
	uvf_log(UVF_LOG_WARNING, "%s: opened without an IOMMU, by \"%s\" (%d)",
		device->bus_device->name, comm, (int)uvf_caller_pid(caller));
}

static int open_device(struct uvf_group *group, struct uvf_device *device,
		       const struct uvf_caller *caller,
		       struct uvf_file **ret_file)
{
	struct uvf_kvm *kvm = uvf_group_kvm_get(group);
	int ret;

	uvf_lock(&group->lock);
	if (!is_ready_locked(group))
		ret = -EINVAL;
	else
		ret = uvf_device_file_open(group, device, caller, &kvm,
					   ret_file);
	uvf_unlock(&group->lock);
	uvf_kvm_put(kvm);
	if (!ret && group->kind == UVF_DEVICE_NOIOMMU)
		tell_of_open(device, caller);
	return ret;
}

/*
 * Source: VFIO_GROUP_GET_DEVICE_FD; order of errors from drivers/vfio/
 * group.c, Linux 6.12: a full descriptor table is noticed before the
 * container is looked at.  In 4.1 it was the other way round, and the driver
 * saw an open and a close when the table was full.
 */
long group_ioctl_get_device_fd(struct uvf_file *file, struct uvf_caller *caller,
			       unsigned int cmd, unsigned long arg)
{
	struct uvf_group *group = file->object;
	struct uvf_device *device;
	struct uvf_file *opened;
	char *name;
	const bool name_first =
		group->vfio->machine->profile->device_name_first;
	int ret;

	(void)cmd;
	ret = uvf_copy_string_in(caller, &name, arg, NAME_MAX_BYTES);
	if (ret)
		return ret;
	if (!name_first && !is_ready(group))
		ret = -EINVAL;
	else
		ret = get_device(group, name, &device);
	uvf_free(name);
	if (ret)
		return ret;
	ret = name_first ? caller->ops->fd_check(caller) : 0;
	if (!ret)
		ret = open_device(group, device, caller, &opened);
	if (ret) {
		uvf_device_put_user(device);
		return ret;
	}
	ret = caller->ops->file_install(caller, opened);
	if (ret < 0)
		uvf_file_put(opened);
	return ret;
}

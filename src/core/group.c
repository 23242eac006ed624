/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/group.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "bus/device.h"
#include "bus/group.h"
#include "bus/machine.h"
#include "core/container.h"
#include "core/device.h"
#include "core/file.h"
#include "core/kvm.h"

/* The longest name of a device, its NUL included: what strndup_user takes. */
#define NAME_MAX_BYTES 4096

static struct uvf_group *find_group_locked(struct uvf_vfio *vfio,
					   unsigned int id)
	UVF_REQUIRES(vfio->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &vfio->groups) {
		struct uvf_group *group =
			uvf_list_entry(node, struct uvf_group, vfio_node);

		if (group->iommu_group->id == id)
			return group;
	}
	return NULL;
}

static struct uvf_group *create_group_locked(struct uvf_vfio *vfio,
					     struct uvf_iommu_group *of)
	UVF_REQUIRES(vfio->lock)
{
	struct uvf_group *group = uvf_zalloc(sizeof(*group));

	if (!group)
		return NULL;
	group->vfio = vfio;
	group->iommu_group = of;
	uvf_list_init(&group->devices);
	uvf_list_init(&group->container_node);
	uvf_mutex_init(&group->lock);
	uvf_mutex_init(&group->kvm_lock);
	uvf_list_append(&vfio->groups, &group->vfio_node);
	return group;
}

int uvf_group_add_device(struct uvf_vfio *vfio, struct uvf_device *device)
{
	struct uvf_iommu_group *of = device->bus_device->group;
	struct uvf_group *group;
	int ret = 0;

	uvf_lock(&vfio->lock);
	group = find_group_locked(vfio, of->id);
	if (!group)
		group = create_group_locked(vfio, of);
	if (group) {
		device->group = group;
		device->index = vfio->next_index++;
		uvf_list_append(&group->devices, &device->group_node);
	} else {
		ret = -ENOMEM;
	}
	uvf_unlock(&vfio->lock);
	return ret;
}

void uvf_group_remove_device(struct uvf_device *device)
{
	struct uvf_group *group = device->group;
	struct uvf_vfio *vfio = group->vfio;

	uvf_lock(&vfio->lock);
	uvf_list_remove(&device->group_node);
	device->group = NULL;
	if (uvf_list_is_empty(&group->devices)) {
		UVF_BUG_ON(group->opened_file);
		uvf_list_remove(&group->vfio_node);
		uvf_mutex_fini(&group->kvm_lock);
		uvf_mutex_fini(&group->lock);
		uvf_free(group);
	}
	uvf_unlock(&vfio->lock);
}

struct uvf_kvm *uvf_group_kvm_get(struct uvf_group *group)
{
	struct uvf_kvm *kvm;

	uvf_lock(&group->kvm_lock);
	kvm = group->kvm;
	if (kvm && !uvf_kvm_get_safe(kvm))
		kvm = NULL;
	uvf_unlock(&group->kvm_lock);
	return kvm;
}

bool uvf_group_exists(struct uvf_vfio *vfio, unsigned int id)
{
	bool exists;

	uvf_lock(&vfio->lock);
	exists = find_group_locked(vfio, id);
	uvf_unlock(&vfio->lock);
	return exists;
}

static void group_release(struct uvf_file *file)
{
	struct uvf_group *group = file->object;

	uvf_lock(&group->lock);
	if (group->container)
		uvf_container_detach(group);
	group->opened_file = NULL;
	uvf_unlock(&group->lock);
}

static const struct uvf_file_ops group_file_ops = {
	.release = group_release,
};

int uvf_group_open(struct uvf_vfio *vfio, unsigned int id,
		   struct uvf_file **ret_file)
{
	struct uvf_group *group;
	int ret;

	uvf_lock(&vfio->lock);
	group = find_group_locked(vfio, id);
	if (!group) {
		uvf_unlock(&vfio->lock);
		return -ENOENT;
	}
	uvf_lock(&group->lock);
	if (group->opened_file) {
		ret = -EBUSY;
	} else {
		ret = uvf_file_create(ret_file, UVF_FILE_GROUP, &group_file_ops,
				      group);
		if (!ret)
			group->opened_file = *ret_file;
	}
	uvf_unlock(&group->lock);
	uvf_unlock(&vfio->lock);
	return ret;
}

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
	if (group->container)
		status.flags = VFIO_GROUP_FLAGS_CONTAINER_SET |
			       VFIO_GROUP_FLAGS_VIABLE;
	else if (uvf_iommu_group_is_idle(group->iommu_group))
		status.flags = VFIO_GROUP_FLAGS_VIABLE;
	else
		status.flags = 0;
	uvf_unlock(&group->lock);
	return uvf_copy_out(caller, arg, &status, sizeof(status));
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
	struct uvf_file *other;
	int32_t fd;
	int ret;

	(void)cmd;
	if (uvf_copy_in(caller, &fd, arg, sizeof(fd)))
		return -EFAULT;
	ret = caller->ops->file_lookup(caller, fd, &other);
	if (ret)
		return ret;
	uvf_lock(&group->lock);
	container = other ? uvf_container_of_file(other) : NULL;
	if (group->container)
		ret = -EINVAL;
	else if (!container)
		ret = -group->vfio->machine->profile->set_container_kind_errno;
	else
		ret = uvf_container_attach(container, group);
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
	if (!group->container)
		ret = -EINVAL;
	else if (group->container_users)
		ret = -EBUSY;
	else
		uvf_container_detach(group);
	uvf_unlock(&group->lock);
	return ret;
}

/* Positive, and *ret_device; 0 no device has this name; or an errno. */
static int match_device(struct uvf_group *group, const char *name,
			struct uvf_device **ret_device)
{
	struct uvf_list *node;
	int ret = 0;

	uvf_list_for_each (node, &group->devices) {
		struct uvf_device *device =
			uvf_list_entry(node, struct uvf_device, group_node);

		ret = device->ops->match(device, name);
		if (ret) {
			*ret_device = device;
			break;
		}
	}
	return ret;
}

/*
 * Source: VFIO_GROUP_GET_DEVICE_FD; order of errors from drivers/vfio/
 * group.c, Linux 6.12: a full descriptor table is noticed before the
 * container is looked at.
 */
long group_ioctl_get_device_fd(struct uvf_file *file, struct uvf_caller *caller,
			       unsigned int cmd, unsigned long arg)
{
	struct uvf_group *group = file->object;
	struct uvf_device *device;
	struct uvf_file *opened;
	struct uvf_kvm *kvm;
	char *name;
	int ret;

	(void)cmd;
	ret = uvf_copy_string_in(caller, &name, arg, NAME_MAX_BYTES);
	if (ret)
		return ret;
	ret = match_device(group, name, &device);
	uvf_free(name);
	if (ret <= 0)
		return ret ? ret : -ENODEV;
	ret = caller->ops->fd_check(caller);
	if (ret)
		return ret;
	kvm = uvf_group_kvm_get(group);
	uvf_lock(&group->lock);
	if (!group->container || !uvf_container_has_iommu(group->container))
		ret = -EINVAL;
	else
		ret = uvf_device_open(device, &kvm, &opened);
	uvf_unlock(&group->lock);
	uvf_kvm_put(kvm);
	if (ret)
		return ret;
	ret = caller->ops->file_install(caller, opened);
	if (ret < 0)
		uvf_file_put(opened);
	return ret;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/class.h"
#include "core/device.h"

#include <errno.h>
#include <time.h>

#include "base/bug.h"
#include "base/log.h"
#include "bus/device.h"
#include "bus/group.h"
#include "bus/machine.h"
#include "core/device_file.h"
#include "core/device_set.h"
#include "core/feature.h"
#include "core/group.h"
#include "core/ioctl.h"
#include "core/unregister.h"
#include "core/viability.h"

/* As the file name of a group shows it that has no IOMMU. */
#define FAKE_GROUP_NAME "vfio-noiommu"

/* Into the list, which is in the order of the index, at the first gap. */
static void insert_locked(struct uvf_vfio *vfio, struct uvf_device *device)
	UVF_REQUIRES(vfio->lock)
{
	struct uvf_list *next;

	device->index = 0;
	uvf_list_for_each (next, &vfio->devices) {
		if (uvf_list_entry(next, struct uvf_device, vfio_node)->index !=
		    device->index)
			break;
		device->index++;
	}
	uvf_list_append(next, &device->vfio_node);
}

static void remove_number(struct uvf_device *device)
{
	uvf_lock(&device->vfio->lock);
	uvf_list_remove(&device->vfio_node);
	uvf_unlock(&device->vfio->lock);
	pthread_cond_destroy(&device->wake);
	uvf_mutex_fini(&device->wait_lock);
}

int uvf_device_init(struct uvf_vfio *vfio, struct uvf_device *device)
{
	pthread_condattr_t attr;
	int ret;

	device->vfio = vfio;
	device->set = NULL;
	device->group = NULL;
	device->open_count = 0;
	device->kvm = NULL;
	device->has_cdev = false;
	device->iommufd = (struct uvf_device_iommufd){0};
	device->iommu = NULL;
	device->is_unused = false;
	uvf_list_init(&device->set_node);
	uvf_list_init(&device->group_node);
	uvf_list_init(&device->files);
	uvf_mutex_init(&device->wait_lock);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&device->wake, &attr);
	pthread_condattr_destroy(&attr);
	uvf_lock(&vfio->lock);
	insert_locked(vfio, device);
	uvf_unlock(&vfio->lock);
	ret = device->ops->init ? device->ops->init(device) : 0;
	if (ret)
		remove_number(device);
	return ret;
}

void uvf_device_put(struct uvf_device *device)
{
	UVF_BUG_ON(device->group);
	uvf_device_leave_set(device);
	remove_number(device);
	if (device->ops->release)
		device->ops->release(device);
}

/* The IOMMU group that it is given, or NULL. */
static struct uvf_iommu_group *fake_group(struct uvf_device *device)
{
	struct uvf_machine *machine = device->vfio->machine;
	struct uvf_iommu_group *group =
		uvf_iommu_group_create(machine, FAKE_GROUP_NAME);

	if (group)
		uvf_iommu_group_add_device(group, device->bus_device);
	return group;
}

/*
 * Its number is in /sys, and told to those who listen; a node of its own it
 * has but without an IOMMU.
 */
static void show_device(struct uvf_device *device)
{
	uvf_lock(&device->vfio->lock);
	device->has_cdev = device->kind != UVF_DEVICE_NOIOMMU;
	uvf_unlock(&device->vfio->lock);
	uvf_machine_touch(device->vfio->machine);
	if (!device->vfio->has_device_class)
		return;
	uvf_bus_device_set_vfio_index(device->bus_device, (int)device->index);
	uvf_class_emit_device(device, UVF_UEVENT_ADD);
}

static void hide_cdev(struct uvf_device *device)
{
	uvf_lock(&device->vfio->lock);
	device->has_cdev = false;
	uvf_unlock(&device->vfio->lock);
	uvf_machine_touch(device->vfio->machine);
}

static int join(struct uvf_device *device, enum uvf_device_kind kind,
		struct uvf_iommu_group *iommu_group)
{
	int ret = 0;

	if (!device->set)
		ret = uvf_device_assign_set(device, device);
	if (ret)
		return ret;
	device->kind = kind;
	device->is_unused = false;
	uvf_ref_init(&device->users);
	ret = uvf_unbound_prepare(device);
	if (ret)
		return ret;
	ret = uvf_group_add_device(device, iommu_group);
	if (ret)
		uvf_unbound_cancel(device);
	else
		show_device(device);
	return ret;
}

static int duplicate_errno(const struct uvf_device *device)
{
	return -device->vfio->machine->profile->duplicate_register_errno;
}

/* Into a group that is made for it. */
static int join_fake(struct uvf_device *device, enum uvf_device_kind kind)
{
	struct uvf_iommu_group *group = fake_group(device);
	int ret;

	if (!group)
		return -ENOMEM;
	ret = join(device, kind, group);
	if (ret)
		uvf_iommu_group_remove_device(device->bus_device);
	uvf_iommu_group_put(group);
	return ret;
}

static int register_noiommu(struct uvf_device *device)
{
	int ret;

	if (!uvf_iommu_host_allows_noiommu(&device->vfio->host))
		return -EINVAL;
	ret = join_fake(device, UVF_DEVICE_NOIOMMU);
	if (!ret)
		uvf_log(UVF_LOG_WARNING,
			"%s: given to VFIO without an IOMMU, which taints a "
			"kernel",
			device->bus_device->name);
	return ret;
}

int uvf_device_register(struct uvf_device *device)
{
	struct uvf_iommu_group *group;
	int ret;

	if (device->group)
		return duplicate_errno(device);
	group = uvf_bus_device_group(device->bus_device);
	if (!group)
		return register_noiommu(device);
	ret = join(device, UVF_DEVICE_IOMMU, group);
	uvf_iommu_group_put(group);
	return ret == -EEXIST ? duplicate_errno(device) : ret;
}

int uvf_device_register_emulated(struct uvf_device *device)
{
	struct uvf_iommu_group *group;

	if (device->group)
		return duplicate_errno(device);
	group = uvf_bus_device_group(device->bus_device);
	if (group) {
		uvf_iommu_group_put(group);
		return -EINVAL;
	}
	return join_fake(device, UVF_DEVICE_EMULATED);
}

/* Nobody finds it any more: neither by its group nor in /sys. */
static void hide_device(struct uvf_device *device)
{
	uvf_group_hide_device(device);
	if (uvf_bus_device_vfio_index(device->bus_device) < 0)
		return;
	uvf_bus_device_set_vfio_index(device->bus_device, -1);
	uvf_class_emit_device(device, UVF_UEVENT_REMOVE);
}

/*
 * A device that is hidden first gets no new user; else one user may let in
 * the next and keep this waiting for ever, as it was up to Linux 6.3.
 */
void uvf_device_unregister(struct uvf_device *device, struct uvf_task *task)
{
	const bool hide =
		device->vfio->machine->profile->unregister_hides_first;

	uvf_group_record_unbound(device);
	if (hide)
		hide_device(device);
	hide_cdev(device);
	uvf_unregister_wait(device, task);
	hide_device(device);
	uvf_group_remove_device(device);
	if (device->kind != UVF_DEVICE_IOMMU)
		uvf_iommu_group_remove_device(device->bus_device);
}

bool uvf_device_try_get(struct uvf_device *device)
{
	return uvf_ref_try_get(&device->users);
}

void uvf_device_put_user(struct uvf_device *device)
{
	if (!uvf_ref_put(&device->users))
		return;
	uvf_lock(&device->wait_lock);
	device->is_unused = true;
	pthread_cond_broadcast(&device->wake);
	uvf_unlock(&device->wait_lock);
}

/* A driver that answers ioctls at all tells what its device is. */
long device_ioctl_other(struct uvf_file *file, struct uvf_caller *caller,
			unsigned int cmd, unsigned long arg)
{
	const struct uvf_device_file *df = file->object;

	if (df->device->ops->ioctl)
		return df->device->ops->ioctl(df->device, caller, cmd, arg);
	return df->device->ops->get_info ? -ENOTTY : -EINVAL;
}

long device_ioctl_feature(struct uvf_file *file, struct uvf_caller *caller,
			  unsigned int cmd, unsigned long arg)
{
	const struct uvf_device_file *df = file->object;
	const struct uvf_profile *profile = df->vfio->machine->profile;

	if (!profile->has_core_feature)
		return device_ioctl_other(file, caller, cmd, arg);
	return uvf_device_feature(df->device, profile, caller, arg);
}

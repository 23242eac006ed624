/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/device.h"

#include <errno.h>

#include "base/bug.h"
#include "bus/device.h"
#include "bus/machine.h"
#include "core/feature.h"
#include "core/group.h"
#include "core/ioctl.h"
#include "core/kvm.h"
#include "core/migration.h"
#include "core/model.h"
#include "core/worker.h"

int uvf_device_register(struct uvf_vfio *vfio, struct uvf_device *device)
{
	int ret;

	if (!device->bus_device->group || device->group)
		return -EINVAL;
	uvf_mutex_init(&device->lock);
	ret = uvf_group_add_device(vfio, device);
	if (ret)
		uvf_mutex_fini(&device->lock);
	return ret;
}

void uvf_device_unregister(struct uvf_device *device)
{
	UVF_BUG_ON(device->open_count);
	uvf_group_remove_device(device);
	uvf_mutex_fini(&device->lock);
}

static ssize_t device_read(struct uvf_file *file, struct uvf_caller *caller,
			   uint64_t addr, size_t len, uint64_t pos)
{
	struct uvf_device *device = file->object;

	return device->ops->read(device, caller, addr, len, pos);
}

static ssize_t device_write(struct uvf_file *file, struct uvf_caller *caller,
			    uint64_t addr, size_t len, uint64_t pos)
{
	struct uvf_device *device = file->object;

	return device->ops->write(device, caller, addr, len, pos);
}

static int device_mmap(struct uvf_file *file, uint64_t pos, uint64_t len,
		       int prot, int flags)
{
	struct uvf_device *device = file->object;

	return device->ops->mmap(device, pos, len, prot, flags);
}

static void device_fault(struct uvf_file *file, uint64_t pos,
			 struct uvf_page *ret_page)
{
	struct uvf_device *device = file->object;

	device->ops->fault(device, pos, ret_page);
}

static bool device_mmio(struct uvf_file *file, uint64_t pos, void *buf,
			size_t len, bool is_write)
{
	struct uvf_device *device = file->object;

	return device->ops->mmio(device, pos, buf, len, is_write);
}

/*
 * The last close of a device ends its use of the container and lets go of
 * the group's file and of the virtual machine, each of which may be the last
 * reference: after the group's lock, which the release of that file takes.
 */
static void device_release(struct uvf_file *file)
{
	struct uvf_device *device = file->object;
	struct uvf_group *group = device->group;
	struct uvf_file *group_file = NULL;
	struct uvf_kvm *kvm = NULL;

	uvf_lock(&group->lock);
	uvf_lock(&device->lock);
	if (!--device->open_count) {
		device->ops->close(device);
		if (device->migration)
			uvf_migration_reset(device->migration);
		kvm = device->kvm;
		device->kvm = NULL;
		group->container_users--;
		group_file = group->opened_file;
	}
	uvf_unlock(&device->lock);
	uvf_unlock(&group->lock);
	uvf_kvm_put(kvm);
	uvf_file_put(group_file);
}

static const struct uvf_file_ops device_file_ops = {
	.read = device_read,
	.write = device_write,
	.mmap = device_mmap,
	.fault = device_fault,
	.mmio = device_mmio,
	.release = device_release,
};

static int first_open_locked(struct uvf_device *device, struct uvf_kvm **kvm)
	UVF_REQUIRES(device->lock)
{
	struct uvf_group *group = device->group;
	int ret = uvf_worker_start(device->model->worker);

	if (ret)
		return ret;
	device->kvm = *kvm;
	ret = device->ops->open(device);
	if (ret) {
		device->kvm = NULL;
		return ret;
	}
	*kvm = NULL;
	uvf_file_get(group->opened_file);
	group->container_users++;
	return 0;
}

int uvf_device_open(struct uvf_device *device, struct uvf_kvm **kvm,
		    struct uvf_file **ret_file)
{
	int ret;

	uvf_assert_held(&device->group->lock);
	ret = uvf_file_create(ret_file, UVF_FILE_DEVICE, &device_file_ops,
			      device);
	if (ret)
		return ret;
	uvf_lock(&device->lock);
	if (!device->open_count)
		ret = first_open_locked(device, kvm);
	if (!ret)
		device->open_count++;
	uvf_unlock(&device->lock);
	if (ret)
		uvf_file_discard(*ret_file);
	return ret;
}

long device_ioctl_feature(struct uvf_file *file, struct uvf_caller *caller,
			  unsigned int cmd, unsigned long arg)
{
	struct uvf_device *device = file->object;

	(void)cmd;
	return uvf_device_feature(device, device->group->vfio->machine->profile,
				  caller, arg);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Device files: straight to the bus driver, whoever calls.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "bus/device.h"
#include "core/file.h"
#include "v02/state.h"

/* A descriptor of a device. */
struct device_file {
	struct uvf_list node;          /* device->files; empty: revoked */
	struct uvf_v02_device *device; /* holds a reference */
	struct uvf_v02 *v02;           /* fixed */
	const struct uvf_v02_device_ops *ops; /* fixed */
	void *data;                           /* fixed: of the driver */
	/*
	 * A call is inside while it is with the driver; who revokes the file
	 * waits for those that are, below the lock of v02.
	 */
	pthread_rwlock_t gate;
	bool is_revoked; /* under gate */
};

static struct device_file *device_file_of(struct uvf_file *file)
{
	return file->object;
}

/* False: the file was revoked, and the gate is not held. */
static bool enter(struct device_file *self)
{
	pthread_rwlock_rdlock(&self->gate);
	if (!self->is_revoked)
		return true;
	pthread_rwlock_unlock(&self->gate);
	return false;
}

static void leave(struct device_file *self)
{
	pthread_rwlock_unlock(&self->gate);
}

static long device_ioctl(struct uvf_file *file, struct uvf_caller *caller,
			 unsigned int cmd, unsigned long arg)
{
	struct device_file *self = device_file_of(file);
	long ret;

	if (!enter(self))
		return -ENODEV;
	ret = self->ops->ioctl(self->data, caller, cmd, arg);
	leave(self);
	return ret;
}

static ssize_t device_read(struct uvf_file *file, struct uvf_caller *caller,
			   uint64_t addr, size_t len, uint64_t pos)
{
	struct device_file *self = device_file_of(file);
	ssize_t ret;

	if (!enter(self))
		return -ENODEV;
	ret = self->ops->read(self->data, caller, addr, len, pos);
	leave(self);
	return ret;
}

static ssize_t device_write(struct uvf_file *file, struct uvf_caller *caller,
			    uint64_t addr, size_t len, uint64_t pos)
{
	struct device_file *self = device_file_of(file);
	ssize_t ret;

	if (!enter(self))
		return -ENODEV;
	ret = self->ops->write(self->data, caller, addr, len, pos);
	leave(self);
	return ret;
}

static int device_mmap(struct uvf_file *file, uint64_t pos, uint64_t len,
		       int prot, int flags)
{
	struct device_file *self = device_file_of(file);
	int ret;

	if (!enter(self))
		return -ENODEV;
	ret = self->ops->mmap(self->data, pos, len, prot, flags);
	leave(self);
	return ret;
}

static void device_fault(struct uvf_file *file, uint64_t pos,
			 struct uvf_page *ret_page)
{
	struct device_file *self = device_file_of(file);

	if (!enter(self)) {
		*ret_page = (struct uvf_page){.kind = UVF_PAGE_REVOKED};
		return;
	}
	self->ops->fault(self->data, pos, ret_page);
	leave(self);
}

static bool device_mmio(struct uvf_file *file, uint64_t pos, void *buf,
			size_t len, bool is_write)
{
	struct device_file *self = device_file_of(file);
	bool ret;

	if (!enter(self))
		return false;
	ret = self->ops->mmio(self->data, pos, buf, len, is_write);
	leave(self);
	return ret;
}

/* The driver is done with the file before anybody who waits can know. */
static void end_locked(struct device_file *self) UVF_REQUIRES(uvf_v02_role)
{
	self->ops->put(self->data);
	uvf_list_remove(&self->node);
}

static void device_release(struct uvf_file *file)
{
	struct device_file *self = device_file_of(file);
	struct uvf_v02_device *device = self->device;
	struct uvf_v02 *v02 = self->v02;

	uvf_v02_lock(v02);
	if (!self->is_revoked) {
		end_locked(self);
		uvf_v02_iommu_settle_locked(device->group->iommu);
	}
	uvf_v02_unlock(v02);
	uvf_v02_device_put(device);
	pthread_rwlock_destroy(&self->gate);
	uvf_free(self);
}

static const struct uvf_file_ops device_file_ops = {
	.ioctl = device_ioctl,
	.read = device_read,
	.write = device_write,
	.mmap = device_mmap,
	.fault = device_fault,
	.mmio = device_mmio,
	.release = device_release,
};

int uvf_v02_device_open_locked(struct uvf_v02_device *device,
			       struct uvf_file **ret_file)
{
	struct device_file *self;
	int ret;

	uvf_v02_assert_held(device->group->v02);
	if (!device->data)
		return -ENODEV;
	if (device->ops->get(device->data))
		return -EFAULT;
	self = uvf_zalloc(sizeof(*self));
	ret = self ? uvf_file_create(ret_file, UVF_FILE_V02_DEVICE,
				     &device_file_ops, self)
		   : -ENOMEM;
	if (ret) {
		device->ops->put(device->data);
		uvf_free(self);
		return ret;
	}
	(*ret_file)->survives_exec = true;
	uvf_ref_get(&device->ref);
	self->device = device;
	self->v02 = device->group->v02;
	self->ops = device->ops;
	self->data = device->data;
	pthread_rwlock_init(&self->gate, NULL);
	uvf_list_append(&device->files, &self->node);
	return 0;
}

void uvf_v02_device_revoke_locked(struct uvf_v02_device *device)
{
	struct uvf_list *node, *tmp;

	uvf_v02_assert_held(device->group->v02);
	uvf_list_for_each_safe (node, tmp, &device->files) {
		struct device_file *self =
			uvf_list_entry(node, struct device_file, node);

		pthread_rwlock_wrlock(&self->gate);
		self->is_revoked = true;
		pthread_rwlock_unlock(&self->gate);
		end_locked(self);
	}
}

void uvf_v02_device_put(struct uvf_v02_device *device)
{
	if (!uvf_ref_put(&device->ref))
		return;
	uvf_bus_device_put(device->bus_device);
	uvf_free(device);
}

const char *uvf_v02_device_name(const struct uvf_file *file)
{
	const struct device_file *self = file->object;

	return self->device->bus_device->name;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/device_file.h"

#include <errno.h>

#include "base/alloc.h"
#include "bus/machine.h"
#include "core/device.h"
#include "core/device_set.h"
#include "core/file.h"
#include "core/group.h"
#include "core/iommufd.h"
#include "core/kvm.h"
#include "core/migration.h"
#include "core/model.h"
#include "core/pin.h"
#include "core/worker.h"
#include "iommu/iommufd/iommufd.h"
#include "mem/caller.h"

struct uvf_device *uvf_device_file_enter(struct uvf_device_file *df)
{
	struct uvf_device *device = NULL;

	uvf_lock(&df->lock);
	if (!df->is_revoked) {
		device = df->device;
		df->calls++;
	}
	uvf_unlock(&df->lock);
	return device;
}

void uvf_device_file_leave(struct uvf_device_file *df)
{
	uvf_lock(&df->lock);
	if (!--df->calls && df->is_revoked)
		pthread_cond_broadcast(&df->idle);
	uvf_unlock(&df->lock);
}

bool uvf_device_file_is_granted(struct uvf_device_file *df)
{
	return atomic_load(&df->is_granted);
}

static ssize_t df_read(struct uvf_file *file, struct uvf_caller *caller,
		       uint64_t addr, size_t len, uint64_t pos)
{
	struct uvf_device *device = uvf_device_file_enter(file->object);
	ssize_t ret = -EINVAL;

	if (!device)
		return -ENODEV;
	if (uvf_device_file_is_granted(file->object) && device->ops->read)
		ret = device->ops->read(device, caller, addr, len, pos);
	uvf_device_file_leave(file->object);
	return ret;
}

static ssize_t df_write(struct uvf_file *file, struct uvf_caller *caller,
			uint64_t addr, size_t len, uint64_t pos)
{
	struct uvf_device *device = uvf_device_file_enter(file->object);
	ssize_t ret = -EINVAL;

	if (!device)
		return -ENODEV;
	if (uvf_device_file_is_granted(file->object) && device->ops->write)
		ret = device->ops->write(device, caller, addr, len, pos);
	uvf_device_file_leave(file->object);
	return ret;
}

static int df_mmap(struct uvf_file *file, uint64_t pos, uint64_t len, int prot,
		   int flags)
{
	struct uvf_device *device = uvf_device_file_enter(file->object);
	int ret = -EINVAL;

	if (!device)
		return -ENODEV;
	if (uvf_device_file_is_granted(file->object) && device->ops->mmap)
		ret = device->ops->mmap(device, pos, len, prot, flags);
	uvf_device_file_leave(file->object);
	return ret;
}

static void df_fault(struct uvf_file *file, uint64_t pos,
		     struct uvf_page *ret_page)
{
	struct uvf_device *device = uvf_device_file_enter(file->object);

	*ret_page = (struct uvf_page){.kind = UVF_PAGE_REVOKED};
	if (!device)
		return;
	device->ops->fault(device, pos, ret_page);
	uvf_device_file_leave(file->object);
}

static int df_dma_target(struct uvf_file *file, uint64_t pos,
			 struct uvf_mem_io **ret_io)
{
	struct uvf_device *device = uvf_device_file_enter(file->object);
	struct uvf_page page = {.kind = UVF_PAGE_SIGBUS};
	int ret = -EFAULT;

	if (!device)
		return -EFAULT;
	device->ops->fault(device, pos, &page);
	if (page.kind != UVF_PAGE_SIGBUS)
		ret = device->ops->dma_target
			      ? device->ops->dma_target(device, pos, ret_io)
			      : 0;
	uvf_device_file_leave(file->object);
	return ret;
}

static bool df_mmio(struct uvf_file *file, uint64_t pos, void *buf, size_t len,
		    bool is_write)
{
	struct uvf_device *device = uvf_device_file_enter(file->object);
	bool is_done;

	if (!device)
		return false;
	is_done = device->ops->mmio(device, pos, buf, len, is_write);
	uvf_device_file_leave(file->object);
	return is_done;
}

/* What the close of a device file leaves to be dropped under no lock. */
struct leftovers {
	struct uvf_device *device;
	struct uvf_file *group_file;
	struct uvf_kvm *kvm;
};

/* Each of them may be the last reference, and take locks. */
static void drop(struct leftovers *left)
{
	uvf_kvm_put(left->kvm);
	uvf_file_put(left->group_file);
	if (left->device)
		uvf_device_put_user(left->device);
}

static bool opens_per_file(const struct uvf_device *device)
{
	return device->vfio->machine->profile->device_opens_per_fd;
}

/* Let the driver open it, bound to a context if there is one. */
static int start_locked(struct uvf_device *device, struct uvf_iommufd *ctx,
			struct uvf_kvm **kvm, uint32_t *ret_id)
	UVF_REQUIRES(device->set->lock)
{
	int ret = 0;

	if (device->model)
		ret = uvf_worker_start(device->model->worker);
	if (!ret && ctx)
		ret = uvf_device_iommufd_bind(device, ctx, ret_id);
	if (ret)
		return ret;
	device->kvm = *kvm;
	ret = device->ops->open ? device->ops->open(device) : 0;
	if (ret) {
		device->kvm = NULL;
		if (ctx)
			uvf_device_iommufd_unbind(device);
		return ret;
	}
	*kvm = NULL;
	return 0;
}

/* The driver has closed it; what is left of the last user. */
static struct uvf_kvm *stop_locked(struct uvf_device *device)
	UVF_REQUIRES(device->set->lock)
{
	struct uvf_kvm *kvm = device->kvm;

	if (device->migration)
		uvf_migration_reset(device->migration);
	uvf_pin_end(device);
	uvf_device_iommufd_unbind(device);
	device->kvm = NULL;
	return kvm;
}

/* A group of devices without IOMMU, where others have made their space. */
static bool is_wrong_mode(const struct uvf_device *device,
			  struct uvf_iommufd *ctx)
{
	uint32_t id;

	return device->kind == UVF_DEVICE_NOIOMMU &&
	       !uvf_iommufd_compat_id(ctx, &id);
}

static int first_open_locked(struct uvf_device *device, struct uvf_group *group,
			     const struct uvf_caller *caller,
			     struct uvf_kvm **kvm)
	UVF_REQUIRES(device->set->lock)
{
	struct uvf_iommufd *ctx = group->iommufd;
	uint32_t id;
	int ret;

	if (device->kind == UVF_DEVICE_NOIOMMU && !caller->has_rawio)
		return -EPERM;
	if (ctx && is_wrong_mode(device, ctx))
		return -EPERM;
	if (!ctx)
		uvf_pin_begin(device, group->container);
	ret = start_locked(device, ctx, kvm, &id);
	if (ret) {
		uvf_pin_end(device);
		return ret;
	}
	if (!ctx) {
		uvf_file_get(group->opened_file);
		group->container_users++;
		return 0;
	}
	ret = uvf_device_iommufd_attach_compat(device, ctx);
	if (!ret)
		return 0;
	if (device->ops->close)
		device->ops->close(device);
	*kvm = stop_locked(device);
	return ret;
}

static int open_locked(struct uvf_device *device, struct uvf_group *group,
		       const struct uvf_caller *caller, struct uvf_kvm **kvm)
	UVF_REQUIRES(device->set->lock)
{
	int ret = 0;

	if (!device->open_count)
		ret = first_open_locked(device, group, caller, kvm);
	else if (opens_per_file(device) && device->ops->open)
		ret = device->ops->open(device);
	if (!ret)
		device->open_count++;
	return ret;
}

/*
 * The last close of a device ends its use of the container; the group's file
 * is let go later, since its release takes the group's lock.  An iommufd in
 * the container's place never held that file.
 */
static void close_locked(struct uvf_device *device, struct uvf_group *group,
			 struct leftovers *left) UVF_REQUIRES(device->set->lock)
{
	const bool is_last = !--device->open_count;
	const bool is_bound = device->iommufd.is_bound;

	if ((is_last || opens_per_file(device)) && device->ops->close)
		device->ops->close(device);
	if (!is_last)
		return;
	left->kvm = stop_locked(device);
	if (is_bound)
		return;
	group->container_users--;
	left->group_file = group->opened_file;
}

static struct leftovers close_df(struct uvf_device_file *df)
{
	struct leftovers left = {NULL, NULL, NULL};
	struct uvf_device *device;

	uvf_lock(&df->lock);
	df->is_revoked = true;
	while (df->calls)
		uvf_cond_wait(&df->idle, &df->lock);
	device = df->device;
	if (device && df->is_open) {
		struct uvf_group *group = device->group;

		uvf_lock(&group->lock);
		uvf_lock(&device->set->lock);
		uvf_list_remove(&df->set_node);
		close_locked(device, group, &left);
		uvf_unlock(&device->set->lock);
		if (!df->group)
			group->cdevs--;
		uvf_unlock(&group->lock);
	}
	left.device = device;
	df->device = NULL;
	df->is_open = false;
	uvf_unlock(&df->lock);
	return left;
}

static void put(struct uvf_device_file *df)
{
	if (!uvf_ref_put(&df->ref))
		return;
	pthread_cond_destroy(&df->idle);
	uvf_mutex_fini(&df->kvm_lock);
	uvf_mutex_fini(&df->lock);
	uvf_free(df);
}

static void df_release(struct uvf_file *file)
{
	struct uvf_device_file *df = file->object;
	struct leftovers left = close_df(df);

	drop(&left);
	put(df);
}

bool uvf_device_is_open_by_cdev(struct uvf_device *device)
{
	bool is_so;

	uvf_lock(&device->set->lock);
	is_so = !uvf_list_is_empty(&device->files) &&
		!uvf_list_entry(device->files.next, struct uvf_device_file,
				set_node)
			 ->group;
	uvf_unlock(&device->set->lock);
	return is_so;
}

static struct uvf_device_file *first_file(struct uvf_device *device)
{
	struct uvf_device_file *df = NULL;

	uvf_lock(&device->set->lock);
	if (!uvf_list_is_empty(&device->files)) {
		df = uvf_list_entry(device->files.next, struct uvf_device_file,
				    set_node);
		uvf_ref_get(&df->ref);
	}
	uvf_unlock(&device->set->lock);
	return df;
}

void uvf_device_revoke(struct uvf_device *device)
{
	struct uvf_device_file *df;

	/* Who closes one at this moment has its lock until it is off. */
	while ((df = first_file(device))) {
		struct leftovers left = close_df(df);

		drop(&left);
		put(df);
	}
}

static const struct uvf_file_ops df_ops = {
	.read = df_read,
	.write = df_write,
	.mmap = df_mmap,
	.fault = df_fault,
	.mmio = df_mmio,
	.dma_target = df_dma_target,
	.release = df_release,
};

struct uvf_device_file *uvf_device_file_of(const struct uvf_file *file)
{
	return file->kind == UVF_FILE_DEVICE ? file->object : NULL;
}

static int create(struct uvf_group *group, struct uvf_device *device,
		  struct uvf_device_file **ret_df, struct uvf_file **ret_file)
{
	struct uvf_device_file *df = uvf_zalloc(sizeof(*df));
	int ret;

	if (!df)
		return -ENOMEM;
	uvf_ref_init(&df->ref);
	df->vfio = device->vfio;
	df->group = group;
	df->device = device;
	uvf_list_init(&df->set_node);
	ret = uvf_file_create(ret_file, UVF_FILE_DEVICE, &df_ops, df);
	if (ret) {
		uvf_free(df);
		return ret;
	}
	(*ret_file)->stays_put = device->ops->stays_put;
	uvf_mutex_init(&df->lock);
	uvf_mutex_init(&df->kvm_lock);
	pthread_cond_init(&df->idle, NULL);
	*ret_df = df;
	return 0;
}

int uvf_device_file_open(struct uvf_group *group, struct uvf_device *device,
			 const struct uvf_caller *caller, struct uvf_kvm **kvm,
			 struct uvf_file **ret_file)
{
	struct uvf_device_file *df;
	int ret;

	uvf_assert_held(&group->lock);
	ret = create(group, device, &df, ret_file);
	if (ret)
		return ret;
	uvf_lock(&device->set->lock);
	ret = open_locked(device, group, caller, kvm);
	if (!ret) {
		df->is_open = true;
		df->is_granted = true;
		uvf_list_append(&device->files, &df->set_node);
	}
	uvf_unlock(&device->set->lock);
	if (!ret)
		return 0;
	uvf_file_discard(*ret_file);
	put(df);
	return ret;
}

int uvf_device_file_create(struct uvf_device *device,
			   struct uvf_file **ret_file)
{
	struct uvf_device_file *df;

	return create(NULL, device, &df, ret_file);
}

int uvf_device_file_bind_locked(struct uvf_device_file *df,
				struct uvf_iommufd *ctx, struct uvf_kvm **kvm,
				uint32_t *ret_id)
{
	struct uvf_device *device = df->device;
	int ret;

	uvf_assert_held(&device->set->lock);
	if (device->open_count)
		return -EINVAL;
	ret = start_locked(device, ctx, kvm, ret_id);
	if (ret)
		return ret;
	device->open_count = 1;
	/* Who closes or revokes it waits for the call that runs. */
	df->is_open = true;
	uvf_list_append(&device->files, &df->set_node);
	return 0;
}

void uvf_device_file_set_kvm(struct uvf_device_file *df, struct uvf_kvm *kvm)
{
	uvf_lock(&df->kvm_lock);
	df->kvm = kvm;
	uvf_unlock(&df->kvm_lock);
}

struct uvf_kvm *uvf_device_file_kvm_get(struct uvf_device_file *df)
{
	struct uvf_kvm *kvm;

	uvf_lock(&df->kvm_lock);
	kvm = df->kvm;
	if (kvm && !uvf_kvm_get_safe(kvm))
		kvm = NULL;
	uvf_unlock(&df->kvm_lock);
	return kvm;
}

void uvf_device_file_unbind_locked(struct uvf_device_file *df,
				   struct uvf_kvm **kvm)
{
	struct uvf_device *device = df->device;

	uvf_assert_held(&device->set->lock);
	device->open_count = 0;
	df->is_open = false;
	uvf_list_remove(&df->set_node);
	if (device->ops->close)
		device->ops->close(device);
	*kvm = stop_locked(device);
}

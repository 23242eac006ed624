/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOMMU drivers of programs that embed a machine (uvfio/iommu.h).
 */
#include <errno.h>

#include <uvfio/iommu.h>

#include "base/alloc.h"
#include "core/backend.h"
#include "front/machine.h"
#include "mem/caller.h"

/* A registered driver. */
struct iommu_driver {
	struct uvf_added_backend added;
	const struct uvfio_iommu_ops *ops; /* also its identity */
};

/* What one container has. */
struct instance {
	const struct uvfio_iommu_ops *ops;
	void *state;
};

static struct iommu_driver *driver_of(struct uvf_added_backend *added)
{
	return uvf_container_of(added, struct iommu_driver, added);
}

static int driver_check_extension(struct uvf_added_backend *added, void *state,
				  unsigned long extension)
{
	const struct instance *self = state;

	return driver_of(added)->ops->check_extension(self ? self->state : NULL,
						      extension);
}

static int driver_open(struct uvf_added_backend *added, void **ret_state,
		       unsigned long type)
{
	struct instance *self = uvf_zalloc(sizeof(*self));
	int ret;

	if (!self)
		return -ENOMEM;
	self->ops = driver_of(added)->ops;
	ret = self->ops->open(&self->state, type);
	if (ret)
		uvf_free(self);
	else
		*ret_state = self;
	return ret;
}

static void driver_release(void *state)
{
	struct instance *self = state;

	self->ops->release(self->state);
	uvf_free(self);
}

/* A group is who it is, and nothing to look into. */
static struct uvfio_iommu_group *group_of(struct uvf_iommu_member *member)
{
	return (struct uvfio_iommu_group *)(void *)member;
}

static int driver_attach_group(void *state, struct uvf_caller *caller,
			       struct uvf_iommu_member *member,
			       struct uvf_aspace **ret_as)
{
	const struct instance *self = state;

	(void)caller;
	*ret_as = NULL;
	return self->ops->attach_group(self->state, group_of(member),
				       member->is_emulated);
}

static void driver_detach_group(void *state, struct uvf_iommu_member *member)
{
	const struct instance *self = state;

	self->ops->detach_group(self->state, group_of(member));
}

static long driver_ioctl(void *state, struct uvf_caller *caller,
			 unsigned int cmd, unsigned long arg)
{
	const struct instance *self = state;

	if (!self->ops->ioctl)
		return -ENOTTY;
	return self->ops->ioctl(
		self->state, (struct uvfio_client *)(void *)caller, cmd, arg);
}

static struct uvfio_iommu_user *public_user(struct uvf_dma_user *user)
{
	return (struct uvfio_iommu_user *)(void *)user;
}

void uvfio_iommu_user_unmap(struct uvfio_iommu_user *user, uint64_t iova,
			    uint64_t len)
{
	struct uvf_dma_user *own = (struct uvf_dma_user *)(void *)user;
	const struct uvf_range range = {iova, iova + (len - 1)};

	own->dma_unmap(own, range);
}

static void driver_register_user(void *state, struct uvf_dma_user *user)
{
	const struct instance *self = state;

	self->ops->register_device(self->state, public_user(user));
}

static void driver_unregister_user(void *state, struct uvf_dma_user *user)
{
	const struct instance *self = state;

	self->ops->unregister_device(self->state, public_user(user));
}

static int driver_pin_pages(void *state, struct uvf_iommu_member *member,
			    uint64_t iova, size_t count, uint32_t prot,
			    void **ret_pages)
{
	const struct instance *self = state;

	(void)member;
	return self->ops->pin_pages(self->state, iova, count, prot, ret_pages);
}

static void driver_unpin_pages(void *state, uint64_t iova, size_t count)
{
	const struct instance *self = state;

	self->ops->unpin_pages(self->state, iova, count);
}

static int driver_rw(void *state, uint64_t iova, void *buf, size_t len,
		     bool is_write)
{
	const struct instance *self = state;

	return self->ops->dma_rw(self->state, iova, buf, len, is_write);
}

static bool is_complete(const struct uvfio_iommu_ops *ops)
{
	return ops && ops->name && ops->check_extension && ops->open &&
	       ops->release && ops->attach_group && ops->detach_group &&
	       !ops->register_device == !ops->unregister_device;
}

int uvfio_register_iommu_driver(struct uvfio_machine *machine,
				const struct uvfio_iommu_ops *ops)
{
	struct iommu_driver *driver;
	int ret;

	if (!is_complete(ops))
		return -EINVAL;
	driver = uvf_zalloc(sizeof(*driver));
	if (!driver)
		return -ENOMEM;
	driver->ops = ops;
	driver->added.identity = ops;
	driver->added.check_extension = driver_check_extension;
	driver->added.open = driver_open;
	driver->added.backend = (struct uvf_iommu_backend){
		.name = ops->name,
		.release = driver_release,
		.attach_group = driver_attach_group,
		.detach_group = driver_detach_group,
		.ioctl = driver_ioctl,
		.register_user =
			ops->register_device ? driver_register_user : NULL,
		.unregister_user =
			ops->register_device ? driver_unregister_user : NULL,
		.pin_pages = ops->pin_pages ? driver_pin_pages : NULL,
		.unpin_pages = ops->unpin_pages ? driver_unpin_pages : NULL,
		.rw = ops->dma_rw ? driver_rw : NULL,
	};
	ret = uvf_backend_add(&machine->vfio, &driver->added);
	if (ret)
		uvf_free(driver);
	return ret;
}

int uvfio_unregister_iommu_driver(struct uvfio_machine *machine,
				  const struct uvfio_iommu_ops *ops)
{
	struct uvf_added_backend *added;
	int ret = uvf_backend_remove(&machine->vfio, ops, &added);

	if (!ret)
		uvf_free(driver_of(added));
	return ret;
}

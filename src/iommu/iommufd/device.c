/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices whose DMA the context owns, and what they are attached to.
 *
 * All devices of an IOMMU group reach the same page table.  The first that
 * is attached aims the group there, the last that is detached at nothing.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "iommu/iommufd/private.h"

/* An IOMMU group with a device that is bound here. */
struct uvf_iommufd_group {
	struct uvf_list ctx_node;
	const struct uvf_iommufd_group_ops *ops;
	void *group;             /* for ops */
	struct uvf_iommu_hw hw;  /* the IOMMU before it */
	unsigned int users;      /* devices that are bound */
	struct uvf_list devices; /* that are attached */
	struct uvf_hwpt *hwpt;   /* a user for each of them; NULL: none */
};

struct uvf_iommufd_device {
	struct uvf_object object; /* its driver is a user */
	struct uvf_iommufd *ctx;  /* holds one reference */
	struct uvf_iommufd_group *group;
	struct uvf_list group_node;
	const struct uvf_iommufd_pri_ops *pri; /* NULL: it cannot wait */
	void *pri_arg;
	bool is_attached;
};

static struct uvf_iommufd_group *find_group(struct uvf_iommufd *ctx,
					    const void *group)
	UVF_REQUIRES(ctx->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &ctx->groups) {
		struct uvf_iommufd_group *known = uvf_list_entry(
			node, struct uvf_iommufd_group, ctx_node);

		if (known->group == group)
			return known;
	}
	return NULL;
}

static struct uvf_iommufd_group *
group_get(struct uvf_iommufd *ctx, const struct uvf_iommufd_group_ops *ops,
	  void *group) UVF_REQUIRES(ctx->lock)
{
	struct uvf_iommufd_group *known = find_group(ctx, group);

	if (!known) {
		known = uvf_zalloc(sizeof(*known));
		if (!known)
			return NULL;
		known->ops = ops;
		known->group = group;
		if (ops->describe)
			ops->describe(group, &ctx->host, &known->hw);
		else
			uvf_iommu_hw_init(&known->hw, &ctx->host);
		uvf_list_init(&known->devices);
		uvf_list_append(&ctx->groups, &known->ctx_node);
	}
	known->users++;
	return known;
}

static void group_put(struct uvf_iommufd_group *group)
{
	if (--group->users)
		return;
	uvf_list_remove(&group->ctx_node);
	uvf_free(group);
}

static int bind_locked(struct uvf_iommufd_device *device,
		       const struct uvf_iommufd_group_ops *ops, void *group)
	UVF_REQUIRES(device->ctx->lock)
{
	struct uvf_iommufd *ctx = device->ctx;
	int ret;

	uvf_assert_held(&ctx->lock);
	device->group = group_get(ctx, ops, group);
	if (!device->group)
		return -ENOMEM;
	ret = ops->claim(group, ctx);
	if (ret)
		goto err_put;
	ret = uvf_object_add(ctx, &device->object, UVF_OBJECT_DEVICE);
	if (ret)
		goto err_release;
	device->object.users = 1;
	return 0;

err_release:
	ops->release(group, ctx);
err_put:
	group_put(device->group);
	return ret;
}

int uvf_iommufd_device_bind(struct uvf_iommufd_device **ret_device,
			    struct uvf_iommufd *ctx,
			    const struct uvf_iommufd_group_ops *ops,
			    void *group)
{
	struct uvf_iommufd_device *device = uvf_zalloc(sizeof(*device));
	int ret;

	if (!device)
		return -ENOMEM;
	device->ctx = ctx;
	uvf_list_init(&device->group_node);
	uvf_lock(&device->ctx->lock);
	ret = bind_locked(device, ops, group);
	uvf_unlock(&device->ctx->lock);
	if (ret) {
		uvf_free(device);
		return ret;
	}
	uvf_iommufd_get(ctx);
	*ret_device = device;
	return 0;
}

uint32_t uvf_iommufd_device_id(const struct uvf_iommufd_device *device)
{
	return device->object.id;
}

struct uvf_iommufd *
uvf_iommufd_device_ctx(const struct uvf_iommufd_device *device)
{
	return device->ctx;
}

bool uvf_iommufd_has_group(struct uvf_iommufd *ctx, const void *group)
{
	bool is_there;

	uvf_lock(&ctx->lock);
	is_there = find_group(ctx, group);
	uvf_unlock(&ctx->lock);
	return is_there;
}

struct uvf_iommufd_device *uvf_iommufd_device_find(struct uvf_iommufd *ctx,
						   uint32_t id)
{
	struct uvf_object *object = uvf_object_find(ctx, id);

	return object && object->type == UVF_OBJECT_DEVICE
		       ? (struct uvf_iommufd_device *)(void *)object
		       : NULL;
}

struct uvf_iommufd_group *
uvf_iommufd_device_group(const struct uvf_iommufd_device *device)
{
	return device->group;
}

const struct uvf_iommu_hw *
uvf_iommufd_device_hw(const struct uvf_iommufd_device *device)
{
	return &device->group->hw;
}

void uvf_iommufd_device_enable_pri(struct uvf_iommufd_device *device,
				   const struct uvf_iommufd_pri_ops *ops,
				   void *arg)
{
	uvf_lock(&device->ctx->lock);
	device->pri = ops;
	device->pri_arg = arg;
	uvf_unlock(&device->ctx->lock);
}

void uvf_iommufd_device_respond(struct uvf_iommufd_device *device,
				uint32_t grpid, bool is_there)
{
	device->pri->respond(device->pri_arg, grpid, is_there);
}

int uvf_iommufd_device_request(struct uvf_iommufd_device *device,
			       const struct uvf_page_request *requests,
			       size_t count)
{
	int ret = -ENODEV;

	uvf_lock(&device->ctx->lock);
	if (device->is_attached && device->group->hwpt->fault)
		ret = uvf_fault_deliver(device->group->hwpt->fault, device,
					requests, count);
	uvf_unlock(&device->ctx->lock);
	return ret;
}

/* Whether the hardware can do what a page table asks of it. */
static int check_hwpt(const struct uvf_iommufd_device *device,
		      const struct uvf_hwpt *hwpt)
{
	if (hwpt->fault && !device->pri)
		return -ENODEV;
	if (!uvf_iommu_hw_fits(&hwpt->hw, &device->group->hw))
		return -EINVAL;
	return hwpt->is_unusable ? -EINVAL : 0;
}

/* Give the group's devices, @count of them, another page table. */
static void move_group(struct uvf_iommufd_group *group, struct uvf_hwpt *hwpt,
		       unsigned int count)
{
	group->hwpt = hwpt;
	hwpt->object.users += count;
	group->ops->aim(group->group, hwpt->aspace);
}

static int attach_first(struct uvf_iommufd_device *device,
			struct uvf_hwpt *hwpt)
{
	struct uvf_iommufd_group *group = device->group;
	int ret;

	if (group->hwpt && group->hwpt != hwpt)
		return -EINVAL;
	ret = uvf_ioas_add_device(hwpt->ioas, &group->hw);
	if (ret)
		return ret;
	ret = check_hwpt(device, hwpt);
	if (ret) {
		uvf_ioas_remove_device(hwpt->ioas, &group->hw);
		return ret;
	}
	if (group->hwpt)
		hwpt->object.users++;
	else
		move_group(group, hwpt, 1);
	uvf_list_append(&group->devices, &device->group_node);
	device->is_attached = true;
	return 0;
}

static unsigned int count_attached(const struct uvf_iommufd_group *group)
{
	const struct uvf_list *node;
	unsigned int count = 0;

	uvf_list_for_each (node, &group->devices)
		count++;
	return count;
}

/* The whole group moves, in one step. */
static int replace(struct uvf_iommufd_device *device, struct uvf_hwpt *hwpt)
{
	struct uvf_iommufd_group *group = device->group;
	unsigned int count = count_attached(group);
	struct uvf_hwpt *former = group->hwpt;
	unsigned int added = 0;
	int ret = 0;

	if (former == hwpt)
		return 0;
	while (!ret && added < count) {
		ret = uvf_ioas_add_device(hwpt->ioas, &group->hw);
		if (!ret)
			added++;
	}
	if (!ret)
		ret = check_hwpt(device, hwpt);
	if (ret) {
		while (added--)
			uvf_ioas_remove_device(hwpt->ioas, &group->hw);
		return ret;
	}
	move_group(group, hwpt, count);
	if (former->fault)
		uvf_fault_leave(former->fault, group);
	while (count--) {
		uvf_ioas_remove_device(former->ioas, &group->hw);
		uvf_hwpt_put(former);
	}
	return 0;
}

static int attach_hwpt(struct uvf_iommufd_device *device, struct uvf_hwpt *hwpt)
{
	return device->is_attached ? replace(device, hwpt)
				   : attach_first(device, hwpt);
}

/* To an automatic page table that fits, or a new one. */
static int attach_ioas(struct uvf_iommufd_device *device, struct uvf_ioas *ioas,
		       uint32_t *pt_id)
{
	struct uvf_hwpt *hwpt;
	struct uvf_list *node;
	int ret;

	uvf_list_for_each (node, &ioas->hwpts) {
		hwpt = uvf_list_entry(node, struct uvf_hwpt, ioas_node);
		if (!hwpt->is_auto)
			continue;
		ret = attach_hwpt(device, hwpt);
		if (!ret)
			*pt_id = hwpt->object.id;
		/* EINVAL: this one does not fit, but another may. */
		if (ret != -EINVAL)
			return ret;
	}
	if (!device->is_attached && device->group->hwpt)
		return -EINVAL;
	/* An attachment looks at what devices reserve before all else. */
	ret = device->is_attached
		      ? 0
		      : uvf_ioas_add_device(ioas, &device->group->hw);
	if (ret)
		return ret;
	ret = uvf_hwpt_create(ioas, &device->group->hw, 0, &hwpt);
	if (!device->is_attached)
		uvf_ioas_remove_device(ioas, &device->group->hw);
	if (ret)
		return ret;
	ret = attach_hwpt(device, hwpt);
	if (ret) {
		uvf_hwpt_destroy(hwpt);
		return ret;
	}
	hwpt->is_auto = true;
	*pt_id = hwpt->object.id;
	return 0;
}

int uvf_iommufd_device_attach(struct uvf_iommufd_device *device,
			      uint32_t *pt_id)
{
	struct uvf_iommufd *ctx = device->ctx;
	struct uvf_object *object;
	int ret = -EINVAL;

	uvf_lock(&ctx->lock);
	object = uvf_object_find(ctx, *pt_id);
	if (!object)
		ret = -ENOENT;
	else if (object->type == UVF_OBJECT_HWPT ||
		 object->type == UVF_OBJECT_HWPT_NESTED)
		ret = attach_hwpt(device, (struct uvf_hwpt *)(void *)object);
	else if (object->type == UVF_OBJECT_IOAS)
		ret = attach_ioas(device, (struct uvf_ioas *)(void *)object,
				  pt_id);
	uvf_unlock(&ctx->lock);
	return ret;
}

static void detach_locked(struct uvf_iommufd_device *device)
	UVF_REQUIRES(device->ctx->lock)
{
	struct uvf_iommufd_group *group = device->group;
	struct uvf_hwpt *hwpt = group->hwpt;

	if (!device->is_attached)
		return;
	device->is_attached = false;
	uvf_list_remove(&device->group_node);
	if (uvf_list_is_empty(&group->devices)) {
		group->ops->aim(group->group, NULL);
		group->hwpt = NULL;
		if (hwpt->fault)
			uvf_fault_leave(hwpt->fault, group);
	}
	uvf_ioas_remove_device(hwpt->ioas, &group->hw);
	uvf_hwpt_put(hwpt);
}

void uvf_iommufd_device_detach(struct uvf_iommufd_device *device)
{
	uvf_lock(&device->ctx->lock);
	detach_locked(device);
	uvf_unlock(&device->ctx->lock);
}

void uvf_iommufd_device_unbind(struct uvf_iommufd_device *device)
{
	struct uvf_iommufd *ctx = device->ctx;

	uvf_lock(&device->ctx->lock);
	detach_locked(device);
	device->group->ops->release(device->group->group, ctx);
	group_put(device->group);
	uvf_object_remove(ctx, &device->object);
	uvf_unlock(&device->ctx->lock);
	uvf_free(device);
	uvf_iommufd_put(ctx);
}

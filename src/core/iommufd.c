/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/iommufd.h"

#include <errno.h>

#include "bus/device.h"
#include "bus/group.h"
#include "core/device.h"
#include "core/device_set.h"
#include "core/file.h"
#include "core/group.h"
#include "iommu/iommufd/iommufd.h"

static long iommufd_ioctl(struct uvf_file *file, struct uvf_caller *caller,
			  unsigned int cmd, unsigned long arg)
{
	return uvf_iommufd_ioctl(file->object, caller, cmd, arg);
}

static void iommufd_release(struct uvf_file *file)
{
	uvf_iommufd_put(file->object);
}

static const struct uvf_file_ops iommufd_file_ops = {
	.ioctl = iommufd_ioctl,
	.release = iommufd_release,
};

static ssize_t fault_read(struct uvf_file *file, struct uvf_caller *caller,
			  uint64_t addr, size_t len, uint64_t pos)
{
	(void)pos;
	return uvf_iommufd_fault_read(file->object, caller, addr, len);
}

static ssize_t fault_write(struct uvf_file *file, struct uvf_caller *caller,
			   uint64_t addr, size_t len, uint64_t pos)
{
	(void)pos;
	return uvf_iommufd_fault_write(file->object, caller, addr, len);
}

static void fault_release(struct uvf_file *file)
{
	uvf_iommufd_fault_close(file->object);
}

static long fault_ioctl(struct uvf_file *file, struct uvf_caller *caller,
			unsigned int cmd, unsigned long arg)
{
	(void)file;
	(void)caller;
	(void)cmd;
	(void)arg;
	return -ENOTTY;
}

static bool fault_is_readable(struct uvf_file *file)
{
	return uvf_iommufd_fault_is_readable(file->object);
}

static const struct uvf_file_ops fault_file_ops = {
	.ioctl = fault_ioctl,
	.read = fault_read,
	.write = fault_write,
	.is_readable = fault_is_readable,
	.release = fault_release,
};

static int open_fault(struct uvf_caller *caller,
		      struct uvf_iommufd_fault *fault)
{
	struct uvf_file *file;
	int ret =
		uvf_file_create(&file, UVF_FILE_FAULT, &fault_file_ops, fault);

	if (ret)
		return ret;
	file->is_stream = true;
	ret = caller->ops->file_install(caller, file);
	if (ret < 0)
		uvf_file_discard(file);
	return ret;
}

static int node_open(struct uvf_misc *misc, struct uvf_file **ret_file)
{
	struct uvf_iommufd_node *node =
		uvf_container_of(misc, struct uvf_iommufd_node, misc);
	struct uvf_iommufd *ctx;
	int ret = uvf_iommufd_create(&ctx, &node->vfio->host, open_fault);

	if (ret)
		return ret;
	ret = uvf_file_create(ret_file, UVF_FILE_IOMMUFD, &iommufd_file_ops,
			      ctx);
	if (ret)
		uvf_iommufd_put(ctx);
	return ret;
}

void uvf_iommufd_node_add(struct uvf_iommufd_node *node, struct uvf_vfio *vfio,
			  bool is_there)
{
	vfio->has_cdev = is_there;
	if (!is_there)
		return;
	node->vfio = vfio;
	node->misc = (struct uvf_misc){
		.path = "iommu",
		.mode = 0660,
		.open = node_open,
	};
	uvf_vfio_add_misc(vfio, &node->misc);
}

struct uvf_iommufd *uvf_iommufd_of_file(const struct uvf_file *file)
{
	return file->kind == UVF_FILE_IOMMUFD ? file->object : NULL;
}

static int group_claim(void *group, void *owner)
{
	return uvf_iommu_group_claim_device(group, owner);
}

static void group_release(void *group, void *owner)
{
	(void)owner;
	uvf_iommu_group_release_device(group);
}

static void group_aim(void *group, struct uvf_aspace *as)
{
	uvf_iommu_group_set_domain(group, as);
}

static void group_describe(void *arg, const struct uvf_iommu_host *host,
			   struct uvf_iommu_hw *ret_hw)
{
	const struct uvf_iommu_group *group = arg;

	uvf_iommu_hw_init_other(ret_hw, host, group->iommu, group->iommu_bits);
}

static const struct uvf_iommufd_group_ops group_ops = {
	.describe = group_describe,
	.claim = group_claim,
	.release = group_release,
	.aim = group_aim,
};

static void access_unmap(void *arg, struct uvf_range iova)
{
	struct uvf_device *device = arg;

	if (device->ops->dma_unmap)
		device->ops->dma_unmap(device, iova);
}

static const struct uvf_iommufd_access_ops access_ops = {
	.unmap = access_unmap,
};

int uvf_device_iommufd_bind(struct uvf_device *device, struct uvf_iommufd *ctx,
			    uint32_t *ret_id)
{
	struct uvf_device_iommufd *bound = &device->iommufd;
	int ret = 0;

	uvf_assert_held(&device->set->lock);
	if (device->kind == UVF_DEVICE_IOMMU) {
		ret = uvf_iommufd_device_bind(&bound->device, ctx, &group_ops,
					      device->bus_device->group);
		if (!ret)
			*ret_id = uvf_iommufd_device_id(bound->device);
	} else if (device->kind == UVF_DEVICE_EMULATED) {
		ret = uvf_iommufd_access_create(&bound->access, ctx,
						&access_ops, device);
		if (!ret)
			*ret_id = uvf_iommufd_access_id(bound->access);
	}
	bound->is_bound = !ret;
	return ret;
}

struct uvf_iommufd *uvf_device_iommufd_ctx(struct uvf_device *device)
{
	const struct uvf_iommufd_device *bound = device->iommufd.device;

	uvf_assert_held(&device->set->lock);
	return bound ? uvf_iommufd_device_ctx(bound) : NULL;
}

int uvf_device_iommufd_id(struct uvf_device *device, struct uvf_iommufd *ctx)
{
	struct uvf_iommu_group *group;
	bool is_owned;

	uvf_assert_held(&device->set->lock);
	if (uvf_device_iommufd_ctx(device) == ctx)
		return (int)uvf_iommufd_device_id(device->iommufd.device);
	group = uvf_bus_device_group(device->bus_device);
	is_owned = group && uvf_iommufd_has_group(ctx, group);
	uvf_iommu_group_put(group);
	return is_owned ? -ENOENT : -ENODEV;
}

void uvf_device_iommufd_unbind(struct uvf_device *device)
{
	struct uvf_device_iommufd *bound = &device->iommufd;

	uvf_assert_held(&device->set->lock);
	if (bound->device)
		uvf_iommufd_device_unbind(bound->device);
	if (bound->access)
		uvf_iommufd_access_destroy(bound->access);
	*bound = (struct uvf_device_iommufd){0};
}

int uvf_device_iommufd_attach(struct uvf_device *device, uint32_t *pt_id)
{
	struct uvf_device_iommufd *bound = &device->iommufd;

	uvf_assert_held(&device->set->lock);
	if (bound->device)
		return uvf_iommufd_device_attach(bound->device, pt_id);
	if (bound->access)
		return uvf_iommufd_access_attach(bound->access, *pt_id);
	return -EINVAL;
}

void uvf_device_iommufd_detach(struct uvf_device *device)
{
	struct uvf_device_iommufd *bound = &device->iommufd;

	uvf_assert_held(&device->set->lock);
	if (bound->device)
		uvf_iommufd_device_detach(bound->device);
	if (bound->access)
		uvf_iommufd_access_detach(bound->access);
}

int uvf_device_iommufd_attach_compat(struct uvf_device *device,
				     struct uvf_iommufd *ctx)
{
	uint32_t id;
	int ret;

	if (device->kind == UVF_DEVICE_NOIOMMU)
		return 0;
	ret = uvf_iommufd_compat_id(ctx, &id);
	return ret ? ret : uvf_device_iommufd_attach(device, &id);
}

int uvf_group_set_iommufd(struct uvf_group *group, struct uvf_iommufd *ctx)
{
	int ret;

	uvf_assert_held(&group->lock);
	if (group->kind == UVF_DEVICE_NOIOMMU)
		ret = uvf_iommufd_set_noiommu(ctx);
	else
		ret = uvf_iommufd_compat_create(ctx);
	if (!ret)
		group->iommufd = uvf_iommufd_get(ctx);
	return ret;
}

void uvf_group_unset_iommufd(struct uvf_group *group)
{
	uvf_assert_held(&group->lock);
	uvf_iommufd_put(group->iommufd);
	group->iommufd = NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page tables.  Each mirrors its I/O address space, so all of a space say
 * the same and share one struct uvf_aspace.
 */
#include <errno.h>
#include <stddef.h>

#include "base/alloc.h"
#include "iommu/iommufd/abi.h"
#include "iommu/iommufd/private.h"

int uvf_hwpt_create(struct uvf_ioas *ioas, struct uvf_hwpt **ret_hwpt)
{
	struct uvf_hwpt *hwpt = uvf_zalloc(sizeof(*hwpt));
	int ret;

	uvf_assert_held(&ioas->ctx->lock);
	if (!hwpt)
		return -ENOMEM;
	ret = uvf_object_add(ioas->ctx, &hwpt->object, UVF_OBJECT_HWPT);
	if (ret)
		goto err_free;
	ret = uvf_ioas_add_hwpt(ioas);
	if (ret)
		goto err_remove;
	hwpt->ioas = ioas;
	ioas->object.users++;
	uvf_list_append(&ioas->hwpts, &hwpt->ioas_node);
	*ret_hwpt = hwpt;
	return 0;

err_remove:
	uvf_object_remove(ioas->ctx, &hwpt->object);
err_free:
	uvf_free(hwpt);
	return ret;
}

void uvf_hwpt_destroy(struct uvf_hwpt *hwpt)
{
	struct uvf_ioas *ioas = hwpt->ioas;

	uvf_assert_held(&ioas->ctx->lock);
	uvf_object_remove(ioas->ctx, &hwpt->object);
	uvf_list_remove(&hwpt->ioas_node);
	uvf_ioas_remove_hwpt(ioas);
	ioas->object.users--;
	uvf_free(hwpt);
}

void uvf_hwpt_put(struct uvf_hwpt *hwpt)
{
	if (!--hwpt->object.users && hwpt->is_auto)
		uvf_hwpt_destroy(hwpt);
}

/**
 * iommu_ioctl_hwpt_alloc() - make a page table that stays without devices
 * @cmd: struct iommu_hwpt_alloc
 *
 * Ours has no dirty bits of its own and nests nothing.
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  reserved field
 *   -EINVAL      data without a type, or the reverse
 *   -ENOENT      no such device
 *   -EINVAL      no such space
 *   -EOPNOTSUPP  any flag or data; on top of another page table
 *   -EINVAL      another object
 *   -EADDRINUSE, -EFAULT, -ENOMEM: a mapping cannot be
 *   -EFAULT      the answer cannot be written
 */
int iommu_ioctl_hwpt_alloc(struct uvf_iommufd_call *call, void *cmd)
{
	struct iommu_hwpt_alloc *alloc = cmd;
	struct uvf_object *object;
	struct uvf_hwpt *hwpt;
	int ret;

	if (alloc->reserved)
		return -EOPNOTSUPP;
	if (!alloc->data_type != !alloc->data_len)
		return -EINVAL;
	if (!uvf_iommufd_device_find(call->ctx, alloc->dev_id))
		return -ENOENT;
	object = uvf_object_find(call->ctx, alloc->pt_id);
	if (!object || (object->type != UVF_OBJECT_IOAS &&
			object->type != UVF_OBJECT_HWPT))
		return -EINVAL;
	if (alloc->flags || alloc->data_len || object->type == UVF_OBJECT_HWPT)
		return -EOPNOTSUPP;
	ret = uvf_hwpt_create(uvf_ioas_find(call->ctx, alloc->pt_id), &hwpt);
	if (ret)
		return ret;
	alloc->out_hwpt_id = hwpt->object.id;
	ret = uvf_iommufd_respond(call, alloc, sizeof(*alloc));
	if (ret)
		uvf_hwpt_destroy(hwpt);
	return ret;
}

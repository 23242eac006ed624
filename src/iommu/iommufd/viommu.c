/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtual IOMMUs, their devices, events and queues, as the IOMMUs of x86
 * have them: none.  Their calls say so after what they check of themselves.
 */
#include <errno.h>

#include "base/range.h"
#include "iommu/iommufd/abi_new.h"
#include "iommu/iommufd/private.h"

/**
 * iommu_ioctl_viommu_alloc() - make a virtual IOMMU
 * @cmd: struct iommu_viommu_alloc
 * Return: in the order they are tested: -EOPNOTSUPP a flag, or no type;
 * -ENOENT no such device, -EOPNOTSUPP its IOMMU has none.
 */
int iommu_ioctl_viommu_alloc(struct uvf_iommufd_call *call, void *cmd)
{
	const struct iommu_viommu_alloc *alloc = cmd;

	if (alloc->flags || !alloc->type)
		return -EOPNOTSUPP;
	if (!uvf_iommufd_device_find(call->ctx, alloc->dev_id))
		return -ENOENT;
	return -EOPNOTSUPP;
}

/**
 * iommu_ioctl_vdevice_alloc() - put a device behind a virtual IOMMU
 * @cmd: struct iommu_vdevice_alloc
 * Return: -ENOENT no such virtual IOMMU.
 */
int iommu_ioctl_vdevice_alloc(struct uvf_iommufd_call *call, void *cmd)
{
	(void)call;
	(void)cmd;
	return -ENOENT;
}

/**
 * iommu_ioctl_veventq_alloc() - make a queue for events of a virtual IOMMU
 * @cmd: struct iommu_veventq_alloc
 * Return: in the order they are tested: -EOPNOTSUPP a flag, no type, or a
 * reserved field; -EINVAL no depth; -ENOENT no such virtual IOMMU.
 */
int iommu_ioctl_veventq_alloc(struct uvf_iommufd_call *call, void *cmd)
{
	const struct iommu_veventq_alloc *alloc = cmd;

	(void)call;
	if (alloc->flags || alloc->reserved || !alloc->type)
		return -EOPNOTSUPP;
	return alloc->veventq_depth ? -ENOENT : -EINVAL;
}

/**
 * iommu_ioctl_hw_queue_alloc() - give a virtual IOMMU a queue of the hardware
 * @cmd: struct iommu_hw_queue_alloc
 * Return: in the order they are tested: -EOPNOTSUPP a flag, or no type;
 * -EINVAL length 0, -EOVERFLOW the interval wraps, -ENOENT no such virtual
 * IOMMU.
 */
int iommu_ioctl_hw_queue_alloc(struct uvf_iommufd_call *call, void *cmd)
{
	const struct iommu_hw_queue_alloc *alloc = cmd;
	struct uvf_range iova;
	int ret;

	(void)call;
	if (alloc->flags || !alloc->type)
		return -EOPNOTSUPP;
	ret = uvf_range_make(&iova, alloc->nesting_parent_iova, alloc->length);
	return ret ? ret : -ENOENT;
}

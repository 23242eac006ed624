/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a DMA of a device model enters: gated by bus mastering, aimed at
 * the address space of the group's container.
 */
#include <errno.h>

#include <uvfio/device.h>

#include "core/model.h"
#include "iommu/translate.h"

int uvfio_dma_read(struct uvfio_dev *dev, uint64_t iova, void *buf, size_t len)
{
	struct uvfio_dev *before;
	int ret;

	if (!dev->is_bus_master)
		return -EPERM;
	if (!dev->aspace)
		return -EFAULT;
	before = uvf_model_set_source(dev);
	ret = uvf_aspace_read(dev->aspace, iova, buf, len, NULL);
	uvf_model_set_source(before);
	return ret;
}

int uvfio_dma_write(struct uvfio_dev *dev, uint64_t iova, const void *buf,
		    size_t len)
{
	struct uvfio_dev *before;
	int ret;

	if (!dev->is_bus_master)
		return -EPERM;
	if (!dev->aspace)
		return -EFAULT;
	before = uvf_model_set_source(dev);
	ret = uvf_aspace_write(dev->aspace, iova, buf, len, NULL);
	uvf_model_set_source(before);
	return ret;
}

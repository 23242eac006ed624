/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a DMA of a device model enters: gated by bus mastering, aimed at
 * the address space of the group's container.
 */
#include <errno.h>

#include <uvfio/device.h>

#include "core/model.h"
#include "iommu/translate.h"

/* Note that a DMA stopped behind @done bytes. */
static void note(struct uvfio_dev *dev, uint64_t iova, size_t len, size_t done,
		 bool is_write)
{
	struct uvf_dma_fault fault = {
		.why = UVF_FAULT_BLOCKED,
		.iova = iova + done,
		.len = len - done,
		.is_write = is_write,
	};

	if (done && fault.iova < iova)
		fault.why = UVF_FAULT_ADDRESS;
	else if (dev->is_bus_master && dev->aspace)
		fault.why = uvf_aspace_why(dev->aspace, fault.iova, is_write);
	uvf_faults_note(&dev->faults, &fault);
}

static int access_memory(struct uvfio_dev *dev, uint64_t iova, void *buf,
			 size_t len, bool is_write)
{
	struct uvfio_dev *before = uvf_model_set_source(dev);
	size_t done = 0;
	int ret = -EFAULT;

	if (!dev->is_bus_master)
		ret = -EPERM;
	else if (dev->aspace)
		ret = is_write ? uvf_aspace_write(dev->aspace, iova, buf, len,
						  &done)
			       : uvf_aspace_read(dev->aspace, iova, buf, len,
						 &done);
	if (ret)
		note(dev, iova, len, done, is_write);
	uvf_model_set_source(before);
	return ret;
}

int uvfio_dma_read(struct uvfio_dev *dev, uint64_t iova, void *buf, size_t len)
{
	return access_memory(dev, iova, buf, len, false);
}

int uvfio_dma_write(struct uvfio_dev *dev, uint64_t iova, const void *buf,
		    size_t len)
{
	return access_memory(dev, iova, (void *)(uintptr_t)buf, len, true);
}

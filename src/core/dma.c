/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a DMA of a device model enters: gated by bus mastering, aimed at
 * the address space of the group's container, or at the window where the
 * IOMMU hears interrupt messages.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <uvfio/device.h>

#include "core/model.h"
#include "core/model_log.h"
#include "iommu/translate.h"

/* Nothing can be mapped there. */
static bool is_in_window(const struct uvfio_dev *dev, uint64_t iova)
{
	return dev->msi_window.last && iova >= dev->msi_window.first &&
	       iova <= dev->msi_window.last;
}

/* What no mapping took is a message, if it looks like one. */
static int send_message(struct uvfio_dev *dev, uint64_t iova, const void *buf,
			size_t len)
{
	uint32_t data;

	if (len != sizeof(data) || iova % sizeof(data))
		return -EFAULT;
	memcpy(&data, buf, sizeof(data));
	return dev->message(dev, iova, le32toh(data));
}

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
		fault.why = is_in_window(dev, fault.iova)
				    ? UVF_FAULT_MESSAGE
				    : uvf_aspace_why(dev->aspace, fault.iova,
						     is_write);
	uvf_faults_note(&dev->faults, &fault);
}

static int access_memory(struct uvfio_dev *dev, uint64_t iova, void *buf,
			 size_t len, bool is_write)
{
	struct uvfio_dev *before = uvf_model_set_source(dev);
	size_t done = 0;
	int ret = -EFAULT;

	if (!dev->is_bus_master || dev->pause == UVF_MODEL_STOPPED)
		ret = -EPERM;
	else if (dev->aspace)
		ret = is_write ? uvf_aspace_write(dev->aspace, iova, buf, len,
						  &done)
			       : uvf_aspace_read(dev->aspace, iova, buf, len,
						 &done);
	if (is_write && dev->log)
		uvf_model_log_mark(dev->log, iova, ret ? done : len);
	if (ret == -EFAULT && is_write && dev->aspace &&
	    is_in_window(dev, iova))
		ret = send_message(dev, iova, buf, len);
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

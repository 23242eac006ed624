/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/pin.h"

#include <errno.h>
#include <limits.h>

#include "core/container.h"
#include "core/device.h"
#include "core/group.h"
#include "iommu/iommufd/iommufd.h"
#include "mem/mem.h"

#define PAGE_BYTES 4096ull

static void dma_unmap(struct uvf_dma_user *user, struct uvf_range iova)
{
	struct uvf_device *device =
		uvf_container_of(user, struct uvf_device, dma_user);

	device->ops->dma_unmap(device, iova);
}

static bool hears_of_unmap(const struct uvf_device *device)
{
	return device->ops->dma_unmap && device->iommu->backend->register_user;
}

void uvf_pin_begin(struct uvf_device *device, struct uvf_container *container)
{
	device->iommu = uvf_container_get_iommu(container);
	device->dma_user.dma_unmap = dma_unmap;
	if (device->iommu && hears_of_unmap(device))
		device->iommu->backend->register_user(device->iommu->state,
						      &device->dma_user);
}

void uvf_pin_end(struct uvf_device *device)
{
	if (device->iommu && hears_of_unmap(device))
		device->iommu->backend->unregister_user(device->iommu->state,
							&device->dma_user);
	uvf_iommu_put(device->iommu);
	device->iommu = NULL;
}

/* The page that an address lies in; iommufd asks for its start. */
static uint64_t page_of(uint64_t iova)
{
	return iova & ~(PAGE_BYTES - 1);
}

static int pin_by_access(struct uvf_iommufd_access *access, uint64_t iova,
			 size_t count, uint32_t prot, void **ret_pages)
{
	int ret;

	if (count > INT_MAX)
		return -EOVERFLOW;
	ret = uvf_iommufd_access_pin(access, page_of(iova), count * PAGE_BYTES,
				     prot & UVF_PROT_WRITE, ret_pages);
	return ret ? ret : (int)count;
}

int uvf_device_pin_pages(struct uvf_device *device, uint64_t iova, size_t count,
			 uint32_t prot, void **ret_pages)
{
	const struct uvf_iommu *iommu = device->iommu;

	if (!ret_pages || !count || !device->ops->dma_unmap)
		return -EINVAL;
	if (device->iommufd.access)
		return pin_by_access(device->iommufd.access, iova, count, prot,
				     ret_pages);
	if (!iommu)
		return -EINVAL;
	if (count > UVF_PIN_MAX)
		return -E2BIG;
	if (!iommu->backend->pin_pages)
		return -ENOTTY;
	return iommu->backend->pin_pages(iommu->state, &device->group->member,
					 iova, count, prot, ret_pages);
}

void uvf_device_unpin_pages(struct uvf_device *device, uint64_t iova,
			    size_t count)
{
	const struct uvf_iommu *iommu = device->iommu;

	if (device->iommufd.access)
		uvf_iommufd_access_unpin(device->iommufd.access, page_of(iova),
					 count * PAGE_BYTES);
	else if (iommu && iommu->backend->unpin_pages)
		iommu->backend->unpin_pages(iommu->state, iova, count);
}

int uvf_device_dma_rw(struct uvf_device *device, uint64_t iova, void *buf,
		      size_t len, bool is_write)
{
	const struct uvf_iommu *iommu = device->iommu;

	if (!buf || !len)
		return -EINVAL;
	if (device->iommufd.access)
		return uvf_iommufd_access_rw(device->iommufd.access, iova, buf,
					     len, is_write);
	if (!iommu)
		return -EINVAL;
	if (!iommu->backend->rw)
		return -ENOTTY;
	return iommu->backend->rw(iommu->state, iova, buf, len, is_write);
}

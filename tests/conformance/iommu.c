/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib.h"

#include <sys/ioctl.h>

int dma_map(int container, uint32_t flags, const void *vaddr, uint64_t iova,
	    uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map);
}

int dma_unmap(int container, uint32_t flags, uint64_t iova, uint64_t *size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = *size,
	};
	int ret = ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap);

	*size = unmap.size;
	return ret;
}

/* How many bytes were still mapped. */
unsigned long long dma_unmap_all(int container)
{
	uint64_t size = 0;

	need(!dma_unmap(container, VFIO_DMA_UNMAP_FLAG_ALL, 0, &size),
	     "unmap-all");
	return size;
}

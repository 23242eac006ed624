/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of /dev/iommu that came after 6.12, as they are in 6.19.
 */
#ifndef UVF_IOMMU_IOMMUFD_ABI_NEW_H
#define UVF_IOMMU_IOMMUFD_ABI_NEW_H

#include <assert.h>
#include <linux/ioctl.h>
#include <stdint.h>

#include "iommu/iommufd/abi.h"

#define IOMMU_IOAS_MAP_FILE       _IO(IOMMUFD_TYPE, 0x8f)
#define IOMMU_VIOMMU_ALLOC        _IO(IOMMUFD_TYPE, 0x90)
#define IOMMU_VDEVICE_ALLOC       _IO(IOMMUFD_TYPE, 0x91)
#define IOMMU_IOAS_CHANGE_PROCESS _IO(IOMMUFD_TYPE, 0x92)
#define IOMMU_VEVENTQ_ALLOC       _IO(IOMMUFD_TYPE, 0x93)
#define IOMMU_HW_QUEUE_ALLOC      _IO(IOMMUFD_TYPE, 0x94)

struct iommu_ioas_map_file {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	int32_t fd;
	uint64_t start;
	uint64_t length;
	uint64_t iova;
};

struct iommu_ioas_change_process {
	uint32_t size;
	uint32_t reserved;
};

struct iommu_viommu_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t type;
	uint32_t dev_id;
	uint32_t hwpt_id;
	uint32_t out_viommu_id;
	uint32_t data_len;
	uint32_t reserved;
	uint64_t data_uptr;
};

struct iommu_vdevice_alloc {
	uint32_t size;
	uint32_t viommu_id;
	uint32_t dev_id;
	uint32_t out_vdevice_id;
	uint64_t virt_id;
};

struct iommu_veventq_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t viommu_id;
	uint32_t type;
	uint32_t veventq_depth;
	uint32_t out_veventq_id;
	uint32_t out_veventq_fd;
	uint32_t reserved;
};

struct iommu_hw_queue_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t viommu_id;
	uint32_t type;
	uint32_t index;
	uint32_t out_hw_queue_id;
	uint64_t nesting_parent_iova;
	uint64_t length;
};

static_assert(sizeof(struct iommu_ioas_map_file) == 40, "ABI");
static_assert(sizeof(struct iommu_ioas_change_process) == 8, "ABI");
static_assert(sizeof(struct iommu_viommu_alloc) == 40, "ABI");
static_assert(sizeof(struct iommu_vdevice_alloc) == 24, "ABI");
static_assert(sizeof(struct iommu_veventq_alloc) == 32, "ABI");
static_assert(sizeof(struct iommu_hw_queue_alloc) == 40, "ABI");

#endif /* UVF_IOMMU_IOMMUFD_ABI_NEW_H */

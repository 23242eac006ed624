/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of /dev/iommu about address spaces, as linux/iommufd.h of Linux
 * 6.12 numbers and lays them out.  Debian 12's headers are older than they.
 */
#ifndef UVF_IOMMU_IOMMUFD_ABI_H
#define UVF_IOMMU_IOMMUFD_ABI_H

#include <assert.h>
#include <linux/ioctl.h>
#include <stdint.h>

#define IOMMUFD_TYPE     ';'
#define IOMMUFD_CMD_BASE 0x80

#define IOMMU_DESTROY          _IO(IOMMUFD_TYPE, 0x80)
#define IOMMU_IOAS_ALLOC       _IO(IOMMUFD_TYPE, 0x81)
#define IOMMU_IOAS_ALLOW_IOVAS _IO(IOMMUFD_TYPE, 0x82)
#define IOMMU_IOAS_COPY        _IO(IOMMUFD_TYPE, 0x83)
#define IOMMU_IOAS_IOVA_RANGES _IO(IOMMUFD_TYPE, 0x84)
#define IOMMU_IOAS_MAP         _IO(IOMMUFD_TYPE, 0x85)
#define IOMMU_IOAS_UNMAP       _IO(IOMMUFD_TYPE, 0x86)
#define IOMMU_OPTION           _IO(IOMMUFD_TYPE, 0x87)
#define IOMMU_VFIO_IOAS        _IO(IOMMUFD_TYPE, 0x88)

struct iommu_destroy {
	uint32_t size;
	uint32_t id;
};

struct iommu_ioas_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t out_ioas_id;
};

struct iommu_iova_range {
	uint64_t start;
	uint64_t last;
};

struct iommu_ioas_iova_ranges {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas;
	uint32_t reserved;
	uint64_t allowed_iovas; /* struct iommu_iova_range[] */
	uint64_t out_iova_alignment;
};

struct iommu_ioas_allow_iovas {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas;
	uint32_t reserved;
	uint64_t allowed_iovas; /* struct iommu_iova_range[] */
};

/* Of MAP and COPY. */
#define IOMMU_IOAS_MAP_FIXED_IOVA 0x1u
#define IOMMU_IOAS_MAP_WRITEABLE  0x2u
#define IOMMU_IOAS_MAP_READABLE   0x4u
#define IOMMU_IOAS_MAP_FLAGS      0x7u

struct iommu_ioas_map {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	uint32_t reserved;
	uint64_t user_va;
	uint64_t length;
	uint64_t iova;
};

struct iommu_ioas_copy {
	uint32_t size;
	uint32_t flags;
	uint32_t dst_ioas_id;
	uint32_t src_ioas_id;
	uint64_t length;
	uint64_t dst_iova;
	uint64_t src_iova;
};

struct iommu_ioas_unmap {
	uint32_t size;
	uint32_t ioas_id;
	uint64_t iova;
	uint64_t length;
};

#define IOMMU_OPTION_RLIMIT_MODE 0u
#define IOMMU_OPTION_HUGE_PAGES  1u
#define IOMMU_OPTION_OP_SET      0u
#define IOMMU_OPTION_OP_GET      1u

struct iommu_option {
	uint32_t size;
	uint32_t option_id;
	uint16_t op;
	uint16_t reserved;
	uint32_t object_id;
	uint64_t val64;
};

#define IOMMU_VFIO_IOAS_GET   0u
#define IOMMU_VFIO_IOAS_SET   1u
#define IOMMU_VFIO_IOAS_CLEAR 2u

struct iommu_vfio_ioas {
	uint32_t size;
	uint32_t ioas_id;
	uint16_t op;
	uint16_t reserved;
};

static_assert(sizeof(struct iommu_destroy) == 8, "ABI");
static_assert(sizeof(struct iommu_ioas_alloc) == 12, "ABI");
static_assert(sizeof(struct iommu_iova_range) == 16, "ABI");
static_assert(sizeof(struct iommu_ioas_iova_ranges) == 32, "ABI");
static_assert(sizeof(struct iommu_ioas_allow_iovas) == 24, "ABI");
static_assert(sizeof(struct iommu_ioas_map) == 40, "ABI");
static_assert(sizeof(struct iommu_ioas_copy) == 40, "ABI");
static_assert(sizeof(struct iommu_ioas_unmap) == 24, "ABI");
static_assert(sizeof(struct iommu_option) == 24, "ABI");
static_assert(sizeof(struct iommu_vfio_ioas) == 12, "ABI");

#endif /* UVF_IOMMU_IOMMUFD_ABI_H */

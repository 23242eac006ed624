/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of /dev/iommu about page tables and what is behind them, as
 * linux/iommufd.h of Linux 6.12 numbers and lays them out.
 */
#ifndef UVF_IOMMU_IOMMUFD_ABI_HWPT_H
#define UVF_IOMMU_IOMMUFD_ABI_HWPT_H

#include <assert.h>
#include <linux/ioctl.h>
#include <stdint.h>

#include "iommu/iommufd/abi.h"

#define IOMMU_HWPT_ALLOC              _IO(IOMMUFD_TYPE, 0x89)
#define IOMMU_GET_HW_INFO             _IO(IOMMUFD_TYPE, 0x8a)
#define IOMMU_HWPT_SET_DIRTY_TRACKING _IO(IOMMUFD_TYPE, 0x8b)
#define IOMMU_HWPT_GET_DIRTY_BITMAP   _IO(IOMMUFD_TYPE, 0x8c)
#define IOMMU_HWPT_INVALIDATE         _IO(IOMMUFD_TYPE, 0x8d)
#define IOMMU_FAULT_QUEUE_ALLOC       _IO(IOMMUFD_TYPE, 0x8e)

#define IOMMU_HWPT_ALLOC_NEST_PARENT    0x1u
#define IOMMU_HWPT_ALLOC_DIRTY_TRACKING 0x2u
#define IOMMU_HWPT_FAULT_ID_VALID       0x4u

#define IOMMU_HWPT_DATA_NONE   0u
#define IOMMU_HWPT_DATA_VTD_S1 1u

struct iommu_hwpt_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t dev_id;
	uint32_t pt_id;
	uint32_t out_hwpt_id;
	uint32_t reserved;
	uint32_t data_type;
	uint32_t data_len;
	uint64_t data_uptr;
	uint32_t fault_id;
	uint32_t reserved2;
};

#define IOMMU_VTD_S1_SRE  0x1u
#define IOMMU_VTD_S1_EAFE 0x2u
#define IOMMU_VTD_S1_WPE  0x4u

/* A first-stage table of VT-d, in memory of the parent. */
struct iommu_hwpt_vtd_s1 {
	uint64_t flags;
	uint64_t pgtbl_addr;
	uint32_t addr_width;
	uint32_t reserved;
};

#define IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 0x1u

struct iommu_hw_info_vtd {
	uint32_t flags;
	uint32_t reserved;
	uint64_t cap_reg;
	uint64_t ecap_reg;
};

#define IOMMU_HW_INFO_TYPE_NONE      0u
#define IOMMU_HW_INFO_TYPE_INTEL_VTD 1u
#define IOMMU_HW_CAP_DIRTY_TRACKING  0x1u

struct iommu_hw_info {
	uint32_t size;
	uint32_t flags;
	uint32_t dev_id;
	uint32_t data_len;
	uint64_t data_uptr;
	uint32_t out_data_type;
	uint8_t out_max_pasid_log2;
	uint8_t reserved[3];
	uint64_t out_capabilities;
};

#define IOMMU_HWPT_DIRTY_TRACKING_ENABLE 0x1u

struct iommu_hwpt_set_dirty_tracking {
	uint32_t size;
	uint32_t flags;
	uint32_t hwpt_id;
	uint32_t reserved;
};

#define IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR 0x1u

struct iommu_hwpt_get_dirty_bitmap {
	uint32_t size;
	uint32_t hwpt_id;
	uint32_t flags;
	uint32_t reserved;
	uint64_t iova;
	uint64_t length;
	uint64_t page_size;
	uint64_t data; /* bits */
};

#define IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 0u
#define IOMMU_VTD_INV_FLAGS_LEAF          0x1u

struct iommu_hwpt_vtd_s1_invalidate {
	uint64_t addr;
	uint64_t npages;
	uint32_t flags;
	uint32_t reserved;
};

struct iommu_hwpt_invalidate {
	uint32_t size;
	uint32_t hwpt_id;
	uint64_t data_uptr; /* entry_num entries of entry_len bytes */
	uint32_t data_type;
	uint32_t entry_len;
	uint32_t entry_num;
	uint32_t reserved;
};

#define IOMMU_PGFAULT_FLAGS_PASID_VALID 0x1u
#define IOMMU_PGFAULT_FLAGS_LAST_PAGE   0x2u

#define IOMMU_PGFAULT_PERM_READ  0x1u
#define IOMMU_PGFAULT_PERM_WRITE 0x2u

/* What is read from a fault queue. */
struct iommu_hwpt_pgfault {
	uint32_t flags;
	uint32_t dev_id;
	uint32_t pasid;
	uint32_t grpid;
	uint32_t perm;
	uint32_t reserved;
	uint64_t addr;
	uint32_t length;
	uint32_t cookie;
};

#define IOMMUFD_PAGE_RESP_SUCCESS 0u
#define IOMMUFD_PAGE_RESP_INVALID 1u

/* What is written to it. */
struct iommu_hwpt_page_response {
	uint32_t cookie;
	uint32_t code;
};

struct iommu_fault_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t out_fault_id;
	uint32_t out_fault_fd;
};

static_assert(sizeof(struct iommu_hwpt_alloc) == 48, "ABI");
static_assert(sizeof(struct iommu_hwpt_vtd_s1) == 24, "ABI");
static_assert(sizeof(struct iommu_hw_info_vtd) == 24, "ABI");
static_assert(sizeof(struct iommu_hw_info) == 40, "ABI");
static_assert(sizeof(struct iommu_hwpt_set_dirty_tracking) == 16, "ABI");
static_assert(sizeof(struct iommu_hwpt_get_dirty_bitmap) == 48, "ABI");
static_assert(sizeof(struct iommu_hwpt_vtd_s1_invalidate) == 24, "ABI");
static_assert(sizeof(struct iommu_hwpt_invalidate) == 32, "ABI");
static_assert(sizeof(struct iommu_hwpt_pgfault) == 40, "ABI");
static_assert(sizeof(struct iommu_hwpt_page_response) == 8, "ABI");
static_assert(sizeof(struct iommu_fault_alloc) == 16, "ABI");

#endif /* UVF_IOMMU_IOMMUFD_ABI_HWPT_H */

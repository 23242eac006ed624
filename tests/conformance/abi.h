/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What linux/vfio.h of Debian 12 does not define yet.  The numbers are the
 * kernel's ABI; the suite asks every kernel about them, old ones included.
 */
#ifndef CONFORMANCE_ABI_H
#define CONFORMANCE_ABI_H

#include <linux/vfio.h>
#include <stdint.h>

#define ABI_EXT_UNMAP_ALL    9
#define ABI_EXT_UPDATE_VADDR 10

#define ABI_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#define ABI_ATTACH_PT    _IO(VFIO_TYPE, VFIO_BASE + 19)
#define ABI_DETACH_PT    _IO(VFIO_TYPE, VFIO_BASE + 20)

struct abi_bind {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t devid;
};

struct abi_attach {
	uint32_t argsz, flags, pt_id;
};

struct abi_detach {
	uint32_t argsz, flags;
};

/* linux/iommufd.h, which Debian 12 has not at all */
#define ABI_IOMMU_DESTROY     _IO(';', 0x80)
#define ABI_IOMMU_IOAS_ALLOC  _IO(';', 0x81)
#define ABI_IOMMU_ALLOW_IOVAS _IO(';', 0x82)
#define ABI_IOMMU_IOAS_COPY   _IO(';', 0x83)
#define ABI_IOMMU_IOVA_RANGES _IO(';', 0x84)
#define ABI_IOMMU_IOAS_MAP    _IO(';', 0x85)
#define ABI_IOMMU_IOAS_UNMAP  _IO(';', 0x86)
#define ABI_IOMMU_OPTION      _IO(';', 0x87)
#define ABI_IOMMU_VFIO_IOAS   _IO(';', 0x88)
#define ABI_IOMMU_HWPT_ALLOC  _IO(';', 0x89)
#define ABI_IOMMU_GET_HW_INFO _IO(';', 0x8a)
#define ABI_IOMMU_SET_DIRTY   _IO(';', 0x8b)
#define ABI_IOMMU_GET_DIRTY   _IO(';', 0x8c)
#define ABI_IOMMU_INVALIDATE  _IO(';', 0x8d)
#define ABI_IOMMU_FAULT_ALLOC _IO(';', 0x8e)

struct abi_iommu_destroy {
	uint32_t size, id;
};

struct abi_ioas_alloc {
	uint32_t size, flags, out_ioas_id;
};

struct abi_iova_range {
	uint64_t start, last;
};

/* IOVA_RANGES; ALLOW_IOVAS is without the last field. */
struct abi_iova_ranges {
	uint32_t size, ioas_id, num_iovas, reserved;
	uint64_t allowed_iovas, out_iova_alignment;
};

struct abi_allow_iovas {
	uint32_t size, ioas_id, num_iovas, reserved;
	uint64_t allowed_iovas;
};

struct abi_ioas_map {
	uint32_t size, flags, ioas_id, reserved;
	uint64_t user_va, length, iova;
};

struct abi_ioas_copy {
	uint32_t size, flags, dst_ioas_id, src_ioas_id;
	uint64_t length, dst_iova, src_iova;
};

struct abi_ioas_unmap {
	uint32_t size, ioas_id;
	uint64_t iova, length;
};

struct abi_option {
	uint32_t size, option_id;
	uint16_t op, reserved;
	uint32_t object_id;
	uint64_t val64;
};

struct abi_vfio_ioas {
	uint32_t size, ioas_id;
	uint16_t op, reserved;
};

struct abi_hwpt_alloc {
	uint32_t size, flags, dev_id, pt_id, out_hwpt_id, reserved;
	uint32_t data_type, data_len;
	uint64_t data_uptr;
	uint32_t fault_id, reserved2;
};

struct abi_hw_info {
	uint32_t size, flags, dev_id, data_len;
	uint64_t data_uptr;
	uint32_t out_data_type, reserved;
	uint64_t out_capabilities;
};

struct abi_set_dirty {
	uint32_t size, flags, hwpt_id, reserved;
};

struct abi_get_dirty {
	uint32_t size, hwpt_id, flags, reserved;
	uint64_t iova, length, page_size, data;
};

struct abi_invalidate {
	uint32_t size, hwpt_id;
	uint64_t data_uptr;
	uint32_t data_type, entry_len, entry_num, reserved;
};

struct abi_fault_alloc {
	uint32_t size, flags, out_fault_id, out_fault_fd;
};

#define ABI_OPTION_RLIMIT_MODE 0u
#define ABI_OPTION_HUGE_PAGES  1u
#define ABI_OPTION_SET         0u
#define ABI_OPTION_GET         1u

#define ABI_IOAS_FIXED_IOVA 1u
#define ABI_IOAS_WRITEABLE  2u
#define ABI_IOAS_READABLE   4u
#define ABI_IOAS_ALL_RIGHTS                                                    \
	(ABI_IOAS_FIXED_IOVA | ABI_IOAS_WRITEABLE | ABI_IOAS_READABLE)

#define ABI_FEATURE_MIG_DATA_SIZE  9
#define ABI_FEATURE_BUS_MASTER     10
#define ABI_FEATURE_DMA_BUF        11
#define ABI_FEATURE_MIG_PRECOPY_V2 12

/* A region's offset on the device fd, as vfio-pci lays them out. */
#define ABI_REGION(index) ((off_t)(index) << 40)

/* sizeof(struct vfio_irq_set) without its payload, and its end marker. */
#define ABI_IRQ_SET_SIZE 20u
#define ABI_IRQ_NONE     VFIO_IRQ_SET_DATA_NONE
#define ABI_IRQ_BOOL     VFIO_IRQ_SET_DATA_BOOL
#define ABI_IRQ_EVENTFD  VFIO_IRQ_SET_DATA_EVENTFD
#define ABI_IRQ_MASK     VFIO_IRQ_SET_ACTION_MASK
#define ABI_IRQ_UNMASK   VFIO_IRQ_SET_ACTION_UNMASK
#define ABI_IRQ_TRIGGER  VFIO_IRQ_SET_ACTION_TRIGGER

#endif /* CONFORMANCE_ABI_H */

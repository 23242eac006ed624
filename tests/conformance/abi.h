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
#define ABI_IOMMU_DESTROY    _IO(';', 0x80)
#define ABI_IOMMU_IOAS_ALLOC _IO(';', 0x81)
#define ABI_IOMMU_IOAS_MAP   _IO(';', 0x85)
#define ABI_IOMMU_IOAS_UNMAP _IO(';', 0x86)
#define ABI_IOMMU_VFIO_IOAS  _IO(';', 0x88)

struct abi_iommu_destroy {
	uint32_t size, id;
};

struct abi_ioas_alloc {
	uint32_t size, flags, out_ioas_id;
};

struct abi_ioas_map {
	uint32_t size, flags, ioas_id, reserved;
	uint64_t user_va, length, iova;
};

struct abi_ioas_unmap {
	uint32_t size, ioas_id;
	uint64_t iova, length;
};

struct abi_vfio_ioas {
	uint32_t size, ioas_id;
	uint16_t op, reserved;
};

#define ABI_IOAS_FIXED_IOVA 1u
#define ABI_IOAS_WRITEABLE  2u
#define ABI_IOAS_READABLE   4u

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

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ABI of VFIO v0.2, as proposed in 2011: nineteen ioctls on three kinds
 * of file.
 *
 * Names and numbers are the proposal's, with V02 put before what
 * linux/vfio.h of today uses for something else.  Two numbers mean another
 * call there on the same kind of file: GROUP_GET_IOMMU_FD is today's
 * VFIO_GROUP_GET_STATUS, DEVICE_RESET is VFIO_DEVICE_IOEVENTFD.
 */
#ifndef UVF_V02_ABI_H
#define UVF_V02_ABI_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* On a group. */
#define V02_GROUP_GET_FLAGS     _IOR(';', 100, uint64_t)
#define V02_GROUP_MERGE         _IOW(';', 101, int)
#define V02_GROUP_UNMERGE       _IOW(';', 102, int)
#define V02_GROUP_GET_IOMMU_FD  _IO(';', 103)
#define V02_GROUP_GET_DEVICE_FD _IOW(';', 104, char *)

#define V02_GROUP_VIABLE    1u /* all members are bound to their VFIO driver */
#define V02_GROUP_MM_LOCKED 2u /* one process uses it */

/* On an iommu. */
#define V02_IOMMU_GET_FLAGS _IOR(';', 105, uint64_t)
#define V02_IOMMU_MAP_DMA   _IOWR(';', 106, struct v02_dma_map)
#define V02_IOMMU_UNMAP_DMA _IOWR(';', 107, struct v02_dma_map)

#define V02_IOMMU_MAP_ANY 1u /* any address may be mapped */

#define V02_DMA_MAP_WRITE 1u /* the device may write; it may always read */

struct v02_dma_map {
	uint64_t len; /* of the structure */
	uint64_t vaddr;
	uint64_t dmaaddr;
	uint64_t size;
	uint64_t flags;
};

/* On a device. */
#define V02_DEVICE_GET_FLAGS          _IOR(';', 108, uint64_t)
#define V02_DEVICE_GET_NUM_REGIONS    _IOR(';', 109, int)
#define V02_DEVICE_GET_REGION_INFO    _IOWR(';', 110, struct v02_region_info)
#define V02_DEVICE_GET_NUM_IRQS       _IOR(';', 111, int)
#define V02_DEVICE_GET_IRQ_INFO       _IOWR(';', 112, struct v02_irq_info)
#define V02_DEVICE_SET_IRQ_EVENTFDS   _IOW(';', 113, int)
#define V02_DEVICE_UNMASK_IRQ         _IOW(';', 114, int)
#define V02_DEVICE_SET_UNMASK_EVENTFD _IOW(';', 115, int)
#define V02_DEVICE_RESET              _IO(';', 116)
#define V02_DEVICE_GET_DTPATH         _IOWR(';', 117, struct v02_dtpath)
#define V02_DEVICE_GET_DTINDEX        _IOWR(';', 118, struct v02_dtindex)

#define V02_DEVICE_PCI       1u
#define V02_DEVICE_DT        2u
#define V02_DEVICE_CAN_RESET 4u

#define V02_REGION_MMAP       1u
#define V02_REGION_RO         2u
#define V02_REGION_PHYS_VALID 4u

struct v02_region_info {
	uint32_t len; /* of the structure, with or without phys */
	uint32_t index;
	uint64_t size;
	uint64_t offset; /* in the device's file */
	uint64_t flags;
	uint64_t phys;
};

#define V02_IRQ_LEVEL 1u

struct v02_irq_info {
	uint32_t len;
	uint32_t index;
	uint32_t count;
	uint32_t flags;
};

/* What a node of the device tree is asked about. */
#define V02_DT_REGION 1u
#define V02_DT_IRQ    2u

struct v02_dtpath {
	uint32_t len; /* of the structure and the room for the path */
	uint32_t index;
	uint64_t flags;
	uint64_t path; /* char * */
};

/* Values of v02_dtindex::prop_type. */
enum v02_dt_prop {
	V02_DT_REG,
	V02_DT_RANGES,
	V02_DT_INTERRUPTS,
};

struct v02_dtindex {
	uint32_t len;
	uint32_t index;
	uint32_t prop_type;
	uint32_t prop_index;
	uint64_t flags;
};

/* Regions and interrupts of a PCI function. */
enum v02_pci_region {
	V02_PCI_BAR0_REGION,
	V02_PCI_ROM_REGION = 6,
	V02_PCI_CONFIG_REGION,
	V02_PCI_NUM_REGIONS,
};

enum v02_pci_irq {
	V02_PCI_INTX_IRQ,
	V02_PCI_MSI_IRQ,
	V02_PCI_MSIX_IRQ,
	V02_PCI_NUM_IRQS,
};

/* clang-format off */
static_assert(V02_GROUP_GET_FLAGS               == 0x80083b64, "ABI");
static_assert(V02_GROUP_MERGE                   == 0x40043b65, "ABI");
static_assert(V02_GROUP_UNMERGE                 == 0x40043b66, "ABI");
static_assert(V02_GROUP_GET_IOMMU_FD            == 0x00003b67, "ABI");
static_assert(V02_GROUP_GET_DEVICE_FD           == 0x40083b68, "ABI");
static_assert(V02_IOMMU_GET_FLAGS               == 0x80083b69, "ABI");
static_assert(V02_IOMMU_MAP_DMA                 == 0xc0283b6a, "ABI");
static_assert(V02_IOMMU_UNMAP_DMA               == 0xc0283b6b, "ABI");
static_assert(V02_DEVICE_GET_FLAGS              == 0x80083b6c, "ABI");
static_assert(V02_DEVICE_GET_NUM_REGIONS        == 0x80043b6d, "ABI");
static_assert(V02_DEVICE_GET_REGION_INFO        == 0xc0283b6e, "ABI");
static_assert(V02_DEVICE_GET_NUM_IRQS           == 0x80043b6f, "ABI");
static_assert(V02_DEVICE_GET_IRQ_INFO           == 0xc0103b70, "ABI");
static_assert(V02_DEVICE_SET_IRQ_EVENTFDS       == 0x40043b71, "ABI");
static_assert(V02_DEVICE_UNMASK_IRQ             == 0x40043b72, "ABI");
static_assert(V02_DEVICE_SET_UNMASK_EVENTFD == 0x40043b73, "ABI");
static_assert(V02_DEVICE_RESET                  == 0x00003b74, "ABI");
static_assert(V02_DEVICE_GET_DTPATH             == 0xc0183b75, "ABI");
static_assert(V02_DEVICE_GET_DTINDEX            == 0xc0183b76, "ABI");
/* clang-format on */

static_assert(sizeof(struct v02_dma_map) == 40, "ABI");
static_assert(sizeof(struct v02_region_info) == 40, "ABI");
static_assert(offsetof(struct v02_region_info, phys) == 32, "ABI");
static_assert(sizeof(struct v02_irq_info) == 16, "ABI");
static_assert(sizeof(struct v02_dtpath) == 24, "ABI");
static_assert(sizeof(struct v02_dtindex) == 24, "ABI");

#endif /* UVF_V02_ABI_H */

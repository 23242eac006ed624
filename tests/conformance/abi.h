/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What linux/vfio.h of Debian 12 does not define yet.  The numbers are the
 * kernel's ABI; the suite asks every kernel about them, old ones included.
 */
#ifndef CONFORMANCE_ABI_H
#define CONFORMANCE_ABI_H

#include <linux/vfio.h>

#define ABI_EXT_UNMAP_ALL    9
#define ABI_EXT_UPDATE_VADDR 10

#define ABI_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#define ABI_ATTACH_PT    _IO(VFIO_TYPE, VFIO_BASE + 19)
#define ABI_DETACH_PT    _IO(VFIO_TYPE, VFIO_BASE + 20)

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

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Client memory for devices that reach it by the processor: mediated and
 * emulated ones.
 */
#ifndef UVF_CORE_PIN_H
#define UVF_CORE_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uvf_container;
struct uvf_device;

/*
 * Begin and end with the first open and the last close of a device.
 * Context: its set's lock is held; its close() has run, or open() has not.
 */
void uvf_pin_begin(struct uvf_device *device, struct uvf_container *container);
void uvf_pin_end(struct uvf_device *device);

/**
 * uvf_device_pin_pages() - keep client pages from going away
 * @iova:      of the first
 * @count:     pages of 4096 bytes
 * @prot:      IOMMU_READ, IOMMU_WRITE as the backend has them
 * @ret_pages: where each of them is here
 *
 * Context: the device is open.
 * Return: @count, or, in the order they are tested:
 *   -EINVAL  no @ret_pages, no @count, not open, no dma_unmap()
 *   -E2BIG   more than UVF_PIN_MAX, in a container
 *   -ENOTTY  the backend cannot
 *   or what the backend, or uvf_iommufd_access_pin(), says
 */
int uvf_device_pin_pages(struct uvf_device *device, uint64_t iova, size_t count,
			 uint32_t prot, void **ret_pages);

/*
 * Undoes as many pins of the same pages.
 * Context: as above, or ops->dma_unmap().
 */
void uvf_device_unpin_pages(struct uvf_device *device, uint64_t iova,
			    size_t count);

/**
 * uvf_device_dma_rw() - copy from client memory, or to it
 * Context: the device is open.
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  nothing to copy, not open
 *   -ENOTTY  the backend cannot
 *   or what the backend, or uvf_iommufd_access_rw(), says
 */
int uvf_device_dma_rw(struct uvf_device *device, uint64_t iova, void *buf,
		      size_t len, bool is_write);

#endif /* UVF_CORE_PIN_H */

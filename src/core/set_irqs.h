/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO_DEVICE_SET_IRQS: what is checked for every kind of device.
 */
#ifndef UVF_CORE_SET_IRQS_H
#define UVF_CORE_SET_IRQS_H

#include <stddef.h>

#include <linux/vfio.h>

/* Bytes of the argument without its data. */
#define UVF_SET_IRQS_SIZE offsetof(struct vfio_irq_set, data)

/**
 * uvf_set_irqs_check() - whether a request can mean something
 * @hdr:      UVF_SET_IRQS_SIZE bytes of it
 * @num_irqs: interrupts that its index has
 * @indexes:  that the device has
 * @ret_size: written on success: bytes of data that follow
 *
 * Source: vfio_set_irqs_validate_and_prepare(); drivers/vfio/vfio_main.c,
 * Linux 6.12.
 * Return: 0, or -EINVAL: argsz, index, count, flags; start or count beyond
 * the index; no kind of data or more than one; argsz too small for it.
 */
int uvf_set_irqs_check(const struct vfio_irq_set *hdr, unsigned int num_irqs,
		       unsigned int indexes, size_t *ret_size);

#endif /* UVF_CORE_SET_IRQS_H */

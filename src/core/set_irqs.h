/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO_DEVICE_SET_IRQS: what is checked for every kind of device.
 */
#ifndef UVF_CORE_SET_IRQS_H
#define UVF_CORE_SET_IRQS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/vfio.h>

struct uvf_caller;

/* Bytes of the argument without its data. */
#define UVF_SET_IRQS_SIZE offsetof(struct vfio_irq_set, data)

/* A SET_IRQS request that passed the checks common to all. */
struct uvf_irq_set {
	struct uvf_caller *caller;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	const uint8_t *data; /* count elements; NULL for DATA_NONE */
};

/* Element of DATA_EVENTFD and DATA_BOOL. */
int uvf_irq_set_fd(const struct uvf_irq_set *set, unsigned int i);
/* Whether element i of DATA_NONE or DATA_BOOL says yes. */
bool uvf_irq_set_is_on(const struct uvf_irq_set *set, unsigned int i);

/* Our descriptor of the caller's eventfd fd, or -EBADF, -EINVAL. */
int uvf_eventfd_lookup(struct uvf_caller *caller, int fd);
/* Closes *fd and makes it -1. */
void uvf_eventfd_drop(int *fd);

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

/**
 * uvf_set_irqs_begin() - what a request asks for, with its data
 * @hdr:  checked
 * @arg:  where the caller has it
 * @size: bytes of data that follow
 * @set:  written on success; uvf_set_irqs_end() frees what it has
 * Return: 0, or, in the order they are tested: -ENOMEM, -EFAULT.
 */
int uvf_set_irqs_begin(struct uvf_irq_set *set, struct uvf_caller *caller,
		       const struct vfio_irq_set *hdr, unsigned long arg,
		       size_t size);
void uvf_set_irqs_end(struct uvf_irq_set *set);

#endif /* UVF_CORE_SET_IRQS_H */

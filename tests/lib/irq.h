/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO_DEVICE_SET_IRQS with one eventfd, for programs and for unit tests.
 */
#ifndef TESTS_LIB_IRQ_H
#define TESTS_LIB_IRQ_H

#include <linux/vfio.h>
#include <stdint.h>

/* The argument: the header and what follows it. */
struct irq_one {
	struct vfio_irq_set set;
	int32_t fd;
};

/* Interrupt 0 of this index triggers this eventfd. */
static inline struct irq_one irq_one(uint32_t index, int fd)
{
	struct irq_one irq = {
		.set = {.argsz = sizeof(irq),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = index,
			.count = 1},
		.fd = fd,
	};

	return irq;
}

#endif /* TESTS_LIB_IRQ_H */

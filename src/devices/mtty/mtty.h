/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PCI card with one or two serial ports that hear what they say, as the
 * kernel's example of a driver of mediated devices emulates it.
 *
 * Source of all behaviour: samples/vfio-mdev/mtty.c, Linux 6.12.
 */
#ifndef UVF_DEVICES_MTTY_MTTY_H
#define UVF_DEVICES_MTTY_MTTY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvfio/driver.h>
#include <uvfio/mdev.h>

#define MTTY_PORTS_MAX   24u /* of all devices of a parent together */
#define MTTY_DEVICE_MAX  2u  /* ports of one device */
#define MTTY_CONFIG_SIZE 255u
#define MTTY_BAR_SIZE    8u
#define MTTY_FIFO_SIZE   16u
#define MTTY_IRQ_NONE    (-1)

/* One port.  The layout is that in a stream of migration. */
struct mtty_port {
	uint8_t regs[8]; /* what was written, by offset */
	uint8_t fifo[MTTY_FIFO_SIZE];
	uint8_t head, tail; /* next to write, next to read */
	uint8_t count;
	uint8_t has_divisor; /* offsets 0 and 1 are the divisor */
	uint8_t is_overrun;
	uint16_t divisor;
	uint8_t fcr;
	uint8_t room;  /* bytes of the FIFO that may be used */
	uint8_t level; /* bytes that raise an interrupt; 0: none was set */
};

/* A stream of migration; a device with one port ends after the first. */
struct mtty_stream {
	uint64_t magic;
	uint32_t major, minor;
	uint32_t ports;
	uint32_t flags;
	struct mtty_port port[MTTY_DEVICE_MAX];
};

struct mtty {
	struct uvfio_vfio_device *device;
	struct uvfio_mdev_parent *parent; /* fixed */
	unsigned int ports;               /* fixed */

	pthread_mutex_t lock; /* protects what follows */
	uint8_t config[MTTY_CONFIG_SIZE];
	struct mtty_port port[MTTY_DEVICE_MAX];
	unsigned int known_irqs; /* 0 until GET_INFO told their number */
	int irq;                 /* VFIO_PCI_*_IRQ_INDEX that is enabled */
	int intx_fd, msi_fd;     /* eventfds; -1: none */
	bool is_intx_masked;
	struct mtty_stream stream;
	size_t stream_size; /* bytes of it that are there */
	size_t stream_at;   /* that were read */
};

/* The following run with the lock held. */

/* config.c: power-on state, and bytes of configuration space. */
void mtty_config_init(struct mtty *mtty);
void mtty_config_read(const struct mtty *mtty, uint64_t offset, uint8_t *buf,
		      size_t len);
void mtty_config_write(struct mtty *mtty, uint16_t offset,
		       const uint8_t buf[4]);

/* uart.c: one register of a port; *ret_value stays when there is nothing. */
void mtty_uart_read(struct mtty *mtty, unsigned int port, uint16_t offset,
		    uint8_t *ret_value);
void mtty_uart_write(struct mtty *mtty, unsigned int port, uint16_t offset,
		     uint8_t value);

/* irqs.c: send what is enabled; take everything away. */
void mtty_interrupt(struct mtty *mtty);
void mtty_irqs_close(struct mtty *mtty);

/* migrate.c; takes the lock itself. */
extern const struct uvfio_vfio_migration_ops mtty_migration_ops;

/* VFIO_DEVICE_SET_IRQS; takes the lock itself. */
long mtty_set_irqs(struct mtty *mtty, struct uvfio_client *client,
		   unsigned long arg);

#endif /* UVF_DEVICES_MTTY_MTTY_H */

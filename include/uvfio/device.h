/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every device model is made of: its options, its life, the memory it
 * reaches by DMA, its timers, its poller and the cable to another device.
 *
 * A model is a descriptor (uvfio/pci.h) and the callbacks below.  It never
 * sees VFIO: bus mastering, IOMMU, interrupt routing and resets are decided
 * before a callback runs or behind the calls offered here.
 *
 * Context: every callback runs with the device's lock held, so that no two
 * callbacks of one device run at the same time.  The calls below may be used
 * from a callback of the same device, unless they say otherwise.
 */
#ifndef UVFIO_DEVICE_H
#define UVFIO_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvfio_dev; /* one instance of a model */

/* One line for a person; empty when there is nothing to say. */
struct uvfio_error {
	char text[256];
};

/**
 * uvfio_error_set() - say what is wrong, and what would be right
 * @err: where to write; NULL is allowed
 * @fmt: printf format of one line without a newline; longer text is cut
 */
void uvfio_error_set(struct uvfio_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A key of `-d MODEL,KEY=VALUE`; the list ends with a NULL name. */
struct uvfio_key {
	const char *name;
	const char *value; /* what to write after '=', e.g. "FILE" */
	const char *help;  /* one line, lower case, no full stop */
};

/* What the user wrote after the name of a model, before there is a device. */
struct uvfio_spec;

/** uvfio_spec_value() - the value of a key, or NULL when it was not given */
const char *uvfio_spec_value(const struct uvfio_spec *spec, const char *key);

/*
 * How the pages of a BAR behave for a client that maps them.
 *
 * TRAP: each load and store is one access() callback.
 * RAM:  plain memory, shared with the model (uvfio_mem()).
 * POLL: as RAM, and the model's poll() looks at it for doorbells; where no
 *       thread can poll, stores are trapped and poll() runs at once.
 * RDIRECT: loads find memory that the model writes (uvfio_mem()), of any
 *       width, and reach no callback; each store is an access() callback,
 *       which alone decides what becomes of the memory.
 * HOLE: nobody is there: loads are all ones, stores vanish, of any width.
 */
enum uvfio_page_kind {
	UVFIO_PAGE_TRAP,
	UVFIO_PAGE_RAM,
	UVFIO_PAGE_POLL,
	UVFIO_PAGE_RDIRECT,
	UVFIO_PAGE_HOLE
};

/* Why a function is reset. */
enum uvfio_reset_kind {
	UVFIO_RESET_OPEN,  /* a client opens the device */
	UVFIO_RESET_CLOSE, /* the last client left */
	UVFIO_RESET_IOCTL, /* VFIO_DEVICE_RESET */
	UVFIO_RESET_FLR,   /* function-level reset by a capability */
	UVFIO_RESET_HOT,   /* the bus it is on is reset, and all others there */
	UVFIO_RESET_PM,    /* it comes back from D3, where it lost its state */
};

/* What happened to the function; value in brackets. */
enum uvfio_event {
	UVFIO_EVENT_BUS_MASTER, /* may do DMA now [1] or no more [0] */
	UVFIO_EVENT_IRQ_MODE,   /* enum uvfio_irq_mode that is active now */
	UVFIO_EVENT_ERROR,      /* a user let it report an error to the host */
};

/* Any of them may be NULL: there is nothing to do then. */
struct uvfio_device_ops {
	/*
	 * Build the instance; private memory is zeroed.  Return 0 or a
	 * negative errno and say why in err.  fini() does not follow a
	 * failed init().
	 */
	int (*init)(struct uvfio_dev *dev, struct uvfio_error *err);
	void (*fini)(struct uvfio_dev *dev);
	/*
	 * One register access of len bytes, naturally aligned, of a width
	 * the BAR declares, in a TRAP page, or a store in an RDIRECT page.  A
	 * negative return makes a read all-ones and drops a write.
	 */
	int (*access)(struct uvfio_dev *dev, unsigned int bar, uint64_t offset,
		      void *buf, size_t len, bool is_write);
	/* DMA is stopped.  Registers, timers, lines back to power-on. */
	void (*reset)(struct uvfio_dev *dev, enum uvfio_reset_kind kind);
	void (*event)(struct uvfio_dev *dev, enum uvfio_event event,
		      uint64_t value);
	/* Do a bounded piece of work; true: there was some, call again. */
	bool (*poll)(struct uvfio_dev *dev);
	/* The timer set by uvfio_timer_set() ran out. */
	void (*timer)(struct uvfio_dev *dev, unsigned int id);
};

#define UVFIO_TIMER_MAX 4 /* ids are 0 to UVFIO_TIMER_MAX - 1 */

/** uvfio_priv() - the model's own memory, of the size its descriptor names */
void *uvfio_priv(struct uvfio_dev *dev);

/** uvfio_dev_name() - the device's bus address, e.g. "0000:00:03.0" */
const char *uvfio_dev_name(const struct uvfio_dev *dev);

/**
 * uvfio_option() - the value of a key of the device's specification
 * Return: the text after '=', or NULL when the key was not given.
 */
const char *uvfio_option(const struct uvfio_dev *dev, const char *key);

/**
 * uvfio_mem() - memory behind RAM, POLL and RDIRECT pages of a BAR
 * @dev:    the device
 * @bar:    0 to 5
 * @offset: bytes from the start of the BAR
 *
 * Loads and stores race with the client's; use atomic accesses of the
 * register's width.
 *
 * Return: a pointer valid for the life of the device.
 */
void *uvfio_mem(struct uvfio_dev *dev, unsigned int bar, uint64_t offset);

/**
 * uvfio_dma_read() - read client memory as the device
 * uvfio_dma_write() - write client memory as the device
 * @dev:  the device
 * @iova: address on the bus
 * @buf:  host memory
 * @len:  bytes
 *
 * Bytes move in ascending order up to the first that may not be reached.
 *
 * An IOMMU takes addresses from 0xfee00000 to 0xfeefffff for interrupt
 * messages: an aligned write of 4 bytes there is as uvfio_vector_send(), if it
 * is the message of a vector of this device; all else there is a fault.
 *
 * Return: 0, or, in the order they are tested:
 *   -EPERM   bus mastering is off
 *   -EFAULT  a byte is not mapped for this direction, or is no message
 */
int uvfio_dma_read(struct uvfio_dev *dev, uint64_t iova, void *buf, size_t len);
int uvfio_dma_write(struct uvfio_dev *dev, uint64_t iova, const void *buf,
		    size_t len);

/**
 * uvfio_timer_set() - call timer() once, after a time
 * @dev: the device
 * @id:  0 to UVFIO_TIMER_MAX - 1; a running timer of this id starts anew
 * @ns:  nanoseconds from now; 0 stops the timer
 */
void uvfio_timer_set(struct uvfio_dev *dev, unsigned int id, uint64_t ns);

/**
 * uvfio_kick() - have poll() called soon, and again while it returns true
 * @dev: the device; any device, from any thread, with or without its lock
 */
void uvfio_kick(struct uvfio_dev *dev);

/**
 * uvfio_poll_hint() - say whether the device's POLL pages need watching
 * @dev: the device
 * @on:  true: call poll() again and again until told otherwise
 */
void uvfio_poll_hint(struct uvfio_dev *dev, bool on);

/**
 * uvfio_cable_plug() - plug the device into the cable of this name
 * @dev:  the device
 * @name: chosen by the user; a cable has two ends
 *
 * Only from init().
 *
 * Return: 0, or
 *   -ENOMEM  out of memory
 *   -EBUSY   both ends are taken
 *   -EINVAL  the other end is a device of another model
 */
int uvfio_cable_plug(struct uvfio_dev *dev, const char *name);

/**
 * uvfio_cable_peer() - the device at the other end of the cable
 * Return: the device, or NULL as long as there is none.  Its lock is not
 * held; only memory that its model shares by itself may be touched.
 */
struct uvfio_dev *uvfio_cable_peer(struct uvfio_dev *dev);

#ifdef __cplusplus
}
#endif

#endif /* UVFIO_DEVICE_H */

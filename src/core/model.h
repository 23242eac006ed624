/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host side of a device model: its lock, its memory, its gate to DMA,
 * its timers and its place at the device thread.
 */
#ifndef UVF_CORE_MODEL_H
#define UVF_CORE_MODEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <uvfio/device.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/range.h"
#include "core/faults.h"

struct uvf_aspace;
struct uvf_model_log;
struct uvf_options;
struct uvf_worker;

/* Two devices of one machine, wired together. */
struct uvf_cable {
	struct uvf_list node; /* in struct uvf_worker::cables */
	char *name;
	struct uvfio_dev *ends[2];
};

/* How much of a device stands still, for its migration. */
enum uvf_model_pause {
	UVF_MODEL_RUNS,
	UVF_MODEL_QUIET,  /* it begins nothing by itself; registers answer */
	UVF_MODEL_STOPPED /* the model is not called, and does no DMA */
};

/* Embedded by the bus's device (struct uvf_pci). */
struct uvfio_dev {
	const struct uvfio_device_ops *ops;
	const char *name;                  /* bus address; owned by embedder */
	const struct uvf_options *options; /* borrowed */
	void *priv;                        /* owned; of the model */
	void *(*mem)(struct uvfio_dev *dev, unsigned int bar, uint64_t offset);
	/* Fixed: where its IOMMU hears interrupt messages; .last 0: nowhere. */
	struct uvf_range msi_window;
	/*
	 * It wrote a message there, under its lock.  0, or -EFAULT: none that
	 * the host gave it.
	 */
	int (*message)(struct uvfio_dev *dev, uint64_t address, uint32_t data);
	struct uvf_worker *worker;
	struct uvf_cable *cable;
	unsigned int cable_end;

	struct uvf_mutex lock;     /* callbacks; protects what follows */
	bool is_bus_master;        /* the client let it do DMA */
	struct uvf_aspace *aspace; /* where DMA goes; NULL: nowhere */
	/* CLOCK_MONOTONIC ns, or what is left while it pauses; 0: off. */
	uint64_t deadlines[UVFIO_TIMER_MAX];
	enum uvf_model_pause pause;
	bool knows_bus_master;     /* what the model was told last */
	struct uvf_model_log *log; /* owned; NULL: nobody asked for it */

	struct uvf_dma_faults faults;
	/* Whose registers a DMA of it waits for; under the waiters' lock. */
	struct uvfio_dev *waits_for;
	struct uvf_list worker_node; /* the worker's, under its lock */
	atomic_bool is_kicked;
	atomic_bool is_watched; /* uvfio_poll_hint() */
};

/**
 * uvf_model_init() - prepare the host side and the model's memory
 * @dev:     zeroed, with ops, name, options and mem set
 * @worker:  the device thread that serves it from now on
 * Does not call the model.
 * Return: 0 or -ENOMEM.
 */
int uvf_model_init(struct uvfio_dev *dev, size_t priv_size,
		   struct uvf_worker *worker);
void uvf_model_fini(struct uvfio_dev *dev);

/**
 * uvf_model_start() - uvf_model_init(), and the model's init()
 * uvf_model_stop() - the model's fini(), and uvf_model_fini()
 * @err: what the model has to say
 *
 * On failure it is as if the model had never been called, and after the end
 * it is called no more.
 *
 * Context: no watch of an eventfd with the model's lock is left at the end.
 * Return: 0, -ENOMEM, or what init() returned.
 */
int uvf_model_start(struct uvfio_dev *dev, size_t priv_size,
		    struct uvf_worker *worker, struct uvfio_error *err);
void uvf_model_stop(struct uvfio_dev *dev);

/*
 * Let the device reach @as by DMA; NULL: nothing.  When it returns, no DMA
 * to the former address space runs.
 */
void uvf_model_set_aspace(struct uvfio_dev *dev, struct uvf_aspace *as);

/**
 * uvf_model_lock_target() - lock a device whose registers a DMA reaches
 *
 * A device's lock is held while it does DMA.  So one that reaches itself, or
 * one whose own DMA waits for it, would wait for ever: those are told apart.
 *
 * Context: from within a DMA, or without a device's lock.
 * Return: whether @dev->lock is held now.
 */
bool uvf_model_lock_target(struct uvfio_dev *dev)
	UVF_TSA(try_acquire_capability(true, dev->lock));

/* Which device does DMA on this thread; return which did before, or NULL. */
struct uvfio_dev *uvf_model_set_source(struct uvfio_dev *dev);

/* Bus mastering; tells the model when it changed. */
void uvf_model_set_bus_master_locked(struct uvfio_dev *dev, bool on)
	UVF_REQUIRES(dev->lock);

/**
 * uvf_model_pause_locked() - let a device stand still, or go on
 *
 * Timers keep the time that is left.  What a stopped model was not told, it is
 * told when it goes on.
 */
void uvf_model_pause_locked(struct uvfio_dev *dev, enum uvf_model_pause pause)
	UVF_REQUIRES(dev->lock);

#endif /* UVF_CORE_MODEL_H */

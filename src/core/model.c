/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/model.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "bus/options.h"
#include "core/eventwatch.h"
#include "core/model_log.h"
#include "core/worker_private.h"

int uvf_model_init(struct uvfio_dev *dev, size_t priv_size,
		   struct uvf_worker *worker)
{
	dev->priv = uvf_zalloc(priv_size ? priv_size : 1);
	if (!dev->priv)
		return -ENOMEM;
	uvf_mutex_init(&dev->lock);
	uvf_worker_add(worker, dev);
	return 0;
}

void uvf_model_fini(struct uvfio_dev *dev)
{
	uvf_worker_remove(dev);
	uvf_model_log_destroy(dev->log);
	uvf_mutex_fini(&dev->lock);
	uvf_free(dev->priv);
}

void uvf_model_set_aspace(struct uvfio_dev *dev, struct uvf_aspace *as)
{
	/* DMA runs under the lock only: taking it is waiting for it. */
	uvf_lock(&dev->lock);
	dev->aspace = as;
	uvf_unlock(&dev->lock);
}

/* Protects uvfio_dev::waits_for of all devices. */
static struct uvf_mutex waiters_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static __thread struct uvfio_dev *source;

struct uvfio_dev *uvf_model_set_source(struct uvfio_dev *dev)
{
	struct uvfio_dev *before = source;

	source = dev;
	return before;
}

/* Whether this thread has a lock that the holder of another waits for. */
static bool would_deadlock(struct uvfio_dev *dev)
{
	for (; dev; dev = dev->waits_for)
		if (uvf_is_held(&dev->lock))
			return true;
	return false;
}

bool uvf_model_lock_target(struct uvfio_dev *dev) UVF_NO_ANALYSIS
{
	bool may_wait;

	uvf_lock(&waiters_lock);
	may_wait = !would_deadlock(dev);
	if (may_wait && source)
		source->waits_for = dev;
	uvf_unlock(&waiters_lock);
	if (!may_wait)
		return false;
	uvf_lock(&dev->lock);
	if (source) {
		uvf_lock(&waiters_lock);
		source->waits_for = NULL;
		uvf_unlock(&waiters_lock);
	}
	return true;
}

/* A model that is gone is never called. */
static const struct uvfio_device_ops no_ops = {0};

int uvf_model_start(struct uvfio_dev *dev, size_t priv_size,
		    struct uvf_worker *worker, struct uvfio_error *err)
{
	int ret = uvf_model_init(dev, priv_size, worker);

	if (ret)
		return ret;
	uvf_lock(&dev->lock);
	ret = dev->ops->init ? dev->ops->init(dev, err) : 0;
	if (ret)
		dev->ops = &no_ops;
	uvf_unlock(&dev->lock);
	if (ret)
		uvf_model_fini(dev);
	return ret;
}

void uvf_model_stop(struct uvfio_dev *dev)
{
	uvf_lock(&dev->lock);
	if (dev->ops->fini)
		dev->ops->fini(dev);
	/* The device thread may still hold this device in its hands. */
	dev->ops = &no_ops;
	memset(dev->deadlines, 0, sizeof(dev->deadlines));
	uvf_unlock(&dev->lock);
	uvf_eventwatch_drain();
	uvf_model_fini(dev);
}

static void tell_bus_master_locked(struct uvfio_dev *dev)
	UVF_REQUIRES(dev->lock)
{
	if (dev->pause == UVF_MODEL_STOPPED ||
	    dev->knows_bus_master == dev->is_bus_master)
		return;
	dev->knows_bus_master = dev->is_bus_master;
	if (dev->ops->event)
		dev->ops->event(dev, UVFIO_EVENT_BUS_MASTER,
				dev->is_bus_master);
}

void uvf_model_set_bus_master_locked(struct uvfio_dev *dev, bool on)
{
	uvf_assert_held(&dev->lock);
	dev->is_bus_master = on;
	tell_bus_master_locked(dev);
}

void uvf_model_pause_locked(struct uvfio_dev *dev, enum uvf_model_pause pause)
{
	bool did_run = dev->pause == UVF_MODEL_RUNS;

	uvf_assert_held(&dev->lock);
	dev->pause = pause;
	if (did_run && pause != UVF_MODEL_RUNS)
		uvf_worker_freeze_locked(dev);
	else if (!did_run && pause == UVF_MODEL_RUNS)
		uvf_worker_thaw_locked(dev);
	tell_bus_master_locked(dev);
}

void *uvfio_priv(struct uvfio_dev *dev)
{
	return dev->priv;
}

const char *uvfio_dev_name(const struct uvfio_dev *dev)
{
	return dev->name;
}

const char *uvfio_option(const struct uvfio_dev *dev, const char *key)
{
	return uvf_options_find(dev->options, key);
}

void *uvfio_mem(struct uvfio_dev *dev, unsigned int bar, uint64_t offset)
{
	return dev->mem(dev, bar, offset);
}

struct uvfio_dev *uvfio_cable_peer(struct uvfio_dev *dev)
{
	return dev->cable ? dev->cable->ends[!dev->cable_end] : NULL;
}

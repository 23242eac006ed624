/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <uvfio/device.h>

#include "base/alloc.h"
#include "base/list.h"
#include "core/model.h"
#include "core/worker_private.h"
#include "iommu/iommu.h"

#define NSEC_PER_SEC 1000000000ull

/* How long idle devices are watched before the thread naps, and how long. */
#define SPIN_NS 1000000ull
#define NAP_NS  50000ull

struct uvf_worker {
	pthread_t thread;
	bool may_spin;

	pthread_mutex_t lock;  /* protects what follows */
	pthread_cond_t wake;   /* something to do, or stop */
	pthread_cond_t left;   /* current or removers changed */
	unsigned int removers; /* wait for the thread to stand still */
	bool is_started;
	bool is_asleep;
	bool must_stop;
	struct uvfio_dev *current; /* being served without the lock */
	struct uvf_list devices;   /* by worker_node */
	struct uvf_list cables;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void wake(struct uvf_worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	if (worker->is_asleep)
		pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
}

static void run_timers_locked(struct uvfio_dev *dev) UVF_REQUIRES(dev->lock)
{
	uint64_t now = 0;

	for (unsigned int id = 0; id < UVFIO_TIMER_MAX; id++) {
		if (!dev->deadlines[id])
			continue;
		if (!now)
			now = now_ns();
		if (dev->deadlines[id] > now)
			continue;
		dev->deadlines[id] = 0;
		if (dev->ops->timer)
			dev->ops->timer(dev, id);
	}
}

/* The next deadline of a device, or 0. */
static uint64_t next_deadline_locked(const struct uvfio_dev *dev)
{
	uint64_t next = 0;

	for (unsigned int id = 0; id < UVFIO_TIMER_MAX; id++)
		if (dev->deadlines[id] && (!next || dev->deadlines[id] < next))
			next = dev->deadlines[id];
	return next;
}

/* True when the device did something and wants to be called again. */
static bool serve(struct uvf_worker *worker, struct uvfio_dev *dev,
		  uint64_t *next)
{
	bool is_kicked = atomic_exchange(&dev->is_kicked, false);
	bool must_poll = is_kicked ||
			 (worker->may_spin && atomic_load(&dev->is_watched));
	bool did_work = false;
	uint64_t deadline = 0;

	uvf_lock(&dev->lock);
	/* One that pauses is kicked when it goes on. */
	if (dev->pause == UVF_MODEL_RUNS) {
		run_timers_locked(dev);
		if (must_poll && dev->ops->poll)
			did_work = dev->ops->poll(dev);
		deadline = next_deadline_locked(dev);
	}
	uvf_unlock(&dev->lock);
	if (deadline && (!*next || deadline < *next))
		*next = deadline;
	if (did_work)
		atomic_store(&dev->is_kicked, true);
	return did_work;
}

/* What one round over all devices found. */
struct round {
	bool did_work;
	bool is_watching;
	uint64_t deadline; /* the earliest, or 0 */
};

static void serve_all(struct uvf_worker *worker, struct round *round)
{
	struct uvf_list *node = worker->devices.next;

	while (node != &worker->devices) {
		struct uvfio_dev *dev =
			uvf_list_entry(node, struct uvfio_dev, worker_node);

		worker->current = dev;
		pthread_mutex_unlock(&worker->lock);
		round->did_work |= serve(worker, dev, &round->deadline);
		round->is_watching |= atomic_load(&dev->is_watched);
		pthread_mutex_lock(&worker->lock);
		worker->current = NULL;
		node = dev->worker_node.next;
		if (worker->removers) {
			/* What was not asked is asked before sleeping. */
			round->did_work = true;
			break;
		}
	}
	pthread_cond_broadcast(&worker->left);
	while (worker->removers)
		pthread_cond_wait(&worker->left, &worker->lock);
}

static bool any_kicked(struct uvf_worker *worker)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &worker->devices)
		if (atomic_load(
			    &uvf_list_entry(node, struct uvfio_dev, worker_node)
				     ->is_kicked))
			return true;
	return false;
}

static void sleep_until(struct uvf_worker *worker, uint64_t deadline)
{
	struct timespec ts = {
		.tv_sec = (time_t)(deadline / NSEC_PER_SEC),
		.tv_nsec = (long)(deadline % NSEC_PER_SEC),
	};

	worker->is_asleep = true;
	uvf_reader_offline();
	if (worker->must_stop || any_kicked(worker))
		;
	else if (deadline)
		pthread_cond_timedwait(&worker->wake, &worker->lock, &ts);
	else
		pthread_cond_wait(&worker->wake, &worker->lock);
	uvf_reader_online();
	worker->is_asleep = false;
}

static void *worker_main(void *arg)
{
	struct uvf_worker *worker = arg;
	uint64_t idle_since = 0;

	pthread_setname_np(pthread_self(), "uvf-devices");
	uvf_reader_register();
	uvf_reader_online();
	pthread_mutex_lock(&worker->lock);
	while (!worker->must_stop) {
		struct round round = {false, false, 0};
		uint64_t now;

		serve_all(worker, &round);
		if (round.did_work) {
			idle_since = 0;
			continue;
		}
		if (!worker->may_spin || !round.is_watching) {
			sleep_until(worker, round.deadline);
			continue;
		}
		now = now_ns();
		if (!idle_since)
			idle_since = now;
		if (now - idle_since < SPIN_NS)
			continue;
		if (!round.deadline || round.deadline > now + NAP_NS)
			round.deadline = now + NAP_NS;
		sleep_until(worker, round.deadline);
	}
	pthread_mutex_unlock(&worker->lock);
	uvf_reader_unregister();
	return NULL;
}

/* Signals are for the threads of the process that uses us. */
static int start_thread(struct uvf_worker *worker)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&worker->thread, NULL, worker_main, worker);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}

int uvf_worker_create(struct uvf_worker **ret_worker, bool may_spin)
{
	struct uvf_worker *worker = uvf_zalloc(sizeof(*worker));
	pthread_condattr_t attr;

	if (!worker)
		return -ENOMEM;
	worker->may_spin = may_spin;
	uvf_list_init(&worker->devices);
	uvf_list_init(&worker->cables);
	pthread_mutex_init(&worker->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&worker->wake, &attr);
	pthread_cond_init(&worker->left, &attr);
	pthread_condattr_destroy(&attr);
	*ret_worker = worker;
	return 0;
}

int uvf_worker_start(struct uvf_worker *worker)
{
	int ret = 0;

	pthread_mutex_lock(&worker->lock);
	if (!worker->is_started)
		ret = start_thread(worker);
	if (!ret)
		worker->is_started = true;
	pthread_mutex_unlock(&worker->lock);
	return ret;
}

void uvf_worker_destroy(struct uvf_worker *worker)
{
	if (!worker)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->must_stop = true;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	if (worker->is_started)
		pthread_join(worker->thread, NULL);
	pthread_cond_destroy(&worker->left);
	pthread_cond_destroy(&worker->wake);
	pthread_mutex_destroy(&worker->lock);
	uvf_free(worker);
}

bool uvf_worker_may_spin(const struct uvf_worker *worker)
{
	return worker->may_spin;
}

void uvf_worker_add(struct uvf_worker *worker, struct uvfio_dev *dev)
{
	dev->worker = worker;
	pthread_mutex_lock(&worker->lock);
	uvf_list_append(&worker->devices, &dev->worker_node);
	pthread_mutex_unlock(&worker->lock);
}

static void unplug_locked(struct uvfio_dev *dev)
{
	struct uvf_cable *cable = dev->cable;

	if (!cable)
		return;
	cable->ends[dev->cable_end] = NULL;
	dev->cable = NULL;
	if (cable->ends[0] || cable->ends[1])
		return;
	uvf_list_remove(&cable->node);
	uvf_free(cable->name);
	uvf_free(cable);
}

void uvf_worker_remove(struct uvfio_dev *dev)
{
	struct uvf_worker *worker = dev->worker;

	pthread_mutex_lock(&worker->lock);
	/* Any device, since a peer that is served may look at this one. */
	worker->removers++;
	while (worker->current)
		pthread_cond_wait(&worker->left, &worker->lock);
	uvf_list_remove(&dev->worker_node);
	unplug_locked(dev);
	worker->removers--;
	pthread_cond_broadcast(&worker->left);
	pthread_mutex_unlock(&worker->lock);
}

void uvfio_timer_set(struct uvfio_dev *dev, unsigned int id, uint64_t ns)
{
	uvf_assert_held(&dev->lock);
	if (id >= UVFIO_TIMER_MAX)
		return;
	dev->deadlines[id] = ns;
	if (dev->pause != UVF_MODEL_RUNS)
		return;
	/* What ends after the clock does never comes. */
	if (ns && __builtin_add_overflow(now_ns(), ns, &dev->deadlines[id]))
		dev->deadlines[id] = UINT64_MAX;
	if (ns)
		uvfio_kick(dev);
}

void uvf_worker_freeze_locked(struct uvfio_dev *dev)
{
	uint64_t now = now_ns();

	uvf_assert_held(&dev->lock);
	for (unsigned int id = 0; id < UVFIO_TIMER_MAX; id++) {
		uint64_t *deadline = &dev->deadlines[id];

		if (*deadline)
			*deadline = *deadline > now ? *deadline - now : 1;
	}
}

void uvf_worker_thaw_locked(struct uvfio_dev *dev)
{
	uvf_assert_held(&dev->lock);
	for (unsigned int id = 0; id < UVFIO_TIMER_MAX; id++)
		if (dev->deadlines[id])
			uvfio_timer_set(dev, id, dev->deadlines[id]);
	uvfio_kick(dev);
}

void uvfio_kick(struct uvfio_dev *dev)
{
	if (!atomic_exchange(&dev->is_kicked, true))
		wake(dev->worker);
}

void uvfio_poll_hint(struct uvfio_dev *dev, bool on)
{
	if (atomic_exchange(&dev->is_watched, on) != on && on)
		uvfio_kick(dev);
}

static struct uvf_cable *find_cable(struct uvf_worker *worker, const char *name)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &worker->cables) {
		struct uvf_cable *cable =
			uvf_list_entry(node, struct uvf_cable, node);

		if (!strcmp(cable->name, name))
			return cable;
	}
	return NULL;
}

static struct uvf_cable *create_cable(struct uvf_worker *worker,
				      const char *name)
{
	struct uvf_cable *cable = uvf_zalloc(sizeof(*cable));

	if (!cable)
		return NULL;
	cable->name = uvf_strdup(name);
	if (!cable->name) {
		uvf_free(cable);
		return NULL;
	}
	uvf_list_append(&worker->cables, &cable->node);
	return cable;
}

int uvfio_cable_plug(struct uvfio_dev *dev, const char *name)
{
	struct uvf_worker *worker = dev->worker;
	struct uvf_cable *cable;
	int ret = 0;

	pthread_mutex_lock(&worker->lock);
	cable = find_cable(worker, name);
	if (!cable)
		cable = create_cable(worker, name);
	if (!cable) {
		ret = -ENOMEM;
	} else if (cable->ends[0] && cable->ends[1]) {
		ret = -EBUSY;
	} else if (cable->ends[0] && cable->ends[0]->ops != dev->ops) {
		ret = -EINVAL;
	} else {
		dev->cable_end = cable->ends[0] ? 1 : 0;
		cable->ends[dev->cable_end] = dev;
		dev->cable = cable;
	}
	pthread_mutex_unlock(&worker->lock);
	return ret;
}

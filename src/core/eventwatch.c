/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Invariants:
 *   1. The thread runs while there are watches or it is busy with one.
 *   2. A watch is freed by whoever finds it destroyed last: the thread that
 *      is busy with it, or uvf_eventwatch_destroy().
 *   3. is_dead changes with both locks held, so that a thread that holds
 *      the watch's own and sees false may call.
 *
 * Lock order: a watch's own lock, then registry.lock.
 */
#include "core/eventwatch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "core/eventinfo.h"
#include "core/set_irqs.h"
#include "iommu/iommu.h"
#include "mem/caller.h"

struct uvf_eventwatch {
	struct uvf_list node; /* registry.watches */
	uint64_t id;
	int fd;
	struct uvf_mutex *lock;
	uvf_eventwatch_fn *fn;
	void *opaque;
	uint64_t initial; /* count that was there at the start */
	bool has_initial; /* and no signal was seen since */
	bool is_consumed; /* that count is there no more */
	bool is_dead;
};

static struct {
	pthread_mutex_t lock; /* protects what follows */
	pthread_cond_t idle;  /* busy became NULL, or the thread ended */
	struct uvf_list watches;
	struct uvf_eventwatch *busy; /* the thread is about to lock it */
	uint64_t next_id;
	bool is_running;
	int epoll;
	int stop; /* eventfd */
} registry = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.idle = PTHREAD_COND_INITIALIZER,
	.watches = {&registry.watches, &registry.watches},
	.next_id = 1,
	.epoll = -1,
	.stop = -1,
};

/* Takes the counter to 0; never blocks, whatever the client's flags are. */
static bool consume(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t count;
	struct iovec iov = {.iov_base = &count, .iov_len = sizeof(count)};
	ssize_t n;

	if (poll(&p, 1, 0) != 1)
		return false;
	n = preadv2(fd, &iov, 1, -1, RWF_NOWAIT);
	if (n < 0 && errno == EOPNOTSUPP)
		n = read(fd, &count, sizeof(count));
	return n == sizeof(count);
}

/*
 * epoll tells of a counter that was there before the watch, too.  Its owner
 * acted on it already.
 */
static bool is_news(struct uvf_eventwatch *watch)
{
	uint64_t count;

	if (!watch->has_initial)
		return true;
	watch->has_initial = false;
	return !uvf_eventinfo_count(watch->fd, &count) ||
	       count != watch->initial;
}

static void call(struct uvf_eventwatch *watch)
{
	if (!consume(watch->fd))
		return;
	watch->is_consumed = true;
	watch->fn(watch->opaque);
}

static void free_watch(struct uvf_eventwatch *watch)
{
	close(watch->fd);
	uvf_free(watch);
}

/* Marks the watch as busy, unless it is gone. */
static struct uvf_eventwatch *take(uint64_t id)
{
	struct uvf_eventwatch *found = NULL;
	struct uvf_list *node;

	pthread_mutex_lock(&registry.lock);
	uvf_list_for_each (node, &registry.watches) {
		struct uvf_eventwatch *watch =
			uvf_list_entry(node, struct uvf_eventwatch, node);

		if (watch->id == id)
			found = watch;
	}
	registry.busy = found;
	pthread_mutex_unlock(&registry.lock);
	return found;
}

static void serve(uint64_t id) UVF_NO_ANALYSIS
{
	struct uvf_eventwatch *watch = take(id);
	bool is_dead;

	if (!watch)
		return;
	uvf_lock(watch->lock);
	if (!watch->is_dead && is_news(watch))
		call(watch);
	uvf_unlock(watch->lock);

	pthread_mutex_lock(&registry.lock);
	is_dead = watch->is_dead;
	registry.busy = NULL;
	pthread_cond_broadcast(&registry.idle);
	pthread_mutex_unlock(&registry.lock);
	if (is_dead)
		free_watch(watch);
}

/* True when the thread ends; a new one may start from then on. */
static bool must_stop(void)
{
	bool stop;

	pthread_mutex_lock(&registry.lock);
	consume(registry.stop);
	stop = uvf_list_is_empty(&registry.watches);
	if (stop) {
		close(registry.epoll);
		close(registry.stop);
		registry.epoll = -1;
		registry.stop = -1;
		registry.is_running = false;
		pthread_cond_broadcast(&registry.idle);
	}
	pthread_mutex_unlock(&registry.lock);
	return stop;
}

static void *thread_main(void *arg)
{
	int epoll = (int)(intptr_t)arg;
	struct epoll_event events[16];
	bool stop = false;

	pthread_setname_np(pthread_self(), "uvf-events");
	/* A register that is written may start a DMA. */
	uvf_reader_register();
	while (!stop) {
		int n = epoll_wait(epoll, events, 16, -1);

		for (int i = 0; i < n && !stop; i++) {
			if (events[i].data.u64)
				serve(events[i].data.u64);
			else
				stop = must_stop();
		}
	}
	uvf_reader_unregister();
	return NULL;
}

/* Signals are for the threads of the process that uses us. */
static int start_thread(void)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&thread, &attr, thread_main,
			     (void *)(intptr_t)registry.epoll);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -ret;
}

static int start(void)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0};
	int ret;

	if (registry.is_running)
		return 0;
	registry.epoll = epoll_create1(EPOLL_CLOEXEC);
	registry.stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (registry.epoll < 0 || registry.stop < 0 ||
	    epoll_ctl(registry.epoll, EPOLL_CTL_ADD, registry.stop, &event))
		ret = -errno;
	else
		ret = start_thread();
	if (!ret) {
		registry.is_running = true;
		return 0;
	}
	if (registry.epoll >= 0)
		close(registry.epoll);
	if (registry.stop >= 0)
		close(registry.stop);
	registry.epoll = -1;
	registry.stop = -1;
	return ret;
}

static void stop_if_unused(void)
{
	const uint64_t one = 1;

	if (!registry.is_running || !uvf_list_is_empty(&registry.watches))
		return;
	/* The counter has room: nobody else writes to it. */
	if (write(registry.stop, &one, sizeof(one)) < 0)
		return;
}

static int add(struct uvf_eventwatch *watch)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int ret;

	pthread_mutex_lock(&registry.lock);
	watch->id = registry.next_id++;
	event.data.u64 = watch->id;
	ret = start();
	if (!ret &&
	    epoll_ctl(registry.epoll, EPOLL_CTL_ADD, watch->fd, &event)) {
		ret = -errno;
		stop_if_unused();
	}
	if (!ret)
		uvf_list_append(&registry.watches, &watch->node);
	pthread_mutex_unlock(&registry.lock);
	return ret;
}

int uvf_eventwatch_create(struct uvf_eventwatch **ret_watch, int fd,
			  struct uvf_mutex *lock, uvf_eventwatch_fn *fn,
			  void *opaque, bool *ret_is_signalled)
{
	struct uvf_eventwatch *watch = uvf_zalloc(sizeof(*watch));
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int ret;

	if (!watch)
		return -ENOMEM;
	watch->fd = fd;
	watch->lock = lock;
	watch->fn = fn;
	watch->opaque = opaque;
	*ret_is_signalled = poll(&p, 1, 0) == 1 && p.revents & POLLIN;
	if (*ret_is_signalled)
		watch->has_initial = uvf_eventinfo_count(fd, &watch->initial);
	ret = add(watch);
	if (ret) {
		uvf_free(watch);
		return ret;
	}
	*ret_watch = watch;
	return 0;
}

/* Only we keep the eventfd from being closed. */
static bool is_orphan(const struct uvf_eventwatch *watch)
{
	return !uvf_eventinfo_is_held_elsewhere(watch->fd);
}

int uvf_eventwatch_attach(struct uvf_eventwatch **slot,
			  struct uvf_caller *caller, int fd,
			  struct uvf_mutex *lock, uvf_eventwatch_fn *fn,
			  void *opaque, bool *ret_is_signalled)
{
	int efd = uvf_eventfd_lookup(caller, fd);
	int ret = -EBUSY;

	if (efd < 0)
		return efd;
	if (*slot && caller->pid && is_orphan(*slot)) {
		uvf_eventwatch_destroy(*slot);
		*slot = NULL;
	}
	if (!*slot)
		ret = uvf_eventwatch_create(slot, efd, lock, fn, opaque,
					    ret_is_signalled);
	if (ret)
		uvf_eventfd_drop(&efd);
	return ret;
}

void uvf_eventwatch_flush(struct uvf_eventwatch *watch)
{
	uint64_t count;

	if (!watch)
		return;
	uvf_assert_held(watch->lock);
	/* What was there at the start is no signal, and stays. */
	if (!watch->is_consumed && uvf_eventinfo_count(watch->fd, &count) &&
	    count == watch->initial)
		return;
	call(watch);
	if (watch->is_consumed)
		watch->has_initial = false;
}

void uvf_eventwatch_destroy(struct uvf_eventwatch *watch)
{
	bool is_busy;

	if (!watch)
		return;
	pthread_mutex_lock(&registry.lock);
	epoll_ctl(registry.epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	uvf_list_remove(&watch->node);
	watch->is_dead = true;
	is_busy = registry.busy == watch;
	stop_if_unused();
	pthread_mutex_unlock(&registry.lock);
	if (!is_busy)
		free_watch(watch);
}

void uvf_eventwatch_drain(void)
{
	pthread_mutex_lock(&registry.lock);
	while (registry.busy ||
	       (registry.is_running && uvf_list_is_empty(&registry.watches)))
		pthread_cond_wait(&registry.idle, &registry.lock);
	pthread_mutex_unlock(&registry.lock);
}

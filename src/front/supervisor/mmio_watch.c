/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/mmio_watch.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/alloc.h"
#include "front/supervisor/client.h"
#include "front/supervisor/mmio.h"

/* So many calls within so long are a burst. */
#define BURST_CALLS 6u
#define BURST_NS    200000ull
/* How long nobody rings before it is over. */
#define IDLE_NS 50000ull
/* Looks between two at the clock, when others may have the processor. */
#define LOOKS 128u
/* How long not to look after somebody was kept waiting; it doubles. */
#define QUIET_MIN_NS 1000000ull
#define QUIET_MAX_NS 256000000ull

/* Whose slot it is. */
struct owner {
	pid_t tid;
	struct uvf_client *client; /* holds one reference; NULL: nobody's */
};

struct uvf_mmio_watch {
	struct uvf_mmio *mmio;
	pthread_t thread;

	pthread_mutex_t lock; /* a leaf; protects what follows */
	pthread_cond_t wake;
	bool must_stop;
	bool is_wanted;
	bool is_looking;
	unsigned int calls;    /* of the present burst */
	uint64_t burst_ns;     /* when it began */
	uint64_t quiet_ns;     /* how long it was quiet the last time */
	uint64_t quiet_end_ns; /* until when it is */
	struct owner owners[UVF_AGENT_SLOTS];
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* With a reference, or NULL. */
static struct uvf_client *find_owner(struct uvf_mmio_watch *watch,
				     uint32_t index, pid_t *ret_tid)
{
	struct owner *owner = &watch->owners[index];
	struct uvf_client *client = NULL;

	pthread_mutex_lock(&watch->lock);
	if (owner->client && !atomic_load(&owner->client->is_gone)) {
		client = uvf_client_get(owner->client);
		*ret_tid = owner->tid;
	}
	pthread_mutex_unlock(&watch->lock);
	return client;
}

static void serve(struct uvf_mmio_watch *watch, uint32_t index)
{
	struct uvf_client_space *space = NULL;
	struct uvf_client *client;
	pid_t tid = 0;

	client = find_owner(watch, index, &tid);
	if (client)
		space = uvf_client_space_get(client);
	uvf_mmio_ring(watch->mmio, space ? space->space : NULL, tid, index);
	uvf_client_space_put(space);
	uvf_client_put(client);
}

/* Until nobody rings for a while.  Return: whether somebody had to wait. */
static bool look(struct uvf_mmio_watch *watch)
{
	struct uvf_mailbox *mailbox = uvf_mmio_mailbox(watch->mmio);
	unsigned int looks = 0;
	uint64_t last = now_ns();
	bool is_missed = false;
	uint32_t index;

	uvf_mailbox_listen(mailbox, true);
	while (!is_missed) {
		uint64_t now;

		if (uvf_mailbox_find_ring(mailbox, &index)) {
			serve(watch, index);
			last = 0;
			continue;
		}
		__builtin_ia32_pause();
		if (++looks % LOOKS)
			continue;
		is_missed = uvf_mailbox_take_missed(mailbox);
		now = now_ns();
		if (!last)
			last = now;
		if (now - last > IDLE_NS)
			break;
		sched_yield();
	}
	uvf_mailbox_listen(mailbox, false);
	/* Those who rang before they saw that. */
	while (uvf_mailbox_find_ring(mailbox, &index))
		serve(watch, index);
	return is_missed;
}

static void *watch_main(void *arg)
{
	struct uvf_mmio_watch *watch = arg;

	pthread_setname_np(pthread_self(), "uvf-registers");
	pthread_mutex_lock(&watch->lock);
	while (!watch->must_stop) {
		bool is_missed;

		if (!watch->is_wanted) {
			pthread_cond_wait(&watch->wake, &watch->lock);
			continue;
		}
		watch->is_wanted = false;
		watch->is_looking = true;
		pthread_mutex_unlock(&watch->lock);
		is_missed = look(watch);
		pthread_mutex_lock(&watch->lock);
		watch->is_looking = false;
		watch->calls = 0;
		if (!is_missed) {
			watch->quiet_ns = 0;
			continue;
		}
		watch->quiet_ns =
			watch->quiet_ns ? 2 * watch->quiet_ns : QUIET_MIN_NS;
		if (watch->quiet_ns > QUIET_MAX_NS)
			watch->quiet_ns = QUIET_MAX_NS;
		watch->quiet_end_ns = now_ns() + watch->quiet_ns;
	}
	pthread_mutex_unlock(&watch->lock);
	return NULL;
}

static bool has_two_processors(void)
{
	cpu_set_t set;

	return !sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) > 1;
}

int uvf_mmio_watch_create(struct uvf_mmio_watch **ret_watch,
			  struct uvf_mmio *mmio)
{
	struct uvf_mmio_watch *watch;
	sigset_t all, old;
	int ret;

	*ret_watch = NULL;
	if (!has_two_processors())
		return 0;
	watch = uvf_zalloc(sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	watch->mmio = mmio;
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->wake, NULL);
	/* Copies that fault are caught on each thread. */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&watch->thread, NULL, watch_main, watch);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret) {
		pthread_cond_destroy(&watch->wake);
		pthread_mutex_destroy(&watch->lock);
		uvf_free(watch);
		return -ret;
	}
	*ret_watch = watch;
	return 0;
}

void uvf_mmio_watch_destroy(struct uvf_mmio_watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_lock(&watch->lock);
	watch->must_stop = true;
	pthread_cond_signal(&watch->wake);
	pthread_mutex_unlock(&watch->lock);
	pthread_join(watch->thread, NULL);
	for (unsigned int i = 0; i < UVF_AGENT_SLOTS; i++)
		uvf_client_put(watch->owners[i].client);
	pthread_cond_destroy(&watch->wake);
	pthread_mutex_destroy(&watch->lock);
	uvf_free(watch);
}

/* Whether this call makes a burst. */
static bool is_burst(struct uvf_mmio_watch *watch)
{
	uint64_t now = now_ns();

	if (now - watch->burst_ns > BURST_NS) {
		watch->burst_ns = now;
		watch->calls = 0;
	}
	return ++watch->calls >= BURST_CALLS && now >= watch->quiet_end_ns;
}

void uvf_mmio_watch_note(struct uvf_mmio_watch *watch, uint64_t index,
			 pid_t tid, struct uvf_client *client)
{
	struct uvf_client *before = NULL;
	struct owner *owner;

	if (!watch || index >= UVF_AGENT_SLOTS)
		return;
	owner = &watch->owners[index];
	pthread_mutex_lock(&watch->lock);
	owner->tid = tid;
	if (owner->client != client) {
		before = owner->client;
		owner->client = uvf_client_get(client);
	}
	if (!watch->is_wanted && !watch->is_looking && is_burst(watch)) {
		watch->is_wanted = true;
		pthread_cond_signal(&watch->wake);
	}
	pthread_mutex_unlock(&watch->lock);
	uvf_client_put(before);
}

void uvf_mmio_watch_reap(struct uvf_mmio_watch *watch)
{
	for (unsigned int i = 0; watch && i < UVF_AGENT_SLOTS; i++) {
		struct owner *owner = &watch->owners[i];
		struct uvf_client *gone = NULL;

		pthread_mutex_lock(&watch->lock);
		if (owner->client && atomic_load(&owner->client->is_gone)) {
			gone = owner->client;
			owner->client = NULL;
		}
		pthread_mutex_unlock(&watch->lock);
		uvf_client_put(gone);
	}
}

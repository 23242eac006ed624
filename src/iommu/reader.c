/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommu/reader.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/lock.h"
#include "iommu/iommu.h"

/* How often to look at a section before letting others run, and napping. */
#define SPIN_MAX  200u
#define YIELD_MAX 2000u
#define NAP_NS    50000

__thread struct uvf_reader uvf_reader_self;

/* Protects the list; held while one waits, too. */
static struct uvf_mutex readers_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static struct uvf_list readers = {&readers, &readers};

/* Its destructor runs when a thread ends that was adopted. */
static pthread_key_t adopted_key;
static pthread_once_t adopted_once = PTHREAD_ONCE_INIT;

static pthread_once_t membarrier_once = PTHREAD_ONCE_INIT;
static bool has_membarrier; /* set once */

static int membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

static void membarrier_register(void)
{
	has_membarrier = !membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

void uvf_reader_register(void)
{
	struct uvf_reader *self = &uvf_reader_self;

	if (self->registered++)
		return;
	uvf_lock(&readers_lock);
	uvf_list_append(&readers, &self->node);
	uvf_unlock(&readers_lock);
}

void uvf_reader_unregister(void)
{
	struct uvf_reader *self = &uvf_reader_self;

	if (UVF_BUG_ON(!self->registered) || --self->registered)
		return;
	uvf_reader_offline();
	uvf_lock(&readers_lock);
	uvf_list_remove(&self->node);
	uvf_unlock(&readers_lock);
}

static void let_go(void *arg)
{
	(void)arg;
	uvf_reader_unregister();
}

static void create_key(void)
{
	(void)pthread_key_create(&adopted_key, let_go);
}

void uvf_reader_adopt(void)
{
	pthread_once(&adopted_once, create_key);
	/* Nobody may be in the list longer than the thread is there. */
	if (!UVF_BUG_ON(pthread_setspecific(adopted_key, &uvf_reader_self)))
		uvf_reader_register();
}

void uvf_reader_online(void)
{
	struct uvf_reader *self = &uvf_reader_self;

	pthread_once(&membarrier_once, membarrier_register);
	if (!has_membarrier || UVF_BUG_ON(!self->registered || self->depth))
		return;
	atomic_store_explicit(&self->is_online, true, memory_order_relaxed);
	/* A writer that does not see it comes before our next section. */
	__sync_synchronize();
}

void uvf_reader_offline(void)
{
	struct uvf_reader *self = &uvf_reader_self;

	atomic_store_explicit(&self->is_online, false, memory_order_release);
}

/* A hint to the processor that nothing is done here but looking. */
static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static void let_run(unsigned int spins)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};

	if (spins < SPIN_MAX)
		relax();
	else if (spins < YIELD_MAX)
		sched_yield();
	else
		nanosleep(&nap, NULL);
}

static void wait_for(const struct uvf_reader *reader)
{
	uint64_t section =
		atomic_load_explicit(&reader->section, memory_order_acquire);

	if (!(section & 1))
		return;
	for (unsigned int i = 0;
	     atomic_load_explicit(&reader->section, memory_order_acquire) ==
	     section;
	     i++)
		let_run(i);
}

/* Let what online threads stored before now be visible here. */
static void order_online(void)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &readers) {
		struct uvf_reader *reader =
			uvf_list_entry(node, struct uvf_reader, node);

		if (reader == &uvf_reader_self ||
		    !atomic_load_explicit(&reader->is_online,
					  memory_order_acquire))
			continue;
		membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
		return;
	}
}

void uvf_reader_synchronize(void)
{
	struct uvf_list *node;

	/* He would wait for himself. */
	if (UVF_BUG_ON(uvf_reader_self.depth))
		return;
	uvf_lock(&readers_lock);
	/* What was taken out is out before the threads are looked at. */
	__sync_synchronize();
	order_online();
	uvf_list_for_each (node, &readers) {
		struct uvf_reader *reader =
			uvf_list_entry(node, struct uvf_reader, node);

		if (reader != &uvf_reader_self)
			wait_for(reader);
	}
	uvf_unlock(&readers_lock);
}

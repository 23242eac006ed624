/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A storm of signals, as the Go runtime sends them: each call is executed
 * exactly once and reports what it did.  A mapping that was made twice says
 * EEXIST, one that was removed twice reports no bytes.
 *
 * Without SA_RESTART a signal that comes before the supervisor has received
 * the call ends it with EINTR, which a real VFIO call does not know; then it
 * was not executed at all.
 */
#include "client.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#define ROUNDS 10000 /* two calls each */

static atomic_bool is_over;
static atomic_uint signals;

static void on_signal(int signo)
{
	(void)signo;
	atomic_fetch_add(&signals, 1);
}

static void *send_signals(void *arg)
{
	pthread_t *target = arg;

	while (!atomic_load(&is_over))
		pthread_kill(*target, SIGURG);
	return NULL;
}

/* The call, and again when a signal kept it from being executed. */
static int once(int fd, unsigned long cmd, void *arg, int *interrupted)
{
	int ret;

	do {
		ret = ioctl(fd, cmd, arg);
		if (ret < 0 && errno == EINTR)
			++*interrupted;
	} while (ret < 0 && errno == EINTR);
	return ret;
}

static int map_and_unmap(int container, uint64_t page)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = page,
		.iova = 0x100000,
		.size = 4096,
	};
	int interrupted = 0;

	for (int i = 0; i < ROUNDS && !client_failures; i++) {
		struct vfio_iommu_type1_dma_unmap unmap = {
			.argsz = sizeof(unmap),
			.iova = map.iova,
			.size = map.size,
		};

		CHECK(!once(container, VFIO_IOMMU_MAP_DMA, &map, &interrupted));
		CHECK(!once(container, VFIO_IOMMU_UNMAP_DMA, &unmap,
			    &interrupted));
		CHECK(unmap.size == map.size);
	}
	return interrupted;
}

static void storm(int container, uint64_t page, int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
	pthread_t self = pthread_self();
	pthread_t sender;
	int interrupted;

	atomic_store(&is_over, false);
	atomic_store(&signals, 0);
	NEED(!sigaction(SIGURG, &action, NULL));
	NEED(!pthread_create(&sender, NULL, send_signals, &self));
	interrupted = map_and_unmap(container, page);
	atomic_store(&is_over, true);
	pthread_join(sender, NULL);
	CHECK(atomic_load(&signals) > 100);
	CHECK(!(flags & SA_RESTART) || !interrupted);
}

int main(void)
{
	struct client_vfio vfio = client_open();
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(page != MAP_FAILED);
	storm(vfio.container, (uintptr_t)page, SA_RESTART);
	storm(vfio.container, (uintptr_t)page, 0);
	client_close(&vfio);
	return client_status();
}

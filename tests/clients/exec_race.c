/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread makes VFIO calls up to the moment at which another replaces the
 * program.  The new one has the descriptors, and a memory of its own.
 */
#include "client.h"

#include <pthread.h>
#include <sys/mman.h>

#define ROUNDS 60

static int device;

/* Calls for which uvfio looks at the memory: copies, mappings, the agent. */
static void *caller_main(void *arg)
{
	volatile uint32_t *bar;

	(void)arg;
	for (;;) {
		bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			   device, 0);
		NEED(bar != MAP_FAILED);
		(void)bar[0];
		(void)munmap((void *)(uintptr_t)bar, 4096);
	}
	return NULL;
}

/* Whether uvfio knows this program's memory. */
static void check_memory(void)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	struct vfio_region_info region = {.argsz = sizeof(region)};
	volatile uint32_t *bar;

	NEED(!ioctl(device, VFIO_DEVICE_GET_INFO, &info));
	NEED(info.num_regions == VFIO_PCI_NUM_REGIONS);
	NEED(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region));
	bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		   (off_t)region.offset);
	NEED(bar != MAP_FAILED);
	/* An edu's identification, by the agent. */
	NEED((bar[0] & 0xffff) == 0xed);
}

static void enable_memory(void)
{
	uint16_t command = 2;

	NEED(pwrite(device, &command, 2, (7LL << 40) + 4) == 2);
}

int main(int argc, char *argv[])
{
	int round = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
	static char ballast[100000];
	char next[16];
	char fd[16];
	pthread_t thread;

	if (argc > 2) {
		device = (int)strtol(argv[2], NULL, 10);
	} else {
		struct client_vfio vfio = client_open();

		device = vfio.device;
		NEED(!fcntl(device, F_SETFD, 0));
		enable_memory();
	}
	check_memory();
	if (round == ROUNDS)
		return client_status();
	NEED(!pthread_create(&thread, NULL, caller_main, NULL));
	/* Somewhere in a call. */
	(void)usleep((useconds_t)(200 + round * 37));
	(void)snprintf(next, sizeof(next), "%d", round + 1);
	(void)snprintf(fd, sizeof(fd), "%d", device);
	/* The kernel copies these while the other threads still run. */
	memset(ballast, 'x', sizeof(ballast) - 1);
	(void)execl("/proc/self/exe", argv[0], next, fd, ballast, ballast,
		    ballast, ballast, ballast, ballast, ballast, NULL);
	NEED(0);
	return 1;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a trapped load costs, beside the system calls it is compared with;
 * all in the same process, outside any filter the first time.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agent_harness.h"

#define ROUNDS 9
#define COUNT  20000

static int null_fd;
static volatile uint8_t *map;
static volatile uint32_t sink;

static void load_4(void)
{
	sink = *(volatile uint32_t *)(uintptr_t)(map + 16);
}

static void store_4(void)
{
	*(volatile uint32_t *)(uintptr_t)(map + 16) = 1;
}

static void load_16(void)
{
	__asm__ volatile("movdqu %0, %%xmm0"
			 :
			 : "m"(*(const char(*)[16])(uintptr_t)(map + 16))
			 : "xmm0");
}

static void notify(void)
{
	(void)ioctl(-1, 0x3b64, 0);
}

static void ioctl_null(void)
{
	(void)ioctl(null_fd, 0x1234, 0);
}

static void pread_null(void)
{
	char c[4];

	(void)!pread(null_fd, c, sizeof(c), 0);
}

static int compare(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

static void measure(const char *name, void (*fn)(void))
{
	double rounds[ROUNDS];
	struct timespec a, b;
	int i, n;

	for (i = 0; i < ROUNDS; i++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		for (n = 0; n < COUNT; n++)
			fn();
		clock_gettime(CLOCK_MONOTONIC, &b);
		rounds[i] = ((double)(b.tv_sec - a.tv_sec) * 1e9 +
			     (double)(b.tv_nsec - a.tv_nsec)) /
			    COUNT;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	printf("%-32s %8.0f ns\n", name, rounds[ROUNDS / 2]);
	fflush(stdout);
}

static int client(void)
{
	null_fd = open("/dev/null", O_RDWR);
	measure("ioctl(/dev/null), filtered", ioctl_null);
	measure("pread(/dev/null), filtered", pread_null);
	measure("trapped ioctl", notify);
	map = toy_map(PROT_READ | PROT_WRITE);
	measure("trapped 4-byte load", load_4);
	measure("trapped 4-byte store", store_4);
	measure("trapped 16-byte SSE load", load_16);
	return 0;
}

int main(void)
{
	null_fd = open("/dev/null", O_RDWR);
	measure("ioctl(/dev/null)", ioctl_null);
	measure("pread(/dev/null)", pread_null);
	return toy_run(client);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one system call, one trapped ioctl and one register access cost.
 * Prints "NAME NANOSECONDS" lines, the median of several rounds; the VFIO
 * lines only where there is a VFIO.
 *
 *   calls [ADDRESS OF AN EDU DEVICE]
 *   calls echo [ADDRESS OF AN ECHO DEVICE]
 */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/vfio.h>

#define ROUNDS 9

/* Registers of echo.c, of 32 bits. */
#define ECHO_BELL   0x400
#define ECHO_ANSWER 0x800
#define BAR_BYTES   0x4000

static int null_fd, zero_fd, container, device;
static volatile uint32_t *regs;
static char page[4096];

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const char *name, void (*fn)(void), unsigned int count)
{
	double rounds[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ns();

		for (unsigned int n = 0; n < count; n++)
			fn();
		rounds[i] = (now_ns() - start) / count;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), by_value);
	printf("%s %.1f\n", name, rounds[ROUNDS / 2]);
	fflush(stdout);
}

static void do_getppid(void)
{
	getppid();
}

static void do_ioctl_null(void)
{
	ioctl(null_fd, VFIO_GET_API_VERSION);
}

/* A request that no filter looks at twice. */
static void do_ioctl_other(void)
{
	ioctl(null_fd, 0x540f, page);
}

static void do_pread_null(void)
{
	if (pread(null_fd, page, sizeof(page), 0) != 0)
		abort();
}

static void do_read_zero(void)
{
	if (read(zero_fd, page, sizeof(page)) != sizeof(page))
		abort();
}

static void do_open_close(void)
{
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static void do_mmap_munmap(void)
{
	munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	       4096);
}

static void do_api_version(void)
{
	ioctl(container, VFIO_GET_API_VERSION);
}

static void do_mmio_load(void)
{
	(void)regs[0];
}

static void do_mmio_store(void)
{
	regs[1] = 0x12345678;
}

static void do_bar_pread(void)
{
	if (pread(device, page, 4, 0) != 4)
		abort();
}

/* A store that the device sees, and its answer. */
static void do_doorbell(void)
{
	uint32_t next = regs[ECHO_ANSWER] + 1;

	regs[ECHO_BELL] = next;
	while (regs[ECHO_ANSWER] != next)
		__builtin_ia32_pause();
}

static int die(const char *what)
{
	perror(what);
	return 1;
}

static void measure_edu(void)
{
	measure("bar_pread", do_bar_pread, 10000);
	measure("mmio_load", do_mmio_load, 10000);
	measure("mmio_store", do_mmio_store, 10000);
}

static void measure_echo(void)
{
	regs[0] = 1; /* the bell is watched from now on */
	measure("doorbell", do_doorbell, 20000);
}

static int measure_vfio(const char *address, void (*fn)(void))
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t len;
	int group;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 address);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return die(path);
	target[len] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio%s", strrchr(target, '/'));
	container = open("/dev/vfio/vfio", O_RDWR);
	group = open(path, O_RDWR);
	if (container < 0 || group < 0)
		return die(path);
	measure("api_version", do_api_version, 20000);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return die("container");
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
	if (device < 0)
		return die("VFIO_GROUP_GET_DEVICE_FD");
	regs = mmap(NULL, BAR_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		    0);
	if (regs == MAP_FAILED)
		return die("mmap");
	fn();
	return 0;
}

int main(int argc, char **argv)
{
	null_fd = open("/dev/null", O_RDWR);
	zero_fd = open("/dev/zero", O_RDONLY);
	if (null_fd < 0 || zero_fd < 0)
		return die("/dev/null");
	if (argc > 2)
		return measure_vfio(argv[2], measure_echo);
	measure("getppid", do_getppid, 500000);
	measure("ioctl_other", do_ioctl_other, 500000);
	measure("pread_null", do_pread_null, 500000);
	measure("read_zero", do_read_zero, 200000);
	measure("open_close", do_open_close, 50000);
	measure("mmap_munmap", do_mmap_munmap, 100000);
	if (argc > 1)
		return measure_vfio(argv[1], measure_edu);
	measure("ioctl_null", do_ioctl_null, 500000);
	return 0;
}

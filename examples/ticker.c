/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver for a device of the platform bus: it is found by what it is
 * compatible with, its registers are mapped, and its two interrupts, a level
 * and an edge, are received.
 *
 *   ticker
 *
 * docs/examples/ticker.md goes through it step by step.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vfio.h>

#define DEVICES    "/sys/bus/platform/devices"
#define COMPATIBLE "uvfio,ticker"

#define TICKER_CONTROL 0x04
#define TICKER_PERIOD  0x08
#define TICKER_COUNT   0x0c
#define TICKER_STATUS  0x10
#define TICKER_ADDRESS 0x18

#define CONTROL_RUN   0x1u
#define CONTROL_LEVEL 0x2u
#define CONTROL_EDGE  0x4u
#define CONTROL_WRITE 0x8u

#define IRQ_LEVEL 0
#define IRQ_EDGE  1

#define IOVA 0x100000
#define PAGE 4096

struct ticker {
	char name[NAME_MAX + 1];
	int container, group, device;
	volatile uint32_t *registers;
	volatile uint64_t *count; /* in memory that it writes to */
};

__attribute__((format(printf, 1, 2))) static void fail(const char *fmt, ...)
{
	int error = errno;
	va_list args;

	va_start(args, fmt);
	fputs("ticker: ", stderr);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

static uint32_t get(const struct ticker *t, unsigned int offset)
{
	return t->registers[offset / sizeof(uint32_t)];
}

static void set(const struct ticker *t, unsigned int offset, uint32_t value)
{
	t->registers[offset / sizeof(uint32_t)] = value;
}

static int is_ticker(const char *name)
{
	char path[PATH_MAX], text[256] = "";
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%s/of_node/compatible", name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	/* Strings one after the other; ours has one. */
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return !strcmp(text, COMPATIBLE);
}

static void find(struct ticker *t)
{
	struct dirent *entry;
	DIR *dir = opendir(DEVICES);

	if (!dir)
		fail(DEVICES);
	while ((entry = readdir(dir)) && !t->name[0])
		if (is_ticker(entry->d_name))
			snprintf(t->name, sizeof(t->name), "%s", entry->d_name);
	closedir(dir);
	if (!t->name[0]) {
		errno = ENODEV;
		fail("no device is compatible with " COMPATIBLE);
	}
}

static void open_device(struct ticker *t)
{
	char path[PATH_MAX], target[PATH_MAX] = "", node[NAME_MAX + 16];

	snprintf(path, sizeof(path), DEVICES "/%s/iommu_group", t->name);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		fail("%s", path);
	snprintf(node, sizeof(node), "/dev/vfio%.*s", NAME_MAX,
		 strrchr(target, '/'));
	t->container = open("/dev/vfio/vfio", O_RDWR);
	t->group = open(node, O_RDWR);
	if (t->container < 0 || t->group < 0)
		fail("%s", node);
	if (ioctl(t->group, VFIO_GROUP_SET_CONTAINER, &t->container) ||
	    ioctl(t->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		fail("VFIO_SET_IOMMU");
	t->device = ioctl(t->group, VFIO_GROUP_GET_DEVICE_FD, t->name);
	if (t->device < 0)
		fail("VFIO_GROUP_GET_DEVICE_FD");
}

static void show_region(const struct ticker *t, uint32_t index)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	if (ioctl(t->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		fail("VFIO_DEVICE_GET_REGION_INFO");
	printf("region %u: %llu bytes%s%s%s\n", index,
	       (unsigned long long)info.size,
	       info.flags & VFIO_REGION_INFO_FLAG_READ ? ", read" : "",
	       info.flags & VFIO_REGION_INFO_FLAG_WRITE ? ", write" : "",
	       info.flags & VFIO_REGION_INFO_FLAG_MMAP ? ", map" : "");
}

static void show_irq(const struct ticker *t, uint32_t index)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};

	if (ioctl(t->device, VFIO_DEVICE_GET_IRQ_INFO, &info))
		fail("VFIO_DEVICE_GET_IRQ_INFO");
	printf("interrupt %u: %s\n", index,
	       info.flags & VFIO_IRQ_INFO_AUTOMASKED ? "level" : "edge");
}

static void show(const struct ticker *t)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};

	if (ioctl(t->device, VFIO_DEVICE_GET_INFO, &info))
		fail("VFIO_DEVICE_GET_INFO");
	if (!(info.flags & VFIO_DEVICE_FLAGS_PLATFORM)) {
		errno = EINVAL;
		fail("%s", t->name);
	}
	printf("%s is a platform device%s\n", t->name,
	       info.flags & VFIO_DEVICE_FLAGS_RESET ? " that can be reset"
						    : "");
	for (uint32_t i = 0; i < info.num_regions; i++)
		show_region(t, i);
	for (uint32_t i = 0; i < info.num_irqs; i++)
		show_irq(t, i);
}

/* Registers are region 0, which is where the device's file begins. */
static void map_registers(struct ticker *t)
{
	t->registers = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    t->device, 0);
	if (t->registers == MAP_FAILED)
		fail("mmap");
}

static void map_memory(struct ticker *t)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = IOVA,
		.size = PAGE,
	};

	t->count = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->count == MAP_FAILED)
		fail("mmap");
	map.vaddr = (uintptr_t)t->count;
	if (ioctl(t->container, VFIO_IOMMU_MAP_DMA, &map))
		fail("VFIO_IOMMU_MAP_DMA");
}

static void set_irq(const struct ticker *t, uint32_t index, uint32_t flags,
		    int fd)
{
	union {
		struct vfio_irq_set set;
		uint8_t bytes[sizeof(struct vfio_irq_set) + sizeof(int)];
	} arg = {.set = {.argsz = sizeof(arg),
			 .flags = flags,
			 .index = index,
			 .count = 1}};

	memcpy(arg.set.data, &fd, sizeof(fd));
	if (ioctl(t->device, VFIO_DEVICE_SET_IRQS, &arg))
		fail("VFIO_DEVICE_SET_IRQS");
}

/* Waits for an interrupt; how many there were. */
static uint64_t wait_for(int fd)
{
	uint64_t count = 0;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		fail("eventfd");
	return count;
}

/* A level is masked when it comes, until its cause is gone and it is told. */
static void receive_levels(struct ticker *t)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	set_irq(t, IRQ_LEVEL,
		VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, fd);
	set(t, TICKER_CONTROL, CONTROL_RUN | CONTROL_LEVEL);
	for (int i = 0; i < 3; i++) {
		unsigned long long count = wait_for(fd);

		printf("level: %llu interrupt, status %u\n", count,
		       get(t, TICKER_STATUS));
		set(t, TICKER_STATUS, 1);
		set_irq(t, IRQ_LEVEL,
			VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK,
			-1);
	}
	set(t, TICKER_CONTROL, 0);
	close(fd);
}

/* An edge comes with each tick; the count in memory is there before it. */
static void receive_edges(struct ticker *t)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	uint64_t before = get(t, TICKER_COUNT), edges = 0;

	set_irq(t, IRQ_EDGE,
		VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, fd);
	set(t, TICKER_ADDRESS, IOVA);
	set(t, TICKER_CONTROL, CONTROL_RUN | CONTROL_EDGE | CONTROL_WRITE);
	while (edges < 3) {
		edges += wait_for(fd);
		if (*t->count < before + edges) {
			errno = EIO;
			fail("the count in memory");
		}
	}
	set(t, TICKER_CONTROL, 0);
	printf("edges: one with each tick, the count in memory is %s\n",
	       *t->count == get(t, TICKER_COUNT) ? "right" : "wrong");
	close(fd);
}

int main(void)
{
	struct ticker t = {.name = ""};

	find(&t);
	open_device(&t);
	show(&t);
	map_registers(&t);
	map_memory(&t);
	set(&t, TICKER_PERIOD, 2000);
	receive_levels(&t);
	receive_edges(&t);
	if (ioctl(t.device, VFIO_DEVICE_RESET))
		fail("VFIO_DEVICE_RESET");
	printf("after a reset the period is %u microseconds\n",
	       get(&t, TICKER_PERIOD));
	return 0;
}

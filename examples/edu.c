/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The smallest honest VFIO program: it takes the `edu` device away from the
 * kernel, maps its registers, lets it compute, interrupt and do DMA.
 *
 *   edu [ADDRESS]      0000:00:03.0 when no address is given
 *
 * docs/examples/edu.md goes through it step by step.
 */
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

/* Registers of the device, bytes from the start of BAR 0. */
#define REG_IDENT     0x00
#define REG_LIVENESS  0x04
#define REG_FACTORIAL 0x08
#define REG_STATUS    0x20
#define REG_IRQ_CAUSE 0x24
#define REG_IRQ_ACK   0x64
#define REG_DMA_SRC   0x80
#define REG_DMA_DST   0x88
#define REG_DMA_COUNT 0x90
#define REG_DMA_CMD   0x98

#define STATUS_BUSY     0x01
#define STATUS_IRQ_FACT 0x80
#define DMA_START       0x1
#define DMA_FROM_DEVICE 0x2
#define DMA_IRQ         0x4
#define DEVICE_BUFFER   0x40000

/* Where the device finds our memory; it has 28 address bits. */
#define IOVA        0x100000
#define BUFFER_SIZE 4096

#define PCI_COMMAND        0x04
#define PCI_COMMAND_MEMORY 0x2
#define PCI_COMMAND_MASTER 0x4

struct edu {
	int container, group, device;
	uint8_t *regs;
	uint64_t config; /* offset of config space in the device's file */
	uint8_t *buffer;
	int irq; /* eventfd */
	uint64_t irq_count;
};

__attribute__((format(printf, 1, 2))) static void fail(const char *fmt, ...)
{
	int error = errno;
	va_list args;

	va_start(args, fmt);
	fputs("edu: ", stderr);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

static void check(int is_right, const char *what)
{
	errno = EIO;
	if (!is_right)
		fail("%s", what);
}

static uint32_t reg_read(struct edu *edu, unsigned int reg)
{
	return *(volatile uint32_t *)(void *)(edu->regs + reg);
}

static void reg_write(struct edu *edu, unsigned int reg, uint32_t value)
{
	*(volatile uint32_t *)(void *)(edu->regs + reg) = value;
}

static void reg_write64(struct edu *edu, unsigned int reg, uint64_t value)
{
	*(volatile uint64_t *)(void *)(edu->regs + reg) = value;
}

/* The group is the last part of what the iommu_group link names. */
static int find_group(const char *address)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 address);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		fail("%s", path);
	target[len] = '\0';
	return atoi(strrchr(target, '/') + 1);
}

static void open_device(struct edu *edu, const char *address)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	char path[32];

	edu->container = open("/dev/vfio/vfio", O_RDWR);
	if (edu->container < 0)
		fail("/dev/vfio/vfio");
	snprintf(path, sizeof(path), "/dev/vfio/%d", find_group(address));
	edu->group = open(path, O_RDWR);
	if (edu->group < 0)
		fail("%s", path);
	if (ioctl(edu->group, VFIO_GROUP_GET_STATUS, &status))
		fail("VFIO_GROUP_GET_STATUS");
	check(status.flags & VFIO_GROUP_FLAGS_VIABLE,
	      "a device of the group has another driver");
	if (ioctl(edu->group, VFIO_GROUP_SET_CONTAINER, &edu->container))
		fail("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(edu->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		fail("VFIO_SET_IOMMU");
	edu->device = ioctl(edu->group, VFIO_GROUP_GET_DEVICE_FD, address);
	if (edu->device < 0)
		fail("VFIO_GROUP_GET_DEVICE_FD %s", address);
}

static uint64_t region_offset(struct edu *edu, uint32_t index,
			      uint64_t *ret_size)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	if (ioctl(edu->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		fail("VFIO_DEVICE_GET_REGION_INFO %u", index);
	if (ret_size)
		*ret_size = info.size;
	return info.offset;
}

static void map_registers(struct edu *edu)
{
	uint64_t size, offset;

	offset = region_offset(edu, VFIO_PCI_BAR0_REGION_INDEX, &size);
	edu->regs = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 edu->device, (off_t)offset);
	if (edu->regs == MAP_FAILED)
		fail("mapping BAR 0");
	edu->config = region_offset(edu, VFIO_PCI_CONFIG_REGION_INDEX, NULL);
}

/* A device that may not master the bus can neither do DMA nor send MSI. */
static void enable_bus_mastering(struct edu *edu)
{
	uint16_t command;

	if (pread(edu->device, &command, sizeof(command),
		  (off_t)(edu->config + PCI_COMMAND)) != sizeof(command))
		fail("reading the command register");
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(edu->device, &command, sizeof(command),
		   (off_t)(edu->config + PCI_COMMAND)) != sizeof(command))
		fail("writing the command register");
}

static void map_memory(struct edu *edu)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = IOVA,
		.size = BUFFER_SIZE,
	};

	edu->buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edu->buffer == MAP_FAILED)
		fail("allocating memory");
	map.vaddr = (uintptr_t)edu->buffer;
	if (ioctl(edu->container, VFIO_IOMMU_MAP_DMA, &map))
		fail("VFIO_IOMMU_MAP_DMA");
}

static void enable_msi(struct edu *edu)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} irqs = {
		.set =
			{
				.argsz = sizeof(irqs),
				.flags = VFIO_IRQ_SET_DATA_EVENTFD |
					 VFIO_IRQ_SET_ACTION_TRIGGER,
				.index = VFIO_PCI_MSI_IRQ_INDEX,
				.count = 1,
			},
	};

	edu->irq = eventfd(0, EFD_CLOEXEC);
	if (edu->irq < 0)
		fail("eventfd");
	irqs.fd = edu->irq;
	if (ioctl(edu->device, VFIO_DEVICE_SET_IRQS, &irqs))
		fail("VFIO_DEVICE_SET_IRQS");
}

/* Sleeps until the device interrupts, and acknowledges what it wanted. */
static uint32_t wait_for_interrupt(struct edu *edu)
{
	struct pollfd ready = {.fd = edu->irq, .events = POLLIN};
	uint64_t count;
	uint32_t cause;

	check(poll(&ready, 1, 10000) == 1, "no interrupt within 10 s");
	if (read(edu->irq, &count, sizeof(count)) != sizeof(count))
		fail("reading the eventfd");
	edu->irq_count += count;
	cause = reg_read(edu, REG_IRQ_CAUSE);
	reg_write(edu, REG_IRQ_ACK, cause);
	return cause;
}

static uint32_t factorial(struct edu *edu, uint32_t n)
{
	reg_write(edu, REG_STATUS, STATUS_IRQ_FACT);
	reg_write(edu, REG_FACTORIAL, n);
	wait_for_interrupt(edu);
	while (reg_read(edu, REG_STATUS) & STATUS_BUSY)
		;
	return reg_read(edu, REG_FACTORIAL);
}

static void dma(struct edu *edu, uint64_t from, uint64_t to, uint32_t flags)
{
	reg_write64(edu, REG_DMA_SRC, from);
	reg_write64(edu, REG_DMA_DST, to);
	reg_write64(edu, REG_DMA_COUNT, BUFFER_SIZE / 2);
	reg_write64(edu, REG_DMA_CMD, DMA_START | DMA_IRQ | flags);
	wait_for_interrupt(edu);
}

/* Lower half of the buffer to the device, and back to the upper half. */
static void dma_round_trip(struct edu *edu)
{
	for (unsigned int i = 0; i < BUFFER_SIZE / 2; i++)
		edu->buffer[i] = (uint8_t)(i * 7 + 1);
	dma(edu, IOVA, DEVICE_BUFFER, 0);
	dma(edu, DEVICE_BUFFER, IOVA + BUFFER_SIZE / 2, DMA_FROM_DEVICE);
	check(!memcmp(edu->buffer, edu->buffer + BUFFER_SIZE / 2,
		      BUFFER_SIZE / 2),
	      "DMA brought back something else");
}

int main(int argc, char **argv)
{
	const char *address = argc > 1 ? argv[1] : "0000:00:03.0";
	struct edu edu = {0};

	open_device(&edu, address);
	map_registers(&edu);
	enable_bus_mastering(&edu);
	map_memory(&edu);
	enable_msi(&edu);

	printf("identification 0x%08x\n", reg_read(&edu, REG_IDENT));
	reg_write(&edu, REG_LIVENESS, 0x12345678);
	check(reg_read(&edu, REG_LIVENESS) == ~0x12345678u,
	      "the device does not answer");
	printf("factorial of 10 is %u\n", factorial(&edu, 10));
	dma_round_trip(&edu);
	printf("DMA round trip of %d bytes\n", BUFFER_SIZE / 2);
	printf("interrupts %llu\n", (unsigned long long)edu.irq_count);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VFIO program of 2011: it speaks v0.2, the ABI that was proposed before
 * there were containers.  It takes two `edu` devices of two groups, lets
 * both reach the same memory, and drives one of them.
 *
 *     uvfio run --abi=v02 -d edu -d edu -- build/examples/v02
 *
 * docs/examples/v02.md goes through it step by step.
 */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* No header of a kernel has these; they are from the proposal. */
#define VFIO_GROUP_GET_FLAGS         _IOR(';', 100, uint64_t)
#define VFIO_GROUP_MERGE             _IOW(';', 101, int)
#define VFIO_GROUP_UNMERGE           _IOW(';', 102, int)
#define VFIO_GROUP_GET_IOMMU_FD      _IO(';', 103)
#define VFIO_GROUP_GET_DEVICE_FD     _IOW(';', 104, char *)
#define VFIO_IOMMU_MAP_DMA           _IOWR(';', 106, struct vfio_dma_map)
#define VFIO_IOMMU_UNMAP_DMA         _IOWR(';', 107, struct vfio_dma_map)
#define VFIO_DEVICE_GET_REGION_INFO  _IOWR(';', 110, struct vfio_region_info)
#define VFIO_DEVICE_SET_IRQ_EVENTFDS _IOW(';', 113, int)
#define VFIO_DEVICE_UNMASK_IRQ       _IOW(';', 114, int)

#define VFIO_GROUP_FLAGS_VIABLE    1u
#define VFIO_GROUP_FLAGS_MM_LOCKED 2u
#define VFIO_DMA_MAP_FLAG_WRITE    1u

struct vfio_dma_map {
	uint64_t len;
	uint64_t vaddr;
	uint64_t dmaaddr;
	uint64_t size;
	uint64_t flags;
};

struct vfio_region_info {
	uint32_t len;
	uint32_t index;
	uint64_t size;
	uint64_t offset;
	uint64_t flags;
	uint64_t phys;
};

enum {
	BAR0 = 0,
	CONFIG = 7, /* the region of configuration space */
	INTX = 0,
};

#define PCI_COMMAND        4
#define PCI_COMMAND_MEMORY 2
#define PCI_COMMAND_MASTER 4

/* Registers of edu. */
#define EDU_FACTORIAL   0x08
#define EDU_STATUS      0x20
#define EDU_IRQ_STATUS  0x24
#define EDU_IRQ_ACK     0x64
#define EDU_DMA_SOURCE  0x80
#define EDU_DMA_TARGET  0x88
#define EDU_DMA_COUNT   0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_BUFFER      0x40000 /* as the device's DMA engine sees it */

#define STATUS_BUSY      0x01u
#define STATUS_INTERRUPT 0x80u /* after a factorial */
#define DMA_START        0x01u
#define DMA_TO_MEMORY    0x02u
#define DMA_INTERRUPT    0x04u

#define IOVA 0x100000
#define SIZE 4096
#define HALF (SIZE / 2)

static const char *const names[] = {"0000:00:03.0", "0000:00:04.0"};

struct device {
	int fd;
	int eventfd;
	size_t size;
	volatile uint32_t *registers;
};

/* In 2011 the file iommu_group held the number of the group itself. */
static unsigned int find_group(const char *name)
{
	char path[128];
	unsigned int group;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%u", &group) != 1)
		err(1, "%s", path);
	fclose(file);
	return group;
}

static int open_group(const char *name)
{
	unsigned int number = find_group(name);
	char path[32];
	int group;

	snprintf(path, sizeof(path), "/dev/vfio/%u", number);
	group = open(path, O_RDWR);
	if (group < 0)
		err(1, "%s", path);
	return group;
}

static void print_flags(const char *when, int group)
{
	uint64_t flags;

	if (ioctl(group, VFIO_GROUP_GET_FLAGS, &flags))
		err(1, "VFIO_GROUP_GET_FLAGS");
	printf("%s: %s, %s\n", when,
	       flags & VFIO_GROUP_FLAGS_VIABLE ? "viable" : "not viable",
	       flags & VFIO_GROUP_FLAGS_MM_LOCKED ? "ours" : "nobody's");
}

static void merge(int group, int other)
{
	if (ioctl(group, VFIO_GROUP_MERGE, &other))
		err(1, "VFIO_GROUP_MERGE");
}

static int open_iommu(int group)
{
	int iommu = ioctl(group, VFIO_GROUP_GET_IOMMU_FD);

	if (iommu < 0)
		err(1, "VFIO_GROUP_GET_IOMMU_FD");
	return iommu;
}

static uint8_t *map_memory(int iommu)
{
	struct vfio_dma_map map = {
		.len = sizeof(map),
		.dmaaddr = IOVA,
		.size = SIZE,
		.flags = VFIO_DMA_MAP_FLAG_WRITE,
	};
	void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	map.vaddr = (uintptr_t)memory;
	if (ioctl(iommu, VFIO_IOMMU_MAP_DMA, &map))
		err(1, "VFIO_IOMMU_MAP_DMA");
	return memory;
}

static struct vfio_region_info region(int device, uint32_t index)
{
	struct vfio_region_info info = {.len = sizeof(info), .index = index};

	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info))
		err(1, "VFIO_DEVICE_GET_REGION_INFO");
	return info;
}

static void enable_bus_mastering(int device)
{
	off_t at = (off_t)region(device, CONFIG).offset + PCI_COMMAND;
	uint16_t command;

	if (pread(device, &command, sizeof(command), at) != sizeof(command))
		err(1, "configuration space");
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(device, &command, sizeof(command), at) != sizeof(command))
		err(1, "configuration space");
}

static void enable_intx(struct device *device)
{
	int args[3] = {INTX, 1, 0};

	device->eventfd = eventfd(0, EFD_CLOEXEC);
	if (device->eventfd < 0)
		err(1, "eventfd");
	args[2] = device->eventfd;
	if (ioctl(device->fd, VFIO_DEVICE_SET_IRQ_EVENTFDS, args))
		err(1, "VFIO_DEVICE_SET_IRQ_EVENTFDS");
}

/* Any group of a set finds the devices of all. */
static struct device open_device(int group, const char *name)
{
	struct device device = {.fd = -1};
	struct vfio_region_info bar;

	device.fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (device.fd < 0)
		err(1, "%s", name);
	enable_bus_mastering(device.fd);
	bar = region(device.fd, BAR0);
	device.size = bar.size;
	device.registers = mmap(NULL, bar.size, PROT_READ | PROT_WRITE,
				MAP_SHARED, device.fd, (off_t)bar.offset);
	if (device.registers == MAP_FAILED)
		err(1, "BAR 0");
	enable_intx(&device);
	return device;
}

static uint32_t get(const struct device *device, unsigned int reg)
{
	return device->registers[reg / 4];
}

static void set(const struct device *device, unsigned int reg, uint32_t value)
{
	device->registers[reg / 4] = value;
}

/* The line stays up until the device is calmed, and masked until we say. */
static void wait_for_interrupt(const struct device *device)
{
	struct pollfd pfd = {.fd = device->eventfd, .events = POLLIN};
	int index = INTX;
	uint64_t count;

	if (poll(&pfd, 1, 10000) != 1)
		errx(1, "no interrupt within 10 s");
	if (read(device->eventfd, &count, sizeof(count)) != sizeof(count))
		err(1, "eventfd");
	set(device, EDU_IRQ_ACK, get(device, EDU_IRQ_STATUS));
	if (ioctl(device->fd, VFIO_DEVICE_UNMASK_IRQ, &index))
		err(1, "VFIO_DEVICE_UNMASK_IRQ");
}

static void factorial(const struct device *device, uint32_t number)
{
	set(device, EDU_STATUS, STATUS_INTERRUPT);
	set(device, EDU_FACTORIAL, number);
	wait_for_interrupt(device);
	while (get(device, EDU_STATUS) & STATUS_BUSY)
		continue;
	printf("factorial of %u is %u\n", number, get(device, EDU_FACTORIAL));
}

static void transfer(const struct device *device, uint32_t source,
		     uint32_t target, uint32_t command)
{
	set(device, EDU_DMA_SOURCE, source);
	set(device, EDU_DMA_TARGET, target);
	set(device, EDU_DMA_COUNT, HALF);
	set(device, EDU_DMA_COMMAND, DMA_START | DMA_INTERRUPT | command);
	wait_for_interrupt(device);
}

static void dma_round_trip(const struct device *device, uint8_t *memory)
{
	for (unsigned int i = 0; i < HALF; i++)
		memory[i] = (uint8_t)(i * 7);
	transfer(device, IOVA, EDU_BUFFER, 0);
	transfer(device, EDU_BUFFER, IOVA + HALF, DMA_TO_MEMORY);
	if (memcmp(memory, memory + HALF, HALF) != 0)
		errx(1, "DMA brought back something else");
	printf("DMA round trip of %d bytes\n", HALF);
}

static void unmap_memory(int iommu)
{
	struct vfio_dma_map map = {
		.len = sizeof(map),
		.dmaaddr = IOVA,
		.size = SIZE,
	};

	if (ioctl(iommu, VFIO_IOMMU_UNMAP_DMA, &map))
		err(1, "VFIO_IOMMU_UNMAP_DMA");
}

int main(void)
{
	int group = open_group(names[0]);
	int other = open_group(names[1]);
	struct device device;
	uint8_t *memory;
	int iommu;

	print_flags("at first", group);
	merge(group, other);
	print_flags("merged", other);
	iommu = open_iommu(group);
	memory = map_memory(iommu);
	device = open_device(group, names[1]);
	factorial(&device, 10);
	dma_round_trip(&device, memory);
	unmap_memory(iommu);
	if (!ioctl(group, VFIO_GROUP_UNMERGE, &other))
		errx(1, "a group left with an open device");
	munmap((void *)(uintptr_t)device.registers, device.size);
	close(device.fd);
	if (ioctl(group, VFIO_GROUP_UNMERGE, &other))
		err(1, "VFIO_GROUP_UNMERGE");
	print_flags("alone", other);
	close(iommu);
	print_flags("at last", group);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver: uvfio run -d ./doorbell.so -- ./doorbell */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "doorbell.h"

#define ADDRESS  "0000:00:03.0"
#define ENTRIES  8
#define COMMANDS 20 /* the queues are gone round more than twice */
#define MEMORY   0x3000
#define IOVA     0x100000
#define ANSWERS  0x1000 /* in the memory; commands are at its start */
#define BUFFERS  0x2000

static int container, group, device;
static void *regs, *memory;

/* What a failed call returns ends the program, with the call's name. */
static int must(int ret, const char *call)
{
	if (ret < 0)
		err(1, "%s", call);
	return ret;
}

static void open_device(void)
{
	const uint16_t memory_and_master = 6;
	char path[128], link[128] = "";

	must((int)readlink("/sys/bus/pci/devices/" ADDRESS "/iommu_group", link,
			   sizeof(link) - 1),
	     "iommu_group");
	snprintf(path, sizeof(path), "/dev/vfio%s", strrchr(link, '/'));
	container = must(open("/dev/vfio/vfio", O_RDWR), "/dev/vfio/vfio");
	group = must(open(path, O_RDWR), path);
	must(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), "container");
	must(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "IOMMU");
	device = must(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, ADDRESS), ADDRESS);
	regs = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		    0);
	must(regs == MAP_FAILED ? -1 : 0, "BAR 0");
	must((int)pwrite(device, &memory_and_master, 2,
			 ((off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40) + 4),
	     "command register");
}

static void map_memory(void)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = IOVA,
		.size = MEMORY,
	};

	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(memory == MAP_FAILED ? -1 : 0, "memory");
	map.vaddr = (uintptr_t)memory;
	must(ioctl(container, VFIO_IOMMU_MAP_DMA, &map), "VFIO_IOMMU_MAP_DMA");
}

static int enable_interrupt(void)
{
	struct {
		struct vfio_irq_set set;
		int fd;
	} irqs = {
		{.argsz = sizeof(irqs),
		 .flags = VFIO_IRQ_SET_DATA_EVENTFD |
			  VFIO_IRQ_SET_ACTION_TRIGGER,
		 .index = VFIO_PCI_MSIX_IRQ_INDEX,
		 .count = 1},
		must(eventfd(0, 0), "eventfd"),
	};

	must(ioctl(device, VFIO_DEVICE_SET_IRQS, &irqs), "interrupt");
	return irqs.fd;
}

int main(void)
{
	uint64_t events;
	int interrupt;

	open_device();
	map_memory();
	interrupt = enable_interrupt();
	*(volatile uint64_t *)(regs + REG_COMMANDS) = IOVA;
	*(volatile uint64_t *)(regs + REG_ANSWERS) = IOVA + ANSWERS;
	*(volatile uint32_t *)(regs + REG_ENTRIES) = ENTRIES;

	for (uint32_t id = 1; id <= COMMANDS; id++) {
		uint32_t slot = (id - 1) % ENTRIES;
		struct command *command = memory;
		struct completion *answer = memory + ANSWERS;

		memset(memory + BUFFERS, (int)id, 1000);
		command[slot] = (struct command){IOVA + BUFFERS, 1000, id};
		__atomic_store_n((uint32_t *)(regs + REG_BELL), id,
				 __ATOMIC_RELEASE);
		must((int)read(interrupt, &events, sizeof(events)),
		     "interrupt");
		if (answer[slot].id != id || answer[slot].sum != 1000 * id)
			errx(1, "command %u is not answered well", id);
	}
	printf("%d commands done\n", COMMANDS);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvme.h"

#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vfio.h>

#define REG_CC   0x14
#define REG_CSTS 0x1c
#define REG_AQA  0x24
#define REG_ASQ  0x28
#define REG_ACQ  0x30

#define CC_ENABLE   (4u << 20 | 6u << 16 | 1u)
#define CC_SHUTDOWN (1u << 14)
#define DOORBELLS   0x1000
#define PAGE        4096u

static int must(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

static volatile uint32_t *reg32(struct nvme *nvme, unsigned int offset)
{
	return (volatile uint32_t *)(void *)(nvme->regs + offset);
}

static void write64(struct nvme *nvme, unsigned int offset, uint64_t value)
{
	*reg32(nvme, offset) = (uint32_t)value;
	*reg32(nvme, offset + 4) = (uint32_t)(value >> 32);
}

static void open_device(struct nvme *nvme, const char *address)
{
	struct vfio_region_info info = {.argsz = sizeof(info)};
	char path[PATH_MAX], link[PATH_MAX] = "";
	uint16_t command;

	(void)snprintf(path, sizeof(path),
		       "/sys/bus/pci/devices/%s/iommu_group", address);
	must((int)readlink(path, link, sizeof(link) - 1), path);
	(void)snprintf(path, sizeof(path), "/dev/vfio%s", strrchr(link, '/'));
	nvme->container = must(open("/dev/vfio/vfio", O_RDWR), "container");
	nvme->group = must(open(path, O_RDWR), path);
	must(ioctl(nvme->group, VFIO_GROUP_SET_CONTAINER, &nvme->container),
	     "VFIO_GROUP_SET_CONTAINER");
	must(ioctl(nvme->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU),
	     "VFIO_SET_IOMMU");
	nvme->device = must(
		ioctl(nvme->group, VFIO_GROUP_GET_DEVICE_FD, address), address);
	must(ioctl(nvme->device, VFIO_DEVICE_GET_REGION_INFO, &info), "BAR 0");
	nvme->regs = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  nvme->device, (off_t)info.offset);
	must(nvme->regs == MAP_FAILED ? -1 : 0, "mapping BAR 0");

	info.index = VFIO_PCI_CONFIG_REGION_INDEX;
	must(ioctl(nvme->device, VFIO_DEVICE_GET_REGION_INFO, &info), "config");
	must((int)pread(nvme->device, &command, 2, (off_t)info.offset + 4),
	     "command register");
	command |= 6; /* memory, bus master */
	must((int)pwrite(nvme->device, &command, 2, (off_t)info.offset + 4),
	     "command register");
}

static void map_memory(struct nvme *nvme, size_t size, bool is_shared)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = NVME_IOVA,
		.size = size,
	};

	nvme->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_ANONYMOUS | MAP_POPULATE |
				    (is_shared ? MAP_SHARED : MAP_PRIVATE),
			    -1, 0);
	must(nvme->memory == MAP_FAILED ? -1 : 0, "memory");
	nvme->size = size;
	map.vaddr = (uintptr_t)nvme->memory;
	must(ioctl(nvme->container, VFIO_IOMMU_MAP_DMA, &map),
	     "VFIO_IOMMU_MAP_DMA");
}

void *nvme_alloc(struct nvme *nvme, size_t size)
{
	void *memory = nvme->memory + nvme->used;

	nvme->used += (size + PAGE - 1) / PAGE * PAGE;
	if (nvme->used > nvme->size)
		errx(1, "memory for DMA is used up");
	return memory;
}

uint64_t nvme_iova(const struct nvme *nvme, const void *memory)
{
	return NVME_IOVA + (uint64_t)((const uint8_t *)memory - nvme->memory);
}

static void queue_init(struct nvme *nvme, unsigned int id)
{
	struct nvme_queue *queue = &nvme->queues[id];

	queue->sq = nvme_alloc(nvme, NVME_ENTRIES * sizeof(*queue->sq));
	queue->cq = nvme_alloc(nvme, NVME_ENTRIES * sizeof(*queue->cq));
	queue->sq_bell = reg32(nvme, DOORBELLS + id * 8);
	queue->cq_bell = reg32(nvme, DOORBELLS + id * 8 + 4);
	queue->phase = 1;
	queue->event = -1;
}

static void wait_ready(struct nvme *nvme, uint32_t wanted)
{
	uint32_t status;

	do {
		status = *reg32(nvme, REG_CSTS);
		if (status & 2)
			errx(1, "the controller failed, CSTS 0x%x", status);
	} while ((status & 1) != wanted);
}

static void identify(struct nvme *nvme)
{
	uint8_t *page = nvme_alloc(nvme, PAGE);
	const struct nvme_sqe command = {
		.opcode = 6,
		.nsid = 1,
		.prp1 = nvme_iova(nvme, page),
	};
	uint32_t format;

	if (nvme_do(&nvme->queues[0], &command))
		errx(1, "namespace 1 is not there");
	memcpy(&nvme->blocks, page, sizeof(nvme->blocks));
	memcpy(&format, page + 128 + 4 * (page[26] & 15), sizeof(format));
	nvme->block = 1u << (format >> 16 & 0xff);
}

void nvme_open(struct nvme *nvme, const char *address, size_t size,
	       bool is_shared)
{
	memset(nvme, 0, sizeof(*nvme));
	open_device(nvme, address);
	map_memory(nvme, size, is_shared);
	*reg32(nvme, REG_CC) = 0;
	wait_ready(nvme, 0);
	queue_init(nvme, 0);
	*reg32(nvme, REG_AQA) = (NVME_ENTRIES - 1) << 16 | (NVME_ENTRIES - 1);
	write64(nvme, REG_ASQ, nvme_iova(nvme, nvme->queues[0].sq));
	write64(nvme, REG_ACQ,
		nvme_iova(nvme, (void *)(uintptr_t)nvme->queues[0].cq));
	*reg32(nvme, REG_CC) = CC_ENABLE;
	wait_ready(nvme, 1);
	identify(nvme);
}

void nvme_close(struct nvme *nvme)
{
	*reg32(nvme, REG_CC) = CC_ENABLE | CC_SHUTDOWN;
	while ((*reg32(nvme, REG_CSTS) & 0xc) != 8)
		;
	*reg32(nvme, REG_CC) = 0;
	wait_ready(nvme, 0);
	close(nvme->device);
	close(nvme->group);
	close(nvme->container);
}

static void enable_vector(struct nvme *nvme, unsigned int vector, int fd)
{
	struct {
		struct vfio_irq_set set;
		int32_t fds[NVME_QUEUES];
	} irqs = {.set = {
			  .argsz = sizeof(irqs),
			  .flags = VFIO_IRQ_SET_DATA_EVENTFD |
				   VFIO_IRQ_SET_ACTION_TRIGGER,
			  .index = VFIO_PCI_MSIX_IRQ_INDEX,
			  .count = NVME_QUEUES,
		  }};

	for (unsigned int i = 0; i < NVME_QUEUES; i++)
		irqs.fds[i] = nvme->queues[i].sq ? nvme->queues[i].event : -1;
	irqs.fds[vector] = fd;
	must(ioctl(nvme->device, VFIO_DEVICE_SET_IRQS, &irqs),
	     "VFIO_DEVICE_SET_IRQS");
}

void nvme_queue_create(struct nvme *nvme, unsigned int id, bool has_interrupts)
{
	struct nvme_queue *queue = &nvme->queues[id];
	struct nvme_sqe command = {
		.opcode = 5,
		.cdw10 = (NVME_ENTRIES - 1) << 16 | id,
		.cdw11 = id << 16 | (has_interrupts ? 3 : 1),
	};

	queue_init(nvme, id);
	if (has_interrupts) {
		int fd = must(eventfd(0, EFD_CLOEXEC), "eventfd");

		enable_vector(nvme, id, fd);
		queue->event = fd;
	}
	command.prp1 = nvme_iova(nvme, (void *)(uintptr_t)queue->cq);
	if (nvme_do(&nvme->queues[0], &command))
		errx(1, "cannot create completion queue %u", id);
	command.opcode = 1;
	command.prp1 = nvme_iova(nvme, queue->sq);
	command.cdw11 = id << 16 | 1;
	if (nvme_do(&nvme->queues[0], &command))
		errx(1, "cannot create submission queue %u", id);
}

void nvme_put(struct nvme_queue *queue, const struct nvme_sqe *command)
{
	queue->sq[queue->tail] = *command;
	queue->tail = (queue->tail + 1) % NVME_ENTRIES;
}

void nvme_ring(struct nvme_queue *queue)
{
	__atomic_store_n(queue->sq_bell, queue->tail, __ATOMIC_RELEASE);
}

bool nvme_take(struct nvme_queue *queue, struct nvme_cqe *ret_cqe)
{
	volatile struct nvme_cqe *cqe = &queue->cq[queue->head];
	uint16_t status = __atomic_load_n(&cqe->status, __ATOMIC_ACQUIRE);

	if ((status & 1) != queue->phase)
		return false;
	ret_cqe->result = cqe->result;
	ret_cqe->cid = cqe->cid;
	ret_cqe->sq_id = cqe->sq_id;
	ret_cqe->sq_head = cqe->sq_head;
	ret_cqe->status = status >> 1;
	queue->head = (queue->head + 1) % NVME_ENTRIES;
	if (!queue->head)
		queue->phase ^= 1;
	return true;
}

void nvme_taken(struct nvme_queue *queue)
{
	__atomic_store_n(queue->cq_bell, queue->head, __ATOMIC_RELEASE);
}

uint16_t nvme_do(struct nvme_queue *queue, const struct nvme_sqe *command)
{
	struct nvme_cqe cqe;

	nvme_put(queue, command);
	nvme_ring(queue);
	while (!nvme_take(queue, &cqe))
		;
	nvme_taken(queue);
	return cqe.status;
}

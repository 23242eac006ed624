/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peer to peer: the registers of one device, mapped for DMA and reached by
 * another.
 */
#include "client.h"

#include <linux/pci_regs.h>
#include <sys/mman.h>

#define PEER "0000:00:04.0"

#define EDU_ID       0x00
#define EDU_LIVENESS 0x04
#define EDU_FACT     0x08
#define EDU_SOURCE   0x80
#define EDU_DEST     0x88
#define EDU_COUNT    0x90
#define EDU_COMMAND  0x98
#define EDU_BUFFER   0x40000ull

#define RUN        1
#define TO_MEMORY  2
#define RAM_IOVA   0x100000ull
#define PEER_IOVA  0x200000ull
#define OWN_IOVA   0x400000ull
#define BAR_SIZE   0x100000ull
#define CONFIG_POS ((off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)

static int container, device, peer;
static uint32_t *ram;

static uint64_t reg_get(int of, off_t reg, size_t size)
{
	uint64_t value = 0;

	CHECK(pread(of, &value, size, reg) == (ssize_t)size);
	return value;
}

static void reg_set(int of, off_t reg, uint64_t value, size_t size)
{
	CHECK(pwrite(of, &value, size, reg) == (ssize_t)size);
}

static void command(int of, uint16_t clear, uint16_t set)
{
	uint16_t value;

	CHECK(pread(of, &value, 2, CONFIG_POS + PCI_COMMAND) == 2);
	value = (uint16_t)((value & ~clear) | set);
	CHECK(pwrite(of, &value, 2, CONFIG_POS + PCI_COMMAND) == 2);
}

static void dma(uint64_t source, uint64_t dest, uint64_t count, int flags)
{
	reg_set(device, EDU_SOURCE, source, 8);
	reg_set(device, EDU_DEST, dest, 8);
	reg_set(device, EDU_COUNT, count, 8);
	reg_set(device, EDU_COMMAND, (uint64_t)(RUN | flags), 8);
	while (reg_get(device, EDU_COMMAND, 8) & RUN)
		continue;
}

/* The device stores a word at an address. */
static void device_store(uint64_t iova, uint32_t value)
{
	*ram = value;
	dma(RAM_IOVA, EDU_BUFFER, 4, 0);
	dma(EDU_BUFFER, iova, 4, TO_MEMORY);
}

/* The device loads a word from an address. */
static uint32_t device_load(uint64_t iova)
{
	*ram = 0;
	dma(RAM_IOVA, EDU_BUFFER, 4, 0);
	dma(iova, EDU_BUFFER, 4, 0);
	dma(EDU_BUFFER, RAM_IOVA, 4, TO_MEMORY);
	return *ram;
}

static int map_dma(const void *vaddr, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map);
}

static void unmap_dma(uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};

	CHECK(!ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	CHECK(unmap.size == size);
}

static void *map_bar(int of)
{
	void *bar =
		mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, of, 0);

	NEED(bar != MAP_FAILED);
	return bar;
}

static void open_both(void)
{
	struct client_vfio vfio = client_open();
	int group = open("/dev/vfio/2", O_RDWR | O_CLOEXEC);

	NEED(group >= 0);
	container = vfio.container;
	device = vfio.device;
	NEED(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	peer = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, PEER);
	NEED(peer >= 0);
	command(device, 0, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	command(peer, 0, PCI_COMMAND_MEMORY);
	ram = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(ram != MAP_FAILED);
	NEED(!map_dma(ram, RAM_IOVA, 4096));
}

static void reaches_registers(void)
{
	device_store(PEER_IOVA + EDU_LIVENESS, 0x12345678);
	CHECK(reg_get(peer, EDU_LIVENESS, 4) == (uint32_t)~0x12345678u);
	CHECK(device_load(PEER_IOVA + EDU_ID) == 0x010000edu);
	CHECK(device_load(PEER_IOVA + EDU_LIVENESS) == (uint32_t)~0x12345678u);
	device_store(PEER_IOVA + EDU_FACT, 5);
	while (reg_get(peer, EDU_FACT, 4) != 120)
		continue;
}

/* The mapping stays; while the device is deaf, nothing happens. */
static void finds_nobody_while_decode_is_off(void *bar)
{
	command(peer, PCI_COMMAND_MEMORY, 0);
	device_store(PEER_IOVA + EDU_LIVENESS, 1);
	errno = 0;
	CHECK(map_dma(bar, OWN_IOVA, 4096) && errno == EFAULT);
	command(peer, 0, PCI_COMMAND_MEMORY);
	CHECK(reg_get(peer, EDU_LIVENESS, 4) == (uint32_t)~0x12345678u);
	device_store(PEER_IOVA + EDU_LIVENESS, 2);
	CHECK(reg_get(peer, EDU_LIVENESS, 4) == (uint32_t)~2u);
}

/* A device does not reach itself, and does not hang. */
static void does_not_reach_itself(void *bar)
{
	reg_set(device, EDU_LIVENESS, 7, 4);
	CHECK(!map_dma(bar, OWN_IOVA, BAR_SIZE));
	device_store(OWN_IOVA + EDU_LIVENESS, 8);
	CHECK(reg_get(device, EDU_LIVENESS, 4) == (uint32_t)~7u);
	unmap_dma(OWN_IOVA, BAR_SIZE);
}

static void does_not_reach_what_is_unmapped(void)
{
	unmap_dma(PEER_IOVA, BAR_SIZE);
	device_store(PEER_IOVA + EDU_LIVENESS, 9);
	CHECK(reg_get(peer, EDU_LIVENESS, 4) == (uint32_t)~2u);
}

/* The mapping keeps no device open. */
static void does_not_hold_the_device(void *bar)
{
	CHECK(!map_dma(bar, PEER_IOVA, BAR_SIZE));
	munmap(bar, BAR_SIZE);
	close(peer);
	device_store(PEER_IOVA + EDU_LIVENESS, 10);
	unmap_dma(PEER_IOVA, BAR_SIZE);
}

/* Shows M17. */
int main(void)
{
	void *own, *bar;

	open_both();
	own = map_bar(device);
	bar = map_bar(peer);
	NEED(!map_dma(bar, PEER_IOVA, BAR_SIZE));
	reaches_registers();
	finds_nobody_while_decode_is_off(bar);
	does_not_reach_itself(own);
	does_not_reach_what_is_unmapped();
	does_not_hold_the_device(bar);
	return client_status();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peer to peer with registers that a program has touched where they are
 * memory: before and after the peer's memory was off, as a virtual machine
 * maps them whenever its firmware moves a BAR.
 */
#include "client.h"

#include <linux/pci_regs.h>
#include <sys/mman.h>

#define PEER       "0000:00:04.0"
#define BAR_SIZE   0x20000ull
#define CONFIG_POS ((off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)
#define RAM_IOVA   0x100000ull
#define PEER_IOVA  0x200000ull

#define EDU_SOURCE  0x80
#define EDU_DEST    0x88
#define EDU_COUNT   0x90
#define EDU_COMMAND 0x98
#define EDU_BUFFER  0x40000ull
#define RUN         1
#define TO_MEMORY   2

#define IGB_RDBAL 0x2800 /* keeps what is stored, on a page of memory */

static int container, device, peer;
static uint32_t *ram;
static volatile uint32_t *bar;

static void command(int of, uint16_t value)
{
	CHECK(pwrite(of, &value, 2, CONFIG_POS + PCI_COMMAND) == 2);
}

static void dma(uint64_t source, uint64_t dest, int flags)
{
	const uint64_t values[] = {source, dest, 4, (uint64_t)(RUN | flags)};
	uint64_t busy;

	for (int i = 0; i < 4; i++)
		CHECK(pwrite(device, &values[i], 8, EDU_SOURCE + i * 8) == 8);
	do
		CHECK(pread(device, &busy, 8, EDU_COMMAND) == 8);
	while (busy & RUN);
}

/* The device stores a word into the peer's register; the program loads it. */
static void expect_store(uint32_t value)
{
	*ram = value;
	dma(RAM_IOVA, EDU_BUFFER, 0);
	dma(EDU_BUFFER, PEER_IOVA + IGB_RDBAL, TO_MEMORY);
	CHECK(bar[IGB_RDBAL / 4] == value);
}

static int map_dma(const volatile void *vaddr, uint64_t iova, uint64_t size)
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
	command(device, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	command(peer, PCI_COMMAND_MEMORY);
	ram = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bar = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, peer, 0);
	NEED(ram != MAP_FAILED && bar != MAP_FAILED);
	NEED(!map_dma(ram, RAM_IOVA, 4096));
}

int main(void)
{
	uint32_t round;

	open_both();
	for (round = 1; round < 4; round++) {
		bar[IGB_RDBAL / 4] = 0;
		NEED(!map_dma(bar, PEER_IOVA, BAR_SIZE));
		expect_store(round << 8);
		unmap_dma(PEER_IOVA, BAR_SIZE);
		command(peer, 0);
		command(peer, PCI_COMMAND_MEMORY);
		/* Nothing touched it yet. */
		NEED(!map_dma(bar, PEER_IOVA, BAR_SIZE));
		expect_store(round << 16);
		unmap_dma(PEER_IOVA, BAR_SIZE);
	}
	return client_status();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DMA on a POWER host: registered memory, a window of bus addresses, and a
 * device that is frozen and goes on.
 *
 *   spapr [ADDRESS]    an `edu` device; 0000:00:03.0 when none is given
 *
 * docs/examples/spapr.md says what is different from other hosts.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vfio.h>

/* Registers of the device, and the bits that are used here. */
#define REG_DMA_SRC     0x80
#define REG_DMA_DST     0x88
#define REG_DMA_COUNT   0x90
#define REG_DMA_CMD     0x98
#define DMA_START       0x1
#define DMA_FROM_DEVICE 0x2
#define DEVICE_BUFFER   0x40000

#define PCI_COMMAND        0x04
#define PCI_COMMAND_MASTER 0x4

#define PAGE 4096

static int container, device;
static uint64_t bar, config; /* offsets in the device's file */

static void need(int is_right, const char *what)
{
	if (is_right)
		return;
	fprintf(stderr, "spapr: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void open_device(const char *address)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t len;
	int group;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 address);
	len = readlink(path, target, sizeof(target) - 1);
	need(len > 0, path);
	target[len] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(target, '/') + 1);
	container = open("/dev/vfio/vfio", O_RDWR);
	group = open(path, O_RDWR);
	need(container >= 0 && group >= 0, path);
	need(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container),
	     "VFIO_GROUP_SET_CONTAINER");
	need(!ioctl(container, VFIO_SET_IOMMU, VFIO_SPAPR_TCE_v2_IOMMU),
	     "VFIO_SET_IOMMU");
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
	need(device >= 0, "VFIO_GROUP_GET_DEVICE_FD");
}

static uint64_t region_offset(uint32_t index)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	need(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info),
	     "VFIO_DEVICE_GET_REGION_INFO");
	return info.offset;
}

static void enable_bus_mastering(void)
{
	uint64_t at = config + PCI_COMMAND;
	uint16_t command;

	need(pread(device, &command, 2, (off_t)at) == 2, "config space");
	command |= PCI_COMMAND_MASTER;
	need(pwrite(device, &command, 2, (off_t)at) == 2, "config space");
}

static void show_windows(void)
{
	struct vfio_iommu_spapr_tce_info info = {.argsz = sizeof(info)};

	need(!ioctl(container, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info),
	     "VFIO_IOMMU_SPAPR_TCE_GET_INFO");
	printf("default window at %#x, %u MiB\n", info.dma32_window_start,
	       info.dma32_window_size >> 20);
	printf("up to %u windows, page sizes %#llx\n",
	       info.ddw.max_dynamic_windows_supported,
	       (unsigned long long)info.ddw.pgsizes);
}

/* Instead of the default window one of a size that this device can reach. */
static void make_window(void)
{
	struct vfio_iommu_spapr_tce_remove old = {.argsz = sizeof(old)};
	struct vfio_iommu_spapr_tce_create new = {
		.argsz = sizeof(new),
		.page_shift = 12,
		.window_size = 1 << 28,
		.levels = 1,
	};

	need(!ioctl(container, VFIO_IOMMU_SPAPR_TCE_REMOVE, &old),
	     "VFIO_IOMMU_SPAPR_TCE_REMOVE");
	need(!ioctl(container, VFIO_IOMMU_SPAPR_TCE_CREATE, &new),
	     "VFIO_IOMMU_SPAPR_TCE_CREATE");
	printf("window at %#llx\n", (unsigned long long)new.start_addr);
}

static void map(uint8_t *page, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)page,
		.iova = iova,
		.size = PAGE,
	};

	need(!ioctl(container, VFIO_IOMMU_MAP_DMA, &map), "VFIO_IOMMU_MAP_DMA");
}

static void set_reg(unsigned int reg, uint64_t value)
{
	need(pwrite(device, &value, 8, (off_t)(bar + reg)) == 8, "register");
}

/* Copy bytes between a bus address and the device's own buffer. */
static void copy(uint64_t iova, uint64_t command)
{
	uint64_t busy = DMA_START;

	set_reg(REG_DMA_SRC, command ? DEVICE_BUFFER : iova);
	set_reg(REG_DMA_DST, command ? iova : DEVICE_BUFFER);
	set_reg(REG_DMA_COUNT, 64);
	set_reg(REG_DMA_CMD, DMA_START | command);
	while (busy & DMA_START)
		need(pread(device, &busy, 8, (off_t)(bar + REG_DMA_CMD)) == 8,
		     "register");
}

static int eeh(uint32_t op)
{
	struct vfio_eeh_pe_op args = {.argsz = sizeof(args), .op = op};
	int ret = ioctl(container, VFIO_EEH_PE_OP, &args);

	need(ret >= 0, "VFIO_EEH_PE_OP");
	return ret;
}

int main(int argc, char **argv)
{
	struct vfio_iommu_spapr_register_memory memory = {
		.argsz = sizeof(memory),
		.size = 2 * PAGE,
	};
	uint8_t *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(pages != MAP_FAILED, "mmap");
	open_device(argc > 1 ? argv[1] : "0000:00:03.0");
	bar = region_offset(VFIO_PCI_BAR0_REGION_INDEX);
	config = region_offset(VFIO_PCI_CONFIG_REGION_INDEX);
	enable_bus_mastering();
	show_windows();
	memory.vaddr = (uintptr_t)pages;
	need(!ioctl(container, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, &memory),
	     "VFIO_IOMMU_SPAPR_REGISTER_MEMORY");
	make_window();

	strcpy((char *)pages, "through the window");
	map(pages, 0x10000);
	copy(0x10000, 0);
	/* The same bus address leads somewhere else from now on. */
	map(pages + PAGE, 0x10000);
	copy(0x10000, DMA_FROM_DEVICE);
	printf("second page: %s\n", (char *)pages + PAGE);

	need(!eeh(VFIO_EEH_PE_ENABLE), "EEH");
	need(!eeh(VFIO_EEH_PE_INJECT_ERR), "EEH");
	memset(pages + PAGE, 0, PAGE);
	copy(0x10000, DMA_FROM_DEVICE);
	printf("state %d, second page: '%s'\n", eeh(VFIO_EEH_PE_GET_STATE),
	       (char *)pages + PAGE);
	need(!eeh(VFIO_EEH_PE_RESET_HOT), "EEH");
	need(!eeh(VFIO_EEH_PE_RESET_DEACTIVATE), "EEH");
	copy(0x10000, DMA_FROM_DEVICE);
	printf("state %d, second page: '%s'\n", eeh(VFIO_EEH_PE_GET_STATE),
	       (char *)pages + PAGE);
	return 0;
}

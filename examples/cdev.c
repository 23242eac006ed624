/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The smallest VFIO program without a group: it binds the character device of
 * `edu` to an iommufd, maps its registers, lets it interrupt and do DMA.
 *
 *   cdev [ADDRESS]     0000:00:03.0 when no address is given
 *
 * docs/examples/cdev.md goes through it step by step.
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

/*
 * Linux has these since 6.2 and 6.6, in linux/iommufd.h and linux/vfio.h;
 * the headers of Debian 12 are older.
 */
#define IOAS_ALLOC _IO(';', 0x81)
#define IOAS_MAP   _IO(';', 0x85)

#define MAP_FIXED_IOVA 0x1
#define MAP_WRITEABLE  0x2
#define MAP_READABLE   0x4

struct ioas_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t out_ioas_id;
};

struct ioas_map {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	uint32_t reserved;
	uint64_t user_va;
	uint64_t length;
	uint64_t iova;
};

#define BIND_IOMMUFD      _IO(VFIO_TYPE, VFIO_BASE + 18)
#define ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)

struct bind_iommufd {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t out_devid;
};

struct attach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pt_id;
};

/* Registers of the device, bytes from the start of BAR 0. */
#define REG_IDENT     0x00
#define REG_IRQ_CAUSE 0x24
#define REG_IRQ_ACK   0x64
#define REG_DMA_SRC   0x80
#define REG_DMA_DST   0x88
#define REG_DMA_COUNT 0x90
#define REG_DMA_CMD   0x98

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
	int iommufd, device;
	uint32_t ioas; /* id of our address space */
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
	fputs("cdev: ", stderr);
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

/* The name of the node is that of the only directory in vfio-dev. */
static void find_node(const char *address, char *node, size_t size)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev",
		 address);
	dir = opendir(path);
	if (!dir)
		fail("%s", path);
	do {
		errno = ENODEV;
		entry = readdir(dir);
		if (!entry)
			fail("%s", path);
	} while (strncmp(entry->d_name, "vfio", strlen("vfio")) != 0);
	snprintf(node, size, "/dev/vfio/devices/%s", entry->d_name);
	closedir(dir);
}

static void open_device(struct edu *edu, const char *address)
{
	struct bind_iommufd bind = {.argsz = sizeof(bind)};
	char node[PATH_MAX];

	edu->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (edu->iommufd < 0)
		fail("/dev/iommu");
	find_node(address, node, sizeof(node));
	edu->device = open(node, O_RDWR | O_CLOEXEC);
	if (edu->device < 0)
		fail("%s", node);
	bind.iommufd = edu->iommufd;
	if (ioctl(edu->device, BIND_IOMMUFD, &bind))
		fail("VFIO_DEVICE_BIND_IOMMUFD");
	printf("bound as object %u\n", bind.out_devid);
}

static void attach(struct edu *edu)
{
	struct ioas_alloc alloc = {.size = sizeof(alloc)};
	struct attach_iommufd_pt attach = {.argsz = sizeof(attach)};

	if (ioctl(edu->iommufd, IOAS_ALLOC, &alloc))
		fail("IOMMU_IOAS_ALLOC");
	edu->ioas = alloc.out_ioas_id;
	attach.pt_id = edu->ioas;
	if (ioctl(edu->device, ATTACH_IOMMUFD_PT, &attach))
		fail("VFIO_DEVICE_ATTACH_IOMMUFD_PT");
	printf("address space %u, page table %u\n", edu->ioas, attach.pt_id);
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
	struct ioas_map map = {
		.size = sizeof(map),
		.flags = MAP_FIXED_IOVA | MAP_READABLE | MAP_WRITEABLE,
		.ioas_id = edu->ioas,
		.length = BUFFER_SIZE,
		.iova = IOVA,
	};

	edu->buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edu->buffer == MAP_FAILED)
		fail("allocating memory");
	map.user_va = (uintptr_t)edu->buffer;
	if (ioctl(edu->iommufd, IOAS_MAP, &map))
		fail("IOMMU_IOAS_MAP");
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
	attach(&edu);
	map_registers(&edu);
	enable_bus_mastering(&edu);
	map_memory(&edu);
	enable_msi(&edu);

	printf("identification 0x%08x\n", reg_read(&edu, REG_IDENT));
	dma_round_trip(&edu);
	printf("DMA round trip of %d bytes\n", BUFFER_SIZE / 2);
	printf("interrupts %llu\n", (unsigned long long)edu.irq_count);
	return 0;
}

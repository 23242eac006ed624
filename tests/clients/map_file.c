/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file mapped through /dev/iommu, and a program that is executed while a
 * device has it.  Runs with --abi=6.19.  Shows M64.
 */
#include <sys/mman.h>

#include "client.h"
#include "iommu/iommufd/abi_hwpt.h"
#include "iommu/iommufd/abi_new.h"

#define BIND   _IO(';', 118)
#define ATTACH _IO(';', 119)

#define PAGE 4096
#define IOVA 0x100000

/* Of edu: a transfer between its memory and ours. */
#define DMA_SOURCE  0x80
#define DMA_TARGET  0x88
#define DMA_COUNT   0x90
#define DMA_COMMAND 0x98
#define DMA_START   1
#define DMA_TO_US   2
#define EDU_MEMORY  0x40000

struct bind {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t out_devid;
};

struct pt {
	uint32_t argsz, flags, pt_id;
};

static off_t region(int device, uint32_t index)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	NEED(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	return (off_t)info.offset;
}

static void put(int device, off_t at, uint64_t value)
{
	CHECK(pwrite(device, &value, 8, region(device, 0) + at) == 8);
}

static void transfer(int device, uint64_t from, uint64_t to, uint64_t command)
{
	uint64_t state = DMA_START;

	put(device, DMA_SOURCE, from);
	put(device, DMA_TARGET, to);
	put(device, DMA_COUNT, 64);
	put(device, DMA_COMMAND, DMA_START | command);
	while (state & DMA_START)
		CHECK(pread(device, &state, 8,
			    region(device, 0) + DMA_COMMAND) == 8);
}

/* Page @from of the file to page @to, by way of the device. */
static void copy_page(int device, int file, int from, int to)
{
	char text[64] = "", was[64] = "";

	snprintf(was, sizeof(was), "page %d goes to page %d", from, to);
	CHECK(pwrite(file, was, 64, from * PAGE) == 64);
	transfer(device, IOVA + from * PAGE, EDU_MEMORY, 0);
	transfer(device, EDU_MEMORY, IOVA + to * PAGE, DMA_TO_US);
	CHECK(pread(file, text, 64, to * PAGE) == 64);
	CHECK(!strcmp(text, was));
}

static int map_file(int iommufd, uint32_t ioas, int fd, uint64_t iova)
{
	struct iommu_ioas_map_file map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FLAGS,
		.ioas_id = ioas,
		.fd = fd,
		.length = 4 * PAGE,
		.iova = iova,
	};

	return ioctl(iommufd, IOMMU_IOAS_MAP_FILE, &map) ? -errno : 0;
}

static void enable(int device)
{
	uint16_t command = 6; /* memory, bus master */

	CHECK(pwrite(device, &command, 2,
		     region(device, VFIO_PCI_CONFIG_REGION_INDEX) + 4) == 2);
}

static void start(char **argv)
{
	int device = open("/dev/vfio/devices/vfio0", O_RDWR);
	int iommufd = open("/dev/iommu", O_RDWR);
	int file = memfd_create("memory", 0);
	struct bind bind = {.argsz = sizeof(bind), .iommufd = iommufd};
	struct iommu_ioas_alloc ioas = {.size = sizeof(ioas)};
	struct iommu_fault_alloc fault = {.size = sizeof(fault)};
	struct pt pt = {.argsz = sizeof(pt)};
	char fds[3][12];

	NEED(device >= 0 && iommufd >= 0 && !ftruncate(file, 4 * PAGE));
	NEED(!ioctl(device, BIND, &bind));
	NEED(!ioctl(iommufd, IOMMU_IOAS_ALLOC, &ioas));
	NEED(!map_file(iommufd, ioas.out_ioas_id, file, IOVA));
	pt.pt_id = ioas.out_ioas_id;
	NEED(!ioctl(device, ATTACH, &pt));
	CHECK(map_file(iommufd, ioas.out_ioas_id, 999, 0) == -EBADF);
	CHECK(map_file(iommufd, ioas.out_ioas_id, device, 0) == -EINVAL);
	CHECK(map_file(iommufd, ioas.out_ioas_id, 2, 0x200000) == -EINVAL);
	enable(device);
	copy_page(device, file, 0, 1);
	/* A queue's descriptor keeps the queue. */
	NEED(!ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, &fault));
	CHECK(fcntl((int)fault.out_fault_fd, F_GETFD) == FD_CLOEXEC);
	CHECK(ioctl(iommufd, IOMMU_DESTROY,
		    &(struct iommu_destroy){8, fault.out_fault_id}) &&
	      errno == EBUSY);
	close((int)fault.out_fault_fd);
	CHECK(!ioctl(iommufd, IOMMU_DESTROY,
		     &(struct iommu_destroy){8, fault.out_fault_id}));
	if (client_failures)
		exit(1);
	snprintf(fds[0], sizeof(fds[0]), "%d", device);
	snprintf(fds[1], sizeof(fds[1]), "%d", iommufd);
	snprintf(fds[2], sizeof(fds[2]), "%d", file);
	NEED(execl(argv[0], argv[0], fds[0], fds[1], fds[2], NULL) >= 0);
}

int main(int argc, char **argv)
{
	struct iommu_ioas_change_process change = {.size = sizeof(change)};
	int device, iommufd, file;

	if (argc < 4)
		start(argv);
	device = atoi(argv[1]);
	iommufd = atoi(argv[2]);
	file = atoi(argv[3]);
	copy_page(device, file, 2, 3);
	CHECK(!ioctl(iommufd, IOMMU_IOAS_CHANGE_PROCESS, &change));
	copy_page(device, file, 3, 0);
	return client_status();
}

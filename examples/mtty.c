/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mediated device from its creation to its removal: a serial port of the
 * kernel's example mtty is created, opened through its group and through its
 * character device, talks to itself, interrupts, and is removed.
 *
 *   mtty [UUID]
 *
 * docs/examples/mtty.md goes through it step by step.
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
#include <unistd.h>

#include <linux/serial_reg.h>
#include <linux/vfio.h>

#define TYPE    "/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-2/"
#define DEVICES "/sys/bus/mdev/devices/"
#define UUID    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

/* In linux/vfio.h since Linux 6.6. */
#define BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)

struct bind_iommufd {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t out_devid;
};

struct mtty {
	int container, group; /* or an iommufd, and -1 */
	int device;
	uint64_t port; /* offset of its registers in the device's file */
	int irq;       /* eventfd */
};

__attribute__((format(printf, 1, 2))) static void fail(const char *fmt, ...)
{
	int error = errno;
	va_list args;

	va_start(args, fmt);
	fputs("mtty: ", stderr);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("%s", path);
	close(fd);
}

static int instances_left(void)
{
	FILE *file = fopen(TYPE "available_instances", "re");
	int left = -1;

	if (!file || fscanf(file, "%d", &left) != 1)
		fail(TYPE "available_instances");
	fclose(file);
	return left;
}

/* The last part of where the link of a device leads to. */
static void find_group(const char *uuid, char *node, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), DEVICES "%s/iommu_group", uuid);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		fail("%s", path);
	target[length] = '\0';
	snprintf(node, size, "/dev/vfio/%s", strrchr(target, '/') + 1);
}

/* The name of the only directory in vfio-dev. */
static void find_cdev(const char *uuid, char *node, size_t size)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), DEVICES "%s/vfio-dev", uuid);
	dir = opendir(path);
	if (!dir)
		fail("%s", path);
	do {
		errno = ENODEV;
		entry = readdir(dir);
		if (!entry)
			fail("%s", path);
	} while (entry->d_name[0] == '.');
	snprintf(node, size, "/dev/vfio/devices/%s", entry->d_name);
	closedir(dir);
}

static int must_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("%s", path);
	return fd;
}

static void open_by_group(struct mtty *mtty, const char *uuid)
{
	char node[PATH_MAX];

	find_group(uuid, node, sizeof(node));
	mtty->container = must_open("/dev/vfio/vfio");
	mtty->group = must_open(node);
	if (ioctl(mtty->group, VFIO_GROUP_SET_CONTAINER, &mtty->container))
		fail("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(mtty->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		fail("VFIO_SET_IOMMU");
	mtty->device = ioctl(mtty->group, VFIO_GROUP_GET_DEVICE_FD, uuid);
	if (mtty->device < 0)
		fail("VFIO_GROUP_GET_DEVICE_FD %s", uuid);
	printf("opened %s\n", node);
}

static void open_by_cdev(struct mtty *mtty, const char *uuid)
{
	struct bind_iommufd bind = {.argsz = sizeof(bind)};
	char node[PATH_MAX];

	find_cdev(uuid, node, sizeof(node));
	mtty->container = must_open("/dev/iommu");
	mtty->group = -1;
	mtty->device = must_open(node);
	bind.iommufd = mtty->container;
	if (ioctl(mtty->device, BIND_IOMMUFD, &bind))
		fail("VFIO_DEVICE_BIND_IOMMUFD");
	printf("opened %s\n", node);
}

static void find_port(struct mtty *mtty)
{
	struct vfio_device_info device = {.argsz = sizeof(device)};
	struct vfio_region_info region = {
		.argsz = sizeof(region),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};

	if (ioctl(mtty->device, VFIO_DEVICE_GET_INFO, &device))
		fail("VFIO_DEVICE_GET_INFO");
	if (ioctl(mtty->device, VFIO_DEVICE_GET_REGION_INFO, &region))
		fail("VFIO_DEVICE_GET_REGION_INFO");
	mtty->port = region.offset;
}

static void reg_write(struct mtty *mtty, unsigned int reg, uint8_t value)
{
	if (pwrite(mtty->device, &value, 1, (off_t)(mtty->port + reg)) != 1)
		fail("register %u", reg);
}

static uint8_t reg_read(struct mtty *mtty, unsigned int reg)
{
	uint8_t value;

	if (pread(mtty->device, &value, 1, (off_t)(mtty->port + reg)) != 1)
		fail("register %u", reg);
	return value;
}

/* What the port hears is what it says. */
static void talk(struct mtty *mtty, const char *text)
{
	reg_write(mtty, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	for (const char *at = text; *at; at++)
		reg_write(mtty, UART_TX, (uint8_t)*at);
	printf("said %s, heard ", text);
	while (reg_read(mtty, UART_LSR) & UART_LSR_DR)
		putchar(reg_read(mtty, UART_RX));
	putchar('\n');
}

static void set_irq(struct mtty *mtty, uint32_t flags, int fd)
{
	uint64_t buf[(sizeof(struct vfio_irq_set) + sizeof(fd) + 7) / 8];
	struct vfio_irq_set *set = (struct vfio_irq_set *)(void *)buf;

	*set = (struct vfio_irq_set){
		.argsz = sizeof(*set) + sizeof(fd),
		.flags = flags,
		.index = VFIO_PCI_INTX_IRQ_INDEX,
		.count = 1,
	};
	memcpy(set->data, &fd, sizeof(fd));
	if (ioctl(mtty->device, VFIO_DEVICE_SET_IRQS, set))
		fail("VFIO_DEVICE_SET_IRQS");
}

/* Each byte that comes into an empty FIFO interrupts, unless it is masked. */
static void take_interrupts(struct mtty *mtty)
{
	struct pollfd ready = {.events = POLLIN};
	unsigned int cause;
	uint64_t count;

	mtty->irq = eventfd(0, EFD_CLOEXEC);
	ready.fd = mtty->irq;
	set_irq(mtty, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		mtty->irq);
	reg_write(mtty, UART_IER, UART_IER_RDI);
	for (int i = 0; i < 2; i++) {
		reg_write(mtty, UART_TX, '!');
		errno = ETIMEDOUT;
		if (poll(&ready, 1, 10000) != 1 ||
		    read(mtty->irq, &count, sizeof(count)) != sizeof(count))
			fail("no interrupt");
		cause = reg_read(mtty, UART_IIR);
		printf("interrupt, cause 0x%02x, byte %c\n", cause,
		       reg_read(mtty, UART_RX));
		set_irq(mtty,
			VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 0);
	}
	close(mtty->irq);
}

static void use(struct mtty *mtty, const char *text)
{
	find_port(mtty);
	talk(mtty, text);
	take_interrupts(mtty);
	close(mtty->device);
	if (mtty->group >= 0)
		close(mtty->group);
	close(mtty->container);
}

int main(int argc, char **argv)
{
	const char *uuid = argc > 1 ? argv[1] : UUID;
	char path[PATH_MAX];
	struct mtty mtty;

	put(TYPE "create", uuid);
	printf("created %s, %d more can be\n", uuid, instances_left());
	open_by_group(&mtty, uuid);
	use(&mtty, "hello");
	open_by_cdev(&mtty, uuid);
	use(&mtty, "world");
	snprintf(path, sizeof(path), DEVICES "%s/remove", uuid);
	put(path, "1");
	printf("removed, %d more can be\n", instances_left());
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Creates and removes mediated devices as a shell does, and looks at the names
 * that come and go.  Runs with `-d mtty` and nothing else.
 */
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "client.h"

#define PARENT  "/sys/class/mdev_bus/mtty"
#define TYPE    PARENT "/mdev_supported_types/mtty-2"
#define CREATE  TYPE "/create"
#define LEFT    TYPE "/available_instances"
#define BUS     "/sys/bus/mdev/devices/"
#define DEVPATH "/devices/virtual/mtty/mtty/"
#define UUID    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define OTHER   "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
#define REMOVE  BUS UUID "/remove"
#define CDEV    "/dev/vfio/devices/vfio0"

/* As echo(1) does.  0 or a negative errno. */
static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t size = strlen(text);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, size) != (ssize_t)size)
		ret = -errno;
	close(fd);
	return ret;
}

static const char *get(const char *path)
{
	static char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

static bool exists(const char *path)
{
	struct stat st;

	return !stat(path, &st);
}

/* Shows N7. */
static void writes_answer_as_the_kernel(void)
{
	CHECK(!strcmp(get(LEFT), "12\n"));
	CHECK(put(CREATE, "nothing\n") == -EINVAL);
	CHECK(!put(CREATE, UUID "\n"));
	CHECK(put(CREATE, UUID "\n") == -EEXIST);
	CHECK(put(PARENT "/mdev_supported_types/mtty-1/create", UUID) ==
	      -EEXIST);
	CHECK(!strcmp(get(LEFT), "11\n"));
	CHECK(put(REMOVE, "x\n") == -EINVAL);
	CHECK(!put(REMOVE, "0\n"));
	CHECK(exists(BUS UUID));
	CHECK(open(CREATE, O_RDONLY) < 0 && errno == EACCES);
	CHECK(open(LEFT, O_WRONLY) < 0 && errno == EACCES);
	CHECK(!put(REMOVE, "1\n"));
	CHECK(put(REMOVE, "1\n") == -ENOENT);
	CHECK(!strcmp(get(LEFT), "12\n"));
}

static void names_are_there_when_create_returns(void)
{
	static const char *const names[] = {
		GROUP,
		CDEV,
		BUS UUID "/iommu_group/devices/" UUID,
		BUS UUID "/mdev_type/devices/" UUID,
		BUS UUID "/vfio-dev/vfio0/dev",
		BUS UUID "/vendor/sample_mdev_dev",
		BUS UUID "/driver/module/drivers/mdev:mtty",
		"/sys" DEVPATH UUID "/subsystem/drivers/mtty/" UUID,
		"/sys/class/vfio/1/dev",
		"/sys/class/vfio-dev/vfio0/device/mdev_type/create",
	};

	for (int round = 0; round < 2; round++) {
		CHECK(!put(CREATE, UUID));
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			CHECK(exists(names[i]));
		CHECK(!strcmp(get(BUS UUID "/uevent"), "DRIVER=mtty\n"));
		CHECK(!put(REMOVE, "1"));
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			CHECK(!exists(names[i]));
	}
	CHECK(open(GROUP, O_RDWR) < 0 && errno == ENOENT);
}

/* Waits for one event whose first string is this. */
static bool hears(int fd, const char *head)
{
	char text[4096];

	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};

		if (poll(&pfd, 1, 10000) != 1)
			return false;
		if (recv(fd, text, sizeof(text), 0) > 0 && !strcmp(text, head))
			return true;
	}
}

static void uevents_are_heard(void)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = 1};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
			NETLINK_KOBJECT_UEVENT);

	NEED(fd >= 0);
	CHECK(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	CHECK(!put(CREATE, UUID));
	CHECK(hears(fd, "add@" DEVPATH UUID));
	CHECK(hears(fd, "bind@" DEVPATH UUID));
	CHECK(!put(REMOVE, "1"));
	CHECK(hears(fd, "unbind@" DEVPATH UUID));
	CHECK(hears(fd, "remove@" DEVPATH UUID));
	close(fd);
}

static struct client_vfio use_device(void)
{
	struct client_vfio vfio = {
		.container = open(CONTAINER, O_RDWR | O_CLOEXEC),
		.group = open(GROUP, O_RDWR | O_CLOEXEC),
	};

	NEED(!ioctl(vfio.group, VFIO_GROUP_SET_CONTAINER, &vfio.container));
	NEED(!ioctl(vfio.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	vfio.device = ioctl(vfio.group, VFIO_GROUP_GET_DEVICE_FD, UUID);
	NEED(vfio.device >= 0);
	return vfio;
}

/* A process that writes to remove; 0 is its status when this is the answer. */
static pid_t start_remove(const struct client_vfio *vfio, int fd, int answer)
{
	pid_t pid = fork();

	if (!pid) {
		/* What is open here would be waited for. */
		close(vfio->device);
		_exit((write(fd, "1", 1) == 1 ? 0 : errno) == answer ? 0 : 1);
	}
	return pid;
}

/* Shows N7. */
static void remove_waits_for_the_user(void)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	struct client_vfio vfio;
	int fd, status = -1;
	pid_t first, second;

	CHECK(!put(CREATE, UUID));
	vfio = use_device();
	fd = open(REMOVE, O_WRONLY | O_CLOEXEC);
	NEED(fd >= 0);
	first = start_remove(&vfio, fd, 0);
	while (exists(REMOVE))
		;
	second = start_remove(&vfio, fd, ENODEV);
	CHECK(put(REMOVE, "1") == -ENOENT);
	CHECK(!exists(BUS UUID "/mdev_type") && exists(BUS UUID "/uevent"));
	CHECK(put(PARENT "/mdev_supported_types/mtty-1/create", UUID) ==
	      -EEXIST);
	CHECK(!put(PARENT "/mdev_supported_types/mtty-1/create", OTHER));
	CHECK(!put(BUS OTHER "/remove", "1"));
	CHECK(!ioctl(vfio.device, VFIO_DEVICE_GET_INFO, &info));
	CHECK(info.num_regions == VFIO_PCI_NUM_REGIONS);
	CHECK(!waitpid(first, &status, WNOHANG));
	close(vfio.device);
	CHECK(client_wait(first) == 0);
	CHECK(client_wait(second) == 0);
	CHECK(!exists(BUS UUID));
	CHECK(write(fd, "1", 1) < 0 && errno == ENODEV);
	close(fd);
	close(vfio.group);
	close(vfio.container);
	CHECK(!strcmp(get(LEFT), "12\n"));
}

int main(void)
{
	writes_answer_as_the_kernel();
	names_are_there_when_create_returns();
	uevents_are_heard();
	remove_waits_for_the_user();
	return client_status();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Creates and removes mediated devices as a shell does, and looks at the names
 * that come and go.  Runs with `-d mtty` and nothing else.
 */
#include "sysfs.h"

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

/* Shows N7. */
static void writes_answer_as_the_kernel(void)
{
	CHECK(!strcmp(sysfs_get(LEFT), "12\n"));
	CHECK(sysfs_put(CREATE, "nothing\n") == -EINVAL);
	CHECK(!sysfs_put(CREATE, UUID "\n"));
	CHECK(sysfs_put(CREATE, UUID "\n") == -EEXIST);
	CHECK(sysfs_put(PARENT "/mdev_supported_types/mtty-1/create", UUID) ==
	      -EEXIST);
	CHECK(!strcmp(sysfs_get(LEFT), "11\n"));
	CHECK(sysfs_put(REMOVE, "x\n") == -EINVAL);
	CHECK(!sysfs_put(REMOVE, "0\n"));
	CHECK(has_name(BUS UUID));
	CHECK(open(CREATE, O_RDONLY) < 0 && errno == EACCES);
	CHECK(open(LEFT, O_WRONLY) < 0 && errno == EACCES);
	CHECK(!sysfs_put(REMOVE, "1\n"));
	CHECK(sysfs_put(REMOVE, "1\n") == -ENOENT);
	CHECK(!strcmp(sysfs_get(LEFT), "12\n"));
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
		CHECK(!sysfs_put(CREATE, UUID));
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			CHECK(has_target(names[i]));
		CHECK(!strcmp(sysfs_get(BUS UUID "/uevent"), "DRIVER=mtty\n"));
		CHECK(!sysfs_put(REMOVE, "1"));
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			CHECK(!has_name(names[i]));
	}
	CHECK(open(GROUP, O_RDWR) < 0 && errno == ENOENT);
}

static void uevents_are_heard(void)
{
	int fd = uevents_open();

	CHECK(!sysfs_put(CREATE, UUID));
	CHECK(uevents_hear(fd, "add@" DEVPATH UUID));
	CHECK(uevents_hear(fd, "bind@" DEVPATH UUID));
	CHECK(!sysfs_put(REMOVE, "1"));
	CHECK(uevents_hear(fd, "unbind@" DEVPATH UUID));
	CHECK(uevents_hear(fd, "remove@" DEVPATH UUID));
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

	CHECK(!sysfs_put(CREATE, UUID));
	vfio = use_device();
	fd = open(REMOVE, O_WRONLY | O_CLOEXEC);
	NEED(fd >= 0);
	first = start_remove(&vfio, fd, 0);
	while (has_name(REMOVE))
		;
	second = start_remove(&vfio, fd, ENODEV);
	CHECK(sysfs_put(REMOVE, "1") == -ENOENT);
	CHECK(!has_name(BUS UUID "/mdev_type") && has_name(BUS UUID "/uevent"));
	CHECK(sysfs_put(PARENT "/mdev_supported_types/mtty-1/create", UUID) ==
	      -EEXIST);
	CHECK(!sysfs_put(PARENT "/mdev_supported_types/mtty-1/create", OTHER));
	CHECK(!sysfs_put(BUS OTHER "/remove", "1"));
	CHECK(!ioctl(vfio.device, VFIO_DEVICE_GET_INFO, &info));
	CHECK(info.num_regions == VFIO_PCI_NUM_REGIONS);
	CHECK(!waitpid(first, &status, WNOHANG));
	close(vfio.device);
	CHECK(client_wait(first) == 0);
	CHECK(client_wait(second) == 0);
	CHECK(!has_name(BUS UUID));
	CHECK(write(fd, "1", 1) < 0 && errno == ENODEV);
	close(fd);
	close(vfio.group);
	close(vfio.container);
	CHECK(!strcmp(sysfs_get(LEFT), "12\n"));
}

int main(void)
{
	writes_answer_as_the_kernel();
	names_are_there_when_create_returns();
	uevents_are_heard();
	remove_waits_for_the_user();
	return client_status();
}

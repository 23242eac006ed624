/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const names[CARDS_END] = {
	"0000:00:03.0", "0000:00:04.0", "0000:00:05.0", "0000:00:05.1",
	"0000:00:05.2", "0000:01:00.0", "0000:02:00.0", "0000:02:00.1",
	"0000:03:01.0", "0000:03:02.0", "0000:00:06.0", "0000:00:07.0",
};

const char *bdf(int dev)
{
	return names[dev];
}

void sysfs_path(int dev, const char *file, char *buf, size_t size)
{
	snprintf(buf, size, "/sys/bus/pci/devices/%s/%s", names[dev], file);
}

/* The last component of what a symbolic link points to. */
int link_base(const char *path, char *buf, size_t size)
{
	char target[512];
	const char *base;
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	target[n] = '\0';
	base = strrchr(target, '/');
	snprintf(buf, size, "%s", base ? base + 1 : target);
	return 0;
}

int group_id(int dev)
{
	char path[128], base[64];

	sysfs_path(dev, "iommu_group", path, sizeof(path));
	if (link_base(path, base, sizeof(base)))
		return -1;
	return (int)strtol(base, NULL, 10);
}

void group_path(int dev, char *buf, size_t size)
{
	snprintf(buf, size, "/dev/vfio/%d", group_id(dev));
}

ssize_t file_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	err = errno;
	close(fd);
	errno = err;
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	errno = err;
	return n < 0 ? -1 : 0;
}

int container_open(void)
{
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

	need(fd >= 0, "open-container");
	return fd;
}

int group_try_open(int dev)
{
	char path[64];

	group_path(dev, path, sizeof(path));
	return open(path, O_RDWR | O_CLOEXEC);
}

/*
 * The case before this one has exited, but an implementation may release
 * its files a moment later: that is allowed, so wait for it here.
 */
int group_open(int dev)
{
	int fd = -1;

	for (int i = 0; i < 200; i++) {
		fd = group_try_open(dev);
		if (fd >= 0 || errno != EBUSY)
			break;
		usleep(10000);
	}
	need(fd >= 0, "open-group");
	return fd;
}

int group_attach(int group, int container)
{
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
}

/* The flags, or -1. */
int group_status(int group)
{
	struct vfio_group_status st = {.argsz = sizeof(st)};

	if (ioctl(group, VFIO_GROUP_GET_STATUS, &st))
		return -1;
	return (int)st.flags;
}

int device_open(int group, int dev)
{
	return ioctl(group, VFIO_GROUP_GET_DEVICE_FD, names[dev]);
}

struct session session_group(void)
{
	struct session s = {.device = -1};

	s.group = group_open(0);
	s.container = container_open();
	need(!group_attach(s.group, s.container), "set-container");
	return s;
}

struct session session_iommu(unsigned long type)
{
	struct session s = session_group();

	need(!ioctl(s.container, VFIO_SET_IOMMU, type), "set-iommu");
	return s;
}

struct session session_device(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	s.device = device_open(s.group, 0);
	need(s.device >= 0, "get-device-fd");
	return s;
}

struct session session_second(struct session *s1)
{
	struct session s = {.container = s1->container, .device = -1};

	s.group = group_open(1);
	need(!group_attach(s.group, s.container), "set-container-2");
	return s;
}

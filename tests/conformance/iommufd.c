/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int has_cdev(void)
{
	return !access("/dev/vfio/devices", F_OK) &&
	       !access("/dev/iommu", F_OK);
}

/* How many numbers a device has: one, if it is there; the last of them. */
int cdev_name(int dev, char *buf, size_t size)
{
	char path[128];
	struct dirent *e;
	int found = 0;
	DIR *d;

	sysfs_path(dev, "vfio-dev", path, sizeof(path));
	d = opendir(path);
	if (!d)
		return 0;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			snprintf(buf, size, "%.60s", e->d_name);
			found++;
		}
	closedir(d);
	return found;
}

int cdev_try_open(int dev)
{
	char path[128], name[64];

	if (cdev_name(dev, name, sizeof(name)) != 1) {
		errno = ENOENT;
		return -1;
	}
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	return open(path, O_RDWR);
}

int cdev_open(int dev)
{
	int fd = cdev_try_open(dev);

	need(fd >= 0, "open-cdev");
	return fd;
}

int iommufd_open(void)
{
	int fd = open("/dev/iommu", O_RDWR);

	need(fd >= 0, "open-iommufd");
	return fd;
}

int cdev_bind(int cdev, int iommufd)
{
	struct abi_bind bind = {.argsz = sizeof(bind), .iommufd = iommufd};

	return ioctl(cdev, ABI_BIND_IOMMUFD, &bind);
}

/*
 * The case before this one has exited, but an implementation may release
 * its files a moment later: that is allowed, so wait for it here.
 */
uint32_t cdev_id(int cdev, int iommufd)
{
	struct abi_bind bind = {.argsz = sizeof(bind), .iommufd = iommufd};
	int ret = -1;

	for (int i = 0; i < 200; i++) {
		ret = ioctl(cdev, ABI_BIND_IOMMUFD, &bind);
		if (!ret || (errno != EBUSY && errno != EINVAL))
			break;
		usleep(10000);
	}
	need(!ret, "bind");
	return bind.devid;
}

int cdev_attach(int cdev, uint32_t pt_id)
{
	struct abi_attach attach = {.argsz = sizeof(attach), .pt_id = pt_id};

	return ioctl(cdev, ABI_ATTACH_PT, &attach);
}

int cdev_detach(int cdev)
{
	struct abi_detach detach = {.argsz = sizeof(detach)};

	return ioctl(cdev, ABI_DETACH_PT, &detach);
}

uint32_t ioas_alloc(int iommufd)
{
	struct abi_ioas_alloc alloc = {.size = sizeof(alloc)};

	need(!ioctl(iommufd, ABI_IOMMU_IOAS_ALLOC, &alloc), "ioas-alloc");
	return alloc.out_ioas_id;
}

int ioas_map(int iommufd, uint32_t ioas, const void *at, uint64_t iova,
	     uint64_t length)
{
	struct abi_ioas_map map = {
		.size = sizeof(map),
		.flags = ABI_IOAS_FIXED_IOVA | ABI_IOAS_WRITEABLE |
			 ABI_IOAS_READABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)at,
		.length = length,
		.iova = iova,
	};

	return ioctl(iommufd, ABI_IOMMU_IOAS_MAP, &map);
}

int ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t length)
{
	struct abi_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas,
		.iova = iova,
		.length = length,
	};

	return ioctl(iommufd, ABI_IOMMU_IOAS_UNMAP, &unmap);
}

int iommufd_destroy(int iommufd, uint32_t id)
{
	struct abi_iommu_destroy destroy = {.size = sizeof(destroy), .id = id};

	return ioctl(iommufd, ABI_IOMMU_DESTROY, &destroy);
}

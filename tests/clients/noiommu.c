/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device without an IOMMU, as a program finds and uses it.  Runs with
 * --host=iommu=none,noiommu=on and one function, 0000:00:03.0.  Who lacks
 * CAP_SYS_RAWIO sees that it is asked for.
 */
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "client.h"

#define NODE      "/dev/vfio/noiommu-0"
#define PARAMETER "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
#define DEV       "/sys/bus/pci/devices/" DEVICE

static bool has_rawio(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {0};

	NEED(!syscall(SYS_capget, &head, data));
	return data[0].effective & (1u << CAP_SYS_RAWIO);
}

static void drop_rights(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct data[2] = {0};

	NEED(!syscall(SYS_capset, &head, data));
}

static bool says(const char *path, const char *text)
{
	char line[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (fd >= 0)
		close(fd);
	return len > 0 && !strcmp(line, text);
}

/* Shows N1, N4. */
static void names_tell_that_there_is_no_iommu(void)
{
	struct stat st;
	char path[256] = "";

	CHECK(!stat(NODE, &st) && S_ISCHR(st.st_mode));
	CHECK(stat("/dev/vfio/0", &st) && errno == ENOENT);
	CHECK(!stat("/sys/class/vfio/noiommu-0", &st));
	CHECK(says("/sys/kernel/iommu_groups/0/name", "vfio-noiommu\n"));
	CHECK(readlink(DEV "/iommu_group", path, sizeof(path) - 1) > 2 &&
	      !strcmp(strrchr(path, '/'), "/0"));
	CHECK(says(PARAMETER, "Y\n"));
	/* No node of its own: only the directory of it is there. */
	CHECK(stat("/dev/vfio/devices", &st) && errno == ENOENT);
	CHECK(!stat(DEV "/vfio-dev/vfio0", &st));
	CHECK(stat(DEV "/vfio-dev/vfio0/dev", &st) && errno == ENOENT);
}

static void read_and_write(int device)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t word = 0;

	NEED(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	CHECK(pread(device, &word, 2, (off_t)info.offset) == 2);
	CHECK(word == 0x1234);
	word = 0x0002;
	CHECK(pwrite(device, &word, 2, (off_t)info.offset + 4) == 2);
	word = 0;
	CHECK(pread(device, &word, 2, (off_t)info.offset + 4) == 2);
	CHECK(word & 0x0002);
}

/* Shows N2. */
static void rights_are_asked_for(int group, int container)
{
	int status = -1;
	pid_t pid = fork();

	/* It inherits what it may not open. */
	if (!pid) {
		drop_rights();
		CHECK(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, DEVICE) < 0 &&
		      errno == EPERM);
		CHECK(!ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
		CHECK(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0 &&
		      errno == EPERM);
		_exit(client_status());
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
}

/* Shows N3. */
static void container_maps_nothing(int container)
{
	struct vfio_iommu_type1_dma_map map = {.argsz = sizeof(map)};

	CHECK(ioctl(container, VFIO_IOMMU_MAP_DMA, &map) < 0 &&
	      errno == ENOTTY);
	CHECK(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_NOIOMMU_IOMMU) == 1);
	CHECK(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU) == 0);
}

static void device_is_used(void)
{
	int container = open(CONTAINER, O_RDWR | O_CLOEXEC);
	int group = open(NODE, O_RDWR | O_CLOEXEC);
	int device;

	NEED(container >= 0 && group >= 0);
	NEED(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	CHECK(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) < 0 &&
	      errno == ENODEV);
	NEED(!ioctl(container, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU));
	container_maps_nothing(container);
	rights_are_asked_for(group, container);
	NEED(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	NEED(!ioctl(container, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU));
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, DEVICE);
	NEED(device >= 0);
	read_and_write(device);
	close(device);
	close(group);
	close(container);
}

int main(void)
{
	names_tell_that_there_is_no_iommu();
	if (has_rawio())
		device_is_used();
	else
		CHECK(open(NODE, O_RDWR | O_CLOEXEC) < 0 && errno == EPERM);
	return client_status();
}

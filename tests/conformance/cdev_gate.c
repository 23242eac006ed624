/* SPDX-License-Identifier: BSD-3-Clause */
/* A character device before BIND, and its node. */
#include "lib.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

static const struct {
	const char *label;
	unsigned long nr;
} calls[] = {
	{"device_get_info", VFIO_DEVICE_GET_INFO},
	{"get_region_info", VFIO_DEVICE_GET_REGION_INFO},
	{"get_irq_info", VFIO_DEVICE_GET_IRQ_INFO},
	{"set_irqs", VFIO_DEVICE_SET_IRQS},
	{"reset", VFIO_DEVICE_RESET},
	{"hot_reset_info", VFIO_DEVICE_GET_PCI_HOT_RESET_INFO},
	{"hot_reset", VFIO_DEVICE_PCI_HOT_RESET},
	{"ioeventfd", VFIO_DEVICE_IOEVENTFD},
	{"feature", VFIO_DEVICE_FEATURE},
	{"attach", ABI_ATTACH_PT},
	{"detach", ABI_DETACH_PT},
	{"get_api_version", VFIO_GET_API_VERSION},
	{"group_get_status", VFIO_GROUP_GET_STATUS},
	{"group_get_device_fd", VFIO_GROUP_GET_DEVICE_FD},
	{"map_dma", VFIO_IOMMU_MAP_DMA},
	{"ioas_alloc", ABI_IOMMU_IOAS_ALLOC},
	{"unknown_0x3bff", 0x3bff},
	{"kvm", 0xae00},
	{"bind_with_direction", _IOW(VFIO_TYPE, VFIO_BASE + 18, int)},
};

static const char *call_label(long i)
{
	return i < (long)COUNT(calls) ? calls[i].label : NULL;
}

/* Shows V2. */
static void unbound_refuses(long i)
{
	result(ioctl(cdev_open(0), calls[i].nr, bad_pointer()));
}

static void unbound_refuses_null(long i)
{
	result(ioctl(cdev_open(0), calls[i].nr, NULL));
}

static void bound_answers(long i)
{
	int cdev = cdev_open(0);

	cdev_id(cdev, iommufd_open());
	result(ioctl(cdev, calls[i].nr, bad_pointer()));
}

static void another_file_of_a_bound_device_refuses(long i)
{
	cdev_id(cdev_open(0), iommufd_open());
	result(ioctl(cdev_open(0), calls[i].nr, bad_pointer()));
}

static void unbound_file_calls(void)
{
	int cdev = cdev_open(0);
	char byte[4] = {0};

	result(pread(cdev, byte, 4, 0));
	outcome("pwrite", pwrite(cdev, byte, 4, 0));
	outcome("config", pread(cdev, byte, 4, ABI_REGION(7)));
	outcome("mmap",
		mmap(NULL, PAGE, PROT_READ, MAP_SHARED, cdev, 0) == MAP_FAILED
			? -1
			: 0);
}

static void bound_file_calls(void)
{
	int cdev = cdev_open(0);
	char byte[4] = {0};

	cdev_id(cdev, iommufd_open());
	result(pread(cdev, byte, 4, 0));
	hex("id", edu_read(cdev, EDU_ID));
	hex("vendor", cfg_read(cdev, 0, 2));
	value("mapped", touch(bar_map(cdev, PAGE, PROT_READ), 0));
}

static void opens_any_number_of_times(void)
{
	int a = cdev_open(0), b = cdev_try_open(0), c = cdev_try_open(0);

	result(a >= 0 && b >= 0 && c >= 0);
	cdev_id(b, iommufd_open());
	outcome("after_bind", cdev_try_open(0) < 0 ? -1 : 0);
}

static void node(void)
{
	char name[64] = "", path[128], text[64], expect[64];
	struct stat st;

	need(cdev_name(0, name, sizeof(name)) == 1, "name");
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	result(stat(path, &st));
	value("chr", S_ISCHR(st.st_mode));
	report(" mode=%o", st.st_mode & 07777);
	snprintf(expect, sizeof(expect), "%u:%u\n", major(st.st_rdev),
		 minor(st.st_rdev));
	snprintf(path, sizeof(path), "/sys/class/vfio-dev/%s/dev", name);
	need(file_read(path, text, sizeof(text)) > 0, "read");
	value("numbered", !strcmp(text, expect));
	need(!stat("/dev/vfio/devices", &st), "stat-directory");
	report(" directory=%o", st.st_mode & 07777);
}

static void iommufd_node(void)
{
	struct stat st;

	result(stat("/dev/iommu", &st));
	value("chr", S_ISCHR(st.st_mode));
	report(" mode=%o", st.st_mode & 07777);
	value("major", major(st.st_rdev));
}

static void an_open_file_does_not_keep_the_group(void)
{
	struct session s;

	cdev_open(0);
	s = session_device();
	result(group_status(s.group));
	hex("id", edu_read(s.device, EDU_ID));
}

static void read_only_files_bind(void)
{
	char name[64] = "", path[128];
	int fd;

	need(cdev_name(0, name, sizeof(name)) == 1, "name");
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	fd = open(path, O_RDONLY);
	need(fd >= 0, "open");
	result(cdev_bind(fd, open("/dev/iommu", O_RDONLY)));
	hex("id", edu_read(fd, EDU_ID));
}

static const struct conf_case cases[] = {
	EACH(unbound_refuses, call_label),
	EACH(unbound_refuses_null, call_label),
	EACH(bound_answers, call_label),
	EACH(another_file_of_a_bound_device_refuses, call_label),
	CASE(unbound_file_calls),
	CASE(bound_file_calls),
	CASE(opens_any_number_of_times),
	CASE(node),
	CASE(iommufd_node),
	CASE(an_open_file_does_not_keep_the_group),
	CASE(read_only_files_bind),
};

TABLE_OF(table_cdev_gate, "cdev_gate", cases, has_cdev);

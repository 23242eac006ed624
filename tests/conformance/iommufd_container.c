/* SPDX-License-Identifier: BSD-3-Clause */
/* An iommufd in the place of a container. */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wrong.h"

/* A group whose "container" is an iommufd. */
static struct session in_iommufd(void)
{
	struct session s = {.device = -1};

	s.group = group_open(0);
	s.container = iommufd_open();
	need(!group_attach(s.group, s.container), "set-iommufd");
	return s;
}

static struct session with_device(void)
{
	struct session s = in_iommufd();

	s.device = device_open(s.group, 0);
	need(s.device >= 0, "get-device-fd");
	return s;
}

static struct session empty(void)
{
	return (struct session){.container = iommufd_open(), .group = -1};
}

static struct session unset(void)
{
	struct session s = in_iommufd();

	need(!ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
	return s;
}

static const struct {
	const char *label;
	struct session (*enter)(void);
} states[] = {
	{"empty", empty},
	{"group", in_iommufd},
	{"device", with_device},
	{"unset", unset},
};

static const char *state_label(long i)
{
	return i < (long)COUNT(states) ? states[i].label : NULL;
}

static void extensions_when(long i)
{
	struct session s = states[i].enter();

	result(ioctl(s.container, VFIO_GET_API_VERSION));
	for (unsigned long n = 0; n < 12; n++)
		outcome("e", ioctl(s.container, VFIO_CHECK_EXTENSION, n));
	outcome("max", ioctl(s.container, VFIO_CHECK_EXTENSION, ~0ul));
	outcome("wide",
		ioctl(s.container, VFIO_CHECK_EXTENSION, (1ul << 32) + 1));
}

/* Shows M1. */
static void set_iommu_when(long i)
{
	static const unsigned long types[] = {3, 1, 3, 0, 2, 6, 8, ~0ul};
	struct session s = states[i].enter();

	for (size_t n = 0; n < COUNT(types); n++)
		outcome("t", ioctl(s.container, VFIO_SET_IOMMU, types[n]));
	result(group_status(s.group));
}

static const struct {
	const char *label;
	unsigned long nr;
} calls[] = {
	{"get_info", VFIO_IOMMU_GET_INFO},
	{"map_dma", VFIO_IOMMU_MAP_DMA},
	{"unmap_dma", VFIO_IOMMU_UNMAP_DMA},
	{"dirty_pages", VFIO_IOMMU_DIRTY_PAGES},
	{"group_get_status", VFIO_GROUP_GET_STATUS},
	{"device_get_info", VFIO_DEVICE_GET_INFO},
	{"unknown_0x3bff", 0x3bff},
	{"kvm", 0xae00},
};

static const char *call_label(long i)
{
	return i < (long)COUNT(calls) ? calls[i].label : NULL;
}

static void call(long i)
{
	result(ioctl(empty().container, calls[i].nr, bad_pointer()));
	outcome("group", ioctl(in_iommufd().container, calls[i].nr, NULL));
}

static void device_when(long i)
{
	struct session s = states[i].enter();
	int device;

	if (s.group < 0)
		s.group = group_open(0);
	device = device_open(s.group, 0);
	result(device < 0 ? -1 : 0);
	outcome("wrong", device_open(s.group, 1));
	value("status", group_status(s.group));
	if (device >= 0)
		hex("id", edu_read(device, EDU_ID));
}

static void unset_when(long i)
{
	struct session s = states[i].enter();

	if (s.group < 0)
		s.group = group_open(0);
	value("before", group_status(s.group));
	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	value("status", group_status(s.group));
	outcome("again", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("device", device_open(s.group, 0));
	outcome("set", group_attach(s.group, container_open()));
	if (s.device > 0)
		close(s.device);
	value("closed", group_status(s.group));
}

static void set_when(long i)
{
	struct session s = states[i].enter();

	if (s.group < 0)
		s.group = group_open(0);
	result(group_attach(s.group, s.container));
	outcome("container", group_attach(s.group, container_open()));
	outcome("closed", group_attach(s.group, closed_fd()));
	outcome("event", group_attach(s.group, event_fd()));
	value("status", group_status(s.group));
}

static void is_given(long i)
{
	struct session s = in_iommufd();

	result(group_attach(s.group, wrong_fd(i, s.group)));
	value("status", group_status(s.group));
}

static void dma_by_the_calls_of_type1(void)
{
	struct session s = with_device();
	unsigned char *p = pages(2);

	need(!ioctl(s.container, VFIO_SET_IOMMU, 3ul), "set-iommu");
	result(dma_map(s.container, 3, p, 0x100000, 2 * PAGE));
	memset(p, 0x5a, 64);
	edu_quiet(s.device);
	cfg_command(s.device, 0, 4);
	need(!edu_dma(s.device, 0x100000, EDU_DMA_BUF, 64, 0), "dma-in");
	need(!edu_dma(s.device, EDU_DMA_BUF, 0x100000 + PAGE, 64, 2),
	     "dma-out");
	value("dma", !memcmp(p, p + PAGE, 64));
	hex("left", dma_unmap_all(s.container));
}

static void closing_the_group_keeps_the_device(void)
{
	struct session s = with_device();

	close(s.group);
	s.group = group_try_open(0);
	result_fd(s.group);
	value("status", group_status(s.group));
	outcome("device", device_open(s.group, 0));
	hex("id", edu_read(s.device, EDU_ID));
	outcome("container", group_attach(s.group, container_open()));
	outcome("same", group_attach(s.group, s.container));
	outcome("other", group_attach(s.group, iommufd_open()));
}

static void closing_the_iommufd_keeps_the_device(void)
{
	struct session s = with_device();

	close(s.container);
	result(group_status(s.group));
	hex("id", edu_read(s.device, EDU_ID));
	outcome("second", device_open(s.group, 0) < 0 ? -1 : 0);
	outcome("unset", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static void two_groups_share_it(void)
{
	struct session s = with_device();
	int group = group_open(1);

	result(group_attach(group, s.container));
	outcome("device", device_open(group, 1) < 0 ? -1 : 0);
	outcome("first", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	value("status", group_status(group));
}

static void its_device_excludes_bind(void)
{
	struct session s = with_device();
	int cdev = cdev_open(0);

	outcome("open", cdev_bind(cdev, s.container));
	close(s.group);
	result(cdev_bind(cdev, s.container));
	outcome("file", cdev_bind(s.device, s.container));
	outcome("attach", cdev_attach(s.device, ioas_alloc(s.container)));
	outcome("detach", cdev_detach(s.device));
	close(s.device);
	outcome("closed", cdev_bind(cdev, s.container));
}

/* Shows M66. */
static void compat_ioas(long op)
{
	struct session s = in_iommufd();
	struct abi_vfio_ioas ioas = {.size = sizeof(ioas), .op = (uint16_t)op};

	outcome("empty", ioctl(iommufd_open(), ABI_IOMMU_VFIO_IOAS, &ioas));
	result(ioctl(s.container, ABI_IOMMU_VFIO_IOAS, &ioas));
	value("id", ioas.ioas_id != 0);
}

static const struct conf_case cases[] = {
	EACH(extensions_when, state_label),
	EACH(set_iommu_when, state_label),
	EACH(call, call_label),
	EACH(device_when, state_label),
	EACH(unset_when, state_label),
	EACH(set_when, state_label),
	EACH(is_given, wrong_fd_label),
	CASE(dma_by_the_calls_of_type1),
	CASE(closing_the_group_keeps_the_device),
	CASE(closing_the_iommufd_keeps_the_device),
	CASE(two_groups_share_it),
	CASE(its_device_excludes_bind),
	RANGE(compat_ioas, 0, 3, 1),
};

TABLE_OF(table_iommufd_container, "iommufd_container", cases, has_cdev);

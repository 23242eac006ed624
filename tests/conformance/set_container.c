/* SPDX-License-Identifier: BSD-3-Clause */
/* SET_CONTAINER and UNSET_CONTAINER. */
#include "lib.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "wrong.h"

/* Shows A1. */
static void refuses(long i)
{
	int g = group_open(0), fd = wrong_fd(i, g);

	result(group_attach(g, fd));
	outcome("status", group_status(g));
}

static void already_set_refuses(long i)
{
	struct session s = session_group();

	result(group_attach(s.group, wrong_fd(i, s.group)));
}

/* Shows A1. */
static void null_pointer(void)
{
	result(ioctl(group_open(0), VFIO_GROUP_SET_CONTAINER, NULL));
}

static void pointer_with_readable_bytes(long len)
{
	void *p = before_fault((size_t)len);

	result(ioctl(group_open(0), VFIO_GROUP_SET_CONTAINER, p));
}

static void null_pointer_when_already_set(void)
{
	struct session s = session_group();

	result(ioctl(s.group, VFIO_GROUP_SET_CONTAINER, NULL));
}

static void reads_from_read_only_memory(void)
{
	int c = container_open();

	result(ioctl(group_open(0), VFIO_GROUP_SET_CONTAINER,
		     read_only(&c, sizeof(c))));
}

/* Shows A2. */
static void twice(void)
{
	struct session s = session_group();

	result(group_attach(s.group, s.container));
	outcome("another", group_attach(s.group, container_open()));
	outcome("status", group_status(s.group));
}

/* Shows A5. */
static void the_container_may_be_closed_at_once(void)
{
	struct session s = session_group();

	close(s.container);
	result(group_status(s.group));
	outcome("unset", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("again", group_attach(s.group, container_open()));
}

static void two_groups_share_a_container(void)
{
	struct session s = session_group(), t = session_second(&s);

	result(ioctl(s.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	outcome("first", device_open(s.group, 0) >= 0 ? 0 : -1);
	outcome("second", device_open(t.group, 1) >= 0 ? 0 : -1);
}

static void joins_a_container_with_mappings(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU), t;

	need(!dma_map(s.container, 3, pages(1), 0x100000, PAGE), "map");
	t = session_second(&s);
	result(group_status(t.group));
	outcome("device", device_open(t.group, 1) >= 0 ? 0 : -1);
	hex("left", dma_unmap_all(s.container));
}

static void unset_idle(void)
{
	result(ioctl(group_open(0), VFIO_GROUP_UNSET_CONTAINER));
}

/* Shows A3. */
static void unset_ignores_its_argument(void)
{
	struct session s = session_group();

	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER, bad_pointer()));
	outcome("again", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static void unset_with_a_device_open(void)
{
	struct session s = session_device();

	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	close(s.device);
	outcome("closed", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static void unset_with_another_group_device_open(void)
{
	struct session s = session_device(), t = session_second(&s);

	result(ioctl(t.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("own", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static void unset_with_mappings(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	need(!dma_map(s.container, 3, pages(1), 0x100000, PAGE), "map");
	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

/* Shows A4. */
static void set_and_unset_repeat(void)
{
	struct session s = session_group();
	int other = container_open(), bad = 0;

	for (int i = 0; i < 50; i++) {
		bad |= ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER);
		bad |= group_attach(s.group, i & 1 ? s.container : other);
	}
	result(bad);
	outcome("status", group_status(s.group));
}

static void set_iommu_is_gone_after_unset(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	need(!ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
	need(!group_attach(s.group, s.container), "set-container");
	result_fd(device_open(s.group, 0));
}

static const struct conf_case cases[] = {
	EACH(refuses, wrong_fd_label),
	EACH(already_set_refuses, wrong_fd_label),
	CASE(null_pointer),
	RANGE(pointer_with_readable_bytes, 0, 3, 1),
	CASE(null_pointer_when_already_set),
	CASE(reads_from_read_only_memory),
	CASE(twice),
	CASE(the_container_may_be_closed_at_once),
	CASE(two_groups_share_a_container),
	CASE(joins_a_container_with_mappings),
	CASE(unset_idle),
	CASE(unset_ignores_its_argument),
	CASE(unset_with_a_device_open),
	CASE(unset_with_another_group_device_open),
	CASE(unset_with_mappings),
	CASE(set_and_unset_repeat),
	CASE(set_iommu_is_gone_after_unset),
};

TABLE(table_set_container, "set_container", cases);

/* SPDX-License-Identifier: BSD-3-Clause */
/* What a group's file answers after the last device has left the group. */
#include "lib.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "states.h"

static void status_of(long i)
{
	struct vfio_group_status st = {.argsz = 7, .flags = 0x55};
	struct session s = orphan_enter(i);

	result(group_status(s.group));
	outcome("null", ioctl(s.group, VFIO_GROUP_GET_STATUS, NULL));
	outcome("small", ioctl(s.group, VFIO_GROUP_GET_STATUS, &st));
	st.argsz = 8;
	outcome("right", ioctl(s.group, VFIO_GROUP_GET_STATUS, &st));
	hex("flags", st.flags);
}

static void set_container_of(long i)
{
	struct session s = orphan_enter(i);
	int c = container_open();

	result(group_attach(s.group, c));
	outcome("null", ioctl(s.group, VFIO_GROUP_SET_CONTAINER, NULL));
	outcome("closed", group_attach(s.group, closed_fd()));
	outcome("event", group_attach(s.group, event_fd()));
	outcome("set_iommu", ioctl(c, VFIO_SET_IOMMU, 3ul));
}

static void unset_container_of(long i)
{
	struct session s = orphan_enter(i);

	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("again", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static void get_device_fd_of(long i)
{
	struct session s = orphan_enter(i);

	result_fd(device_open(s.group, 0));
	outcome("other", device_open(s.group, 1));
	outcome("null", ioctl(s.group, VFIO_GROUP_GET_DEVICE_FD, NULL));
}

static void strange_calls_of(long i)
{
	struct session s = orphan_enter(i);

	result(ioctl(s.group, 0x3bff));
	outcome("info", ioctl(s.group, VFIO_DEVICE_GET_INFO, bad_pointer()));
}

/* The container that the group was in. */
static void container_of(long i)
{
	struct session s = orphan_enter(i);

	value("container", s.container >= 0);
	if (s.container < 0)
		s.container = container_open();
	result(ioctl(s.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	outcome("info", ioctl(s.container, VFIO_IOMMU_GET_INFO, NULL));
	outcome("v2", ioctl(s.container, VFIO_CHECK_EXTENSION, 3ul));
}

static void node_of(long i)
{
	int id = group_id(0);
	struct session s = orphan_enter(i);

	result_fd(group_try_open(0));
	show_binding(0, id);
	close(s.group);
	outcome("closed", group_try_open(0) < 0 ? -1 : 0);
}

/* A new group of the same number lives beside the old file. */
static void a_new_group_beside(long i)
{
	struct session s = orphan_enter(i), t = {.device = -1};

	if (driver_of(0)[0] == 'n')
		need(driver_write("vfio-pci", "bind", 0) > 0, "bind");
	t.group = group_try_open(0);
	need(t.group >= 0, "open-new");
	result(group_status(t.group));
	t.container = container_open();
	outcome("set", group_attach(t.group, t.container));
	outcome("set_iommu", ioctl(t.container, VFIO_SET_IOMMU, 3ul));
	t.device = device_open(t.group, 0);
	hex("id", edu_read(t.device, EDU_ID));
	outcome("old", group_status(s.group));
	close(s.group);
	value("new", group_status(t.group));
	outcome("map", dma_map(t.container, 3, pages(1), 0x100000, PAGE));
}

static void files_close_in_any_order_of(long i)
{
	struct session s = orphan_enter(i);

	if (driver_of(0)[0] == 'n')
		need(driver_write("vfio-pci", "bind", 0) > 0, "bind");
	if (s.container >= 0)
		close(s.container);
	close(s.group);
	s.group = group_open(0);
	result(group_status(s.group));
	outcome("set", group_attach(s.group, container_open()));
}

static const struct conf_case cases[] = {
	EACH(status_of, orphan_label),
	EACH(set_container_of, orphan_label),
	EACH(unset_container_of, orphan_label),
	EACH(get_device_fd_of, orphan_label),
	EACH(strange_calls_of, orphan_label),
	EACH(container_of, orphan_label),
	EACH(node_of, orphan_label),
	EACH(a_new_group_beside, orphan_label),
	EACH(files_close_in_any_order_of, orphan_label),
};

MACHINE_TABLE(table_group_orphan, "group_orphan", cases);

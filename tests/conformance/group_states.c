/* SPDX-License-Identifier: BSD-3-Clause */
/* GET_STATUS, UNSET_CONTAINER and the node in each state of a group. */
#include "lib.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "states.h"

/* The structure that GET_STATUS is given: too short, right, longer. */
static void status_of(long i)
{
	static const uint32_t sizes[] = {0, 4, 7, 8, 9, 4096, ~0u};
	struct session s = state_enter(i);

	result(group_status(s.group));
	for (size_t n = 0; n < COUNT(sizes); n++) {
		struct vfio_group_status st = {.argsz = sizes[n], .flags = ~0u};
		char key[16];

		memcpy(key, "argsz_?", sizeof("argsz_?"));
		key[6] = (char)('a' + n);
		outcome(key, ioctl(s.group, VFIO_GROUP_GET_STATUS, &st));
		hex("flags", st.flags);
	}
}

static void status_of_bad_memory_when(long i)
{
	struct vfio_group_status small = {.argsz = 7}, right = {.argsz = 8};
	struct session s = state_enter(i);
	unsigned long nr = VFIO_GROUP_GET_STATUS;

	result(ioctl(s.group, nr, NULL));
	outcome("bad", ioctl(s.group, nr, bad_pointer()));
	outcome("short", ioctl(s.group, nr, before_fault(4)));
	outcome("read_only", ioctl(s.group, nr, read_only(&right, 8)));
	outcome("small_read_only", ioctl(s.group, nr, read_only(&small, 8)));
}

static void unset_when(long i)
{
	struct session s = state_enter(i);

	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	value("status", group_status(s.group));
	outcome("again", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("set", group_attach(s.group, container_open()));
	value("status", group_status(s.group));
}

static void device_when(long i)
{
	struct session s = state_enter(i);
	int device = device_open(s.group, 0);

	result_fd(device);
	value("status", group_status(s.group));
	if (device >= 0) {
		hex("id", edu_read(device, EDU_ID));
		close(device);
	}
	outcome("unset", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static void node_when(long i)
{
	struct session s = state_enter(i);

	result_fd(group_try_open(0));
	close(s.group);
	outcome("closed", group_try_open(0) < 0 ? -1 : 0);
}

static void node_after_all_is_closed_when(long i)
{
	struct session s = state_enter(i);
	int group;

	if (s.device >= 0)
		close(s.device);
	close(s.group);
	group = group_try_open(0);
	result(group_status(group));
	outcome("unset", ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("set", group_attach(group, container_open()));
}

static void set_iommu_when(long i)
{
	struct session s = state_enter(i);

	if (s.container < 0) {
		errno = EBADF;
		result(-1);
		return;
	}
	result(ioctl(s.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	outcome("bad", ioctl(s.container, VFIO_SET_IOMMU, 77ul));
	outcome("v1", ioctl(s.container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	outcome("version", ioctl(s.container, VFIO_GET_API_VERSION));
	outcome("info", ioctl(s.container, VFIO_IOMMU_GET_INFO, NULL));
}

static void dup_is_the_same_group_when(long i)
{
	struct session s = state_enter(i);
	int copy = dup(s.group);

	close(s.group);
	result(group_status(copy));
	outcome("reopen", group_try_open(0) < 0 ? -1 : 0);
	outcome("unset", ioctl(copy, VFIO_GROUP_UNSET_CONTAINER));
}

/* Calls that belong to no group, or that nobody knows. */
static void strange_calls_when(long i)
{
	struct session s = state_enter(i);

	result(ioctl(s.group, 0x3bff, bad_pointer()));
	outcome("map", ioctl(s.group, VFIO_IOMMU_MAP_DMA, bad_pointer()));
	outcome("info", ioctl(s.group, VFIO_DEVICE_GET_INFO, bad_pointer()));
	outcome("bind", ioctl(s.group, ABI_BIND_IOMMUFD, bad_pointer()));
	outcome("wide", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER | 1ul << 32));
	value("status", group_status(s.group));
}

static const struct conf_case cases[] = {
	EACH(status_of, state_label),
	EACH(status_of_bad_memory_when, state_label),
	EACH(unset_when, state_label),
	EACH(device_when, state_label),
	EACH(node_when, state_label),
	EACH(node_after_all_is_closed_when, state_label),
	EACH(set_iommu_when, state_label),
	EACH(dup_is_the_same_group_when, state_label),
	EACH(strange_calls_when, state_label),
};

TABLE(table_group_states, "group_states", cases);

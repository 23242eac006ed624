/* SPDX-License-Identifier: BSD-3-Clause */
/* SET_CONTAINER with each kind of file, in each state of the group. */
#include "lib.h"

#include <stdio.h>
#include <sys/ioctl.h>

#include "states.h"
#include "wrong.h"

/* States in which the second group is free for wrong_fd() to open. */
static const char *const states[] = {
	"iommu_v2", "unset", "device", "read_only", "container_closed",
};

#define STATES ((long)COUNT(states))

static const char *both_label(long i)
{
	static char label[96];
	const char *fd = wrong_fd_label(i / STATES);

	if (!fd)
		return NULL;
	snprintf(label, sizeof(label), "%s_%s", states[i % STATES], fd);
	return label;
}

static void when(long i)
{
	struct session s = state_enter_by(states[i % STATES]);

	result(group_attach(s.group, wrong_fd(i / STATES, s.group)));
	value("status", group_status(s.group));
}

static void bad_memory_when(long i)
{
	struct session s = state_enter(i);

	result(ioctl(s.group, VFIO_GROUP_SET_CONTAINER, NULL));
	outcome("bad", ioctl(s.group, VFIO_GROUP_SET_CONTAINER, bad_pointer()));
	outcome("short",
		ioctl(s.group, VFIO_GROUP_SET_CONTAINER, before_fault(3)));
	value("status", group_status(s.group));
}

static void a_new_container_when(long i)
{
	struct session s = state_enter(i);
	int container = container_open();

	result(group_attach(s.group, container));
	value("status", group_status(s.group));
	outcome("set_iommu", ioctl(container, VFIO_SET_IOMMU, 3ul));
}

/* The pointer is to an int: what lies beside it does not matter. */
static void a_wide_number_when(long i)
{
	struct session s = state_enter(i);
	uint64_t fd = (uint32_t)container_open() | 0xdeadbeef00000000ull;

	result(ioctl(s.group, VFIO_GROUP_SET_CONTAINER, &fd));
	value("status", group_status(s.group));
}

static const struct conf_case cases[] = {
	EACH(when, both_label),
	EACH(bad_memory_when, state_label),
	EACH(a_new_container_when, state_label),
	EACH(a_wide_number_when, state_label),
};

TABLE(table_set_container_states, "set_container_states", cases);

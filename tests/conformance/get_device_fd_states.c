/* SPDX-License-Identifier: BSD-3-Clause */
/* GET_DEVICE_FD with each kind of name, in each state of the group. */
#include "lib.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "states.h"
#include "wrong.h"

static const char *const states[] = {
	"container",
	"unset",
	"device",
	"container_closed",
};

#define STATES ((long)COUNT(states))

static const char *both_label(long i)
{
	static char label[96];
	const char *name = wrong_name_label(i / STATES);

	if (!name)
		return NULL;
	snprintf(label, sizeof(label), "%s_%s", states[i % STATES], name);
	return label;
}

static void when(long i)
{
	struct session s = state_enter_by(states[i % STATES]);

	result_fd(ioctl(s.group, VFIO_GROUP_GET_DEVICE_FD,
			wrong_name(i / STATES)));
	value("status", group_status(s.group));
}

static void bad_memory_when(long i)
{
	struct session s = state_enter(i);
	char *cut = before_fault(5), *whole = before_fault(13), *full;

	memcpy(cut, bdf(0), 5);
	memcpy(whole, bdf(0), 13);
	full = pages(3);
	memset(full, '0', 2 * PAGE);
	result_fd(ioctl(s.group, VFIO_GROUP_GET_DEVICE_FD, NULL));
	outcome("bad", ioctl(s.group, VFIO_GROUP_GET_DEVICE_FD, bad_pointer()));
	outcome("cut", ioctl(s.group, VFIO_GROUP_GET_DEVICE_FD, cut));
	outcome("endless", ioctl(s.group, VFIO_GROUP_GET_DEVICE_FD, full));
	outcome("whole",
		ioctl(s.group, VFIO_GROUP_GET_DEVICE_FD, whole) < 0 ? -1 : 0);
}

/* Each call is a file of its own; the group leaves after the last. */
static void several_when(long i)
{
	struct session s = state_enter(i);
	int fds[8], good = 0;

	for (size_t n = 0; n < COUNT(fds); n++) {
		fds[n] = device_open(s.group, 0);
		good += fds[n] >= 0;
	}
	result(good);
	if (s.device >= 0)
		close(s.device);
	for (size_t n = 0; n < COUNT(fds); n++) {
		if (fds[n] >= 0)
			close(fds[n]);
		if (n == 6)
			outcome("one_left",
				ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	}
	outcome("none_left", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static const struct conf_case cases[] = {
	EACH(when, both_label),
	EACH(bad_memory_when, state_label),
	EACH(several_when, state_label),
};

TABLE(table_get_device_fd_states, "get_device_fd_states", cases);

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wrong.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib.h"

/* Things that are no container. */
static const char *const fd_names[] = {
	"minus_one", "minus_two",    "closed_fd", "path_fd",
	"own_group", "other_group",  "device",    "eventfd",
	"pipe",      "regular_file", "stdin",     "directory",
};

const char *wrong_fd_label(long i)
{
	return i < (long)COUNT(fd_names) ? fd_names[i] : NULL;
}

static int pipe_end(void)
{
	int p[2];

	need(!pipe(p), "pipe");
	return p[0];
}

int wrong_fd(long i, int group)
{
	struct session s;

	switch (i) {
	case 0:
		return -1;
	case 1:
		return -2;
	case 2:
		return closed_fd();
	case 3:
		return open("/dev/vfio/vfio", O_PATH);
	case 4:
		return group;
	case 5:
		return group_open(1);
	case 6:
		s = (struct session){.container = container_open()};
		s = session_second(&s);
		need(!ioctl(s.container, VFIO_SET_IOMMU, 3ul), "set-iommu");
		return device_open(s.group, 1);
	case 7:
		return event_fd();
	case 8:
		return pipe_end();
	case 9:
		return memfd_create("file", 0);
	case 10:
		return open("/dev/null", O_RDONLY);
	default:
		return open("/", O_RDONLY | O_DIRECTORY);
	}
}

/* What is not the name of the device. */
static const struct {
	const char *label, *name;
} wrong[] = {
	{"empty", ""},
	{"prefix", "0000:00:03"},
	{"longer", "0000:00:03.0x"},
	{"no_domain", "00:03.0"},
	{"newline", "0000:00:03.0\n"},
	{"leading_blank", " 0000:00:03.0"},
	{"trailing_blank", "0000:00:03.0 "},
	{"trailing_blanks", "0000:00:03.0    "},
	{"tab", "0000:00:03.0\t"},
	{"option_unknown", "0000:00:03.0 x=1"},
	{"option_bare", "0000:00:03.0 vf_token"},
	{"token_short", "0000:00:03.0 vf_token=1234"},
	{"token", "0000:00:03.0 vf_token=01234567-89ab-cdef-0123-456789abcdef"},
	{"other_group", "0000:00:04.0"},
	{"absent", "0000:00:1d.7"},
};

const char *wrong_name_label(long i)
{
	return i < (long)COUNT(wrong) ? wrong[i].label : NULL;
}

const char *wrong_name(long i)
{
	return wrong[i].name;
}

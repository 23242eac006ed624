/* SPDX-License-Identifier: BSD-3-Clause */
/* DEVICE_IOEVENTFD: an eventfd that writes to a register. */
#include "lib.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int ioev(int device, uint32_t argsz, uint32_t flags, uint64_t offset,
		uint64_t data, int fd)
{
	char buf[64] = {0};
	struct vfio_device_ioeventfd *io = (void *)buf;

	io->argsz = argsz;
	io->flags = flags;
	io->offset = offset;
	io->data = data;
	io->fd = fd;
	return ioctl(device, VFIO_DEVICE_IOEVENTFD, io);
}

static const struct {
	const char *name;
	uint32_t argsz, flags;
	uint64_t offset;
} rows[] = {
	{"8_bit", 32, 1, 4},
	{"16_bit", 32, 2, 4},
	{"32_bit", 32, 4, 4},
	{"64_bit", 32, 8, 0x80},
	{"argsz_0", 0, 4, 4},
	{"argsz_27", 27, 4, 4},
	{"argsz_28", 28, 4, 4},
	{"argsz_31", 31, 4, 4},
	{"argsz_64", 64, 4, 4},
	{"no_size", 32, 0, 4},
	{"two_sizes", 32, 3, 4},
	{"all_sizes", 32, 15, 4},
	{"flag_4", 32, 0x14, 4},
	{"flag_31", 32, 1u << 31 | 4, 4},
	{"unaligned", 32, 4, 5},
	{"last_dword", 32, 4, EDU_BAR_SIZE - 4},
	{"over_the_end", 32, 4, EDU_BAR_SIZE - 2},
	{"at_the_end", 32, 4, EDU_BAR_SIZE},
	{"absent_bar", 32, 4, 1ull << 40},
	{"last_bar", 32, 4, 5ull << 40},
	{"rom", 32, 4, 6ull << 40},
	{"config", 32, 4, 7ull << 40},
	{"bad_region", 32, 4, 9ull << 40},
	{"far_region", 32, 4, 1ull << 62},
};

static const char *row_label(long i)
{
	return i < (long)COUNT(rows) ? rows[i].name : NULL;
}

static void add(long i)
{
	struct session s = session_device();

	result(ioev(s.device, rows[i].argsz, rows[i].flags, rows[i].offset, 0,
		    event_fd()));
}

static void remove_absent(long i)
{
	struct session s = session_device();

	result(ioev(s.device, rows[i].argsz, rows[i].flags, rows[i].offset, 0,
		    -1));
}

static void bad_fds(void)
{
	struct session s = session_device();

	result(ioev(s.device, 32, 4, 4, 0, -2));
	outcome("closed", ioev(s.device, 32, 4, 4, 0, closed_fd()));
	outcome("null", ioev(s.device, 32, 4, 4, 0, open("/dev/null", O_RDWR)));
}

static void null_pointer(void)
{
	struct session s = session_device();

	result(ioctl(s.device, VFIO_DEVICE_IOEVENTFD, NULL));
}

static void twice(void)
{
	struct session s = session_device();
	int fd = event_fd();

	outcome("first", ioev(s.device, 32, 4, 4, 1, fd));
	result(ioev(s.device, 32, 4, 4, 1, fd));
	outcome("other_fd", ioev(s.device, 32, 4, 4, 1, event_fd()));
	outcome("other_data", ioev(s.device, 32, 4, 4, 2, fd));
	outcome("other_size", ioev(s.device, 32, 2, 4, 1, fd));
}

static void remove_once(void)
{
	struct session s = session_device();
	int fd = event_fd();

	need(!ioev(s.device, 32, 4, 4, 1, fd), "add");
	outcome("other_data", ioev(s.device, 32, 4, 4, 2, -1));
	outcome("other_size", ioev(s.device, 32, 2, 4, 1, -1));
	result(ioev(s.device, 32, 4, 4, 1, -1));
	outcome("again", ioev(s.device, 32, 4, 4, 1, -1));
}

/* edu answers with the complement of what was written. */
static void writes_to_the_register(void)
{
	struct session s = session_device();
	int fd = event_fd();

	edu_write(s.device, EDU_LIVE, 0);
	need(!ioev(s.device, 32, 4, EDU_LIVE, 0x12345678, fd), "add");
	hex("before", edu_read(s.device, EDU_LIVE));
	eventfd_write(fd, 1);
	for (int i = 0; i < 300 && edu_read(s.device, EDU_LIVE) == ~0u; i++)
		usleep(10000);
	result(0);
	hex("after", edu_read(s.device, EDU_LIVE));
	value("left", no_events(fd));
}

static void writes_nothing_with_decode_off(void)
{
	struct session s = session_device();
	int fd = event_fd();

	edu_write(s.device, EDU_LIVE, 0);
	need(!ioev(s.device, 32, 4, EDU_LIVE, 0x12345678, fd), "add");
	cfg_command(s.device, 2, 0);
	eventfd_write(fd, 1);
	usleep(300000);
	cfg_command(s.device, 0, 2);
	result(0);
	hex("after", edu_read(s.device, EDU_LIVE));
	value("left", no_events(fd));
}

static void writes_nothing_when_removed(void)
{
	struct session s = session_device();
	int fd = event_fd();

	edu_write(s.device, EDU_LIVE, 0);
	need(!ioev(s.device, 32, 4, EDU_LIVE, 0x12345678, fd), "add");
	need(!ioev(s.device, 32, 4, EDU_LIVE, 0x12345678, -1), "remove");
	eventfd_write(fd, 1);
	result(no_events(fd));
	hex("after", edu_read(s.device, EDU_LIVE));
}

static void close_removes(void)
{
	struct session s = session_device();
	int fd = event_fd();

	need(!ioev(s.device, 32, 4, EDU_LIVE, 1, fd), "add");
	close(s.device);
	s.device = device_open(s.group, 0);
	result(ioev(s.device, 32, 4, EDU_LIVE, 1, -1));
	outcome("add", ioev(s.device, 32, 4, EDU_LIVE, 1, fd));
}

static void add_with_decode_off(void)
{
	struct session s = session_device();

	cfg_command(s.device, 2, 0);
	result(ioev(s.device, 32, 4, EDU_LIVE, 1, event_fd()));
}

static void at_most_a_thousand(void)
{
	struct session s = session_device();
	int fd = event_fd();
	long n = 0;

	while (n < 1100 && !ioev(s.device, 32, 4, EDU_LIVE, (uint64_t)n, fd))
		n++;
	result(n);
	outcome("next", ioev(s.device, 32, 4, EDU_LIVE, 5000, fd));
	outcome("known", ioev(s.device, 32, 4, EDU_LIVE, 0, fd));
}

static const struct conf_case cases[] = {
	EACH(add, row_label),
	EACH(remove_absent, row_label),
	CASE(bad_fds),
	CASE(null_pointer),
	CASE(twice),
	CASE(remove_once),
	CASE(writes_to_the_register),
	CASE(writes_nothing_with_decode_off),
	CASE(writes_nothing_when_removed),
	CASE(close_removes),
	CASE(add_with_decode_off),
	CASE(at_most_a_thousand),
};

TABLE(table_ioeventfd, "ioeventfd", cases);

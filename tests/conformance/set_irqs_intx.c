/* SPDX-License-Identifier: BSD-3-Clause */
/* SET_IRQS on INTx: what the requests do to each other. */
#include "lib.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define N ABI_IRQ_NONE
#define B ABI_IRQ_BOOL
#define E ABI_IRQ_EVENTFD
#define M ABI_IRQ_MASK
#define U ABI_IRQ_UNMASK
#define T ABI_IRQ_TRIGGER

static int intx(int device, uint32_t flags, uint32_t count, const void *data)
{
	return irq_set(device, flags, VFIO_PCI_INTX_IRQ_INDEX, 0, count, data);
}

static int unmask_fd(int device, int fd)
{
	return intx(device, E | U, 1, &fd);
}

static int enable(int device, int fd)
{
	return irq_trigger_fd(device, VFIO_PCI_INTX_IRQ_INDEX, fd);
}

static struct session quiet_device(void)
{
	struct session s = session_device();

	edu_quiet(s.device);
	return s;
}

static struct session enabled(int *fd)
{
	struct session s = quiet_device();

	*fd = event_fd();
	need(!enable(s.device, *fd), "enable");
	return s;
}

static const char *const fd_names[] = {
	"minus_one", "minus_two", "closed_fd", "stdin",
	"path_fd",   "pipe",      "semaphore",
};

static const char *fd_label(long i)
{
	return i < (long)COUNT(fd_names) ? fd_names[i] : NULL;
}

static int odd_fd(long i)
{
	int p[2];

	switch (i) {
	case 0:
		return -1;
	case 1:
		return -2;
	case 2:
		return closed_fd();
	case 3:
		return open("/dev/null", O_RDWR);
	case 4:
		return open("/dev/null", O_PATH);
	case 5:
		need(!pipe(p), "pipe");
		return p[0];
	default:
		return eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
	}
}

static void enable_with(long i)
{
	struct session s = quiet_device();

	result(enable(s.device, odd_fd(i)));
	outcome("loop_back", intx(s.device, N | T, 1, NULL));
	outcome("disable", intx(s.device, N | T, 0, NULL));
}

static void replace_by(long i)
{
	int fd;
	struct session s = enabled(&fd);

	result(enable(s.device, odd_fd(i)));
	outcome("loop_back", intx(s.device, N | T, 1, NULL));
	value("old", no_events(fd));
	outcome("disable", intx(s.device, N | T, 0, NULL));
}

static void unmask_by(long i)
{
	int fd;
	struct session s = enabled(&fd);

	result(unmask_fd(s.device, odd_fd(i)));
	outcome("then", unmask_fd(s.device, event_fd()));
}

static void unmask_fd_when_idle(long i)
{
	struct session s = quiet_device();

	result(unmask_fd(s.device, odd_fd(i)));
}

static void loop_back(void)
{
	int fd;
	struct session s = enabled(&fd);

	result(intx(s.device, N | T, 1, NULL));
	value("count", events(fd));
}

static void loop_back_bool(long set)
{
	int fd;
	struct session s = enabled(&fd);
	unsigned char byte = (unsigned char)set;

	result(intx(s.device, B | T, 1, &byte));
	value("count", set ? events(fd) : no_events(fd));
}

static void loop_back_with_disintx(void)
{
	int fd;
	struct session s = enabled(&fd);

	cfg_command(s.device, 0, 0x400);
	result(intx(s.device, N | T, 1, NULL));
	value("count", no_events(fd));
	cfg_command(s.device, 0x400, 0);
	outcome("again", intx(s.device, N | T, 1, NULL));
	value("count", events(fd));
}

static void loop_back_ignores_the_mask(void)
{
	int fd;
	struct session s = enabled(&fd);

	need(!intx(s.device, N | M, 1, NULL), "mask");
	result(intx(s.device, N | T, 1, NULL));
	value("count", events(fd));
}

static void disable_twice(void)
{
	int fd;
	struct session s = enabled(&fd);

	outcome("first", intx(s.device, N | T, 0, NULL));
	result(intx(s.device, N | T, 0, NULL));
	outcome("enable", enable(s.device, fd));
}

static void enable_while_msi_is_active(void)
{
	struct session s = quiet_device();

	need(!irq_trigger_fd(s.device, VFIO_PCI_MSI_IRQ_INDEX, event_fd()),
	     "enable-msi");
	result(enable(s.device, event_fd()));
	outcome("disable_intx", intx(s.device, N | T, 0, NULL));
	outcome("mask", intx(s.device, N | M, 1, NULL));
	outcome("disable_msi",
		irq_set(s.device, N | T, VFIO_PCI_MSI_IRQ_INDEX, 0, 0, NULL));
	outcome("enable", enable(s.device, event_fd()));
}

static void unmask_fd_twice(void)
{
	int fd;
	struct session s = enabled(&fd);

	outcome("first", unmask_fd(s.device, event_fd()));
	result(unmask_fd(s.device, event_fd()));
	outcome("detach", unmask_fd(s.device, -1));
	outcome("third", unmask_fd(s.device, event_fd()));
}

static void unmask_fd_is_free_when_it_is_closed(void)
{
	int fd, u = event_fd(), ret = -1;
	struct session s = enabled(&fd);

	need(!unmask_fd(s.device, u), "unmask-fd");
	close(u);
	/* The kernel notices in the background. */
	u = event_fd();
	for (int i = 0; i < 300 && ret; i++) {
		usleep(10000);
		ret = unmask_fd(s.device, u);
	}
	result(ret);
}

static void disable_drops_the_unmask_fd(void)
{
	int fd;
	struct session s = enabled(&fd);

	need(!unmask_fd(s.device, event_fd()), "unmask-fd");
	need(!intx(s.device, N | T, 0, NULL), "disable");
	need(!enable(s.device, fd), "enable");
	result(unmask_fd(s.device, event_fd()));
}

static void mask_twice(void)
{
	int fd;
	struct session s = enabled(&fd);

	outcome("first", intx(s.device, N | M, 1, NULL));
	result(intx(s.device, N | M, 1, NULL));
	outcome("unmask", intx(s.device, N | U, 1, NULL));
	outcome("unmask", intx(s.device, N | U, 1, NULL));
	value("count", no_events(fd));
}

static void command_does_not_show_the_mask(void)
{
	int fd;
	struct session s = enabled(&fd);

	need(!intx(s.device, N | M, 1, NULL), "mask");
	result(0);
	hex("disintx", cfg_read(s.device, 4, 2) & 0x400);
}

static void a_closed_eventfd_still_counts(void)
{
	int fd, copy;
	struct session s = enabled(&fd);

	copy = dup(fd);
	close(fd);
	result(intx(s.device, N | T, 1, NULL));
	value("count", events(copy));
}

static void close_disables(void)
{
	int fd;
	struct session s = enabled(&fd);

	close(s.device);
	s.device = device_open(s.group, 0);
	result(intx(s.device, N | T, 1, NULL));
	outcome("enable", enable(s.device, fd));
}

static void another_fd_of_the_device_shares_it(void)
{
	int fd, other;
	struct session s = enabled(&fd);

	other = device_open(s.group, 0);
	result(intx(other, N | T, 1, NULL));
	value("count", events(fd));
}

static void a_full_counter_stays(void)
{
	int fd;
	uint64_t full = ~0ull - 1;
	struct session s = enabled(&fd);

	need(write(fd, &full, 8) == 8, "write");
	result(intx(s.device, N | T, 1, NULL));
	need(read(fd, &full, 8) == 8, "read");
	/* A kernel may go one higher than write(2) can. */
	value("full", full >= ~0ull - 1);
}

static const struct conf_case cases[] = {
	EACH(enable_with, fd_label),
	EACH(replace_by, fd_label),
	EACH(unmask_by, fd_label),
	EACH(unmask_fd_when_idle, fd_label),
	CASE(loop_back),
	RANGE(loop_back_bool, 0, 2, 1),
	CASE(loop_back_with_disintx),
	CASE(loop_back_ignores_the_mask),
	CASE(disable_twice),
	CASE(enable_while_msi_is_active),
	CASE(unmask_fd_twice),
	CASE(unmask_fd_is_free_when_it_is_closed),
	CASE(disable_drops_the_unmask_fd),
	CASE(mask_twice),
	CASE(command_does_not_show_the_mask),
	CASE(a_closed_eventfd_still_counts),
	CASE(close_disables),
	CASE(another_fd_of_the_device_shares_it),
	CASE(a_full_counter_stays),
};

TABLE(table_set_irqs_intx, "set_irqs_intx", cases);

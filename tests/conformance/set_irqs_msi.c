/* SPDX-License-Identifier: BSD-3-Clause */
/* SET_IRQS on MSI; edu has one vector and no MSI-X. */
#include "lib.h"

#include <fcntl.h>
#include <unistd.h>

#define N ABI_IRQ_NONE
#define B ABI_IRQ_BOOL
#define E ABI_IRQ_EVENTFD
#define T ABI_IRQ_TRIGGER

static int msi(int device, uint32_t flags, uint32_t count, const void *data)
{
	return irq_set(device, flags, VFIO_PCI_MSI_IRQ_INDEX, 0, count, data);
}

static int enable(int device, int fd)
{
	return irq_trigger_fd(device, VFIO_PCI_MSI_IRQ_INDEX, fd);
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
	"minus_one",
	"minus_two",
	"closed_fd",
	"stdin",
};

static const char *fd_label(long i)
{
	return i < (long)COUNT(fd_names) ? fd_names[i] : NULL;
}

static int odd_fd(long i)
{
	switch (i) {
	case 0:
		return -1;
	case 1:
		return -2;
	case 2:
		return closed_fd();
	default:
		return open("/dev/null", O_RDWR);
	}
}

static void enable_with(long i)
{
	struct session s = quiet_device();

	result(enable(s.device, odd_fd(i)));
	outcome("loop_back", msi(s.device, N | T, 1, NULL));
	outcome("disable", msi(s.device, N | T, 0, NULL));
}

static void replace_by(long i)
{
	int fd;
	struct session s = enabled(&fd);

	result(enable(s.device, odd_fd(i)));
	outcome("loop_back", msi(s.device, N | T, 1, NULL));
	value("old", no_events(fd));
	outcome("disable", msi(s.device, N | T, 0, NULL));
}

static void replace_by_another_eventfd(void)
{
	int fd, other = event_fd();
	struct session s = enabled(&fd);

	result(enable(s.device, other));
	outcome("loop_back", msi(s.device, N | T, 1, NULL));
	value("old", no_events(fd));
	value("new", events(other));
}

static void loop_back(void)
{
	int fd;
	struct session s = enabled(&fd);

	result(msi(s.device, N | T, 1, NULL));
	value("count", events(fd));
}

static void loop_back_bool(long set)
{
	int fd;
	struct session s = enabled(&fd);
	unsigned char byte = (unsigned char)set;

	result(msi(s.device, B | T, 1, &byte));
	value("count", set ? events(fd) : no_events(fd));
}

static void loop_back_ignores_disintx(void)
{
	int fd;
	struct session s = enabled(&fd);

	cfg_command(s.device, 0, 0x400);
	result(msi(s.device, N | T, 1, NULL));
	value("count", events(fd));
}

static void enable_with_no_vector(void)
{
	struct session s = quiet_device();

	result(msi(s.device, E | T, 0, NULL));
	outcome("disable", msi(s.device, N | T, 0, NULL));
}

static void no_vector_changes_nothing_when_active(void)
{
	int fd;
	struct session s = enabled(&fd);

	result(msi(s.device, E | T, 0, NULL));
	outcome("loop_back", msi(s.device, N | T, 1, NULL));
	value("count", events(fd));
}

static void bool_of_no_vector(void)
{
	int fd;
	struct session s = enabled(&fd);

	result(msi(s.device, B | T, 0, NULL));
	outcome("disable", msi(s.device, N | T, 0, NULL));
	outcome("when_idle", msi(s.device, B | T, 0, NULL));
}

static void disable_twice(void)
{
	int fd;
	struct session s = enabled(&fd);

	outcome("first", msi(s.device, N | T, 0, NULL));
	result(msi(s.device, N | T, 0, NULL));
	outcome("enable", enable(s.device, fd));
}

static void enable_while_intx_is_active(void)
{
	struct session s = quiet_device();

	need(!irq_trigger_fd(s.device, VFIO_PCI_INTX_IRQ_INDEX, event_fd()),
	     "enable-intx");
	result(enable(s.device, event_fd()));
	outcome("disable_msi", msi(s.device, N | T, 0, NULL));
	outcome("disable_intx",
		irq_set(s.device, N | T, VFIO_PCI_INTX_IRQ_INDEX, 0, 0, NULL));
	outcome("enable", enable(s.device, event_fd()));
}

static void the_enable_bit_stays_clear_in_config(void)
{
	int fd;
	struct session s = enabled(&fd);

	result(0);
	hex("control", cfg_read(s.device, 0x42, 2));
}

static void close_disables(void)
{
	int fd;
	struct session s = enabled(&fd);

	close(s.device);
	s.device = device_open(s.group, 0);
	result(msi(s.device, N | T, 1, NULL));
	outcome("enable", enable(s.device, fd));
}

static void msix_is_absent(void)
{
	struct session s = quiet_device();
	int fd = event_fd();

	result(irq_trigger_fd(s.device, VFIO_PCI_MSIX_IRQ_INDEX, fd));
	outcome("disable",
		irq_set(s.device, N | T, VFIO_PCI_MSIX_IRQ_INDEX, 0, 0, NULL));
	outcome("start_0_count_0",
		irq_set(s.device, E | T, VFIO_PCI_MSIX_IRQ_INDEX, 0, 0, NULL));
}

static const struct conf_case cases[] = {
	EACH(enable_with, fd_label),
	EACH(replace_by, fd_label),
	CASE(replace_by_another_eventfd),
	CASE(loop_back),
	RANGE(loop_back_bool, 0, 2, 1),
	CASE(loop_back_ignores_disintx),
	CASE(enable_with_no_vector),
	CASE(no_vector_changes_nothing_when_active),
	CASE(bool_of_no_vector),
	CASE(disable_twice),
	CASE(enable_while_intx_is_active),
	CASE(the_enable_bit_stays_clear_in_config),
	CASE(close_disables),
	CASE(msix_is_absent),
};

TABLE(table_set_irqs_msi, "set_irqs_msi", cases);

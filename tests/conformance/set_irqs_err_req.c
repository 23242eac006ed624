/* SPDX-License-Identifier: BSD-3-Clause */
/* SET_IRQS on ERR, which a function without PCIe lacks, and on REQ. */
#include "lib.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define N ABI_IRQ_NONE
#define B ABI_IRQ_BOOL
#define E ABI_IRQ_EVENTFD
#define T ABI_IRQ_TRIGGER

static int req(int device, uint32_t flags, uint32_t count, const void *data)
{
	return irq_set(device, flags, VFIO_PCI_REQ_IRQ_INDEX, 0, count, data);
}

static int enable(int device, int fd)
{
	return irq_trigger_fd(device, VFIO_PCI_REQ_IRQ_INDEX, fd);
}

static struct session enabled(int *fd)
{
	struct session s = session_device();

	*fd = event_fd();
	need(!enable(s.device, *fd), "enable");
	return s;
}

static const char *const fd_names[] = {
	"minus_one", "minus_two", "closed_fd", "stdin", "eventfd",
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
	case 3:
		return open("/dev/null", O_RDWR);
	default:
		return event_fd();
	}
}

static void req_enable_with(long i)
{
	struct session s = session_device();

	result(enable(s.device, odd_fd(i)));
	outcome("loop_back", req(s.device, N | T, 1, NULL));
}

static void req_replace_by(long i)
{
	int fd;
	struct session s = enabled(&fd);

	result(enable(s.device, odd_fd(i)));
	outcome("loop_back", req(s.device, N | T, 1, NULL));
	value("old", no_events(fd));
}

static void req_loop_back(void)
{
	int fd;
	struct session s = enabled(&fd);

	result(req(s.device, N | T, 1, NULL));
	value("count", events(fd));
}

static void req_loop_back_bool(long set)
{
	int fd;
	struct session s = enabled(&fd);
	unsigned char byte = (unsigned char)set;

	result(req(s.device, B | T, 1, &byte));
	value("count", set ? events(fd) : no_events(fd));
}

static void req_bool_when_idle(long set)
{
	struct session s = session_device();
	unsigned char byte = (unsigned char)set;

	result(req(s.device, B | T, 1, &byte));
}

static void req_clears_once(void)
{
	int fd;
	struct session s = enabled(&fd);

	outcome("first", req(s.device, N | T, 0, NULL));
	result(req(s.device, N | T, 0, NULL));
}

static void req_is_independent_of_intx(void)
{
	int fd;
	struct session s = enabled(&fd);

	result(irq_trigger_fd(s.device, VFIO_PCI_INTX_IRQ_INDEX, event_fd()));
	outcome("loop_back", req(s.device, N | T, 1, NULL));
	value("count", events(fd));
}

static void req_of_another_device_is_its_own(void)
{
	int fd;
	struct session s = enabled(&fd), t = session_second(&s);

	t.device = device_open(t.group, 1);
	result(req(t.device, N | T, 1, NULL));
	value("count", no_events(fd));
}

static void req_is_forgotten_by_close(void)
{
	int fd;
	struct session s = enabled(&fd);

	close(s.device);
	s.device = device_open(s.group, 0);
	result(req(s.device, N | T, 1, NULL));
	value("count", no_events(fd));
}

static const char *count_label(long i)
{
	static char buf[32];
	static const char *const datas[] = {"none", "bool", "eventfd"};

	if (i >= 6)
		return NULL;
	snprintf(buf, sizeof(buf), "%s_count_%ld", datas[i % 3], i / 3);
	return buf;
}

static void err_refuses(long i)
{
	struct session s = session_device();
	static const uint32_t datas[] = {N, B, E};
	int fd = event_fd();

	result(irq_set(s.device, datas[i % 3] | T, VFIO_PCI_ERR_IRQ_INDEX, 0,
		       (uint32_t)(i / 3), &fd));
}

static void req_takes(long i)
{
	int fd;
	struct session s = enabled(&fd);
	static const uint32_t datas[] = {N, B, E};

	result(req(s.device, datas[i % 3] | T, (uint32_t)(i / 3), &fd));
	value("count", no_events(fd));
	outcome("loop_back", req(s.device, N | T, 1, NULL));
}

static const struct conf_case cases[] = {
	EACH(req_enable_with, fd_label),
	EACH(req_replace_by, fd_label),
	CASE(req_loop_back),
	RANGE(req_loop_back_bool, 0, 2, 1),
	RANGE(req_bool_when_idle, 0, 1, 1),
	CASE(req_clears_once),
	CASE(req_is_independent_of_intx),
	CASE(req_of_another_device_is_its_own),
	CASE(req_is_forgotten_by_close),
	EACH(err_refuses, count_label),
	EACH(req_takes, count_label),
};

TABLE(table_set_irqs_err_req, "set_irqs_err_req", cases);

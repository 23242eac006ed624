/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Unbinding a device that is open: the writer waits, the owner is asked, and
 * the end comes with the last close.  The request that reaches the owner's
 * eventfd is also how a case knows that the writer is waiting.
 */
#include "lib.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct writer {
	pid_t pid;
	struct {
		long ret;
		int err;
	} * said; /* shared with the child */
};

static void do_nothing(int sig)
{
	(void)sig;
}

static struct writer write_from_a_child(const char *path, const char *text)
{
	struct writer w;

	w.said = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(w.said != MAP_FAILED, "mmap");
	w.pid = fork();
	need(w.pid >= 0, "fork");
	if (!w.pid) {
		struct sigaction act = {.sa_handler = do_nothing,
					.sa_flags = SA_RESTART};

		sigaction(SIGUSR1, &act, NULL);
		/* It holds no copies of the files of its parent. */
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		w.said->ret = path_write(path, text, strlen(text));
		w.said->err = errno;
		_exit(0);
	}
	return w;
}

static struct writer unbind_from_a_child(int dev)
{
	return write_from_a_child(DRIVERS "vfio-pci/unbind", bdf(dev));
}

static int is_waiting(const struct writer *w)
{
	return waitpid(w->pid, NULL, WNOHANG) == 0;
}

static void show_end(const char *key, const struct writer *w)
{
	need(waitpid(w->pid, NULL, 0) == w->pid, "wait");
	errno = w->said->err;
	outcome(key, w->said->ret);
}

static int request_fd(int device)
{
	int fd = event_fd();

	need(!irq_trigger_fd(device, VFIO_PCI_REQ_IRQ_INDEX, fd), "set-req");
	return fd;
}

static void wait_for_request(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t n;

	need(poll(&p, 1, -1) == 1, "poll");
	need(read(fd, &n, sizeof(n)) == sizeof(n), "read-event");
}

/* A device whose unbinding has begun, and waits. */
struct busy {
	struct session s;
	int request;
	int group_number;
	struct writer w;
};

static struct busy busy_by(const char *path, const char *text)
{
	struct busy b = {.s = session_device(), .group_number = group_id(0)};

	b.request = request_fd(b.s.device);
	b.w = write_from_a_child(path, text);
	wait_for_request(b.request);
	return b;
}

static struct busy busy(void)
{
	return busy_by(DRIVERS "vfio-pci/unbind", bdf(0));
}

static void finish(struct busy *b)
{
	value("waiting", is_waiting(&b->w));
	close(b->s.device);
	show_end("unbind", &b->w);
	show_binding(0, b->group_number);
}

static void waits_for_the_device(void)
{
	struct busy b = busy();

	result(is_waiting(&b.w));
	finish(&b);
	value("status", group_status(b.s.group));
}

static void without_an_eventfd_it_waits_too(void)
{
	struct session s = session_device();
	struct writer w = unbind_from_a_child(0);

	result(dma_map(s.container, 3, pages(1), 0x100000, PAGE));
	hex("id", edu_read(s.device, EDU_ID));
	close(s.device);
	show_end("unbind", &w);
}

static void waits_for_every_copy(void)
{
	struct busy b = busy();
	int copy = dup(b.s.device);

	close(b.s.device);
	result(is_waiting(&b.w));
	hex("id", edu_read(copy, EDU_ID));
	b.s.device = copy;
	finish(&b);
}

static void waits_for_every_file_of_the_device(void)
{
	struct session s = session_device();
	int second = device_open(s.group, 0), request = request_fd(second);
	struct writer w = unbind_from_a_child(0);

	wait_for_request(request);
	close(s.device);
	result(is_waiting(&w));
	hex("id", edu_read(second, EDU_ID));
	close(second);
	show_end("unbind", &w);
}

static void waits_for_a_mapping(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, PROT_READ | PROT_WRITE);
	int request = request_fd(s.device);
	struct writer w;

	need(!madvise(bar, PAGE, MADV_DONTFORK), "madvise");
	w = unbind_from_a_child(0);
	wait_for_request(request);
	close(s.device);
	result(is_waiting(&w));
	value("mapped", touch(bar, 0));
	munmap(bar, PAGE);
	show_end("unbind", &w);
}

static void the_open_device_works_meanwhile(void)
{
	struct busy b = busy();
	struct vfio_device_info info = {.argsz = sizeof(info)};
	void *bar = bar_map(b.s.device, PAGE, PROT_READ | PROT_WRITE);

	result(ioctl(b.s.device, VFIO_DEVICE_GET_INFO, &info));
	hex("id", edu_read(b.s.device, EDU_ID));
	hex("vendor", cfg_read(b.s.device, 0, 2));
	outcome("map", dma_map(b.s.container, 3, pages(1), 0x100000, PAGE));
	value("mapped", touch(bar, 0));
	munmap(bar, PAGE);
	finish(&b);
}

static void interrupts_work_meanwhile(void)
{
	struct busy b = busy();
	int fd = event_fd();

	edu_quiet(b.s.device);
	cfg_command(b.s.device, 0, 4);
	result(irq_trigger_fd(b.s.device, VFIO_PCI_MSI_IRQ_INDEX, fd));
	edu_write(b.s.device, EDU_RAISE, 1);
	value("events", events(fd));
	edu_write(b.s.device, EDU_ACK, 1);
	finish(&b);
}

static void opening_it_again_meanwhile(void)
{
	struct busy b = busy();
	int second = device_open(b.s.group, 0);

	result_fd(second);
	if (second >= 0)
		close(second);
	finish(&b);
}

static void the_group_meanwhile(void)
{
	struct busy b = busy();

	result(group_status(b.s.group));
	outcome("unset", ioctl(b.s.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("open", group_try_open(0));
	show_binding(0, b.group_number);
	finish(&b);
}

static void closing_the_group_does_not_end_it(void)
{
	struct busy b = busy();

	close(b.s.group);
	close(b.s.container);
	result(is_waiting(&b.w));
	hex("id", edu_read(b.s.device, EDU_ID));
	finish(&b);
}

static void a_request_is_repeated_after_a_signal(long count)
{
	struct busy b = busy();

	for (long i = 0; i < count; i++) {
		kill(b.w.pid, SIGUSR1);
		if (!i)
			wait_for_request(b.request);
	}
	result(is_waiting(&b.w));
	hex("id", edu_read(b.s.device, EDU_ID));
	finish(&b);
}

static void the_owner_dies(void)
{
	int ready[2], group = group_id(0), request = event_fd();
	struct writer w;
	pid_t pid;
	char byte;

	need(!pipe(ready), "pipe");
	pid = fork();
	if (!pid) {
		struct session s = session_device();

		need(!irq_trigger_fd(s.device, VFIO_PCI_REQ_IRQ_INDEX, request),
		     "set-req");
		need(write(ready[1], "x", 1) == 1, "write");
		pause();
	}
	need(read(ready[0], &byte, 1) == 1, "read");
	w = unbind_from_a_child(0);
	wait_for_request(request);
	result(is_waiting(&w));
	kill(pid, SIGKILL);
	show_end("unbind", &w);
	show_binding(0, group);
}

static void a_child_holds_it(void)
{
	struct session s = session_device();
	int request = request_fd(s.device), go[2];
	struct writer w;
	char byte;

	need(!pipe(go), "pipe");
	if (!fork()) {
		close(go[1]);
		_exit((int)read(go[0], &byte, 1));
	}
	w = unbind_from_a_child(0);
	wait_for_request(request);
	close(s.device);
	result(is_waiting(&w));
	close(go[1]);
	show_end("unbind", &w);
}

static void nobody_is_asked_when_it_is_closed(void)
{
	struct session s = session_device();
	int request = request_fd(s.device);

	close(s.device);
	result(driver_write("vfio-pci", "unbind", 0));
	value("requests", no_events(request));
}

static void a_cleared_eventfd_is_not_told(void)
{
	struct session s = session_device();
	int old = request_fd(s.device), new;
	struct writer w;

	new = request_fd(s.device);
	w = unbind_from_a_child(0);
	wait_for_request(new);
	result(no_events(old));
	close(s.device);
	show_end("unbind", &w);
}

static void removal_waits_too(void)
{
	struct busy b = busy_by(BUS "devices/0000:00:03.0/remove", "1");
	char path[128];

	result(is_waiting(&b.w));
	hex("id", edu_read(b.s.device, EDU_ID));
	finish(&b);
	sysfs_path(0, "", path, sizeof(path));
	outcome("there", access(path, F_OK));
}

static void the_override_can_change_meanwhile(void)
{
	struct busy b = busy();
	char path[128], text[64];

	result(is_waiting(&b.w));
	sysfs_path(0, "vendor", path, sizeof(path));
	outcome("read", file_read(path, text, sizeof(text)));
	finish(&b);
	outcome("override", override(0, "pci-stub"));
}

static void other_drivers_work_meanwhile(void)
{
	int other = group_id(1);
	struct busy b;

	device_bind(1, "pci-stub");
	b = busy();
	result(driver_write("pci-stub", "unbind", 1));
	outcome("override", override(1, "vfio-pci"));
	outcome("bind", driver_write("vfio-pci", "bind", 1));
	value("node", has_node(other));
	finish(&b);
}

static void it_can_be_bound_and_used_again(void)
{
	struct busy b = busy();
	struct session s;

	finish(&b);
	close(b.s.group);
	result(driver_write("vfio-pci", "bind", 0));
	s = session_device();
	hex("id", edu_read(s.device, EDU_ID));
}

/* The member of a group: the other one is not concerned. */
static void a_member_waits_alone(void)
{
	int group = group_open(MEMBER_A), c = container_open(), a, b, request;
	struct writer w;

	need(!group_attach(group, c), "set-container");
	need(!ioctl(c, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "set-iommu");
	a = device_open(group, MEMBER_A);
	b = device_open(group, MEMBER_B);
	need(a >= 0 && b >= 0, "get-device-fd");
	request = request_fd(b);
	w = unbind_from_a_child(MEMBER_B);
	wait_for_request(request);
	result(is_waiting(&w));
	hex("a", edu_read(a, EDU_ID));
	hex("b", edu_read(b, EDU_ID));
	close(b);
	show_end("unbind", &w);
	value("status", group_status(group));
	hex("a", edu_read(a, EDU_ID));
	outcome("b", device_open(group, MEMBER_B));
	outcome("unset", ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
}

static const struct conf_case cases[] = {
	CASE(waits_for_the_device),
	CASE(without_an_eventfd_it_waits_too),
	CASE(waits_for_every_copy),
	CASE(waits_for_every_file_of_the_device),
	CASE(waits_for_a_mapping),
	CASE(the_open_device_works_meanwhile),
	CASE(interrupts_work_meanwhile),
	CASE(opening_it_again_meanwhile),
	CASE(the_group_meanwhile),
	CASE(closing_the_group_does_not_end_it),
	RANGE(a_request_is_repeated_after_a_signal, 1, 3, 1),
	CASE(the_owner_dies),
	CASE(a_child_holds_it),
	CASE(nobody_is_asked_when_it_is_closed),
	CASE(a_cleared_eventfd_is_not_told),
	CASE(removal_waits_too),
	CASE(the_override_can_change_meanwhile),
	CASE(other_drivers_work_meanwhile),
	CASE(it_can_be_bound_and_used_again),
	CASE(a_member_waits_alone),
};

MACHINE_TABLE(table_unbind_busy, "unbind_busy", cases);

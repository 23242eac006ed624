/* SPDX-License-Identifier: BSD-3-Clause */
/* Closing container, group and device in each order, and passing them on. */
#include "lib.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const orders[] = {"cgd", "cdg", "gcd", "gdc", "dcg", "dgc"};

static const char *order_label(long i)
{
	return i < (long)COUNT(orders) ? orders[i] : NULL;
}

/* After each close: can the node be opened again? */
/* Shows O1. */
static void order(long i)
{
	struct session s = session_device();
	char key[] = "after_?";

	need(!dma_map(s.container, 3, pages(1), 0x100000, PAGE), "map");
	for (const char *c = orders[i]; *c; c++) {
		int fd;

		close(*c == 'c' ? s.container : *c == 'g' ? s.group : s.device);
		key[6] = *c;
		fd = group_try_open(0);
		outcome(key, fd < 0 ? -1 : 0);
		close(fd);
	}
	s.group = group_try_open(0);
	result(group_status(s.group));
	outcome("attach", group_attach(s.group, container_open()));
}

/* The device works to the last, whatever else is closed. */
/* Shows C11. */
static void device_works_without(long i)
{
	struct session s = session_device();
	const char *c = orders[i];

	for (int n = 0; n < 2 && c[n] != 'd'; n++)
		close(c[n] == 'c' ? s.container : s.group);
	result((long)pread(s.device, &i, 4, 0));
	hex("id", edu_read(s.device, EDU_ID));
}

static const char *without_label(long i)
{
	static const char *const names[] = {"container_and_group", "container",
					    "group_and_container", "group"};

	return i < (long)COUNT(names) ? names[i] : NULL;
}

static void container_works_while_its_group_is_closed(void)
{
	struct session s = session_device();

	close(s.group);
	result(dma_map(s.container, 3, pages(1), 0x100000, PAGE));
	hex("left", dma_unmap_all(s.container));
	close(s.device);
	outcome("then", dma_map(s.container, 3, pages(1), 0x100000, PAGE));
}

/* Shows G3. */
static void reopened_group_starts_afresh(void)
{
	struct session s = session_device();

	close(s.group);
	close(s.device);
	s.group = group_try_open(0);
	result(group_status(s.group));
	outcome("unset", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("old", group_attach(s.group, s.container));
	outcome("set_iommu", ioctl(s.container, VFIO_SET_IOMMU, 1ul));
}

/* Shows O2. */
static void killed_owner_leaves_nothing(void)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	need(!pipe(ready), "pipe");
	pid = fork();
	if (!pid) {
		struct session s = session_device();
		void *bar = bar_map(s.device, PAGE, 3);

		dma_map(s.container, 3, pages(16), 0x100000, 16 * PAGE);
		touch(bar, 0);
		need(write(ready[1], "x", 1) == 1, "write");
		pause();
	}
	need(read(ready[0], &byte, 1) == 1, "read");
	outcome("alive", group_try_open(0) < 0 ? -1 : 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	result(group_status(group_open(0)));
}

static void send_fd(int sock, int fd)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	need(sendmsg(sock, &msg, 0) == 1, "sendmsg");
}

static int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	int fd;

	need(recvmsg(sock, &msg, 0) == 1, "recvmsg");
	need(CMSG_FIRSTHDR(&msg) != NULL, "cmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* The child opens all, passes one file and exits. */
static int passed(int which)
{
	int sock[2], fd, status;
	pid_t pid;

	need(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock), "socketpair");
	pid = fork();
	if (!pid) {
		struct session s = session_device();

		send_fd(sock[1], which == 'c'   ? s.container
				 : which == 'g' ? s.group
						: s.device);
		_exit(0);
	}
	fd = receive_fd(sock[0]);
	waitpid(pid, &status, 0);
	return fd;
}

/* Shows O3. */
static void passed_device_works(void)
{
	int device = passed('d');
	int fd = event_fd();

	outcome("node", group_try_open(0) < 0 ? -1 : 0);
	hex("id", edu_read(device, EDU_ID));
	outcome("irq", irq_trigger_fd(device, 0, fd));
	value("mapped", touch(bar_map(device, PAGE, 3), 0));
	close(device);
	result(0);
}

static void passed_group_works(void)
{
	int group = passed('g');
	int c = container_open();

	result(group_status(group));
	outcome("node", group_try_open(0) < 0 ? -1 : 0);
	outcome("unset", ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("attach", group_attach(group, c));
	outcome("set_iommu", ioctl(c, VFIO_SET_IOMMU, 3ul));
	outcome("device", device_open(group, 0) < 0 ? -1 : 0);
}

static void passed_container_is_empty(void)
{
	int c = passed('c'), g;

	result(ioctl(c, VFIO_SET_IOMMU, 3ul));
	g = group_open(0);
	outcome("attach", group_attach(g, c));
	outcome("set_iommu", ioctl(c, VFIO_SET_IOMMU, 3ul));
}

/* Files are inherited by fork like any others. */
static void a_child_uses_all_three(void)
{
	struct session s = session_device();
	int status;
	pid_t pid = fork();

	if (!pid) {
		result(dma_map(s.container, 3, pages(1), 0x100000, PAGE));
		outcome("status", group_status(s.group));
		hex("id", edu_read(s.device, EDU_ID));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	hex("left", dma_unmap_all(s.container));
}

static void mappings_of_a_dead_child_stay(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	int status;
	pid_t pid = fork();

	if (!pid) {
		dma_map(s.container, 3, pages(4), 0x100000, 4 * PAGE);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	result(dma_map(s.container, 3, pages(1), 0x100000, PAGE));
	hex("left", dma_unmap_all(s.container));
}

static void a_dup_of_the_device_keeps_it(void)
{
	struct session s = session_device();
	int copy = dup(s.device);

	close(s.device);
	outcome("unset", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	hex("id", edu_read(copy, EDU_ID));
	close(copy);
	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static void a_dup_of_the_container_keeps_it(void)
{
	struct session s = session_group();
	int copy = dup(s.container);

	close(s.container);
	result(ioctl(copy, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	outcome("map", dma_map(copy, 3, pages(1), 0x100000, PAGE));
}

static void dup2_over_the_device_closes_it(void)
{
	struct session s = session_device();

	need(dup2(s.container, s.device) == s.device, "dup2");
	result(ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	outcome("is_container", ioctl(s.device, VFIO_GET_API_VERSION));
}

static void two_containers_for_two_groups(void)
{
	struct session s = session_device(), t = {.container = -1};

	t.group = group_open(1);
	t.container = container_open();
	need(!group_attach(t.group, t.container), "set-container");
	result(ioctl(t.container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	outcome("first", dma_map(s.container, 3, pages(1), 0x100000, PAGE));
	outcome("second", dma_map(t.container, 3, pages(1), 0x100000, PAGE));
	hex("left", dma_unmap_all(s.container));
	hex("other_left", dma_unmap_all(t.container));
}

static const struct conf_case cases[] = {
	EACH(order, order_label),
	EACH(device_works_without, without_label),
	CASE(container_works_while_its_group_is_closed),
	CASE(reopened_group_starts_afresh),
	CASE(killed_owner_leaves_nothing),
	CASE(passed_device_works),
	CASE(passed_group_works),
	CASE(passed_container_is_empty),
	CASE(a_child_uses_all_three),
	CASE(mappings_of_a_dead_child_stay),
	CASE(a_dup_of_the_device_keeps_it),
	CASE(a_dup_of_the_container_keeps_it),
	CASE(dup2_over_the_device_closes_it),
	CASE(two_containers_for_two_groups),
};

TABLE(table_close_order, "close_order", cases);

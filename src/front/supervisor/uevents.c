/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/uevents.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/lock.h"
#include "bus/machine.h"
#include "front/supervisor/pass.h"

/* The kernel adds its own. */
#define SEQNUM "SEQNUM="

struct uvf_uevents {
	struct uvf_machine *machine;

	struct uvf_mutex lock; /* protects what follows */
	int sender;            /* in the namespace, or -1: nobody listens yet */
	int user_fd;           /* /proc/PID/ns/user, or -1: it is our own */
	int net_fd;
};

/* What the child that makes sockets tells. */
struct report {
	int error; /* 0 or a negative errno */
	bool has_user_namespace;
};

int uvf_uevents_create(struct uvf_uevents **ret_uevents,
		       struct uvf_machine *machine)
{
	struct uvf_uevents *uevents = uvf_zalloc(sizeof(*uevents));

	if (!uevents)
		return -ENOMEM;
	uevents->machine = machine;
	uevents->sender = -1;
	uevents->user_fd = -1;
	uevents->net_fd = -1;
	uvf_mutex_init(&uevents->lock);
	*ret_uevents = uevents;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void uvf_uevents_destroy(struct uvf_uevents *uevents)
{
	if (!uevents)
		return;
	if (uevents->sender >= 0)
		uvf_machine_set_changed(uevents->machine, NULL, NULL);
	close_fd(uevents->sender);
	close_fd(uevents->user_fd);
	close_fd(uevents->net_fd);
	uvf_mutex_fini(&uevents->lock);
	uvf_free(uevents);
}

/* Into the namespace, which the first child makes. */
static int enter(const struct uvf_uevents *uevents, bool *ret_has_user)
{
	if (uevents->net_fd < 0) {
		*ret_has_user = false;
		if (!unshare(CLONE_NEWNET))
			return 0;
		*ret_has_user = true;
		return errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNET)
			       ? -errno
			       : 0;
	}
	if (uevents->user_fd >= 0 && setns(uevents->user_fd, CLONE_NEWUSER))
		return -errno;
	return setns(uevents->net_fd, CLONE_NEWNET) ? -errno : 0;
}

static void make_socket(const struct uvf_uevents *uevents, int type,
			int channel) __attribute__((noreturn));

/* In a child, for a process with threads enters no user namespace. */
static void make_socket(const struct uvf_uevents *uevents, int type,
			int channel)
{
	struct report report = {0};
	int fd = -1;
	char byte;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	report.error = enter(uevents, &report.has_user_namespace);
	if (!report.error)
		fd = socket(AF_NETLINK, type, NETLINK_KOBJECT_UEVENT);
	if (!report.error && fd < 0)
		report.error = -errno;
	if (uvf_pass_send(channel, &report, sizeof(report), fd))
		_exit(1);
	/* Our namespaces are reached through us. */
	if (read(channel, &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

static int open_namespace(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The first child's namespaces, for those that follow. */
static int keep(struct uvf_uevents *uevents, pid_t pid, bool has_user)
{
	if (has_user)
		uevents->user_fd = open_namespace(pid, "user");
	if (has_user && uevents->user_fd < 0)
		return uevents->user_fd;
	uevents->net_fd = open_namespace(pid, "net");
	return uevents->net_fd < 0 ? uevents->net_fd : 0;
}

static int ask_child(struct uvf_uevents *uevents, int type)
	UVF_REQUIRES(uevents->lock)
{
	struct report report = {.error = -ECHILD};
	int channels[2], fd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channels))
		return -errno;
	pid = fork();
	if (!pid) {
		close(channels[0]);
		make_socket(uevents, type, channels[1]);
	}
	close(channels[1]);
	if (pid > 0 &&
	    uvf_pass_receive(channels[0], &report, sizeof(report), &fd))
		report.error = -ECHILD;
	if (!report.error && uevents->net_fd < 0)
		report.error = keep(uevents, pid, report.has_user_namespace);
	close(channels[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (!report.error)
		return fd;
	close_fd(fd);
	return report.error;
}

/* All pairs but the number, which two senders would count apart. */
static size_t copy_pairs(char *dst, const struct uvf_uevent *event)
{
	size_t used = 0, at = 0;

	while (at < event->size) {
		size_t length = strnlen(event->text + at, event->size - at) + 1;

		if (strncmp(event->text + at, SEQNUM, strlen(SEQNUM)) != 0) {
			memcpy(dst + used, event->text + at, length);
			used += length;
		}
		at += length;
	}
	return used;
}

/* A listener that does not read loses events, as it would of the kernel's. */
static void tell(void *arg, const struct uvf_uevent *event)
{
	struct uvf_uevents *uevents = arg;
	struct {
		struct nlmsghdr header;
		char text[UVF_UEVENT_SIZE + 1];
	} message = {
		.header.nlmsg_type = NLMSG_MIN_TYPE,
		.header.nlmsg_flags = NLM_F_REQUEST,
	};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	message.header.nlmsg_len =
		(uint32_t)(NLMSG_HDRLEN + copy_pairs(message.text, event));
	(void)sendto(uevents->sender, &message, message.header.nlmsg_len,
		     MSG_DONTWAIT, (struct sockaddr *)&kernel, sizeof(kernel));
}

/* The first that listens brings the namespace and our socket in it. */
static int start(struct uvf_uevents *uevents) UVF_REQUIRES(uevents->lock)
{
	int fd;

	if (uevents->sender >= 0)
		return 0;
	fd = ask_child(uevents, SOCK_RAW | SOCK_CLOEXEC);
	if (fd < 0)
		return fd;
	uevents->sender = fd;
	uvf_machine_set_changed(uevents->machine, tell, uevents);
	return 0;
}

int uvf_uevents_socket(struct uvf_uevents *uevents, int type)
{
	int ret;

	uvf_lock(&uevents->lock);
	ret = start(uevents);
	if (!ret)
		ret = ask_child(uevents, type);
	uvf_unlock(&uevents->lock);
	return ret;
}

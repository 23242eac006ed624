/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/run.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <uvfio/device.h>

#include "front/supervisor/filter.h"
#include "front/supervisor/janitor.h"
#include "front/supervisor/view.h"

/* Room for one descriptor beside a message. */
union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static int send_listener(int socket, int fd)
{
	char byte = 0;
	struct iovec iov = {&byte, 1};
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;

	memset(&control, 0, sizeof(control));
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void report(const struct uvf_run_child *child, int step, int ret,
		   const char *text)
{
	struct uvf_run_failure failure = {.ret = ret};

	failure.step = step;
	if (text)
		memcpy(failure.text, text, sizeof(failure.text));
	(void)send(child->child_end, &failure, sizeof(failure), MSG_NOSIGNAL);
	_exit(step == UVF_RUN_EXEC && ret == -ENOENT ? UVF_RUN_NOT_FOUND
						     : UVF_RUN_NOT_EXECUTABLE);
}

/* Whether a directory of PATH has the program, executable or not. */
static bool is_on_path(const char *name)
{
	const char *path = getenv("PATH");
	char full[PATH_MAX];

	while (path && *path) {
		int len = (int)strcspn(path, ":");

		(void)snprintf(full, sizeof(full), "%.*s/%s", len, path, name);
		if (!access(full, F_OK))
			return true;
		path += len;
		path += *path == ':';
	}
	return false;
}

static int exec_program(char *const argv[])
{
	int ret;

	(void)execvp(argv[0], argv);
	ret = -errno;
	/* A directory that may not be searched is no answer to a shell. */
	if (ret == -EACCES && !strchr(argv[0], '/') && !is_on_path(argv[0]))
		ret = -ENOENT;
	return ret;
}

/* The child, in its own process. */
static void child_main(void *arg)
{
	struct uvf_run_child *child = arg;
	struct uvf_filter filter = {.traps_eventfd = child->traps_eventfd,
				    .has_host_kvm = child->has_host_kvm};
	struct uvfio_error err = {""};
	int ret;
	int fd;

	ret = uvf_view_enter(child->view, &err);
	if (ret)
		report(child, UVF_RUN_VIEW, ret, err.text);
	if (uvf_view_mode(child->view) == UVF_VIEW_PATHS) {
		filter.path_calls = uvf_view_path_calls();
		filter.traps_write = true;
	}
	fd = uvf_filter_install(&filter);
	if (fd < 0)
		report(child, UVF_RUN_FILTER, fd, NULL);
	ret = send_listener(child->child_end, fd);
	if (ret)
		report(child, UVF_RUN_FILTER, ret, NULL);
	close(fd);
	(void)setrlimit(RLIMIT_NOFILE, &child->nofile);
	/* Of no other run, should this one be started inside one. */
	if (!child->control_path)
		(void)unsetenv("UVFIO_CTL");
	else if (setenv("UVFIO_CTL", child->control_path, 1))
		report(child, UVF_RUN_EXEC, -ENOMEM, NULL);
	uvf_signals_restore(child->signals);
	report(child, UVF_RUN_EXEC, exec_program(child->argv), NULL);
}

/* The janitor, in its own process, up to the fork of the child. */
static void janitor_child(void *arg)
{
	struct uvf_run_child *child = arg;

	close(child->channel);
	child_main(child);
}

static void janitor_main(struct uvf_run_child *child)
{
	const char *dir = uvf_view_directory(child->view);
	const char *trash[3] = {NULL};
	size_t count = 0;

	if (dir)
		trash[count++] = dir;
	if (child->control_path)
		trash[count++] = child->control_path;
	close(child->parent_end);
	uvf_signals_ignore();
	uvf_janitor_main(child->channel, trash, janitor_child, child);
}

int uvf_run_fork(struct uvf_run_child *child, pid_t *ret_janitor,
		 int *ret_channel)
{
	int start[2];
	int channel[2];
	int ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, start))
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel)) {
		ret = -errno;
		goto err_start;
	}
	child->parent_end = start[0];
	child->child_end = start[1];
	child->channel = channel[1];
	*ret_janitor = fork();
	if (*ret_janitor < 0) {
		ret = -errno;
		goto err_channel;
	}
	if (!*ret_janitor) {
		close(channel[0]);
		janitor_main(child);
	}
	close(start[1]);
	close(channel[1]);
	child->child_end = -1;
	child->channel = -1;
	*ret_channel = channel[0];
	return 0;

err_channel:
	close(channel[0]);
	close(channel[1]);
err_start:
	close(start[0]);
	close(start[1]);
	return ret;
}

static int get_descriptor(struct msghdr *msg, int *ret_fd)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(ret_fd, CMSG_DATA(cmsg), sizeof(*ret_fd));
	return 0;
}

int uvf_run_wait_listener(struct uvf_run_child *child, int *ret_fd,
			  struct uvf_run_failure *ret_failure)
{
	struct iovec iov = {ret_failure, sizeof(*ret_failure)};
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	do
		n = recvmsg(child->parent_end, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n == 1 && !get_descriptor(&msg, ret_fd))
		return 0;
	if (n != sizeof(*ret_failure)) {
		ret_failure->step = UVF_RUN_FILTER;
		ret_failure->ret = -ECHILD;
	}
	return ret_failure->ret;
}

int uvf_run_wait_exec(struct uvf_run_child *child,
		      struct uvf_run_failure *ret_failure)
{
	ssize_t n;

	do
		n = recv(child->parent_end, ret_failure, sizeof(*ret_failure),
			 0);
	while (n < 0 && errno == EINTR);
	/* exec() closes the child's end, and says nothing. */
	return n == sizeof(*ret_failure) ? ret_failure->ret : 0;
}

void uvf_run_child_fini(struct uvf_run_child *child)
{
	close(child->parent_end);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#define FUSE_USE_VERSION 314

#include "front/supervisor/fuse_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"

struct uvf_fuse_thread {
	struct fuse_session *session;
	char name[16];
	int stop_fd; /* eventfd */
	pthread_t thread;
	bool has_thread;
};

static void *fuse_main(void *arg)
{
	struct uvf_fuse_thread *thread = arg;
	struct fuse_buf buf = {0};
	struct pollfd pfds[] = {
		{.fd = fuse_session_fd(thread->session), .events = POLLIN},
		{.fd = thread->stop_fd, .events = POLLIN},
	};

	(void)pthread_setname_np(pthread_self(), thread->name);
	while (!fuse_session_exited(thread->session)) {
		int ret;

		if (poll(pfds, 2, -1) < 0)
			continue;
		if (pfds[1].revents)
			break;
		ret = fuse_session_receive_buf(thread->session, &buf);
		/* The request may have been withdrawn; or nobody mounts it. */
		if (ret == -EINTR || ret == -EAGAIN)
			continue;
		if (ret <= 0)
			break;
		fuse_session_process_buf(thread->session, &buf);
	}
	free(buf.mem);
	return NULL;
}

/* What libfuse complains of is nothing that its user could change. */
static void log_fuse(enum fuse_log_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
}

/* On success the descriptor is the session's. */
static int open_session(struct uvf_fuse_thread *thread, int fd,
			const struct fuse_lowlevel_ops *ops, size_t size,
			void *arg)
{
	char name[] = "uvfio", path[32];
	char *argv[] = {name, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);

	fuse_set_log_func(log_fuse);
	thread->session = fuse_session_new(&args, ops, size, arg);
	fuse_opt_free_args(&args);
	if (!thread->session)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	return fuse_session_mount(thread->session, path) ? -EIO : 0;
}

static int start(struct uvf_fuse_thread *thread)
{
	sigset_t all, old;
	int ret;

	/* Signals of the process are for other threads. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = -pthread_create(&thread->thread, NULL, fuse_main, thread);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	thread->has_thread = !ret;
	return ret;
}

int uvf_fuse_thread_start(struct uvf_fuse_thread **ret_thread, int fd,
			  const char *name, const struct fuse_lowlevel_ops *ops,
			  size_t size, void *arg)
{
	struct uvf_fuse_thread *thread = uvf_zalloc(sizeof(*thread));
	int ret;

	if (!thread) {
		close(fd);
		return -ENOMEM;
	}
	(void)snprintf(thread->name, sizeof(thread->name), "%s", name);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	thread->stop_fd = eventfd(0, EFD_CLOEXEC);
	ret = thread->stop_fd < 0 ? -errno
				  : open_session(thread, fd, ops, size, arg);
	/* From here on it is the session's. */
	if (ret)
		close(fd);
	else
		ret = start(thread);
	if (ret) {
		uvf_fuse_thread_destroy(thread);
		return ret;
	}
	*ret_thread = thread;
	return 0;
}

void uvf_fuse_thread_end(struct uvf_fuse_thread *thread)
{
	if (!thread || !thread->has_thread)
		return;
	(void)eventfd_write(thread->stop_fd, 1);
	(void)pthread_join(thread->thread, NULL);
	thread->has_thread = false;
}

void uvf_fuse_thread_destroy(struct uvf_fuse_thread *thread)
{
	if (!thread)
		return;
	uvf_fuse_thread_end(thread);
	/* Closes the descriptor, which ends what still asks. */
	if (thread->session)
		fuse_session_destroy(thread->session);
	if (thread->stop_fd >= 0)
		close(thread->stop_fd);
	uvf_free(thread);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/view_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uvfio/device.h>

#include "front/supervisor/namespace.h"
#include "front/supervisor/pass.h"
#include "front/supervisor/view_fuse.h"
#include "front/supervisor/view_mounts.h"
#include "front/supervisor/view_names.h"
#include "front/supervisor/view_tree.h"

/* What the child that builds tells. */
struct report {
	bool is_end; /* else a descriptor comes along, to be served */
	int error;   /* 0 or a negative errno */
	bool has_user_namespace;
	char what[160];
};

static int build(struct uvf_view_mounts *mounts)
{
	const char *step = "";
	char cwd[PATH_MAX];
	int ret;

	umask(0);
	ret = uvf_namespace_unshare(&mounts->has_user_namespace, &step);
	if (ret) {
		snprintf(mounts->what, sizeof(mounts->what), "%s", step);
		return ret;
	}
	ret = uvf_view_mounts_make(mounts);
	/* It may lie in what is covered now. */
	if (!ret && getcwd(cwd, sizeof(cwd)) && cwd[0] == '/')
		ret = chdir(cwd) ? 0 : ret;
	return ret;
}

/* In the child: the parent serves it from now on. */
static int send_fuse(void *arg, int fd)
{
	const struct report report = {0};
	const int *channel = arg;

	return uvf_pass_send(*channel, &report, sizeof(report), fd);
}

/* Runs in the child, which stays until the parent took what it needs. */
static void build_and_report(const struct uvf_view_tree *tree, int fd)
{
	struct uvf_view_mounts mounts = {
		.tree = tree,
		.serve = send_fuse,
		.arg = &fd,
	};
	struct report report = {.is_end = true};
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	report.error = build(&mounts);
	report.has_user_namespace = mounts.has_user_namespace;
	memcpy(report.what, mounts.what, sizeof(report.what));
	if (write(fd, &report, sizeof(report)) != sizeof(report))
		_exit(1);
	if (read(fd, &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

dev_t uvf_view_namespace_dev(int fd)
{
	struct statx stx;

	/* Whoever asks for nothing may ask, of any file system. */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &stx))
		return 0;
	return makedev(stx.stx_dev_major, stx.stx_dev_minor);
}

static int open_of(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, flags | O_CLOEXEC);
}

static int take(struct uvf_view_namespace *ns, pid_t pid, bool has_user)
{
	int fd;

	if (has_user) {
		ns->user_fd = open_of(pid, "ns/user", O_RDONLY);
		if (ns->user_fd < 0)
			return -errno;
	}
	ns->mount_fd = open_of(pid, "ns/mnt", O_RDONLY);
	if (ns->mount_fd < 0)
		return -errno;
	ns->root_fd = open_of(pid, "root", O_PATH | O_DIRECTORY);
	if (ns->root_fd < 0)
		return -errno;
	ns->cwd_fd = open_of(pid, "cwd", O_PATH | O_DIRECTORY);
	if (ns->cwd_fd < 0)
		return -errno;
	fd = openat(ns->root_fd, "dev/vfio", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ns->dev = uvf_view_namespace_dev(fd);
	close(fd);
	return ns->dev ? 0 : -EIO;
}

/* What the child needs of us until it has ended, and what it made. */
struct builder {
	struct uvf_view_namespace *ns;
	struct uvf_view_names *names;
	struct uvf_view_writes *writes;
	pid_t pid;
	int channel;
};

/* -ECHILD, without a line in err: the child ended before it told. */
static int wait_for_report(struct builder *builder, struct uvfio_error *err)
{
	struct uvf_view_namespace *ns = builder->ns;
	struct report report = {0};
	int fd, ret;

	while (!uvf_pass_receive(builder->channel, &report, sizeof(report),
				 &fd) &&
	       !report.is_end) {
		ret = uvf_view_fuse_start(&ns->fuse, fd, builder->names,
					  builder->writes);
		if (ret) {
			uvfio_error_set(err, "no mount namespace: FUSE: %s",
					strerror(-ret));
			return ret;
		}
	}
	if (!report.is_end)
		return -ECHILD;
	if (report.error) {
		uvfio_error_set(err, "no mount namespace: %s: %s", report.what,
				strerror(-report.error));
		return report.error;
	}
	ret = take(ns, builder->pid, report.has_user_namespace);
	if (ret)
		uvfio_error_set(err, "no mount namespace: reading /proc: %s",
				strerror(-ret));
	return ret;
}

/* The child, with the present tree. */
static pid_t fork_builder(struct uvf_view_names *names, const int fds[2])
{
	struct uvf_view_tree *tree = uvf_view_names_get(names);
	pid_t pid = fork();

	if (!pid) {
		close(fds[0]);
		build_and_report(tree, fds[1]);
	}
	uvf_view_tree_put(tree);
	return pid;
}

int uvf_view_namespace_create(struct uvf_view_namespace *ns,
			      struct uvf_view_names *names,
			      struct uvf_view_writes *writes,
			      struct uvfio_error *err)
{
	struct builder builder = {ns, names, writes, -1, -1};
	int fds[2], ret, status = 0;

	*ns = (struct uvf_view_namespace){-1, -1, -1, -1, 0, NULL};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds)) {
		ret = -errno;
		uvfio_error_set(err, "socketpair: %s", strerror(-ret));
		return ret;
	}
	builder.channel = fds[0];
	builder.pid = fork_builder(names, fds);
	close(fds[1]);
	if (builder.pid < 0) {
		ret = -errno;
		uvfio_error_set(err, "fork: %s", strerror(-ret));
		close(fds[0]);
		return ret;
	}
	ret = wait_for_report(&builder, err);
	close(fds[0]);
	while (waitpid(builder.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (ret == -ECHILD)
		uvfio_error_set(err,
				"no mount namespace: its builder ended "
				"with wait status 0x%x",
				status);
	if (ret) {
		uvf_view_namespace_stop(ns);
		uvf_view_namespace_fini(ns);
	}
	return ret;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void uvf_view_namespace_stop(struct uvf_view_namespace *ns)
{
	uvf_view_fuse_stop(ns->fuse);
}

void uvf_view_namespace_fini(struct uvf_view_namespace *ns)
{
	uvf_view_fuse_destroy(ns->fuse);
	ns->fuse = NULL;
	close_fd(&ns->user_fd);
	close_fd(&ns->mount_fd);
	close_fd(&ns->root_fd);
	close_fd(&ns->cwd_fd);
}

int uvf_view_namespace_enter(const struct uvf_view_namespace *ns,
			     struct uvfio_error *err)
{
	int ret;

	/* setns() goes to the root of all mounts; we may live in a chroot. */
	if ((ns->user_fd >= 0 && setns(ns->user_fd, CLONE_NEWUSER)) ||
	    setns(ns->mount_fd, CLONE_NEWNS) || fchdir(ns->root_fd) ||
	    chroot(".") || fchdir(ns->cwd_fd)) {
		ret = -errno;
		uvfio_error_set(err, "cannot enter the mount namespace: %s",
				strerror(-ret));
		return ret;
	}
	return 0;
}

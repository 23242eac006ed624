/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A child makes the mount in namespaces of its own, which end with it; what is
 * left is the root that it passed to us.
 *
 * FUSE lets the user in who mounted it.  As root, others may have been given a
 * descriptor, so they are let in, too: nobody else finds a name.
 */
#include "front/supervisor/streams_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/supervisor/namespace.h"
#include "front/supervisor/pass.h"

#define PLACE "/dev" /* any directory; only the child sees it covered */

static int mount_fuse(bool has_user, int *ret_fuse_fd)
{
	char options[128];
	int ret, fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	(void)snprintf(options, sizeof(options),
		       "fd=%d,rootmode=40000,user_id=%u,group_id=%u%s", fd,
		       geteuid(), getegid(), has_user ? "" : ",allow_other");
	if (!mount("uvfio-streams", PLACE, "fuse",
		   MS_NOSUID | MS_NODEV | MS_NOEXEC, options)) {
		*ret_fuse_fd = fd;
		return 0;
	}
	ret = -errno;
	close(fd);
	return ret;
}

static void build(int channel) __attribute__((noreturn));

static void build(int channel)
{
	int fuse_fd = -1, root_fd = -1, ret;
	const char *step;
	bool has_user;
	char byte;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	ret = uvf_namespace_unshare(&has_user, &step);
	if (!ret)
		ret = mount_fuse(has_user, &fuse_fd);
	if (!ret) {
		root_fd = open(PLACE, O_PATH | O_DIRECTORY | O_CLOEXEC);
		ret = root_fd < 0 ? -errno : 0;
	}
	if (uvf_pass_send(channel, &ret, sizeof(ret), fuse_fd) ||
	    uvf_pass_send(channel, &ret, sizeof(ret), root_fd))
		_exit(1);
	if (read(channel, &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

static int receive(int channel, int *ret_fuse_fd, int *ret_root_fd)
{
	int error = -ECHILD;

	*ret_fuse_fd = -1;
	*ret_root_fd = -1;
	if (uvf_pass_receive(channel, &error, sizeof(error), ret_fuse_fd) ||
	    uvf_pass_receive(channel, &error, sizeof(error), ret_root_fd))
		error = -ECHILD;
	if (!error && (*ret_fuse_fd < 0 || *ret_root_fd < 0))
		error = -EMFILE;
	if (!error)
		return 0;
	if (*ret_fuse_fd >= 0)
		close(*ret_fuse_fd);
	if (*ret_root_fd >= 0)
		close(*ret_root_fd);
	*ret_fuse_fd = -1;
	*ret_root_fd = -1;
	return error;
}

int uvf_streams_mount(int *ret_fuse_fd, int *ret_root_fd)
{
	int channels[2], ret;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channels))
		return -errno;
	pid = fork();
	if (!pid) {
		close(channels[0]);
		build(channels[1]);
	}
	close(channels[1]);
	ret = pid < 0 ? -EAGAIN
		      : receive(channels[0], ret_fuse_fd, ret_root_fd);
	close(channels[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return ret;
}

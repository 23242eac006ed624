/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t done;

	if (fd < 0)
		return -errno;
	done = write(fd, text, strlen(text));
	close(fd);
	return done < 0 ? -EPERM : 0;
}

/* The same user and group inside as outside, so that files keep owners. */
static int map_ids(uid_t uid, gid_t gid)
{
	char text[64];
	int ret;

	ret = write_text("/proc/self/setgroups", "deny");
	if (ret)
		return ret;
	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	ret = write_text("/proc/self/uid_map", text);
	if (ret)
		return ret;
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	return write_text("/proc/self/gid_map", text);
}

/*
 * A user namespace only for those who need one: root would lose its rights
 * over the host's objects in it.
 */
static int unshare_mounts(bool *ret_has_user, const char **ret_step)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	*ret_has_user = false;
	if (!unshare(CLONE_NEWNS))
		return 0;
	*ret_step = "unshare()";
	if (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	*ret_has_user = true;
	*ret_step = "mapping user ids";
	return map_ids(uid, gid);
}

int uvf_namespace_unshare(bool *ret_has_user, const char **ret_step)
{
	int ret = unshare_mounts(ret_has_user, ret_step);

	if (ret)
		return ret;
	if (!mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL))
		return 0;
	*ret_step = "making mounts private";
	return -errno;
}

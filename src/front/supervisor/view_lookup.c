/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The path is walked from the client's own root and working directory, one
 * component at a time: a single open() of ours would take absolute links
 * from our root and /proc/self for ourselves.
 */
#include "front/supervisor/view_lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINKS_MAX     40 /* as the kernel's MAXSYMLINKS */
#define PROC_ROOT_INO 1
#define PATH_FLAGS    (O_PATH | O_NOFOLLOW | O_CLOEXEC)

struct lookup {
	int pid;
	int root;
	int at; /* where the walk is */
	unsigned int links;
	char rest[2 * PATH_MAX]; /* still to walk */
};

static int open_proc(int pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_start(int pid, int dirfd, const char *path)
{
	char name[32];

	if (path[0] == '/')
		return open_proc(pid, "root");
	if (dirfd == AT_FDCWD)
		return open_proc(pid, "cwd");
	snprintf(name, sizeof(name), "fd/%d", dirfd);
	return open_proc(pid, name);
}

/* Moves the walk; takes over fd, which may be a negative errno. */
static int move_to(struct lookup *lookup, int fd)
{
	if (fd < 0)
		return fd;
	close(lookup->at);
	lookup->at = fd;
	return 0;
}

static int move_open(struct lookup *lookup, const char *name, int flags)
{
	int fd = openat(lookup->at, name, flags);

	return move_to(lookup, fd < 0 ? -errno : fd);
}

static bool is_same(int a, int b)
{
	struct stat first, second;

	return !fstat(a, &first) && !fstat(b, &second) &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static bool is_proc(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

static bool is_proc_root(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_ino == PROC_ROOT_INO;
}

/* Put a link's target before what is still to walk. */
static int put_target(struct lookup *lookup, const char *target)
{
	char rest[sizeof(lookup->rest)];
	int length;

	length = snprintf(rest, sizeof(rest), "%s/%s", target, lookup->rest);
	if (length >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	/* A slash at the end would ask for a directory. */
	if (!lookup->rest[0])
		rest[length - 1] = '\0';
	memcpy(lookup->rest, rest, (size_t)length + 1);
	if (target[0] == '/')
		return move_to(lookup, dup(lookup->root));
	return 0;
}

/* link_fd is what name in the current directory is, a symbolic link. */
static int follow(struct lookup *lookup, const char *name, int link_fd)
{
	char target[PATH_MAX];
	ssize_t length;

	if (++lookup->links > LINKS_MAX)
		return -ELOOP;
	if (is_proc(link_fd)) {
		if (!is_proc_root(lookup->at))
			/* cwd, root, fd/N: the kernel knows where to. */
			return move_open(lookup, name, O_PATH | O_CLOEXEC);
		if (!strcmp(name, "self") || !strcmp(name, "thread-self")) {
			snprintf(target, sizeof(target), "%d", lookup->pid);
			return put_target(lookup, target);
		}
	}
	length = readlinkat(link_fd, "", target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	return put_target(lookup, target);
}

static int step(struct lookup *lookup, const char *name)
{
	struct stat st;
	int fd, ret;

	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, ".."))
		return is_same(lookup->at, lookup->root)
			       ? 0
			       : move_open(lookup, name, PATH_FLAGS);
	fd = openat(lookup->at, name, PATH_FLAGS);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	if (!S_ISLNK(st.st_mode))
		return move_to(lookup, fd);
	ret = follow(lookup, name, fd);
	close(fd);
	return ret;
}

static int walk(struct lookup *lookup)
{
	char name[NAME_MAX + 1];

	while (lookup->rest[0]) {
		char *rest = lookup->rest + strspn(lookup->rest, "/");
		size_t length = strcspn(rest, "/");
		size_t next = length + strspn(rest + length, "/");
		bool wants_dir = rest[length] == '/';
		int ret;

		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, rest, length);
		name[length] = '\0';
		memmove(lookup->rest, rest + next, strlen(rest + next) + 1);
		/* A slash at the end means the directory itself. */
		if (wants_dir && !lookup->rest[0])
			memcpy(lookup->rest, ".", sizeof("."));
		if (!length)
			continue;
		ret = step(lookup, name);
		if (ret)
			return ret;
	}
	return 0;
}

/* "." is no more than a check for a directory, which step() leaves out. */
static bool ends_as_dir(const char *path)
{
	size_t length = strlen(path);

	return length && (path[length - 1] == '/' ||
			  (length > 1 && !strcmp(path + length - 2, "/.")));
}

int uvf_view_lookup(int pid, int dirfd, const char *path)
{
	struct lookup lookup = {.pid = pid};
	struct stat st;
	int ret;

	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	lookup.root = open_proc(pid, "root");
	if (lookup.root < 0)
		return lookup.root;
	lookup.at = open_start(pid, dirfd, path);
	if (lookup.at < 0) {
		close(lookup.root);
		return lookup.at;
	}
	memcpy(lookup.rest, path, strlen(path) + 1);
	ret = walk(&lookup);
	if (!ret && ends_as_dir(path) &&
	    (fstat(lookup.at, &st) || !S_ISDIR(st.st_mode)))
		ret = -ENOTDIR;
	close(lookup.root);
	if (ret)
		close(lookup.at);
	return ret ? ret : lookup.at;
}

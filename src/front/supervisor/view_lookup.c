/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The path is walked from the client's own root and working directory, one
 * component at a time: a single open() of ours would take absolute links
 * from our root and /proc/self for ourselves.
 *
 * Where the walk comes to our own FUSE file system, it goes on in the tree.
 * The kernel lets nobody in from outside of a user namespace, and inside we
 * would have to answer ourselves.
 */
#include "front/supervisor/view_lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "front/supervisor/view_namespace.h"
#include "front/supervisor/view_tree.h"

#define LINKS_MAX     40 /* as the kernel's MAXSYMLINKS */
#define PROC_ROOT_INO 1
#define PATH_FLAGS    (O_PATH | O_NOFOLLOW | O_CLOEXEC)

struct lookup {
	const struct uvf_view_place *place;
	int pid;
	int root;
	int at;       /* where the walk is */
	bool is_ours; /* at is of no meaning, the next two are */
	uint64_t ino;
	const struct uvf_view_node *node; /* NULL: it is gone */
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

int uvf_view_lookup_ino(int fd, uint64_t *ret_ino)
{
	char path[64], text[256];
	const char *at;
	ssize_t length;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -ENOENT;
	length = read(info, text, sizeof(text) - 1);
	close(info);
	text[length > 0 ? length : 0] = '\0';
	at = strstr(text, "\nino:\t");
	if (!at)
		return -ENOENT;
	*ret_ino = strtoull(at + strlen("\nino:\t"), NULL, 10);
	return 0;
}

/* Moves the walk; takes over fd, which may be a negative errno. */
static int move_to(struct lookup *lookup, int fd)
{
	if (fd < 0)
		return fd;
	if (lookup->at >= 0)
		close(lookup->at);
	lookup->at = fd;
	lookup->is_ours = uvf_view_namespace_dev(fd) == lookup->place->dev;
	if (!lookup->is_ours)
		return 0;
	if (uvf_view_lookup_ino(fd, &lookup->ino))
		return -ENOENT;
	lookup->node = uvf_view_tree_find_ino(lookup->place->tree, lookup->ino);
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

/* Out of our file system where it is bound, else up in the tree. */
static int go_up(struct lookup *lookup)
{
	char path[PATH_MAX];
	char *slash;
	int fd;

	snprintf(path, sizeof(path), "%s", lookup->node->path);
	slash = strrchr(path, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	if (!uvf_view_is_placed(lookup->node->path)) {
		lookup->node = uvf_view_tree_find(lookup->place->tree, path);
		if (!lookup->node)
			return -ENOENT;
		lookup->ino = lookup->node->ino;
		return 0;
	}
	fd = openat(lookup->place->root_fd, path, O_PATH | O_CLOEXEC);
	return move_to(lookup, fd < 0 ? -errno : fd);
}

static int step_ours(struct lookup *lookup, const char *name)
{
	const struct uvf_view_node *node = lookup->node;
	char path[PATH_MAX];

	if (!node)
		return -ENOENT;
	if (node->kind != UVF_VIEW_DIR)
		return -ENOTDIR;
	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, ".."))
		return go_up(lookup);
	if (snprintf(path, sizeof(path), "%s/%s", node->path, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	node = uvf_view_tree_find(lookup->place->tree, path);
	if (!node)
		return -ENOENT;
	if (node->kind == UVF_VIEW_LINK)
		return ++lookup->links > LINKS_MAX
			       ? -ELOOP
			       : put_target(lookup, node->data);
	lookup->node = node;
	lookup->ino = node->ino;
	return 0;
}

static int step(struct lookup *lookup, const char *name)
{
	struct stat st;
	int fd, ret;

	if (lookup->is_ours)
		return step_ours(lookup, name);
	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, ".."))
		return is_same(lookup->at, lookup->root)
			       ? 0
			       : move_open(lookup, name, PATH_FLAGS);
	fd = openat(lookup->at, name, PATH_FLAGS);
	if (fd < 0)
		return -errno;
	if (uvf_view_namespace_dev(fd) == lookup->place->dev)
		return move_to(lookup, fd);
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

static bool is_dir(const struct lookup *lookup)
{
	struct stat st;

	if (lookup->is_ours)
		return lookup->node && lookup->node->kind == UVF_VIEW_DIR;
	return !fstat(lookup->at, &st) && S_ISDIR(st.st_mode);
}

int uvf_view_lookup(const struct uvf_view_place *place, int pid, int dirfd,
		    const char *path, struct uvf_view_found *ret_found)
{
	struct lookup lookup = {.place = place, .pid = pid, .at = -1};
	int ret;

	ret_found->is_ours = false;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	lookup.root = open_proc(pid, "root");
	if (lookup.root < 0)
		return lookup.root;
	ret = move_to(&lookup, open_start(pid, dirfd, path));
	memcpy(lookup.rest, path, strlen(path) + 1);
	if (!ret)
		ret = walk(&lookup);
	if (!ret && ends_as_dir(path) && !is_dir(&lookup))
		ret = -ENOTDIR;
	close(lookup.root);
	if (lookup.at >= 0 && (ret || lookup.is_ours))
		close(lookup.at);
	ret_found->is_ours = lookup.is_ours;
	if (ret)
		return ret;
	ret_found->ino = lookup.ino;
	ret_found->fd = lookup.is_ours ? -1 : lookup.at;
	return 0;
}

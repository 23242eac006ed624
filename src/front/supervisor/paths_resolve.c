/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walking a path over two trees at once: names of ours come from the
 * generated tree, all others from the host.
 *
 * "Ours" sticks to a walk: once it went through a name that the kernel does
 * not have, or has otherwise, the kernel cannot repeat it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "front/supervisor/paths_private.h"

#define LINKS_MAX 40 /* as the kernel's MAXSYMLINKS */

struct walk {
	struct uvf_paths *paths;
	struct uvf_place *place; /* its path is where the walk is */
	int pid;
	bool follow;
	unsigned int links;
	char rest[2 * PATH_MAX]; /* still to walk */
};

bool uvf_paths_translate(const struct uvf_paths *paths, char *path)
{
	size_t length = paths->directory_length;

	if (strncmp(path, paths->directory, length) != 0 ||
	    (path[length] && path[length] != '/'))
		return false;
	memmove(path, path + length, strlen(path + length) + 1);
	return true;
}

bool uvf_paths_read_proc(int pid, const char *name, char path[PATH_MAX])
{
	char link[64];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/%d/%s", pid, name);
	length = readlink(link, path, PATH_MAX - 1);
	if (length < 0)
		return false;
	path[length] = '\0';
	return path[0] == '/';
}

/* Like the kernel, "/" is the empty path of the walk. */
static void strip_root(char *path)
{
	if (!strcmp(path, "/"))
		path[0] = '\0';
}

/* Where a relative path starts; false when it is none of our business. */
static bool start(struct walk *walk, int dirfd)
{
	struct uvf_place *place = walk->place;
	char name[32];

	if (dirfd == AT_FDCWD) {
		if (uvf_paths_cwd_find(walk->paths, walk->pid, place->path)) {
			place->is_ours = true;
			strip_root(place->path);
			return true;
		}
		snprintf(name, sizeof(name), "cwd");
	} else {
		snprintf(name, sizeof(name), "fd/%d", dirfd);
	}
	if (!uvf_paths_read_proc(walk->pid, name, place->path))
		return false;
	place->is_ours = uvf_paths_translate(walk->paths, place->path);
	strip_root(place->path);
	return true;
}

static void go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* Put a link's target before what is still to walk. */
static int put_target(struct walk *walk, const char *target)
{
	char rest[sizeof(walk->rest)];
	int length;

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	length = snprintf(rest, sizeof(rest), "%s%s%s", target,
			  walk->rest[0] ? "/" : "", walk->rest);
	if (length >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(walk->rest, rest, (size_t)length + 1);
	if (target[0] == '/')
		walk->place->path[0] = '\0';
	return 0;
}

/*
 * A link of procfs.  Reading /proc/self would say who we are; cwd and fd/N
 * may lead into our directory.  1: it leads to no path.
 */
static int follow_proc(struct walk *walk, const char *path)
{
	char target[PATH_MAX];
	int pid, used = 0;
	ssize_t length;

	if (!strcmp(path, "/proc/self") || !strcmp(path, "/proc/thread-self")) {
		snprintf(target, sizeof(target), "%d", walk->pid);
		return put_target(walk, target);
	}
	if (sscanf(path, "/proc/%d/cwd%n", &pid, &used) == 1 && used &&
	    !path[used] && uvf_paths_cwd_find(walk->paths, pid, target)) {
		walk->place->is_ours = true;
		return put_target(walk, target);
	}
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	if (strncmp(path, "/proc/self/", 11) != 0 && strchr(path + 6, '/')) {
		if (target[0] != '/')
			return 1;
		if (uvf_paths_translate(walk->paths, target))
			walk->place->is_ours = true;
	}
	return put_target(walk, target);
}

static int step_real(struct walk *walk, const char *next, bool is_last)
{
	struct uvf_place *place = walk->place;
	char target[PATH_MAX];
	struct stat st;
	ssize_t length;

	if (lstat(next, &st)) {
		place->is_last = is_last;
		memcpy(place->path, next, strlen(next) + 1);
		return -errno;
	}
	if (!S_ISLNK(st.st_mode) || (is_last && !walk->follow)) {
		memcpy(place->path, next, strlen(next) + 1);
		return 0;
	}
	if (!strncmp(next, "/proc/", 6))
		return follow_proc(walk, next);
	length = readlink(next, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	return put_target(walk, target);
}

static int step_node(struct walk *walk, const struct uvf_view_node *node,
		     const char *next, bool is_last)
{
	struct uvf_place *place = walk->place;

	if (node->kind != UVF_VIEW_DIR ||
	    !uvf_view_is_merged(node->path, strlen(node->path)) ||
	    access(next, F_OK))
		place->is_ours = true;
	if (node->kind == UVF_VIEW_LINK && (!is_last || walk->follow))
		return put_target(walk, node->data);
	memcpy(place->path, next, strlen(next) + 1);
	if (is_last)
		place->node = node;
	else if (node->kind != UVF_VIEW_DIR)
		return -ENOTDIR;
	return 0;
}

/* Whether a directory of ours has only entries of ours. */
static bool is_closed(const struct uvf_paths *paths, const char *path)
{
	size_t length = strlen(path);

	return length && !uvf_view_is_merged(path + 1, length - 1) &&
	       uvf_view_tree_find(paths->tree, path + 1);
}

static int step(struct walk *walk, const char *name, bool is_last)
{
	struct uvf_place *place = walk->place;
	const struct uvf_view_node *node;
	char next[PATH_MAX];

	if (!strcmp(name, "."))
		name = "";
	if (!strcmp(name, "..")) {
		go_up(place->path);
		name = "";
	}
	if (!*name) {
		if (is_last && place->path[0])
			place->node = uvf_view_tree_find(walk->paths->tree,
							 place->path + 1);
		return 0;
	}
	if (snprintf(next, sizeof(next), "%s/%s", place->path, name) >=
	    (int)sizeof(next))
		return -ENAMETOOLONG;
	node = uvf_view_tree_find(walk->paths->tree, next + 1);
	if (node)
		return step_node(walk, node, next, is_last);
	if (!is_closed(walk->paths, place->path) &&
	    !uvf_view_is_hidden(next + 1))
		return step_real(walk, next, is_last);
	place->is_ours = true;
	place->is_last = is_last;
	place->is_closed = true;
	memcpy(place->path, next, strlen(next) + 1);
	return -ENOENT;
}

static int walk_rest(struct walk *walk)
{
	char name[NAME_MAX + 1];
	int ret;

	do {
		char *rest = walk->rest + strspn(walk->rest, "/");
		size_t length = strcspn(rest, "/");
		size_t slashes = strspn(rest + length, "/");
		const char *next = rest + length + slashes;
		bool is_last = !*next;

		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, rest, length);
		name[length] = '\0';
		memmove(walk->rest, next, strlen(next) + 1);
		/* A slash at the end means the directory itself. */
		if (is_last && slashes) {
			memcpy(walk->rest, ".", sizeof("."));
			is_last = false;
		}
		ret = step(walk, name, is_last);
	} while (!ret && walk->rest[0]);
	return ret;
}

/*
 * Most paths are none of ours, and that must be found out fast: the host
 * has the file, and not on the file systems that we change.
 */
static bool is_elsewhere(const struct uvf_paths *paths, const char *path)
{
	static const char *const tops[] = {"sys", "dev", "proc"};
	struct stat st;

	if (path[0] != '/')
		return false;
	path += strspn(path, "/");
	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
		if (!strncmp(path, tops[i], strlen(tops[i])))
			return false;
	return !strstr(path, "..") && !stat(path - 1, &st) &&
	       st.st_dev != paths->sys_dev && st.st_dev != paths->dev_dev;
}

/* Paths of a client that lives in a chroot are not ours to know. */
static bool has_other_root(int pid)
{
	char root[PATH_MAX];

	return !uvf_paths_read_proc(pid, "root", root) || strcmp(root, "/");
}

void uvf_paths_resolve(struct uvf_paths *paths, int pid, int dirfd,
		       const char *path, bool follow,
		       struct uvf_place *ret_place)
{
	struct walk walk = {
		.paths = paths,
		.place = ret_place,
		.pid = pid,
		.follow = follow,
	};

	ret_place->is_ours = false;
	ret_place->error = 0;
	ret_place->is_last = false;
	ret_place->is_closed = false;
	ret_place->node = NULL;
	ret_place->path[0] = '\0';
	if (!path[0] || is_elsewhere(paths, path) || has_other_root(pid))
		return;
	if (path[0] != '/' && !start(&walk, dirfd))
		return;
	memcpy(walk.rest, path, strlen(path) + 1);
	ret_place->error = walk_rest(&walk);
	if (ret_place->error > 0) {
		/* The kernel knows what this is. */
		ret_place->error = 0;
		ret_place->is_ours = false;
		ret_place->node = NULL;
	}
	if (!ret_place->path[0])
		memcpy(ret_place->path, "/", sizeof("/"));
}

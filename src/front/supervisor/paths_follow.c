/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The private directory follows the machine: names come and go when they do
 * in the tree, and a file is filled when it is opened for reading.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "front/supervisor/paths_private.h"

#define FILL_NAME "fill" /* beside sys and dev */

static bool is_same(const struct uvf_view_node *a,
		    const struct uvf_view_node *b)
{
	return a && b && a->kind == b->kind && a->mode == b->mode &&
	       (a->kind != UVF_VIEW_LINK || !strcmp(a->data, b->data));
}

/* Children come after their parents, so the last goes first. */
static void remove_old(struct uvf_paths *paths, const struct uvf_view_tree *old,
		       const struct uvf_view_tree *new)
{
	for (size_t i = old->count; i-- > 0;) {
		const struct uvf_view_node *node = old->sorted[i];

		if (is_same(node, uvf_view_tree_find(new, node->path)))
			continue;
		(void)unlinkat(paths->dirfd, node->path,
			       node->kind == UVF_VIEW_DIR ? AT_REMOVEDIR : 0);
	}
}

static int make_new(struct uvf_paths *paths, const struct uvf_view_tree *old,
		    const struct uvf_view_tree *new)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < new->count; i++) {
		const struct uvf_view_node *node = new->sorted[i];

		if (!*node->path ||
		    (old && is_same(node, uvf_view_tree_find(old, node->path))))
			continue;
		ret = uvf_view_tree_make(paths->dirfd, node);
		if (ret == -EEXIST)
			ret = 0;
	}
	return ret;
}

int uvf_paths_follow(struct uvf_paths *paths)
{
	struct uvf_view_tree *tree;
	int ret = 0;

	pthread_rwlock_wrlock(&paths->present);
	/* Asked here: who waited for the lock would bring back the past. */
	tree = uvf_view_names_get(paths->names);
	if (tree == paths->tree)
		goto out;
	if (paths->tree)
		remove_old(paths, paths->tree, tree);
	ret = make_new(paths, paths->tree, tree);
	uvf_view_tree_put(paths->tree);
	paths->tree = uvf_view_tree_get(tree);
	if (!ret)
		ret = uvf_paths_find_unions(paths);
out:
	pthread_rwlock_unlock(&paths->present);
	uvf_view_tree_put(tree);
	return ret;
}

/* Whether the file holds just this. */
static bool has_content(const struct uvf_paths *paths, const char *path,
			const char *data, size_t size)
{
	char *present = uvf_zalloc(size + 1);
	bool is_equal = false;
	int fd;

	fd = openat(paths->dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (present && fd >= 0)
		is_equal = read(fd, present, size + 1) == (ssize_t)size &&
			   !memcmp(present, data, size);
	if (fd >= 0)
		close(fd);
	uvf_free(present);
	return is_equal;
}

/* Those who have it open keep what they opened. */
static int replace(const struct uvf_paths *paths,
		   const struct uvf_view_node *node, const char *data,
		   size_t size)
{
	struct uvf_view_rights rights;
	bool is_written;
	int fd;

	fd = openat(paths->dirfd, FILL_NAME,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	uvf_view_names_rights(paths->names, node, &rights);
	is_written = write(fd, data, size) == (ssize_t)size &&
		     !fchmod(fd, rights.mode);
	if (rights.uid != geteuid() || rights.gid != getegid())
		is_written = is_written && !fchown(fd, rights.uid, rights.gid);
	close(fd);
	if (!is_written)
		return -ENOSPC;
	return renameat(paths->dirfd, FILL_NAME, paths->dirfd, node->path)
		       ? -errno
		       : 0;
}

int uvf_paths_fill(struct uvf_paths *paths, const struct uvf_view_node *node)
{
	char *data = uvf_zalloc(UVF_VIEW_FILE_MAX);
	ssize_t size = -ENOMEM;
	int ret = 0;

	if (data)
		size = uvf_view_names_read(paths->names, node->path, data,
					   UVF_VIEW_FILE_MAX, 0);
	if (size >= 0) {
		uvf_lock(&paths->fill_lock);
		if (!has_content(paths, node->path, data, (size_t)size))
			ret = replace(paths, node, data, (size_t)size);
		uvf_unlock(&paths->fill_lock);
	}
	uvf_free(data);
	return size < 0 ? (int)size : ret;
}

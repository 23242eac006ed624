/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Directories that show names of the host and of ours.  A client lists one
 * by a descriptor of our copy, into which an empty file of the same kind is
 * put for each name of the host; what it then opens by that name is resolved
 * to the host's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "front/supervisor/paths_private.h"

bool uvf_paths_is_union(const struct uvf_paths *paths,
			const struct uvf_view_node *node)
{
	for (size_t i = 0; i < paths->union_count; i++)
		if (paths->unions[i] == node)
			return true;
	return false;
}

static int add_union(struct uvf_paths *paths, const struct uvf_view_node *node)
{
	if (!node || uvf_paths_is_union(paths, node))
		return 0;
	if (paths->union_count == UVF_PATHS_UNIONS)
		return -E2BIG;
	paths->unions[paths->union_count++] = node;
	return 0;
}

/* Whether the host has a name here that is hidden and not ours. */
static bool has_hidden_entry(const struct uvf_paths *paths, const char *path)
{
	char real[PATH_MAX];
	struct dirent *entry;
	bool is_found = false;
	DIR *dir;

	snprintf(real, sizeof(real), "/%s", path);
	dir = opendir(real);
	if (!dir)
		return false;
	while (!is_found && (entry = readdir(dir))) {
		if (snprintf(real, sizeof(real), "%s/%s", path,
			     entry->d_name) >= (int)sizeof(real))
			continue;
		is_found = uvf_view_is_hidden(real) &&
			   !uvf_view_tree_find(paths->tree, real);
	}
	closedir(dir);
	return is_found;
}

int uvf_paths_find_unions(struct uvf_paths *paths)
{
	const struct uvf_view_tree *tree = paths->tree;
	int ret = 0;

	paths->union_count = 0;
	for (size_t i = 0; !ret && i < tree->count; i++) {
		const struct uvf_view_node *node = &tree->nodes[i];
		const char *slash = strrchr(node->path, '/');
		size_t length = slash ? (size_t)(slash - node->path) : 0;
		char real[PATH_MAX];
		struct stat st;

		if (uvf_view_is_merged(node->path, strlen(node->path)) &&
		    has_hidden_entry(paths, node->path))
			ret = add_union(paths, node);
		if (ret || !slash || !uvf_view_is_merged(node->path, length))
			continue;
		snprintf(real, sizeof(real), "/%s", node->path);
		if (lstat(real, &st))
			ret = add_union(
				paths, uvf_view_tree_find_part(tree, node->path,
							       length));
	}
	return ret;
}

static void add_name(int to, int from, const struct dirent *entry)
{
	char target[PATH_MAX];
	ssize_t length;

	switch (entry->d_type) {
	case DT_DIR:
		(void)mkdirat(to, entry->d_name, 0755);
		break;
	case DT_LNK:
		length = readlinkat(from, entry->d_name, target,
				    sizeof(target) - 1);
		if (length < 0)
			break;
		target[length] = '\0';
		if (symlinkat(target, to, entry->d_name))
			break;
		break;
	case DT_CHR:
		(void)mknodat(to, entry->d_name, S_IFCHR, 0);
		break;
	case DT_SOCK:
		(void)mknodat(to, entry->d_name, S_IFSOCK, 0);
		break;
	case DT_FIFO:
		(void)mknodat(to, entry->d_name, S_IFIFO, 0);
		break;
	default:
		(void)mknodat(to, entry->d_name, S_IFREG, 0);
		break;
	}
}

/* Names that the host no longer has. */
static void remove_stale(const struct uvf_paths *paths, int to, int from,
			 const char *path)
{
	int fd = dup(to);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char name[PATH_MAX];
	struct stat st;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(dir);
	while ((entry = readdir(dir))) {
		if (snprintf(name, sizeof(name), "%s/%s", path,
			     entry->d_name) >= (int)sizeof(name) ||
		    uvf_view_tree_find(paths->tree, name) ||
		    !fstatat(from, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		(void)unlinkat(to, entry->d_name,
			       entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	}
	closedir(dir);
}

void uvf_paths_refresh_union(struct uvf_paths *paths,
			     const struct uvf_view_node *node)
{
	char path[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	DIR *dir;
	int to;

	snprintf(path, sizeof(path), "/%s", node->path);
	dir = opendir(path);
	if (!dir)
		return;
	to = openat(paths->dirfd, node->path,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (to >= 0 && (entry = readdir(dir))) {
		if (snprintf(path, sizeof(path), "%s/%s", node->path,
			     entry->d_name) >= (int)sizeof(path) ||
		    !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, "..") || uvf_view_is_hidden(path) ||
		    uvf_view_tree_find(paths->tree, path) ||
		    !fstatat(to, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		add_name(to, dirfd(dir), entry);
	}
	if (to >= 0) {
		remove_stale(paths, to, dirfd(dir), node->path);
		close(to);
	}
	closedir(dir);
}

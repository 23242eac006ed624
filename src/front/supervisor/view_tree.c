/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/view_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "fs/devfs.h"
#include "fs/sysfs.h"

bool uvf_view_is_merged(const char *path, size_t length)
{
	static const char *const merged[] = {
		"",
		"dev",
		"sys",
		"sys/bus",
		"sys/class",
		"sys/class/misc",
		"sys/devices",
		"sys/devices/virtual",
		"sys/devices/virtual/misc",
		"sys/kernel",
		"sys/module",
	};

	for (size_t i = 0; i < sizeof(merged) / sizeof(merged[0]); i++)
		if (strlen(merged[i]) == length &&
		    !memcmp(merged[i], path, length))
			return true;
	return false;
}

bool uvf_view_is_hidden(const char *path)
{
	static const char *const hidden[] = {
		"dev/iommu",
		"dev/vfio",
		"sys/bus/pci",
		"sys/class/vfio",
		"sys/class/misc/vfio",
		"sys/class/vfio-dev",
		"sys/devices/virtual/misc/vfio",
		"sys/devices/virtual/vfio",
		"sys/kernel/iommu_groups",
	};

	if (!strncmp(path, "sys/devices/pci", 15) ||
	    !strncmp(path, "sys/module/vfio", 15))
		return true;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (!strcmp(path, hidden[i]))
			return true;
	return false;
}

/* A new last node with a copy of path and data, or NULL. */
static struct uvf_view_node *append(struct uvf_view_tree *tree, const char *top,
				    const char *path, const void *data,
				    size_t size)
{
	size_t path_size = strlen(top) + strlen(path) + 2;
	struct uvf_view_node *node;

	if (tree->count == tree->capacity) {
		size_t capacity = tree->capacity ? 2 * tree->capacity : 256;

		node = uvf_realloc(tree->nodes, capacity * sizeof(*node));
		if (!node)
			return NULL;
		tree->nodes = node;
		tree->capacity = capacity;
	}
	node = &tree->nodes[tree->count];
	memset(node, 0, sizeof(*node));
	node->path = uvf_zalloc(path_size);
	node->data = uvf_zalloc(size + 1);
	if (!node->path || !node->data) {
		uvf_free(node->path);
		uvf_free(node->data);
		return NULL;
	}
	snprintf(node->path, path_size, "%s%s%s", top, *path ? "/" : "", path);
	if (size)
		memcpy(node->data, data, size);
	node->size = size;
	tree->count++;
	return node;
}

static int append_dir(struct uvf_view_tree *tree, const char *top,
		      const char *path)
{
	struct uvf_view_node *node = append(tree, top, path, NULL, 0);

	if (!node)
		return -ENOMEM;
	node->kind = UVF_VIEW_DIR;
	node->mode = 0755;
	return 0;
}

static int sink_dir(void *arg, const char *path)
{
	return append_dir(arg, "sys", path);
}

static int sink_file(void *arg, const char *path, mode_t mode,
		     const void *content, size_t size)
{
	struct uvf_view_node *node = append(arg, "sys", path, content, size);

	if (!node)
		return -ENOMEM;
	node->kind = UVF_VIEW_FILE;
	node->mode = mode;
	return 0;
}

static int sink_link(void *arg, const char *path, const char *target)
{
	struct uvf_view_node *node =
		append(arg, "sys", path, target, strlen(target));

	if (!node)
		return -ENOMEM;
	node->kind = UVF_VIEW_LINK;
	node->mode = 0777;
	return 0;
}

/* Whether there is a directory of this path below dev. */
static bool is_known(const struct uvf_view_tree *tree, const char *path)
{
	for (size_t i = tree->dev_first; i < tree->count; i++)
		if (tree->nodes[i].kind == UVF_VIEW_DIR &&
		    !strcmp(tree->nodes[i].path + sizeof("dev"), path))
			return true;
	return false;
}

static int sink_dev(void *arg, const char *path, mode_t mode)
{
	struct uvf_view_tree *tree = arg;
	struct uvf_view_node *node;
	char dir[256];

	for (const char *at = path; (at = strchr(at, '/')); at++) {
		int ret;

		snprintf(dir, sizeof(dir), "%.*s", (int)(at - path), path);
		if (is_known(tree, dir))
			continue;
		ret = append_dir(tree, "dev", dir);
		if (ret)
			return ret;
	}
	node = append(tree, "dev", path, NULL, 0);
	if (!node)
		return -ENOMEM;
	node->kind = UVF_VIEW_CHAR;
	node->mode = mode & 07777;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct uvf_view_node *const *first = a, *const *second = b;

	return strcmp((*first)->path, (*second)->path);
}

static int sort(struct uvf_view_tree *tree)
{
	tree->sorted = uvf_calloc(tree->count, sizeof(struct uvf_view_node *));
	if (!tree->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < tree->count; i++)
		tree->sorted[i] = &tree->nodes[i];
	qsort(tree->sorted, tree->count, sizeof(struct uvf_view_node *),
	      by_path);
	return 0;
}

static struct uvf_view_node *find(const struct uvf_view_tree *tree,
				  const char *path, size_t length)
{
	size_t low = 0, high = tree->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct uvf_view_node *node = tree->sorted[middle];
		int order = strncmp(path, node->path, length);

		if (!order && !node->path[length])
			return node;
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* As devtmpfs does, take the number of a node from its uevent. */
static void number_node(struct uvf_view_tree *tree, const char *uevent)
{
	char path[256] = "dev/";
	unsigned int major, minor;
	struct uvf_view_node *node;

	if (sscanf(uevent, "MAJOR=%u\nMINOR=%u\nDEVNAME=%250s", &major, &minor,
		   path + strlen("dev/")) != 3)
		return;
	node = find(tree, path, strlen(path));
	if (node && node->kind == UVF_VIEW_CHAR)
		node->rdev = makedev(major, minor);
}

int uvf_view_tree_create(struct uvf_view_tree **ret_tree, struct uvf_vfio *vfio)
{
	struct uvf_view_tree *tree = uvf_zalloc(sizeof(*tree));
	struct uvf_sysfs_sink sink = {
		.dir = sink_dir,
		.file = sink_file,
		.link = sink_link,
		.arg = tree,
	};
	int ret;

	if (!tree)
		return -ENOMEM;
	ret = append_dir(tree, "sys", "");
	if (!ret)
		ret = uvf_sysfs_walk(vfio, &sink);
	if (!ret)
		ret = append_dir(tree, "dev", "");
	tree->dev_first = tree->count;
	if (!ret)
		ret = uvf_devfs_walk(vfio, sink_dev, tree);
	if (!ret)
		ret = sort(tree);
	if (ret) {
		uvf_view_tree_destroy(tree);
		return ret;
	}
	for (size_t i = 0; i < tree->count; i++)
		if (tree->nodes[i].size > 6 &&
		    !strncmp(tree->nodes[i].data, "MAJOR=", 6))
			number_node(tree, tree->nodes[i].data);
	*ret_tree = tree;
	return 0;
}

void uvf_view_tree_destroy(struct uvf_view_tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; i < tree->count; i++) {
		uvf_free(tree->nodes[i].path);
		uvf_free(tree->nodes[i].data);
	}
	uvf_free(tree->nodes);
	uvf_free(tree->sorted);
	uvf_free(tree);
}

const struct uvf_view_node *
uvf_view_tree_find_part(const struct uvf_view_tree *tree, const char *path,
			size_t length)
{
	return find(tree, path, length);
}

const struct uvf_view_node *uvf_view_tree_find(const struct uvf_view_tree *tree,
					       const char *path)
{
	return find(tree, path, strlen(path));
}

static int write_file(int dirfd, const struct uvf_view_node *node)
{
	int fd = openat(dirfd, node->path,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, node->mode);
	ssize_t done;

	if (fd < 0)
		return -errno;
	done = node->size ? write(fd, node->data, node->size) : 0;
	close(fd);
	return done == (ssize_t)node->size ? 0 : -ENOSPC;
}

static int write_node(int dirfd, const struct uvf_view_node *node,
		      bool real_rdev)
{
	int ret = 0;

	switch (node->kind) {
	case UVF_VIEW_DIR:
		ret = mkdirat(dirfd, node->path, node->mode);
		break;
	case UVF_VIEW_FILE:
		return write_file(dirfd, node);
	case UVF_VIEW_LINK:
		ret = symlinkat(node->data, dirfd, node->path);
		break;
	case UVF_VIEW_CHAR:
		ret = mknodat(dirfd, node->path, S_IFCHR | node->mode,
			      real_rdev ? node->rdev : 0);
		if (ret && real_rdev && errno == EPERM)
			ret = mknodat(dirfd, node->path, S_IFCHR | node->mode,
				      0);
		break;
	}
	return ret ? -errno : 0;
}

int uvf_view_tree_write(const struct uvf_view_tree *tree, int dirfd,
			const char *top, bool real_rdev)
{
	size_t length = strlen(top);

	for (size_t i = 0; i < tree->count; i++) {
		const struct uvf_view_node *node = &tree->nodes[i];
		int ret;

		/* The top itself may be there, as a mount point. */
		if (strncmp(node->path, top, length) ||
		    node->path[length] != '/')
			continue;
		ret = write_node(dirfd, node, real_rdev);
		if (ret)
			return ret;
	}
	return 0;
}

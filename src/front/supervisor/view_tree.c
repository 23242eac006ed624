/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/view_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "fs/devfs.h"
#include "fs/sysfs.h"

#define TEXT_SIZE 4096 /* bytes of a file of text, as sysfs tells it */

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

bool uvf_view_is_placed(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && uvf_view_is_merged(path, (size_t)(slash - path)) &&
	       !uvf_view_is_merged(path, strlen(path));
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

bool uvf_view_node_is_image(const struct uvf_view_node *node)
{
	const char *slash = strrchr(node->path, '/');

	return slash && !strcmp(slash, "/config");
}

/* sysfs gives a page to what is text. */
size_t uvf_view_node_size(const struct uvf_view_node *node)
{
	switch (node->kind) {
	case UVF_VIEW_FILE:
		return uvf_view_node_is_image(node) ? node->size : TEXT_SIZE;
	case UVF_VIEW_LINK:
		return node->size;
	default:
		return 0;
	}
}

uint64_t uvf_view_tree_ino(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

	if (!*path)
		return UVF_VIEW_ROOT_INO;
	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3u;
	hash = (hash ^ hash >> UVF_VIEW_INO_BITS) & UVF_VIEW_INO_MASK;
	return hash > UVF_VIEW_ROOT_INO ? hash : hash + 2;
}

static int by_path(const void *a, const void *b)
{
	const struct uvf_view_node *const *first = a, *const *second = b;

	return strcmp((*first)->path, (*second)->path);
}

static int by_ino(const void *a, const void *b)
{
	const struct uvf_view_node *const *first = a, *const *second = b;

	return ((*first)->ino > (*second)->ino) -
	       ((*first)->ino < (*second)->ino);
}

static int sort(struct uvf_view_tree *tree)
{
	size_t size = sizeof(struct uvf_view_node *);

	tree->sorted = uvf_calloc(tree->count, size);
	tree->by_ino = uvf_calloc(tree->count, size);
	if (!tree->sorted || !tree->by_ino)
		return -ENOMEM;
	for (size_t i = 0; i < tree->count; i++) {
		struct uvf_view_node *node = &tree->nodes[i];

		node->ino = uvf_view_tree_ino(node->path);
		tree->sorted[i] = node;
		tree->by_ino[i] = node;
	}
	qsort(tree->sorted, tree->count, size, by_path);
	qsort(tree->by_ino, tree->count, size, by_ino);
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

static void count_dirs(struct uvf_view_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		const char *path = tree->nodes[i].path;
		const char *slash = strrchr(path, '/');
		struct uvf_view_node *parent;

		if (tree->nodes[i].kind != UVF_VIEW_DIR || !*path)
			continue;
		parent = find(tree, path, slash ? (size_t)(slash - path) : 0);
		if (parent)
			parent->dirs++;
	}
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
	uvf_ref_init(&tree->ref);
	ret = append_dir(tree, "", "");
	if (!ret)
		ret = append_dir(tree, "sys", "");
	if (!ret)
		ret = uvf_sysfs_walk(vfio, &sink);
	if (!ret)
		ret = append_dir(tree, "dev", "");
	tree->dev_first = tree->count;
	/* Also without a node in it: the view has to put it somewhere. */
	if (!ret)
		ret = append_dir(tree, "dev", "vfio");
	if (!ret)
		ret = uvf_devfs_walk(vfio, sink_dev, tree);
	if (!ret)
		ret = sort(tree);
	if (ret) {
		uvf_view_tree_put(tree);
		return ret;
	}
	count_dirs(tree);
	for (size_t i = 0; i < tree->count; i++)
		if (tree->nodes[i].size > 6 &&
		    !strncmp(tree->nodes[i].data, "MAJOR=", 6))
			number_node(tree, tree->nodes[i].data);
	*ret_tree = tree;
	return 0;
}

struct uvf_view_tree *uvf_view_tree_get(struct uvf_view_tree *tree)
{
	uvf_ref_get(&tree->ref);
	return tree;
}

void uvf_view_tree_put(struct uvf_view_tree *tree)
{
	if (!tree || !uvf_ref_put(&tree->ref))
		return;
	for (size_t i = 0; i < tree->count; i++) {
		uvf_free(tree->nodes[i].path);
		uvf_free(tree->nodes[i].data);
	}
	uvf_free(tree->nodes);
	uvf_free(tree->sorted);
	uvf_free(tree->by_ino);
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

const struct uvf_view_node *
uvf_view_tree_find_ino(const struct uvf_view_tree *tree, uint64_t ino)
{
	size_t low = 0, high = tree->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tree->by_ino[middle]->ino == ino)
			return tree->by_ino[middle];
		if (tree->by_ino[middle]->ino < ino)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The index of the first path that is not before this one. */
static size_t lower_bound(const struct uvf_view_tree *tree, const char *path)
{
	size_t low = 0, high = tree->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(tree->sorted[middle]->path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct uvf_view_node *uvf_view_tree_next(const struct uvf_view_tree *tree,
					       const struct uvf_view_node *dir,
					       size_t *index)
{
	size_t length = strlen(dir->path), skip = length ? length + 1 : 0;
	char prefix[PATH_MAX];

	snprintf(prefix, sizeof(prefix), "%s%s", dir->path, length ? "/" : "");
	if (!*index)
		*index = lower_bound(tree, prefix);
	for (; *index < tree->count; (*index)++) {
		const struct uvf_view_node *node = tree->sorted[*index];

		if (strncmp(node->path, prefix, skip) != 0)
			return NULL;
		if (node->path[skip] && !strchr(node->path + skip, '/'))
			return node;
	}
	return NULL;
}

int uvf_view_tree_make(int dirfd, const struct uvf_view_node *node)
{
	int ret = -1;

	switch (node->kind) {
	case UVF_VIEW_DIR:
		ret = mkdirat(dirfd, node->path, node->mode);
		break;
	case UVF_VIEW_FILE:
		ret = mknodat(dirfd, node->path, S_IFREG | node->mode, 0);
		break;
	case UVF_VIEW_LINK:
		ret = symlinkat(node->data, dirfd, node->path);
		break;
	case UVF_VIEW_CHAR:
		ret = mknodat(dirfd, node->path, S_IFCHR | node->mode, 0);
		break;
	}
	/* Not by umask(2), which other threads have too. */
	if (!ret && node->kind != UVF_VIEW_LINK)
		ret = fchmodat(dirfd, node->path, node->mode, 0);
	return ret ? -errno : 0;
}

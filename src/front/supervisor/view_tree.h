/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generated part of /sys and /dev in memory, told once by fs/ and then
 * looked up, or written to some file system.
 *
 * Paths are absolute without the leading slash: "sys/bus/pci", "dev/vfio".
 * Immutable after uvf_view_tree_create().
 */
#ifndef UVF_FRONT_SUPERVISOR_VIEW_TREE_H
#define UVF_FRONT_SUPERVISOR_VIEW_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct uvf_vfio;

struct uvf_view_node {
	enum uvf_view_kind {
		UVF_VIEW_DIR,
		UVF_VIEW_FILE,
		UVF_VIEW_LINK, /* data is the target, ends with NUL */
		UVF_VIEW_CHAR,
	} kind;
	mode_t mode; /* permission bits */
	dev_t rdev;  /* CHAR */
	char *path;  /* owned */
	char *data;  /* owned; FILE and LINK */
	size_t size; /* of data in bytes, without a NUL */
};

struct uvf_view_tree {
	struct uvf_view_node *nodes; /* parents first */
	size_t count;
	size_t capacity;
	size_t dev_first; /* from this node on they are below dev */
	struct uvf_view_node **sorted; /* by path */
};

/**
 * uvf_view_tree_create() - ask fs/ for all that is to be shown
 * Return: 0, -ENOMEM, or -ENAMETOOLONG.
 */
int uvf_view_tree_create(struct uvf_view_tree **ret_tree,
			 struct uvf_vfio *vfio);
void uvf_view_tree_destroy(struct uvf_view_tree *tree); /* takes NULL */

/* The node of this path, or NULL. */
const struct uvf_view_node *uvf_view_tree_find(const struct uvf_view_tree *tree,
					       const char *path);

/* As above, of the first length bytes of path. */
const struct uvf_view_node *
uvf_view_tree_find_part(const struct uvf_view_tree *tree, const char *path,
			size_t length);

/**
 * uvf_view_tree_write() - make files of the nodes below a directory
 * @dirfd:     where to
 * @top:       "sys" or "dev"; its nodes land below @dirfd/@top
 * @real_rdev: device nodes get their number when this user may do that;
 *             else, and otherwise, 0:0, which anyone may make and nobody
 *             can open
 * Context: umask is 0.
 * Return: 0 or a negative errno.
 */
int uvf_view_tree_write(const struct uvf_view_tree *tree, int dirfd,
			const char *top, bool real_rdev);

/*
 * Whether a directory shows the host's entries beside generated ones; all
 * other generated directories show generated entries alone.
 */
bool uvf_view_is_merged(const char *path, size_t length);

/*
 * Whether an entry of the host in a merged directory must not be seen:
 * its PCI devices, and its own VFIO.
 */
bool uvf_view_is_hidden(const char *path);

#endif /* UVF_FRONT_SUPERVISOR_VIEW_TREE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generated part of /sys and /dev in memory, as it is at one moment: told
 * by fs/ and then looked up, or written to some file system.
 *
 * Paths are absolute without the leading slash: "sys/bus/pci", "dev/vfio".
 * Immutable after uvf_view_tree_create().
 */
#ifndef UVF_FRONT_SUPERVISOR_VIEW_TREE_H
#define UVF_FRONT_SUPERVISOR_VIEW_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/ref.h"

struct uvf_vfio;

/* The inode number of "", the directory of sys and dev. */
#define UVF_VIEW_ROOT_INO 1

/* What inode numbers have room in; the bits above are the front's. */
#define UVF_VIEW_INO_BITS 48
#define UVF_VIEW_INO_MASK ((UINT64_C(1) << UVF_VIEW_INO_BITS) - 1)

struct uvf_view_node {
	enum uvf_view_kind {
		UVF_VIEW_DIR,
		UVF_VIEW_FILE,
		UVF_VIEW_LINK, /* data is the target, ends with NUL */
		UVF_VIEW_CHAR,
	} kind;
	mode_t mode;       /* permission bits */
	dev_t rdev;        /* CHAR */
	char *path;        /* owned */
	char *data;        /* owned; FILE and LINK */
	size_t size;       /* of data in bytes, without a NUL */
	uint64_t ino;      /* made of the path: the same in every tree */
	unsigned int dirs; /* directories directly below */
};

struct uvf_view_tree {
	struct uvf_ref ref;
	struct uvf_view_node *nodes; /* parents first */
	size_t count;
	size_t capacity;
	size_t dev_first; /* from this node on they are below dev */
	struct uvf_view_node **sorted; /* by path */
	struct uvf_view_node **by_ino;
};

/**
 * uvf_view_tree_create() - ask fs/ for all that is to be shown
 * @ret_tree: on success with one reference
 * Return: 0, -ENOMEM, or -ENAMETOOLONG.
 */
int uvf_view_tree_create(struct uvf_view_tree **ret_tree,
			 struct uvf_vfio *vfio);
struct uvf_view_tree *uvf_view_tree_get(struct uvf_view_tree *tree);
void uvf_view_tree_put(struct uvf_view_tree *tree); /* takes NULL */

/* Whether a file is an image of registers, and no text. */
bool uvf_view_node_is_image(const struct uvf_view_node *node);

/* What stat(2) says is the size of a node. */
size_t uvf_view_node_size(const struct uvf_view_node *node);

/* The inode number of a path, whether it exists or not. */
uint64_t uvf_view_tree_ino(const char *path);

/* The node of this inode number, or NULL. */
const struct uvf_view_node *
uvf_view_tree_find_ino(const struct uvf_view_tree *tree, uint64_t ino);

/*
 * The first entry of a directory at or after an index of tree->sorted, or
 * NULL; *index becomes that of the entry.  0 starts.
 */
const struct uvf_view_node *uvf_view_tree_next(const struct uvf_view_tree *tree,
					       const struct uvf_view_node *dir,
					       size_t *index);

/* The node of this path, or NULL. */
const struct uvf_view_node *uvf_view_tree_find(const struct uvf_view_tree *tree,
					       const char *path);

/* As above, of the first length bytes of path. */
const struct uvf_view_node *
uvf_view_tree_find_part(const struct uvf_view_tree *tree, const char *path,
			size_t length);

/**
 * uvf_view_tree_make() - make a file of one node
 * @dirfd: where to; its directories are there already
 *
 * A regular file is empty; a device node is 0:0, which anyone may make and
 * nobody can open.
 *
 * Return: 0 or a negative errno.
 */
int uvf_view_tree_make(int dirfd, const struct uvf_view_node *node);

/*
 * Whether a directory shows the host's entries beside generated ones; all
 * other generated directories show generated entries alone.
 */
bool uvf_view_is_merged(const char *path, size_t length);

/*
 * Whether a node stands beside the host's entries of its directory, and is
 * not merged with them itself.
 */
bool uvf_view_is_placed(const char *path);

/*
 * Whether an entry of the host in a merged directory must not be seen:
 * its PCI devices, and its own VFIO.
 */
bool uvf_view_is_hidden(const char *path);

#endif /* UVF_FRONT_SUPERVISOR_VIEW_TREE_H */

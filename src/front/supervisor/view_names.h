/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The names of the machine as they are now, for both views: the present
 * tree, and what programs changed about its files by chmod(2) and chown(2).
 */
#ifndef UVF_FRONT_SUPERVISOR_VIEW_NAMES_H
#define UVF_FRONT_SUPERVISOR_VIEW_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stat;
struct uvf_vfio;
struct uvf_view_names;
struct uvf_view_node;
struct uvf_view_tree;

/* Who may do what with a file. */
struct uvf_view_rights {
	mode_t mode; /* permission bits */
	uid_t uid;
	gid_t gid;
};

/**
 * uvf_view_names_create() - and the first tree
 * Return: 0, -ENOMEM, or -ENAMETOOLONG.
 */
int uvf_view_names_create(struct uvf_view_names **ret_names,
			  struct uvf_vfio *vfio);
void uvf_view_names_destroy(struct uvf_view_names *names); /* takes NULL */

/* Whose names they are. */
struct uvf_vfio *uvf_view_names_vfio(const struct uvf_view_names *names);

/**
 * uvf_view_names_get() - the present tree
 * Without memory for a new one, the former.
 * Return: with a reference, for uvf_view_tree_put().
 */
struct uvf_view_tree *uvf_view_names_get(struct uvf_view_names *names);

/* A node below /dev that a path leads to. */
struct uvf_view_hit {
	char node[64]; /* relative to /dev: "vfio/3" */
	struct uvf_view_rights rights;
};

/* Of a node of a tree of ours below /dev. */
void uvf_view_names_hit(struct uvf_view_names *names,
			const struct uvf_view_node *node,
			struct uvf_view_hit *ret_hit);

/* By an inode number of ours: one that is there, or was.  False: none. */
bool uvf_view_names_find_node(struct uvf_view_names *names, uint64_t ino,
			      struct uvf_view_hit *ret_hit);

/*
 * By what mknod(2) made elsewhere: the number of a node that is there, or was.
 * False: none.
 */
bool uvf_view_names_find_number(struct uvf_view_names *names,
				const struct stat *st,
				struct uvf_view_hit *ret_hit);

/* The rights of a node of a tree of ours. */
void uvf_view_names_rights(struct uvf_view_names *names,
			   const struct uvf_view_node *node,
			   struct uvf_view_rights *ret_rights);

/**
 * uvf_view_names_set_rights() - until the name goes
 * Return: 0 or -ENOMEM.
 */
int uvf_view_names_set_rights(struct uvf_view_names *names,
			      const struct uvf_view_node *node,
			      const struct uvf_view_rights *rights);

/**
 * uvf_view_names_read() - what a file of /sys holds now
 * @path: of a tree, "sys/..."
 * @pos:  bytes from its start
 * Return: bytes written to @buf, or a negative errno: -ENODEV, it is gone.
 */
ssize_t uvf_view_names_read(struct uvf_view_names *names, const char *path,
			    void *buf, size_t size, uint64_t pos);

/* Bytes that the largest file of /sys has. */
#define UVF_VIEW_FILE_MAX 8192

/**
 * uvf_view_may_open() - whether a file of /sys can be opened so
 * @flags: of open(2)
 *
 * Even root can open a file only for what it has a function for.
 *
 * Return: 0, -EACCES, -ENOTDIR, or -EEXIST.
 */
int uvf_view_may_open(const struct uvf_view_node *node, int flags);

#endif /* UVF_FRONT_SUPERVISOR_VIEW_NAMES_H */

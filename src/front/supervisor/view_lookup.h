/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resolving a path as the kernel would for another process.
 */
#ifndef UVF_FRONT_SUPERVISOR_VIEW_LOOKUP_H
#define UVF_FRONT_SUPERVISOR_VIEW_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_view_tree;

/* Where a walk finds our file system, which it does not enter. */
struct uvf_view_place {
	const struct uvf_view_tree *tree;
	dev_t dev;   /* its st_dev */
	int root_fd; /* O_PATH: the root directory of the view */
};

/* What a path leads to. */
struct uvf_view_found {
	bool is_ours; /* ino is valid, else fd; also where a walk failed */
	uint64_t ino; /* of the tree, or of one that was */
	int fd;       /* O_PATH, the caller's to close */
};

/**
 * uvf_view_lookup() - what a client's path leads to, following links
 * @pid:   the client's thread
 * @dirfd: of the client, or AT_FDCWD
 * @path:  as the client gave it
 *
 * Opening by O_PATH has no effect on what is opened.
 *
 * Return: 0, or a negative errno.
 */
int uvf_view_lookup(const struct uvf_view_place *place, int pid, int dirfd,
		    const char *path, struct uvf_view_found *ret_found);

/* The inode number of a descriptor of ours, without asking who serves it. */
int uvf_view_lookup_ino(int fd, uint64_t *ret_ino); /* 0 or -ENOENT */

#endif /* UVF_FRONT_SUPERVISOR_VIEW_LOOKUP_H */

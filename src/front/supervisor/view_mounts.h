/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mounts of a view, made inside a mount namespace of our own.
 */
#ifndef UVF_FRONT_SUPERVISOR_VIEW_MOUNTS_H
#define UVF_FRONT_SUPERVISOR_VIEW_MOUNTS_H

#include <stdbool.h>

struct uvf_view_tree;

struct uvf_view_mounts {
	const struct uvf_view_tree *tree;
	bool has_user_namespace;
	/* The FUSE file system wants to be served; 0 or a negative errno. */
	int (*serve)(void *arg, int fd);
	void *arg;
	char what[160]; /* the step that failed */
};

/**
 * uvf_view_mounts_make() - cover /sys and /dev
 * Context: umask is 0; the mounts of this namespace reach no other.
 * Return: 0, or a negative errno and the step in @mounts->what.
 */
int uvf_view_mounts_make(struct uvf_view_mounts *mounts);

#endif /* UVF_FRONT_SUPERVISOR_VIEW_MOUNTS_H */

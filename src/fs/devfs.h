/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The nodes below /dev that the machine has.
 */
#ifndef UVF_FS_DEVFS_H
#define UVF_FS_DEVFS_H

#include <sys/types.h>

struct uvf_caller;
struct uvf_caller;
struct uvf_file;
struct uvf_vfio;

/* One node; the path is relative to /dev, e.g. "vfio/vfio". */
typedef int uvf_devfs_node_fn(void *arg, const char *path, mode_t mode);

/* Calls fn for each node; stops at and returns its first non-zero result. */
int uvf_devfs_walk(struct uvf_vfio *vfio, uvf_devfs_node_fn *fn, void *arg);

/**
 * uvf_devfs_open() - open a node
 * @caller: whose rights count
 * @path:   relative to /dev
 * Return: 0 and a file with one reference, -ENOENT, or what the object says.
 */
int uvf_devfs_open(struct uvf_vfio *vfio, const struct uvf_caller *caller,
		   const char *path, struct uvf_file **ret_file);

/**
 * uvf_devfs_open_past() - open a node that was there, by its number
 * The name may be gone by now, which the number cannot tell.
 * Return: as uvf_devfs_open(), or what a stale number says.
 */
int uvf_devfs_open_past(struct uvf_vfio *vfio, const struct uvf_caller *caller,
			const char *path, struct uvf_file **ret_file);

#endif /* UVF_FS_DEVFS_H */

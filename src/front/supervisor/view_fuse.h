/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The present tree as a FUSE file system, with sys and dev in its root.
 *
 * One thread serves it.  It never waits for a client: reads take no time, and
 * writes go to uvf_view_writes.
 */
#ifndef UVF_FRONT_SUPERVISOR_VIEW_FUSE_H
#define UVF_FRONT_SUPERVISOR_VIEW_FUSE_H

struct uvf_view_fuse;
struct uvf_view_names;
struct uvf_view_writes;

/**
 * uvf_view_fuse_mount() - mount it; in the child that builds a namespace
 * @dev:  the directory that is the host's /dev
 * @path: a directory
 * Return: the descriptor to be served, or a negative errno.
 */
int uvf_view_fuse_mount(int dev, const char *path);

/**
 * uvf_view_fuse_start() - serve it from now on
 * @fd: of uvf_view_fuse_mount(), taken over, also on failure
 * Return: 0, or -ENOMEM, -EIO, -EAGAIN no thread.
 */
int uvf_view_fuse_start(struct uvf_view_fuse **ret_fuse, int fd,
			struct uvf_view_names *names,
			struct uvf_view_writes *writes);

/* What still asks gets ENOTCONN; before uvf_view_writes_destroy().  Takes NULL.
 */
void uvf_view_fuse_stop(struct uvf_view_fuse *fuse);

/* Frees it; after uvf_view_writes_destroy().  Takes NULL. */
void uvf_view_fuse_destroy(struct uvf_view_fuse *fuse);

#endif /* UVF_FRONT_SUPERVISOR_VIEW_FUSE_H */

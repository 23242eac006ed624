/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread that serves a FUSE file system.
 */
#ifndef UVF_FRONT_SUPERVISOR_FUSE_THREAD_H
#define UVF_FRONT_SUPERVISOR_FUSE_THREAD_H

#include <stddef.h>

struct fuse_lowlevel_ops;
struct uvf_fuse_thread;

/**
 * uvf_fuse_thread_start() - serve a mount from now on
 * @fd:   of /dev/fuse, taken over, also on failure
 * @name: of the thread, up to 15 letters
 * @size: of @ops
 * @arg:  what the requests bring along
 * Return: 0, or -ENOMEM, -EIO, -EAGAIN no thread.
 */
int uvf_fuse_thread_start(struct uvf_fuse_thread **ret_thread, int fd,
			  const char *name, const struct fuse_lowlevel_ops *ops,
			  size_t size, void *arg);

/* What still asks gets ENOTCONN once it is destroyed.  Both take NULL. */
void uvf_fuse_thread_end(struct uvf_fuse_thread *thread);
void uvf_fuse_thread_destroy(struct uvf_fuse_thread *thread);

#endif /* UVF_FRONT_SUPERVISOR_FUSE_THREAD_H */

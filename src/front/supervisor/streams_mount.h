/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef UVF_FRONT_SUPERVISOR_STREAMS_MOUNT_H
#define UVF_FRONT_SUPERVISOR_STREAMS_MOUNT_H

/**
 * uvf_streams_mount() - a FUSE file system that no namespace shows
 * @ret_fuse_fd: written on success: to be served
 * @ret_root_fd: written on success: its root, which keeps it, O_PATH
 * Return: 0, or a negative errno: namespaces or FUSE are refused.
 */
int uvf_streams_mount(int *ret_fuse_fd, int *ret_root_fd);

#endif /* UVF_FRONT_SUPERVISOR_STREAMS_MOUNT_H */

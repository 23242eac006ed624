/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resolving a path as the kernel would for another process.
 */
#ifndef UVF_FRONT_SUPERVISOR_VIEW_LOOKUP_H
#define UVF_FRONT_SUPERVISOR_VIEW_LOOKUP_H

/**
 * uvf_view_lookup() - open what a client's path leads to, following links
 * @pid:   the client's thread
 * @dirfd: of the client, or AT_FDCWD
 * @path:  as the client gave it
 *
 * Opening by O_PATH has no effect on what is opened.
 *
 * Return: an O_PATH descriptor of ours, or a negative errno.
 */
int uvf_view_lookup(int pid, int dirfd, const char *path);

#endif /* UVF_FRONT_SUPERVISOR_VIEW_LOOKUP_H */

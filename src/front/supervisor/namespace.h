/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mount namespace of its own for the calling process, a child of ours.
 */
#ifndef UVF_FRONT_SUPERVISOR_NAMESPACE_H
#define UVF_FRONT_SUPERVISOR_NAMESPACE_H

#include <stdbool.h>

/**
 * uvf_namespace_unshare() - leave the mounts of the host
 * @ret_has_user: written on success: it took a user namespace, too
 * @ret_step:     written on failure: what could not be done
 *
 * What is mounted from now on reaches no other namespace.
 *
 * Context: a process with one thread.
 * Return: 0 or a negative errno.
 */
int uvf_namespace_unshare(bool *ret_has_user, const char **ret_step);

#endif /* UVF_FRONT_SUPERVISOR_NAMESPACE_H */

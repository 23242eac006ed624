/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Passing a descriptor to another process of ours, beside a few bytes.
 */
#ifndef UVF_FRONT_SUPERVISOR_PASS_H
#define UVF_FRONT_SUPERVISOR_PASS_H

#include <stddef.h>

/* fd may be -1: none.  Return: 0 or a negative errno. */
int uvf_pass_send(int channel, const void *data, size_t size, int fd);

/**
 * uvf_pass_receive() - what one uvf_pass_send() sent
 * @ret_fd: on success close-on-exec, or -1
 * Return: 0, or -EPIPE: not just @size bytes came.
 */
int uvf_pass_receive(int channel, void *data, size_t size, int *ret_fd);

#endif /* UVF_FRONT_SUPERVISOR_PASS_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which system calls of a client come to the supervisor: a seccomp program.
 */
#ifndef UVF_FRONT_SUPERVISOR_FILTER_H
#define UVF_FRONT_SUPERVISOR_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct sock_filter;

/* More than any configuration needs. */
#define UVF_FILTER_MAX 384

struct uvf_filter {
	const int *path_calls; /* numbers to trap as well, ends with -1 */
	bool traps_eventfd;    /* pidfd_getfd() is refused */
	bool has_host_kvm;     /* the host's kernel answers most of /dev/kvm */
	bool traps_write;      /* small ones may be to files of /sys */
};

/**
 * uvf_filter_build() - the program as the kernel takes it
 * @code: room for UVF_FILTER_MAX instructions
 * Return: how many were written, or -E2BIG.
 */
int uvf_filter_build(const struct uvf_filter *filter, struct sock_filter *code);

/**
 * uvf_filter_install() - put this process under the filter, for good
 *
 * Keeps set-user-ID programs working where the process has the right to;
 * else it takes that ability away, as the kernel demands.
 *
 * Return: the listener, close-on-exec, or
 *   -EBUSY   a listener exists: already under uvfio, or another agent
 *   -ENOSYS  this kernel has no user notification
 *   -E2BIG   too many calls to trap
 *   or what seccomp(2) says, -EPERM or -EACCES for instance
 */
int uvf_filter_install(const struct uvf_filter *filter);

#endif /* UVF_FRONT_SUPERVISOR_FILTER_H */

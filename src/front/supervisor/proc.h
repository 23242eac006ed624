/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What /proc/TID/status and its neighbours tell of a client's thread.
 */
#ifndef UVF_FRONT_SUPERVISOR_PROC_H
#define UVF_FRONT_SUPERVISOR_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_view_rights;

/**
 * uvf_proc_signals() - the signals that a thread will take
 * @ret_pending: bit N - 1 is signal N; blocked ones are not in it
 * Return: 0, or -ESRCH.
 */
int uvf_proc_signals(pid_t tid, uint64_t *ret_pending);

/* The name of a thread; empty when it is gone. */
void uvf_proc_comm(pid_t tid, char ret_comm[16]);

/**
 * uvf_proc_may_open() - whether a thread may open a file with these rights
 * @flags: of open(2): the access mode counts
 * Return: 0, or -EACCES.
 */
int uvf_proc_may_open(pid_t tid, const struct uvf_view_rights *rights,
		      int flags);

/**
 * uvf_proc_each_descendant() - the processes that came from this one
 * @fn: called for each
 *
 * Who looks at a descriptor of a process by /proc holds the file for that
 * moment, and a close that falls into it comes late.  So nobody looks at
 * processes of others.
 */
void uvf_proc_each_descendant(void (*fn)(void *arg, pid_t pid), void *arg);

/* Whether a thread has our user id in the file system, or is root. */
bool uvf_proc_is_owner(pid_t tid);

#endif /* UVF_FRONT_SUPERVISOR_PROC_H */

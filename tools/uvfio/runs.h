/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The runs of this system that can be controlled.
 */
#ifndef UVFIO_TOOL_RUNS_H
#define UVFIO_TOOL_RUNS_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

struct control_socket {
	pid_t pid; /* of the supervisor */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
};

/**
 * find_runs() - the control sockets of this user's runs
 * @pid:       of one run, which for root may be any user's; 0: all
 * @ret_count: how many there are, *ret_runs being freed by the caller
 * Return: 0, or -1 after a message.
 */
int find_runs(pid_t pid, struct control_socket **ret_runs, size_t *ret_count);

#endif /* UVFIO_TOOL_RUNS_H */

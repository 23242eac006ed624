/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the supervisor to the first instruction of the program: fork the
 * janitor, let it fork the child, and in the child enter the view, install
 * the filter, hand over the listener, restore what was changed, exec().
 */
#ifndef UVF_FRONT_SUPERVISOR_RUN_H
#define UVF_FRONT_SUPERVISOR_RUN_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "front/supervisor/signals.h"

struct uvf_view;

/* As a shell has them. */
#define UVF_RUN_NOT_FOUND      127
#define UVF_RUN_NOT_EXECUTABLE 126

struct uvf_run_child {
	char *const *argv;
	struct uvf_view *view;
	const struct uvf_signals *signals;
	struct rlimit nofile;
	bool traps_eventfd;
	bool has_host_kvm;
	const char *control_path; /* NULL: there is no control socket */

	/* Of this file. */
	int parent_end;
	int child_end;
	int channel; /* the janitor's end */
};

/* Why there is no program, in the child's words. */
struct uvf_run_failure {
	enum {
		UVF_RUN_VIEW,
		UVF_RUN_FILTER,
		UVF_RUN_EXEC
	} step;
	int ret;        /* negative errno */
	char text[256]; /* VIEW only */
};

/**
 * uvf_run_fork() - start the janitor and the child
 * @ret_janitor: on success its process, to be waited for
 * @ret_channel: on success our end of its channel
 * Return: 0 or a negative errno.
 */
int uvf_run_fork(struct uvf_run_child *child, pid_t *ret_janitor,
		 int *ret_channel);

/**
 * uvf_run_wait_listener() - until the child is under the filter
 * @ret_fd:      on success the listener
 * @ret_failure: written on failure
 * Return: 0 or a negative errno.
 */
int uvf_run_wait_listener(struct uvf_run_child *child, int *ret_fd,
			  struct uvf_run_failure *ret_failure);

/**
 * uvf_run_wait_exec() - until the program runs
 * Return: 0, or a negative errno with @ret_failure written.
 */
int uvf_run_wait_exec(struct uvf_run_child *child,
		      struct uvf_run_failure *ret_failure);

/* Closes what is left. */
void uvf_run_child_fini(struct uvf_run_child *child);

#endif /* UVF_FRONT_SUPERVISOR_RUN_H */

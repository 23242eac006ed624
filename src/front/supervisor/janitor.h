/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The janitor: a small process between the supervisor and the program.  All
 * that the program starts becomes a descendant of the janitor, so that the
 * death of the supervisor, by SIGKILL too, ends them all and leaves nothing
 * in the file system.
 */
#ifndef UVF_FRONT_SUPERVISOR_JANITOR_H
#define UVF_FRONT_SUPERVISOR_JANITOR_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* What the janitor tells, one datagram each. */
struct uvf_janitor_event {
	enum {
		UVF_JANITOR_STARTED, /* pid of the program */
		UVF_JANITOR_STOPPED, /* it was stopped, from the terminal */
		UVF_JANITOR_ENDED,   /* its status, as of waitpid(2) */
	} kind;
	pid_t pid;
	int status;
};

/**
 * uvf_janitor_main() - be the janitor; in a process of its own
 * @channel: connected to the supervisor; its end means that it is dead
 * @trash:   files and directories to remove then; ends with NULL
 * @child:   starts the program; called in a child of the janitor and does
 *           not return
 * @arg:     of child
 */
void uvf_janitor_main(int channel, const char *const trash[],
		      void (*child)(void *arg), void *arg)
	__attribute__((noreturn));

/**
 * uvf_janitor_kill_all() - end all descendants of this process, for good
 * Returns when none is left.
 */
void uvf_janitor_kill_all(void);

#endif /* UVF_FRONT_SUPERVISOR_JANITOR_H */

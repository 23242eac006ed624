/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The signals of the run itself: what the terminal and the user send, and
 * how the program finds them.
 */
#ifndef UVF_FRONT_SUPERVISOR_SIGNALS_H
#define UVF_FRONT_SUPERVISOR_SIGNALS_H

#include <signal.h>

#define UVF_SIGNALS_MAX 16

/* As they were before the run. */
struct uvf_signals {
	sigset_t mask;
	struct sigaction actions[UVF_SIGNALS_MAX];
};

/**
 * uvf_signals_take() - the terminal's signals are for the program alone
 * SIGTERM and SIGHUP are blocked, to be read from the descriptor and passed
 * on to the program.
 * Return: a signalfd for them, or a negative errno.
 */
int uvf_signals_take(struct uvf_signals *signals);

/* The janitor: deaf to all that can be ignored. */
void uvf_signals_ignore(void);

/* As before; also for the program, between fork() and exec(). */
void uvf_signals_restore(const struct uvf_signals *signals);

#endif /* UVF_FRONT_SUPERVISOR_SIGNALS_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * On whose behalf something waits: the thread of a client whose call may
 * block for long, such as a write to a driver's unbind file.
 */
#ifndef UVF_BASE_TASK_H
#define UVF_BASE_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/lock.h"

struct uvf_task {
	char comm[16]; /* as in /proc/PID/comm; for messages */
	pid_t pid;
	atomic_bool is_interrupted; /* a signal came; stays set */

	struct uvf_mutex lock; /* protects what follows */
	void (*wake)(void *arg);
	void *wake_arg;
};

void uvf_task_init(struct uvf_task *task, const char *comm, pid_t pid);
void uvf_task_fini(struct uvf_task *task);

/**
 * uvf_task_on_interrupt() - say what wakes the waiter
 * @task: NULL: nobody can interrupt
 * @wake: called once by a later uvf_task_interrupt(), or now when one came
 *        before; NULL: nobody waits any more, and none runs after return
 *
 * Context: the caller holds no lock that @wake takes.
 */
void uvf_task_on_interrupt(struct uvf_task *task, void (*wake)(void *arg),
			   void *arg);

/* A signal came to the task; any thread. */
void uvf_task_interrupt(struct uvf_task *task);

/* Whether one came; takes NULL. */
bool uvf_task_is_interrupted(struct uvf_task *task);

#endif /* UVF_BASE_TASK_H */

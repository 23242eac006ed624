/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/task.h"

#include <stddef.h>
#include <stdio.h>

void uvf_task_init(struct uvf_task *task, const char *comm, pid_t pid)
{
	(void)snprintf(task->comm, sizeof(task->comm), "%s", comm);
	task->pid = pid;
	atomic_init(&task->is_interrupted, false);
	uvf_mutex_init(&task->lock);
	task->wake = NULL;
	task->wake_arg = NULL;
}

void uvf_task_fini(struct uvf_task *task)
{
	uvf_mutex_fini(&task->lock);
}

void uvf_task_on_interrupt(struct uvf_task *task, void (*wake)(void *arg),
			   void *arg)
{
	if (!task)
		return;
	uvf_lock(&task->lock);
	task->wake = wake;
	task->wake_arg = arg;
	if (wake && atomic_load(&task->is_interrupted))
		wake(arg);
	uvf_unlock(&task->lock);
}

void uvf_task_interrupt(struct uvf_task *task)
{
	uvf_lock(&task->lock);
	if (!atomic_exchange(&task->is_interrupted, true) && task->wake)
		task->wake(task->wake_arg);
	uvf_unlock(&task->lock);
}

bool uvf_task_is_interrupted(struct uvf_task *task)
{
	return task && atomic_load(&task->is_interrupted);
}

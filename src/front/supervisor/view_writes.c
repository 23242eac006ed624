/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/view_writes.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/task.h"
#include "front/supervisor/proc.h"
#include "fs/sysfs.h"

#define WRITES_MAX   512
#define STACK_SIZE   (256U << 10) /* bytes */
#define WATCH_PERIOD 20000000     /* nanoseconds between two looks */

/* One write; its thread frees it. */
struct job {
	struct uvf_view_writes *writes;
	struct uvf_list node;
	struct uvf_task task;
	pid_t tid;
	bool is_answered; /* with is_told protected by writes->lock */
	bool is_told;     /* of a signal; one counts */
	uvf_view_write_done_fn *done;
	void *arg;
	char path[256];
	uint64_t pos;
	size_t size;
	char data[];
};

struct uvf_view_writes {
	struct uvf_vfio *vfio;

	pthread_mutex_t lock; /* protects what follows */
	pthread_cond_t changed;
	struct uvf_list jobs;
	unsigned int count;
	bool has_watcher;
	bool is_stopping;
	pthread_t watcher;
};

int uvf_view_writes_create(struct uvf_view_writes **ret_writes,
			   struct uvf_vfio *vfio)
{
	struct uvf_view_writes *writes = uvf_zalloc(sizeof(*writes));
	pthread_condattr_t attr;

	if (!writes)
		return -ENOMEM;
	writes->vfio = vfio;
	pthread_mutex_init(&writes->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&writes->changed, &attr);
	pthread_condattr_destroy(&attr);
	uvf_list_init(&writes->jobs);
	*ret_writes = writes;
	return 0;
}

/* Under the lock: the watcher answers the same job. */
static void answer(struct job *job, ssize_t result)
{
	if (job->is_answered)
		return;
	job->is_answered = true;
	job->done(job->arg, result);
}

static void *job_main(void *arg)
{
	struct job *job = arg;
	struct uvf_view_writes *writes = job->writes;
	ssize_t result;

	(void)pthread_setname_np(pthread_self(), "uvf-write");
	result = uvf_sysfs_write(writes->vfio, &job->task,
				 job->path + strlen("sys/"), job->data,
				 job->size, job->pos);
	/* It was there when it was opened. */
	if (result == -ENOENT)
		result = -ENODEV;
	pthread_mutex_lock(&writes->lock);
	answer(job, result);
	uvf_list_remove(&job->node);
	writes->count--;
	pthread_cond_broadcast(&writes->changed);
	uvf_task_fini(&job->task);
	uvf_free(job);
	/* The last that this thread touches: destroy() waits for count. */
	pthread_mutex_unlock(&writes->lock);
	return NULL;
}

/* A signal that the task will take is told; one that kills answers. */
static void look_at(struct job *job)
{
	uint64_t pending;

	if (job->is_answered)
		return;
	if (uvf_proc_signals(job->tid, &pending) ||
	    pending & (1ULL << (SIGKILL - 1)))
		answer(job, -EINTR);
	else if (!pending || job->is_told)
		return;
	job->is_told = true;
	uvf_task_interrupt(&job->task);
}

static void add_period(struct timespec *ts)
{
	clock_gettime(CLOCK_MONOTONIC, ts);
	ts->tv_nsec += WATCH_PERIOD;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_nsec -= 1000000000;
		ts->tv_sec++;
	}
}

static void *watcher_main(void *arg)
{
	struct uvf_view_writes *writes = arg;
	struct timespec until;
	struct uvf_list *node;

	(void)pthread_setname_np(pthread_self(), "uvf-watcher");
	pthread_mutex_lock(&writes->lock);
	while (!writes->is_stopping) {
		if (!writes->count) {
			pthread_cond_wait(&writes->changed, &writes->lock);
			continue;
		}
		add_period(&until);
		while (writes->count && !writes->is_stopping &&
		       !pthread_cond_timedwait(&writes->changed, &writes->lock,
					       &until))
			continue;
		uvf_list_for_each (node, &writes->jobs)
			look_at(uvf_list_entry(node, struct job, node));
	}
	pthread_mutex_unlock(&writes->lock);
	return NULL;
}

/* Signals of the process are for other threads. */
static int create_thread(pthread_t *ret_thread, bool is_detached,
			 void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int ret;

	(void)sigfillset(&all);
	pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (is_detached)
		(void)pthread_attr_setdetachstate(&attr,
						  PTHREAD_CREATE_DETACHED);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = -pthread_create(ret_thread, &attr, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return ret;
}

static struct job *make_job(struct uvf_view_writes *writes, pid_t tid,
			    const char *path, const struct uvf_view_data *data)
{
	size_t size = data->size < UVF_VIEW_WRITE_MAX ? data->size
						      : UVF_VIEW_WRITE_MAX;
	struct job *job = uvf_zalloc(sizeof(*job) + size + 1);
	char comm[16];

	if (!job)
		return NULL;
	uvf_proc_comm(tid, comm);
	uvf_task_init(&job->task, comm, tid);
	job->writes = writes;
	job->tid = tid;
	snprintf(job->path, sizeof(job->path), "%s", path);
	memcpy(job->data, data->bytes, size);
	job->size = size;
	job->pos = data->pos;
	return job;
}

/* With the lock held. */
static int begin(struct uvf_view_writes *writes, struct job *job)
{
	pthread_t thread;
	int ret = 0;

	if (writes->count == WRITES_MAX)
		return -EAGAIN;
	if (!writes->has_watcher)
		ret = create_thread(&writes->watcher, false, watcher_main,
				    writes);
	if (ret)
		return ret;
	writes->has_watcher = true;
	uvf_list_append(&writes->jobs, &job->node);
	writes->count++;
	ret = create_thread(&thread, true, job_main, job);
	if (ret) {
		uvf_list_remove(&job->node);
		writes->count--;
		return ret;
	}
	pthread_cond_broadcast(&writes->changed);
	return 0;
}

int uvf_view_writes_start(struct uvf_view_writes *writes, pid_t tid,
			  const char *path, const struct uvf_view_data *data,
			  uvf_view_write_done_fn *done, void *arg)
{
	struct job *job = make_job(writes, tid, path, data);
	int ret;

	if (!job)
		return -ENOMEM;
	job->done = done;
	job->arg = arg;
	pthread_mutex_lock(&writes->lock);
	ret = begin(writes, job);
	pthread_mutex_unlock(&writes->lock);
	if (ret) {
		uvf_task_fini(&job->task);
		uvf_free(job);
	}
	return ret;
}

void uvf_view_writes_destroy(struct uvf_view_writes *writes)
{
	struct uvf_list *node;

	if (!writes)
		return;
	pthread_mutex_lock(&writes->lock);
	writes->is_stopping = true;
	uvf_list_for_each (node, &writes->jobs)
		uvf_task_interrupt(
			&uvf_list_entry(node, struct job, node)->task);
	pthread_cond_broadcast(&writes->changed);
	while (writes->count)
		pthread_cond_wait(&writes->changed, &writes->lock);
	pthread_mutex_unlock(&writes->lock);
	if (writes->has_watcher)
		pthread_join(writes->watcher, NULL);
	pthread_cond_destroy(&writes->changed);
	pthread_mutex_destroy(&writes->lock);
	uvf_free(writes);
}

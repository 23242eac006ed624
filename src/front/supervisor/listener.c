/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/lock.h"
#include "front/supervisor/client.h"
#include "front/supervisor/fds.h"
#include "front/supervisor/view.h"

/* Since Linux 6.6. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, uint64_t)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

#define THREADS_MIN   2
#define THREADS_MAX   16
#define STOP_PAUSE_US 50  /* threads take less to see it */
#define IDLE_PAUSE_US 500 /* nobody is left to call */
#define CALLS_MAX     512

struct uvf_listener {
	struct uvf_listener_params params;
	struct sigaction old_action; /* of SIGIO */
	atomic_bool is_stopping;
	atomic_uint running; /* threads that have not ended */
	atomic_uint idle;    /* threads that wait for the token */

	struct uvf_mutex token;

	struct uvf_mutex lock; /* protects what follows */
	pthread_t threads[THREADS_MAX];
	unsigned int thread_count;
};

static uvf_call_fn call_exec;

static uvf_call_fn *const calls[CALLS_MAX] = {
	[SYS_ioctl] = uvf_call_ioctl,
	[SYS_pread64] = uvf_call_pread,
	[SYS_pwrite64] = uvf_call_pread,
	[SYS_preadv] = uvf_call_preadv,
	[SYS_pwritev] = uvf_call_preadv,
	[SYS_preadv2] = uvf_call_preadv,
	[SYS_pwritev2] = uvf_call_preadv,
	[SYS_write] = uvf_call_write,
	[SYS_writev] = uvf_call_write,
	[SYS_statfs] = uvf_call_statfs,
	[SYS_fstatfs] = uvf_call_statfs,
	[SYS_mmap] = uvf_call_mmap,
	[SYS_fsync] = uvf_call_fsync,
	[SYS_fdatasync] = uvf_call_fsync,
	[SYS_ftruncate] = uvf_call_ftruncate,
	[SYS_fallocate] = uvf_call_fallocate,
	[SYS_open] = uvf_call_open,
	[SYS_openat] = uvf_call_open,
	[SYS_openat2] = uvf_call_open,
	[SYS_creat] = uvf_call_open,
	[SYS_socket] = uvf_call_socket,
	[SYS_eventfd] = uvf_call_eventfd,
	[SYS_eventfd2] = uvf_call_eventfd,
	[SYS_rt_sigaction] = uvf_call_sigaction,
	[SYS_rt_sigprocmask] = uvf_call_sigprocmask,
	[SYS_execve] = call_exec,
	[SYS_execveat] = call_exec,
};

void uvf_call_return(struct uvf_call *call, int64_t value)
{
	struct seccomp_notif_resp resp = {.id = call->id};

	if (value < 0 && value >= -4095)
		resp.error = (int32_t)value;
	else
		resp.val = value;
	/* It fails when the client was killed, which ends the call as well. */
	(void)uvf_client_answer(call->params->fd, &resp);
}

int uvf_call_continue(struct uvf_call *call)
{
	struct seccomp_notif_resp resp = {
		.id = call->id,
		.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
	};

	return uvf_client_answer(call->params->fd, &resp);
}

bool uvf_call_is_valid(const struct uvf_call *call)
{
	uint64_t id = call->id;

	return !ioctl(call->params->fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

static bool is_path_call(const struct uvf_call *call)
{
	const int *nr = uvf_view_path_calls();

	while (*nr >= 0 && *nr != call->nr)
		nr++;
	return *nr >= 0;
}

void uvf_call_pass(struct uvf_call *call)
{
	struct uvf_path_answer answer;
	int ret;

	if (uvf_view_mode(call->params->view) != UVF_VIEW_PATHS ||
	    !is_path_call(call)) {
		(void)uvf_call_continue(call);
		return;
	}
	uvf_view_path_call(call->params->view, call->tid, call->nr, call->args,
			   &answer);
	switch (answer.kind) {
	case UVF_PATH_RETURN:
		uvf_call_return(call, answer.value);
		return;
	case UVF_PATH_FD:
		ret = uvf_client_give(call->params->fd, call->id, answer.fd,
				      answer.cloexec ? O_CLOEXEC : 0, true);
		close(answer.fd);
		if (ret < 0)
			uvf_call_return(call, ret);
		return;
	case UVF_PATH_NODE:
		uvf_call_open_node(call, &answer.hit, answer.flags);
		return;
	case UVF_PATH_WRITE:
		uvf_call_open_sysfs(call, answer.path, answer.flags);
		return;
	default:
		(void)uvf_call_continue(call);
	}
}

/* The memory of the process may be another program's soon. */
static void call_exec(struct uvf_call *call)
{
	uvf_clients_exec(call->params->clients, call->tid);
	uvf_call_pass(call);
}

static void set_sigio(int how)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGIO);
	(void)pthread_sigmask(how, &set, NULL);
}

/*
 * Closes of VFIO files interrupt the thread that receives, so that it knows
 * of a close before it receives a later call.  A thread that works on a slow
 * call is not to be interrupted.
 */
static void take_token(struct uvf_listener *listener) UVF_NO_ANALYSIS;
static void drop_token(struct uvf_listener *listener) UVF_NO_ANALYSIS;

static void take_token(struct uvf_listener *listener)
{
	atomic_fetch_add(&listener->idle, 1);
	uvf_lock(&listener->token);
	atomic_fetch_sub(&listener->idle, 1);
	set_sigio(SIG_UNBLOCK);
	uvf_fds_own(listener->params.fds);
}

static void drop_token(struct uvf_listener *listener)
{
	set_sigio(SIG_BLOCK);
	uvf_unlock(&listener->token);
}

static int add_thread(struct uvf_listener *listener);

void uvf_call_give_token(struct uvf_call *call)
{
	if (!call->has_token)
		return;
	call->has_token = false;
	/* Without a thread the others wait for this call: slow, not wrong. */
	if (!atomic_load(&call->listener->idle))
		(void)add_thread(call->listener);
	drop_token(call->listener);
}

static void handle(struct uvf_listener *listener,
		   const struct seccomp_notif *request)
{
	uvf_call_fn *fn = NULL;
	struct uvf_call call = {
		.listener = listener,
		.params = &listener->params,
		.id = request->id,
		.tid = (pid_t)request->pid,
		.nr = request->data.nr,
		.ip = request->data.instruction_pointer,
		.args = (const uint64_t *)request->data.args,
		.has_token = true,
	};

	if (call.nr >= 0 && call.nr < CALLS_MAX)
		fn = calls[call.nr];
	if (fn)
		fn(&call);
	else
		uvf_call_pass(&call);
	if (!call.has_token)
		take_token(listener);
}

/* All processes under the filter have ended. */
static bool is_abandoned(const struct uvf_listener *listener)
{
	struct pollfd pfd = {.fd = listener->params.fd, .events = POLLIN};

	return poll(&pfd, 1, 0) == 1 && pfd.revents & POLLHUP;
}

static void *listener_main(void *arg)
{
	struct uvf_listener *listener = arg;
	struct seccomp_notif request;

	(void)pthread_setname_np(pthread_self(), "uvf-listener");
	take_token(listener);
	while (!atomic_load_explicit(&listener->is_stopping,
				     memory_order_relaxed)) {
		bool is_interrupted;

		memset(&request, 0, sizeof(request));
		uvf_fds_drain(listener->params.fds);
		if (ioctl(listener->params.fd, SECCOMP_IOCTL_NOTIF_RECV,
			  &request)) {
			/* EINTR by a close; ENOENT: the caller was killed. */
			is_interrupted = errno == EINTR;
			uvf_fds_drain(listener->params.fds);
			if (!is_interrupted && is_abandoned(listener))
				(void)usleep(IDLE_PAUSE_US);
			continue;
		}
		uvf_fds_drain(listener->params.fds);
		handle(listener, &request);
	}
	drop_token(listener);
	atomic_fetch_sub(&listener->running, 1);
	return NULL;
}

static int add_thread(struct uvf_listener *listener)
{
	sigset_t all;
	sigset_t old;
	int ret = -EAGAIN;

	(void)sigfillset(&all);
	uvf_lock(&listener->lock);
	if (listener->thread_count == THREADS_MAX)
		goto out;
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	atomic_fetch_add(&listener->running, 1);
	ret = -pthread_create(&listener->threads[listener->thread_count], NULL,
			      listener_main, listener);
	if (ret)
		atomic_fetch_sub(&listener->running, 1);
	else
		listener->thread_count++;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
out:
	uvf_unlock(&listener->lock);
	return ret;
}

/* A RECV cannot be cancelled, only interrupted: again until it is seen. */
static void stop_threads(struct uvf_listener *listener)
{
	atomic_store(&listener->is_stopping, true);
	while (atomic_load(&listener->running)) {
		for (unsigned int i = 0; i < listener->thread_count; i++)
			(void)pthread_kill(listener->threads[i], SIGIO);
		(void)usleep(STOP_PAUSE_US);
	}
	for (unsigned int i = 0; i < listener->thread_count; i++)
		(void)pthread_join(listener->threads[i], NULL);
}

void uvf_listener_stop(struct uvf_listener *listener)
{
	if (!listener)
		return;
	stop_threads(listener);
	(void)sigaction(SIGIO, &listener->old_action, NULL);
	uvf_mutex_fini(&listener->token);
	uvf_mutex_fini(&listener->lock);
	uvf_free(listener);
}

int uvf_listener_start(struct uvf_listener **ret_listener,
		       const struct uvf_listener_params *params)
{
	/* No SA_RESTART: RECV has to return. */
	struct sigaction action = {.sa_handler = uvf_fds_on_signal};
	struct uvf_listener *listener = uvf_zalloc(sizeof(*listener));
	int ret;

	if (!listener)
		return -ENOMEM;
	listener->params = *params;
	uvf_mutex_init(&listener->token);
	uvf_mutex_init(&listener->lock);
	(void)sigaction(SIGIO, &action, &listener->old_action);
	/* Linux 6.5 and older do without, at several times the cost. */
	(void)ioctl(params->fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		    SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	for (unsigned int i = 0; i < THREADS_MIN; i++) {
		ret = add_thread(listener);
		if (ret && !i) {
			uvf_listener_stop(listener);
			return ret;
		}
	}
	*ret_listener = listener;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receiving the system calls of clients, and answering them.
 *
 * One thread at a time receives: it holds the token.  It answers quick calls
 * itself, because a wake-up of a second thread costs as much as such a call.
 * Before work that may take long it gives the token away, so that one slow
 * call never keeps the others waiting.
 *
 * Lock order: the token, then any lock of the core.
 */
#ifndef UVF_FRONT_SUPERVISOR_LISTENER_H
#define UVF_FRONT_SUPERVISOR_LISTENER_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_file;
struct uvf_clients;
struct uvf_eventfds;
struct uvf_fds;
struct uvf_kvms;
struct uvf_listener;
struct uvf_mmio;
struct uvf_mmio_ops;
struct uvf_mmio_watch;
struct uvf_uevents;
struct uvf_vfio;
struct uvf_view;
struct uvf_view_hit;

/* What calls act on; all borrowed for the life of the listener. */
struct uvf_listener_params {
	int fd; /* of seccomp */
	struct uvf_vfio *vfio;
	struct uvf_view *view;
	struct uvf_fds *fds;
	struct uvf_clients *clients;
	struct uvf_uevents *uevents;
	struct uvf_eventfds *eventfds; /* NULL: pidfd_getfd() works */
	struct uvf_kvms *kvms;         /* NULL: /dev/kvm is not the host's */
	struct uvf_mmio *mmio;
	struct uvf_mmio_watch *watch; /* or NULL */
	bool may_trace;               /* ptrace() works on our descendants */
};

/**
 * uvf_listener_start() - answer calls from now on
 * Changes the process: SIGIO has a handler until uvf_listener_stop().
 * Return: 0, -ENOMEM or -EAGAIN no thread.
 */
int uvf_listener_start(struct uvf_listener **ret_listener,
		       const struct uvf_listener_params *params);

/* No client is left.  Takes NULL. */
void uvf_listener_stop(struct uvf_listener *listener);

/* One system call that waits for its answer. */
struct uvf_call {
	struct uvf_listener *listener;
	const struct uvf_listener_params *params;
	uint64_t id;
	pid_t tid;
	int nr;
	uint64_t ip;
	const uint64_t *args; /* six */
	bool has_token;
};

/* The answers; exactly one for each call. */
void uvf_call_return(struct uvf_call *call, int64_t value);
int uvf_call_continue(struct uvf_call *call); /* 0 or a negative errno */

/* The names of the view where they are answered, else the kernel's. */
void uvf_call_pass(struct uvf_call *call);

/* What follows may take long; no uvf_fds_lookup() any more. */
void uvf_call_give_token(struct uvf_call *call);

/* Whether the call waits still: its memory and its thread are the caller's. */
bool uvf_call_is_valid(const struct uvf_call *call);

/* A handler; it answers the call. */
typedef void uvf_call_fn(struct uvf_call *call);

/* listener_file.c: calls on descriptors. */
uvf_call_fn uvf_call_ioctl;
uvf_call_fn uvf_call_pread;
uvf_call_fn uvf_call_preadv;
uvf_call_fn uvf_call_mmap;
uvf_call_fn uvf_call_fsync;
uvf_call_fn uvf_call_ftruncate;
uvf_call_fn uvf_call_fallocate;

/* listener_sysfs.c: files of /sys. */
uvf_call_fn uvf_call_write;
uvf_call_fn uvf_call_statfs;

/* An open for writing of a file of /sys; it answers the call. */
void uvf_call_open_sysfs(struct uvf_call *call, const char *path, int flags);

/* A write to it, which may wait; it answers the call, maybe later. */
void uvf_call_write_sysfs(struct uvf_call *call, const char *path,
			  uint64_t addr, uint64_t size, uint64_t pos);

/* How faults reach files; front is the struct uvf_fds. */
extern const struct uvf_mmio_ops uvf_call_mmio_ops;

/* listener_open.c: calls that make descriptors. */
uvf_call_fn uvf_call_open;
uvf_call_fn uvf_call_eventfd;
uvf_call_fn uvf_call_socket;

/*
 * Answers the call with a descriptor of the file, whose reference it takes, or
 * with what hinders it.
 */
void uvf_call_return_file(struct uvf_call *call, struct uvf_file *file,
			  int flags);

/* An open of a node of the machine; it answers the call. */
void uvf_call_open_node(struct uvf_call *call, const struct uvf_view_hit *hit,
			int flags);

/* signals.c */
uvf_call_fn uvf_call_sigaction;
uvf_call_fn uvf_call_sigprocmask;

#endif /* UVF_FRONT_SUPERVISOR_LISTENER_H */

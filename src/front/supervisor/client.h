/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The processes of a run, and who makes a call.
 */
#ifndef UVF_FRONT_SUPERVISOR_CLIENT_H
#define UVF_FRONT_SUPERVISOR_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "mem/caller.h"

struct seccomp_notif_resp;
struct uvf_client_space;
struct uvf_clients;
struct uvf_eventfds;
struct uvf_fds;
struct uvf_mmio_space;

/*
 * One process.  A process that calls exec() gets a new memory, but stays
 * the same client.
 */
struct uvf_client {
	struct uvf_ref ref;
	struct uvf_list node; /* uvf_clients' table */
	pid_t pid;            /* thread group */
	int pidfd;
	bool has_rawio;          /* at the first call of the present program */
	bool has_sys_resource;   /* likewise */
	atomic_bool is_gone;     /* the process has ended */
	atomic_bool may_trace;   /* an injection was not refused yet */
	_Atomic(pid_t) exec_tid; /* thread that tries exec(), or 0 */

	struct uvf_mutex lock;          /* protects what follows */
	struct uvf_mm *mm;              /* of the present program */
	unsigned int exec_count;        /* counts tries of exec(), and more */
	unsigned int mm_exec;           /* exec_count when mm was taken */
	uint64_t agent;                 /* where the agent is, or 0 */
	unsigned int agent_exec;        /* exec_count when it was put there */
	struct uvf_client_space *space; /* of the present program, or NULL */
	unsigned int space_exec;        /* exec_count when it was taken */
};

/**
 * uvf_clients_create() - an empty table
 * Return: 0, -ENOMEM, or what epoll_create1(2) says.
 */
int uvf_clients_create(struct uvf_clients **ret_clients);
void uvf_clients_destroy(struct uvf_clients *clients); /* takes NULL */

/**
 * uvf_clients_lookup() - the process of a thread
 * @tid: waits in a notification
 * Return: the client with a reference, or NULL when the thread is gone or
 * memory ran out.
 */
struct uvf_client *uvf_clients_lookup(struct uvf_clients *clients, pid_t tid);
struct uvf_client *uvf_client_get(struct uvf_client *client);
void uvf_client_put(struct uvf_client *client); /* takes NULL */

/* Whether a thread that waits in a notification has CAP_SYS_RAWIO now. */
bool uvf_client_has_rawio(pid_t tid);

/* Readable when a process ended; then call uvf_clients_reap(). */
int uvf_clients_fd(const struct uvf_clients *clients);
void uvf_clients_reap(struct uvf_clients *clients);

/* A thread of the process is about to call exec(). */
void uvf_clients_exec(struct uvf_clients *clients, pid_t tid);

/**
 * uvf_client_settle() - a thread of the client makes a call
 * While one thread is about to call exec(), what others make us learn of the
 * memory is of the old program.  To be called before it is learned.
 */
void uvf_client_settle(struct uvf_client *client, pid_t tid);

/**
 * uvf_clients_agent_locked() - where the agent is in a client's memory
 * A child has what its parent had at fork().
 * Return: its address, or 0.
 */
uint64_t uvf_clients_agent_locked(struct uvf_clients *clients,
				  struct uvf_client *client)
	UVF_REQUIRES(client->lock);

/* It is there from now on. */
void uvf_clients_set_agent_locked(struct uvf_clients *clients,
				  struct uvf_client *client, uint64_t base)
	UVF_REQUIRES(client->lock);

/* A memory's mappings, for as long as somebody looks at them. */
struct uvf_client_space {
	struct uvf_ref ref;
	struct uvf_mmio_space *space;
};

/**
 * uvf_client_space_get() - the mappings of the present program
 * Return: with a reference, or NULL.
 */
struct uvf_client_space *uvf_client_space_get(struct uvf_client *client);
void uvf_client_space_put(struct uvf_client_space *space); /* takes NULL */

/* Who makes one call. */
struct uvf_client_caller {
	struct uvf_caller base;
	struct uvf_client *client; /* borrowed */
	struct uvf_fds *fds;
	struct uvf_eventfds *eventfds; /* NULL: pidfd_getfd() works */
	int listener;
	uint64_t id; /* of the notification */
	pid_t tid;
};

/**
 * uvf_client_caller_init() - who makes a call
 * @caller: client, fds, eventfds, listener, id and tid are set
 * The memory is borrowed from here to uvf_client_caller_fini().
 * Return: 0, or -ENOMEM or -ESRCH the memory is out of reach.
 */
int uvf_client_caller_init(struct uvf_client_caller *caller);
void uvf_client_caller_fini(struct uvf_client_caller *caller);

/**
 * uvf_client_read() - copy from the memory of a thread, without a client
 * Return: 0 or -EFAULT.
 */
int uvf_client_read(pid_t tid, uint64_t addr, void *buf, size_t len);

/**
 * uvf_client_write() - copy to it; pages it may not write are refused
 * Return: 0 or -EFAULT.
 */
int uvf_client_write(pid_t tid, uint64_t addr, const void *buf, size_t len);

/**
 * uvf_client_read_path() - the path argument of a system call
 * @path: PATH_MAX bytes
 * Return: 0, -EFAULT, or -ENAMETOOLONG.
 */
int uvf_client_read_path(pid_t tid, uint64_t addr, char *path);

/* Answer a notification; -ENOENT: the call is gone. */
int uvf_client_answer(int listener, const struct seccomp_notif_resp *resp);

/**
 * uvf_client_give() - put a descriptor of ours into the caller's table
 * @listener: of seccomp
 * @id:       of its notification
 * @flags:    O_CLOEXEC or 0
 * @answers:  the number is also the result of the call, which ends here
 *
 * Return: the number there, or -EMFILE, -ENFILE, -ENOMEM; -ENOENT: the
 * call is gone.
 */
int uvf_client_give(int listener, uint64_t id, int fd, int flags, bool answers);

#endif /* UVF_FRONT_SUPERVISOR_CLIENT_H */

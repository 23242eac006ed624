/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Putting the agent into a client, once per address space, and what the
 * supervisor then does in the client's name about SIGBUS.
 */
#ifndef UVF_FRONT_SUPERVISOR_INJECT_H
#define UVF_FRONT_SUPERVISOR_INJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_inject_params {
	pid_t pid; /* process of the thread */
	/*
	 * Put the mailbox's descriptor into the client (ADDFD), close-on-exec;
	 * its number there or a negative errno.  Called first.
	 */
	int (*fd_install)(void *context);
	/* Answer the notification with CONTINUE; 0 or a negative errno. */
	int (*answer)(void *context);
	void *context;

	/* Results, valid after success and after failure. */
	bool is_answered;  /* answer() was called */
	bool is_restarted; /* the client makes the system call again */
	int64_t result;    /* of the system call, when answered */
	uint64_t base;     /* of the agent; 0: none was put in */
};

/**
 * uvf_inject_agent() - put the agent into the client
 * @tid:    a thread that waits in a notification that was received
 * @params: see there
 *
 * Traces the thread for a moment, lets its system call run, and makes it do
 * some more before it returns to the program.  These are mmap, mprotect,
 * munmap, close, rt_sigaction: the filter must let them pass, see
 * front/agent/abi.h, for nobody answers a notification meanwhile.  Signals
 * stay pending in the client until the end.
 *
 * No other thread of the supervisor may wait for @tid or for any child by
 * wait(2) meanwhile, or it steals the stops: wait for exits by a pidfd.
 *
 * When the system call itself fails, the client is left alone and that is a
 * success with params->base 0.  When it restarts (kernels before 5.19), the
 * agent is there, and the same call arrives as a new notification.
 *
 * Return: 0, or a negative errno, with the client as it would be without us:
 *   -EPERM       it is traced already, or the system forbids tracing it
 *   -ESRCH       it died
 *   -EOPNOTSUPP  not a 64-bit system call
 *   -EEXIST      the agent is there already, params->base says where
 *   or what fd_install(), or a system call in the client, returned
 */
int uvf_inject_agent(pid_t tid, struct uvf_inject_params *params);

/* Whether the process has the agent at that address; false for base 0. */
bool uvf_inject_is_present(pid_t pid, uint64_t base);

/* Whether an instruction pointer, of a notification, lies in the agent. */
static inline bool uvf_inject_is_inside(uint64_t base, uint64_t rip)
{
	return base && rip - base < 4096;
}

/* What a front does with a system call that it was asked about. */
enum uvf_inject_verdict {
	UVF_INJECT_ANSWER,   /* with the value returned */
	UVF_INJECT_CONTINUE, /* the kernel shall do it */
};

/**
 * uvf_inject_sigaction() - rt_sigaction() of a process with the agent
 * @pid:         the process
 * @base:        of the agent in it
 * @signo:       first argument, SIGBUS or SIGSEGV
 * @act:         second argument, address of the new action or 0
 * @old:         third argument, address for the old action or 0
 * @size:        fourth argument
 * @ret_verdict: always written; CONTINUE for a child that borrows the memory
 *               of its parent (vfork), which has actions of its own
 *
 * The caller serialises calls for one process.
 *
 * Return: what the system call returns: 0, -EINVAL or -EFAULT.
 */
int uvf_inject_sigaction(pid_t pid, uint64_t base, uint64_t signo, uint64_t act,
			 uint64_t old, uint64_t size,
			 enum uvf_inject_verdict *ret_verdict);

/**
 * uvf_inject_has_handler() - whether a process handles SIGBUS itself
 * @pid:  the process
 * @base: of the agent in it
 *
 * Return: false for the default action, for SIG_IGN, and for memory that
 * cannot be read.
 */
bool uvf_inject_has_handler(pid_t pid, uint64_t base);

/**
 * uvf_inject_sigprocmask() - keep SIGBUS and SIGSEGV out of a mask about to
 * be set
 * @tid: the thread
 * @how: first argument of rt_sigprocmask
 * @set: second argument
 *
 * A blocked signal would let the kernel end the client at its first touch of
 * a device.  Changes the set in the client's memory; one that is read-only,
 * as the C libraries' own, stays.  The system call is to be continued.
 */
void uvf_inject_sigprocmask(pid_t tid, uint64_t how, uint64_t set);

#endif /* UVF_FRONT_SUPERVISOR_INJECT_H */

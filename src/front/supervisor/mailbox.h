/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The shared memory through which agents describe faults; one per run.
 */
#ifndef UVF_FRONT_SUPERVISOR_MAILBOX_H
#define UVF_FRONT_SUPERVISOR_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "front/agent/abi.h"

struct uvf_mailbox;

/**
 * uvf_mailbox_create() - a mailbox with all slots free
 * @ret_mailbox: written on success
 * Return: 0, -ENOMEM, or what memfd_create(), fcntl() or mmap() set.
 */
int uvf_mailbox_create(struct uvf_mailbox **ret_mailbox);
void uvf_mailbox_destroy(struct uvf_mailbox *mailbox);

/* Borrowed; for the injection to put into a client. */
int uvf_mailbox_fd(const struct uvf_mailbox *mailbox);

/**
 * uvf_mailbox_begin() - take in a fault
 * @tid:      thread whose notification it is
 * @index:    third argument of its system call
 * @addr:     fourth argument
 * @ret_copy: written on success; for the caller to read and to answer in
 *
 * The client can scribble over a slot at any time: the copy is taken once.
 *
 * Return: 0: it is to be served and then ended by uvf_mailbox_end();
 *   an enum uvf_agent_action: it was served before, this is the answer;
 *   -EINVAL: no such slot; -EFAULT: the thread's stack cannot be read.
 */
int uvf_mailbox_begin(struct uvf_mailbox *mailbox, pid_t tid, uint64_t index,
		      uint64_t addr, struct uvf_agent_slot *ret_copy);

/* Hand the answer over: registers, action and what belongs to it. */
void uvf_mailbox_end(struct uvf_mailbox *mailbox, pid_t tid, uint64_t index,
		     uint64_t addr, const struct uvf_agent_slot *copy);

/* Agents ring from now on, or they do not. */
void uvf_mailbox_listen(struct uvf_mailbox *mailbox, bool on);

/* Whether one rang for nothing since this was asked last. */
bool uvf_mailbox_take_missed(struct uvf_mailbox *mailbox);

/* A slot whose agent rang, once for each time; false: none did. */
bool uvf_mailbox_find_ring(struct uvf_mailbox *mailbox, uint32_t *ret_index);

/**
 * uvf_mailbox_begin_ring() - take in a fault that was not a call
 * @index: from uvf_mailbox_find_ring()
 * @ret_copy: written on success; who it is from, is only the client's word
 *
 * Return: 0: it is to be ended by uvf_mailbox_end(), or declined;
 *   -EBUSY, -EINVAL: it is not there any more.
 */
int uvf_mailbox_begin_ring(struct uvf_mailbox *mailbox, uint32_t index,
			   struct uvf_agent_slot *ret_copy);

/* It can be served as a call only. */
void uvf_mailbox_decline(struct uvf_mailbox *mailbox, uint32_t index);

/**
 * uvf_mailbox_reclaim() - free the slots of threads that are gone
 *
 * For a front to call now and then, or when a process ends; a thread that
 * finds no slot costs time, not correctness.
 */
void uvf_mailbox_reclaim(struct uvf_mailbox *mailbox);

#endif /* UVF_FRONT_SUPERVISOR_MAILBOX_H */

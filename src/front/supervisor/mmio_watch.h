/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread that looks at the mailbox while accesses of registers come thick
 * and fast: then a program need not put the supervisor to work by a system
 * call for each of them, which is most of what an access costs.
 *
 * It looks only after a burst, for as long as the burst goes on, and not for
 * a while after it has kept somebody waiting: then there are more threads
 * than processors.  It serves threads that came by a call before, as the
 * processes that the kernel said they are.
 */
#ifndef UVF_FRONT_SUPERVISOR_MMIO_WATCH_H
#define UVF_FRONT_SUPERVISOR_MMIO_WATCH_H

#include <stdint.h>
#include <sys/types.h>

struct uvf_client;
struct uvf_mmio;
struct uvf_mmio_watch;

/**
 * uvf_mmio_watch_create() - one per run
 * @ret_watch: written on success; NULL where there is one processor only
 * @mmio:      outlives it
 * Return: 0, -ENOMEM or -EAGAIN no thread.
 */
int uvf_mmio_watch_create(struct uvf_mmio_watch **ret_watch,
			  struct uvf_mmio *mmio);
void uvf_mmio_watch_destroy(struct uvf_mmio_watch *watch); /* takes NULL */

/**
 * uvf_mmio_watch_note() - a fault came by a call, and was answered
 * @watch: NULL is allowed
 * @index: of the slot; any other number is ignored
 */
void uvf_mmio_watch_note(struct uvf_mmio_watch *watch, uint64_t index,
			 pid_t tid, struct uvf_client *client);

/* Let go of processes that have ended.  Takes NULL. */
void uvf_mmio_watch_reap(struct uvf_mmio_watch *watch);

#endif /* UVF_FRONT_SUPERVISOR_MMIO_WATCH_H */

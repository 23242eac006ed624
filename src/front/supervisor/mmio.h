/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens when a client touches a page of a device.
 */
#ifndef UVF_FRONT_SUPERVISOR_MMIO_H
#define UVF_FRONT_SUPERVISOR_MMIO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "front/supervisor/mailbox.h"
#include "front/supervisor/mmio_space.h"

struct uvf_file;
struct uvf_mmio_overlays;

struct uvf_mmio_ops {
	/* The file that was given to clients as this inode, with a reference,
	 * or NULL: none of ours. */
	struct uvf_file *(*file_lookup)(void *front, dev_t dev, ino_t inode);
	/*
	 * Put a copy of fd into the client, close-on-exec (ADDFD to the
	 * notification that call stands for).  Its number or a negative errno.
	 */
	int (*fd_install)(void *front, void *call, int fd);
	/* Whether the program has a handler for SIGBUS. */
	bool (*has_handler)(void *front, void *call);
};

struct uvf_mmio;

/**
 * uvf_mmio_create() - one per run
 * @ret_mmio: written on success
 * @ops:      kept
 * @front:    for @ops
 * Return: 0, -ENOMEM, or what uvf_mailbox_create() returns.
 */
int uvf_mmio_create(struct uvf_mmio **ret_mmio, const struct uvf_mmio_ops *ops,
		    void *front);
void uvf_mmio_destroy(struct uvf_mmio *mmio);

/* Borrowed. */
struct uvf_mailbox *uvf_mmio_mailbox(struct uvf_mmio *mmio);
struct uvf_mmio_overlays *uvf_mmio_overlays(struct uvf_mmio *mmio);

/**
 * uvf_mmio_fault() - the system call UVF_AGENT_FAULT
 * @space: of the caller's process
 * @tid:   the thread that called
 * @slot:  third argument of the call
 * @addr:  fourth argument of the call
 * @call:  for fd_install()
 *
 * Any number of threads may serve faults at a time, of one client too.
 *
 * Return: what the call returns, an enum uvf_agent_action.
 */
long uvf_mmio_fault(struct uvf_mmio *mmio, struct uvf_mmio_space *space,
		    pid_t tid, uint64_t slot, uint64_t addr, void *call);

/**
 * uvf_mmio_ring() - a fault whose agent rang
 * @space: of the process that the slot was last seen with; NULL: of none
 * @tid:   of the thread
 * @index: of the slot
 * Whatever needs a system call is left to one.
 */
void uvf_mmio_ring(struct uvf_mmio *mmio, struct uvf_mmio_space *space,
		   pid_t tid, uint32_t index);

#endif /* UVF_FRONT_SUPERVISOR_MMIO_H */

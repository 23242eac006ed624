/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stream where there can be no FUSE: a memfd that has what can be read, or
 * takes what is written, and is compared with the stream when the device's
 * state is asked about or changed.
 */
#ifndef UVF_FRONT_SUPERVISOR_SPOOL_H
#define UVF_FRONT_SUPERVISOR_SPOOL_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/lock.h"

struct uvf_file;
struct uvf_spool;

/* All there are.  The lock is above all of the core. */
struct uvf_spools {
	struct uvf_mutex lock; /* what is in them; protects: */
	struct uvf_list list;
	atomic_uint count; /* written under it */
};

void uvf_spools_init(struct uvf_spools *spools);
void uvf_spools_fini(struct uvf_spools *spools);

/* What clients wrote goes to the streams; what these have, to the clients. */
void uvf_spools_sync(struct uvf_spools *spools);

/**
 * uvf_spool_create() - a memfd with what a stream has now
 * @file:   borrowed, as long as the spool is there
 * @ret_fd: written on success: a descriptor of the memfd for the client,
 *          opened as the file says, close-on-exec
 * Return: 0, or -ENOMEM, -EMFILE, -ENFILE.
 */
int uvf_spool_create(struct uvf_spools *spools, struct uvf_spool **ret_spool,
		     struct uvf_file *file, int *ret_fd);

/* The client closed it: what it wrote is not lost.  Takes NULL. */
void uvf_spool_destroy(struct uvf_spool *spool);

#endif /* UVF_FRONT_SUPERVISOR_SPOOL_H */

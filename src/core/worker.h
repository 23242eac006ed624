/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device thread of a machine: runs timers, polls devices that were
 * kicked or want watching, sleeps otherwise.
 *
 * Lock order: worker->lock is a leaf; a device's lock is never taken while
 * it is held.
 */
#ifndef UVF_CORE_WORKER_H
#define UVF_CORE_WORKER_H

#include <stdbool.h>

struct uvf_worker;

/**
 * uvf_worker_create() - prepare the thread
 * @may_spin: a processor is free for it, so POLL pages may be watched
 * Return: 0 or -ENOMEM.
 */
int uvf_worker_create(struct uvf_worker **ret_worker, bool may_spin);

/**
 * uvf_worker_start() - start the thread, unless it runs
 * What was asked for before is done then.  The process may fork up to here.
 * Return: 0, or why there can be no thread, -EAGAIN for instance.
 */
int uvf_worker_start(struct uvf_worker *worker);

/* Ends the thread; its devices are gone already.  Takes NULL. */
void uvf_worker_destroy(struct uvf_worker *worker);

/* Whether stores to POLL pages are seen without a trap. */
bool uvf_worker_may_spin(const struct uvf_worker *worker);

#endif /* UVF_CORE_WORKER_H */

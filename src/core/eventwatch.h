/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Eventfds of clients that make something happen here: one thread waits for
 * all of them.  It exists as long as there is a watch.
 */
#ifndef UVF_CORE_EVENTWATCH_H
#define UVF_CORE_EVENTWATCH_H

#include <stdbool.h>

#include "base/lock.h"

struct uvf_caller;
struct uvf_eventwatch;

/* Runs on the thread of watches, with the watch's lock held. */
typedef void uvf_eventwatch_fn(void *opaque);

/**
 * uvf_eventwatch_create() - call a function each time an eventfd is signalled
 * @ret_watch: written on success, before any call
 * @fd:        our descriptor; on success owned by the watch
 * @lock:      held now, and around each call
 *
 * The counter is consumed by a call.  A counter that is not zero already
 * stays as it is, and counts as a signal: the caller asks for it with
 * @ret_is_signalled.
 *
 * Return: 0, -ENOMEM, or a negative errno of epoll or pthread_create().
 */
int uvf_eventwatch_create(struct uvf_eventwatch **ret_watch, int fd,
			  struct uvf_mutex *lock, uvf_eventwatch_fn *fn,
			  void *opaque, bool *ret_is_signalled)
	UVF_REQUIRES(*lock);

/**
 * uvf_eventwatch_attach() - the same in a place that has room for one
 * @slot:   NULL, or the watch that is there
 * @caller: whose descriptor @fd is
 * @ret_is_signalled: as above; written on success
 *
 * The descriptor is looked at before the place is found taken.  An eventfd
 * that its clients closed has left the place; where the client is our own
 * process, that cannot be known.
 *
 * Return: 0, or, in the order they are tested:
 *   -EBADF, -EINVAL  it is not open, or no eventfd
 *   -EBUSY   the place is taken
 *   or what uvf_eventwatch_create() says
 */
int uvf_eventwatch_attach(struct uvf_eventwatch **slot,
			  struct uvf_caller *caller, int fd,
			  struct uvf_mutex *lock, uvf_eventwatch_fn *fn,
			  void *opaque, bool *ret_is_signalled)
	UVF_REQUIRES(*lock);

/*
 * Make the call now for what was signalled and not seen yet, so that it comes
 * before what the client asks for next.  Context: the watch's lock is held.
 * Takes NULL.
 */
void uvf_eventwatch_flush(struct uvf_eventwatch *watch);

/*
 * No call is made afterwards.  Context: the watch's lock is held.  Takes
 * NULL.
 */
void uvf_eventwatch_destroy(struct uvf_eventwatch *watch);

/*
 * Wait until the thread has let go of the locks of destroyed watches.
 * Context: no such lock is held.
 */
void uvf_eventwatch_drain(void);

#endif /* UVF_CORE_EVENTWATCH_H */

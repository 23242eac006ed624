/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our own descriptors of the eventfds of clients.
 *
 * pidfd_getfd(2) fetches them.  Where it is refused, by Docker's profile for
 * instance, the clients' eventfd2() is answered with an eventfd made here, of
 * which a copy stays, and the number that fdinfo shows tells which it is.
 */
#ifndef UVF_FRONT_SUPERVISOR_EVENTFDS_H
#define UVF_FRONT_SUPERVISOR_EVENTFDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_eventfds;

/* Whether pidfd_getfd() works here, on our own process at least. */
bool uvf_eventfds_may_fetch(void);

/** uvf_eventfds_create() - an empty set of copies; 0 or -ENOMEM */
int uvf_eventfds_create(struct uvf_eventfds **ret_eventfds);
void uvf_eventfds_destroy(struct uvf_eventfds *eventfds); /* takes NULL */

/**
 * uvf_eventfds_make() - do the client's eventfd2()
 * The copy stays with us once the descriptor was handed out, that is after
 * uvf_eventfds_keep().
 * Return: a descriptor to hand out, or what eventfd2() says.
 */
int uvf_eventfds_make(unsigned int value, int flags);

/* It was handed out; -ENOMEM: it is closed and cannot trigger interrupts. */
int uvf_eventfds_keep(struct uvf_eventfds *eventfds, int fd);

/**
 * uvf_eventfds_lookup() - the eventfd behind a client's descriptor
 * @eventfds: NULL: fetch it
 * @pidfd:    of the client's process
 * @tid:      its thread
 * Return: a descriptor to be closed by the caller, -EBADF: not open, -EINVAL:
 * no eventfd, or -EMFILE.
 */
int uvf_eventfds_lookup(struct uvf_eventfds *eventfds, int pidfd, pid_t tid,
			int fd);

#endif /* UVF_FRONT_SUPERVISOR_EVENTFDS_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Eventfds that belong to somebody else too.
 */
#ifndef UVF_BASE_EVENTFD_H
#define UVF_BASE_EVENTFD_H

#include <stdbool.h>

/* Whether an open descriptor of this process is an eventfd. */
bool uvf_eventfd_is(int fd);

/* Adds 1; a counter at its maximum stays there.  Never blocks. */
void uvf_eventfd_signal(int fd);

#endif /* UVF_BASE_EVENTFD_H */

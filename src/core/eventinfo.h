/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What /proc tells about an eventfd that a client gave us.
 */
#ifndef UVF_CORE_EVENTINFO_H
#define UVF_CORE_EVENTINFO_H

#include <stdbool.h>
#include <stdint.h>

/* The counter, without consuming it; false when it cannot be seen. */
bool uvf_eventinfo_count(int fd, uint64_t *ret_count);

/*
 * Whether a process other than ours has it open; true in doubt.  Looks at
 * every process there is.
 */
bool uvf_eventinfo_is_held_elsewhere(int fd);

#endif /* UVF_CORE_EVENTINFO_H */

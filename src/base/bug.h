/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our own bugs.  Never for anything a client, a file or a peer can cause.
 */
#ifndef UVF_BASE_BUG_H
#define UVF_BASE_BUG_H

#include <stdbool.h>

/* Reports a bug; ends the process only in builds made for tests. */
void uvf_bug(const char *file, int line, const char *what);

/* True, and reported, when @cond holds. */
#define UVF_BUG_ON(cond)                                                       \
	((cond) ? (uvf_bug(__FILE__, __LINE__, #cond), true) : false)

#endif /* UVF_BASE_BUG_H */

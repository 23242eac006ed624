/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The agent's code as it is put into a client.
 */
#ifndef UVF_FRONT_AGENT_BLOB_H
#define UVF_FRONT_AGENT_BLOB_H

#include <stddef.h>

/* Begins with struct uvf_agent_head; aligned for it, at most one page. */
extern const unsigned char uvf_agent_blob[];
extern const size_t uvf_agent_blob_size; /* bytes */

#endif /* UVF_FRONT_AGENT_BLOB_H */

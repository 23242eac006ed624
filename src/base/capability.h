/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Capabilities of threads, as they are now.
 */
#ifndef UVF_BASE_CAPABILITY_H
#define UVF_BASE_CAPABILITY_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * uvf_capability_has() - whether a capability is in a thread's effective set
 * @tid:        thread, which may be another process's; 0: the calling one
 * @capability: CAP_*
 *
 * What it is good for is said by the thread's user namespace.
 *
 * Return: false also when there is no such thread.
 */
bool uvf_capability_has(pid_t tid, unsigned int capability);

#endif /* UVF_BASE_CAPABILITY_H */

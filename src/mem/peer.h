/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of another process.
 */
#ifndef UVF_MEM_PEER_H
#define UVF_MEM_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "mem/mem.h"

/**
 * uvf_peer_create() - the address space of another process
 * @ret_mm: written on success; the caller owns one reference
 * @pid:    thread-group id
 *
 * It stands for the program that runs there now: when the process executes
 * another one or dies, DMA to it faults, whoever has the number then.
 *
 * Return: 0, -ENOMEM, -ESRCH no such process, or what open() of its files
 * under /proc fails with.
 */
int uvf_peer_create(struct uvf_mm **ret_mm, pid_t pid);

/** uvf_peer_is_current() - whether the program runs still */
bool uvf_peer_is_current(struct uvf_mm *mm);

/*
 * Tell what answers for a byte of a file that may be one of our devices: 1
 * and whom to ask in *ret_io, by offsets in the file, or NULL for what can be
 * mapped but is not reached; 0 the file is none of ours; -EFAULT nothing
 * answers there now; -ENOMEM.
 */
typedef int uvf_peer_device_fn(dev_t dev, ino_t inode, uint64_t offset,
			       struct uvf_mem_io **ret_io);

/**
 * uvf_peer_set_device_memory() - tell which files are BARs of our devices
 * @lookup: NULL: none is
 * A file for which @lookup does not say 0 is never opened.
 * Context: before the first mapping.
 */
void uvf_peer_set_device_memory(uvf_peer_device_fn *lookup);

#endif /* UVF_MEM_PEER_H */

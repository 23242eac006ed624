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

/**
 * uvf_peer_set_device_memory() - tell which files are BARs of our devices
 * @probe: 1 when a byte of a file is one of a BAR that answers now, -EFAULT
 *         when it is one that does not, 0 when the file is none of ours;
 *         NULL: none is
 *
 * Memory of a BAR may be mapped for DMA, but none is reached yet.  A file
 * for which @probe does not say 0 is never opened.
 * Context: before the first mapping.
 */
void uvf_peer_set_device_memory(int (*probe)(dev_t dev, ino_t inode,
					     uint64_t offset));

#endif /* UVF_MEM_PEER_H */

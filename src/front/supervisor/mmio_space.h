/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The address space of one client process, as seen from outside.
 */
#ifndef UVF_FRONT_SUPERVISOR_MMIO_SPACE_H
#define UVF_FRONT_SUPERVISOR_MMIO_SPACE_H

#include <stdint.h>
#include <sys/types.h>

#include "mem/vma.h"

struct uvf_mmio_space;

/**
 * uvf_mmio_space_create() - for a process that has the agent
 * @ret_space: written on success
 * @pid:       the process
 *
 * A space is of one memory: after exec() there is a new one.
 *
 * Return: 0, -ENOMEM, or why /proc/PID/maps cannot be opened.
 */
int uvf_mmio_space_create(struct uvf_mmio_space **ret_space, pid_t pid);
void uvf_mmio_space_destroy(struct uvf_mmio_space *space);

/* The process maps a file: what is remembered may be wrong from now on. */
void uvf_mmio_space_changed(struct uvf_mmio_space *space);

/**
 * uvf_mmio_space_find() - the mapping at an address that just raised SIGBUS
 * @ret_vma: written on success
 *
 * May be answered from memory: a SIGBUS says that a file is mapped there,
 * and no file is mapped without uvf_mmio_space_changed().
 *
 * Return: 0, or -EFAULT: nothing is mapped there, or the process is gone.
 */
int uvf_mmio_space_find(struct uvf_mmio_space *space, uint64_t addr,
			struct uvf_vma *ret_vma);

/* As uvf_mmio_space_find(), always asking the kernel. */
int uvf_mmio_space_look(struct uvf_mmio_space *space, uint64_t addr,
			struct uvf_vma *ret_vma);

#endif /* UVF_FRONT_SUPERVISOR_MMIO_SPACE_H */

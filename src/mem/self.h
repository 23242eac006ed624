/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of our own process, when the core is a library in it.
 */
#ifndef UVF_MEM_SELF_H
#define UVF_MEM_SELF_H

#include "mem/mem.h"

/**
 * uvf_self_create() - the address space of our own process
 * @ret_mm: written on success; the caller owns one reference
 *
 * After uvf_copy_guard_init() all memory is reached by plain copies, before
 * only by system calls.
 *
 * Return: 0, -ENOMEM, or what open() of /proc/self/maps fails with.
 */
int uvf_self_create(struct uvf_mm **ret_mm);

#endif /* UVF_MEM_SELF_H */

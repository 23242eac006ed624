/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file of memory as if it were an address space: its offsets are the
 * addresses.  What is mapped of it needs no process.
 */
#ifndef UVF_MEM_FILE_H
#define UVF_MEM_FILE_H

#include "mem/mem.h"

/**
 * uvf_file_mm_create() - the memory of a file
 * @ret_mm: written on success; the caller owns one reference
 * @fd:     any file, or -1 for one that is none; closed with the memory, and
 *          the caller's on failure
 *
 * uvf_mem_create() of it fails with -EINVAL where the file has no memory to
 * share: it is of another kind, or ends before the last page does.
 *
 * Return: 0 or -ENOMEM.
 */
int uvf_file_mm_create(struct uvf_mm **ret_mm, int fd);

#endif /* UVF_MEM_FILE_H */

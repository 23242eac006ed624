/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What lies where in an address space, as /proc/PID/maps tells it.
 */
#ifndef UVF_MEM_VMA_H
#define UVF_MEM_VMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/range.h"

struct uvf_vma {
	struct uvf_range addr;
	bool is_readable;
	bool is_writable;
	bool is_shared;
	uint64_t offset; /* of addr.first in the file */
	dev_t dev;       /* of the file */
	ino_t inode;     /* 0: no file */
	/* Of its pages, bytes; 4096 where the kernel, before 6.11, is mute. */
	uint64_t page_size;
};

/* Room for a path of a file, as long as the kernel makes them. */
#define UVF_VMA_NAME_MAX 4096

/**
 * uvf_vma_find() - the piece of an address space that holds an address
 * @maps_fd:  /proc/PID/maps; bound to the program that ran when it was opened
 * @addr:     where
 * @ret_vma:  written on success only
 * @ret_name: UVF_VMA_NAME_MAX bytes for the name, or NULL
 *
 * Return: 0, or -EFAULT when nothing is there or the program is gone.
 */
int uvf_vma_find(int maps_fd, uint64_t addr, struct uvf_vma *ret_vma,
		 char *ret_name);

/* Never use PROCMAP_QUERY; for tests of what older kernels offer. */
void uvf_vma_set_text_only(bool on);

#endif /* UVF_MEM_VMA_H */

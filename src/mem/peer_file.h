/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which file of a process lies behind a piece of its memory, and how we get
 * at it.
 */
#ifndef UVF_MEM_PEER_FILE_H
#define UVF_MEM_PEER_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "mem/mem.h"
#include "mem/window.h"

struct uvf_vma;

/* Another process; see peer.h. */
struct uvf_peer {
	struct uvf_mm mm;
	pid_t pid;
	int proc_fd; /* /proc/PID: never another process, whatever its number */
	int maps_fd; /* its maps: of the program that ran at creation */
	int mem_fd;  /* its mem: likewise */
	struct uvf_windows windows;
	atomic_int fd_hint;           /* where a file was found last */
	atomic_bool has_no_map_files; /* not for us */
};

/**
 * uvf_peer_window() - map here what a process has mapped there
 * @ret_window: written on success; the caller owns one reference
 * @vma:        shared, with a file
 * @piece:      addresses inside @vma
 *
 * Return: 0, or
 *   -EFAULT  the file ends before @piece does
 *   -ENOMEM  out of memory
 *   -ENOENT  the file cannot be had or mapped
 */
int uvf_peer_window(struct uvf_peer *peer, const struct uvf_vma *vma,
		    struct uvf_range piece, bool is_writable,
		    struct uvf_window **ret_window);

#endif /* UVF_MEM_PEER_FILE_H */

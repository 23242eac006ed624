/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of a client that are mapped here too, so that its shared memory is
 * reached by plain copies.  All spans of one file share a window.
 */
#ifndef UVF_MEM_WINDOW_H
#define UVF_MEM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/range.h"

#define UVF_WINDOW_BUCKETS 64

/* The windows to the files of one address space. */
struct uvf_windows {
	struct uvf_mutex lock;                       /* protects what follows */
	struct uvf_list buckets[UVF_WINDOW_BUCKETS]; /* by inode */
};

/* Immutable while a reference is held, but for count. */
struct uvf_window {
	struct uvf_list node;
	struct uvf_windows *owner;
	unsigned int count; /* references; under the owner's lock */
	dev_t dev;
	ino_t inode;
	bool is_writable;
	struct uvf_range bytes; /* of the file */
	uint8_t *ptr;           /* to bytes.first */
};

void uvf_windows_init(struct uvf_windows *windows);
/* No window may be left. */
void uvf_windows_fini(struct uvf_windows *windows);

/* The bytes of a file that a span needs. */
struct uvf_window_want {
	dev_t dev;
	ino_t inode;
	bool is_writable;
	struct uvf_range bytes;
};

/** uvf_window_lookup() - a window that is there already, or NULL */
struct uvf_window *uvf_window_lookup(struct uvf_windows *windows,
				     const struct uvf_window_want *want);

/**
 * uvf_window_create() - map a file of the client
 * @ret_window: written on success; the caller owns one reference
 * @fd:         the file; it may be closed afterwards
 *
 * Return: 0, or, in the order they are tested:
 *   -ENOENT  @fd is another file, or no memory that can be shared
 *   -EFAULT  the bytes wanted lie beyond the end of the file
 *   -ENOMEM  out of memory
 *   -ENOENT  the file cannot be mapped
 */
int uvf_window_create(struct uvf_windows *windows, int fd,
		      const struct uvf_window_want *want,
		      struct uvf_window **ret_window);

/* Takes NULL. */
void uvf_window_put(struct uvf_window *window);

#endif /* UVF_MEM_WINDOW_H */

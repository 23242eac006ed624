/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes to files of /sys.  Each runs on a thread of its own, for it may wait
 * as long as a driver's user pleases.  A watcher looks meanwhile for signals
 * of the task that waits for the answer.
 */
#ifndef UVF_FRONT_SUPERVISOR_VIEW_WRITES_H
#define UVF_FRONT_SUPERVISOR_VIEW_WRITES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_vfio;
struct uvf_view_writes;

/* As many bytes a file of /sys takes at once. */
#define UVF_VIEW_WRITE_MAX 4096

/**
 * uvf_view_writes_create() - no thread runs yet
 * Return: 0 or -ENOMEM.
 */
int uvf_view_writes_create(struct uvf_view_writes **ret_writes,
			   struct uvf_vfio *vfio);

/* Waits for the writes; no user of a device is left.  Takes NULL. */
void uvf_view_writes_destroy(struct uvf_view_writes *writes);

/* What is written; copied. */
struct uvf_view_data {
	const void *bytes;
	size_t size;
	uint64_t pos; /* bytes from the start of the file */
};

/*
 * The answer: bytes taken, or a negative errno.  Called once, from any
 * thread, before or after uvf_view_writes_start() returns.
 */
typedef void uvf_view_write_done_fn(void *arg, ssize_t result);

/**
 * uvf_view_writes_start() - begin one write
 * @tid:  the task that waits for the answer
 * @path: of a tree, "sys/..."
 * @done: not called on failure
 * Return: 0, -ENOMEM, or -EAGAIN too many writes wait.
 */
int uvf_view_writes_start(struct uvf_view_writes *writes, pid_t tid,
			  const char *path, const struct uvf_view_data *data,
			  uvf_view_write_done_fn *done, void *arg);

#endif /* UVF_FRONT_SUPERVISOR_VIEW_WRITES_H */

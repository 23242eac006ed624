/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Telling a sink of files, directories and links without a check after each
 * of them: the first failure stays, and nothing is told after it.
 */
#ifndef UVF_FS_SYSFS_WALK_H
#define UVF_FS_SYSFS_WALK_H

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

#include "fs/sysfs.h"

/* Bytes of the longest path below /sys, final NUL included. */
#define UVF_WALK_PATH 256

struct uvf_walk {
	const struct uvf_sysfs_sink *sink;
	int error; /* what the walk will return */
};

/* Rows of a table of small files; ends with a NULL name. */
struct uvf_walk_text {
	const char *name;
	mode_t mode;
	const char *text;
};

/* A path to be used with what follows; empty when it is too long. */
void uvf_walk_path(struct uvf_walk *walk, char ret_path[UVF_WALK_PATH],
		   const char *fmt, ...) __attribute__((format(printf, 3, 4)));

void uvf_walk_fail(struct uvf_walk *walk, int error);
void uvf_walk_dir(struct uvf_walk *walk, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void uvf_walk_file(struct uvf_walk *walk, mode_t mode, const void *content,
		   size_t size, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void uvf_walk_text(struct uvf_walk *walk, mode_t mode, const char *text,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* All rows of a table, in the directory of the format. */
void uvf_walk_texts(struct uvf_walk *walk, const struct uvf_walk_text *texts,
		    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A link to target, a path below /sys, in the words of the kernel. */
void uvf_walk_link(struct uvf_walk *walk, const char *target, const char *fmt,
		   ...) __attribute__((format(printf, 3, 4)));

/* What /sys/module shows of VFIO. */
void uvf_sysfs_walk_modules(struct uvf_walk *walk);

#endif /* UVF_FS_SYSFS_WALK_H */

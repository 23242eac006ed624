/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file of /sys that was opened for writing, for fronts that hand it out as
 * they do VFIO's files.  The front does the writing, which may wait.
 */
#ifndef UVF_FS_SYSFS_FILE_H
#define UVF_FS_SYSFS_FILE_H

#include <stddef.h>

struct uvf_file;

/**
 * uvf_sysfs_file_create() - a file of kind UVF_FILE_SYSFS
 * @path:    of the view, copied
 * @content: what a read finds, copied
 * Return: 0 and a file with one reference, or -ENOMEM.
 */
int uvf_sysfs_file_create(struct uvf_file **ret_file, const char *path,
			  const void *content, size_t size);

const char *uvf_sysfs_file_path(const struct uvf_file *file);

/* What a read finds; *ret_size bytes. */
const void *uvf_sysfs_file_content(const struct uvf_file *file,
				   size_t *ret_size);

#endif /* UVF_FS_SYSFS_FILE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Path calls answered one by one, for where mount namespaces are refused.
 */
#ifndef UVF_FRONT_SUPERVISOR_PATHS_H
#define UVF_FRONT_SUPERVISOR_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "front/supervisor/view.h"

struct uvf_paths;
struct uvf_view_names;

/**
 * uvf_paths_create() - write the tree to a private directory
 * @names: stays valid as long as the result
 * Return: 0, or a negative errno and a line in @err.
 */
int uvf_paths_create(struct uvf_paths **ret_paths, struct uvf_view_names *names,
		     struct uvfio_error *err);

/* Removes the directory.  Takes NULL. */
void uvf_paths_destroy(struct uvf_paths *paths);

/* Where the tree is. */
const char *uvf_paths_directory(const struct uvf_paths *paths);

/* uvf_view_path_call() and uvf_view_path_calls(), see there. */
void uvf_paths_call(struct uvf_paths *paths, int pid, int nr,
		    const uint64_t args[6], struct uvf_path_answer *ret_answer);
const int *uvf_paths_calls(void);

#endif /* UVF_FRONT_SUPERVISOR_PATHS_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which processes have which VFIO files open, now.
 */
#ifndef UVF_FRONT_SUPERVISOR_HOLDERS_H
#define UVF_FRONT_SUPERVISOR_HOLDERS_H

#include <sys/types.h>

struct uvf_fds;
struct uvf_file;

/**
 * uvf_holders_each() - find the processes that have files of ours open
 * @fds: knows the files
 * @fn:  called for each descriptor; copies in one process come twice
 *
 * Looks at the descriptors of every process of the run.  What is mapped but
 * not open is not found, nor what was sent to a process of somebody else.
 *
 * Context: any thread but the one that receives; costs a look at all of /proc.
 */
void uvf_holders_each(struct uvf_fds *fds,
		      void (*fn)(void *arg, pid_t pid,
				 const struct uvf_file *file),
		      void *arg);

#endif /* UVF_FRONT_SUPERVISOR_HOLDERS_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The core in the caller's own process: descriptors that are files of ours.
 */
#ifndef UVF_FRONT_INPROC_INPROC_H
#define UVF_FRONT_INPROC_INPROC_H

struct uvf_file;
struct uvf_inproc;

/* Return: 0 or -ENOMEM. */
int uvf_inproc_create(struct uvf_inproc **ret_inproc);

/* The file of a descriptor, with a reference, or NULL. */
struct uvf_file *uvf_inproc_file(struct uvf_inproc *inproc, int fd);

/* Closes what is still open.  Takes NULL. */
void uvf_inproc_destroy(struct uvf_inproc *inproc);

#endif /* UVF_FRONT_INPROC_INPROC_H */

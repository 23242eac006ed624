/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mount namespace in which the generated tree covers the host's.
 *
 * It is built by a child that ends again; what keeps it is our descriptors
 * and the client in it, so that nothing is left when both are killed.
 */
#ifndef UVF_FRONT_SUPERVISOR_VIEW_NAMESPACE_H
#define UVF_FRONT_SUPERVISOR_VIEW_NAMESPACE_H

#include <sys/types.h>

struct uvf_view_fuse;
struct uvf_view_names;
struct uvf_view_writes;
struct uvfio_error;

struct uvf_view_namespace {
	int user_fd; /* -1: the mounts needed no user namespace */
	int mount_fd;
	int root_fd; /* O_PATH: root directory seen from inside */
	int cwd_fd;  /* O_PATH: our working directory, seen from inside */
	dev_t dev;   /* st_dev of all that is generated */
	struct uvf_view_fuse *fuse;
};

/**
 * uvf_view_namespace_create() - build it
 * Return: 0, or a negative errno and a line in @err.
 */
int uvf_view_namespace_create(struct uvf_view_namespace *ns,
			      struct uvf_view_names *names,
			      struct uvf_view_writes *writes,
			      struct uvfio_error *err);

/* Serves no more; before uvf_view_writes_destroy(). */
void uvf_view_namespace_stop(struct uvf_view_namespace *ns);

/* After uvf_view_writes_destroy(). */
void uvf_view_namespace_fini(struct uvf_view_namespace *ns);

/* The file system of a descriptor, without asking who serves it; or 0. */
dev_t uvf_view_namespace_dev(int fd);

/**
 * uvf_view_namespace_enter() - move this process into it
 * Return: 0, or a negative errno and a line in @err.
 */
int uvf_view_namespace_enter(const struct uvf_view_namespace *ns,
			     struct uvfio_error *err);

#endif /* UVF_FRONT_SUPERVISOR_VIEW_NAMESPACE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the control socket of a run offers: to look at its machine and to
 * change it while programs use it.
 */
#ifndef UVF_FRONT_CONTROL_MACHINE_H
#define UVF_FRONT_CONTROL_MACHINE_H

#include <sys/types.h>

#include "front/control.h"

struct uvf_file;
struct uvfio_machine;

/* One process that has a file open. */
typedef void uvf_holder_fn(void *arg, pid_t pid, const struct uvf_file *file);

struct uvf_control_machine {
	struct uvfio_machine *machine;
	/* Calls fn for each process and each of its files, once. */
	void (*each_holder)(void *front, uvf_holder_fn *fn, void *arg);
	void *front;
	struct uvf_control *control; /* set by uvf_control_machine_create() */
};

/**
 * uvf_control_machine_create() - a control socket for a machine
 * @self: machine, each_holder and front are set; outlives the socket
 * Return: as uvf_control_create().
 */
int uvf_control_machine_create(struct uvf_control_machine *self);

#endif /* UVF_FRONT_CONTROL_MACHINE_H */

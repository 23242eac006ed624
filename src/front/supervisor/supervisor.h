/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uvfio run: a program and all it starts, with this process as its VFIO.
 */
#ifndef UVF_FRONT_SUPERVISOR_SUPERVISOR_H
#define UVF_FRONT_SUPERVISOR_SUPERVISOR_H

#include "front/supervisor/view.h"

struct uvf_kvm_host;
struct uvf_vfio;
struct uvfio_error;
struct uvfio_machine;

struct uvf_run {
	struct uvf_vfio *vfio;
	/* What the control socket is for; NULL: there is none. */
	struct uvfio_machine *machine;
	/* Of the KVM-VFIO devices of the host's KVM; NULL: it is not used. */
	const struct uvf_kvm_host *kvm;
	enum uvf_view_mode view_mode;
	/* For tests: behave as if pidfd_getfd() was refused. */
	bool no_pidfd_getfd;
	/* For tests: behave as if ptrace() was refused. */
	bool no_ptrace;
};

/**
 * uvf_run_program() - run a program to its end
 * @run:  what it sees
 * @argv: program and arguments, ends with NULL
 * @err:  says why it could not be started
 *
 * Ends when the program and all processes it left behind are gone.
 *
 * Return: its exit status, 128 + signal when it died of one, 127 when the
 * program is missing, 126 when it is not executable, or 2 when this kernel
 * or container does not allow it; the last three leave a line in @err.
 */
int uvf_run_program(const struct uvf_run *run, char *const argv[],
		    struct uvfio_error *err);

#endif /* UVF_FRONT_SUPERVISOR_SUPERVISOR_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uvfio run: a program on emulated devices.
 */
#include <argp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#include "front/machine.h"
#include "front/supervisor/supervisor.h"

#define KEY_ABI        1
#define KEY_HOST       2
#define KEY_VIEW       3
#define KEY_UNREGISTER 4

struct run_options {
	struct machine_options machine;
	enum uvf_view_mode view;
	unsigned int revoke_after; /* requests; 0: never */
	char **program;            /* and its arguments */
};

static const struct argp_option option_table[] = {
	{"device", 'd', "SPEC", 0,
	 "add a device, MODEL[,KEY=VALUE]...; may be repeated; -d help lists "
	 "the models, -d MODEL,help their keys",
	 0},
	{"abi", KEY_ABI, "PROFILE", 0,
	 "answer as this Linux version: 3.14, 4.1, 6.1, 6.6, 6.12, 6.19, "
	 "or as the RFC v02 (6.12)",
	 0},
	{"host", KEY_HOST, "KEY=VALUE,...", 0,
	 "the pretended host; --host=help lists the keys", 0},
	{"view", KEY_VIEW, "MODE", 0,
	 "how /dev and /sys are shown: namespace, paths, or auto (auto)", 0},
	{"unregister-policy", KEY_UNREGISTER, "POLICY", 0,
	 "what happens to a program that has a device open when it is to go: "
	 "wait, or revoke:N to take it away after N requests (wait)",
	 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

/* "wait" or "revoke:N". */
static int set_unregister_policy(struct run_options *options,
				 const char *policy)
{
	static const char revoke[] = "revoke:";
	unsigned long after;
	char *end;

	if (!strcmp(policy, "wait")) {
		options->revoke_after = 0;
		return 0;
	}
	if (!strncmp(policy, revoke, strlen(revoke)) &&
	    policy[strlen(revoke)] >= '0' && policy[strlen(revoke)] <= '9') {
		after = strtoul(policy + strlen(revoke), &end, 10);
		if (after && after <= 1000000 && !*end) {
			options->revoke_after = (unsigned int)after;
			return 0;
		}
	}
	complain("--unregister-policy: '%s' is neither wait nor revoke:N, N "
		 "from 1",
		 policy);
	exit(STATUS_USAGE);
}

static int set_view(struct run_options *options, const char *mode)
{
	static const struct {
		const char *name;
		enum uvf_view_mode mode;
	} modes[] = {
		{"auto", UVF_VIEW_AUTO},
		{"namespace", UVF_VIEW_NAMESPACE},
		{"paths", UVF_VIEW_PATHS},
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].name, mode) != 0)
			continue;
		options->view = modes[i].mode;
		return 0;
	}
	complain("--view: no mode '%s'; there are: auto, namespace, paths",
		 mode);
	exit(STATUS_USAGE);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct run_options *options = state->input;
	int status;

	switch (key) {
	case 'd':
		if (print_device_help(arg, &status))
			exit(status);
		if (!add_device_option(&options->machine, arg))
			exit(STATUS_USAGE);
		return 0;
	case KEY_ABI:
		options->machine.abi = arg;
		return 0;
	case KEY_HOST:
		if (print_host_help(arg))
			exit(STATUS_OK);
		options->machine.host = arg;
		return 0;
	case KEY_VIEW:
		return set_view(options, arg);
	case KEY_UNREGISTER:
		return set_unregister_policy(options, arg);
	case ARGP_KEY_ARGS:
		options->program = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		complain("run: which program? uvfio run [OPTION]... [--] "
			 "PROGRAM [ARG]...");
		exit(STATUS_USAGE);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A device thread may watch pages when the program keeps a processor. */
static bool has_spare_cpu(void)
{
	cpu_set_t cpus;

	return !sched_getaffinity(0, sizeof(cpus), &cpus) &&
	       CPU_COUNT(&cpus) > 1;
}

int cmd_run(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.args_doc = "PROGRAM [ARG]...",
		.doc = "Run a VFIO program on emulated devices, without a "
		       "kernel module and without root.",
	};
	struct run_options options = {.view = UVF_VIEW_AUTO};
	struct uvfio_error err = {""};
	struct uvfio_machine *machine;
	struct uvf_run run;
	int status;

	/* Options after the program's name are the program's. */
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
	machine = build_machine(&options.machine, has_spare_cpu());
	free(options.machine.devices);
	if (!machine)
		return STATUS_USAGE;
	if (uvf_machine_use_host_kvm(machine, &err)) {
		complain("%s", err.text);
		uvfio_machine_destroy(machine);
		return STATUS_USAGE;
	}
	machine->bus.revoke_after = options.revoke_after;
	run = (struct uvf_run){
		.vfio = &machine->vfio,
		.machine = machine,
		.kvm = machine->host.kvm_mode == UVF_KVM_REAL
			       ? &machine->host.kvm
			       : NULL,
		.view_mode = options.view,
	};
	status = uvf_run_program(&run, options.program, &err);
	if (err.text[0])
		complain("%s", err.text);
	uvfio_machine_destroy(machine);
	return status;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands of the tool, and what they share.
 */
#ifndef UVFIO_TOOL_CMD_H
#define UVFIO_TOOL_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include <uvfio/machine.h>

/* Exit statuses of the tool itself. */
#define STATUS_OK      0
#define STATUS_REFUSED 1 /* a run said no, or there is none */
#define STATUS_USAGE   2 /* wrong use, or this system does not allow it */

/* Each command gets its own argc and argv, argv[0] being "uvfio COMMAND". */
int cmd_run(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_ctl(int argc, char **argv);

/* One line to stderr, "uvfio: " before it. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The -d, --abi and --host options of a command. */
struct machine_options {
	const char *abi;
	const char *host;
	const char **devices; /* ends with NULL */
	size_t device_count;
};

/* Keeps @spec; false and a message when out of memory. */
bool add_device_option(struct machine_options *options, const char *spec);

/* For -d help and -d MODEL,help: prints and returns true. */
bool print_device_help(const char *spec, int *ret_status);

/* For --host=help: prints and returns true. */
bool print_host_help(const char *text);

/* NULL after a message. */
struct uvfio_machine *build_machine(const struct machine_options *options,
				    bool may_spin);

#endif /* UVFIO_TOOL_CMD_H */

/* SPDX-License-Identifier: BSD-3-Clause */
#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#include "base/log.h"

static const struct command {
	const char *name;
	char *full_name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"run", (char[]){"uvfio run"}, cmd_run,
	 "run a VFIO program on emulated devices"},
	{"ls", (char[]){"uvfio ls"}, cmd_ls, "show the machine"},
	{"ctl", (char[]){"uvfio ctl"}, cmd_ctl,
	 "look at the machine of a run, and change it"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

void complain(const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	/* One write, so that lines of several processes do not mix. */
	fprintf(stderr, "uvfio: %s\n", line);
}

static void log_line(enum uvf_log_level level, const char *line)
{
	if (level != UVF_LOG_INFO)
		complain("%s", line);
}

static void print_usage(FILE *out)
{
	fputs("Usage: uvfio COMMAND [OPTION]... [ARG]...\n"
	      "VFIO, Linux's framework for user-space drivers, in user "
	      "space.\n\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-6s %s\n", commands[i].name,
			commands[i].summary);
	fputs("\nuvfio COMMAND --help tells more; uvfio --version the "
	      "version.\n",
	      out);
}

int main(int argc, char **argv)
{
	argp_err_exit_status = STATUS_USAGE;
	uvf_log_set(log_line);
	if (argc < 2) {
		print_usage(stderr);
		return STATUS_USAGE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		argv[1] = commands[i].full_name;
		return commands[i].run(argc - 1, argv + 1);
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?")) {
		print_usage(stdout);
		return STATUS_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("uvfio " UVFIO_VERSION);
		return STATUS_OK;
	}
	complain("no command '%s'; there are: run, ls, ctl", argv[1]);
	return STATUS_USAGE;
}

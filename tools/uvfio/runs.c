/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel lists the sockets that somebody listens at, wherever a run put
 * its own.
 */
#include "runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

#define SOCKETS "/proc/net/unix"
/* __SO_ACCEPTCON of the kernel: it listens. */
#define FLAG_LISTENS 0x10000ul

static const char prefix[] = "/uvfio-ctl.";

/* The number in "DIRECTORY/uvfio-ctl.NUMBER", or 0. */
static pid_t parse_path(const char *path)
{
	const char *name = strrchr(path, '/');
	char *end;
	long pid;

	if (!name || strncmp(name, prefix, strlen(prefix)) != 0)
		return 0;
	pid = strtol(name + strlen(prefix), &end, 10);
	return *end || pid <= 0 || pid > INT32_MAX ? 0 : (pid_t)pid;
}

/* Of this user; root names those of others. */
static int is_wanted(const char *path, pid_t found, pid_t pid)
{
	struct stat st;

	if (!found || (pid && found != pid) || lstat(path, &st) ||
	    !S_ISSOCK(st.st_mode))
		return 0;
	return st.st_uid == geteuid() || (pid && !geteuid());
}

static int keep(struct control_socket **runs, size_t *count, const char *path,
		pid_t pid)
{
	struct control_socket *grown;

	grown = realloc(*runs, (*count + 1) * sizeof(*grown));
	if (!grown) {
		complain("out of memory");
		return -1;
	}
	*runs = grown;
	grown[*count].pid = pid;
	(void)snprintf(grown[*count].path, sizeof(grown[*count].path), "%s",
		       path);
	(*count)++;
	return 0;
}

int find_runs(pid_t pid, struct control_socket **ret_runs, size_t *ret_count)
{
	FILE *sockets = fopen(SOCKETS, "re");
	char line[512], path[109];
	unsigned long flags;
	int ret = 0;

	*ret_runs = NULL;
	*ret_count = 0;
	if (!sockets) {
		complain("%s: %s", SOCKETS, strerror(errno));
		return -1;
	}
	while (!ret && fgets(line, sizeof(line), sockets)) {
		/* Number, references, protocol, flags, type, state, inode. */
		if (sscanf(line, "%*s %*s %*s %lx %*s %*s %*s %108[^\n]",
			   &flags, path) != 2 ||
		    !(flags & FLAG_LISTENS) ||
		    !is_wanted(path, parse_path(path), pid))
			continue;
		ret = keep(ret_runs, ret_count, path, parse_path(path));
	}
	fclose(sockets);
	return ret;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front/supervisor/view_names.h"

#define TEXT_SIZE        4096
#define CAP_DAC_OVERRIDE 1
#define CLIMBS           3 /* tries to find whose a process is */

static int read_file(pid_t tid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	length = read(fd, text, size - 1);
	close(fd);
	if (length < 0)
		return -ESRCH;
	text[length] = '\0';
	return 0;
}

/* What follows "\nname:\t", or an empty text. */
static const char *find_line(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? at + strlen(name) : "";
}

static uint64_t parse_mask(const char *text, const char *name)
{
	return strtoull(find_line(text, name), NULL, 16);
}

int uvf_proc_signals(pid_t tid, uint64_t *ret_pending)
{
	char text[TEXT_SIZE];

	if (read_file(tid, "status", text, sizeof(text)))
		return -ESRCH;
	*ret_pending = (parse_mask(text, "\nSigPnd:\t") |
			parse_mask(text, "\nShdPnd:\t")) &
		       ~parse_mask(text, "\nSigBlk:\t");
	return 0;
}

void uvf_proc_comm(pid_t tid, char ret_comm[16])
{
	char text[32];

	if (read_file(tid, "comm", text, sizeof(text)))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	snprintf(ret_comm, 16, "%.15s", text);
}

/* The fourth number of a line is that of the file system. */
static unsigned long parse_fs_id(const char *text, const char *name)
{
	char *at = (char *)find_line(text, name);
	unsigned long id = 0;

	for (unsigned int i = 0; i < 4; i++)
		id = strtoul(at, &at, 10);
	return id;
}

static bool has_group(const char *text, gid_t gid)
{
	const char *at = find_line(text, "\nGroups:\t");
	char *end;

	if (parse_fs_id(text, "\nGid:\t") == gid)
		return true;
	for (; *at && *at != '\n'; at = end) {
		unsigned long group = strtoul(at, &end, 10);

		if (end == at)
			return false;
		if (group == gid)
			return true;
		end += strspn(end, " ");
	}
	return false;
}

static unsigned int wanted(int flags)
{
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return 04;
	case O_WRONLY:
		return 02;
	default:
		return 06;
	}
}

int uvf_proc_may_open(pid_t tid, const struct uvf_view_rights *rights,
		      int flags)
{
	unsigned int want = wanted(flags), mode = rights->mode;
	char text[TEXT_SIZE];

	if ((mode & (mode >> 3) & (mode >> 6) & want) == want)
		return 0;
	if (read_file(tid, "status", text, sizeof(text)))
		return -EACCES;
	if (parse_mask(text, "\nCapEff:\t") & (1U << CAP_DAC_OVERRIDE))
		return 0;
	if (parse_fs_id(text, "\nUid:\t") == rights->uid)
		mode >>= 6;
	else if (has_group(text, rights->gid))
		mode >>= 3;
	return (mode & want) == want ? 0 : -EACCES;
}

bool uvf_proc_is_owner(pid_t tid)
{
	char text[TEXT_SIZE];
	unsigned long uid;

	if (read_file(tid, "status", text, sizeof(text)))
		return false;
	uid = parse_fs_id(text, "\nUid:\t");
	return !uid || uid == geteuid();
}

/* The parent of a process; 0: it is gone. */
static pid_t parent_of(pid_t pid)
{
	char text[TEXT_SIZE];
	const char *p;

	if (read_file(pid, "stat", text, sizeof(text)))
		return 0;
	/* A name may have parentheses of its own: "PID (NAME) S PPID". */
	p = strrchr(text, ')');
	return p && strlen(p) > 4 ? (pid_t)strtol(p + 4, NULL, 10) : 0;
}

/* Orphans are ours: the supervisor takes them in. */
static bool is_descendant(pid_t pid)
{
	const pid_t self = getpid();

	for (int tries = 0; tries < CLIMBS; tries++) {
		pid_t at = pid;

		while (at > 1 && at != self)
			at = parent_of(at);
		if (at)
			return at == self;
		/* A parent ended meanwhile, and its children have another. */
	}
	return false;
}

void uvf_proc_each_descendant(void (*fn)(void *arg, pid_t pid), void *arg)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		return;
	while ((entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() && is_descendant(pid))
			fn(arg, pid);
	}
	closedir(proc);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Working directories that the kernel does not have.
 *
 * A client that changes to one stays, for the kernel, where it was; we
 * remember where it believes to be.  Its children believe the same, unless
 * they were there before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "front/supervisor/paths_private.h"

#define ANCESTORS_MAX 16
#define CWDS_MAX      4096

struct process {
	int tgid;
	int parent;
	uint64_t started; /* clock ticks since boot */
};

static size_t read_proc_file(int pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	length = read(fd, text, size - 1);
	close(fd);
	if (length < 0)
		length = 0;
	text[length] = '\0';
	return (size_t)length;
}

/* From a thread id; false when it is gone. */
static bool read_process(int pid, struct process *process)
{
	unsigned long long started;
	char text[4096];
	char *at;

	if (!read_proc_file(pid, "status", text, sizeof(text)))
		return false;
	at = strstr(text, "\nTgid:");
	if (!at || sscanf(at, "\nTgid: %d", &process->tgid) != 1)
		return false;
	if (!read_proc_file(process->tgid, "stat", text, sizeof(text)))
		return false;
	/* The name in parentheses may contain anything. */
	at = strrchr(text, ')');
	if (!at || sscanf(at,
			  ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u "
			  "%*u %*d %*d %*d %*d %*d %*d %llu",
			  &process->parent, &started) != 2)
		return false;
	process->started = started;
	return true;
}

static uint64_t ticks_now(void)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * hz +
	       (uint64_t)now.tv_nsec * hz / 1000000000u;
}

static struct uvf_paths_cwd *find_locked(struct uvf_paths *paths, int tgid)
	UVF_REQUIRES(paths->lock)
{
	uvf_assert_held(&paths->lock);
	for (size_t i = 0; i < paths->cwd_count; i++)
		if (paths->cwds[i].pid == tgid)
			return &paths->cwds[i];
	return NULL;
}

/* The record of a process or of who it inherits from, or NULL. */
static struct uvf_paths_cwd *lookup_locked(struct uvf_paths *paths, int pid)
	UVF_REQUIRES(paths->lock)
{
	uint64_t started = UINT64_MAX;

	uvf_assert_held(&paths->lock);
	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		struct uvf_paths_cwd *cwd;
		struct process process;

		if (!read_process(pid, &process))
			return NULL;
		cwd = find_locked(paths, process.tgid);
		/* Younger than the record: the number was used before. */
		if (cwd && process.started <= cwd->since)
			return started >= cwd->since ? cwd : NULL;
		started = process.started;
		pid = process.parent;
	}
	return NULL;
}

bool uvf_paths_cwd_find(struct uvf_paths *paths, int pid, char path[PATH_MAX])
{
	const struct uvf_paths_cwd *cwd = NULL;
	bool is_found;

	uvf_lock(&paths->lock);
	if (paths->cwd_count)
		cwd = lookup_locked(paths, pid);
	is_found = cwd && cwd->path[0];
	if (is_found)
		memcpy(path, cwd->path, sizeof(cwd->path));
	uvf_unlock(&paths->lock);
	return is_found;
}

/* A record to write to: an old one, one of a dead process, or a new one. */
static struct uvf_paths_cwd *take_locked(struct uvf_paths *paths, int tgid)
	UVF_REQUIRES(paths->lock)
{
	struct uvf_paths_cwd *cwd = find_locked(paths, tgid);
	struct process process;

	if (cwd)
		return cwd;
	for (size_t i = 0; i < paths->cwd_count; i++)
		if (!read_process(paths->cwds[i].pid, &process))
			return &paths->cwds[i];
	if (paths->cwd_count == CWDS_MAX)
		return NULL;
	cwd = uvf_realloc(paths->cwds, (paths->cwd_count + 1) * sizeof(*cwd));
	if (!cwd)
		return NULL;
	paths->cwds = cwd;
	return &cwd[paths->cwd_count++];
}

int uvf_paths_cwd_set(struct uvf_paths *paths, int pid, const char *path)
{
	struct uvf_paths_cwd *cwd;
	struct process process;
	int ret = 0;

	uvf_lock(&paths->lock);
	if (!path[0] && !paths->cwd_count)
		goto out;
	ret = -ENOMEM;
	if (!read_process(pid, &process))
		goto out;
	cwd = take_locked(paths, process.tgid);
	if (!cwd)
		goto out;
	cwd->pid = process.tgid;
	cwd->since = ticks_now();
	snprintf(cwd->path, sizeof(cwd->path), "%s", path);
	ret = 0;
out:
	uvf_unlock(&paths->lock);
	return ret;
}

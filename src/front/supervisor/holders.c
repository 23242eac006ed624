/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "front/supervisor/fds.h"

/* Ours are memfds; a stat() of other things may wait for their servers. */
static bool is_memfd(int dir, const char *name)
{
	static const char prefix[] = "/memfd:";
	char target[sizeof(prefix)];

	return readlinkat(dir, name, target, sizeof(target)) >=
		       (ssize_t)strlen(prefix) &&
	       !memcmp(target, prefix, strlen(prefix));
}

static void search_process(struct uvf_fds *fds, pid_t pid,
			   void (*fn)(void *arg, pid_t pid,
				      const struct uvf_file *file),
			   void *arg)
{
	struct dirent *entry;
	struct uvf_file *file;
	struct stat st;
	char path[64];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (!is_memfd(dirfd(dir), entry->d_name) ||
		    fstatat(dirfd(dir), entry->d_name, &st, 0))
			continue;
		file = uvf_fds_find_inode(fds, st.st_dev, st.st_ino);
		if (!file)
			continue;
		fn(arg, pid, file);
		uvf_file_put(file);
	}
	closedir(dir);
}

void uvf_holders_each(struct uvf_fds *fds,
		      void (*fn)(void *arg, pid_t pid,
				 const struct uvf_file *file),
		      void *arg)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		return;
	while ((entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid != getpid())
			search_process(fds, pid, fn, arg);
	}
	closedir(proc);
}

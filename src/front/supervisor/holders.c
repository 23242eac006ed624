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
#include "front/supervisor/proc.h"

/* Ours are memfds; a stat() of other things may wait for their servers. */
static bool is_memfd(int dir, const char *name)
{
	static const char prefix[] = "/memfd:";
	char target[sizeof(prefix)];

	return readlinkat(dir, name, target, sizeof(target)) >=
		       (ssize_t)strlen(prefix) &&
	       !memcmp(target, prefix, strlen(prefix));
}

/* What is looked for, and who is told. */
struct search {
	struct uvf_fds *fds;
	void (*fn)(void *arg, pid_t pid, const struct uvf_file *file);
	void *arg;
};

/*
 * One descriptor of a process, told of when it is one of ours; false: that was
 * the last.  All of it is one look: a file that is held here while its client
 * closes it would still be open to the client's next call.
 */
static bool look_at_next(const struct search *search, pid_t pid, DIR *dir)
{
	struct uvf_file *file = NULL;
	struct dirent *entry;
	struct stat st;

	uvf_fds_look_begin(search->fds);
	entry = readdir(dir);
	if (entry && is_memfd(dirfd(dir), entry->d_name) &&
	    !fstatat(dirfd(dir), entry->d_name, &st, 0))
		file = uvf_fds_find_inode(search->fds, st.st_dev, st.st_ino);
	if (file)
		search->fn(search->arg, pid, file);
	uvf_file_put(file);
	uvf_fds_look_end(search->fds);
	return entry;
}

static void search_process(void *arg, pid_t pid)
{
	char path[64];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && look_at_next(arg, pid, dir))
		;
	if (dir)
		closedir(dir);
}

void uvf_holders_each(struct uvf_fds *fds,
		      void (*fn)(void *arg, pid_t pid,
				 const struct uvf_file *file),
		      void *arg)
{
	struct search search = {fds, fn, arg};

	uvf_proc_each_descendant(search_process, &search);
}

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

/* What the next descriptor of a process is; NULL: none of ours. */
static struct uvf_file *next_file(struct uvf_fds *fds, DIR *dir, bool *ret_more)
{
	struct dirent *entry;
	struct stat st;
	bool is_ours;

	uvf_fds_look_begin(fds);
	entry = readdir(dir);
	is_ours = entry && is_memfd(dirfd(dir), entry->d_name) &&
		  !fstatat(dirfd(dir), entry->d_name, &st, 0);
	uvf_fds_look_end(fds);
	*ret_more = entry;
	return is_ours ? uvf_fds_find_inode(fds, st.st_dev, st.st_ino) : NULL;
}

static void search_process(void *arg, pid_t pid)
{
	const struct search *search = arg;
	struct uvf_file *file;
	bool is_more = true;
	char path[64];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && is_more) {
		file = next_file(search->fds, dir, &is_more);
		if (!file)
			continue;
		search->fn(search->arg, pid, file);
		uvf_file_put(file);
	}
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

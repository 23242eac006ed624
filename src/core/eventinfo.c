/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/eventinfo.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A line such as "eventfd-count:                1". */
static bool read_field(int dir, const char *file, const char *field,
		       uint64_t *ret_value, int base)
{
	char text[512];
	const char *at;
	ssize_t n;
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	at = strstr(text, field);
	if (!at)
		return false;
	at += strlen(field);
	return sscanf(at, base == 16 ? "%" SCNx64 : "%" SCNu64, ret_value) == 1;
}

static bool read_own_field(int fd, const char *field, uint64_t *ret_value,
			   int base)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return read_field(AT_FDCWD, path, field, ret_value, base);
}

bool uvf_eventinfo_count(int fd, uint64_t *ret_count)
{
	return read_own_field(fd, "eventfd-count:", ret_count, 16);
}

static bool process_has(const char *pid, uint64_t id)
{
	char path[300];
	bool found = false;
	struct dirent *entry;
	uint64_t other;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' &&
			read_field(dirfd(dir), entry->d_name,
				   "eventfd-id:", &other, 10) &&
			other == id;
	closedir(dir);
	return found;
}

bool uvf_eventinfo_is_held_elsewhere(int fd)
{
	bool found = false;
	struct dirent *entry;
	char self[16];
	uint64_t id;
	DIR *dir;

	if (!read_own_field(fd, "eventfd-id:", &id, 10))
		return true;
	dir = opendir("/proc");
	if (!dir)
		return true;
	snprintf(self, sizeof(self), "%d", (int)getpid());
	while (!found && (entry = readdir(dir)))
		found = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			strcmp(entry->d_name, self) != 0 &&
			process_has(entry->d_name, id);
	closedir(dir);
	return found;
}

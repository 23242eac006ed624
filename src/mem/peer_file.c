/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three ways lead to the file: its mapping, for root; a descriptor of it
 * that the process still holds; its name.
 */
#include "mem/peer_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem/vma.h"

/* How to open what a window wants. */
static int open_flags(const struct uvf_window_want *want)
{
	return (want->is_writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY;
}

static bool is_wanted(int dir_fd, const char *name,
		      const struct uvf_window_want *want)
{
	struct stat st;

	return !fstatat(dir_fd, name, &st, 0) && S_ISREG(st.st_mode) &&
	       st.st_dev == want->dev && st.st_ino == want->inode;
}

static int open_by_mapping(struct uvf_peer *peer, const struct uvf_vma *vma,
			   const struct uvf_window_want *want)
{
	char name[64];
	int fd;

	if (atomic_load_explicit(&peer->has_no_map_files, memory_order_relaxed))
		return -1;
	snprintf(name, sizeof(name), "map_files/%llx-%llx",
		 (unsigned long long)vma->addr.first,
		 (unsigned long long)vma->addr.last + 1);
	fd = openat(peer->proc_fd, name, open_flags(want));
	if (fd < 0 && errno == EPERM)
		atomic_store_explicit(&peer->has_no_map_files, true,
				      memory_order_relaxed);
	return fd;
}

static int open_number(struct uvf_peer *peer, int dir_fd, int number,
		       const struct uvf_window_want *want)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", number);
	if (!is_wanted(dir_fd, name, want))
		return -1;
	atomic_store_explicit(&peer->fd_hint, number, memory_order_relaxed);
	return openat(dir_fd, name, open_flags(want));
}

static int search_directory(struct uvf_peer *peer, DIR *dir,
			    const struct uvf_window_want *want)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		fd = open_number(peer, dirfd(dir),
				 (int)strtol(entry->d_name, NULL, 10), want);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static int open_by_descriptor(struct uvf_peer *peer,
			      const struct uvf_window_want *want)
{
	int hint = atomic_load_explicit(&peer->fd_hint, memory_order_relaxed);
	int dir_fd =
		openat(peer->proc_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = dir_fd < 0 ? NULL : fdopendir(dir_fd);
	int fd = -1;

	if (!dir) {
		if (dir_fd >= 0)
			close(dir_fd);
		return -1;
	}
	/* Memory made of many files is mapped in the order it was opened. */
	for (int i = 0; i < 2 && fd < 0; i++)
		fd = open_number(peer, dir_fd, hint + i, want);
	if (fd < 0)
		fd = search_directory(peer, dir, want);
	closedir(dir);
	return fd;
}

static int open_by_name(struct uvf_peer *peer, const struct uvf_vma *vma,
			const struct uvf_window_want *want)
{
	char name[UVF_VMA_NAME_MAX];
	struct uvf_vma again;
	int root_fd, fd;

	if (uvf_vma_find(peer->maps_fd, vma->addr.first, &again, name) ||
	    name[0] != '/' || !name[1])
		return -1;
	/* The name means something in the process's mount namespace. */
	root_fd =
		openat(peer->proc_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -1;
	fd = is_wanted(root_fd, name + 1, want)
		     ? openat(root_fd, name + 1, open_flags(want))
		     : -1;
	close(root_fd);
	return fd;
}

static int open_file(struct uvf_peer *peer, const struct uvf_vma *vma,
		     const struct uvf_window_want *want)
{
	int fd = open_by_mapping(peer, vma, want);

	if (fd < 0)
		fd = open_by_descriptor(peer, want);
	if (fd < 0)
		fd = open_by_name(peer, vma, want);
	return fd;
}

int uvf_peer_window(struct uvf_peer *peer, const struct uvf_vma *vma,
		    struct uvf_range piece, bool is_writable,
		    struct uvf_window **ret_window)
{
	struct uvf_window_want want = {
		.dev = vma->dev,
		.inode = vma->inode,
		.is_writable = is_writable,
	};
	struct uvf_window *window;
	int fd, ret;

	want.bytes.first = vma->offset + (piece.first - vma->addr.first);
	want.bytes.last = vma->offset + (piece.last - vma->addr.first);
	window = uvf_window_lookup(&peer->windows, &want);
	if (window) {
		*ret_window = window;
		return 0;
	}
	fd = open_file(peer, vma, &want);
	if (fd < 0)
		return -ENOENT;
	ret = uvf_window_create(&peer->windows, fd, &want, ret_window);
	close(fd);
	return ret;
}

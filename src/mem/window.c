/* SPDX-License-Identifier: BSD-3-Clause */
#include "mem/window.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/alloc.h"
#include "base/bug.h"

/* A file up to this size is mapped as a whole, once. */
#define WHOLE_FILE_MAX (1ull << 40)
#define PAGE_BYTES     4096ull

static struct uvf_list *bucket_of(struct uvf_windows *windows, ino_t inode)
{
	return &windows->buckets[inode % UVF_WINDOW_BUCKETS];
}

void uvf_windows_init(struct uvf_windows *windows)
{
	uvf_mutex_init(&windows->lock);
	for (unsigned int i = 0; i < UVF_WINDOW_BUCKETS; i++)
		uvf_list_init(&windows->buckets[i]);
}

void uvf_windows_fini(struct uvf_windows *windows)
{
	for (unsigned int i = 0; i < UVF_WINDOW_BUCKETS; i++)
		UVF_BUG_ON(!uvf_list_is_empty(&windows->buckets[i]));
	uvf_mutex_fini(&windows->lock);
}

static bool is_window_for(const struct uvf_window *window,
			  const struct uvf_window_want *want)
{
	return window->inode == want->inode && window->dev == want->dev &&
	       (window->is_writable || !want->is_writable) &&
	       uvf_range_contains(window->bytes, want->bytes);
}

struct uvf_window *uvf_window_lookup(struct uvf_windows *windows,
				     const struct uvf_window_want *want)
{
	struct uvf_list *bucket = bucket_of(windows, want->inode);
	struct uvf_window *found = NULL;
	struct uvf_list *node;

	uvf_lock(&windows->lock);
	uvf_list_for_each (node, bucket) {
		struct uvf_window *window =
			uvf_list_entry(node, struct uvf_window, node);

		if (is_window_for(window, want)) {
			window->count++;
			found = window;
			break;
		}
	}
	uvf_unlock(&windows->lock);
	return found;
}

/* What a mapping of the file must be a multiple of. */
static uint64_t granule_of(int fd)
{
	struct statfs fs;

	if (!fstatfs(fd, &fs) && fs.f_type == HUGETLBFS_MAGIC)
		return (uint64_t)fs.f_bsize;
	return PAGE_BYTES;
}

/*
 * Which bytes of the file to map for those wanted; -EFAULT when the file
 * ends before them.
 */
static int choose(int fd, const struct stat *st, struct uvf_range want,
		  struct uvf_range *ret_bytes)
{
	uint64_t mask = granule_of(fd) - 1;
	uint64_t end; /* of the last page the file has */

	if (st->st_size <= 0)
		return -EFAULT;
	end = ((uint64_t)st->st_size - 1) | mask;
	if (want.last > end)
		return -EFAULT;
	if (end < WHOLE_FILE_MAX)
		*ret_bytes = (struct uvf_range){0, end};
	else
		*ret_bytes = (struct uvf_range){want.first & ~mask,
						want.last | mask};
	return 0;
}

static int map_file(struct uvf_window *window, int fd)
{
	int prot = PROT_READ | (window->is_writable ? PROT_WRITE : 0);
	/* The client's own mapping has reserved what must be reserved. */
	void *ptr = mmap(NULL, uvf_range_size(window->bytes), prot,
			 MAP_SHARED | MAP_NORESERVE, fd,
			 (off_t)window->bytes.first);

	if (ptr == MAP_FAILED)
		return -ENOENT;
	window->ptr = ptr;
	return 0;
}

int uvf_window_create(struct uvf_windows *windows, int fd,
		      const struct uvf_window_want *want,
		      struct uvf_window **ret_window)
{
	struct uvf_window *window;
	struct uvf_range bytes;
	struct stat st;
	int ret;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_dev != want->dev ||
	    st.st_ino != want->inode)
		return -ENOENT;
	ret = choose(fd, &st, want->bytes, &bytes);
	if (ret)
		return ret;
	window = uvf_zalloc(sizeof(*window));
	if (!window)
		return -ENOMEM;
	window->owner = windows;
	window->count = 1;
	window->dev = want->dev;
	window->inode = want->inode;
	window->is_writable = want->is_writable;
	window->bytes = bytes;
	ret = map_file(window, fd);
	if (ret) {
		uvf_free(window);
		return ret;
	}
	uvf_lock(&windows->lock);
	uvf_list_add(bucket_of(windows, window->inode), &window->node);
	uvf_unlock(&windows->lock);
	*ret_window = window;
	return 0;
}

void uvf_window_put(struct uvf_window *window)
{
	struct uvf_windows *owner;
	bool is_last;

	if (!window)
		return;
	owner = window->owner;
	uvf_lock(&owner->lock);
	is_last = !--window->count;
	if (is_last)
		uvf_list_remove(&window->node);
	uvf_unlock(&owner->lock);
	if (!is_last)
		return;
	munmap(window->ptr, uvf_range_size(window->bytes));
	uvf_free(window);
}

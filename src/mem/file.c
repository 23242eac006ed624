/* SPDX-License-Identifier: BSD-3-Clause */
#include "mem/file.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "mem/window.h"

#define PAGE_BYTES 4096ull

struct file_mm {
	struct uvf_mm mm;
	int fd;
	struct uvf_windows windows;
};

static struct file_mm *file_of(struct uvf_mm *mm)
{
	return uvf_container_of(mm, struct file_mm, mm);
}

static int file_read(struct uvf_mm *mm, uint64_t addr, void *buf, size_t len)
{
	return pread(file_of(mm)->fd, buf, len, (off_t)addr) == (ssize_t)len
		       ? 0
		       : -EFAULT;
}

static int file_write(struct uvf_mm *mm, uint64_t addr, const void *buf,
		      size_t len)
{
	return pwrite(file_of(mm)->fd, buf, len, (off_t)addr) == (ssize_t)len
		       ? 0
		       : -EFAULT;
}

/* Files that are memory, be they of memfd_create() or of a file system. */
static bool is_memory(int fd, struct stat *ret_st)
{
	struct statfs fs;

	return !fstat(fd, ret_st) && S_ISREG(ret_st->st_mode) &&
	       !fstatfs(fd, &fs) &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC);
}

static int file_map(struct uvf_mm *mm, struct uvf_range vaddr, uint32_t prot,
		    struct uvf_mem *mem)
{
	struct file_mm *file = file_of(mm);
	struct uvf_mem_span span = {.size = uvf_range_size(vaddr)};
	struct uvf_window_want want = {
		.is_writable = prot & UVF_PROT_WRITE,
		.bytes = vaddr,
	};
	struct stat st;
	int ret;

	if (!is_memory(file->fd, &st) ||
	    (vaddr.last | (PAGE_BYTES - 1)) >= (uint64_t)st.st_size)
		return -EINVAL;
	want.dev = st.st_dev;
	want.inode = st.st_ino;
	span.window = uvf_window_lookup(&file->windows, &want);
	if (!span.window) {
		ret = uvf_window_create(&file->windows, file->fd, &want,
					&span.window);
		if (ret)
			return ret == -ENOMEM ? ret : -EINVAL;
	}
	span.ptr = span.window->ptr + (vaddr.first - span.window->bytes.first);
	ret = uvf_mem_add_span(mem, &span);
	if (ret)
		uvf_window_put(span.window);
	return ret;
}

static void file_destroy(struct uvf_mm *mm)
{
	struct file_mm *file = file_of(mm);

	uvf_windows_fini(&file->windows);
	if (file->fd >= 0)
		close(file->fd);
	uvf_free(file);
}

static const struct uvf_mm_ops file_ops = {
	.read = file_read,
	.write = file_write,
	.map = file_map,
	.destroy = file_destroy,
};

int uvf_file_mm_create(struct uvf_mm **ret_mm, int fd)
{
	struct file_mm *file = uvf_zalloc(sizeof(*file));

	if (!file)
		return -ENOMEM;
	file->mm.ops = &file_ops;
	uvf_ref_init(&file->mm.ref);
	file->fd = fd;
	uvf_windows_init(&file->windows);
	*ret_mm = &file->mm;
	return 0;
}

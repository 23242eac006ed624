/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Linux 6.11 answers by an ioctl on the file; before, its lines are read.
 * Source: linux/fs.h, struct procmap_query; Documentation/filesystems/proc.
 */
#include "mem/vma.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The ABI, which Debian 12's headers do not know yet. */
struct procmap_query {
	uint64_t size;
	uint64_t query_flags;
	uint64_t query_addr;
	uint64_t vma_start;
	uint64_t vma_end;
	uint64_t vma_flags;
	uint64_t vma_page_size;
	uint64_t vma_offset;
	uint64_t inode;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint32_t vma_name_size;
	uint32_t build_id_size;
	uint64_t vma_name_addr;
	uint64_t build_id_addr;
};

#define PROCMAP_QUERY        _IOWR('f', 17, struct procmap_query)
#define PROCMAP_VMA_READABLE 0x01u
#define PROCMAP_VMA_WRITABLE 0x02u
#define PROCMAP_VMA_SHARED   0x08u

/* Set once the kernel refused the ioctl, or by a test. */
static atomic_bool is_text_only;

void uvf_vma_set_text_only(bool on)
{
	atomic_store_explicit(&is_text_only, on, memory_order_relaxed);
}

static int find_by_query(int maps_fd, uint64_t addr, struct uvf_vma *ret_vma,
			 char *ret_name)
{
	struct procmap_query query = {
		.size = sizeof(query),
		.query_addr = addr,
	};

	if (ret_name) {
		query.vma_name_addr = (uintptr_t)ret_name;
		query.vma_name_size = UVF_VMA_NAME_MAX;
	}
	if (ioctl(maps_fd, PROCMAP_QUERY, &query))
		return -errno;
	if (ret_name && !query.vma_name_size)
		ret_name[0] = 0;
	*ret_vma = (struct uvf_vma){
		.addr = {query.vma_start, query.vma_end - 1},
		.is_readable = query.vma_flags & PROCMAP_VMA_READABLE,
		.is_writable = query.vma_flags & PROCMAP_VMA_WRITABLE,
		.is_shared = query.vma_flags & PROCMAP_VMA_SHARED,
		.offset = query.vma_offset,
		.dev = makedev(query.dev_major, query.dev_minor),
		.inode = query.inode,
		.page_size = query.vma_page_size,
	};
	return 0;
}

/* One line of the file; false when it is none. */
static bool parse(const char *line, struct uvf_vma *ret_vma,
		  const char **ret_name)
{
	unsigned long long first, end, offset, inode;
	unsigned int major, minor;
	char flags[5];
	int name = 0;

	if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu %n", &first, &end,
		   flags, &offset, &major, &minor, &inode, &name) != 7)
		return false;
	*ret_vma = (struct uvf_vma){
		.addr = {first, end - 1},
		.is_readable = flags[0] == 'r',
		.is_writable = flags[1] == 'w',
		.is_shared = flags[3] == 's',
		.offset = offset,
		.dev = makedev(major, minor),
		.inode = (ino_t)inode,
		.page_size = 4096,
	};
	*ret_name = line + name;
	return true;
}

/*
 * Look through the whole lines of a text that ends in NUL.  Return how many
 * bytes they are; *ret says 0 when the address was found.
 */
static size_t scan(char *text, uint64_t addr, struct uvf_vma *ret_vma,
		   char *ret_name, int *ret)
{
	char *line = text;
	char *end;

	while ((end = strchr(line, '\n'))) {
		struct uvf_vma vma;
		const char *name;

		*end = 0;
		if (parse(line, &vma, &name) && addr >= vma.addr.first &&
		    addr <= vma.addr.last) {
			*ret_vma = vma;
			if (ret_name)
				snprintf(ret_name, UVF_VMA_NAME_MAX, "%s",
					 name);
			*ret = 0;
		}
		line = end + 1;
	}
	return (size_t)(line - text);
}

static int find_by_text(int maps_fd, uint64_t addr, struct uvf_vma *ret_vma,
			char *ret_name)
{
	char text[2 * UVF_VMA_NAME_MAX];
	size_t kept = 0;
	off_t pos = 0;
	int ret = -EFAULT;

	/* Positioned reads: several threads may use one descriptor. */
	while (ret) {
		ssize_t got = pread(maps_fd, text + kept,
				    sizeof(text) - 1 - kept, pos);
		size_t used;

		if (got <= 0)
			return -EFAULT;
		pos += got;
		kept += (size_t)got;
		text[kept] = 0;
		used = scan(text, addr, ret_vma, ret_name, &ret);
		kept -= used;
		memmove(text, text + used, kept);
		if (kept == sizeof(text) - 1)
			return -EFAULT;
	}
	return 0;
}

int uvf_vma_find(int maps_fd, uint64_t addr, struct uvf_vma *ret_vma,
		 char *ret_name)
{
	int ret;

	if (!atomic_load_explicit(&is_text_only, memory_order_relaxed)) {
		ret = find_by_query(maps_fd, addr, ret_vma, ret_name);
		if (ret != -ENOTTY)
			return ret ? -EFAULT : 0;
		uvf_vma_set_text_only(true);
	}
	return find_by_text(maps_fd, addr, ret_vma, ret_name);
}

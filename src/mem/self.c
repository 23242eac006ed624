/* SPDX-License-Identifier: BSD-3-Clause */
#include "mem/self.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "mem/copy.h"
#include "mem/pages.h"
#include "mem/vma.h"

#define PAGE_BYTES 4096u
/* Up to here, touching each page is cheaper than asking what it is. */
#define TOUCH_BYTES_MAX (64 * PAGE_BYTES)

struct self {
	struct uvf_mm mm;
	int maps_fd;
};

static struct self *self_of(struct uvf_mm *mm)
{
	return uvf_container_of(mm, struct self, mm);
}

static void *pointer(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

static int self_read(struct uvf_mm *mm, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = {buf, len};
	struct iovec remote = {pointer(addr), len};

	(void)mm;
	if (uvf_copy_guard_is_on())
		return uvf_copy_from(buf, pointer(addr), len);
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) !=
	    (ssize_t)len)
		return -EFAULT;
	return 0;
}

static int self_write(struct uvf_mm *mm, uint64_t addr, const void *buf,
		      size_t len)
{
	struct iovec local = {pointer((uintptr_t)buf), len};
	struct iovec remote = {pointer(addr), len};

	(void)mm;
	if (uvf_copy_guard_is_on())
		return uvf_copy_to(pointer(addr), buf, len);
	if (process_vm_writev(getpid(), &local, 1, &remote, 1, 0) !=
	    (ssize_t)len)
		return -EFAULT;
	return 0;
}

/* A byte of each page; the kernel populates them as well. */
static int touch(struct uvf_range vaddr)
{
	uint64_t pages = uvf_range_size(vaddr) / PAGE_BYTES;

	for (uint64_t i = 0; i < pages; i++)
		if (uvf_copy_probe(vaddr.first + i * PAGE_BYTES, true))
			return -EFAULT;
	return 0;
}

/* Whether the end of a file lies before this byte. */
static bool is_past_file(struct uvf_mm *mm, const struct uvf_vma *vma,
			 uint64_t addr)
{
	uint8_t byte;

	return vma->inode && vma->is_readable && self_read(mm, addr, &byte, 1);
}

static int check(struct uvf_mm *mm, struct uvf_range vaddr, uint32_t prot)
{
	uint64_t addr = vaddr.first;

	for (;;) {
		struct uvf_vma vma;
		uint64_t last;

		if (uvf_vma_find(self_of(mm)->maps_fd, addr, &vma, NULL))
			return -EFAULT;
		if (prot & UVF_PROT_WRITE ? !vma.is_writable : !vma.is_readable)
			return -EFAULT;
		last = vma.addr.last < vaddr.last ? vma.addr.last : vaddr.last;
		if (is_past_file(mm, &vma, last))
			return -EFAULT;
		if (last == vaddr.last)
			return 0;
		addr = last + 1;
	}
}

static int self_map(struct uvf_mm *mm, struct uvf_range vaddr, uint32_t prot,
		    struct uvf_mem *mem)
{
	struct uvf_mem_span span = {
		.size = uvf_range_size(vaddr),
		.ptr = pointer(vaddr.first),
	};
	bool is_guarded = uvf_copy_guard_is_on();
	int ret;

	if (is_guarded && prot & UVF_PROT_WRITE &&
	    vaddr.last - vaddr.first < TOUCH_BYTES_MAX)
		ret = touch(vaddr);
	else
		ret = check(mm, vaddr, prot);
	if (ret || !is_guarded)
		return ret;
	return uvf_mem_add_span(mem, &span);
}

static uint64_t self_page_size(struct uvf_mm *mm, struct uvf_range vaddr)
{
	return uvf_pages_size(self_of(mm)->maps_fd, vaddr);
}

static uint64_t self_unwritten_pages(struct uvf_mm *mm, struct uvf_range vaddr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t count;

	if (fd < 0)
		return 0;
	count = uvf_pages_unwritten(self_of(mm)->maps_fd, fd, vaddr);
	close(fd);
	return count;
}

static void self_destroy(struct uvf_mm *mm)
{
	struct self *self = self_of(mm);

	close(self->maps_fd);
	uvf_free(self);
}

static const struct uvf_mm_ops self_ops = {
	.read = self_read,
	.write = self_write,
	.map = self_map,
	.page_size = self_page_size,
	.unwritten_pages = self_unwritten_pages,
	.destroy = self_destroy,
};

int uvf_self_create(struct uvf_mm **ret_mm)
{
	struct self *self = uvf_zalloc(sizeof(*self));

	if (!self)
		return -ENOMEM;
	self->maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (self->maps_fd < 0) {
		int ret = -errno;

		uvf_free(self);
		return ret;
	}
	self->mm.ops = &self_ops;
	uvf_ref_init(&self->mm.ref);
	*ret_mm = &self->mm;
	return 0;
}

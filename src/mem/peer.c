/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A copy for a system call goes by process_vm_*(), which respects the
 * protection of pages as the kernel's own copies do.  A copy for a device
 * goes by /proc/PID/mem, which is bound to the program that mapped the
 * memory and, like a page that was pinned, does not know mprotect().
 */
#include "mem/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mem/copy.h"
#include "mem/pages.h"
#include "mem/peer_file.h"
#include "mem/vma.h"

static uvf_peer_device_fn *device_lookup;

void uvf_peer_set_device_memory(uvf_peer_device_fn *lookup)
{
	device_lookup = lookup;
}

static struct uvf_peer *peer_of(struct uvf_mm *mm)
{
	return uvf_container_of(mm, struct uvf_peer, mm);
}

/* Whether the number is still the process it was: only then it is reused. */
static bool has_pid(const struct uvf_peer *peer)
{
	return !syscall(SYS_pidfd_send_signal, peer->proc_fd, 0, NULL, 0) ||
	       errno != ESRCH;
}

static int peer_read(struct uvf_mm *mm, uint64_t addr, void *buf, size_t len)
{
	struct uvf_peer *peer = peer_of(mm);
	struct iovec local = {buf, len};
	struct iovec remote = {(void *)(uintptr_t)addr, len};

	if (process_vm_readv(peer->pid, &local, 1, &remote, 1, 0) !=
	    (ssize_t)len)
		return -EFAULT;
	return has_pid(peer) ? 0 : -EFAULT;
}

static int peer_write(struct uvf_mm *mm, uint64_t addr, const void *buf,
		      size_t len)
{
	struct uvf_peer *peer = peer_of(mm);
	struct iovec local = {(void *)(uintptr_t)buf, len};
	struct iovec remote = {(void *)(uintptr_t)addr, len};

	if (!has_pid(peer) || process_vm_writev(peer->pid, &local, 1, &remote,
						1, 0) != (ssize_t)len)
		return -EFAULT;
	return 0;
}

static int peer_dma_read(struct uvf_mm *mm, uint64_t addr, void *buf,
			 size_t len)
{
	return pread(peer_of(mm)->mem_fd, buf, len, (off_t)addr) == (ssize_t)len
		       ? 0
		       : -EFAULT;
}

static int peer_dma_write(struct uvf_mm *mm, uint64_t addr, const void *buf,
			  size_t len)
{
	return pwrite(peer_of(mm)->mem_fd, buf, len, (off_t)addr) ==
			       (ssize_t)len
		       ? 0
		       : -EFAULT;
}

/* Whether the end of a file lies before this byte of a mapping of it. */
static bool is_past_file(struct uvf_peer *peer, const struct uvf_vma *vma,
			 uint64_t addr)
{
	uint8_t byte;

	return vma->inode && vma->is_readable &&
	       peer_dma_read(&peer->mm, addr, &byte, 1);
}

/*
 * A piece that may be of a BAR.
 * Return: 1 it is, and a part of the memory now; 0 it is not; or -EFAULT
 * nothing answers there, or it must not be a device; -ENOMEM.
 */
static int map_device(const struct uvf_vma *vma, struct uvf_range piece,
		      uint32_t prot, struct uvf_mem *mem)
{
	struct uvf_mem_span span = {
		.offset = piece.first - mem->vaddr,
		.size = uvf_range_size(piece),
		.io_offset = vma->offset + (piece.first - vma->addr.first),
	};
	int ret;

	if (!vma->inode || !device_lookup)
		return 0;
	ret = device_lookup(vma->dev, vma->inode, span.io_offset, &span.io);
	if (ret <= 0)
		return ret;
	if (prot & UVF_MEM_NO_DEVICE)
		ret = -EFAULT;
	else if (span.io && uvf_mem_add_span(mem, &span))
		ret = -ENOMEM;
	if (ret < 0 && span.io)
		span.io->ops->destroy(span.io);
	return ret;
}

/* Check, and map here if it can be, one piece that lies in one VMA. */
static int map_piece(struct uvf_peer *peer, const struct uvf_vma *vma,
		     struct uvf_range piece, uint32_t prot, struct uvf_mem *mem)
{
	bool is_written = prot & UVF_PROT_WRITE;
	struct uvf_mem_span span = {
		.offset = piece.first - mem->vaddr,
		.size = uvf_range_size(piece),
	};
	int ret = map_device(vma, piece, prot, mem);

	if (ret)
		return ret < 0 ? ret : 0;
	if (is_written ? !vma->is_writable : !vma->is_readable)
		return -EFAULT;
	ret = -ENOENT;
	if (vma->inode && vma->is_shared && uvf_copy_guard_is_on())
		ret = uvf_peer_window(peer, vma, piece, is_written,
				      &span.window);
	if (ret == -ENOENT)
		return is_past_file(peer, vma, piece.last) ? -EFAULT : 0;
	if (ret)
		return ret;
	span.ptr = span.window->ptr + (piece.first - vma->addr.first +
				       vma->offset - span.window->bytes.first);
	/* The window may be older than the file's present end. */
	ret = uvf_copy_probe((uintptr_t)(span.ptr + span.size - 1), false);
	if (!ret)
		ret = uvf_mem_add_span(mem, &span);
	if (ret)
		uvf_window_put(span.window);
	return ret;
}

static int peer_map(struct uvf_mm *mm, struct uvf_range vaddr, uint32_t prot,
		    struct uvf_mem *mem)
{
	struct uvf_peer *peer = peer_of(mm);
	struct uvf_range piece = vaddr;
	int ret;

	for (;;) {
		struct uvf_vma vma;

		ret = uvf_vma_find(peer->maps_fd, piece.first, &vma, NULL);
		if (ret)
			return ret;
		piece.last =
			vma.addr.last < vaddr.last ? vma.addr.last : vaddr.last;
		ret = map_piece(peer, &vma, piece, prot, mem);
		if (ret || piece.last == vaddr.last)
			return ret;
		piece.first = piece.last + 1;
	}
}

static uint64_t peer_page_size(struct uvf_mm *mm, struct uvf_range vaddr)
{
	return uvf_pages_size(peer_of(mm)->maps_fd, vaddr);
}

static uint64_t peer_unwritten_pages(struct uvf_mm *mm, struct uvf_range vaddr)
{
	struct uvf_peer *peer = peer_of(mm);
	int fd = openat(peer->proc_fd, "pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t count;

	if (fd < 0)
		return 0;
	count = uvf_pages_unwritten(peer->maps_fd, fd, vaddr);
	close(fd);
	return count;
}

static void close_files(struct uvf_peer *peer)
{
	const int fds[] = {peer->mem_fd, peer->maps_fd, peer->proc_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void peer_destroy(struct uvf_mm *mm)
{
	struct uvf_peer *peer = peer_of(mm);

	close_files(peer);
	uvf_windows_fini(&peer->windows);
	uvf_free(peer);
}

static const struct uvf_mm_ops peer_ops = {
	.read = peer_read,
	.write = peer_write,
	.dma_read = peer_dma_read,
	.dma_write = peer_dma_write,
	.map = peer_map,
	.page_size = peer_page_size,
	.unwritten_pages = peer_unwritten_pages,
	.destroy = peer_destroy,
};

static int open_files(struct uvf_peer *peer)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)peer->pid);
	peer->proc_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (peer->proc_fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	peer->maps_fd = openat(peer->proc_fd, "maps", O_RDONLY | O_CLOEXEC);
	if (peer->maps_fd < 0)
		return -errno;
	peer->mem_fd = openat(peer->proc_fd, "mem", O_RDWR | O_CLOEXEC);
	if (peer->mem_fd < 0)
		return -errno;
	return 0;
}

int uvf_peer_create(struct uvf_mm **ret_mm, pid_t pid)
{
	struct uvf_peer *peer = uvf_zalloc(sizeof(*peer));
	int ret;

	if (!peer)
		return -ENOMEM;
	peer->pid = pid;
	peer->proc_fd = -1;
	peer->maps_fd = -1;
	peer->mem_fd = -1;
	ret = open_files(peer);
	if (ret) {
		close_files(peer);
		uvf_free(peer);
		return ret;
	}
	uvf_windows_init(&peer->windows);
	peer->mm.ops = &peer_ops;
	uvf_ref_init(&peer->mm.ref);
	*ret_mm = &peer->mm;
	return 0;
}

bool uvf_peer_is_current(struct uvf_mm *mm)
{
	char byte;

	/* The list of an address space that is gone is empty. */
	return pread(peer_of(mm)->maps_fd, &byte, 1, 0) == 1;
}

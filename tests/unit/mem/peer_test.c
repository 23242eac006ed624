/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of another process: a child that does as it is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "mem/copy.h"
#include "mem/peer.h"
#include "mem/vma.h"
#include "mem/window.h"

#define PAGE 4096u
#define HUGE 0x200000u
#define R    UVF_PROT_READ
#define W    UVF_PROT_WRITE
#define RW   (PROT_READ | PROT_WRITE)

enum op {
	MAP,
	UNMAP,
	PROTECT,
	TRUNCATE,
	CLOSE,
	PEEK,
	POKE,
	MEMFD,
	FILE_AT,
	EXEC
};

struct order {
	enum op op;
	uint64_t addr, len, offset;
	int prot, flags, fd;
	char path[64];
};

struct child {
	pid_t pid;
	int sock;
	struct uvf_mm *mm;
};

static int64_t obey(const struct order *o)
{
	void *addr = (void *)(uintptr_t)o->addr;
	static char *const args[] = {(char *)(uintptr_t) "sleep",
				     (char *)(uintptr_t) "1000", NULL};

	switch (o->op) {
	case MAP:
		return (int64_t)(uintptr_t)mmap(addr, o->len, o->prot, o->flags,
						o->fd, (off_t)o->offset);
	case UNMAP:
		return munmap(addr, o->len);
	case PROTECT:
		return mprotect(addr, o->len, o->prot);
	case TRUNCATE:
		return ftruncate(o->fd, (off_t)o->len);
	case CLOSE:
		return close(o->fd);
	case PEEK:
		return *(volatile uint8_t *)addr;
	case POKE:
		memset(addr, o->prot, o->len);
		return 0;
	case MEMFD:
		return memfd_create("peer", (unsigned int)o->flags);
	case FILE_AT:
		return open(o->path, o->flags, 0600);
	case EXEC:
		return execv("/bin/sleep", args);
	}
	return -1;
}

static void child_main(int sock)
{
	struct order o;

	while (read(sock, &o, sizeof(o)) == sizeof(o)) {
		int64_t ret = obey(&o);

		if (write(sock, &ret, sizeof(ret)) != sizeof(ret))
			break;
	}
	_exit(0);
}

static int64_t tell(struct child *child, struct order o)
{
	int64_t ret;

	assert_int_equal(write(child->sock, &o, sizeof(o)), sizeof(o));
	assert_int_equal(read(child->sock, &ret, sizeof(ret)), sizeof(ret));
	return ret;
}

static int setup(void **state)
{
	static struct child child;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	child.pid = fork();
	if (!child.pid) {
		close(pair[0]);
		child_main(pair[1]);
	}
	close(pair[1]);
	child.sock = pair[0];
	*state = &child;
	return uvf_peer_create(&child.mm, child.pid);
}

static int teardown(void **state)
{
	struct child *child = *state;

	uvf_mm_put(child->mm);
	close(child->sock);
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	return 0;
}

/* In each test: cmocka puts its own handlers before each. */
static struct child *start(void **state)
{
	assert_int_equal(uvf_copy_guard_init(), 0);
	return *state;
}

static uint64_t map(struct child *child, uint64_t len, int prot, int flags,
		    int fd)
{
	int64_t ret = tell(child, (struct order){.op = MAP,
						 .len = len,
						 .prot = prot,
						 .flags = flags,
						 .fd = fd});

	assert_int_not_equal(ret, -1);
	return (uint64_t)ret;
}

static uint64_t map_private(struct child *child, uint64_t len, int prot)
{
	return map(child, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static int memfd(struct child *child, uint64_t len, unsigned int flags)
{
	int64_t fd =
		tell(child, (struct order){.op = MEMFD, .flags = (int)flags});

	assert_true(fd >= 0);
	assert_int_equal(
		tell(child,
		     (struct order){.op = TRUNCATE, .fd = (int)fd, .len = len}),
		0);
	return (int)fd;
}

static void poke(struct child *child, uint64_t addr, uint64_t len, int value)
{
	tell(child,
	     (struct order){
		     .op = POKE, .addr = addr, .len = len, .prot = value});
}

static uint8_t peek(struct child *child, uint64_t addr)
{
	return (uint8_t)tell(child, (struct order){.op = PEEK, .addr = addr});
}

static int create(struct child *child, uint64_t addr, uint64_t len,
		  uint32_t prot, struct uvf_mem **ret_mem)
{
	return uvf_mem_create(ret_mem, child->mm,
			      (struct uvf_range){addr, addr + len - 1}, prot);
}

static int try(struct child *child, uint64_t addr, uint64_t len, uint32_t prot)
{
	struct uvf_mem *mem;
	int ret = create(child, addr, len, prot, &mem);

	if (!ret)
		uvf_mem_put(mem);
	return ret;
}

/* Both sides see what the other stores. */
static void check_shared(struct child *child, struct uvf_mem *mem,
			 uint64_t addr, uint64_t offset)
{
	uint8_t byte = 0x5c;

	assert_int_equal(uvf_mem_write(mem, offset, &byte, 1), 0);
	assert_int_equal(peek(child, addr + offset), 0x5c);
	poke(child, addr + offset, 1, 0x33);
	assert_int_equal(uvf_mem_read(mem, offset, &byte, 1), 0);
	assert_int_equal(byte, 0x33);
}

static void copies_arguments_as_the_kernel_does(void **state)
{
	struct child *child = start(state);
	uint64_t p = map_private(child, 3 * PAGE, RW);
	const struct uvf_mm_ops *ops = child->mm->ops;
	uint8_t buf[16] = "argument";

	tell(child,
	     (struct order){.op = UNMAP, .addr = p + 2 * PAGE, .len = PAGE});
	tell(child, (struct order){.op = PROTECT,
				   .addr = p + PAGE,
				   .len = PAGE,
				   .prot = PROT_READ});
	assert_int_equal(ops->write(child->mm, p, buf, 9), 0);
	assert_int_equal(peek(child, p + 1), 'r');
	memset(buf, 0, sizeof(buf));
	assert_int_equal(ops->read(child->mm, p, buf, 9), 0);
	assert_string_equal(buf, "argument");
	assert_int_equal(ops->write(child->mm, p + PAGE, buf, 1), -EFAULT);
	assert_int_equal(ops->write(child->mm, p + PAGE - 4, buf, 8), -EFAULT);
	assert_int_equal(ops->read(child->mm, p + 2 * PAGE - 4, buf, 4), 0);
	assert_int_equal(ops->read(child->mm, p + 2 * PAGE - 4, buf, 8),
			 -EFAULT);
	tell(child,
	     (struct order){
		     .op = PROTECT, .addr = p, .len = PAGE, .prot = PROT_NONE});
	assert_int_equal(ops->read(child->mm, p, buf, 1), -EFAULT);
	assert_int_equal(ops->read(child->mm, 1ull << 63, buf, 1), -EFAULT);
}

static void checks_protections(void **state)
{
	struct child *child = start(state);
	static const struct {
		int prot;
		int r, w, rw;
	} rows[] = {
		{PROT_NONE, -EFAULT, -EFAULT, -EFAULT},
		{PROT_READ, 0, -EFAULT, -EFAULT},
		{PROT_WRITE, -EFAULT, 0, 0},
		{RW, 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = memfd(child, 2 * PAGE, 0);
		uint64_t at[2] = {
			map_private(child, 2 * PAGE, rows[i].prot),
			map(child, 2 * PAGE, rows[i].prot, MAP_SHARED, fd)};

		for (size_t n = 0; n < 2; n++) {
			uint64_t p = at[n];

			assert_int_equal(try(child, p, PAGE, R), rows[i].r);
			assert_int_equal(try(child, p, PAGE, W), rows[i].w);
			assert_int_equal(try(child, p, PAGE, R | W),
					 rows[i].rw);
			/* The second page is no better than the first. */
			tell(child, (struct order){.op = UNMAP,
						   .addr = p + PAGE,
						   .len = PAGE});
			assert_int_equal(try(child, p, 2 * PAGE, R), -EFAULT);
		}
	}
	assert_int_equal(try(child, 0, PAGE, R), -EFAULT);
	assert_int_equal(try(child, 0xffffffff81000000ull, PAGE, R), -EFAULT);
	assert_int_equal(try(child, -(uint64_t)PAGE, PAGE, R | W), -EFAULT);
}

static void reaches_private_memory_by_copies(void **state)
{
	struct child *child = start(state);
	uint64_t p = map_private(child, 4 * PAGE, RW);
	struct uvf_mem *mem;
	uint8_t byte = 1;

	assert_int_equal(create(child, p, 4 * PAGE, R | W, &mem), 0);
	assert_false(mem->is_whole || mem->span_count);
	check_shared(child, mem, p, 3 * PAGE + 7);
	/* A page that was mapped for DMA does not know mprotect(). */
	tell(child,
	     (struct order){.op = PROTECT, .addr = p, .len = PAGE, .prot = 0});
	assert_int_equal(uvf_mem_write(mem, 0, &byte, 1), 0);
	tell(child, (struct order){.op = UNMAP, .addr = p, .len = 4 * PAGE});
	assert_int_equal(uvf_mem_write(mem, 3 * PAGE, &byte, 1), -EFAULT);
	assert_int_equal(uvf_mem_read(mem, 3 * PAGE, &byte, 1), -EFAULT);
	uvf_mem_put(mem);
}

static void maps_a_memfd_here(void **state)
{
	struct child *child = start(state);
	int fd = memfd(child, 16 * PAGE, 0);
	uint64_t p = map(child, 16 * PAGE, RW, MAP_SHARED, fd);
	struct uvf_mem *mem, *part;

	assert_int_equal(create(child, p, 16 * PAGE, R | W, &mem), 0);
	assert_true(mem->is_whole);
	check_shared(child, mem, p, 0);
	check_shared(child, mem, p, 16 * PAGE - 1);
	/* A part of it, for reading: the same window. */
	assert_int_equal(create(child, p + 5 * PAGE, PAGE, R, &part), 0);
	assert_ptr_equal(part->whole.window, mem->whole.window);
	assert_ptr_equal(part->whole.ptr, mem->whole.ptr + 5 * PAGE);
	/* Nothing of the client's own is needed any more. */
	tell(child, (struct order){.op = UNMAP, .addr = p, .len = 16 * PAGE});
	tell(child, (struct order){.op = CLOSE, .fd = fd});
	assert_int_equal(uvf_mem_write(mem, 5 * PAGE, "pinned", 7), 0);
	{
		char back[7];

		assert_int_equal(uvf_mem_read(part, 0, back, 7), 0);
		assert_string_equal(back, "pinned");
	}
	uvf_mem_put(mem);
	uvf_mem_put(part);
}

/* Shows M74. */
static void survives_truncation(void **state)
{
	struct child *child = start(state);
	int fd = memfd(child, 4 * PAGE, 0);
	uint64_t p = map(child, 4 * PAGE, RW, MAP_SHARED, fd);
	struct uvf_mem *mem;
	uint8_t byte = 9;

	assert_int_equal(create(child, p, 4 * PAGE, R | W, &mem), 0);
	tell(child, (struct order){.op = TRUNCATE, .fd = fd, .len = PAGE});
	assert_int_equal(uvf_mem_write(mem, 0, &byte, 1), 0);
	assert_int_equal(uvf_mem_write(mem, PAGE, &byte, 1), -EFAULT);
	assert_int_equal(uvf_mem_read(mem, 3 * PAGE, &byte, 1), -EFAULT);
	assert_int_equal(try(child, p, PAGE, R | W), 0);
	assert_int_equal(try(child, p, 2 * PAGE, R | W), -EFAULT);
	assert_int_equal(try(child, p + PAGE, PAGE, R), -EFAULT);
	uvf_mem_put(mem);
	assert_int_equal(try(child, p + PAGE, PAGE, R), -EFAULT);
	assert_int_equal(try(child, p, 2 * PAGE, R | W), -EFAULT);
}

static void follows_a_file_that_grows(void **state)
{
	struct child *child = start(state);
	int fd = memfd(child, PAGE, 0);
	uint64_t p = map(child, 4 * PAGE, RW, MAP_SHARED, fd);
	struct uvf_mem *small, *large;

	assert_int_equal(create(child, p, PAGE, R | W, &small), 0);
	assert_int_equal(try(child, p, 4 * PAGE, R | W), -EFAULT);
	tell(child, (struct order){.op = TRUNCATE, .fd = fd, .len = 4 * PAGE});
	assert_int_equal(create(child, p, 4 * PAGE, R | W, &large), 0);
	assert_true(large->is_whole);
	check_shared(child, large, p, 3 * PAGE);
	uvf_mem_put(small);
	uvf_mem_put(large);
}

static void reads_a_read_only_memfd(void **state)
{
	struct child *child = start(state);
	int fd = memfd(child, PAGE, 0);
	uint64_t p = map(child, PAGE, PROT_READ, MAP_SHARED, fd);
	uint64_t q = map(child, PAGE, RW, MAP_SHARED, fd);
	struct uvf_mem *mem, *both;
	uint8_t byte;

	assert_int_equal(create(child, p, PAGE, R, &mem), 0);
	assert_true(mem->is_whole);
	poke(child, q, 1, 0x44);
	assert_int_equal(uvf_mem_read(mem, 0, &byte, 1), 0);
	assert_int_equal(byte, 0x44);
	/* The window is for reading; this one needs its own. */
	assert_int_equal(create(child, q, PAGE, R | W, &both), 0);
	check_shared(child, both, q, 9);
	uvf_mem_put(both);
	uvf_mem_put(mem);
}

static void reaches_a_private_file_by_copies(void **state)
{
	struct child *child = start(state);
	int fd = memfd(child, 2 * PAGE, 0);
	uint64_t p = map(child, 3 * PAGE, RW, MAP_PRIVATE, fd);
	struct uvf_mem *mem;

	assert_int_equal(create(child, p, 2 * PAGE, R | W, &mem), 0);
	assert_false(mem->is_whole || mem->span_count);
	check_shared(child, mem, p, PAGE);
	assert_int_equal(try(child, p, 3 * PAGE, R), -EFAULT);
	assert_int_equal(try(child, p + 2 * PAGE, PAGE, R | W), -EFAULT);
	uvf_mem_put(mem);
}

static void crosses_pieces_of_every_kind(void **state)
{
	struct child *child = start(state);
	uint64_t p = map_private(child, 8 * PAGE, RW);
	int fd = memfd(child, 8 * PAGE, 0);
	uint8_t out[8 * PAGE], back[8 * PAGE];
	struct uvf_mem *mem;

	/* Pages 1 and 2, and 5, are of a file. */
	for (uint64_t i = 1; i < 6; i += i == 1 ? 4 : 1)
		assert_int_equal(
			tell(child,
			     (struct order){.op = MAP,
					    .addr = p + i * PAGE,
					    .len = i == 1 ? 2 * PAGE : PAGE,
					    .offset = i * PAGE,
					    .prot = RW,
					    .flags = MAP_SHARED | MAP_FIXED,
					    .fd = fd}),
			(int64_t)(p + i * PAGE));
	assert_int_equal(create(child, p, 8 * PAGE, R | W, &mem), 0);
	assert_int_equal(mem->span_count, 2);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 31 + i / PAGE);
	assert_int_equal(uvf_mem_write(mem, 0, out, sizeof(out)), 0);
	assert_int_equal(uvf_mem_read(mem, 0, back, sizeof(back)), 0);
	assert_memory_equal(out, back, sizeof(out));
	for (size_t i = 0; i < sizeof(out); i += 509)
		assert_int_equal(peek(child, p + i), out[i]);
	uvf_mem_put(mem);
}

static void maps_shared_anonymous_memory(void **state)
{
	struct child *child = start(state);
	uint64_t p = map(child, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1);
	struct uvf_mem *mem;

	assert_int_equal(create(child, p, 4 * PAGE, R | W, &mem), 0);
	/* Only root may open a mapping's file. */
	if (!geteuid())
		assert_true(mem->is_whole);
	check_shared(child, mem, p, PAGE);
	uvf_mem_put(mem);
}

static void finds_a_file_by_its_name(void **state)
{
	struct child *child = start(state);
	struct order o = {.op = FILE_AT, .flags = O_RDWR | O_CREAT | O_EXCL};
	struct uvf_mem *mem;
	uint64_t p;
	int fd;

	snprintf(o.path, sizeof(o.path), "/tmp/uvf-peer-test-%d",
		 (int)getpid());
	fd = (int)tell(child, o);
	assert_true(fd >= 0);
	tell(child, (struct order){.op = TRUNCATE, .fd = fd, .len = 2 * PAGE});
	p = map(child, 2 * PAGE, RW, MAP_SHARED, fd);
	tell(child, (struct order){.op = CLOSE, .fd = fd});
	assert_int_equal(create(child, p, 2 * PAGE, R | W, &mem), 0);
	unlink(o.path);
	check_shared(child, mem, p, PAGE);
	uvf_mem_put(mem);
}

static void maps_huge_pages(void **state)
{
	struct child *child = start(state);
	int64_t fd =
		tell(child, (struct order){.op = MEMFD, .flags = MFD_HUGETLB});
	struct uvf_mem *mem;
	int64_t p;

	if (fd < 0)
		skip();
	tell(child,
	     (struct order){.op = TRUNCATE, .fd = (int)fd, .len = 2 * HUGE});
	p = tell(child, (struct order){.op = MAP,
				       .len = 2 * HUGE,
				       .prot = RW,
				       .flags = MAP_SHARED,
				       .fd = (int)fd});
	if (p == -1)
		skip();
	assert_int_equal(
		create(child, (uint64_t)p + HUGE + PAGE, PAGE, R | W, &mem), 0);
	assert_true(mem->is_whole);
	check_shared(child, mem, (uint64_t)p + HUGE + PAGE, 5);
	uvf_mem_put(mem);
}

static void has_no_part_in_the_next_program(void **state)
{
	struct child *child = start(state);
	uint64_t p = map_private(child, PAGE, RW);
	struct order o = {.op = EXEC};
	struct uvf_mem *mem;
	uint8_t byte = 1;
	char end;

	assert_int_equal(create(child, p, PAGE, R | W, &mem), 0);
	assert_true(uvf_peer_is_current(child->mm));
	assert_int_equal(write(child->sock, &o, sizeof(o)), sizeof(o));
	/* The socket closes when the program is another. */
	assert_int_equal(read(child->sock, &end, 1), 0);
	while (uvf_peer_is_current(child->mm))
		usleep(1000);
	assert_int_equal(uvf_mem_write(mem, 0, &byte, 1), -EFAULT);
	assert_int_equal(uvf_mem_read(mem, 0, &byte, 1), -EFAULT);
	assert_int_equal(try(child, p, PAGE, R), -EFAULT);
	uvf_mem_put(mem);
}

static void has_no_part_in_a_dead_process(void **state)
{
	struct child *child = start(state);
	uint64_t p = map_private(child, PAGE, RW);
	struct uvf_mem *mem;
	struct uvf_mm *none = NULL;
	uint8_t byte = 1;

	assert_int_equal(create(child, p, PAGE, R | W, &mem), 0);
	kill(child->pid, SIGKILL);
	assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
	assert_false(uvf_peer_is_current(child->mm));
	assert_int_equal(uvf_mem_write(mem, 0, &byte, 1), -EFAULT);
	assert_int_equal(child->mm->ops->write(child->mm, p, &byte, 1),
			 -EFAULT);
	assert_int_equal(child->mm->ops->read(child->mm, p, &byte, 1), -EFAULT);
	assert_int_equal(uvf_peer_create(&none, child->pid), -ESRCH);
	assert_null(none);
	uvf_mem_put(mem);
}

static ino_t bar_inode;

/* Eight registers of a device, and what was asked of it last. */
static struct {
	struct uvf_mem_io io;
	uint8_t bytes[64];
	size_t widest;
	unsigned int destroyed;
	bool is_deaf;
} bar;

static int bar_access(struct uvf_mem_io *io, uint64_t offset, void *buf,
		      size_t len, bool is_write)
{
	assert_ptr_equal(io, &bar.io);
	if (bar.is_deaf)
		return -EFAULT;
	assert_true(offset % len == 0 && offset + len <= sizeof(bar.bytes));
	if (len > bar.widest)
		bar.widest = len;
	if (is_write)
		memcpy(bar.bytes + offset, buf, len);
	else
		memcpy(buf, bar.bytes + offset, len);
	return 0;
}

static void bar_destroy(struct uvf_mem_io *io)
{
	assert_ptr_equal(io, &bar.io);
	bar.destroyed++;
}

static const struct uvf_mem_io_ops bar_ops = {
	.access = bar_access,
	.destroy = bar_destroy,
};

static int find_bar(dev_t dev, ino_t inode, uint64_t offset,
		    struct uvf_mem_io **ret_io)
{
	(void)dev;
	bar.io.ops = &bar_ops;
	if (inode != bar_inode || offset)
		return 0;
	*ret_io = &bar.io;
	return 1;
}

static void reaches_a_bar_through_its_device(void **state)
{
	struct child *child = start(state);
	int fd = memfd(child, PAGE, 0);
	uint64_t p = map(child, PAGE, PROT_NONE, MAP_SHARED, fd);
	uint8_t got[11];
	char path[64];
	struct uvf_mem *mem;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)child->pid, fd);
	assert_int_equal(stat(path, &st), 0);
	bar_inode = st.st_ino;
	assert_int_equal(try(child, p, PAGE, R | W), -EFAULT);
	uvf_peer_set_device_memory(find_bar);
	assert_int_equal(try(child, p, PAGE, R | UVF_MEM_NO_DEVICE), -EFAULT);
	assert_int_equal(bar.destroyed, 1);
	assert_int_equal(create(child, p, PAGE, R | W, &mem), 0);
	assert_null(uvf_mem_at(mem, 0, 8));
	assert_int_equal(uvf_mem_write(mem, 13, "hello world", 11), 0);
	assert_memory_equal(bar.bytes + 13, "hello world", 11);
	assert_int_equal(bar.widest, 8);
	assert_int_equal(uvf_mem_read(mem, 13, got, 11), 0);
	assert_memory_equal(got, "hello world", 11);
	bar.is_deaf = true;
	assert_int_equal(uvf_mem_write(mem, 0, "x", 1), -EFAULT);
	assert_int_equal(uvf_mem_read(mem, 0, got, 1), -EFAULT);
	uvf_peer_set_device_memory(NULL);
	uvf_mem_put(mem);
	assert_int_equal(bar.destroyed, 2);
}

static void changes_nothing_when_it_fails(void **state)
{
	struct child *child = start(state);
	int fd = memfd(child, PAGE, 0);
	uint64_t p = map(child, PAGE, RW, MAP_SHARED, fd);
	struct uvf_mm *none = NULL;
	unsigned long nth = 0;
	int ret;

	do {
		uvf_alloc_fail_nth(++nth);
		ret = try(child, p, PAGE, R | W);
		uvf_alloc_fail_nth(0);
		assert_true(!ret || ret == -ENOMEM);
		assert_int_equal(atomic_load(&child->mm->ref.count), 1);
	} while (ret);
	assert_true(nth > 2);
	uvf_alloc_fail_nth(1);
	assert_int_equal(uvf_peer_create(&none, child->pid), -ENOMEM);
	uvf_alloc_fail_nth(0);
	assert_null(none);
}

static int setup_text(void **state)
{
	uvf_vma_set_text_only(true);
	return setup(state);
}

static int teardown_text(void **state)
{
	uvf_vma_set_text_only(false);
	return teardown(state);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define CASE_TEXT(test)                                                        \
	cmocka_unit_test_setup_teardown(test, setup_text, teardown_text)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(copies_arguments_as_the_kernel_does),
		CASE(checks_protections),
		CASE_TEXT(checks_protections),
		CASE(reaches_private_memory_by_copies),
		CASE(maps_a_memfd_here),
		CASE(survives_truncation),
		CASE(follows_a_file_that_grows),
		CASE(reads_a_read_only_memfd),
		CASE(reaches_a_private_file_by_copies),
		CASE(crosses_pieces_of_every_kind),
		CASE_TEXT(crosses_pieces_of_every_kind),
		CASE(maps_shared_anonymous_memory),
		CASE(finds_a_file_by_its_name),
		CASE(maps_huge_pages),
		CASE(has_no_part_in_the_next_program),
		CASE(has_no_part_in_a_dead_process),
		CASE(reaches_a_bar_through_its_device),
		CASE(changes_nothing_when_it_fails),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}

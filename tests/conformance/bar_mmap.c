/* SPDX-License-Identifier: BSD-3-Clause */
/* Mapping regions: what mmap refuses, what a touch does, who sees what. */
#include "lib.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)

static const struct {
	const char *name;
	size_t len;
	int prot, flags;
	long long off;
} rows[] = {
	{"all", EDU_BAR_SIZE, RW, MAP_SHARED, 0},
	{"one_page", PAGE, RW, MAP_SHARED, 0},
	{"last_page", PAGE, RW, MAP_SHARED, EDU_BAR_SIZE - PAGE},
	{"one_byte", 1, RW, MAP_SHARED, 0},
	{"size_0", 0, RW, MAP_SHARED, 0},
	{"over_the_end", 2 * PAGE, RW, MAP_SHARED, EDU_BAR_SIZE - PAGE},
	{"at_the_end", PAGE, RW, MAP_SHARED, EDU_BAR_SIZE},
	{"too_long", EDU_BAR_SIZE + 1, RW, MAP_SHARED, 0},
	{"private", PAGE, RW, MAP_PRIVATE, 0},
	{"private_read_only", PAGE, PROT_READ, MAP_PRIVATE, 0},
	{"shared_validate", PAGE, RW, MAP_SHARED_VALIDATE, 0},
	{"shared_validate_sync", PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, 0},
	{"read_only", PAGE, PROT_READ, MAP_SHARED, 0},
	{"write_only", PAGE, PROT_WRITE, MAP_SHARED, 0},
	{"no_access", PAGE, PROT_NONE, MAP_SHARED, 0},
	{"executable", PAGE, RW | PROT_EXEC, MAP_SHARED, 0},
	{"populate", PAGE, RW, MAP_SHARED | MAP_POPULATE, 0},
	{"unaligned_offset", PAGE, RW, MAP_SHARED, 512},
	{"bar1", PAGE, RW, MAP_SHARED, 1ll << 40},
	{"bar5", PAGE, RW, MAP_SHARED, 5ll << 40},
	{"rom", PAGE, PROT_READ, MAP_SHARED, 6ll << 40},
	{"config", PAGE, RW, MAP_SHARED, 7ll << 40},
	{"vga", PAGE, RW, MAP_SHARED, 8ll << 40},
	{"region_9", PAGE, RW, MAP_SHARED, 9ll << 40},
	{"far", PAGE, RW, MAP_SHARED, 1ll << 62},
};

static const char *row_label(long i)
{
	return i < (long)COUNT(rows) ? rows[i].name : NULL;
}

static void *map_row(int device, long i)
{
	return mmap(NULL, rows[i].len, rows[i].prot, rows[i].flags, device,
		    rows[i].off);
}

static void maps(long i)
{
	struct session s = session_device();
	void *p = map_row(s.device, i);

	result(p == MAP_FAILED ? -1 : 0);
	if (p == MAP_FAILED)
		return;
	value("load", touch(p, 0));
	value("store", touch(p, 1));
}

static void maps_with_decode_off(long i)
{
	struct session s = session_device();
	void *p;

	cfg_command(s.device, 2, 0);
	p = map_row(s.device, i);
	result(p == MAP_FAILED ? -1 : 0);
	if (p == MAP_FAILED)
		return;
	value("load", touch(p, 0));
	cfg_command(s.device, 0, 2);
	value("decode_on", touch(p, 0));
}

static volatile uint32_t *reg(void *bar, unsigned int off)
{
	return (volatile uint32_t *)(void *)((char *)bar + off);
}

static void sees_what_pread_sees(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, EDU_BAR_SIZE, RW);

	edu_quiet(s.device);
	result(*reg(bar, EDU_ID) == edu_read(s.device, EDU_ID));
	*reg(bar, EDU_LIVE) = 0x5a5a0ff0;
	hex("pread", edu_read(s.device, EDU_LIVE));
	hex("load", *reg(bar, EDU_LIVE));
	edu_write(s.device, EDU_LIVE, 0x12345678);
	hex("after_pwrite", *reg(bar, EDU_LIVE));
}

static void two_mappings_are_one_device(void)
{
	struct session s = session_device();
	void *a = bar_map(s.device, EDU_BAR_SIZE, RW);
	void *b = bar_map(s.device, PAGE, RW);

	*reg(a, EDU_LIVE) = 0x1;
	result(*reg(b, EDU_LIVE) == 0xfffffffe);
	*reg(b, EDU_LIVE) = 0x2;
	hex("other", *reg(a, EDU_LIVE));
}

static void widths(void)
{
	struct session s = session_device();
	char *bar = bar_map(s.device, PAGE, RW);
	volatile uint64_t *wide = (void *)(bar + EDU_DMA_SRC);

	edu_quiet(s.device);
	result(0);
	hex("byte", *(volatile uint8_t *)bar);
	hex("word", *(volatile uint16_t *)(void *)bar);
	hex("quad", *(volatile uint64_t *)(void *)bar);
	*wide = 0x1122334455667788;
	hex("wide", *wide);
	*reg(bar, EDU_DMA_SRC) = 0x99;
	hex("narrow_replaces", *wide);
	hex("upper_alone", *reg(bar, EDU_DMA_SRC + 4));
}

static void narrow_stores_are_lost(void)
{
	struct session s = session_device();
	char *bar = bar_map(s.device, PAGE, RW);

	*reg(bar, EDU_LIVE) = 0;
	*(volatile uint8_t *)(bar + EDU_LIVE) = 0x11;
	*(volatile uint16_t *)(void *)(bar + EDU_LIVE) = 0x2222;
	*(volatile uint64_t *)(void *)bar = 0x3333333333333333;
	result(0);
	hex("live", *reg(bar, EDU_LIVE));
}

static void read_modify_write_works(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, RW);

	edu_quiet(s.device);
	*reg(bar, EDU_STATUS) |= 0x80;
	result(*reg(bar, EDU_STATUS));
	*reg(bar, EDU_LIVE) = 0xff;
	__asm__ volatile("xorl %1, %0"
			 : "+m"(*reg(bar, EDU_LIVE))
			 : "r"(0xf0f0f0f0u)
			 : "cc");
	hex("live", *reg(bar, EDU_LIVE));
	*reg(bar, EDU_STATUS) = 0;
}

static void exchange_works(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, RW);
	uint32_t v = 0x55;

	*reg(bar, EDU_LIVE) = 0xf;
	__asm__ volatile("xchgl %0, %1" : "+r"(v), "+m"(*reg(bar, EDU_LIVE)));
	result(0);
	hex("old", v);
	hex("new", *reg(bar, EDU_LIVE));
}

static void string_instructions_work(void)
{
	struct session s = session_device();
	char *bar = bar_map(s.device, PAGE, RW);
	uint32_t buf[2] = {0, 0};
	void *to = buf, *from = bar;
	unsigned long n = 2;

	*reg(bar, EDU_LIVE) = 0;
	__asm__ volatile("rep movsl"
			 : "+D"(to), "+S"(from), "+c"(n)
			 :
			 : "memory");
	result((long)n);
	hex("id", buf[0]);
	hex("live", buf[1]);
}

static void decode_off_faults_and_heals(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, RW);

	value("before", touch(bar, 0));
	cfg_command(s.device, 2, 0);
	result(touch(bar, 0));
	value("store", touch(bar, 1));
	cfg_command(s.device, 0, 2);
	value("after", touch(bar, 0));
	hex("id", *reg(bar, EDU_ID));
}

static void decode_off_by_a_second_fd_faults(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, RW);
	int other = device_open(s.group, 0);

	cfg_command(other, 2, 0);
	result(touch(bar, 0));
}

static void io_and_master_bits_do_not_fault(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, RW);

	cfg_command(s.device, 1, 4);
	result(touch(bar, 0));
}

static void a_mapping_outlives_the_fd(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, RW);

	*reg(bar, EDU_LIVE) = 7;
	close(s.device);
	result(touch(bar, 0));
	hex("live", *reg(bar, EDU_LIVE));
	outcome("unset", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
	munmap(bar, PAGE);
	outcome("unmapped", ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER));
}

static void a_child_shares_it(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, RW);
	int status;
	pid_t pid;

	*reg(bar, EDU_LIVE) = 0;
	pid = fork();
	if (!pid) {
		*reg(bar, EDU_LIVE) = 0x77;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	result(status);
	hex("live", *reg(bar, EDU_LIVE));
}

static void decode_off_faults_the_child_too(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, RW);
	int status, go[2];
	char byte;
	pid_t pid;

	need(!pipe(go), "pipe");
	pid = fork();
	if (!pid) {
		touch(bar, 0);
		(void)!read(go[0], &byte, 1);
		_exit(touch(bar, 0));
	}
	cfg_command(s.device, 2, 0);
	need(write(go[1], "x", 1) == 1, "write");
	waitpid(pid, &status, 0);
	result(WEXITSTATUS(status));
	value("is_sigbus", WEXITSTATUS(status) == SIGBUS);
}

static void mprotect_applies(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, RW);

	result(mprotect(bar, PAGE, PROT_READ));
	value("load", touch(bar, 0));
	value("store", touch(bar, 1));
	outcome("back", mprotect(bar, PAGE, RW));
	value("store_again", touch(bar, 1));
}

/* A mapping of device memory is not like one of a file. */
static void calls_that_device_memory_refuses(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, RW), *room, *moved;

	result(madvise(bar, PAGE, MADV_DONTNEED));
	outcome("hugepage", madvise(bar, PAGE, MADV_HUGEPAGE));
	outcome("free", madvise(bar, PAGE, MADV_FREE));
	outcome("msync", msync(bar, PAGE, MS_SYNC));
	outcome("mlock", mlock(bar, PAGE));
	outcome("grow",
		mremap(bar, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1
									  : 0);
	room = pages(1);
	moved = mremap(bar, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	outcome("move", moved == MAP_FAILED ? -1 : 0);
	if (moved != MAP_FAILED)
		hex("id", *reg(moved, EDU_ID));
}

static void part_can_be_unmapped(void)
{
	struct session s = session_device();
	char *bar = bar_map(s.device, 4 * PAGE, RW);

	result(munmap(bar + PAGE, PAGE));
	value("first", touch(bar, 0));
	value("second", touch(bar + PAGE, 0));
	value("third", touch(bar + 2 * PAGE, 0));
}

static void system_calls_read_it(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, PAGE, RW);
	int p[2];

	need(!pipe(p), "pipe");
	result(write(p[1], bar, 4));
}

static const struct conf_case cases[] = {
	EACH(maps, row_label),
	EACH(maps_with_decode_off, row_label),
	CASE(sees_what_pread_sees),
	CASE(two_mappings_are_one_device),
	CASE(widths),
	CASE(narrow_stores_are_lost),
	CASE(read_modify_write_works),
	CASE(exchange_works),
	CASE(string_instructions_work),
	CASE(decode_off_faults_and_heals),
	CASE(decode_off_by_a_second_fd_faults),
	CASE(io_and_master_bits_do_not_fault),
	CASE(a_mapping_outlives_the_fd),
	CASE(a_child_shares_it),
	CASE(decode_off_faults_the_child_too),
	CASE(mprotect_applies),
	CASE(calls_that_device_memory_refuses),
	CASE(part_can_be_unmapped),
	CASE(system_calls_read_it),
};

TABLE(table_bar_mmap, "bar_mmap", cases);

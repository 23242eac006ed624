/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of our own process, before and after faults can be caught.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "mem/copy.h"
#include "mem/self.h"

#define PAGE 4096u
#define R    UVF_PROT_READ
#define W    UVF_PROT_WRITE

static struct uvf_mm *mm;

static int setup(void **state)
{
	(void)state;
	return uvf_self_create(&mm);
}

static int teardown(void **state)
{
	(void)state;
	uvf_mm_put(mm);
	return 0;
}

static uint8_t *pages(size_t count, int prot)
{
	uint8_t *p = mmap(NULL, count * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static int try(const void *p, size_t count, uint32_t prot)
{
	struct uvf_range range = {(uintptr_t)p,
				  (uintptr_t)p + count * PAGE - 1};
	struct uvf_mem *mem;
	int ret = uvf_mem_create(&mem, mm, range, prot);

	if (!ret)
		uvf_mem_put(mem);
	return ret;
}

/* Short memory is touched, long memory is asked about: both must agree. */
static void check_protections(void)
{
	static const size_t counts[] = {1, 4, 200};
	static const struct {
		int prot;
		int r, w, rw;
	} rows[] = {
		{PROT_NONE, -EFAULT, -EFAULT, -EFAULT},
		{PROT_READ, 0, -EFAULT, -EFAULT},
		{PROT_WRITE, -EFAULT, 0, 0},
		{PROT_READ | PROT_WRITE, 0, 0, 0},
		{PROT_READ | PROT_EXEC, 0, -EFAULT, -EFAULT},
	};

	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			size_t count = counts[c];
			uint8_t *p = pages(count + 1, rows[i].prot);

			munmap(p + count * PAGE, PAGE);
			assert_int_equal(try(p, count, R), rows[i].r);
			assert_int_equal(try(p, count, W), rows[i].w);
			assert_int_equal(try(p, count, R | W), rows[i].rw);
			assert_int_equal(try(p, count + 1, R | W), -EFAULT);
			assert_int_equal(try(p, count + 1, R), -EFAULT);
			munmap(p, count * PAGE);
		}
	}
	assert_int_equal(try((void *)0xffffffff81000000ul, 1, R), -EFAULT);
	assert_int_equal(try((void *)0x8000000000000000ul, 1, R | W), -EFAULT);
	assert_int_equal(try((void *)0xfffffffffffff000ul, 1, W), -EFAULT);
	assert_int_equal(try(NULL, 1, R), -EFAULT);
}

static void checks_protections_without_guard(void **state)
{
	(void)state;
	assert_false(uvf_copy_guard_is_on());
	check_protections();
}

static void copies_without_guard(void **state)
{
	uint8_t *p = pages(1, PROT_READ | PROT_WRITE);
	struct uvf_range range = {(uintptr_t)p, (uintptr_t)p + PAGE - 1};
	struct uvf_mem *mem;
	char back[4];

	(void)state;
	assert_int_equal(uvf_mem_create(&mem, mm, range, R | W), 0);
	assert_false(mem->is_whole || mem->span_count);
	assert_int_equal(uvf_mem_write(mem, 8, "text", 4), 0);
	assert_int_equal(uvf_mem_read(mem, 8, back, 4), 0);
	assert_memory_equal(back, "text", 4);
	munmap(p, PAGE);
	assert_int_equal(uvf_mem_write(mem, 8, "text", 4), -EFAULT);
	assert_int_equal(uvf_mem_read(mem, 8, back, 4), -EFAULT);
	uvf_mem_put(mem);
}

static void checks_protections(void **state)
{
	(void)state;
	assert_int_equal(uvf_copy_guard_init(), 0);
	check_protections();
}

static void is_one_span(void **state)
{
	uint8_t *p = pages(8, PROT_READ | PROT_WRITE);
	struct uvf_range range = {(uintptr_t)p, (uintptr_t)p + 8 * PAGE - 1};
	struct uvf_mem *mem;

	(void)state;
	assert_int_equal(uvf_copy_guard_init(), 0);
	memset(p, 0x77, 8 * PAGE);
	assert_int_equal(uvf_mem_create(&mem, mm, range, R | W), 0);
	assert_ptr_equal(uvf_mem_direct(mem), p);
	for (unsigned int i = 0; i < 8 * PAGE; i++)
		assert_int_equal(p[i], 0x77);
	assert_int_equal(uvf_mem_write(mem, 4 * PAGE, "x", 1), 0);
	assert_int_equal(p[4 * PAGE], 'x');
	munmap(p, 8 * PAGE);
	assert_int_equal(uvf_mem_write(mem, 4 * PAGE, "x", 1), -EFAULT);
	uvf_mem_put(mem);
}

static void ends_where_the_file_does(void **state)
{
	int fd = memfd_create("self", MFD_CLOEXEC);
	uint8_t *p;

	(void)state;
	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(ftruncate(fd, 100 * PAGE + 1), 0);
	p = mmap(NULL, 200 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	for (uint32_t prot = 1; prot <= 3; prot++) {
		assert_int_equal(try(p, 101, prot), 0);
		assert_int_equal(try(p, 102, prot), -EFAULT);
		assert_int_equal(try(p + 100 * PAGE, 1, prot), 0);
		assert_int_equal(try(p + 101 * PAGE, 1, prot), -EFAULT);
	}
	munmap(p, 200 * PAGE);
	close(fd);
}

static void changes_nothing_when_it_fails(void **state)
{
	uint8_t *p = pages(1, PROT_READ | PROT_WRITE);
	struct uvf_mm *other = NULL;

	(void)state;
	assert_int_equal(uvf_copy_guard_init(), 0);
	uvf_alloc_fail_nth(1);
	assert_int_equal(try(p, 1, R), -ENOMEM);
	uvf_alloc_fail_nth(1);
	assert_int_equal(uvf_self_create(&other), -ENOMEM);
	uvf_alloc_fail_nth(0);
	assert_null(other);
	assert_int_equal(try(p, 1, R), 0);
	munmap(p, PAGE);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	/* In this order: the guard stays once it is on. */
	const struct CMUnitTest tests[] = {
		CASE(checks_protections_without_guard),
		CASE(copies_without_guard),
		CASE(checks_protections),
		CASE(is_one_span),
		CASE(ends_where_the_file_does),
		CASE(changes_nothing_when_it_fails),
	};

	return cmocka_run_group_tests_name("self", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arguments and names of a caller.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "mem/caller.h"
#include "mem/copy.h"
#include "mem/self.h"

#define PAGE 4096u

struct fixture {
	struct uvf_caller caller;
	uint8_t *pages; /* two, and nothing behind them */
};

static int setup(void **state)
{
	static struct fixture f;
	uint8_t *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	f.pages = p;
	*state = &f;
	return p == MAP_FAILED || munmap(p + 2 * PAGE, PAGE) ||
	       uvf_self_create(&f.caller.mm);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	uvf_mm_put(f->caller.mm);
	return munmap(f->pages, 2 * PAGE);
}

static uint64_t at(const struct fixture *f, size_t offset)
{
	return (uintptr_t)(f->pages + offset);
}

static void copies_to_the_last_byte_that_is_there(void **state)
{
	struct fixture *f = *state;
	char text[] = "abcdefgh";
	char back[8];

	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(uvf_copy_out(&f->caller, at(f, 2 * PAGE - 8), text, 8),
			 0);
	assert_int_equal(uvf_copy_in(&f->caller, back, at(f, 2 * PAGE - 8), 8),
			 0);
	assert_memory_equal(back, text, 8);
	assert_int_equal(uvf_copy_out(&f->caller, at(f, 2 * PAGE - 7), text, 8),
			 -EFAULT);
	assert_int_equal(uvf_copy_in(&f->caller, back, 0, 1), -EFAULT);
	assert_int_equal(uvf_copy_in(&f->caller, back, 0, 0), 0);
	assert_int_equal(uvf_copy_out(&f->caller, 0, text, 0), 0);
}

static int read_name(struct fixture *f, size_t offset, size_t max,
		     const char *want)
{
	char *text = NULL;
	int ret = uvf_copy_string_in(&f->caller, &text, at(f, offset), max);

	assert_int_equal(text != NULL, !ret);
	if (!ret)
		assert_string_equal(text, want);
	uvf_free(text);
	return ret;
}

static void reads_a_name_up_to_its_nul(void **state)
{
	struct fixture *f = *state;
	size_t end = 2 * PAGE;

	assert_int_equal(uvf_copy_guard_init(), 0);
	memset(f->pages, 'x', 2 * PAGE);
	memcpy(f->pages + PAGE - 3, "abcdef", 7);
	assert_int_equal(read_name(f, PAGE - 3, 64, "abcdef"), 0);
	assert_int_equal(read_name(f, PAGE - 3, 7, "abcdef"), 0);
	assert_int_equal(read_name(f, PAGE - 3, 6, NULL), -EINVAL);
	assert_int_equal(read_name(f, PAGE - 3, 0, NULL), -EINVAL);
	assert_int_equal(read_name(f, end - 4, 4, NULL), -EINVAL);
	assert_int_equal(read_name(f, end - 4, 5, NULL), -EFAULT);
	f->pages[end - 1] = 0;
	assert_int_equal(read_name(f, end - 4, 5, "xxx"), 0);
	uvf_alloc_fail_nth(1);
	assert_int_equal(read_name(f, end - 4, 5, NULL), -ENOMEM);
	uvf_alloc_fail_nth(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			copies_to_the_last_byte_that_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_a_name_up_to_its_nul,
						setup, teardown),
	};

	return cmocka_run_group_tests_name("caller", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

#define SIZE  40u
#define COUNT 10000u

static uint8_t *objects[COUNT];

static void fill(struct uvf_pool *pool, unsigned int first, unsigned int step)
{
	static const uint8_t zero[SIZE];

	for (unsigned int i = first; i < COUNT; i += step) {
		objects[i] = uvf_pool_zalloc(pool);
		assert_non_null(objects[i]);
		assert_memory_equal(objects[i], zero, SIZE);
		memset(objects[i], (int)(i % 255 + 1), SIZE);
	}
}

static void check(unsigned int first, unsigned int step)
{
	for (unsigned int i = first; i < COUNT; i += step)
		for (unsigned int j = 0; j < SIZE; j++)
			assert_int_equal(objects[i][j], i % 255 + 1);
}

static void objects_are_zeroed_and_apart(void **state)
{
	struct uvf_pool pool = UVF_POOL_INIT(SIZE);

	(void)state;
	fill(&pool, 0, 1);
	check(0, 1);
	for (unsigned int i = 0; i < COUNT; i += 3)
		uvf_pool_free(&pool, objects[i]);
	fill(&pool, 0, 3);
	check(0, 1);
	assert_int_equal(pool.count, COUNT);
	for (unsigned int i = 0; i < COUNT; i++)
		uvf_pool_free(&pool, objects[i]);
	uvf_pool_free(&pool, NULL);
	/* Once all were let go, all begins anew. */
	fill(&pool, 0, 1);
	check(0, 1);
	for (unsigned int i = COUNT; i--;)
		uvf_pool_free(&pool, objects[i]);
	uvf_pool_fini(&pool);
}

static void request_that_fails_changes_nothing(void **state)
{
	struct uvf_pool pool = UVF_POOL_INIT(SIZE);
	void *object = NULL;
	unsigned long nth = 0;

	(void)state;
	do {
		uvf_alloc_fail_nth(++nth);
		object = uvf_pool_zalloc(&pool);
		assert_int_equal(!object, uvf_alloc_has_failed());
		uvf_alloc_fail_nth(0);
		assert_int_equal(pool.count, object != NULL);
	} while (!object);
	assert_true(nth > 1);
	uvf_pool_free(&pool, object);
	uvf_pool_fini(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_zeroed_and_apart),
		cmocka_unit_test(request_that_fails_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

#define SIZE  8232u
#define COUNT 1000u /* four blocks */

static uint8_t *objects[COUNT];

static void fill(struct uvf_slab *slab, unsigned int first, unsigned int step)
{
	static const uint8_t zero[SIZE];

	for (unsigned int i = first; i < COUNT; i += step) {
		objects[i] = uvf_slab_zalloc(slab, SIZE);
		assert_non_null(objects[i]);
		assert_int_equal((uintptr_t)objects[i] % 64, 0);
		assert_memory_equal(objects[i], zero, SIZE);
		memset(objects[i], (int)(i % 255 + 1), SIZE);
	}
}

static void check(void)
{
	for (unsigned int i = 0; i < COUNT; i++)
		for (unsigned int j = 0; j < SIZE; j++)
			if (objects[i][j] != i % 255 + 1)
				fail_msg("object %u, byte %u", i, j);
}

static void objects_are_zeroed_and_apart(void **state)
{
	struct uvf_slab slab = {0};

	(void)state;
	fill(&slab, 0, 1);
	check();
	for (unsigned int i = 0; i < COUNT; i += 3)
		uvf_slab_free(&slab, objects[i]);
	fill(&slab, 0, 3);
	check();
	for (unsigned int i = 0; i < COUNT; i++)
		uvf_slab_free(&slab, objects[i]);
	/* Blocks without an object in use are gone. */
	assert_null(slab.room);
	fill(&slab, 0, 1);
	check();
	for (unsigned int i = COUNT; i--;)
		uvf_slab_free(&slab, objects[i]);
	assert_null(slab.room);
}

static void alloc_can_fail(void **state)
{
	struct uvf_slab slab = {0};

	(void)state;
	uvf_alloc_fail_nth(1);
	assert_null(uvf_slab_zalloc(&slab, SIZE));
	assert_true(uvf_alloc_has_failed());
	uvf_alloc_fail_nth(0);
	assert_null(slab.room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_zeroed_and_apart),
		cmocka_unit_test(alloc_can_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

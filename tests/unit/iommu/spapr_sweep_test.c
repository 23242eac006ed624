/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sPAPR TCE, with each allocation made to fail once.
 */
#include "spapr_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"

/* One session that survives any failed allocation; whether one failed. */
static bool session(unsigned long nth)
{
	struct spapr_rig rig;
	uint64_t charged;
	bool has_failed;
	uint64_t start;
	int ret;

	spapr_open_v2(&rig);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, 32 * PAGE), 0);
	assert_int_equal(spapr_register(&rig, UNREGISTER, spapr_page(0), PAGE),
			 -ENOENT);
	charged = spapr_charged(&rig);
	uvf_alloc_fail_nth(nth);
	/* Over a part of a mapping, to its end and behind it. */
	ret = spapr_map(&rig, RW, spapr_page(40), 30 * PAGE, 4 * PAGE);
	if (ret) {
		assert_int_equal(ret, -ENOMEM);
		/* What is behind stays, or was cleared by the call. */
		assert_int_equal(spapr_read(&rig, 33 * PAGE), -1);
		assert_int_equal(spapr_map(&rig, RW, spapr_page(40), 30 * PAGE,
					   4 * PAGE),
				 0);
	}
	assert_int_equal(spapr_read(&rig, 29 * PAGE), 29);
	assert_int_equal(spapr_read(&rig, 33 * PAGE), 43);
	ret = spapr_unmap(&rig, 4 * PAGE, 2 * PAGE);
	if (ret) {
		assert_int_equal(ret, -ENOMEM);
		for (unsigned int i = 0; i < 30; i++)
			assert_int_equal(spapr_read(&rig, i * PAGE), i);
		assert_int_equal(spapr_unmap(&rig, 4 * PAGE, 2 * PAGE), 0);
	}
	assert_int_equal(spapr_read(&rig, 3 * PAGE), 3);
	assert_int_equal(spapr_read(&rig, 4 * PAGE), -1);
	assert_int_equal(spapr_read(&rig, 6 * PAGE), 6);
	assert_int_equal(spapr_charged(&rig), charged);
	ret = spapr_create(&rig, 12, 1u << 30, 1, &start);
	if (ret) {
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(spapr_charged(&rig), charged);
		assert_int_equal(spapr_create(&rig, 12, 1u << 30, 1, &start),
				 0);
	}
	assert_int_equal(spapr_map(&rig, RW, spapr_page(1), HIGH, 0), 0);
	has_failed = uvf_alloc_has_failed();
	uvf_alloc_fail_nth(0);
	spapr_close_rig(&rig);
	return has_failed;
}

static void every_failed_allocation_leaves_things_as_they_were(void **state)
{
	unsigned long nth = 1;

	(void)state;
	while (session(nth))
		nth++;
	assert_true(nth > 4);
}

static void registering_survives_every_failed_allocation(void **state)
{
	unsigned long nth = 1;
	bool has_failed;

	(void)state;
	do {
		struct spapr_rig rig;
		struct uvf_aspace *as;
		int ret;

		spapr_open_rig(&rig, V2, "6.12");
		uvf_alloc_fail_nth(nth++);
		ret = spapr_register(&rig, REGISTER, spapr_page(0), PAGE);
		if (ret) {
			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(spapr_charged(&rig), 0);
			assert_int_equal(spapr_register(&rig, REGISTER,
							spapr_page(0), PAGE),
					 0);
		}
		assert_int_equal(spapr_charged(&rig), 1);
		ret = uvf_spapr_backend.attach_group(
			rig.state, NULL, &rig.groups[1].member, &as);
		if (ret)
			assert_int_equal(ret, -ENOMEM);
		else
			uvf_spapr_backend.detach_group(rig.state,
						       &rig.groups[1].member);
		has_failed = uvf_alloc_has_failed();
		uvf_alloc_fail_nth(0);
		spapr_close_rig(&rig);
	} while (has_failed);
	assert_true(nth > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_failed_allocation_leaves_things_as_they_were),
		cmocka_unit_test(registering_survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

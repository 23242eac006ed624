/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A profile is found by its name, and single switches of it can be turned.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uvfio/device.h>

#include "base/profile.h"

static struct uvf_profile parse(const char *text)
{
	struct uvf_profile profile;
	struct uvfio_error err = {""};

	if (uvf_profile_parse(&profile, text, &err))
		fail_msg("%s", err.text);
	return profile;
}

static void the_default_is_6_12(void **state)
{
	(void)state;
	assert_string_equal(parse(NULL).name, "6.12");
}

static void each_name_is_a_profile(void **state)
{
	const char *name;
	unsigned int count = 0;

	(void)state;
	for (; (name = uvf_profile_name_at(count)); count++)
		assert_string_equal(parse(name).name, name);
	assert_int_equal(count, 7);
}

static void columns_differ_as_the_kernels_do(void **state)
{
	(void)state;
	assert_int_equal(parse("3.14").viability, UVF_VIABILITY_DRIVER_SCAN);
	assert_int_equal(parse("4.1").viability, UVF_VIABILITY_UNBOUND_LIST);
	assert_int_equal(parse("6.1").set_container_kind_errno, EINVAL);
	assert_int_equal(parse("6.6").set_container_kind_errno, EBADFD);
	assert_false(parse("4.1").kvm_dies_with_fd);
	assert_true(parse("6.1").kvm_dies_with_fd);
	assert_int_equal(parse("6.12").feature_unknown_errno, EINVAL);
	assert_int_equal(parse("6.19").feature_unknown_errno, ENOTTY);
	assert_true(parse("v02").is_v02);
}

static void single_switches_turn(void **state)
{
	struct uvf_profile profile =
		parse("4.1,has_cdev=on,unregister_requests=off,"
		      "stale_node_errno=ENXIO,bar_access_max=8");

	(void)state;
	assert_string_equal(profile.name, "4.1");
	assert_true(profile.has_cdev);
	assert_false(profile.unregister_requests);
	assert_int_equal(profile.stale_node_errno, ENXIO);
	assert_int_equal(profile.bar_access_max, 8);
	assert_int_equal(profile.viability, UVF_VIABILITY_UNBOUND_LIST);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
		{"5.10", "'5.10'; there are: v02, 3.14, 4.1, 6.1, 6.6, 6.12, "
			 "6.19"},
		{"", "no profile ''"},
		{"6.1,", "'' is no SWITCH=VALUE"},
		{"6.1,has_cdev", "'has_cdev' is no SWITCH=VALUE"},
		{"6.1,has_cdevs=on", "'has_cdevs=on' is no SWITCH=VALUE"},
		{"6.1,has_cdev=1", "has_cdev wants on or off"},
		{"6.1,stale_node_errno=EFOO", "wants the name of an errno"},
		{"6.1,bar_access_max=-1", "wants a number"},
		{"6.1,bar_access_max=99999999999", "wants a number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uvf_profile profile = {.name = "kept"};
		struct uvfio_error err = {""};

		assert_int_equal(
			uvf_profile_parse(&profile, cases[i].text, &err),
			-EINVAL);
		if (!strstr(err.text, cases[i].says))
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_string_equal(profile.name, "kept");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_is_6_12),
		cmocka_unit_test(each_name_is_a_profile),
		cmocka_unit_test(columns_differ_as_the_kernels_do),
		cmocka_unit_test(single_switches_turn),
		cmocka_unit_test(what_is_wrong_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

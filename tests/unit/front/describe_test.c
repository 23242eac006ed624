/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a machine is said to hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uvfio/uvfio.h>

#include "front/describe.h"

static struct uvfio_machine *make_machine(const char *abi, const char *host,
					  const char *const devices[])
{
	const struct uvfio_machine_params params = {
		.abi = abi, .host = host, .devices = devices};
	struct uvfio_machine *machine;
	struct uvfio_error err = {""};

	if (uvfio_machine_create(&machine, &params, &err))
		fail_msg("%s", err.text);
	return machine;
}

static const json_t *device_at(const json_t *description, size_t i)
{
	return json_array_get(json_object_get(description, "devices"), i);
}

static void assert_text(const json_t *object, const char *key, const char *text)
{
	assert_string_equal(json_string_value(json_object_get(object, key)),
			    text);
}

static void assert_number(const json_t *object, const char *key,
			  json_int_t value)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	assert_int_equal(json_integer_value(json_object_get(object, key)),
			 value);
}

/* Whether a device has a capability there. */
static bool has_cap(const json_t *device, int offset, const char *name,
		    bool is_extended)
{
	const json_t *cap;
	size_t i;

	json_array_foreach(json_object_get(device, "capabilities"), i, cap)
	{
		if (json_integer_value(json_object_get(cap, "offset")) ==
		    offset) {
			assert_text(cap, "name", name);
			return json_is_true(json_object_get(
				       cap, "is_extended")) == is_extended;
		}
	}
	return false;
}

static void identity_and_place(void **state)
{
	static const char *const devices[] = {"edu", "igb,group=7,driver=none",
					      NULL};
	struct uvfio_machine *machine = make_machine("6.1", NULL, devices);
	json_t *description = uvf_describe_machine(machine);
	const json_t *device = device_at(description, 0);

	(void)state;
	assert_text(description, "abi", "6.1");
	assert_text(device, "address", "0000:00:03.0");
	assert_text(device, "model", "edu");
	assert_text(device, "vendor", "0x1234");
	assert_text(device, "device", "0x11e8");
	assert_text(device, "class", "0x00ff00");
	assert_text(device, "driver", "vfio-pci");
	assert_number(device, "group", 1);
	device = device_at(description, 1);
	assert_text(device, "address", "0000:00:04.0");
	assert_true(json_is_null(json_object_get(device, "driver")));
	assert_number(device, "group", 7);
	assert_null(device_at(description, 2));
	json_decref(description);
	uvfio_machine_destroy(machine);
}

static void bars_and_capabilities(void **state)
{
	static const char *const devices[] = {"igb", NULL};
	struct uvfio_machine *machine = make_machine(NULL, NULL, devices);
	json_t *description = uvf_describe_machine(machine);
	const json_t *device = device_at(description, 0);
	const json_t *bars = json_object_get(device, "bars");

	(void)state;
	assert_int_equal(json_array_size(bars), 3);
	assert_number(json_array_get(bars, 0), "size", 0x20000);
	assert_text(json_array_get(bars, 0), "space", "memory");
	assert_number(json_array_get(bars, 1), "bar", 2);
	assert_text(json_array_get(bars, 1), "space", "io");
	assert_number(json_array_get(bars, 1), "size", 32);
	assert_number(json_array_get(bars, 2), "bar", 3);
	assert_true(json_is_true(
		json_object_get(json_array_get(bars, 2), "is_64bit")));
	assert_true(has_cap(device, 0x40, "Power Management", false));
	assert_true(has_cap(device, 0x70, "MSI-X", false));
	assert_true(has_cap(device, 0xa0, "PCI Express", false));
	assert_true(has_cap(device, 0x100, "Advanced Error Reporting", true));
	assert_false(has_cap(device, 0x44, "", false));
	json_decref(description);
	uvfio_machine_destroy(machine);
}

static void without_an_iommu_or_devices(void **state)
{
	static const char *const one[] = {"edu", NULL};
	static const char *const none[] = {NULL};
	struct uvfio_machine *machine = make_machine(NULL, "iommu=none", one);
	json_t *description = uvf_describe_machine(machine);

	(void)state;
	assert_true(json_is_null(
		json_object_get(device_at(description, 0), "group")));
	json_decref(description);
	uvfio_machine_destroy(machine);

	machine = make_machine(NULL, NULL, none);
	description = uvf_describe_machine(machine);
	assert_int_equal(
		json_array_size(json_object_get(description, "devices")), 0);
	json_decref(description);
	uvfio_machine_destroy(machine);
}

static unsigned int allocations_left;

static void *allocate(size_t size)
{
	if (!allocations_left)
		return NULL;
	allocations_left--;
	return malloc(size);
}

/* Each allocation fails once; a leak is the sanitizer's to find. */
static void memory_is_short(void **state)
{
	static const char *const devices[] = {"edu", NULL};
	struct uvfio_machine *machine = make_machine(NULL, NULL, devices);
	json_t *description = NULL;
	unsigned int n;

	(void)state;
	json_set_alloc_funcs(allocate, free);
	for (n = 0; n < 1000 && !description; n++) {
		allocations_left = n;
		description = uvf_describe_machine(machine);
	}
	json_set_alloc_funcs(malloc, free);
	assert_non_null(description);
	assert_in_range(n, 10, 999);
	json_decref(description);
	uvfio_machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_and_place),
		cmocka_unit_test(bars_and_capabilities),
		cmocka_unit_test(without_an_iommu_or_devices),
		cmocka_unit_test(memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Models in shared objects: what is loaded, and what is said of files that are
 * none.  The argument is the folder with the objects of tests/unit/front/models
 * and of the doorbell example.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <uvfio/uvfio.h>

#include <cmocka.h>

#include "lib/machine.h"

static const char *doorbell, *folder;

static struct uvfio_machine *machine_with(const char *spec)
{
	const char *devices[] = {spec, NULL};
	const struct uvfio_machine_params params = {.devices = devices};
	struct uvfio_machine *machine;
	struct uvfio_error err = {""};
	int ret = uvfio_machine_create(&machine, &params, &err);

	if (ret)
		fail_msg("%s: %s", spec, err.text);
	return machine;
}

/* Why a machine with this object of models/ cannot be. */
static void assert_refused(const char *spec, const char *why)
{
	const char *devices[] = {spec, NULL};
	const struct uvfio_machine_params params = {.devices = devices};
	struct uvfio_machine *machine;
	struct uvfio_error err = {""};

	assert_int_equal(uvfio_machine_create(&machine, &params, &err),
			 -EINVAL);
	if (!strstr(err.text, why) || strchr(err.text, '\n'))
		fail_msg("'%s' does not tell '%s'", err.text, why);
}

static void assert_object_refused(const char *name, const char *why)
{
	char spec[512];

	(void)snprintf(spec, sizeof(spec), "%s/%s", folder, name);
	assert_refused(spec, why);
	assert_refused(spec, name);
}

static void a_model_comes_from_a_file(void **state)
{
	struct uvfio_machine *machine = machine_with(doorbell);
	struct opened opened = machine_open(machine);
	uint32_t id;

	(void)state;
	assert_int_equal(
		uvfio_pread(machine, opened.device, &id, sizeof(id),
			    (uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40),
		sizeof(id));
	assert_int_equal(id, 0xd00b1234);
	must_close(machine, opened.device);
	must_close(machine, opened.group);
	must_close(machine, opened.container);
	uvfio_machine_destroy(machine);
}

static void keys_follow_the_file(void **state)
{
	char spec[512];
	struct uvfio_machine *machine;

	(void)state;
	(void)snprintf(spec, sizeof(spec), "%s,addr=00:05.0,group=7", doorbell);
	machine = machine_with(spec);
	must_close(machine, must_open(machine, "/dev/vfio/7"));
	uvfio_machine_destroy(machine);
	(void)snprintf(spec, sizeof(spec), "%s,speed=3", doorbell);
	assert_refused(spec, "doorbell has no key 'speed'");
}

static void one_more_is_plugged_in(void **state)
{
	struct uvfio_machine *machine = machine_with("edu");
	struct uvfio_error err = {""};

	(void)state;
	assert_int_equal(uvfio_machine_plug(machine, doorbell, &err), 0);
	assert_int_equal(uvfio_machine_plug(machine, doorbell, &err), 0);
	must_close(machine, must_open(machine, "/dev/vfio/3"));
	assert_int_equal(uvfio_machine_unplug(machine, EDU_B), 0);
	uvfio_machine_destroy(machine);
}

static void a_wrong_file_is_named(void **state)
{
	(void)state;
	assert_object_refused("nothing.so", "No such file");
	assert_object_refused("empty.so", "it defines no uvfio_model");
	assert_object_refused("other_abi.so", "made for version 2");
	assert_object_refused("nameless.so", "no name or no summary");
	assert_refused("/dev/null", "/dev/null");
	/* Found by path alone, never by the folders of libraries. */
	assert_refused("libuvfio.so", "no device model 'libuvfio.so'");
}

static void a_loaded_model_is_checked(void **state)
{
	char spec[512];

	(void)state;
	(void)snprintf(spec, sizeof(spec), "%s/no_callbacks.so", folder);
	assert_refused(spec, "model idle: it has no callbacks");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_model_comes_from_a_file),
		cmocka_unit_test(keys_follow_the_file),
		cmocka_unit_test(one_more_is_plugged_in),
		cmocka_unit_test(a_wrong_file_is_named),
		cmocka_unit_test(a_loaded_model_is_checked),
	};

	if (argc != 3) {
		(void)fprintf(stderr, "usage: %s DOORBELL.so FOLDER\n",
			      argv[0]);
		return 2;
	}
	doorbell = argv[1];
	folder = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

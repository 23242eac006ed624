/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a machine is made of, and what is said when it cannot be made.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <uvfio/uvfio.h>

#include "base/alloc.h"

static int try_machine(const char *abi, const char *host, const char *first,
		       const char *second, struct uvfio_error *err)
{
	const char *const devices[] = {first, second, NULL};
	const struct uvfio_machine_params params = {
		.abi = abi, .host = host, .devices = devices};
	struct uvfio_machine *machine;
	int ret;

	err->text[0] = '\0';
	ret = uvfio_machine_create(&machine, &params, err);
	if (!ret)
		uvfio_machine_destroy(machine);
	return ret;
}

static void wrong_specifications_are_named(void **state)
{
	static const struct {
		const char *abi, *host, *first, *second;
		int ret;
		const char *says;
	} cases[] = {
		{NULL, NULL, "nope", NULL, -EINVAL, "nope"},
		{NULL, NULL, "edu,colour=red", NULL, -EINVAL, "colour"},
		{NULL, NULL, "edu,addr", NULL, -EINVAL, "addr"},
		{NULL, NULL, "edu,addr=3", NULL, -EINVAL, "addr"},
		{NULL, NULL, "edu,addr=00:20.0", NULL, -EINVAL, "addr"},
		{NULL, NULL, "edu,addr=00:03.8", NULL, -EINVAL, "addr"},
		{NULL, NULL, "edu,group=x", NULL, -EINVAL, "group"},
		{NULL, NULL, "edu,driver=", NULL, -EINVAL, "vfio-pci"},
		{NULL, NULL, "edu,driver=../x", NULL, -EINVAL, "../x"},
		{NULL, NULL, ",", NULL, -EINVAL, "MODEL"},
		{NULL, NULL, "edu,addr=00:03.0", "edu,addr=0000:00:03.0",
		 -EEXIST, "0000:00:03.0"},
		{NULL, NULL, "edu,group=1,group=2", NULL, -EINVAL, "twice"},
		{"2.6", NULL, "edu", NULL, -EINVAL, "6.12"},
		{NULL, "aperture=40", "edu", NULL, -EINVAL, "aperture"},
		{NULL, "iommu=arm", "edu", NULL, -EINVAL, "intel"},
		{NULL, "iommu=none", "edu,group=3", NULL, -EINVAL, "group=3"},
		{NULL, "noiommu=Y", "edu", NULL, -EINVAL, "noiommu"},
		{NULL, "isolation=panic", "edu", NULL, -EINVAL, "poison"},
		{NULL, "cpu=4", "edu", NULL, -EINVAL, "cpu"},
		{NULL, ",iommu=amd", "edu", NULL, -EINVAL, ",iommu=amd"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uvfio_error err;
		int ret = try_machine(cases[i].abi, cases[i].host,
				      cases[i].first, cases[i].second, &err);

		assert_int_equal(ret, cases[i].ret);
		if (!strstr(err.text, cases[i].says))
			fail_msg("'%s' does not say '%s'", err.text,
				 cases[i].says);
		assert_null(strchr(err.text, '\n'));
	}
}

/* Shows C1. */
static void empty_machine_has_a_container_node(void **state)
{
	const char *const none[] = {NULL};
	const struct uvfio_machine_params params = {.devices = none};
	struct uvfio_machine *machine;
	int fd;

	(void)state;
	assert_int_equal(uvfio_machine_create(&machine, &params, NULL), 0);
	fd = uvfio_open(machine, "/dev/vfio/vfio");
	assert_true(fd >= 0);
	assert_int_equal(uvfio_open(machine, "/dev/vfio/1"), -ENOENT);
	assert_int_equal(uvfio_open(machine, "/dev/vfio/01"), -ENOENT);
	assert_int_equal(uvfio_open(machine, "/dev/null"), -ENOENT);
	assert_int_equal(uvfio_close(machine, fd), 0);
	assert_int_equal(uvfio_close(machine, fd), -EBADF);
	uvfio_machine_destroy(machine);
}

/* Each request for memory fails once; nothing is left behind. */
static void creation_survives_every_failed_allocation(void **state)
{
	unsigned long nth = 1;
	bool has_failed;

	(void)state;
	do {
		struct uvfio_error err;
		int ret;

		uvf_alloc_fail_nth(nth++);
		ret = try_machine(NULL, "aperture=39", "edu", "edu", &err);
		has_failed = uvf_alloc_has_failed();
		uvf_alloc_fail_nth(0);
		assert_int_equal(ret, has_failed ? -ENOMEM : 0);
	} while (has_failed);
	assert_true(nth > 10);
}

static struct uvfio_machine *machine_of(const char *abi, const char *host)
{
	static const char *const devices[] = {"edu", NULL};
	const struct uvfio_machine_params params = {
		.abi = abi, .host = host, .devices = devices};
	struct uvfio_machine *machine;
	struct uvfio_error err = {""};

	if (uvfio_machine_create(&machine, &params, &err))
		fail_msg("%s: %s", abi, err.text);
	return machine;
}

/* Flips is_v02.  Groups without containers, by numbers of their own. */
static void first_proposal_is_another_abi(void **state)
{
	static const char *const abis[] = {"v02", "3.14"};
	const unsigned int get_flags = _IOR(VFIO_TYPE, VFIO_BASE, uint64_t);

	(void)state;
	for (int is_later = 0; is_later < 2; is_later++) {
		struct uvfio_machine *machine =
			machine_of(abis[is_later], NULL);
		int container = uvfio_open(machine, "/dev/vfio/vfio");
		int group = uvfio_open(machine, "/dev/vfio/1");
		uint64_t flags = 0;

		assert_true(group >= 0);
		if (is_later)
			assert_true(container >= 0);
		else
			assert_int_equal(container, -ENODEV);
		assert_int_equal(uvfio_ioctl(machine, group, get_flags,
					     (uintptr_t)&flags),
				 is_later ? -ENOTTY : 0);
		assert_int_equal(flags, is_later ? 0 : 1);
		uvfio_machine_destroy(machine);
	}
}

/* Flips type1_extensions. */
static void extensions_came_and_went(void **state)
{
	static const struct {
		const char *abi;
		long has[11]; /* by number */
	} cases[] = {
		{"3.14", {[1] = 1}},
		{"4.1", {[1] = 1, [3] = 1, [6] = 1}},
		{"6.1", {[1] = 1, [3] = 1, [6] = 1, [9] = 1}},
		{"6.12", {[1] = 1, [3] = 1, [6] = 1, [9] = 1}},
		{"6.19", {[1] = 1, [3] = 1, [9] = 1}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uvfio_machine *machine = machine_of(cases[i].abi, NULL);
		int container = uvfio_open(machine, "/dev/vfio/vfio");

		for (unsigned int ext = 0; ext < 11; ext++)
			assert_int_equal(uvfio_ioctl(machine, container,
						     VFIO_CHECK_EXTENSION, ext),
					 cases[i].has[ext]);
		uvfio_machine_destroy(machine);
	}
}

/* Shows B6.  Where a kernel would stop, either is a choice. */
static void broken_isolation_poisons_or_is_refused(void **state)
{
	static const struct {
		const char *host;
		ssize_t bound; /* a driver of the host, in a group in use */
	} cases[] = {{NULL, 12},
		     {"isolation=poison", 12},
		     {"isolation=refuse", -EBUSY}};
	static const char *const devices[] = {"edu,group=1,addr=00:03.0",
					      "igb,group=1,driver=none,"
					      "addr=00:04.0",
					      "igb,driver=igb,addr=00:05.0",
					      NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct uvfio_machine_params params = {
			.abi = "4.1",
			.host = cases[i].host,
			.devices = devices};
		struct vfio_group_status status = {.argsz = sizeof(status)};
		struct uvfio_machine *machine;
		struct uvfio_error err = {""};
		int container, group;

		if (uvfio_machine_create(&machine, &params, &err))
			fail_msg("%s", err.text);
		container = uvfio_open(machine, "/dev/vfio/vfio");
		group = uvfio_open(machine, "/dev/vfio/1");
		assert_int_equal(uvfio_ioctl(machine, group,
					     VFIO_GROUP_SET_CONTAINER,
					     (uintptr_t)&container),
				 0);
		assert_int_equal(
			uvfio_sysfs_write(machine,
					  "/sys/bus/pci/devices/0000:00:04.0/"
					  "driver_override",
					  "igb", 3, 0),
			3);
		assert_int_equal(
			uvfio_sysfs_write(machine,
					  "/sys/bus/pci/drivers/igb/bind",
					  "0000:00:04.0", 12, 0),
			cases[i].bound);
		assert_int_equal(uvfio_ioctl(machine, group,
					     VFIO_GROUP_GET_STATUS,
					     (uintptr_t)&status),
				 0);
		assert_int_equal(status.flags,
				 VFIO_GROUP_FLAGS_CONTAINER_SET |
					 (cases[i].bound < 0
						  ? VFIO_GROUP_FLAGS_VIABLE
						  : 0));
		uvfio_machine_destroy(machine);
	}
}

/* Flips has_spapr_tce_v2, has_eeh. */
static void extensions_of_power_came(void **state)
{
	static const struct {
		const char *abi;
		bool has_eeh, has_v2;
	} cases[] = {{"3.14", false, false},
		     {"4.1", true, false},
		     {"6.1", true, true}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uvfio_machine *machine =
			machine_of(cases[i].abi, "iommu=spapr");
		int container = uvfio_open(machine, "/dev/vfio/vfio");

		assert_int_equal(uvfio_ioctl(machine, container,
					     VFIO_CHECK_EXTENSION,
					     VFIO_SPAPR_TCE_IOMMU),
				 1);
		assert_int_equal(uvfio_ioctl(machine, container,
					     VFIO_CHECK_EXTENSION, VFIO_EEH),
				 cases[i].has_eeh);
		assert_int_equal(uvfio_ioctl(machine, container,
					     VFIO_CHECK_EXTENSION,
					     VFIO_SPAPR_TCE_v2_IOMMU),
				 cases[i].has_v2);
		uvfio_machine_destroy(machine);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_proposal_is_another_abi),
		cmocka_unit_test(extensions_came_and_went),
		cmocka_unit_test(broken_isolation_poisons_or_is_refused),
		cmocka_unit_test(extensions_of_power_came),
		cmocka_unit_test(wrong_specifications_are_named),
		cmocka_unit_test(empty_machine_has_a_container_node),
		cmocka_unit_test(creation_survives_every_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

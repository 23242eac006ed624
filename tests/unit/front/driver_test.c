/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drivers of this process: devices that they register, and programs that use
 * them, both by the public interface.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver_rig.h"
#include "lib/machine.h"

static void test_allocation_says_what_is_wrong(void **state)
{
	struct uvfio_machine *machine = machine_create(false);
	const struct uvfio_vfio_ops nameless = {.name = NULL};
	struct thing thing = {.init_ret = -EXDEV};
	struct uvfio_vfio_device *device = NULL;

	(void)state;
	assert_int_equal(uvfio_alloc_device(machine, &device, NAME, NULL, NULL),
			 -EINVAL);
	assert_int_equal(
		uvfio_alloc_device(machine, &device, NAME, &nameless, NULL),
		-EINVAL);
	assert_int_equal(
		uvfio_alloc_device(machine, &device, NULL, &full_ops, &thing),
		-EINVAL);
	assert_int_equal(
		uvfio_alloc_device(machine, &device, "", &full_ops, &thing),
		-EINVAL);
	assert_int_equal(uvfio_alloc_device(machine, &device,
					    "a name of forty characters, "
					    "too long for it",
					    &full_ops, &thing),
			 -EINVAL);
	assert_int_equal(
		uvfio_alloc_device(machine, &device, NAME, &full_ops, &thing),
		-EXDEV);
	assert_int_equal(thing.inits, 1);
	assert_int_equal(thing.releases, 0);
	assert_null(device);
	uvfio_put_device(NULL);
	uvfio_machine_destroy(machine);
}

static void test_a_device_lives_from_alloc_to_put(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, &full_ops);
	assert_string_equal(uvfio_device_name(rig.thing.device), NAME);
	assert_int_equal(rig.thing.inits, 1);
	rig_destroy(&rig);
	assert_int_equal(rig.thing.releases, 1);
	assert_int_equal(atomic_load(&rig.thing.requests), 0);
}

/* Shows N5. */
static void test_an_emulated_device_shares_a_container(void **state)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	int real, device, edu;
	struct rig rig;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	must_ioctl(rig.machine, rig.group, VFIO_GROUP_UNSET_CONTAINER, 0);
	must_ioctl(rig.machine, rig.group, VFIO_GROUP_GET_STATUS,
		   (uintptr_t)&status);
	assert_int_equal(status.flags, VFIO_GROUP_FLAGS_VIABLE);
	real = must_open(rig.machine, "/dev/vfio/1");
	must_ioctl(rig.machine, real, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&rig.container);
	must_ioctl(rig.machine, rig.group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&rig.container);
	must_ioctl(rig.machine, rig.container, VFIO_SET_IOMMU,
		   VFIO_TYPE1v2_IOMMU);
	device = (int)rig_open_device(&rig, NAME);
	assert_true(device >= 0);
	edu = (int)must_ioctl(rig.machine, real, VFIO_GROUP_GET_DEVICE_FD,
			      (uintptr_t)EDU_A);
	must_close(rig.machine, edu);
	must_close(rig.machine, device);
	must_close(rig.machine, real);
	rig_destroy(&rig);
}

static void test_calls_reach_the_driver(void **state)
{
	char text[16] = "hello";
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	fd = (int)rig_open_device(&rig, NAME);
	assert_true(fd >= 0);
	assert_int_equal(uvfio_pwrite(rig.machine, fd, text, 6, 2), 6);
	assert_string_equal(rig.thing.text + 2, "hello");
	assert_int_equal(uvfio_pread(rig.machine, fd, text, 16, 0), 16);
	assert_string_equal(text + 2, "hello");
	assert_int_equal(uvfio_pread(rig.machine, fd, text, 16, 1), -EINVAL);
	assert_int_equal(uvfio_pread(rig.machine, fd, NULL, 4, 0), -EFAULT);
	assert_int_equal(uvfio_pwrite(rig.machine, fd, NULL, 4, 0), -EFAULT);
	assert_int_equal(uvfio_ioctl(rig.machine, fd, CMD, 41), 42);
	assert_int_equal(uvfio_ioctl(rig.machine, fd, CMD + 1, 41), -ENOTTY);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
}

/* Shows D11. */
static void test_what_a_driver_has_not_is_einval(void **state)
{
	char text[4];
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &bare_ops);
	rig_open_group(&rig);
	fd = (int)rig_open_device(&rig, NAME);
	assert_true(fd >= 0);
	assert_int_equal(uvfio_pwrite(rig.machine, fd, text, 4, 0), -EINVAL);
	assert_int_equal(uvfio_pread(rig.machine, fd, text, 4, 0), -EINVAL);
	assert_int_equal(uvfio_ioctl(rig.machine, fd, CMD, 0), -EINVAL);
	assert_int_equal(uvfio_ioctl(rig.machine, fd, VFIO_DEVICE_RESET, 0),
			 -EINVAL);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
}

/* Shows D5, D7. */
static void test_the_first_open_asks_and_the_last_close_tells(void **state)
{
	struct rig rig;
	int first, second;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	rig.thing.open_ret = -EXDEV;
	assert_int_equal(rig_open_device(&rig, NAME), -EXDEV);
	assert_int_equal(rig.thing.opens, 1);
	assert_int_equal(rig.thing.closes, 0);
	rig.thing.open_ret = 0;
	first = (int)rig_open_device(&rig, NAME);
	second = (int)rig_open_device(&rig, NAME);
	assert_true(first >= 0 && second >= 0);
	assert_int_equal(rig.thing.opens, 2);
	assert_int_equal(uvfio_device_set_open_count(rig.thing.device), 2);
	must_close(rig.machine, first);
	assert_int_equal(rig.thing.closes, 0);
	must_close(rig.machine, second);
	assert_int_equal(rig.thing.closes, 1);
	must_ioctl(rig.machine, rig.group, VFIO_GROUP_UNSET_CONTAINER, 0);
	rig_destroy(&rig);
}

/* Shows D9. */
static void test_a_driver_may_say_what_its_devices_are_called(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &match_ops);
	rig_open_group(&rig);
	rig.thing.match_ret = -EACCES;
	assert_int_equal(rig_open_device(&rig, "alias"), -EACCES);
	rig.thing.match_ret = 0;
	assert_int_equal(rig_open_device(&rig, "alias"), -ENODEV);
	assert_int_equal(rig_open_device(&rig, NAME), -ENODEV);
	rig.thing.match_ret = 1;
	fd = (int)rig_open_device(&rig, "alias");
	assert_true(fd >= 0);
	must_close(rig.machine, fd);
	rig_destroy(&rig);
}

/* Shows U17. */
static void test_a_device_is_registered_once(void **state)
{
	struct rig rig;

	(void)state;
	rig_create(&rig, &full_ops);
	assert_int_equal(uvfio_register_emulated_iommu_dev(rig.thing.device),
			 -EINVAL);
	rig_open_group(&rig);
	must_close(rig.machine, (int)rig_open_device(&rig, NAME));
	rig_destroy(&rig);
}

static void *unregister_main(void *arg)
{
	uvfio_unregister_group_dev(arg);
	return NULL;
}

static void test_unregister_asks_and_waits_for_the_last_close(void **state)
{
	pthread_t thread;
	struct rig rig;
	int fd;

	(void)state;
	rig_create(&rig, &full_ops);
	rig_open_group(&rig);
	fd = (int)rig_open_device(&rig, NAME);
	assert_int_equal(pthread_create(&thread, NULL, unregister_main,
					rig.thing.device),
			 0);
	while (!atomic_load(&rig.thing.requests))
		sched_yield();
	assert_int_equal(uvfio_ioctl(rig.machine, fd, CMD, 1), 2);
	assert_int_equal(rig_open_device(&rig, NAME), -ENODEV);
	must_close(rig.machine, fd);
	pthread_join(thread, NULL);
	assert_int_equal(rig.thing.closes, 1);
	assert_int_equal(atomic_load(&rig.thing.requests), 1);
	must_close(rig.machine, rig.group);
	must_close(rig.machine, rig.container);
	uvfio_put_device(rig.thing.device);
	assert_int_equal(rig.thing.releases, 1);
	uvfio_machine_destroy(rig.machine);
}

static void test_a_reference_by_name_holds_the_registration(void **state)
{
	struct uvfio_vfio_device *found;
	pthread_t thread;
	struct rig rig;

	(void)state;
	rig_create(&rig, &full_ops);
	assert_null(uvfio_device_get_from_dev(rig.machine, "other"));
	assert_null(uvfio_device_get_from_dev(rig.machine, EDU_A));
	found = uvfio_device_get_from_dev(rig.machine, NAME);
	assert_ptr_equal(found, rig.thing.device);
	assert_int_equal(pthread_create(&thread, NULL, unregister_main,
					rig.thing.device),
			 0);
	while (!atomic_load(&rig.thing.requests))
		sched_yield();
	uvfio_device_put_registration(found);
	pthread_join(thread, NULL);
	uvfio_put_device(rig.thing.device);
	uvfio_machine_destroy(rig.machine);
}

static void test_a_driver_takes_a_device_of_the_machine(void **state)
{
	static const char *const specs[] = {"edu,driver=none,addr=" EDU_A,
					    "edu,addr=" EDU_B, NULL};
	const struct uvfio_machine_params params = {.devices = specs};
	struct thing thing = {0}, other = {0};
	struct uvfio_machine *machine;
	struct opened opened;

	(void)state;
	assert_int_equal(uvfio_machine_create(&machine, &params, NULL), 0);
	assert_int_equal(uvfio_alloc_device(machine, &thing.device, EDU_A,
					    &full_ops, &thing),
			 0);
	assert_int_equal(uvfio_alloc_device(machine, &other.device, EDU_B,
					    &full_ops, &other),
			 0);
	assert_int_equal(uvfio_register_group_dev(thing.device), 0);
	assert_int_equal(uvfio_device_group_id(thing.device), 1);
	/* vfio-pci has this one. */
	assert_int_equal(uvfio_register_group_dev(other.device), -EBUSY);
	opened = machine_open(machine);
	assert_int_equal(thing.opens, 1);
	assert_int_equal(uvfio_ioctl(machine, opened.device, CMD, 1), 2);
	must_close(machine, opened.device);
	must_close(machine, opened.group);
	must_close(machine, opened.container);
	uvfio_unregister_group_dev(thing.device);
	assert_int_equal(uvfio_device_group_id(thing.device), -1);
	uvfio_put_device(thing.device);
	uvfio_put_device(other.device);
	uvfio_machine_destroy(machine);
}

static void test_a_device_that_is_nowhere_has_no_group_to_be_in(void **state)
{
	struct uvfio_machine *machine = machine_create(false);
	struct thing thing = {0};

	(void)state;
	assert_int_equal(uvfio_alloc_device(machine, &thing.device, NAME,
					    &full_ops, &thing),
			 0);
	assert_int_equal(uvfio_register_group_dev(thing.device), -ENODEV);
	uvfio_put_device(thing.device);
	uvfio_machine_destroy(machine);
}

static void test_devices_of_a_set_are_counted_together(void **state)
{
	struct thing other = {0};
	struct rig rig = {0};
	static const int key;

	(void)state;
	rig.container = -1;
	rig.group = -1;
	rig.machine = machine_create(false);
	assert_int_equal(uvfio_alloc_device(rig.machine, &rig.thing.device,
					    NAME, &full_ops, &rig.thing),
			 0);
	assert_int_equal(uvfio_alloc_device(rig.machine, &other.device,
					    "thing1", &full_ops, &other),
			 0);
	assert_int_equal(uvfio_assign_device_set(rig.thing.device, NULL),
			 -EINVAL);
	assert_int_equal(uvfio_assign_device_set(rig.thing.device, &key), 0);
	assert_int_equal(uvfio_assign_device_set(other.device, &key), 0);
	assert_int_equal(uvfio_register_emulated_iommu_dev(rig.thing.device),
			 0);
	assert_int_equal(uvfio_register_emulated_iommu_dev(other.device), 0);
	rig_open_group(&rig);
	must_close(rig.machine, (int)rig_open_device(&rig, NAME));
	assert_int_equal(uvfio_device_set_open_count(other.device), 0);
	uvfio_unregister_group_dev(other.device);
	uvfio_put_device(other.device);
	rig_destroy(&rig);
}

/* Shows X1, X2. */
static void test_an_external_user_keeps_the_group_in_its_container(void **state)
{
	struct uvfio_group *group;
	struct rig rig;

	(void)state;
	rig_create(&rig, &full_ops);
	assert_int_equal(
		uvfio_group_get_external_user(rig.machine, 9999, &group),
		-EBADF);
	rig_open_group(&rig);
	assert_int_equal(uvfio_group_get_external_user(rig.machine,
						       rig.container, &group),
			 -EINVAL);
	assert_int_equal(
		uvfio_group_get_external_user(rig.machine, rig.group, &group),
		0);
	assert_int_equal(uvfio_external_user_iommu_id(group),
			 uvfio_device_group_id(rig.thing.device));
	assert_int_equal(
		uvfio_external_check_extension(group, VFIO_TYPE1v2_IOMMU), 1);
	assert_int_equal(uvfio_ioctl(rig.machine, rig.group,
				     VFIO_GROUP_UNSET_CONTAINER, 0),
			 -EBUSY);
	uvfio_group_put_external_user(group);
	must_ioctl(rig.machine, rig.group, VFIO_GROUP_UNSET_CONTAINER, 0);
	rig_destroy(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allocation_says_what_is_wrong),
		cmocka_unit_test(test_a_device_lives_from_alloc_to_put),
		cmocka_unit_test(test_an_emulated_device_shares_a_container),
		cmocka_unit_test(test_calls_reach_the_driver),
		cmocka_unit_test(test_what_a_driver_has_not_is_einval),
		cmocka_unit_test(
			test_the_first_open_asks_and_the_last_close_tells),
		cmocka_unit_test(
			test_a_driver_may_say_what_its_devices_are_called),
		cmocka_unit_test(test_a_device_is_registered_once),
		cmocka_unit_test(
			test_unregister_asks_and_waits_for_the_last_close),
		cmocka_unit_test(
			test_a_reference_by_name_holds_the_registration),
		cmocka_unit_test(test_a_driver_takes_a_device_of_the_machine),
		cmocka_unit_test(
			test_a_device_that_is_nowhere_has_no_group_to_be_in),
		cmocka_unit_test(test_devices_of_a_set_are_counted_together),
		cmocka_unit_test(
			test_an_external_user_keeps_the_group_in_its_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mediated devices come and go by the files of their parent, with the errno
 * of the kernel: those of mtty, and those of a driver of this process.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/vfio.h>

#include <uvfio/uvfio.h>

#include "base/alloc.h"
#include "bus/machine.h"
#include "bus/uevent.h"
#include "front/describe.h"
#include "front/machine.h"
#include "lib/client.h"
#include "lib/machine.h"

#define MTTY    "/sys/devices/virtual/mtty/mtty/"
#define TYPES   MTTY "mdev_supported_types/"
#define ONE     TYPES "mtty-1/"
#define TWO     TYPES "mtty-2/"
#define UUID_A  "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define UUID_B  "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
#define UUID_C  "83b8f4f2-509f-382f-3c1e-e6bfe0fa1003"
#define THINGS  "/sys/devices/virtual/thing/thing/"
#define CREATE  THINGS "mdev_supported_types/thing-any/create"
#define LEFT    THINGS "mdev_supported_types/thing-any/available_instances"
#define PARENTS 24 /* ports of a parent of mtty */

static struct uvfio_machine *machine;

static int make(const char *abi, const char *const *devices)
{
	const struct uvfio_machine_params params = {.abi = abi,
						    .devices = devices};
	struct uvfio_error err = {""};
	int ret = uvfio_machine_create(&machine, &params, &err);

	if (ret)
		machine = NULL;
	assert_int_equal(ret != 0, err.text[0] != '\0');
	return ret;
}

static int set_up(void **state)
{
	static const char *const devices[] = {"mtty", NULL};

	(void)state;
	return make(NULL, devices);
}

static int tear_down(void **state)
{
	(void)state;
	uvfio_machine_destroy(machine);
	return 0;
}

static void shows_left(const char *one, const char *two)
{
	sysfs_shows(machine, ONE "available_instances", one);
	sysfs_shows(machine, TWO "available_instances", two);
}

/* Shows N7, V64. */
static void create_refuses_what_is_no_uuid(void **state)
{
	static const char *const wrong[] = {
		"",
		"\n",
		"83b8f4f2-509f-382f-3c1e-e6bfe0fa100",
		UUID_A "\n\n",
		UUID_A "00",
		"83b8f4f2-509f-382f-3c1e-e6bfe0fa100\n",
		"83b8f4f2+509f-382f-3c1e-e6bfe0fa1001",
		"83b8f4f2-509f-382f-3c1e-e6bfe0fa100g",
		"{3b8f4f2-509f-382f-3c1e-e6bfe0fa100}",
		"83b8f4f2509f-382f-3c1e-e6bfe0fa10011",
	};

	(void)state;
	/* A write of nothing does not reach the file. */
	for (size_t i = 1; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(sysfs_put(machine, ONE "create", wrong[i]),
				 -EINVAL);
	assert_int_equal(
		uvfio_sysfs_write(machine, ONE "create", UUID_A "\0", 38, 0),
		-EINVAL);
	assert_int_equal(sysfs_can_read(machine, ONE "create"), -EACCES);
	assert_int_equal(sysfs_put(machine, ONE "name", "x"), -EACCES);
	shows_left("24\n", "12\n");
}

/* Shows N7, V64. */
static void a_uuid_is_taken_once(void **state)
{
	(void)state;
	assert_int_equal(sysfs_put(machine, ONE "create", UUID_A), 36);
	assert_int_equal(sysfs_put(machine, ONE "create", UUID_A), -EEXIST);
	assert_int_equal(sysfs_put(machine, TWO "create", UUID_A "\n"),
			 -EEXIST);
	/* Whatever follows it, and in letters of either case. */
	assert_int_equal(sysfs_put(machine, TWO "create",
				   "83B8F4F2-509F-382F-3C1E-E6BFE0FA1001x"),
			 -EEXIST);
	assert_int_equal(sysfs_put(machine, TWO "create",
				   "83B8F4F2-509F-382F-3C1E-E6BFE0FA1002x"),
			 37);
	sysfs_shows(machine, MTTY UUID_B "/vendor/sample_mdev_dev",
		    "This is MDEV " UUID_B "\n");
	shows_left("21\n", "10\n");
	assert_int_equal(sysfs_put(machine, MTTY UUID_A "/remove", "1"), 1);
	assert_int_equal(sysfs_put(machine, TWO "create", UUID_A), 36);
	shows_left("20\n", "10\n");
}

static void name_of(char text[40], unsigned int n)
{
	(void)snprintf(text, 40, "00000000-0000-0000-0000-%012x", n);
}

/* Shows N7. */
static void ports_run_out(void **state)
{
	char uuid[40], path[128];

	(void)state;
	for (unsigned int i = 0; i < PARENTS - 1; i++) {
		name_of(uuid, i);
		assert_int_equal(sysfs_put(machine, ONE "create", uuid), 36);
	}
	shows_left("1\n", "0\n");
	assert_int_equal(sysfs_put(machine, TWO "create", UUID_A), -ENOSPC);
	assert_int_equal(sysfs_can_read(machine, MTTY UUID_A "/uevent"),
			 -ENOENT);
	assert_int_equal(sysfs_put(machine, ONE "create", UUID_A), 36);
	shows_left("0\n", "0\n");
	/* What is there is told before what is too much. */
	assert_int_equal(sysfs_put(machine, ONE "create", uuid), -EEXIST);
	assert_int_equal(sysfs_put(machine, ONE "create", UUID_B), -ENOSPC);
	for (unsigned int i = 0; i < PARENTS - 1; i++) {
		name_of(uuid, i);
		(void)snprintf(path, sizeof(path), MTTY "%s/remove", uuid);
		assert_int_equal(sysfs_put(machine, path, "1"), 1);
	}
	shows_left("23\n", "11\n");
}

/* Shows N7. */
static void remove_takes_a_number(void **state)
{
	(void)state;
	assert_int_equal(sysfs_put(machine, TWO "create", UUID_A), 36);
	assert_int_equal(sysfs_put(machine, MTTY UUID_A "/remove", "x"),
			 -EINVAL);
	assert_int_equal(sysfs_put(machine, MTTY UUID_A "/remove", "-1"),
			 -EINVAL);
	assert_int_equal(sysfs_put(machine, MTTY UUID_A "/remove", "0"), 1);
	shows_left("22\n", "11\n");
	assert_int_equal(sysfs_put(machine, MTTY UUID_A "/remove", "0x10\n"),
			 5);
	shows_left("24\n", "12\n");
	assert_int_equal(sysfs_put(machine, MTTY UUID_A "/remove", "1"),
			 -ENOENT);
	assert_int_equal(uvfio_open(machine, "/dev/vfio/1"), -ENOENT);
}

static void names_come_and_go_with_it(void **state)
{
	static const char *const names[] = {
		"/sys/bus/mdev/devices/" UUID_A "/uevent",
		"/sys/bus/mdev/drivers/mtty/" UUID_A "/uevent",
		"/sys/class/mdev_bus/mtty/" UUID_A "/uevent",
		"/sys/class/mtty/mtty/" UUID_A "/uevent",
		"/sys/kernel/iommu_groups/1/devices/" UUID_A "/uevent",
		"/sys/class/vfio-dev/vfio0/device/uevent",
		"/sys/class/vfio/1/dev",
		TWO "devices/" UUID_A "/uevent",
		MTTY UUID_A "/mdev_type/name",
		MTTY UUID_A "/iommu_group/name",
		MTTY UUID_A "/driver/module/refcnt",
		MTTY UUID_A "/vfio-dev/vfio0/dev",
	};
	const size_t count = sizeof(names) / sizeof(names[0]);

	(void)state;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(sysfs_can_read(machine, names[i]), -ENOENT);
	assert_int_equal(sysfs_put(machine, TWO "create", UUID_A), 36);
	for (size_t i = 0; i < count; i++)
		if (sysfs_can_read(machine, names[i]) <= 0)
			fail_msg("%s", names[i]);
	sysfs_shows(machine, MTTY UUID_A "/uevent", "DRIVER=mtty\n");
	sysfs_shows(machine, MTTY UUID_A "/mdev_type/name",
		    "Dual port serial\n");
	sysfs_shows(machine, MTTY UUID_A "/iommu_group/name", "vfio-noiommu\n");
	sysfs_shows(machine, TWO "device_api", "vfio-pci\n");
	/* A bus that gives no device to whom it pleases. */
	assert_int_equal(
		sysfs_can_read(machine, MTTY UUID_A "/driver_override"),
		-ENOENT);
	assert_int_equal(
		sysfs_put(machine, "/sys/bus/mdev/drivers/mtty/new_id", "1 2"),
		-ENOENT);
	assert_int_equal(sysfs_put(machine, MTTY UUID_A "/remove", "1"), 1);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(sysfs_can_read(machine, names[i]), -ENOENT);
}

static void unbound_it_is_only_good_for_removal(void **state)
{
	(void)state;
	assert_int_equal(sysfs_put(machine, ONE "create", UUID_A), 36);
	assert_int_equal(
		sysfs_put(machine, "/sys/bus/mdev/drivers/mtty/bind", UUID_A),
		-ENODEV);
	assert_int_equal(
		sysfs_put(machine, "/sys/bus/mdev/drivers/mtty/unbind", UUID_A),
		36);
	assert_int_equal(
		sysfs_can_read(machine, MTTY UUID_A "/driver/module/refcnt"),
		-ENOENT);
	assert_int_equal(
		sysfs_can_read(machine, MTTY UUID_A "/vendor/sample_mdev_dev"),
		-ENOENT);
	assert_int_equal(
		sysfs_can_read(machine, MTTY UUID_A "/iommu_group/type"),
		-ENOENT);
	assert_int_equal(
		sysfs_put(machine, "/sys/bus/mdev/drivers/mtty/bind", UUID_A),
		-ENODEV);
	assert_int_equal(
		sysfs_put(machine, "/sys/bus/mdev/drivers_probe", UUID_A), 36);
	assert_int_equal(
		sysfs_can_read(machine, MTTY UUID_A "/driver/module/refcnt"),
		-ENOENT);
	assert_int_equal(sysfs_put(machine, ONE "create", UUID_A), -EEXIST);
	assert_int_equal(sysfs_put(machine, MTTY UUID_A "/remove", "1"), 1);
	shows_left("24\n", "12\n");
}

/* Flips has_mdev. */
static void options_create_one(void **state)
{
	static const struct {
		const char *devices[3];
		int ret;
	} cases[] = {
		{{"mtty,uuid=" UUID_A ",type=mtty-2", "mtty,uuid=" UUID_B}, 0},
		{{"mtty", "mtty"}, -EEXIST},
		{{"mtty,uuid=" UUID_A, "mtty,uuid=" UUID_A}, -EEXIST},
		{{"mtty,uuid=" UUID_A ",type=mtty-3"}, -EINVAL},
		{{"mtty,uuid=" UUID_A "x"}, -EINVAL},
		{{"mtty,type=mtty-2"}, -EINVAL},
		{{"mtty,ports=2"}, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(make(NULL, cases[i].devices), cases[i].ret);
		if (machine)
			shows_left("21\n", "10\n");
		uvfio_machine_destroy(machine);
	}
	assert_int_equal(make("4.1", cases[0].devices), -EINVAL);
	assert_int_equal(make("6.1", cases[0].devices), 0);
	uvfio_machine_destroy(machine);
}

static void one_is_plugged_later(void **state)
{
	struct uvfio_error err = {""};

	(void)state;
	assert_int_equal(uvfio_machine_plug(machine, "mtty", &err), -EEXIST);
	assert_int_equal(uvfio_machine_plug(machine, "mtty,uuid=" UUID_A, &err),
			 0);
	assert_int_equal(uvfio_machine_unplug(machine, UUID_A), 0);
	assert_int_equal(uvfio_machine_unplug(machine, UUID_A), -ENODEV);
	shows_left("24\n", "12\n");
	assert_int_equal(uvfio_machine_plug(machine, "mtty,uuid=" UUID_A, &err),
			 0);
	assert_int_equal(uvfio_machine_unplug(machine, "mtty"), 0);
	assert_int_equal(sysfs_can_read(machine, MTTY "uevent"), -ENOENT);
	assert_int_equal(sysfs_can_read(machine, "/sys/bus/mdev/devices/" UUID_A
						 "/uevent"),
			 -ENOENT);
	assert_int_equal(uvfio_machine_plug(machine, "mtty", &err), 0);
	shows_left("24\n", "12\n");
}

/* A driver of this process: devices that ask before they go. */
static struct things {
	struct uvfio_mdev_parent *parent;
	int probe_ret;
	atomic_uint requests;
	atomic_uint probes, removes;
} things;

static void thing_request(struct uvfio_vfio_device *device, unsigned int count)
{
	(void)device;
	(void)count;
	atomic_fetch_add(&things.requests, 1);
}

static const struct uvfio_vfio_ops thing_ops = {
	.name = "vfio-thing",
	.request = thing_request,
};

static int thing_probe(struct uvfio_mdev *mdev)
{
	struct uvfio_vfio_device *device;
	int ret;

	atomic_fetch_add(&things.probes, 1);
	if (things.probe_ret)
		return things.probe_ret;
	ret = uvfio_alloc_device(uvfio_mdev_machine(mdev), &device,
				 uvfio_mdev_name(mdev), &thing_ops, NULL);
	if (!ret)
		ret = uvfio_register_emulated_iommu_dev(device);
	uvfio_mdev_set_data(mdev, device);
	return ret;
}

static void thing_remove(struct uvfio_mdev *mdev)
{
	struct uvfio_vfio_device *device = uvfio_mdev_data(mdev);

	uvfio_unregister_group_dev(device);
	uvfio_put_device(device);
	atomic_fetch_add(&things.removes, 1);
}

static void thing_describe(struct uvfio_mdev_parent *parent, unsigned int type,
			   char *buf, size_t size)
{
	assert_ptr_equal(parent, things.parent);
	(void)snprintf(buf, size, "type %u\n", type);
}

static const struct uvfio_mdev_type thing_types[] = {
	{"any", NULL},
	{NULL, NULL},
};

static const struct uvfio_mdev_driver thing_driver = {
	.name = "thing",
	.device_api = "vfio-thing",
	.types = thing_types,
	.max_instances = 2,
	.probe = thing_probe,
	.remove = thing_remove,
	.describe = thing_describe,
};

static int set_up_things(void **state)
{
	static const char *const none[] = {NULL};
	struct uvfio_error err = {""};

	(void)state;
	if (make(NULL, none))
		return -1;
	memset(&things, 0, sizeof(things));
	return uvfio_mdev_register_parent(machine, &thing_driver,
					  &things.parent, &err);
}

static int tear_down_things(void **state)
{
	uvfio_mdev_unregister_parent(things.parent);
	assert_int_equal(atomic_load(&things.probes),
			 atomic_load(&things.removes));
	return tear_down(state);
}

/* Shows N7, V64. */
static void instances_run_out(void **state)
{
	(void)state;
	sysfs_shows(machine, LEFT, "2\n");
	sysfs_shows(machine, THINGS "mdev_supported_types/thing-any/name",
		    "any\n");
	sysfs_shows(machine,
		    THINGS "mdev_supported_types/thing-any/description",
		    "type 0\n");
	assert_int_equal(sysfs_put(machine, CREATE, UUID_A), 36);
	assert_int_equal(sysfs_put(machine, CREATE, UUID_B), 36);
	sysfs_shows(machine, LEFT, "0\n");
	assert_int_equal(sysfs_put(machine, CREATE, UUID_C), -EUSERS);
	assert_int_equal(sysfs_put(machine, CREATE, UUID_A), -EEXIST);
	assert_int_equal(sysfs_put(machine, CREATE, "x"), -EINVAL);
	assert_int_equal(sysfs_put(machine, THINGS UUID_A "/remove", "1"), 1);
	sysfs_shows(machine, LEFT, "1\n");
	assert_int_equal(sysfs_put(machine, CREATE, UUID_C), 36);
}

/* Shows N7. */
static void a_driver_that_refuses_is_heard(void **state)
{
	(void)state;
	things.probe_ret = -EXDEV;
	assert_int_equal(sysfs_put(machine, CREATE, UUID_A), -EXDEV);
	sysfs_shows(machine, LEFT, "2\n");
	assert_int_equal(sysfs_can_read(machine, THINGS UUID_A "/uevent"),
			 -ENOENT);
	things.probe_ret = 0;
	atomic_store(&things.probes, 0);
	assert_int_equal(sysfs_put(machine, CREATE, UUID_A), 36);
}

struct removal {
	pthread_t thread;
	const char *path;
	ssize_t ret;
	atomic_bool is_done;
};

static void *removal_main(void *arg)
{
	struct removal *removal = arg;

	if (removal->path)
		removal->ret = sysfs_put(machine, removal->path, "1");
	else
		uvfio_mdev_unregister_parent(things.parent);
	atomic_store(&removal->is_done, true);
	return NULL;
}

static void wait_for_request(void)
{
	while (!atomic_load(&things.requests))
		sched_yield();
}

/* Shows N7. */
static void remove_waits_for_users(void **state)
{
	struct removal removal = {.path = THINGS UUID_A "/remove"};
	struct client *client = client_create(machine);
	struct opened opened;

	(void)state;
	assert_int_equal(sysfs_put(machine, CREATE, UUID_A), 36);
	opened = client_open_all(client, "/dev/vfio/1", UUID_A);
	assert_int_equal(
		pthread_create(&removal.thread, NULL, removal_main, &removal),
		0);
	wait_for_request();
	/* The names that need no wait are gone, the device is not. */
	assert_int_equal(sysfs_put(machine, THINGS UUID_A "/remove", "1"),
			 -ENOENT);
	assert_int_equal(
		sysfs_can_read(machine, THINGS UUID_A "/mdev_type/name"),
		-ENOENT);
	assert_int_equal(
		sysfs_can_read(machine, THINGS UUID_A "/driver/uevent"),
		-ENOENT);
	sysfs_shows(machine, THINGS UUID_A "/uevent", "");
	assert_int_equal(sysfs_put(machine, CREATE, UUID_A), -EEXIST);
	sysfs_shows(machine, LEFT, "1\n");
	/* Others are not in its way. */
	assert_int_equal(sysfs_put(machine, CREATE, UUID_B), 36);
	assert_int_equal(sysfs_put(machine, CREATE, UUID_C), -EUSERS);
	assert_int_equal(sysfs_put(machine, THINGS UUID_B "/remove", "1"), 1);
	assert_false(atomic_load(&removal.is_done));
	client_close(client, opened.device);
	pthread_join(removal.thread, NULL);
	assert_int_equal(removal.ret, 1);
	sysfs_shows(machine, LEFT, "2\n");
	assert_int_equal(sysfs_put(machine, CREATE, UUID_A), 36);
	client_destroy(client);
}

/* Shows N7. */
static void a_parent_that_goes_takes_all_along(void **state)
{
	struct client *client = client_create(machine);
	struct removal removal = {.path = NULL};
	struct opened opened;

	(void)state;
	assert_int_equal(sysfs_put(machine, CREATE, UUID_A), 36);
	assert_int_equal(sysfs_put(machine, CREATE, UUID_B), 36);
	opened = client_open_all(client, "/dev/vfio/1", UUID_A);
	assert_int_equal(sysfs_put(machine, THINGS UUID_B "/remove", "1"), 1);
	assert_int_equal(
		pthread_create(&removal.thread, NULL, removal_main, &removal),
		0);
	wait_for_request();
	assert_int_equal(sysfs_put(machine, CREATE, UUID_B), -ENODEV);
	sysfs_shows(machine, LEFT, "1\n");
	assert_false(atomic_load(&removal.is_done));
	client_close(client, opened.device);
	pthread_join(removal.thread, NULL);
	assert_int_equal(sysfs_put(machine, CREATE, UUID_B), -ENOENT);
	assert_int_equal(sysfs_can_read(machine, THINGS "uevent"), -ENOENT);
	things.parent = NULL;
	client_destroy(client);
}

/* Shows N7. */
static void a_failed_allocation_leaves_nothing(void **state)
{
	unsigned long nth = 1;
	unsigned int failures = 0;
	bool has_failed;
	ssize_t ret;

	(void)state;
	do {
		uvf_alloc_fail_nth(nth++);
		ret = sysfs_put(machine, TWO "create", UUID_A);
		has_failed = uvf_alloc_has_failed();
		uvf_alloc_fail_nth(0);
		if (ret == 36) {
			assert_int_equal(
				sysfs_put(machine, MTTY UUID_A "/remove", "1"),
				1);
		} else {
			assert_int_equal(ret, -ENOMEM);
			assert_true(has_failed);
			failures++;
		}
		assert_int_equal(sysfs_can_read(machine, MTTY UUID_A "/uevent"),
				 -ENOENT);
		shows_left("24\n", "12\n");
	} while (has_failed);
	assert_true(failures > 5);
}

/* Whoever lists a machine finds them. */
static void devices_are_described(void **state)
{
	json_t *machine_json, *device;

	(void)state;
	assert_int_equal(sysfs_put(machine, TWO "create", UUID_A), 36);
	machine_json = uvf_describe_machine(machine);
	assert_non_null(machine_json);
	device = json_array_get(json_object_get(machine_json, "devices"), 1);
	assert_string_equal(
		json_string_value(json_object_get(device, "address")), UUID_A);
	assert_string_equal(
		json_string_value(json_object_get(device, "driver")), "mtty");
	assert_int_equal(json_integer_value(json_object_get(device, "group")),
			 1);
	json_decref(machine_json);
}

static char heard[4096];

static void hear(void *arg, const struct uvf_uevent *event)
{
	size_t used = strlen(heard);

	(void)arg;
	(void)snprintf(heard + used, sizeof(heard) - used, "%s %s\n",
		       event->text, event->subsystem);
	for (size_t at = 0; at < event->size;
	     at += strlen(event->text + at) + 1)
		if (!strncmp(event->text + at, "MDEV_STATE=", 11))
			(void)snprintf(heard + strlen(heard),
				       sizeof(heard) - strlen(heard), "%s\n",
				       event->text + at);
}

static void events_tell_of_it(void **state)
{
	struct uvfio_error err;

	(void)state;
	heard[0] = '\0';
	uvf_machine_set_changed(&machine->bus, hear, NULL);
	assert_int_equal(sysfs_put(machine, ONE "create", UUID_A), 36);
	assert_int_equal(sysfs_put(machine, MTTY UUID_A "/remove", "1"), 1);
	uvfio_machine_unplug(machine, "mtty");
	assert_int_equal(uvfio_machine_plug(machine, "mtty", &err), 0);
	uvf_machine_set_changed(&machine->bus, NULL, NULL);
	assert_string_equal(
		heard, "add@/devices/virtual/mtty/mtty/" UUID_A " mdev\n"
		       "add@/devices/virtual/vfio/1 vfio\n"
		       "add@/devices/virtual/mtty/mtty/" UUID_A
		       "/vfio-dev/vfio0 vfio-dev\n"
		       "bind@/devices/virtual/mtty/mtty/" UUID_A " mdev\n"
		       "remove@/devices/virtual/mtty/mtty/" UUID_A
		       "/vfio-dev/vfio0 vfio-dev\n"
		       "remove@/devices/virtual/vfio/1 vfio\n"
		       "unbind@/devices/virtual/mtty/mtty/" UUID_A " mdev\n"
		       "remove@/devices/virtual/mtty/mtty/" UUID_A " mdev\n"
		       "change@/devices/virtual/mtty/mtty mtty\n"
		       "MDEV_STATE=unregistered\n"
		       "remove@/devices/virtual/mtty/mtty mtty\n"
		       "add@/devices/virtual/mtty/mtty mtty\n"
		       "change@/devices/virtual/mtty/mtty mtty\n"
		       "MDEV_STATE=registered\n");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define THING(test)                                                            \
	cmocka_unit_test_setup_teardown(test, set_up_things, tear_down_things)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(create_refuses_what_is_no_uuid),
		TEST(a_uuid_is_taken_once),
		TEST(ports_run_out),
		TEST(remove_takes_a_number),
		TEST(names_come_and_go_with_it),
		TEST(unbound_it_is_only_good_for_removal),
		cmocka_unit_test(options_create_one),
		TEST(one_is_plugged_later),
		THING(instances_run_out),
		THING(a_driver_that_refuses_is_heard),
		THING(remove_waits_for_users),
		THING(a_parent_that_goes_takes_all_along),
		TEST(a_failed_allocation_leaves_nothing),
		TEST(devices_are_described),
		TEST(events_tell_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

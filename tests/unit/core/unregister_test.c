/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that go while somebody has them open.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "core/device_set.h"
#include "fake.h"
#include "mem/caller.h"

#define LONG_NS  3600000000000ull /* never reached */
#define SHORT_NS 1000000ull

static atomic_int warnings;
static char last_warning[256];

static void count_warning(enum uvf_log_level level, const char *line)
{
	if (level != UVF_LOG_WARNING)
		return;
	(void)snprintf(last_warning, sizeof(last_warning), "%s", line);
	atomic_fetch_add(&warnings, 1);
}

/* Shows U1. */
static void unbind_of_an_idle_device_asks_nobody(void **state)
{
	struct rig rig = rig_create(NULL);
	struct fake *fake;

	(void)state;
	rig_fill(&rig);
	fake = fake_add(&rig, "a", GROUP);
	fake_bind(fake, rig.vfio_driver);
	uvf_device_detach(&fake->bus, NULL);
	assert_int_equal(fake->requests, 0);
	assert_int_equal(fake->removes, 1);
	rig_destroy(&rig);
}

/* Shows U2, U3, D10. */
static void user_is_asked_again_and_again(void **state)
{
	struct rig rig = rig_create(NULL);
	struct unbind unbind;
	struct opened all;
	struct fake *fake;

	(void)state;
	rig_fill(&rig);
	rig.vfio->request_ns = SHORT_NS;
	fake = fake_add(&rig, "a", GROUP);
	fake_bind(fake, rig.vfio_driver);
	all = client_open_all(rig.client, NODE, "a");
	unbind_start(&unbind, fake);
	wait_for(&fake->requests, 4);
	assert_true(fake->last_request >= 3);
	assert_false(unbind.is_done);
	assert_int_equal(fake->closes, 0);
	client_close(rig.client, all.device);
	unbind_join(&unbind);
	assert_int_equal(fake->closes, 1);
	rig_destroy(&rig);
}

/* Shows U2.  The wait ends at the close, not at the next request. */
static void unbind_ends_with_the_last_close(void **state)
{
	struct rig rig = rig_create(NULL);
	struct unbind unbind;
	struct opened all;
	struct fake *fake;

	(void)state;
	rig_fill(&rig);
	rig.vfio->request_ns = LONG_NS;
	fake = fake_add(&rig, "a", GROUP);
	fake_bind(fake, rig.vfio_driver);
	all = client_open_all(rig.client, NODE, "a");
	unbind_start(&unbind, fake);
	wait_for(&fake->requests, 1);
	assert_int_equal(fake->last_request, 0);
	client_close(rig.client, all.device);
	unbind_join(&unbind);
	assert_int_equal(fake->requests, 1);
	rig_destroy(&rig);
}

/* Shows U4, T19. */
static void first_signal_asks_once_more(void **state)
{
	struct rig rig = rig_create(NULL);
	struct unbind unbind;
	struct opened all;
	struct fake *fake;

	(void)state;
	rig_fill(&rig);
	rig.vfio->request_ns = LONG_NS;
	fake = fake_add(&rig, "a", GROUP);
	fake_bind(fake, rig.vfio_driver);
	all = client_open_all(rig.client, NODE, "a");
	atomic_store(&warnings, 0);
	uvf_log_set(count_warning);
	unbind_start(&unbind, fake);
	wait_for(&fake->requests, 1);
	uvf_task_interrupt(&unbind.task);
	wait_for(&fake->requests, 2);
	uvf_task_interrupt(&unbind.task);
	assert_false(unbind.is_done);
	client_close(rig.client, all.device);
	unbind_join(&unbind);
	uvf_log_set(NULL);
	assert_int_equal(fake->requests, 2);
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(last_warning, "unbinder"));
	assert_non_null(strstr(last_warning, "4711"));
	rig_destroy(&rig);
}

/* Shows U5, U6, S6.  Flips unregister_requests. */
static void some_wait_in_silence(void **state)
{
	static const struct {
		const char *abi;
		bool can_ask;
		int requests;
	} cases[] = {{"3.14", true, 0}, {"4.1", true, 1}, {"4.1", false, 0}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct rig rig = rig_create(cases[i].abi);
		struct unbind unbind;
		struct opened all;
		struct fake *fake;

		rig_fill(&rig);
		rig.vfio->request_ns = LONG_NS;
		if (!cases[i].can_ask)
			rig.ops.request = NULL;
		fake = fake_add(&rig, "a", GROUP);
		fake_bind(fake, rig.vfio_driver);
		all = client_open_all(rig.client, NODE, "a");
		unbind_start(&unbind, fake);
		if (cases[i].requests)
			wait_for(&fake->requests, 1);
		assert_false(unbind.is_done);
		client_close(rig.client, all.device);
		unbind_join(&unbind);
		assert_int_equal(fake->requests, cases[i].requests);
		rig_destroy(&rig);
	}
}

/* Shows U7, S7.  Flips unregister_hides_first. */
static void opens_while_unregister_waits(void **state)
{
	static const char *const abis[] = {"4.1", "6.1", "6.6", "6.12"};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct rig rig = rig_create(abis[i]);
		struct unbind unbind;
		struct opened all;
		struct fake *fake;
		int fd;

		rig_fill(&rig);
		rig.vfio->request_ns = LONG_NS;
		fake = fake_add(&rig, "a", GROUP);
		fake_bind(fake, rig.vfio_driver);
		all = client_open_all(rig.client, NODE, "a");
		unbind_start(&unbind, fake);
		wait_for(&fake->requests, 1);
		fd = get_device(&rig, all.group, "a");
		client_close(rig.client, all.device);
		if (i < 2) {
			assert_true(fd >= 0);
			assert_false(unbind.is_done);
			client_close(rig.client, fd);
		} else {
			assert_int_equal(fd, -ENODEV);
		}
		unbind_join(&unbind);
		rig_destroy(&rig);
	}
}

/* Shows U9, S8.  Flips last_device_detaches. */
static void last_device_leaves_a_group_in_a_container(void **state)
{
	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		struct rig rig = rig_create(is_new ? "6.1" : "4.1");
		struct opened all;
		struct fake *fake;

		rig_fill(&rig);
		fake = fake_add(&rig, "a", GROUP);
		fake_bind(fake, rig.vfio_driver);
		all = client_open_all(rig.client, NODE, "a");
		client_close(rig.client, all.device);
		uvf_device_detach(&fake->bus, NULL);
		if (is_new) {
			assert_int_equal(status_of(&rig, all.group), -ENODEV);
			assert_int_equal(unset_container(&rig, all.group),
					 -EINVAL);
			assert_int_equal(
				set_container(&rig, all.group, all.container),
				-ENODEV);
			assert_int_equal(get_device(&rig, all.group, "a"),
					 -ENODEV);
			assert_int_equal(client_open(rig.client, NODE),
					 -ENOENT);
		} else {
			assert_int_equal(status_of(&rig, all.group), 3);
			assert_int_equal(client_open(rig.client, NODE), -EBUSY);
			assert_int_equal(unset_container(&rig, all.group), 0);
		}
		client_close(rig.client, all.group);
		assert_int_equal(client_open(rig.client, NODE), -ENOENT);
		rig_destroy(&rig);
	}
}

static const struct uvf_caller nobody;

/* Shows U10, G14, S24.  Flips stale_node_errno. */
static void orphan_and_its_successor_live_side_by_side(void **state)
{
	struct rig rig = rig_create("6.1");
	struct opened all, again;
	struct uvf_file *file;
	struct fake *fake;

	(void)state;
	rig_fill(&rig);
	fake = fake_add(&rig, "a", GROUP);
	fake_bind(fake, rig.vfio_driver);
	all = client_open_all(rig.client, NODE, "a");
	client_close(rig.client, all.device);
	uvf_device_detach(&fake->bus, NULL);
	assert_int_equal(uvf_group_open(rig.vfio, &nobody, GROUP, false, &file),
			 -ENXIO);
	fake_bind(fake, rig.vfio_driver);
	again = client_open_all(rig.client, NODE, "a");
	assert_int_equal(status_of(&rig, all.group), -ENODEV);
	assert_int_equal(status_of(&rig, again.group), 3);
	client_close(rig.client, all.group);
	assert_int_equal(status_of(&rig, again.group), 3);
	rig_destroy(&rig);
	rig = rig_create("4.1");
	rig_fill(&rig);
	assert_int_equal(uvf_group_open(rig.vfio, &nobody, GROUP, false, &file),
			 -ENODEV);
	rig_destroy(&rig);
}

/* Shows U11. */
static void group_stays_while_another_member_is_used(void **state)
{
	struct rig rig = rig_create(NULL);
	struct fake *a, *b;
	struct opened all;

	(void)state;
	rig_fill(&rig);
	a = fake_add(&rig, "a", GROUP);
	b = fake_add(&rig, "b", GROUP);
	fake_bind(a, rig.vfio_driver);
	fake_bind(b, rig.vfio_driver);
	all = client_open_all(rig.client, NODE, "b");
	uvf_device_detach(&a->bus, NULL);
	assert_int_equal(status_of(&rig, all.group), 3);
	assert_int_equal(uvf_device_attach_driver(&a->bus, rig.host_driver),
			 -EBUSY);
	fake_bind(a, rig.vfio_driver);
	assert_true(get_device(&rig, all.group, "a") >= 0);
	rig_destroy(&rig);
}

/* Shows U13. */
static void revoked_device_fails_and_goes(void **state)
{
	struct rig rig = rig_create(NULL);
	struct unbind unbind;
	struct opened all;
	struct fake *fake;
	int second;

	(void)state;
	rig_fill(&rig);
	rig.vfio->request_ns = SHORT_NS;
	rig.vfio->machine->revoke_after = 2;
	fake = fake_add(&rig, "a", GROUP);
	fake_bind(fake, rig.vfio_driver);
	all = client_open_all(rig.client, NODE, "a");
	second = get_device(&rig, all.group, "a");
	unbind_start(&unbind, fake);
	unbind_join(&unbind);
	assert_int_equal(fake->requests, 2);
	assert_int_equal(fake->closes, 1);
	assert_int_equal(
		client_ioctl(rig.client, all.device, VFIO_DEVICE_GET_INFO, 0),
		-ENODEV);
	assert_int_equal(client_close(rig.client, all.device), 0);
	assert_int_equal(client_close(rig.client, second), 0);
	assert_int_equal(fake->closes, 1);
	rig_destroy(&rig);
}

/* Shows U15. */
static void two_unbinds_and_a_bind_wait_for_one_user(void **state)
{
	struct rig rig = rig_create(NULL);
	struct unbind unbinds[2];
	struct opened all;
	struct fake *fake;

	(void)state;
	rig_fill(&rig);
	fake = fake_add(&rig, "a", GROUP);
	fake_bind(fake, rig.vfio_driver);
	all = client_open_all(rig.client, NODE, "a");
	unbind_start(&unbinds[0], fake);
	wait_for(&fake->requests, 1);
	unbind_start(&unbinds[1], fake);
	client_close(rig.client, all.device);
	unbind_join(&unbinds[0]);
	unbind_join(&unbinds[1]);
	assert_int_equal(fake->removes, 1);
	fake_bind(fake, rig.vfio_driver);
	rig_destroy(&rig);
}

/* Shows U17, S26.  Flips duplicate_register_errno. */
static void second_registration_is_refused(void **state)
{
	static const struct {
		const char *abi;
		int ret;
	} cases[] = {{"4.1", -EBUSY},
		     {"6.1", -EBUSY},
		     {"6.6", -EINVAL},
		     {"6.19", -EINVAL}};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct rig rig = rig_create(cases[i].abi);
		struct uvf_device other = {.ops = NULL};
		struct opened all;
		struct fake *fake;

		rig_fill(&rig);
		fake = fake_add(&rig, "a", GROUP);
		fake_bind(fake, rig.vfio_driver);
		assert_int_equal(uvf_device_register(&fake->vfio),
				 cases[i].ret);
		other.ops = &rig.ops;
		other.bus_device = &fake->bus;
		assert_int_equal(uvf_device_init(rig.vfio, &other), 0);
		assert_int_equal(uvf_device_register(&other), cases[i].ret);
		uvf_device_put(&other);
		all = client_open_all(rig.client, NODE, "a");
		client_close(rig.client, all.device);
		rig_destroy(&rig);
	}
}

/* Shows H11. */
static void index_is_the_lowest_free(void **state)
{
	struct rig rig = rig_create(NULL);
	struct fake *a, *b, *c;

	(void)state;
	rig_fill(&rig);
	/* The machine has vfio0 and vfio1. */
	a = fake_add(&rig, "a", GROUP);
	b = fake_add(&rig, "b", GROUP);
	c = fake_add(&rig, "c", GROUP);
	fake_bind(a, rig.vfio_driver);
	fake_bind(b, rig.vfio_driver);
	assert_int_equal(a->vfio.index, 2);
	assert_int_equal(b->vfio.index, 3);
	uvf_device_detach(&a->bus, NULL);
	fake_bind(c, rig.vfio_driver);
	assert_int_equal(c->vfio.index, 2);
	rig_destroy(&rig);
}

static void members_of_a_set_share_it(void **state)
{
	struct rig rig = rig_create(NULL);
	struct uvf_device a = {.ops = &rig.ops}, b = {.ops = &rig.ops};

	(void)state;
	rig_fill(&rig);
	assert_int_equal(uvf_device_init(rig.vfio, &a), 0);
	assert_int_equal(uvf_device_init(rig.vfio, &b), 0);
	assert_int_equal(uvf_device_assign_set(&a, NULL), -EINVAL);
	assert_int_equal(uvf_device_assign_set(&a, &rig), 0);
	assert_int_equal(uvf_device_assign_set(&b, &rig), 0);
	assert_ptr_equal(a.set, b.set);
	a.open_count = 2;
	b.open_count = 1;
	uvf_lock(&a.set->lock);
	assert_int_equal(uvf_device_set_open_count(a.set), 3);
	uvf_unlock(&a.set->lock);
	uvf_device_put(&a);
	assert_int_equal(b.set->members, 1);
	uvf_device_put(&b);
	rig_destroy(&rig);
}

/* Shows U8. */
static void idle_cdev_is_waited_for(void **state)
{
	struct rig rig = rig_create(NULL);
	struct unbind unbind;
	struct fake *fake;
	char node[48];
	int fd;

	(void)state;
	rig_fill(&rig);
	rig.vfio->request_ns = LONG_NS;
	fake = fake_add(&rig, "a", GROUP);
	fake_bind(fake, rig.vfio_driver);
	(void)snprintf(node, sizeof(node), "/dev/vfio/devices/vfio%u",
		       fake->vfio.index);
	fd = client_open(rig.client, node);
	assert_true(fd >= 0);
	unbind_start(&unbind, fake);
	wait_for(&fake->requests, 1);
	assert_false(unbind.is_done);
	assert_int_equal(fake->opens, 0);
	client_close(rig.client, fd);
	unbind_join(&unbind);
	assert_int_equal(fake->removes, 1);
	rig_destroy(&rig);
}

/* Shows D8.  Drivers are not unloaded; they leave a device. */
static void driver_that_leaves_lets_nobody_in(void **state)
{
	struct rig rig = rig_create(NULL);
	struct unbind unbind;
	struct opened all;
	struct fake *fake;
	char node[48];

	(void)state;
	rig_fill(&rig);
	rig.vfio->request_ns = LONG_NS;
	fake = fake_add(&rig, "a", GROUP);
	fake_bind(fake, rig.vfio_driver);
	(void)snprintf(node, sizeof(node), "/dev/vfio/devices/vfio%u",
		       fake->vfio.index);
	all = client_open_all(rig.client, NODE, "a");
	unbind_start(&unbind, fake);
	wait_for(&fake->requests, 1);
	assert_int_equal(get_device(&rig, all.group, "a"), -ENODEV);
	assert_int_equal(client_open(rig.client, node), -ENOENT);
	/* Who has it open keeps the driver. */
	assert_ptr_equal(fake->bus.driver, rig.vfio_driver);
	assert_int_equal(fake->closes, 0);
	client_close(rig.client, all.device);
	unbind_join(&unbind);
	assert_null(fake->bus.driver);
	rig_destroy(&rig);
}

/* Registers, so that there is a group, and then fails. */
static int probe_in_vain(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	struct uvf_group_node node;
	struct fake *fake = uvf_container_of(bus, struct fake, bus);
	int ret = uvf_device_init(driver->data, &fake->vfio);

	assert_int_equal(ret, 0);
	assert_int_equal(uvf_device_register(&fake->vfio), 0);
	assert_true(uvf_group_node(driver->data, GROUP, &node));
	uvf_device_unregister(&fake->vfio, NULL);
	uvf_device_put(&fake->vfio);
	return -EIO;
}

/* Shows U16. */
static void failed_probe_leaves_neither_node_nor_number(void **state)
{
	struct uvf_group_node node;
	static const struct uvf_driver_ops ops = {.probe = probe_in_vain};
	struct rig rig = rig_create(NULL);
	struct uvf_driver *driver = uvf_zalloc(sizeof(*driver));
	struct fake *a, *b;

	(void)state;
	rig_fill(&rig);
	(void)snprintf(driver->name, sizeof(driver->name), "vain");
	driver->ops = &ops;
	driver->manages_dma = true;
	driver->data = rig.vfio;
	assert_int_equal(uvf_driver_register(rig.bus, driver), 0);
	a = fake_add(&rig, "a", GROUP);
	b = fake_add(&rig, "b", GROUP + 1);
	assert_int_equal(uvf_device_attach_driver(&a->bus, driver), -EIO);
	assert_null(a->bus.driver);
	assert_false(uvf_group_node(rig.vfio, GROUP, &node));
	assert_int_equal(client_open(rig.client, NODE), -ENOENT);
	fake_bind(b, rig.vfio_driver);
	/* The machine has vfio0 and vfio1, and the minors 0 and 1. */
	assert_int_equal(b->vfio.index, 2);
	assert_true(uvf_group_node(rig.vfio, GROUP + 1, &node));
	assert_int_equal(node.minor, 2);
	fake_bind(a, rig.vfio_driver);
	rig_destroy(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unbind_of_an_idle_device_asks_nobody),
		cmocka_unit_test(user_is_asked_again_and_again),
		cmocka_unit_test(unbind_ends_with_the_last_close),
		cmocka_unit_test(first_signal_asks_once_more),
		cmocka_unit_test(some_wait_in_silence),
		cmocka_unit_test(opens_while_unregister_waits),
		cmocka_unit_test(last_device_leaves_a_group_in_a_container),
		cmocka_unit_test(orphan_and_its_successor_live_side_by_side),
		cmocka_unit_test(group_stays_while_another_member_is_used),
		cmocka_unit_test(revoked_device_fails_and_goes),
		cmocka_unit_test(two_unbinds_and_a_bind_wait_for_one_user),
		cmocka_unit_test(second_registration_is_refused),
		cmocka_unit_test(index_is_the_lowest_free),
		cmocka_unit_test(members_of_a_set_share_it),
		cmocka_unit_test(idle_cdev_is_waited_for),
		cmocka_unit_test(driver_that_leaves_lets_nobody_in),
		cmocka_unit_test(failed_probe_leaves_neither_node_nor_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

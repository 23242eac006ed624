/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drivers that come and go while others wait, on a bus that has nothing but
 * names.
 */
#include "bus/driver.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "bus/bus.h"
#include "bus/machine.h"

static struct uvf_profile profile;
static struct uvf_machine machine;
static struct uvf_bus *bus;
static struct uvf_driver *user, *host;
static const struct uvf_bus_ops bus_ops = {
	.has_override = true,
	.has_new_id = true,
};

/* What remove() of the driver "user" waits for. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_used;        /* remove() waits */
	unsigned int inside; /* how many do */
	unsigned int removes;
	unsigned int probes;
} use = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static int probe(struct uvf_driver *driver, struct uvf_bus_device *device)
{
	(void)driver;
	(void)device;
	pthread_mutex_lock(&use.lock);
	use.probes++;
	pthread_mutex_unlock(&use.lock);
	return 0;
}

static void remove_waits(struct uvf_driver *driver,
			 struct uvf_bus_device *device, struct uvf_task *task)
{
	(void)driver;
	(void)device;
	(void)task;
	pthread_mutex_lock(&use.lock);
	use.removes++;
	use.inside++;
	pthread_cond_broadcast(&use.wake);
	while (use.is_used)
		pthread_cond_wait(&use.wake, &use.lock);
	use.inside--;
	pthread_mutex_unlock(&use.lock);
}

static void remove_at_once(struct uvf_driver *driver,
			   struct uvf_bus_device *device, struct uvf_task *task)
{
	(void)driver;
	(void)device;
	(void)task;
}

static const struct uvf_driver_ops user_ops = {probe, remove_waits};
static const struct uvf_driver_ops host_ops = {probe, remove_at_once};

static void set_used(bool is_used)
{
	pthread_mutex_lock(&use.lock);
	use.is_used = is_used;
	pthread_cond_broadcast(&use.wake);
	pthread_mutex_unlock(&use.lock);
}

static void wait_inside(unsigned int count)
{
	pthread_mutex_lock(&use.lock);
	while (use.inside < count)
		pthread_cond_wait(&use.wake, &use.lock);
	pthread_mutex_unlock(&use.lock);
}

static void destroy(struct uvf_bus_device *device)
{
	uvf_free(device);
}

static const struct uvf_bus_device_ops device_ops = {.destroy = destroy};

static struct uvf_bus_device *add(const char *name, int group,
				  struct uvf_bus_device *parent)
{
	struct uvf_bus_device *device = uvf_zalloc(sizeof(*device));

	assert_non_null(device);
	device->ops = &device_ops;
	device->bus = bus;
	device->parent = parent ? uvf_bus_device_get(parent) : NULL;
	snprintf(device->name, sizeof(device->name), "%s", name);
	snprintf(device->root, sizeof(device->root), "root");
	uvf_bus_device_init(device);
	assert_int_equal(uvf_machine_add(&machine, device, group), 0);
	return device;
}

static struct uvf_driver *
add_driver(const char *name, const struct uvf_driver_ops *ops, bool manages_dma)
{
	const struct uvf_bus_id any = {
		.vendor = UVF_ID_ANY,
		.device = UVF_ID_ANY,
		.subvendor = UVF_ID_ANY,
		.subdevice = UVF_ID_ANY,
	};
	struct uvf_driver *driver = uvf_zalloc(sizeof(*driver));

	assert_non_null(driver);
	snprintf(driver->name, sizeof(driver->name), "%s", name);
	driver->ops = ops;
	driver->manages_dma = manages_dma;
	assert_int_equal(uvf_driver_register(bus, driver), 0);
	assert_int_equal(uvf_driver_add_id(driver, &any), 0);
	return driver;
}

/* Devices a, b and c in group 1, d alone; a and b behind the bridge p. */
static void make(const char *abi)
{
	struct uvf_bus_device *bridge;

	assert_int_equal(uvf_profile_parse(&profile, abi, NULL), 0);
	memset(&machine, 0, sizeof(machine));
	uvf_machine_init(&machine, &profile);
	assert_int_equal(
		uvf_bus_register(&machine, "pci", &bus_ops, NULL, &bus), 0);
	user = add_driver("user", &user_ops, true);
	host = add_driver("host", &host_ops, false);
	bridge = add("p", UVF_GROUP_NONE, NULL);
	add("a", 1, bridge);
	add("b", 1, bridge);
	add("c", 1, NULL);
	add("d", UVF_GROUP_OWN, NULL);
	use.is_used = false;
	use.removes = 0;
	use.probes = 0;
}

static void end(void)
{
	uvf_machine_fini(&machine);
}

/* A write of another thread. */
struct writer {
	pthread_t thread;
	int (*call)(struct uvf_driver *driver, const char *name,
		    struct uvf_task *task);
	struct uvf_driver *driver;
	const char *name;
	_Atomic(pid_t) tid;
	int ret;
};

static void *writer_main(void *arg)
{
	struct writer *writer = arg;

	atomic_store(&writer->tid, gettid());
	writer->ret = writer->call(writer->driver, writer->name, NULL);
	return NULL;
}

static void start(struct writer *writer,
		  int (*call)(struct uvf_driver *, const char *,
			      struct uvf_task *),
		  struct uvf_driver *driver, const char *name)
{
	writer->call = call;
	writer->driver = driver;
	writer->name = name;
	atomic_init(&writer->tid, 0);
	assert_int_equal(
		pthread_create(&writer->thread, NULL, writer_main, writer), 0);
}

static int finish(struct writer *writer)
{
	pthread_join(writer->thread, NULL);
	return writer->ret;
}

/* Until the thread sleeps, for a lock that somebody else has. */
static void wait_blocked(struct writer *writer)
{
	char path[64], text[256] = "";

	while (!atomic_load(&writer->tid))
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat",
		 atomic_load(&writer->tid));
	for (;;) {
		FILE *file = fopen(path, "r");
		const char *state;

		assert_non_null(file);
		state = fgets(text, sizeof(text), file) ? strrchr(text, ')')
							: NULL;
		fclose(file);
		if (state && state[2] == 'S')
			return;
		sched_yield();
	}
}

static struct uvf_driver *driver_of(const char *name)
{
	struct uvf_bus_device *device = uvf_bus_find_device(bus, name);
	struct uvf_driver *driver;

	assert_non_null(device);
	driver = uvf_bus_device_driver(device);
	uvf_bus_device_put(device);
	return driver;
}

/* Shows U15. */
static void two_unbinds_at_once_both_succeed(void **state)
{
	struct writer first, second;

	(void)state;
	make(NULL);
	assert_int_equal(uvf_driver_bind(user, "a", NULL), 0);
	set_used(true);
	start(&first, uvf_driver_unbind, user, "a");
	wait_inside(1);
	/* sysfs shows no driver any more. */
	assert_null(driver_of("a"));
	start(&second, uvf_driver_unbind, user, "a");
	wait_blocked(&second);
	set_used(false);
	assert_int_equal(finish(&first), 0);
	assert_int_equal(finish(&second), 0);
	assert_int_equal(use.removes, 1);
	assert_int_equal(uvf_driver_unbind(user, "a", NULL), -ENODEV);
	end();
}

/* Shows U15. */
static void a_bind_waits_for_an_unbind_and_then_binds(void **state)
{
	struct writer first, second;

	(void)state;
	make(NULL);
	assert_int_equal(uvf_driver_bind(user, "a", NULL), 0);
	set_used(true);
	start(&first, uvf_driver_unbind, user, "a");
	wait_inside(1);
	start(&second, uvf_driver_bind, host, "a");
	wait_blocked(&second);
	assert_null(driver_of("a"));
	set_used(false);
	assert_int_equal(finish(&first), 0);
	assert_int_equal(finish(&second), 0);
	assert_ptr_equal(driver_of("a"), host);
	end();
}

/* Shows U15. */
static void an_old_bind_does_not_wait_for_an_unbind(void **state)
{
	struct writer first;

	(void)state;
	make("6.12,bind_bound_errno=ENODEV");
	assert_int_equal(uvf_driver_bind(user, "a", NULL), 0);
	set_used(true);
	start(&first, uvf_driver_unbind, user, "a");
	wait_inside(1);
	assert_int_equal(uvf_driver_bind(host, "a", NULL), -ENODEV);
	set_used(false);
	assert_int_equal(finish(&first), 0);
	assert_null(driver_of("a"));
	end();
}

/* Flips bind_locks_parent. */
static void siblings_wait_in_old_kernels_only(void **state)
{
	struct writer first, second;

	(void)state;
	make("4.1");
	assert_int_equal(uvf_driver_bind(user, "a", NULL), 0);
	assert_int_equal(uvf_driver_bind(host, "d", NULL), 0);
	set_used(true);
	start(&first, uvf_driver_unbind, user, "a");
	wait_inside(1);
	start(&second, uvf_driver_bind, host, "b");
	wait_blocked(&second);
	assert_null(driver_of("b"));
	assert_int_equal(uvf_driver_unbind(host, "d", NULL), 0);
	set_used(false);
	assert_int_equal(finish(&first), 0);
	assert_int_equal(finish(&second), 0);
	end();

	make("6.1");
	assert_int_equal(uvf_driver_bind(user, "a", NULL), 0);
	set_used(true);
	start(&first, uvf_driver_unbind, user, "a");
	wait_inside(1);
	assert_int_equal(uvf_driver_bind(host, "b", NULL), 0);
	set_used(false);
	assert_int_equal(finish(&first), 0);
	end();
}

static int unplug(struct uvf_driver *driver, const char *name,
		  struct uvf_task *task)
{
	struct uvf_bus_device *device = uvf_bus_find_device(bus, name);
	int ret;

	(void)driver;
	if (!device)
		return -ENODEV;
	ret = uvf_machine_unplug_by_file(device, task);
	uvf_bus_device_put(device);
	return ret;
}

/* Shows U14. */
static void one_removal_waits_for_the_other(void **state)
{
	struct writer first, same, other;

	(void)state;
	make(NULL);
	assert_int_equal(uvf_driver_bind(user, "a", NULL), 0);
	set_used(true);
	start(&first, unplug, NULL, "a");
	wait_inside(1);
	start(&same, unplug, NULL, "a");
	start(&other, unplug, NULL, "d");
	wait_blocked(&same);
	wait_blocked(&other);
	assert_null(driver_of("d"));
	set_used(false);
	assert_int_equal(finish(&first), 0);
	assert_int_equal(finish(&same), 0);
	assert_int_equal(finish(&other), 0);
	assert_null(uvf_bus_find_device(bus, "a"));
	assert_null(uvf_bus_find_device(bus, "d"));
	end();
}

/* Shows U14.  Flips remove_is_deferred. */
static void an_old_removal_returns_at_once(void **state)
{
	struct uvf_bus_device *device;
	struct writer remover;

	(void)state;
	make("3.14");
	device = uvf_bus_find_device(bus, "a");
	assert_int_equal(uvf_driver_bind(user, "a", NULL), 0);
	set_used(true);
	assert_int_equal(uvf_machine_unplug_by_file(device, NULL), 0);
	wait_inside(1);
	assert_int_equal(uvf_machine_unplug_by_file(device, NULL), -EAGAIN);
	set_used(false);
	uvf_bus_device_put(device);
	end();

	make("4.1");
	assert_int_equal(uvf_driver_bind(user, "a", NULL), 0);
	set_used(true);
	start(&remover, unplug, NULL, "a");
	wait_inside(1);
	wait_blocked(&remover);
	set_used(false);
	assert_int_equal(finish(&remover), 0);
	end();
}

/* What a notifier was told. */
static struct {
	struct uvf_notifier notifier;
	enum uvf_notify events[16];
	unsigned int count;
} told;

static void hear(struct uvf_notifier *notifier, enum uvf_notify event,
		 struct uvf_bus_device *device)
{
	assert_ptr_equal(notifier, &told.notifier);
	if (!strcmp(device->name, "e") && told.count < 16)
		told.events[told.count++] = event;
}

static void notifiers_hear_in_order(void **state)
{
	static const enum uvf_notify expected[] = {
		UVF_NOTIFY_ADD,    UVF_NOTIFY_BIND,    UVF_NOTIFY_BOUND,
		UVF_NOTIFY_UNBIND, UVF_NOTIFY_UNBOUND, UVF_NOTIFY_BIND,
		UVF_NOTIFY_BOUND,  UVF_NOTIFY_UNBIND,  UVF_NOTIFY_UNBOUND,
		UVF_NOTIFY_DEL,
	};
	struct uvf_iommu_group *group;
	struct uvf_bus_device *device;

	(void)state;
	make(NULL);
	memset(&told, 0, sizeof(told));
	told.notifier.call = hear;
	group = uvf_iommu_group_find(&machine, 1);
	uvf_iommu_group_add_notifier(group, &told.notifier);
	device = add("e", 1, NULL);
	assert_int_equal(uvf_driver_bind(user, "e", NULL), 0);
	assert_int_equal(uvf_driver_unbind(user, "e", NULL), 0);
	assert_int_equal(uvf_driver_bind(host, "e", NULL), 0);
	uvf_machine_unplug(device, NULL);
	assert_int_equal(told.count, sizeof(expected) / sizeof(expected[0]));
	assert_memory_equal(told.events, expected, sizeof(expected));
	uvf_iommu_group_remove_notifier(group, &told.notifier);
	uvf_iommu_group_put(group);
	end();
}

/* By host_bind_breaks_isolation. */
static void a_host_driver_breaks_old_groups(void **state)
{
	struct uvf_iommu_group *group;
	int owner;

	(void)state;
	make("6.12,host_bind_breaks_isolation=on");
	group = uvf_iommu_group_find(&machine, 1);
	assert_int_equal(uvf_iommu_group_claim(group, &owner), 0);
	assert_int_equal(uvf_driver_bind(host, "a", NULL), 0);
	uvf_iommu_group_release(group);
	assert_int_equal(uvf_iommu_group_claim(group, &owner), -EPERM);
	uvf_iommu_group_put(group);
	end();

	make(NULL);
	group = uvf_iommu_group_find(&machine, 1);
	assert_int_equal(uvf_iommu_group_claim(group, &owner), 0);
	assert_int_equal(uvf_driver_bind(host, "a", NULL), -EBUSY);
	assert_int_equal(uvf_bus_probe(bus, "b"), 0);
	uvf_iommu_group_release(group);
	assert_int_equal(uvf_driver_bind(host, "a", NULL), 0);
	uvf_iommu_group_put(group);
	end();
}

static void claims_are_counted_for_one_owner(void **state)
{
	struct uvf_iommu_group *group;
	int x, y;

	(void)state;
	make(NULL);
	group = uvf_iommu_group_find(&machine, 1);
	assert_int_equal(uvf_iommu_group_claim_device(group, &x), 0);
	assert_int_equal(uvf_iommu_group_claim_device(group, &x), 0);
	assert_int_equal(uvf_iommu_group_claim_device(group, &y), -EPERM);
	assert_int_equal(uvf_iommu_group_claim(group, &x), -EPERM);
	uvf_iommu_group_release_device(group);
	assert_false(uvf_iommu_group_is_idle(group));
	assert_int_equal(uvf_iommu_group_claim_device(group, &y), -EPERM);
	uvf_iommu_group_release_device(group);
	assert_true(uvf_iommu_group_is_idle(group));
	assert_int_equal(uvf_iommu_group_claim_device(group, &y), 0);
	uvf_iommu_group_release_device(group);
	uvf_iommu_group_put(group);
	end();
}

static void ids_of_groups_are_the_smallest_free(void **state)
{
	struct uvf_iommu_group *fake, *other;

	(void)state;
	make(NULL);
	fake = uvf_iommu_group_create(&machine, "vfio-noiommu");
	assert_int_equal(fake->id, 3);
	unplug(NULL, "d", NULL);
	other = uvf_iommu_group_create(&machine, "vfio-noiommu");
	assert_int_equal(other->id, 2);
	uvf_iommu_group_put(fake);
	assert_null(uvf_iommu_group_find(&machine, 3));
	uvf_iommu_group_put(other);
	end();
}

static void *claim_often(void *arg)
{
	struct uvf_iommu_group *group = arg;

	for (int i = 0; i < 2000; i++) {
		int ret = uvf_iommu_group_claim(group, &group);

		assert_true(!ret || ret == -EPERM);
		if (ret)
			continue;
		/* No driver of the host can come meanwhile. */
		assert_int_equal(uvf_iommu_group_use_default(group), -EBUSY);
		uvf_iommu_group_release(group);
	}
	return NULL;
}

/* Shows T11. */
static void a_host_driver_and_an_owner_exclude_each_other(void **state)
{
	struct uvf_iommu_group *group;
	pthread_t thread;

	(void)state;
	make(NULL);
	group = uvf_iommu_group_find(&machine, 1);
	pthread_create(&thread, NULL, claim_often, group);
	for (int i = 0; i < 2000; i++) {
		int ret = uvf_driver_bind(host, "a", NULL);

		assert_true(!ret || ret == -EBUSY);
		if (ret)
			continue;
		assert_int_equal(uvf_iommu_group_claim(group, &machine),
				 -EPERM);
		assert_int_equal(uvf_driver_unbind(host, "a", NULL), 0);
	}
	pthread_join(thread, NULL);
	assert_true(uvf_iommu_group_is_idle(group));
	uvf_iommu_group_put(group);
	end();
}

/* Shows T15, as far as it is the machine's. */
static void devices_are_unplugged_in_parallel(void **state)
{
	enum {
		COUNT = 16
	};
	struct writer writers[COUNT];
	char names[COUNT][16];
	struct uvf_iommu_group *group;

	(void)state;
	make(NULL);
	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "x%d", i);
		add(names[i], UVF_GROUP_OWN, NULL);
		assert_int_equal(uvf_driver_bind(user, names[i], NULL), 0);
	}
	set_used(true);
	for (int i = 0; i < COUNT; i++)
		start(&writers[i], unplug, NULL, names[i]);
	wait_inside(1);
	set_used(false);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(finish(&writers[i]), 0);
	group = uvf_iommu_group_create(&machine, NULL);
	assert_int_equal(group->id, 3);
	uvf_iommu_group_put(group);
	end();
}

static void *bind_often(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		(void)uvf_driver_bind(host, arg, NULL);
		(void)uvf_driver_unbind(host, arg, NULL);
	}
	return NULL;
}

/* Shows T17, as far as it is the machine's. */
static void notifiers_come_and_go_while_drivers_do(void **state)
{
	static char names[3][2] = {"a", "b", "c"};
	struct uvf_iommu_group *group;
	pthread_t threads[3];

	(void)state;
	make(NULL);
	memset(&told, 0, sizeof(told));
	told.notifier.call = hear;
	group = uvf_iommu_group_find(&machine, 1);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, bind_often, names[i]);
	for (int i = 0; i < 1000; i++) {
		uvf_iommu_group_add_notifier(group, &told.notifier);
		uvf_iommu_group_remove_notifier(group, &told.notifier);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_true(uvf_iommu_group_is_idle(group));
	uvf_iommu_group_put(group);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_unbinds_at_once_both_succeed),
		cmocka_unit_test(a_bind_waits_for_an_unbind_and_then_binds),
		cmocka_unit_test(an_old_bind_does_not_wait_for_an_unbind),
		cmocka_unit_test(siblings_wait_in_old_kernels_only),
		cmocka_unit_test(one_removal_waits_for_the_other),
		cmocka_unit_test(an_old_removal_returns_at_once),
		cmocka_unit_test(notifiers_hear_in_order),
		cmocka_unit_test(a_host_driver_breaks_old_groups),
		cmocka_unit_test(claims_are_counted_for_one_owner),
		cmocka_unit_test(ids_of_groups_are_the_smallest_free),
		cmocka_unit_test(a_host_driver_and_an_owner_exclude_each_other),
		cmocka_unit_test(devices_are_unplugged_in_parallel),
		cmocka_unit_test(notifiers_come_and_go_while_drivers_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many threads on the same groups and devices: opens against unregistering,
 * probes against removal, host drivers against containers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "core/file.h"
#include "fake.h"

#define ROUNDS  300
#define THREADS 4

struct race {
	struct rig rig;
	struct fake *fakes[THREADS];
	atomic_bool must_stop;
	int group;
	atomic_int wins;
};

static void fill_as(struct race *race, const char *abi, int count)
{
	race->rig = rig_create(abi);
	rig_fill(&race->rig);
	for (int i = 0; i < count; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "d%d", i);
		race->fakes[i] = fake_add(&race->rig, name, GROUP);
	}
}

static void fill(struct race *race, int count)
{
	fill_as(race, NULL, count);
}

/* Opens and closes the node; whatever comes must be one of the errnos. */
static void *open_node(void *arg)
{
	struct race *race = arg;

	while (!atomic_load(&race->must_stop)) {
		int fd = client_open(race->rig.client, NODE);

		if (fd >= 0) {
			(void)status_of(&race->rig, fd);
			client_close(race->rig.client, fd);
			continue;
		}
		if (fd != -ENOENT && fd != -ENXIO && fd != -ENODEV &&
		    fd != -EBUSY)
			abort();
	}
	return NULL;
}

/* Shows T10. */
static void open_of_a_node_that_comes_and_goes(void **state)
{
	struct race race = {.must_stop = false};
	pthread_t threads[2];

	(void)state;
	fill(&race, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, open_node, &race), 0);
	for (int i = 0; i < ROUNDS; i++) {
		fake_bind(race.fakes[0], race.rig.vfio_driver);
		uvf_device_detach(&race.fakes[0]->bus, NULL);
	}
	atomic_store(&race.must_stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	rig_destroy(&race.rig);
}

struct prober {
	struct race *race;
	int index;
};

static void *probe_and_remove(void *arg)
{
	struct prober *prober = arg;
	struct fake *fake = prober->race->fakes[prober->index];

	for (int i = 0; i < ROUNDS; i++) {
		if (uvf_device_attach_driver(&fake->bus,
					     fake->rig->vfio_driver))
			abort();
		uvf_device_detach(&fake->bus, NULL);
	}
	return NULL;
}

/* Shows T9. */
static void members_of_a_group_come_and_go_at_once(void **state)
{
	struct race race = {.must_stop = false};
	struct uvf_group_node node;
	struct prober probers[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	fill(&race, THREADS);
	for (int i = 0; i < THREADS; i++) {
		probers[i] = (struct prober){&race, i};
		assert_int_equal(pthread_create(&threads[i], NULL,
						probe_and_remove, &probers[i]),
				 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_false(uvf_group_node(race.rig.vfio, GROUP, &node));
	fake_bind(race.fakes[0], race.rig.vfio_driver);
	assert_true(uvf_group_node(race.rig.vfio, GROUP, &node));
	assert_int_equal(race.fakes[0]->vfio.index, 2);
	rig_destroy(&race.rig);
}

static void *come_and_go_as_stub(void *arg)
{
	struct fake *fake = arg;

	for (int i = 0; i < ROUNDS; i++) {
		if (uvf_device_attach_driver(&fake->bus,
					     fake->rig->stub_driver))
			abort();
		uvf_device_detach(&fake->bus, NULL);
	}
	return NULL;
}

/* Shows T17. */
static void groups_are_told_of_drivers_while_they_come_and_go(void **state)
{
	struct race race = {.must_stop = false};
	struct uvf_group_node node;
	struct prober probers[2];
	pthread_t threads[3], opener;

	(void)state;
	fill_as(&race, "4.1", 3);
	assert_int_equal(pthread_create(&opener, NULL, open_node, &race), 0);
	for (int i = 0; i < 2; i++) {
		probers[i] = (struct prober){&race, i};
		assert_int_equal(pthread_create(&threads[i], NULL,
						probe_and_remove, &probers[i]),
				 0);
	}
	assert_int_equal(pthread_create(&threads[2], NULL, come_and_go_as_stub,
					race.fakes[2]),
			 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&race.must_stop, true);
	pthread_join(opener, NULL);
	assert_false(uvf_group_node(race.rig.vfio, GROUP, &node));
	rig_destroy(&race.rig);
}

/* Opens the device; an fd means that it cannot go meanwhile. */
static void *open_device(void *arg)
{
	struct race *race = arg;

	while (!atomic_load(&race->must_stop)) {
		int fd = get_device(&race->rig, race->group, "d0");

		if (fd == -ENODEV)
			continue;
		if (fd < 0 || !race->fakes[0]->vfio.group)
			abort();
		atomic_fetch_add(&race->wins, 1);
		client_close(race->rig.client, fd);
	}
	return NULL;
}

/* Shows T5, T6, T7, T15. */
static void opens_race_with_unregistering(void **state)
{
	struct race race = {.must_stop = false};
	pthread_t threads[2];
	struct fake *fake;

	(void)state;
	fill(&race, 2);
	fake = race.fakes[0];
	fake_bind(race.fakes[1], race.rig.vfio_driver);
	race.group = client_open_all(race.rig.client, NODE, "d1").group;
	fake_bind(fake, race.rig.vfio_driver);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, open_device, &race),
			0);
	for (int i = 0; i < ROUNDS; i++) {
		wait_for(&race.wins, i + 1);
		uvf_device_detach(&fake->bus, NULL);
		assert_int_equal(fake->opens, fake->closes);
		fake_bind(fake, race.rig.vfio_driver);
	}
	atomic_store(&race.must_stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(fake->opens, fake->closes);
	rig_destroy(&race.rig);
}

static void *host_driver(void *arg)
{
	struct race *race = arg;
	struct fake *fake = race->fakes[1];

	while (!atomic_load(&race->must_stop)) {
		int ret = uvf_device_attach_driver(&fake->bus,
						   race->rig.host_driver);

		if (ret && ret != -EBUSY)
			abort();
		if (!ret && status_of(&race->rig, race->group) != 0)
			abort();
		if (!ret)
			uvf_device_detach(&fake->bus, NULL);
	}
	return NULL;
}

/* Shows T11. */
static void host_driver_or_container_but_not_both(void **state)
{
	struct race race = {.must_stop = false};
	pthread_t thread;
	int container;

	(void)state;
	fill(&race, 2);
	fake_bind(race.fakes[0], race.rig.vfio_driver);
	race.group = client_open(race.rig.client, NODE);
	container = client_open(race.rig.client, "/dev/vfio/vfio");
	assert_int_equal(pthread_create(&thread, NULL, host_driver, &race), 0);
	for (int i = 0; i < 10 * ROUNDS; i++) {
		int ret = set_container(&race.rig, race.group, container);

		if (ret == -EPERM)
			continue;
		assert_int_equal(ret, 0);
		assert_int_equal(status_of(&race.rig, race.group), 3);
		assert_int_equal(unset_container(&race.rig, race.group), 0);
	}
	atomic_store(&race.must_stop, true);
	pthread_join(thread, NULL);
	rig_destroy(&race.rig);
}

static void *move_container(void *arg)
{
	struct race *race = arg;

	while (!atomic_load(&race->must_stop)) {
		int c = client_open(race->rig.client, "/dev/vfio/vfio");
		int ret = set_container(&race->rig, race->group, c);

		if (ret && ret != -EINVAL)
			abort();
		ret = (int)client_ioctl(race->rig.client, c, VFIO_SET_IOMMU,
					VFIO_TYPE1_IOMMU);
		if (ret && ret != -EINVAL)
			abort();
		client_close(race->rig.client, c);
		ret = unset_container(&race->rig, race->group);
		if (!ret)
			atomic_fetch_add(&race->wins, 1);
		else if (ret != -EINVAL)
			abort();
	}
	return NULL;
}

/* Shows T2, T3, T4. */
static void containers_race_for_one_group(void **state)
{
	struct race race = {.must_stop = false};
	pthread_t threads[THREADS];

	(void)state;
	fill(&race, 1);
	fake_bind(race.fakes[0], race.rig.vfio_driver);
	race.group = client_open(race.rig.client, NODE);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						move_container, &race),
				 0);
	wait_for(&race.wins, ROUNDS);
	atomic_store(&race.must_stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(status_of(&race.rig, race.group), 1);
	rig_destroy(&race.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_of_a_node_that_comes_and_goes),
		cmocka_unit_test(members_of_a_group_come_and_go_at_once),
		cmocka_unit_test(
			groups_are_told_of_drivers_while_they_come_and_go),
		cmocka_unit_test(opens_race_with_unregistering),
		cmocka_unit_test(host_driver_or_container_but_not_both),
		cmocka_unit_test(containers_race_for_one_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

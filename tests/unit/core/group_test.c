/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Containers, groups and devices: who holds whom, and for how long.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "lib/machine.h"

#define THREADS 8
#define ROUNDS  200

static int setup(void **state)
{
	*state = machine_create(false);
	return 0;
}

static int setup_together(void **state)
{
	*state = machine_create(true);
	return 0;
}

static int teardown(void **state)
{
	uvfio_machine_destroy(*state);
	return 0;
}

static uint32_t status_of(struct uvfio_machine *machine, int group)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};

	must_ioctl(machine, group, VFIO_GROUP_GET_STATUS, (uintptr_t)&status);
	return status.flags;
}

/* The six orders in which three descriptors can be closed. */
/* Shows O1. */
static void any_order_of_close_frees_everything(void **state)
{
	static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					 {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	for (int i = 0; i < 6; i++) {
		struct opened opened = machine_open(*state);
		int fds[3] = {opened.container, opened.group, opened.device};
		int group;

		for (int n = 0; n < 3; n++)
			must_close(*state, fds[orders[i][n]]);
		group = must_open(*state, "/dev/vfio/1");
		assert_int_equal(status_of(*state, group),
				 VFIO_GROUP_FLAGS_VIABLE);
		must_close(*state, group);
	}
}

/* Shows G3. */
static void group_stays_busy_while_its_device_is_open(void **state)
{
	struct opened opened = machine_open(*state);

	assert_int_equal(uvfio_open(*state, "/dev/vfio/1"), -EBUSY);
	must_close(*state, opened.group);
	assert_int_equal(uvfio_open(*state, "/dev/vfio/1"), -EBUSY);
	must_close(*state, opened.device);
	must_close(*state, must_open(*state, "/dev/vfio/1"));
	must_close(*state, opened.container);
}

static void unset_container_is_busy_with_an_open_device(void **state)
{
	struct opened opened = machine_open(*state);

	assert_int_equal(uvfio_ioctl(*state, opened.group,
				     VFIO_GROUP_UNSET_CONTAINER, 0),
			 -EBUSY);
	must_close(*state, opened.device);
	must_ioctl(*state, opened.group, VFIO_GROUP_UNSET_CONTAINER, 0);
	assert_int_equal(status_of(*state, opened.group),
			 VFIO_GROUP_FLAGS_VIABLE);
	must_close(*state, opened.group);
	must_close(*state, opened.container);
}

static long map_page(struct uvfio_machine *machine, int container,
		     uint64_t iova, void *page)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)page,
		.iova = iova,
		.size = 4096,
	};

	return uvfio_ioctl(machine, container, VFIO_IOMMU_MAP_DMA,
			   (uintptr_t)&map);
}

/* Shows O1, C9. */
static void mappings_go_with_the_last_group(void **state)
{
	void *page = aligned_alloc(4096, 4096);
	struct opened opened = machine_open(*state);

	assert_non_null(page);
	assert_int_equal(map_page(*state, opened.container, 0, page), 0);
	assert_int_equal(map_page(*state, opened.container, 0, page), -EEXIST);
	must_close(*state, opened.device);
	must_close(*state, opened.group);
	assert_int_equal(map_page(*state, opened.container, 0, page), -EINVAL);
	opened.group = must_open(*state, "/dev/vfio/1");
	must_ioctl(*state, opened.group, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&opened.container);
	must_ioctl(*state, opened.container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU);
	assert_int_equal(map_page(*state, opened.container, 0, page), 0);
	must_close(*state, opened.group);
	must_close(*state, opened.container);
	free(page);
}

static void second_group_sees_the_mappings(void **state)
{
	void *page = aligned_alloc(4096, 4096);
	struct opened opened = machine_open(*state);
	int second = must_open(*state, "/dev/vfio/2");

	assert_non_null(page);
	assert_int_equal(map_page(*state, opened.container, 0, page), 0);
	must_ioctl(*state, second, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&opened.container);
	must_close(*state, opened.device);
	must_close(*state, opened.group);
	/* One group left: the mapping is still there. */
	assert_int_equal(map_page(*state, opened.container, 0, page), -EEXIST);
	must_close(*state, second);
	must_close(*state, opened.container);
	free(page);
}

/* Registers of edu lie at the start of BAR 0, which is at the file's. */
static void copy_by_dma(struct uvfio_machine *machine, int device,
			uint64_t from, uint64_t to, uint64_t flags)
{
	const uint64_t values[] = {from, to, 8, 1 | flags};
	uint64_t command;

	for (int i = 0; i < 4; i++)
		assert_int_equal(uvfio_pwrite(machine, device, &values[i], 8,
					      0x80 + 8 * (uint64_t)i),
				 8);
	do
		assert_int_equal(
			uvfio_pread(machine, device, &command, 8, 0x98), 8);
	while (command & 1);
}

/* Eight bytes of the page that is mapped at 0 go to the device and back. */
static bool does_dma(struct uvfio_machine *machine, int device, char *page)
{
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	const uint16_t command = 6;

	must_ioctl(machine, device, VFIO_DEVICE_GET_REGION_INFO,
		   (uintptr_t)&config);
	assert_int_equal(
		uvfio_pwrite(machine, device, &command, 2, config.offset + 4),
		2);
	memset(page, 'a', 8);
	memset(page + 8, 0, 8);
	copy_by_dma(machine, device, 0, 0x40000, 0);
	copy_by_dma(machine, device, 0x40000, 8, 2);
	return !memcmp(page, page + 8, 8);
}

/* Shows C10. */
static void dma_goes_on_when_another_group_leaves(void **state)
{
	char *page = aligned_alloc(4096, 4096);
	struct opened opened = machine_open(*state);
	int second = must_open(*state, "/dev/vfio/2");

	assert_non_null(page);
	must_ioctl(*state, second, VFIO_GROUP_SET_CONTAINER,
		   (uintptr_t)&opened.container);
	assert_int_equal(map_page(*state, opened.container, 0, page), 0);
	must_ioctl(*state, second, VFIO_GROUP_UNSET_CONTAINER, 0);
	assert_true(does_dma(*state, opened.device, page));
	assert_int_equal(uvfio_ioctl(*state, opened.container, VFIO_SET_IOMMU,
				     VFIO_TYPE1_IOMMU),
			 -EINVAL);
	must_close(*state, second);
	must_close(*state, opened.device);
	must_close(*state, opened.group);
	must_close(*state, opened.container);
	free(page);
}

/* Shows C11. */
static void dma_goes_on_without_the_container(void **state)
{
	char *page = aligned_alloc(4096, 4096);
	struct opened opened = machine_open(*state);

	assert_non_null(page);
	assert_int_equal(map_page(*state, opened.container, 0, page), 0);
	must_close(*state, opened.container);
	assert_true(does_dma(*state, opened.device, page));
	assert_int_equal(status_of(*state, opened.group), 3);
	must_close(*state, opened.device);
	must_ioctl(*state, opened.group, VFIO_GROUP_UNSET_CONTAINER, 0);
	assert_int_equal(status_of(*state, opened.group), 1);
	must_close(*state, opened.group);
	free(page);
}

static void devices_of_one_group_share_its_container(void **state)
{
	struct opened opened = machine_open(*state);
	long second = must_ioctl(*state, opened.group, VFIO_GROUP_GET_DEVICE_FD,
				 (uintptr_t)EDU_B);

	must_close(*state, opened.device);
	assert_int_equal(uvfio_ioctl(*state, opened.group,
				     VFIO_GROUP_UNSET_CONTAINER, 0),
			 -EBUSY);
	must_close(*state, (int)second);
	must_ioctl(*state, opened.group, VFIO_GROUP_UNSET_CONTAINER, 0);
	must_close(*state, opened.group);
	must_close(*state, opened.container);
}

struct racers {
	struct uvfio_machine *machine;
	pthread_barrier_t start, stop;
	int group;
	int wins;
	pthread_mutex_t lock;
};

static void count_win(struct racers *racers)
{
	pthread_mutex_lock(&racers->lock);
	racers->wins++;
	pthread_mutex_unlock(&racers->lock);
}

static void *race_open(void *arg)
{
	struct racers *racers = arg;

	for (int i = 0; i < ROUNDS; i++) {
		int fd;

		pthread_barrier_wait(&racers->start);
		fd = uvfio_open(racers->machine, "/dev/vfio/1");
		if (fd >= 0)
			count_win(racers);
		pthread_barrier_wait(&racers->stop);
		if (fd >= 0)
			uvfio_close(racers->machine, fd);
	}
	return NULL;
}

static void *race_set_container(void *arg)
{
	struct racers *racers = arg;

	for (int i = 0; i < ROUNDS; i++) {
		int container = uvfio_open(racers->machine, "/dev/vfio/vfio");
		long ret;

		pthread_barrier_wait(&racers->start);
		ret = uvfio_ioctl(racers->machine, racers->group,
				  VFIO_GROUP_SET_CONTAINER,
				  (uintptr_t)&container);
		if (!ret)
			count_win(racers);
		pthread_barrier_wait(&racers->stop);
		if (!ret)
			uvfio_ioctl(racers->machine, racers->group,
				    VFIO_GROUP_UNSET_CONTAINER, 0);
		uvfio_close(racers->machine, container);
	}
	return NULL;
}

static void race(struct racers *racers, void *(*fn)(void *))
{
	pthread_t threads[THREADS];

	pthread_mutex_init(&racers->lock, NULL);
	pthread_barrier_init(&racers->start, NULL, THREADS);
	pthread_barrier_init(&racers->stop, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, racers),
				 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&racers->start);
	pthread_barrier_destroy(&racers->stop);
	pthread_mutex_destroy(&racers->lock);
}

/* Shows T1. */
static void exactly_one_of_many_opens_wins(void **state)
{
	struct racers racers = {.machine = *state};

	race(&racers, race_open);
	assert_int_equal(racers.wins, ROUNDS);
}

/* Shows T2. */
static void exactly_one_of_many_set_container_wins(void **state)
{
	struct racers racers = {.machine = *state,
				.group = must_open(*state, "/dev/vfio/1")};

	race(&racers, race_set_container);
	assert_int_equal(racers.wins, ROUNDS);
	must_close(*state, racers.group);
}

static void *race_device(void *arg)
{
	struct racers *racers = arg;

	for (int i = 0; i < ROUNDS; i++) {
		long fd =
			uvfio_ioctl(racers->machine, racers->group,
				    VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)EDU_A);
		uint32_t id;

		if (fd >= 0 &&
		    uvfio_pread(racers->machine, (int)fd, &id, sizeof(id), 0) ==
			    sizeof(id) &&
		    id == 0x010000ed && !uvfio_close(racers->machine, (int)fd))
			count_win(racers);
	}
	return NULL;
}

/* Shows T7. */
static void opens_and_closes_of_a_device_race_without_loss(void **state)
{
	struct opened opened = machine_open(*state);
	struct racers racers = {.machine = *state, .group = opened.group};

	must_close(*state, opened.device);
	race(&racers, race_device);
	assert_int_equal(racers.wins, THREADS * ROUNDS);
	must_ioctl(*state, opened.group, VFIO_GROUP_UNSET_CONTAINER, 0);
	must_close(*state, opened.group);
	must_close(*state, opened.container);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_order_of_close_frees_everything),
		TEST(group_stays_busy_while_its_device_is_open),
		TEST(unset_container_is_busy_with_an_open_device),
		TEST(mappings_go_with_the_last_group),
		TEST(second_group_sees_the_mappings),
		TEST(dma_goes_on_when_another_group_leaves),
		TEST(dma_goes_on_without_the_container),
		cmocka_unit_test_setup_teardown(
			devices_of_one_group_share_its_container,
			setup_together, teardown),
		TEST(exactly_one_of_many_opens_wins),
		TEST(exactly_one_of_many_set_container_wins),
		TEST(opens_and_closes_of_a_device_race_without_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

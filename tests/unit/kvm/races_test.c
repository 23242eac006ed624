/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The KVM-VFIO device from many threads: to be run under the thread checker
 * as well, which also sees locks that are taken in two orders.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/kvm.h>
#include <linux/vfio.h>

#include "core/external.h"
#include "core/file.h"
#include "kvm/vm.h"
#include "rig.h"

#define THREADS 4
#define ROUNDS  300

/* One race; each thread runs one of its roles, in rounds. */
struct race {
	struct rig *rig;
	struct opened all;
	int iommufd;
	atomic_int cdev; /* the number of a device file, for a while */
	atomic_int turn; /* which role the next thread takes */
	atomic_int added;
	atomic_int removed;
	atomic_int wrong;
};

static void run_threads(struct race *race, void *(*role)(void *))
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, role, race),
				 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&race->wrong), 0);
}

static void *add_and_del(void *arg)
{
	struct race *race = arg;
	struct client *client = race->rig->client;
	int device = race->rig->device;
	bool adds = atomic_fetch_add(&race->turn, 1) % 2;

	for (int i = 0; i < ROUNDS; i++) {
		long ret = adds ? add_file(client, device, race->all.group)
				: del_file(client, device, race->all.group);

		if (!ret)
			atomic_fetch_add(adds ? &race->added : &race->removed,
					 1);
		else if (ret != (adds ? -EEXIST : -ENOENT))
			atomic_fetch_add(&race->wrong, 1);
	}
	return NULL;
}

/* Shows T12. */
static void one_file_is_added_and_removed(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct race race = {.rig = &rig};
	int left;

	(void)state;
	race.all.group = client_open(rig.client, GROUP_1);
	run_threads(&race, add_and_del);
	left = atomic_load(&race.added) - atomic_load(&race.removed);
	assert_true(left == 0 || left == 1);
	assert_int_equal(atomic_load(&rig_vm(&rig)->assigned_count), left);
	assert_int_equal(del_file(rig.client, rig.device, race.all.group),
			 left ? 0 : -ENOENT);
	rig_destroy(&rig);
}

/* The file behind the number comes and goes; the number is all ADD has. */
static void *open_and_close(void *arg)
{
	struct race *race = arg;
	struct client *client = race->rig->client;
	int device = race->rig->device;
	int turn = atomic_fetch_add(&race->turn, 1);

	for (int i = 0; i < ROUNDS; i++) {
		long ret;

		if (!turn) {
			int fd = client_open(client, GROUP_2);

			/* Tracked still: who adds lets it go in the end. */
			if (fd >= 0)
				client_close(client, fd);
			else if (fd != -EBUSY)
				atomic_fetch_add(&race->wrong, 1);
			continue;
		}
		ret = add_file(client, device, race->all.device);
		if (ret && ret != -EBADF && ret != -EEXIST)
			atomic_fetch_add(&race->wrong, 1);
		ret = del_file(client, device, race->all.device);
		if (ret && ret != -EBADF && ret != -ENOENT)
			atomic_fetch_add(&race->wrong, 1);
	}
	return NULL;
}

/* Shows T12. */
static void number_is_closed_while_it_is_added(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct race race = {.rig = &rig};

	(void)state;
	/* The number that the next open gets. */
	race.all.device = client_open(rig.client, GROUP_2);
	client_close(rig.client, race.all.device);
	run_threads(&race, open_and_close);
	client_close(rig.client, rig.device);
	assert_true(client_open(rig.client, GROUP_2) >= 0);
	rig_destroy(&rig);
}

static void *release_and_ask(void *arg)
{
	struct race *race = arg;
	struct client *client = race->rig->client;
	struct uvf_file *file = client_file(client, race->all.group);
	int turn = atomic_fetch_add(&race->turn, 1);

	for (int i = 0; i < ROUNDS; i++) {
		long fd;

		if (turn) {
			if (uvf_file_enforced_coherent(file))
				atomic_fetch_add(&race->wrong, 1);
			continue;
		}
		fd = create_device(client, race->rig->vm, KVM_DEV_TYPE_VFIO, 0);
		if (fd < 0 || add_file(client, (int)fd, race->all.group) ||
		    client_close(client, (int)fd))
			atomic_fetch_add(&race->wrong, 1);
	}
	uvf_file_put(file);
	return NULL;
}

/* Shows T12. */
static void device_is_released_while_files_are_asked(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct race race = {.rig = &rig};

	(void)state;
	client_close(rig.client, rig.device);
	race.all.group = client_open(rig.client, GROUP_1);
	run_threads(&race, release_and_ask);
	assert_int_equal(atomic_load(&rig_vm(&rig)->noncoherent_count), 0);
	assert_int_equal(atomic_load(&rig_vm(&rig)->assigned_count), 0);
	rig_destroy(&rig);
}

/* One makes VMs for a group and lets them go, others open its device. */
static void *destroy_and_close(void *arg)
{
	struct race *race = arg;
	struct client *client = race->rig->client;
	int turn = atomic_fetch_add(&race->turn, 1);

	for (int i = 0; i < ROUNDS; i++) {
		long fd;
		int vm;

		if (turn) {
			fd = client_ioctl(client, race->all.group,
					  VFIO_GROUP_GET_DEVICE_FD,
					  (uintptr_t)EDU_A);
			if (fd < 0 || client_close(client, (int)fd))
				atomic_fetch_add(&race->wrong, 1);
			continue;
		}
		vm = create_vm(client, race->rig->kvm);
		fd = create_device(client, vm, KVM_DEV_TYPE_VFIO, 0);
		if (fd < 0 || add_file(client, (int)fd, race->all.group))
			atomic_fetch_add(&race->wrong, 1);
		/* In both orders, with and without DEL before. */
		if (i & 1)
			client_close(client, vm);
		if (i & 2 && del_file(client, (int)fd, race->all.group))
			atomic_fetch_add(&race->wrong, 1);
		client_close(client, (int)fd);
		if (!(i & 1))
			client_close(client, vm);
	}
	return NULL;
}

/* Shows T13. */
static void vm_ends_while_devices_open_and_close(void **state)
{
	static const char *const profiles[] = {
		"6.12", "6.12,kvm_dies_with_fd=off", NULL};

	(void)state;
	for (const char *const *abi = profiles; *abi; abi++) {
		struct rig rig = rig_create(*abi, NULL);
		struct race race = {.rig = &rig};

		race.all = client_open_all(rig.client, GROUP_1, EDU_A);
		client_close(rig.client, race.all.device);
		run_threads(&race, destroy_and_close);
		client_close(rig.client, race.all.group);
		client_close(rig.client, rig.device);
		assert_true(client_open(rig.client, GROUP_1) >= 0);
		rig_destroy(&rig);
	}
}

static bool is_one_of(long ret, long a, long b, long c)
{
	return !ret || ret == a || ret == b || ret == c;
}

/* One ties files to VMs that end, others bind and close these files. */
static void *tie_and_bind(void *arg)
{
	struct race *race = arg;
	struct client *client = race->rig->client;
	int turn = atomic_fetch_add(&race->turn, 1);

	for (int i = 0; i < ROUNDS; i++) {
		int vm, cdev;
		long fd;

		if (turn) {
			cdev = client_open(client, CDEV_1);
			atomic_store(&race->cdev, cdev);
			/* Another one has it open. */
			if (!is_one_of(bind_cdev(client, cdev, race->iommufd),
				       -EINVAL, 0, 0) ||
			    client_close(client, cdev))
				atomic_fetch_add(&race->wrong, 1);
			continue;
		}
		vm = create_vm(client, race->rig->kvm);
		fd = create_device(client, vm, KVM_DEV_TYPE_VFIO, 0);
		/* Closed by now, or the number of a VM or its device. */
		cdev = atomic_load(&race->cdev);
		if (!is_one_of(add_file(client, (int)fd, cdev), -EBADF, -EINVAL,
			       0))
			atomic_fetch_add(&race->wrong, 1);
		if (i & 1)
			client_close(client, vm);
		if (i & 2 && !is_one_of(del_file(client, (int)fd, cdev), -EBADF,
					-EINVAL, -ENOENT))
			atomic_fetch_add(&race->wrong, 1);
		client_close(client, (int)fd);
		if (!(i & 1))
			client_close(client, vm);
	}
	return NULL;
}

/* Shows T13: for device files. */
static void vm_ends_while_device_files_are_bound(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct race race = {.rig = &rig};
	int cdev;

	(void)state;
	race.iommufd = client_open(rig.client, "/dev/iommu");
	run_threads(&race, tie_and_bind);
	cdev = client_open(rig.client, CDEV_1);
	assert_int_equal(bind_cdev(rig.client, cdev, race.iommufd), 0);
	client_close(rig.client, cdev);
	assert_true(client_open(rig.client, GROUP_1) >= 0);
	rig_destroy(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_file_is_added_and_removed),
		cmocka_unit_test(number_is_closed_while_it_is_added),
		cmocka_unit_test(device_is_released_while_files_are_asked),
		cmocka_unit_test(vm_ends_while_devices_open_and_close),
		cmocka_unit_test(vm_ends_while_device_files_are_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

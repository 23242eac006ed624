/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Device files and the KVM-VFIO device.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "bus/machine.h"
#include "core/device.h"
#include "core/device_file.h"
#include "core/external.h"
#include "core/file.h"
#include "core/kvm.h"
#include "front/machine.h"
#include "kvm/vm.h"
#include "rig.h"

/* What the driver of an open device file sees; borrowed. */
static struct uvf_kvm *kvm_of(struct client *client, int fd)
{
	struct uvf_file *file = client_file(client, fd);
	struct uvf_kvm *kvm = uvf_device_file_of(file)->device->kvm;

	uvf_file_put(file);
	return kvm;
}

static int open_bound(struct rig *rig, const char *path)
{
	int iommufd = client_open(rig->client, "/dev/iommu");
	int cdev = client_open(rig->client, path);

	assert_int_equal(bind_cdev(rig->client, cdev, iommufd), 0);
	client_close(rig->client, iommufd);
	return cdev;
}

/* Shows K2. */
static void device_files_are_added_bound_or_not(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	int bound = open_bound(&rig, CDEV_1);
	int idle = client_open(rig.client, CDEV_2);
	int again = client_open(rig.client, CDEV_2);
	int group = client_open(rig.client, GROUP_2);

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, bound), 0);
	assert_int_equal(add_file(rig.client, rig.device, idle), 0);
	assert_int_equal(add_file(rig.client, rig.device, bound), -EEXIST);
	assert_int_equal(
		add_file(rig.client, rig.device, client_dup(rig.client, idle)),
		-EEXIST);
	/* Another open of the device is another file, and so is its group. */
	assert_int_equal(add_file(rig.client, rig.device, again), 0);
	assert_int_equal(add_file(rig.client, rig.device, group), 0);
	assert_int_equal(atomic_load(&rig_vm(&rig)->assigned_count), 4);
	client_close(rig.client, rig.device);
	assert_int_equal(atomic_load(&rig_vm(&rig)->assigned_count), 0);
	rig_destroy(&rig);
}

/* Shows K8. */
static void driver_sees_the_vm_of_the_bind(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	int iommufd = client_open(rig.client, "/dev/iommu");
	int cdev = client_open(rig.client, CDEV_1);
	int late = open_bound(&rig, CDEV_2);

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, cdev), 0);
	assert_null(kvm_of(rig.client, cdev));
	assert_int_equal(bind_cdev(rig.client, cdev, iommufd), 0);
	assert_ptr_equal(kvm_of(rig.client, cdev), &rig_vm(&rig)->kvm);
	assert_int_equal(del_file(rig.client, rig.device, cdev), 0);
	assert_ptr_equal(kvm_of(rig.client, cdev), &rig_vm(&rig)->kvm);
	assert_int_equal(add_file(rig.client, rig.device, late), 0);
	assert_null(kvm_of(rig.client, late));
	/* What is bound next is not tied, though it was the same device. */
	client_close(rig.client, cdev);
	cdev = open_bound(&rig, CDEV_1);
	assert_null(kvm_of(rig.client, cdev));
	rig_destroy(&rig);
}

/* Shows K8: a file that a group gave has the group's VM. */
static void file_of_a_group_has_the_vm_of_the_group(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct opened all = client_open_all(rig.client, GROUP_1, EDU_A);
	long again;

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, all.device), 0);
	again = client_ioctl(rig.client, all.group, VFIO_GROUP_GET_DEVICE_FD,
			     (uintptr_t)EDU_A);
	assert_true(again >= 0);
	assert_null(kvm_of(rig.client, (int)again));
	rig_destroy(&rig);
}

struct vm {
	struct uvf_kvm kvm;
	unsigned int destroyed;
};

static void vm_destroy(struct uvf_kvm *kvm)
{
	uvf_container_of(kvm, struct vm, kvm)->destroyed++;
}

/* A device file that is tied to a VM that the test owns. */
static struct uvf_file *tie(struct rig *rig, int cdev, struct vm *vm)
{
	struct uvf_file *file = client_file(rig->client, cdev);

	*vm = (struct vm){.destroyed = 0};
	uvf_kvm_init(&vm->kvm, vm_destroy);
	uvf_file_set_kvm(file, &vm->kvm);
	return file;
}

/* Shows K9. */
static void bound_device_keeps_its_vm(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	int iommufd = client_open(rig.client, "/dev/iommu");
	int cdev = client_open(rig.client, CDEV_1);
	struct uvf_file *file;
	struct vm vm;

	(void)state;
	file = tie(&rig, cdev, &vm);
	assert_int_equal(bind_cdev(rig.client, cdev, iommufd), 0);
	uvf_file_set_kvm(file, NULL);
	uvf_file_put(file);
	uvf_kvm_put(&vm.kvm);
	assert_int_equal(vm.destroyed, 0);
	client_close(rig.client, cdev);
	assert_int_equal(vm.destroyed, 1);
	rig_destroy(&rig);
}

/* Shows K9. */
static void vm_may_be_closed_before_its_device(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	int iommufd = client_open(rig.client, "/dev/iommu");
	int cdev = client_open(rig.client, CDEV_1);
	struct uvf_vm *vm = rig_vm(&rig);

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, cdev), 0);
	assert_int_equal(bind_cdev(rig.client, cdev, iommufd), 0);
	client_close(rig.client, rig.vm);
	client_close(rig.client, rig.device);
	/* Freed memory would be noticed under AddressSanitizer. */
	assert_ptr_equal(kvm_of(rig.client, cdev), &vm->kvm);
	assert_ptr_equal(vm->host, &rig.machine->kvm_stub.host);
	client_close(rig.client, cdev);
	assert_true(client_open(rig.client, GROUP_1) >= 0);
	rig_destroy(&rig);
}

static void failed_bind_lets_the_vm_go(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	int iommufd = client_open(rig.client, "/dev/iommu");
	int first = open_bound(&rig, CDEV_1);
	int cdev = client_open(rig.client, CDEV_1);
	struct uvf_file *file;
	struct vm vm;

	(void)state;
	file = tie(&rig, cdev, &vm);
	assert_int_equal(bind_cdev(rig.client, cdev, iommufd), -EINVAL);
	assert_int_equal(bind_cdev(rig.client, cdev, rig.kvm), -EBADFD);
	uvf_kvm_put(&vm.kvm);
	assert_int_equal(vm.destroyed, 1);
	/* One that is being destroyed is not taken. */
	client_close(rig.client, first);
	assert_int_equal(bind_cdev(rig.client, cdev, iommufd), 0);
	assert_null(kvm_of(rig.client, cdev));
	uvf_file_set_kvm(file, NULL);
	uvf_file_put(file);
	client_close(rig.client, cdev);
	rig_destroy(&rig);
	assert_int_equal(vm.destroyed, 1);
}

/* The first device goes, when its users let it. */
struct unplug {
	struct uvf_machine *machine;
	atomic_bool is_over;
};

static void *unplug_main(void *arg)
{
	struct unplug *unplug = arg;
	struct uvf_bus_device *device =
		uvf_machine_find(unplug->machine, EDU_A);

	uvf_machine_unplug(device, NULL);
	uvf_bus_device_put(device);
	atomic_store(&unplug->is_over, true);
	return NULL;
}

/* Shows K5. */
static void tracked_device_file_holds_its_device(void **state)
{
	(void)state;
	for (int is_bound = 0; is_bound < 2; is_bound++) {
		struct rig rig = rig_create(NULL, NULL);
		struct unplug unplug = {.machine = &rig.machine->bus};
		int cdev = is_bound ? open_bound(&rig, CDEV_1)
				    : client_open(rig.client, CDEV_1);
		pthread_t thread;
		int fd;

		assert_int_equal(add_file(rig.client, rig.device, cdev), 0);
		client_close(rig.client, cdev);
		/* Nobody has a descriptor, and it is bound still. */
		fd = client_open(rig.client, GROUP_1);
		assert_int_equal(fd < 0 ? fd : 0, is_bound ? -EBUSY : 0);
		assert_int_equal(
			pthread_create(&thread, NULL, unplug_main, &unplug), 0);
		/* Its node goes at once; the device waits for its user. */
		while ((fd = client_open(rig.client, CDEV_1)) >= 0) {
			client_close(rig.client, fd);
			sched_yield();
		}
		assert_false(atomic_load(&unplug.is_over));
		client_close(rig.client, rig.device);
		pthread_join(thread, NULL);
		rig_destroy(&rig);
	}
}

/* Shows K5. */
static void del_lets_the_device_go(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct unplug unplug = {.machine = &rig.machine->bus};
	int cdev = open_bound(&rig, CDEV_1);

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, cdev), 0);
	assert_int_equal(del_file(rig.client, rig.device, cdev), 0);
	client_close(rig.client, cdev);
	unplug_main(&unplug);
	assert_true(atomic_load(&unplug.is_over));
	rig_destroy(&rig);
}

/* Before device files were tracked, they were asked as any other file. */
static void only_newer_kernels_ask_the_device_of_a_file(void **state)
{
	static const char *const abis[] = {"6.1", "6.6"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig rig = rig_create(abis[i], "kvm=stub,iommu=intel");
		struct opened all = client_open_all(rig.client, GROUP_1, EDU_A);
		struct uvf_file *file = client_file(rig.client, all.device);

		assert_int_equal(uvf_file_enforced_coherent(file), i == 0);
		uvf_file_put(file);
		rig_destroy(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_files_are_added_bound_or_not),
		cmocka_unit_test(driver_sees_the_vm_of_the_bind),
		cmocka_unit_test(file_of_a_group_has_the_vm_of_the_group),
		cmocka_unit_test(bound_device_keeps_its_vm),
		cmocka_unit_test(vm_may_be_closed_before_its_device),
		cmocka_unit_test(failed_bind_lets_the_vm_go),
		cmocka_unit_test(tracked_device_file_holds_its_device),
		cmocka_unit_test(del_lets_the_device_go),
		cmocka_unit_test(only_newer_kernels_ask_the_device_of_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What somebody outside of VFIO learns of a file, and does with it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "bus/group.h"
#include "core/device.h"
#include "core/external.h"
#include "core/file.h"
#include "core/group.h"
#include "core/kvm.h"
#include "lib/client.h"
#include "lib/machine.h"

struct rig {
	struct uvfio_machine *machine;
	struct client *client;
};

static struct rig rig_create(const char *abi, const char *host)
{
	struct rig rig = {.machine = machine_create_as(abi, host)};

	rig.client = client_create(rig.machine);
	return rig;
}

static void rig_destroy(struct rig *rig)
{
	client_destroy(rig->client);
	uvfio_machine_destroy(rig->machine);
}

static void tells_kinds_of_files_apart(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct opened all = client_open_all(rig.client, "/dev/vfio/1", EDU_A);
	struct uvf_file *container = client_file(rig.client, all.container);
	struct uvf_file *group = client_file(rig.client, all.group);
	struct uvf_file *device = client_file(rig.client, all.device);
	struct uvf_iommu_group *iommu_group;

	(void)state;
	assert_false(uvf_file_is_group(container));
	assert_true(uvf_file_is_group(group));
	assert_false(uvf_file_is_group(device));
	assert_false(uvf_file_is_valid(container));
	assert_true(uvf_file_is_valid(group));
	assert_true(uvf_file_is_valid(device));
	iommu_group = uvf_file_iommu_group(group);
	assert_non_null(iommu_group);
	uvf_iommu_group_put(iommu_group);
	assert_null(uvf_file_iommu_group(device));
	uvf_file_put(device);
	uvf_file_put(group);
	uvf_file_put(container);
	rig_destroy(&rig);
}

static void coherency_follows_the_host(void **state)
{
	static const char *const hosts[] = {"iommu=intel", "iommu=amd"};

	(void)state;
	for (int amd = 0; amd < 2; amd++) {
		struct rig rig = rig_create(NULL, hosts[amd]);
		struct opened all =
			client_open_all(rig.client, "/dev/vfio/1", EDU_A);
		int fds[] = {all.group, all.device, all.container};

		for (int i = 0; i < 3; i++) {
			struct uvf_file *file = client_file(rig.client, fds[i]);

			assert_int_equal(uvf_file_enforced_coherent(file),
					 amd || i == 2);
			uvf_file_put(file);
		}
		rig_destroy(&rig);
	}
}

/* Shows X1. */
static void external_user_needs_a_container_with_an_iommu(void **state)
{
	struct rig rig = rig_create("4.1", NULL);
	int group_fd = client_open(rig.client, "/dev/vfio/1");
	int container = client_open(rig.client, "/dev/vfio/vfio");
	struct uvf_file *group_file = client_file(rig.client, group_fd);
	struct uvf_file *container_file = client_file(rig.client, container);
	struct uvf_group *group;

	(void)state;
	assert_int_equal(uvf_group_get_external_user(container_file, &group),
			 -EINVAL);
	assert_int_equal(uvf_group_get_external_user(group_file, &group),
			 -EINVAL);
	assert_int_equal(client_ioctl(rig.client, group_fd,
				      VFIO_GROUP_SET_CONTAINER,
				      (uintptr_t)&container),
			 0);
	assert_int_equal(uvf_group_get_external_user(group_file, &group),
			 -EINVAL);
	assert_int_equal(client_ioctl(rig.client, container, VFIO_SET_IOMMU,
				      VFIO_TYPE1_IOMMU),
			 0);
	assert_int_equal(uvf_group_get_external_user(group_file, &group), 0);
	assert_int_equal(uvf_group_external_user_iommu_id(group), 1);
	assert_int_equal(
		uvf_group_external_check_extension(group, VFIO_TYPE1v2_IOMMU),
		1);
	assert_int_equal(
		uvf_group_external_check_extension(group, VFIO_DMA_CC_IOMMU),
		0);
	assert_int_equal(client_ioctl(rig.client, group_fd,
				      VFIO_GROUP_UNSET_CONTAINER, 0),
			 -EBUSY);
	uvf_group_put_external_user(group);
	assert_int_equal(client_ioctl(rig.client, group_fd,
				      VFIO_GROUP_UNSET_CONTAINER, 0),
			 0);
	uvf_file_put(container_file);
	uvf_file_put(group_file);
	rig_destroy(&rig);
}

/* Shows X2. */
static void external_user_outlives_the_descriptors(void **state)
{
	struct rig rig = rig_create("4.1", NULL);
	struct opened all = client_open_all(rig.client, "/dev/vfio/1", EDU_A);
	struct uvf_file *file = client_file(rig.client, all.group);
	struct uvf_group *group;

	(void)state;
	assert_int_equal(uvf_group_get_external_user(file, &group), 0);
	uvf_file_put(file);
	client_close(rig.client, all.group);
	client_close(rig.client, all.device);
	assert_int_equal(client_open(rig.client, "/dev/vfio/1"), -EBUSY);
	uvf_group_put_external_user(group);
	assert_true(client_open(rig.client, "/dev/vfio/1") >= 0);
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

static struct uvf_kvm *kvm_of(struct rig *rig, int fd)
{
	struct uvf_file *file = client_file(rig->client, fd);
	struct uvf_group *group = file->object;
	struct uvf_device *device = uvf_list_entry(
		group->devices.next, struct uvf_device, group_node);
	struct uvf_kvm *kvm = device->kvm;

	uvf_file_put(file);
	return kvm;
}

/* Shows K8, K9. */
static void device_keeps_the_vm_of_its_first_open(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct opened all = client_open_all(rig.client, "/dev/vfio/1", EDU_A);
	struct uvf_file *group = client_file(rig.client, all.group);
	struct vm vm = {.destroyed = 0};
	long again;

	(void)state;
	uvf_kvm_init(&vm.kvm, vm_destroy);
	uvf_file_set_kvm(group, &vm.kvm);
	assert_null(kvm_of(&rig, all.group));
	again = client_ioctl(rig.client, all.group, VFIO_GROUP_GET_DEVICE_FD,
			     (uintptr_t)EDU_A);
	assert_null(kvm_of(&rig, all.group));
	client_close(rig.client, (int)again);
	client_close(rig.client, all.device);
	all.device =
		(int)client_ioctl(rig.client, all.group,
				  VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)EDU_A);
	assert_ptr_equal(kvm_of(&rig, all.group), &vm.kvm);
	uvf_file_set_kvm(group, NULL);
	assert_ptr_equal(kvm_of(&rig, all.group), &vm.kvm);
	uvf_kvm_put(&vm.kvm);
	assert_int_equal(vm.destroyed, 0);
	client_close(rig.client, all.device);
	assert_int_equal(vm.destroyed, 1);
	uvf_file_put(group);
	rig_destroy(&rig);
}

static void dying_vm_is_not_taken(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct opened all = client_open_all(rig.client, "/dev/vfio/1", EDU_A);
	struct uvf_file *group = client_file(rig.client, all.group);
	struct vm vm = {.destroyed = 0};

	(void)state;
	client_close(rig.client, all.device);
	uvf_kvm_init(&vm.kvm, vm_destroy);
	uvf_file_set_kvm(group, &vm.kvm);
	uvf_kvm_put(&vm.kvm);
	assert_true(client_ioctl(rig.client, all.group,
				 VFIO_GROUP_GET_DEVICE_FD,
				 (uintptr_t)EDU_A) >= 0);
	assert_null(kvm_of(&rig, all.group));
	uvf_file_set_kvm(group, NULL);
	uvf_file_put(group);
	rig_destroy(&rig);
	assert_int_equal(vm.destroyed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_kinds_of_files_apart),
		cmocka_unit_test(coherency_follows_the_host),
		cmocka_unit_test(external_user_needs_a_container_with_an_iommu),
		cmocka_unit_test(external_user_outlives_the_descriptors),
		cmocka_unit_test(device_keeps_the_vm_of_its_first_open),
		cmocka_unit_test(dying_vm_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

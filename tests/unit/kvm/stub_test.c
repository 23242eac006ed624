/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The /dev/kvm that uvfio plays: a VM, its KVM-VFIO device, and nothing else.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/kvm_abi.h"
#include "rig.h"

static void kvm_says_what_it_can(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	const int fds[] = {rig.kvm, rig.vm};

	(void)state;
	assert_int_equal(
		client_ioctl(rig.client, rig.kvm, KVM_GET_API_VERSION, 0), 12);
	assert_int_equal(
		client_ioctl(rig.client, rig.kvm, KVM_GET_API_VERSION, 1),
		-EINVAL);
	for (int i = 0; i < 2; i++) {
		for (unsigned long cap = 0; cap < 300; cap++) {
			bool is_known = cap == KVM_CAP_DEVICE_CTRL ||
					cap == KVM_CAP_CHECK_EXTENSION_VM;

			assert_int_equal(client_ioctl(rig.client, fds[i],
						      KVM_CHECK_EXTENSION, cap),
					 is_known);
		}
	}
	rig_destroy(&rig);
}

static void other_calls_fail_as_without_the_ability(void **state)
{
	struct rig rig = rig_create(NULL, NULL);

	(void)state;
	assert_int_equal(client_ioctl(rig.client, rig.kvm, KVM_CREATE_VM, 2),
			 -EINVAL);
	assert_int_equal(
		client_ioctl(rig.client, rig.kvm, KVM_GET_VCPU_MMAP_SIZE, 0),
		-EINVAL);
	assert_int_equal(client_ioctl(rig.client, rig.vm, KVM_CREATE_VCPU, 0),
			 -EINVAL);
	assert_int_equal(
		client_ioctl(rig.client, rig.vm, KVM_SET_USER_MEMORY_REGION, 0),
		-EINVAL);
	assert_int_equal(
		client_ioctl(rig.client, rig.vm, KVM_CREATE_IRQCHIP, 0),
		-ENOTTY);
	assert_int_equal(
		client_ioctl(rig.client, rig.vm, KVM_CREATE_SPAPR_TCE, 0),
		-ENOTTY);
	rig_destroy(&rig);
}

static void vm_needs_a_descriptor(void **state)
{
	struct rig rig = rig_create(NULL, NULL);

	(void)state;
	client_fill_table(rig.client, true);
	assert_int_equal(client_ioctl(rig.client, rig.kvm, KVM_CREATE_VM, 2),
			 -EMFILE);
	assert_int_equal(client_ioctl(rig.client, rig.kvm, KVM_CREATE_VM, 0),
			 -EMFILE);
	client_fill_table(rig.client, false);
	rig_destroy(&rig);
}

static void vms_are_apart(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	int vm = create_vm(rig.client, rig.kvm);
	int group = client_open(rig.client, GROUP_1);
	int device;

	(void)state;
	device = (int)create_device(rig.client, vm, KVM_DEV_TYPE_VFIO, 0);
	assert_true(device >= 0);
	assert_int_equal(add_file(rig.client, rig.device, group), 0);
	assert_int_equal(del_file(rig.client, device, group), -ENOENT);
	assert_int_equal(add_file(rig.client, device, group), 0);
	rig_destroy(&rig);
}

/* Flips has_kvm_vfio.  There is no such device in Linux of 2011. */
static void v02_has_no_such_device(void **state)
{
	static const struct {
		const char *abi;
		bool has_it;
	} cases[] = {
		{"v02", false},
		{"3.14", true},
		{"6.12,has_kvm_vfio=off", false},
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct uvfio_machine *machine =
			machine_create_as(cases[i].abi, "kvm=stub");
		struct client *client = client_create(machine);
		int vm = create_vm(client, client_open(client, "/dev/kvm"));
		long ret = create_device(client, vm, KVM_DEV_TYPE_VFIO, 0);

		if (cases[i].has_it)
			assert_true(ret >= 0);
		else
			assert_int_equal(ret, -ENODEV);
		client_destroy(client);
		uvfio_machine_destroy(machine);
	}
}

static void host_may_have_none(void **state)
{
	static const struct {
		const char *host;
		int expected;
	} cases[] = {
		{"kvm=none", -ENODEV},
		/* Another front's business; this one shows its own files. */
		{"kvm=real", -ENOENT},
		{"kvm=auto", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uvfio_machine *machine =
			machine_create_as(NULL, cases[i].host);
		int fd = uvfio_open(machine, "/dev/kvm");

		assert_int_equal(fd < 0 ? fd : 0, cases[i].expected);
		uvfio_machine_destroy(machine);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kvm_says_what_it_can),
		cmocka_unit_test(other_calls_fail_as_without_the_ability),
		cmocka_unit_test(vm_needs_a_descriptor),
		cmocka_unit_test(vms_are_apart),
		cmocka_unit_test(v02_has_no_such_device),
		cmocka_unit_test(host_may_have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

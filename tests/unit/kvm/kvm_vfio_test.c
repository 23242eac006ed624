/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The KVM-VFIO device: its attributes in the order in which they fail, what
 * it holds and for how long, in every profile.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <linux/kvm.h>
#include <linux/vfio.h>

#include "core/device.h"
#include "core/file.h"
#include "core/group.h"
#include "front/machine.h"
#include "kvm/vm.h"
#include "rig.h"

#define VFIO KVM_DEV_TYPE_VFIO
#define ADD  KVM_DEV_VFIO_GROUP_ADD
#define DEL  KVM_DEV_VFIO_GROUP_DEL

static const char *const before_5_17[] = {"3.14", "4.1", NULL};
static const char *const from_6_1[] = {"6.1", "6.6", "6.12", "6.19", NULL};

static unsigned int noncoherent(struct rig *rig)
{
	return atomic_load(&rig_vm(rig)->noncoherent_count);
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

/* Shows K1. */
static void vm_has_one_device(void **state)
{
	struct rig rig = rig_create(NULL, NULL);

	(void)state;
	assert_int_equal(create_device(rig.client, rig.vm, VFIO, 0), -EBUSY);
	/* A test asks whether the type is known, not whether there is room. */
	assert_int_equal(
		create_device(rig.client, rig.vm, VFIO, KVM_CREATE_DEVICE_TEST),
		0);
	assert_int_equal(create_device(rig.client, rig.vm, 3, 0), -ENODEV);
	assert_int_equal(create_device(rig.client, rig.vm, UINT32_MAX, 1),
			 -ENODEV);
	client_close(rig.client, rig.device);
	rig.device = (int)create_device(rig.client, rig.vm, VFIO,
					KVM_CREATE_DEVICE_TEST);
	assert_int_equal(rig.device, 0);
	assert_true(create_device(rig.client, rig.vm, VFIO, 0) > 0);
	rig_destroy(&rig);
}

/* A page that can be read only, with what KVM_CREATE_DEVICE wants. */
static struct kvm_create_device *read_only(void)
{
	struct kvm_create_device *create =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(create, MAP_FAILED);
	create->type = VFIO;
	assert_int_equal(mprotect(create, 4096, PROT_READ), 0);
	return create;
}

/* Shows K1. */
static void failed_create_leaves_what_a_kernel_leaves(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct kvm_create_device *create = read_only();

	(void)state;
	client_close(rig.client, rig.device);
	assert_int_equal(client_ioctl(rig.client, rig.vm, KVM_CREATE_DEVICE, 8),
			 -EFAULT);
	client_fill_table(rig.client, true);
	assert_int_equal(create_device(rig.client, rig.vm, VFIO, 0), -EMFILE);
	client_fill_table(rig.client, false);
	/* The device and its descriptor are there, under the next number. */
	assert_int_equal(client_ioctl(rig.client, rig.vm, KVM_CREATE_DEVICE,
				      (uintptr_t)create),
			 -EFAULT);
	assert_int_equal(create_device(rig.client, rig.vm, VFIO, 0), -EBUSY);
	assert_int_equal(has_attr(rig.client, rig.device, 1, ADD), 0);
	munmap(create, 4096);
	rig_destroy(&rig);
}

/* Shows K1, S12.  Flips kvm_dies_with_fd. */
static void device_ends_with_its_descriptor_or_the_vm(void **state)
{
	static const char *const with_vm[] = {
		"3.14", "4.1", "6.1,kvm_dies_with_fd=off",
		"6.12,kvm_dies_with_fd=off", NULL};
	static const char *const with_fd[] = {
		"6.1", "6.6", "6.12", "6.19", "4.1,kvm_dies_with_fd=on", NULL};

	(void)state;
	for (int dies = 0; dies < 2; dies++) {
		const char *const *abi = dies ? with_fd : with_vm;

		for (; *abi; abi++) {
			struct rig rig = rig_create(*abi, NULL);
			struct opened all =
				client_open_all(rig.client, GROUP_1, EDU_A);
			long again;

			client_close(rig.client, all.device);
			assert_int_equal(
				add_file(rig.client, rig.device, all.group), 0);
			client_close(rig.client, rig.device);
			client_close(rig.client, all.group);
			client_close(rig.client, all.container);
			again = create_device(rig.client, rig.vm, VFIO, 0);
			assert_int_equal(again >= 0, dies);
			assert_int_equal(again == -EBUSY, !dies);
			all.group = client_open(rig.client, GROUP_1);
			assert_int_equal(all.group >= 0, dies);
			client_close(rig.client, all.group);
			client_close(rig.client, rig.vm);
			assert_true(client_open(rig.client, GROUP_1) >= 0);
			rig_destroy(&rig);
		}
	}
}

/* Shows K2. */
static void add_refuses_what_is_no_vfio_file(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	int container = client_open(rig.client, "/dev/vfio/vfio");

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, -1), -EBADF);
	assert_int_equal(add_file(rig.client, rig.device, 200), -EBADF);
	assert_int_equal(add_file(rig.client, rig.device, container), -EINVAL);
	assert_int_equal(add_file(rig.client, rig.device, rig.device), -EINVAL);
	assert_int_equal(add_file(rig.client, rig.device, rig.vm), -EINVAL);
	assert_int_equal(add_file(rig.client, rig.device,
				  client_open_foreign(rig.client)),
			 -EINVAL);
	assert_int_equal(atomic_load(&rig_vm(&rig)->assigned_count), 0);
	rig_destroy(&rig);
}

/* Shows K2, S10.  Flips kvm_add_wants_viable. */
static void add_of_a_bare_group(void **state)
{
	static const char *const wants[] = {
		"3.14", "4.1", "6.1,kvm_add_wants_viable=on", NULL};
	static const char *const takes[] = {
		"6.1", "6.6", "6.12", "6.19", "4.1,kvm_add_wants_viable=off",
		NULL};

	(void)state;
	for (int bare = 0; bare < 2; bare++) {
		const char *const *abi = bare ? takes : wants;

		for (; *abi; abi++) {
			struct rig rig = rig_create(*abi, NULL);
			int group = client_open(rig.client, GROUP_1);
			int container =
				client_open(rig.client, "/dev/vfio/vfio");

			assert_int_equal(
				add_file(rig.client, rig.device, group),
				bare ? 0 : -EINVAL);
			if (bare) {
				rig_destroy(&rig);
				continue;
			}
			assert_int_equal(client_ioctl(rig.client, group,
						      VFIO_GROUP_SET_CONTAINER,
						      (uintptr_t)&container),
					 0);
			assert_int_equal(
				add_file(rig.client, rig.device, group),
				-EINVAL);
			assert_int_equal(client_ioctl(rig.client, container,
						      VFIO_SET_IOMMU,
						      VFIO_TYPE1_IOMMU),
					 0);
			assert_int_equal(
				add_file(rig.client, rig.device, group), 0);
			rig_destroy(&rig);
		}
	}
}

/* Shows K2. */
static void same_file_is_added_once(void **state)
{
	(void)state;
	for (const char *const *abi = from_6_1; *abi; abi++) {
		struct rig rig = rig_create(*abi, NULL);
		int group = client_open(rig.client, GROUP_1);
		int other = client_open(rig.client, GROUP_2);
		int copy = client_dup(rig.client, group);

		assert_int_equal(add_file(rig.client, rig.device, group), 0);
		assert_int_equal(add_file(rig.client, rig.device, group),
				 -EEXIST);
		assert_int_equal(add_file(rig.client, rig.device, copy),
				 -EEXIST);
		assert_int_equal(add_file(rig.client, rig.device, other), 0);
		rig_destroy(&rig);
	}
}

/* Shows K2. */
static void add_of_a_device_file(void **state)
{
	(void)state;
	for (const char *const *abi = from_6_1; *abi; abi++) {
		struct rig rig = rig_create(*abi, NULL);
		struct opened all = client_open_all(rig.client, GROUP_1, EDU_A);
		bool is_valid = strcmp(*abi, "6.1") != 0;

		assert_int_equal(add_file(rig.client, rig.device, all.group),
				 0);
		assert_int_equal(add_file(rig.client, rig.device, all.device),
				 is_valid ? 0 : -EINVAL);
		assert_int_equal(del_file(rig.client, rig.device, all.device),
				 is_valid ? 0 : -ENOENT);
		rig_destroy(&rig);
	}
}

/* Shows K3. */
static void del_goes_by_the_open_file(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	int group = client_open(rig.client, GROUP_1);
	int copy = client_dup(rig.client, group);
	int container = client_open(rig.client, "/dev/vfio/vfio");

	(void)state;
	assert_int_equal(del_file(rig.client, rig.device, -1), -EBADF);
	assert_int_equal(del_file(rig.client, rig.device, group), -ENOENT);
	assert_int_equal(del_file(rig.client, rig.device, container), -ENOENT);
	assert_int_equal(del_file(rig.client, rig.device,
				  client_open_foreign(rig.client)),
			 -ENOENT);
	assert_int_equal(add_file(rig.client, rig.device, group), 0);
	client_close(rig.client, group);
	assert_int_equal(del_file(rig.client, rig.device, copy), 0);
	assert_int_equal(del_file(rig.client, rig.device, copy), -ENOENT);
	/* What is opened anew is another file. */
	client_close(rig.client, copy);
	group = client_open(rig.client, GROUP_1);
	assert_int_equal(add_file(rig.client, rig.device, group), 0);
	assert_int_equal(del_file(rig.client, rig.device, group), 0);
	client_close(rig.client, group);
	group = client_open(rig.client, GROUP_1);
	assert_int_equal(del_file(rig.client, rig.device, group), -ENOENT);
	rig_destroy(&rig);
}

/* Shows K3, S11.  Flips kvm_del_checks_group. */
static void del_of_what_is_no_viable_group(void **state)
{
	static const struct {
		const char *abi;
		long of_bare_group;
	} cases[] = {
		{"3.14", -EINVAL},
		{"4.1", -EINVAL},
		{"6.1", -ENOENT},
		{"6.12", -ENOENT},
		{"4.1,kvm_del_checks_group=off", -ENOENT},
		{"6.1,kvm_del_checks_group=on", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig = rig_create(cases[i].abi, NULL);
		int group = client_open(rig.client, GROUP_1);
		int foreign = client_open_foreign(rig.client);

		assert_int_equal(del_file(rig.client, rig.device, group),
				 cases[i].of_bare_group);
		assert_int_equal(del_file(rig.client, rig.device, foreign),
				 cases[i].of_bare_group);
		assert_int_equal(del_file(rig.client, rig.device, -1), -EBADF);
		rig_destroy(&rig);
	}
}

/* Shows K4. */
static void attributes_fail_in_their_order(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct client *client = rig.client;
	void *bad = (void *)8;

	(void)state;
	assert_int_equal(
		client_ioctl(client, rig.device, KVM_SET_DEVICE_ATTR, 8),
		-EFAULT);
	assert_int_equal(set_attr(client, rig.device, 3, ADD, bad), -ENXIO);
	assert_int_equal(set_attr(client, rig.device, 2, ADD, bad), -ENXIO);
	assert_int_equal(set_attr(client, rig.device, 1, 0, bad), -ENXIO);
	assert_int_equal(set_attr(client, rig.device, 1, 3, bad), -ENXIO);
	assert_int_equal(set_attr(client, rig.device, 1, 4, bad), -ENXIO);
	/* All of 64 bits count. */
	assert_int_equal(set_attr(client, rig.device, 1, ADD | 1ull << 32, bad),
			 -ENXIO);
	assert_int_equal(set_attr(client, rig.device, 1, ADD, bad), -EFAULT);
	assert_int_equal(set_attr(client, rig.device, 1, DEL, bad), -EFAULT);
	assert_int_equal(
		client_ioctl(client, rig.device, KVM_GET_DEVICE_ATTR, 8),
		-EPERM);
	assert_int_equal(
		client_ioctl(client, rig.device, KVM_HAS_DEVICE_ATTR, 8),
		-EFAULT);
	assert_int_equal(has_attr(client, rig.device, 1, ADD), 0);
	assert_int_equal(has_attr(client, rig.device, 1, DEL), 0);
	assert_int_equal(has_attr(client, rig.device, 1, 3), -ENXIO);
	assert_int_equal(has_attr(client, rig.device, 1, 0), -ENXIO);
	assert_int_equal(has_attr(client, rig.device, 2, 1), -ENXIO);
	assert_int_equal(client_ioctl(client, rig.device, KVM_RUN, 0), -ENOTTY);
	assert_int_equal(
		client_ioctl(client, rig.device, VFIO_GROUP_GET_STATUS, 0),
		-ENOTTY);
	rig_destroy(&rig);
}

/* Shows K5. */
static void tracked_group_keeps_its_node_busy(void **state)
{
	(void)state;
	for (const char *const *abi = from_6_1; *abi; abi++) {
		struct rig rig = rig_create(*abi, NULL);
		int group = client_open(rig.client, GROUP_1);
		int copy = client_dup(rig.client, group);

		assert_int_equal(add_file(rig.client, rig.device, group), 0);
		client_close(rig.client, group);
		assert_int_equal(client_open(rig.client, GROUP_1), -EBUSY);
		assert_int_equal(del_file(rig.client, rig.device, copy), 0);
		client_close(rig.client, copy);
		assert_true(client_open(rig.client, GROUP_1) >= 0);
		rig_destroy(&rig);
	}
}

/* Shows K5. */
static void tracked_device_cannot_be_unbound(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct opened all = client_open_all(rig.client, GROUP_1, EDU_A);
	struct unplug unplug = {.machine = &rig.machine->bus};
	pthread_t thread;
	long fd;

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, all.device), 0);
	client_close(rig.client, all.device);
	assert_int_equal(pthread_create(&thread, NULL, unplug_main, &unplug),
			 0);
	/* It is hidden at once; but it stays while somebody has it. */
	while ((fd = client_ioctl(rig.client, all.group,
				  VFIO_GROUP_GET_DEVICE_FD,
				  (uintptr_t)EDU_A)) >= 0) {
		client_close(rig.client, (int)fd);
		sched_yield();
	}
	assert_int_equal(fd, -ENODEV);
	assert_false(atomic_load(&unplug.is_over));
	client_close(rig.client, rig.device);
	pthread_join(thread, NULL);
	rig_destroy(&rig);
}

/* Shows K5, K7. */
static void tracked_group_lets_its_devices_go(void **state)
{
	struct rig rig = rig_create(NULL, "kvm=stub,iommu=intel");
	int first = client_open(rig.client, GROUP_1);
	int second = client_open(rig.client, GROUP_2);
	struct unplug unplug = {.machine = &rig.machine->bus};

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, first), 0);
	assert_int_equal(noncoherent(&rig), 1);
	unplug_main(&unplug);
	/* Told of at the next change. */
	assert_int_equal(noncoherent(&rig), 1);
	assert_int_equal(add_file(rig.client, rig.device, second), 0);
	assert_int_equal(noncoherent(&rig), 1);
	assert_int_equal(del_file(rig.client, rig.device, second), 0);
	assert_int_equal(noncoherent(&rig), 0);
	assert_int_equal(del_file(rig.client, rig.device, first), 0);
	rig_destroy(&rig);
}

/* Shows K6. */
static void tracked_group_may_leave_its_container(void **state)
{
	static const char *const *const profiles[] = {before_5_17, from_6_1};

	(void)state;
	for (int may = 0; may < 2; may++) {
		for (const char *const *abi = profiles[may]; *abi; abi++) {
			struct rig rig = rig_create(*abi, NULL);
			struct opened all =
				client_open_all(rig.client, GROUP_1, EDU_A);

			client_close(rig.client, all.device);
			assert_int_equal(
				add_file(rig.client, rig.device, all.group), 0);
			assert_int_equal(
				client_ioctl(rig.client, all.group,
					     VFIO_GROUP_UNSET_CONTAINER, 0),
				may ? 0 : -EBUSY);
			rig_destroy(&rig);
		}
	}
}

/* Shows K7. */
static void vm_hears_of_coherency_once(void **state)
{
	struct rig rig = rig_create(NULL, "kvm=stub,iommu=intel");
	struct rig amd = rig_create(NULL, "kvm=stub,iommu=amd");
	int first = client_open(rig.client, GROUP_1);
	int second = client_open(rig.client, GROUP_2);
	int coherent = client_pass(amd.client, client_open(amd.client, GROUP_1),
				   rig.client);

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, coherent), 0);
	assert_int_equal(noncoherent(&rig), 0);
	assert_int_equal(add_file(rig.client, rig.device, first), 0);
	assert_int_equal(noncoherent(&rig), 1);
	assert_int_equal(add_file(rig.client, rig.device, second), 0);
	assert_int_equal(noncoherent(&rig), 1);
	assert_int_equal(del_file(rig.client, rig.device, first), 0);
	assert_int_equal(noncoherent(&rig), 1);
	assert_int_equal(del_file(rig.client, rig.device, coherent), 0);
	assert_int_equal(noncoherent(&rig), 1);
	assert_int_equal(del_file(rig.client, rig.device, second), 0);
	assert_int_equal(noncoherent(&rig), 0);
	assert_int_equal(add_file(rig.client, rig.device, second), 0);
	assert_int_equal(noncoherent(&rig), 1);
	client_close(rig.client, rig.device);
	assert_int_equal(noncoherent(&rig), 0);
	rig_destroy(&rig);
	rig_destroy(&amd);
}

/* Shows K7, S13.  Flips kvm_coherency. */
static void coherency_comes_from_the_profile(void **state)
{
	static const struct {
		const char *abi;
		const char *host;
		unsigned int expected;
	} cases[] = {
		{"3.14", "kvm=stub,iommu=intel", 1},
		{"3.14", "kvm=stub,iommu=amd", 1},
		{"4.1", "kvm=stub,iommu=intel", 1},
		{"4.1", "kvm=stub,iommu=amd", 0},
		{"4.1,kvm_coherency=0", "kvm=stub,iommu=amd", 1},
		{"6.1", "kvm=stub,iommu=intel", 1},
		{"6.1", "kvm=stub,iommu=amd", 0},
		{"6.12", "kvm=stub,iommu=amd", 0},
		{"6.12,kvm_coherency=0", "kvm=stub,iommu=amd", 1},
		/* There is no user of its container that could be asked. */
		{"6.12,kvm_coherency=1", "kvm=stub,iommu=amd", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig = rig_create(cases[i].abi, cases[i].host);
		struct opened all = client_open_all(rig.client, GROUP_1, EDU_A);

		assert_int_equal(add_file(rig.client, rig.device, all.group),
				 0);
		assert_int_equal(noncoherent(&rig), cases[i].expected);
		rig_destroy(&rig);
	}
}

/* What the driver of a group's first device sees; borrowed. */
static struct uvf_kvm *kvm_of_driver(struct client *client, int group_fd)
{
	struct uvf_file *file = client_file(client, group_fd);
	struct uvf_group *group = file->object;
	struct uvf_device *device = uvf_list_entry(
		group->devices.next, struct uvf_device, group_node);
	struct uvf_kvm *kvm = device->kvm;

	uvf_file_put(file);
	return kvm;
}

/* Shows K8. */
static void driver_sees_the_vm_of_the_first_open(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct opened all = client_open_all(rig.client, GROUP_1, EDU_A);

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, all.group), 0);
	assert_null(kvm_of_driver(rig.client, all.group));
	client_close(rig.client, all.device);
	all.device =
		(int)client_ioctl(rig.client, all.group,
				  VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)EDU_A);
	assert_ptr_equal(kvm_of_driver(rig.client, all.group),
			 &rig_vm(&rig)->kvm);
	assert_int_equal(del_file(rig.client, rig.device, all.group), 0);
	assert_ptr_equal(kvm_of_driver(rig.client, all.group),
			 &rig_vm(&rig)->kvm);
	client_close(rig.client, all.device);
	all.device =
		(int)client_ioctl(rig.client, all.group,
				  VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)EDU_A);
	assert_null(kvm_of_driver(rig.client, all.group));
	rig_destroy(&rig);
}

/* Shows K9. */
static void open_device_keeps_the_vm(void **state)
{
	(void)state;
	for (const char *const *abi = from_6_1; *abi; abi++) {
		struct rig rig = rig_create(*abi, NULL);
		struct opened all = client_open_all(rig.client, GROUP_1, EDU_A);
		struct uvf_vm *vm = rig_vm(&rig);

		client_close(rig.client, all.device);
		assert_int_equal(add_file(rig.client, rig.device, all.group),
				 0);
		all.device = (int)client_ioctl(rig.client, all.group,
					       VFIO_GROUP_GET_DEVICE_FD,
					       (uintptr_t)EDU_A);
		client_close(rig.client, rig.vm);
		client_close(rig.client, rig.device);
		client_close(rig.client, all.group);
		/* Freed memory would be noticed under AddressSanitizer. */
		assert_ptr_equal(vm->host, &rig.machine->kvm_stub.host);
		client_close(rig.client, all.device);
		assert_true(client_open(rig.client, GROUP_1) >= 0);
		rig_destroy(&rig);
	}
}

/* Shows K10, S14.  Flips kvm_checks_mm. */
static void child_may_not_use_the_device(void **state)
{
	static const struct {
		const char *abi;
		bool is_refused;
	} cases[] = {
		{"3.14", false},
		{"4.1", false},
		{"6.1", true},
		{"6.12", true},
		{"6.19", true},
		{"4.1,kvm_checks_mm=on", true},
		{"6.1,kvm_checks_mm=off", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig = rig_create(cases[i].abi, NULL);
		struct opened all = client_open_all(rig.client, GROUP_1, EDU_A);
		struct client *child = client_fork(rig.client);
		bool is_refused = cases[i].is_refused;
		int fd = rig.device;

		assert_int_equal(has_attr(child, fd, 1, ADD),
				 is_refused ? -EIO : 0);
		assert_int_equal(add_file(child, fd, all.group),
				 is_refused ? -EIO : 0);
		assert_int_equal(del_file(child, fd, all.group),
				 is_refused ? -EIO : 0);
		/* Before anything of the call is looked at. */
		assert_int_equal(
			client_ioctl(child, fd, KVM_SET_DEVICE_ATTR, 8),
			is_refused ? -EIO : -EFAULT);
		assert_int_equal(
			client_ioctl(child, fd, KVM_GET_DEVICE_ATTR, 8),
			is_refused ? -EIO : -EPERM);
		assert_int_equal(client_ioctl(child, fd, KVM_RUN, 0),
				 is_refused ? -EIO : -ENOTTY);
		/* The VM itself was always its creator's alone. */
		assert_int_equal(create_device(child, rig.vm, VFIO, 1), -EIO);
		client_destroy(child);
		rig_destroy(&rig);
	}
}

static void files_have_no_position(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct uvf_file *vm = client_file(rig.client, rig.vm);
	struct uvf_file *device = client_file(rig.client, rig.device);
	struct uvf_file *kvm = client_file(rig.client, rig.kvm);

	(void)state;
	assert_int_equal(uvf_file_read(vm, NULL, 0, 1, 0), -ESPIPE);
	assert_int_equal(uvf_file_write(device, NULL, 0, 1, 0), -ESPIPE);
	assert_int_equal(uvf_file_read(kvm, NULL, 0, 1, 0), -EINVAL);
	assert_int_equal(uvf_file_mmap(device, 0, 4096, 0, 0), -ENODEV);
	uvf_file_put(kvm);
	uvf_file_put(device);
	uvf_file_put(vm);
	rig_destroy(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vm_has_one_device),
		cmocka_unit_test(failed_create_leaves_what_a_kernel_leaves),
		cmocka_unit_test(device_ends_with_its_descriptor_or_the_vm),
		cmocka_unit_test(add_refuses_what_is_no_vfio_file),
		cmocka_unit_test(add_of_a_bare_group),
		cmocka_unit_test(same_file_is_added_once),
		cmocka_unit_test(add_of_a_device_file),
		cmocka_unit_test(del_goes_by_the_open_file),
		cmocka_unit_test(del_of_what_is_no_viable_group),
		cmocka_unit_test(attributes_fail_in_their_order),
		cmocka_unit_test(tracked_group_keeps_its_node_busy),
		cmocka_unit_test(tracked_device_cannot_be_unbound),
		cmocka_unit_test(tracked_group_lets_its_devices_go),
		cmocka_unit_test(tracked_group_may_leave_its_container),
		cmocka_unit_test(vm_hears_of_coherency_once),
		cmocka_unit_test(coherency_comes_from_the_profile),
		cmocka_unit_test(driver_sees_the_vm_of_the_first_open),
		cmocka_unit_test(open_device_keeps_the_vm),
		cmocka_unit_test(child_may_not_use_the_device),
		cmocka_unit_test(files_have_no_position),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

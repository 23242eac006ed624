/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A POWER host: tables of TCEs that are tied to groups, and the LIOBNs of
 * the RFC of 2013.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "bus/group.h"
#include "core/file.h"
#include "core/kvm_abi.h"
#include "front/machine.h"
#include "iommu/iommu.h"
#include "iommu/reader.h"
#include "kvm/tce.h"
#include "kvm/vm.h"
#include "rig.h"

#define SPAPR KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE
#define LIOBN KVM_DEV_VFIO_SPAPR_TCE_LIOBN
#define POWER "kvm=stub,iommu=spapr,memlock=unlimited"

static long create_table(struct rig *rig, int vm, uint64_t liobn,
			 uint32_t page_shift, uint64_t offset, uint64_t size)
{
	struct kvm_create_spapr_tce_64 args = {
		.liobn = liobn,
		.page_shift = page_shift,
		.offset = offset,
		.size = size,
	};

	return client_ioctl(rig->client, vm, KVM_CREATE_SPAPR_TCE_64,
			    (uintptr_t)&args);
}

static void tables_are_made_of_what_fits(void **state)
{
	struct rig rig = rig_create(NULL, POWER);
	struct kvm_create_spapr_tce args = {.liobn = 1, .window_size = 4095};
	struct kvm_create_spapr_tce_64 flags = {
		.liobn = 1, .page_shift = 12, .flags = 1, .size = 1};
	long table;

	(void)state;
	assert_int_equal(
		client_ioctl(rig.client, rig.vm, KVM_CREATE_SPAPR_TCE, 8),
		-EFAULT);
	assert_int_equal(
		client_ioctl(rig.client, rig.vm, KVM_CREATE_SPAPR_TCE_64, 8),
		-EFAULT);
	assert_int_equal(client_ioctl(rig.client, rig.vm, KVM_CREATE_SPAPR_TCE,
				      (uintptr_t)&args),
			 -EINVAL);
	assert_int_equal(client_ioctl(rig.client, rig.vm,
				      KVM_CREATE_SPAPR_TCE_64,
				      (uintptr_t)&flags),
			 -EINVAL);
	assert_int_equal(create_table(&rig, rig.vm, 1, 12, 0, 0), -EINVAL);
	assert_int_equal(create_table(&rig, rig.vm, 1, 11, 0, 1), -EINVAL);
	assert_int_equal(create_table(&rig, rig.vm, 1, 35, 0, 1), -EINVAL);
	assert_int_equal(create_table(&rig, rig.vm, 1, 12, UINT64_MAX >> 12, 1),
			 -EINVAL);
	assert_int_equal(create_table(&rig, rig.vm, 1, 12, UINT64_MAX, 2),
			 -EINVAL);
	args.window_size = 4096;
	table = client_ioctl(rig.client, rig.vm, KVM_CREATE_SPAPR_TCE,
			     (uintptr_t)&args);
	assert_true(table >= 0);
	assert_int_equal(create_table(&rig, rig.vm, 1, 34, 0, 1), -EBUSY);
	client_fill_table(rig.client, true);
	assert_int_equal(create_table(&rig, rig.vm, 2, 12, 0, 1), -EMFILE);
	client_fill_table(rig.client, false);
	assert_true(create_table(&rig, rig.vm, 2, 12, 0, 1) >= 0);
	client_close(rig.client, (int)table);
	assert_true(create_table(&rig, rig.vm, 1, 34, 0, 1) >= 0);
	rig_destroy(&rig);
}

static long tie(struct rig *rig, int group, int table)
{
	struct kvm_vfio_spapr_tce args = {.groupfd = group, .tablefd = table};

	return set_attr(rig->client, rig->device, 1, SPAPR, &args);
}

static unsigned int ties(struct rig *rig, long table)
{
	struct uvf_file *file = client_file(rig->client, (int)table);
	unsigned int count = uvf_tce_count_ties(file);

	uvf_file_put(file);
	return count;
}

/* Has the default window made. */
static void use_window(struct rig *rig, int container)
{
	struct vfio_iommu_type1_dma_unmap unmap = {.argsz = sizeof(unmap)};

	assert_int_equal(
		client_ioctl(rig->client, container, VFIO_IOMMU_ENABLE, 0), 0);
	assert_int_equal(client_ioctl(rig->client, container,
				      VFIO_IOMMU_UNMAP_DMA, (uintptr_t)&unmap),
			 0);
}

/* Shows K11. */
static void ties_fail_in_their_order(void **state)
{
	struct rig rig = rig_create(NULL, POWER);
	struct opened all = client_open_all(rig.client, GROUP_1, EDU_A);
	int other_vm = create_vm(rig.client, rig.kvm);
	int foreign = client_open_foreign(rig.client);
	long of_other = create_table(&rig, other_vm, 1, 12, 0, 1);
	long small = create_table(&rig, rig.vm, 1, 12, 0, 16);
	long huge = create_table(&rig, rig.vm, 2, 12, 0, 0x40001);
	long shifted = create_table(&rig, rig.vm, 3, 12, 1, 16);

	(void)state;
	assert_int_equal(set_attr(rig.client, rig.device, 1, SPAPR, (void *)8),
			 -EFAULT);
	assert_int_equal(tie(&rig, -1, -1), -EBADF);
	assert_int_equal(tie(&rig, all.group, -1), -ENOENT);
	assert_int_equal(tie(&rig, foreign, -1), -ENOENT);
	assert_int_equal(add_file(rig.client, rig.device, all.device), 0);
	assert_int_equal(tie(&rig, all.device, -1), -EIO);
	assert_int_equal(add_file(rig.client, rig.device, all.group), 0);
	assert_int_equal(tie(&rig, all.group, -1), -EBADF);
	assert_int_equal(tie(&rig, all.group, foreign), -EINVAL);
	assert_int_equal(tie(&rig, all.group, all.group), -EINVAL);
	assert_int_equal(tie(&rig, all.group, (int)of_other), -EINVAL);
	assert_int_equal(tie(&rig, all.group, (int)huge), -EINVAL);
	assert_int_equal(tie(&rig, all.group, (int)shifted), -EINVAL);
	/* The container's window is made by the first use. */
	assert_int_equal(tie(&rig, all.group, (int)small), -EINVAL);
	use_window(&rig, all.container);
	assert_int_equal(tie(&rig, all.group, (int)huge), -EINVAL);
	assert_int_equal(tie(&rig, all.group, (int)shifted), -EINVAL);
	assert_int_equal(tie(&rig, all.group, (int)small), 0);
	rig_destroy(&rig);
}

/* Shows K11. */
static void windows_of_a_container_are_tied(void **state)
{
	struct vfio_iommu_spapr_tce_create create = {
		.argsz = sizeof(create),
		.page_shift = 16,
		.window_size = 1ull << 32,
		.levels = 1,
	};
	struct rig rig = rig_create(NULL, POWER);
	int container = client_open(rig.client, "/dev/vfio/vfio");
	int group = client_open(rig.client, GROUP_1);
	long high, low;

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, group), 0);
	assert_int_equal(client_ioctl(rig.client, group,
				      VFIO_GROUP_SET_CONTAINER,
				      (uintptr_t)&container),
			 0);
	assert_int_equal(client_ioctl(rig.client, container, VFIO_SET_IOMMU,
				      VFIO_SPAPR_TCE_v2_IOMMU),
			 0);
	low = create_table(&rig, rig.vm, 1, 12, 0, 16);
	assert_int_equal(tie(&rig, group, (int)low), -EINVAL);
	assert_int_equal(client_ioctl(rig.client, container,
				      VFIO_IOMMU_SPAPR_TCE_CREATE,
				      (uintptr_t)&create),
			 0);
	high = create_table(&rig, rig.vm, 2, 16, create.start_addr >> 16, 16);
	assert_int_equal(tie(&rig, group, (int)low), 0);
	assert_int_equal(tie(&rig, group, (int)high), 0);
	/* Nobody owns the group any more: it has the host's window. */
	assert_int_equal(
		client_ioctl(rig.client, group, VFIO_GROUP_UNSET_CONTAINER, 0),
		0);
	assert_int_equal(tie(&rig, group, (int)high), -EINVAL);
	assert_int_equal(tie(&rig, group, (int)low), 0);
	rig_destroy(&rig);
}

/* Shows K11. */
static void group_without_tables_cannot_be_tied(void **state)
{
	struct rig rig = rig_create(NULL, POWER);
	int group = client_open(rig.client, GROUP_1);
	long table = create_table(&rig, rig.vm, 1, 12, 0, 1);

	(void)state;
	rig.machine->kvm_stub.host.window.size = 0;
	assert_int_equal(add_file(rig.client, rig.device, group), 0);
	assert_int_equal(tie(&rig, group, rig.vm), -EINVAL);
	assert_int_equal(tie(&rig, group, (int)table), -EFAULT);
	rig_destroy(&rig);
}

/* Shows K11. */
static void ties_end_with_what_they_tie(void **state)
{
	struct rig rig = rig_create(NULL, POWER);
	int first = client_open(rig.client, GROUP_1);
	int second = client_open(rig.client, GROUP_2);
	long table = create_table(&rig, rig.vm, 1, 16, 0, 16);

	(void)state;
	assert_int_equal(add_file(rig.client, rig.device, first), 0);
	assert_int_equal(add_file(rig.client, rig.device, second), 0);
	assert_int_equal(tie(&rig, first, (int)table), 0);
	assert_int_equal(tie(&rig, first, (int)table), 0);
	assert_int_equal(ties(&rig, table), 1);
	assert_int_equal(tie(&rig, second, (int)table), 0);
	assert_int_equal(ties(&rig, table), 2);
	assert_int_equal(del_file(rig.client, rig.device, first), 0);
	assert_int_equal(ties(&rig, table), 1);
	client_close(rig.client, rig.device);
	assert_int_equal(ties(&rig, table), 0);
	/* A table keeps its VM, and may go last or first. */
	client_close(rig.client, rig.vm);
	assert_int_equal(ties(&rig, table), 0);
	client_close(rig.client, (int)table);
	rig_destroy(&rig);
}

/* Shows K11.  Flips kvm_has_spapr_tce. */
static void only_a_power_host_knows_tables(void **state)
{
	static const struct {
		const char *abi;
		const char *host;
		long expected;
	} cases[] = {
		{"6.12", "kvm=stub", -ENXIO},
		{"4.1", POWER, -ENXIO},
		{"6.1", POWER, 0},
		{"6.12", POWER, 0},
		{"6.12,kvm_has_spapr_tce=off", POWER, -ENXIO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig = rig_create(cases[i].abi, cases[i].host);
		long expected = cases[i].expected;

		assert_int_equal(has_attr(rig.client, rig.device, 1, SPAPR),
				 expected);
		assert_int_equal(tie(&rig, -1, -1),
				 expected ? expected : -EBADF);
		assert_int_equal(client_ioctl(rig.client, rig.vm,
					      KVM_CHECK_EXTENSION,
					      KVM_CAP_SPAPR_TCE_VFIO),
				 !expected);
		rig_destroy(&rig);
	}
}

static long set_liobn(struct rig *rig, uint64_t liobn, int32_t fd)
{
	return set_attr(rig->client, rig->device, LIOBN, liobn, &fd);
}

/* The id of the group that a LIOBN means; 0: none. */
static unsigned int find(struct uvf_vm *vm, uint32_t liobn)
{
	struct uvf_iommu_group *group;
	unsigned int id;

	uvf_reader_enter();
	group = uvf_vm_find_group_by_liobn(vm, liobn);
	id = group ? group->id : 0;
	uvf_reader_leave();
	return id;
}

/* Shows K12. */
static void liobn_leads_to_a_group(void **state)
{
	struct rig rig = rig_create(NULL, "kvm=stub,liobn=on");
	int first = client_open(rig.client, GROUP_1);
	int second = client_open(rig.client, GROUP_2);
	int foreign = client_open_foreign(rig.client);
	struct uvf_vm *vm = rig_vm(&rig);

	(void)state;
	assert_int_equal(has_attr(rig.client, rig.device, LIOBN, 0), 0);
	assert_int_equal(has_attr(rig.client, rig.device, LIOBN, UINT64_MAX),
			 0);
	assert_int_equal(set_attr(rig.client, rig.device, LIOBN, 1, (void *)8),
			 -EFAULT);
	assert_int_equal(set_liobn(&rig, 1, -1), -EBADF);
	assert_int_equal(set_liobn(&rig, 1, foreign), -EINVAL);
	assert_int_equal(set_liobn(&rig, 1, first), -ENXIO);
	assert_int_equal(set_liobn(&rig, 1ull << 32, first), -EINVAL);
	assert_int_equal(add_file(rig.client, rig.device, first), 0);
	assert_int_equal(add_file(rig.client, rig.device, second), 0);
	assert_int_equal(set_liobn(&rig, 1ull << 32, first), -EINVAL);
	assert_int_equal(find(vm, 7), 0);
	assert_int_equal(set_liobn(&rig, 7, first), 0);
	assert_int_equal(set_liobn(&rig, UINT32_MAX, second), 0);
	assert_int_equal(find(vm, 7), 1);
	assert_int_equal(find(vm, UINT32_MAX), 2);
	/* Twice, twice the same, and none. */
	assert_int_equal(set_liobn(&rig, 8, first), 0);
	assert_int_equal(find(vm, 7), 0);
	assert_int_equal(find(vm, 8), 1);
	assert_int_equal(set_liobn(&rig, 8, second), 0);
	assert_int_equal(find(vm, 8), 1);
	assert_int_equal(del_file(rig.client, rig.device, first), 0);
	assert_int_equal(find(vm, 8), 2);
	assert_int_equal(set_liobn(&rig, 0, second), 0);
	assert_int_equal(find(vm, 8), 0);
	assert_int_equal(find(vm, 0), 0);
	assert_int_equal(set_liobn(&rig, 9, second), 0);
	client_close(rig.client, rig.device);
	assert_int_equal(find(vm, 9), 0);
	rig_destroy(&rig);
}

/* Shows K12. */
static void liobn_wants_a_viable_group_in_4_1(void **state)
{
	struct rig rig = rig_create("4.1", "kvm=stub,liobn=on");
	int group = client_open(rig.client, GROUP_1);
	struct opened all = client_open_all(rig.client, GROUP_2, EDU_B);

	(void)state;
	assert_int_equal(set_liobn(&rig, 1, group), -EINVAL);
	assert_int_equal(set_liobn(&rig, 1, all.group), -ENXIO);
	assert_int_equal(add_file(rig.client, rig.device, all.group), 0);
	assert_int_equal(set_liobn(&rig, 1, all.group), 0);
	assert_int_equal(find(rig_vm(&rig), 1), 2);
	rig_destroy(&rig);
}

struct lookups {
	struct uvf_vm *vm;
	atomic_bool is_over;
	atomic_bool has_hit;
	atomic_bool is_wrong;
};

static void *look_up(void *arg)
{
	struct lookups *lookups = arg;

	uvf_reader_register();
	while (!atomic_load(&lookups->is_over)) {
		unsigned int id = find(lookups->vm, 5);

		if (id)
			atomic_store(&lookups->has_hit, true);
		if (id > 2)
			atomic_store(&lookups->is_wrong, true);
	}
	uvf_reader_unregister();
	return NULL;
}

/* Shows K12. */
static void lookups_race_with_changes(void **state)
{
	struct rig rig = rig_create(NULL, "kvm=stub,liobn=on");
	int fds[] = {client_open(rig.client, GROUP_1),
		     client_open(rig.client, GROUP_2)};
	struct lookups lookups = {.vm = rig_vm(&rig)};
	pthread_t reader;

	(void)state;
	assert_int_equal(pthread_create(&reader, NULL, look_up, &lookups), 0);
	for (int i = 0; i < 2000 || !atomic_load(&lookups.has_hit); i++) {
		int fd = fds[i & 1];

		assert_int_equal(add_file(rig.client, rig.device, fd), 0);
		assert_int_equal(set_liobn(&rig, 5, fd), 0);
		assert_int_equal(del_file(rig.client, rig.device, fd), 0);
	}
	atomic_store(&lookups.is_over, true);
	pthread_join(reader, NULL);
	assert_false(atomic_load(&lookups.is_wrong));
	rig_destroy(&rig);
}

static int register_thread(void **state)
{
	(void)state;
	uvf_reader_register();
	return 0;
}

static int unregister_thread(void **state)
{
	(void)state;
	uvf_reader_unregister();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_made_of_what_fits),
		cmocka_unit_test(ties_fail_in_their_order),
		cmocka_unit_test(windows_of_a_container_are_tied),
		cmocka_unit_test(group_without_tables_cannot_be_tied),
		cmocka_unit_test(ties_end_with_what_they_tie),
		cmocka_unit_test(only_a_power_host_knows_tables),
		cmocka_unit_test(liobn_leads_to_a_group),
		cmocka_unit_test(liobn_wants_a_viable_group_in_4_1),
		cmocka_unit_test(lookups_race_with_changes),
	};

	return cmocka_run_group_tests(tests, register_thread,
				      unregister_thread);
}

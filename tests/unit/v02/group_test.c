/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups of VFIO v0.2: nodes, viability, who owns a set, merging.
 */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Shows R1, M46. */
static void the_numbers_are_those_of_the_proposal(void **state)
{
	struct rig *rig = *state;
	struct process *a = &rig->a;
	int group, device, iommu;

	fake_add(rig, rig->pci, "one", 1, true);
	group = p_open(a, "1");
	/* Today this is VFIO_GROUP_GET_STATUS. */
	iommu = (int)p_ioctl(a, group, 0x3b67, NULL);
	assert_true(iommu > group);
	device = (int)p_ioctl(a, group, 0x40083b68, (void *)"one");
	assert_true(device > iommu);
	/* And this VFIO_DEVICE_IOEVENTFD; the driver resets. */
	assert_int_equal(p_ioctl(a, device, 0x3b74, NULL), 7);
	assert_int_equal(p_ioctl(a, group, 0x3b64, NULL), -ENOSYS);
	assert_int_equal(p_ioctl(a, group, 0x80083b67, NULL), -ENOSYS);
	assert_int_equal(p_ioctl(a, group, 0x80083b69, NULL), -ENOSYS);
	assert_int_equal(p_ioctl(a, iommu, 0x3b67, NULL), -ENOSYS);
	assert_int_equal(p_ioctl(a, iommu, 0, NULL), -ENOSYS);
	assert_int_equal(p_ioctl(a, device, 0x3b75, NULL), -ENOSYS);
}

/* Shows R2. */
static void a_node_is_there_before_any_device_is_bound(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	struct fake *two = fake_add(rig, rig->pci, "two", 1, false);
	int group = p_open(&rig->a, "1");

	assert_true(group >= 0);
	assert_int_equal(p_open(&rig->a, "2"), -ENODEV);
	assert_int_equal(flags_of(rig, group), 0);
	assert_int_equal(get_iommu(rig, group), -EBUSY);
	assert_int_equal(get_device(rig, group, "one"), -EBUSY);
	assert_int_equal(flags_of(rig, group), 0);
	fake_bind(two);
	assert_int_equal(flags_of(rig, group), V02_GROUP_VIABLE);
	assert_true(get_iommu(rig, group) >= 0);
	assert_non_null(one->domain);
	assert_ptr_equal(one->domain, two->domain);
}

/* Shows R3. */
static void a_set_is_of_one_process_from_its_first_use(void **state)
{
	struct rig *rig = *state;
	uint64_t flags = 0;
	int here, there, iommu, other;

	fake_add(rig, rig->pci, "one", 1, true);
	fake_add(rig, rig->pci, "two", 2, true);
	here = p_open(&rig->a, "1");
	there = p_open(&rig->b, "1");
	assert_int_equal(flags_of(rig, here), V02_GROUP_VIABLE);
	iommu = (int)get_iommu(rig, here);
	assert_int_equal(p_ioctl(&rig->b, there, V02_GROUP_GET_FLAGS, &flags),
			 0);
	assert_int_equal(flags, V02_GROUP_VIABLE | V02_GROUP_MM_LOCKED);
	for (unsigned int nr = 101; nr < 120; nr++)
		assert_int_equal(p_ioctl(&rig->b, there, _IO(';', nr), &flags),
				 -EPERM);
	assert_int_equal(p_ioctl(&rig->b, there, V02_GROUP_MERGE, NULL),
			 -EPERM);
	assert_int_equal(p_ioctl(&rig->b, there, 0, NULL), -EPERM);
	/* An argument that cannot be read is no matter of the process. */
	assert_int_equal(p_ioctl(&rig->b, there, V02_GROUP_GET_FLAGS, NULL),
			 -EFAULT);
	/* Two opens, one iommu: what one maps the other finds. */
	other = (int)get_iommu(rig, p_open(&rig->a, "1"));
	assert_int_equal(map(rig, iommu, 0, 0, 1, 0), 0);
	assert_int_equal(map(rig, other, 0, 0, 1, 0), -EBUSY);
}

/* Shows R3. */
static void whoever_opens_first_owns_a_set(void **state)
{
	struct rig *rig = *state;
	int group, there, device;

	fake_add(rig, rig->pci, "one", 1, true);
	group = p_open(&rig->a, "1");
	there = p_open(&rig->b, "1");
	device = (int)p_ioctl(&rig->b, there, V02_GROUP_GET_DEVICE_FD,
			      (void *)"one");
	assert_true(device >= 0);
	assert_int_equal(get_iommu(rig, group), -EPERM);
	p_close(&rig->b, device);
	assert_int_equal(flags_of(rig, group), V02_GROUP_VIABLE);
	assert_true(get_iommu(rig, group) >= 0);
}

/* Defect 16: a process is known by its memory, which cannot be reused. */
static void another_process_of_the_same_number_is_another(void **state)
{
	struct rig *rig = *state;
	int group, there;

	fake_add(rig, rig->pci, "one", 1, true);
	group = p_open(&rig->a, "1");
	there = p_open(&rig->b, "1");
	assert_true(get_iommu(rig, group) >= 0);
	assert_int_equal(rig->a.caller.pid, rig->b.caller.pid);
	assert_int_equal(p_ioctl(&rig->b, there, V02_GROUP_GET_IOMMU_FD, NULL),
			 -EPERM);
}

/* Shows R4. */
/* Defects 11 and 12. */
static void merge_refuses_what_is_no_set_of_its_own(void **state)
{
	struct rig *rig = *state;
	int groups[4], foreign, busy, minus = -1;

	for (int i = 0; i < 4; i++) {
		char name[2] = {(char)('a' + i), 0};
		char node[2] = {(char)('1' + i), 0};

		fake_add(rig, rig->pci, name, 1 + i, true);
		groups[i] = p_open(&rig->a, node);
	}
	fake_add(rig, rig->platform, "dt", 9, true);
	foreign = p_open(&rig->a, "9");
	assert_int_equal(p_ioctl(&rig->a, groups[0], V02_GROUP_MERGE, NULL),
			 -EFAULT);
	assert_int_equal(p_ioctl(&rig->a, groups[0], V02_GROUP_MERGE, &minus),
			 -EINVAL);
	assert_int_equal(merge(rig, groups[0], 60), -EBADF);
	assert_int_equal(merge(rig, groups[0], RIG_FDS), -EINVAL);
	assert_int_equal(merge(rig, groups[0], groups[0]), -EINVAL);
	assert_int_equal(merge(rig, groups[0], foreign), -EINVAL);
	busy = (int)get_iommu(rig, groups[1]);
	assert_int_equal(merge(rig, groups[0], busy), -EINVAL);
	assert_int_equal(merge(rig, groups[0], groups[1]), -EINVAL);
	p_close(&rig->a, busy);
	for (int i = 0; i < 4; i++)
		assert_int_equal(flags_of(rig, groups[i]), V02_GROUP_VIABLE);
	assert_int_equal(merge(rig, groups[0], groups[1]), 0);
	/* A member of this set, and of another that is not open. */
	assert_int_equal(merge(rig, groups[0], groups[1]), -EINVAL);
	assert_int_equal(merge(rig, groups[2], groups[1]), -EINVAL);
	p_close(&rig->a, (int)get_iommu(rig, groups[0]));
	assert_int_equal(flags_of(rig, groups[0]), V02_GROUP_VIABLE);
	assert_int_equal(merge(rig, groups[2], groups[1]), -EINVAL);
	assert_int_equal(flags_of(rig, groups[2]), V02_GROUP_VIABLE);
}

/* Shows R4. */
/* Defect 10. */
static void a_merge_that_fails_leaves_both_as_they_were(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	struct fake *two = fake_add(rig, rig->pci, "two", 2, true);
	struct fake *three = fake_add(rig, rig->pci, "three", 3, false);
	int group = p_open(&rig->a, "1"), other = p_open(&rig->a, "2");
	int third = p_open(&rig->a, "3"), iommu;

	/* The other can be opened, this one cannot. */
	assert_int_equal(uvf_iommu_group_claim(one->bus.group, rig), 0);
	assert_int_equal(merge(rig, group, other), -EPERM);
	uvf_iommu_group_release(one->bus.group);
	assert_int_equal(flags_of(rig, group), V02_GROUP_VIABLE);
	assert_int_equal(flags_of(rig, other), V02_GROUP_VIABLE);
	/* The reverse. */
	assert_int_equal(merge(rig, group, third), -EBUSY);
	two->is_incoherent = true;
	assert_int_equal(merge(rig, group, other), -EINVAL);
	assert_int_equal(flags_of(rig, group), V02_GROUP_VIABLE);
	assert_int_equal(flags_of(rig, other), V02_GROUP_VIABLE);
	assert_null(one->domain);
	assert_null(two->domain);
	assert_null(three->domain);
	/* What was open stays open. */
	iommu = (int)get_iommu(rig, group);
	assert_int_equal(merge(rig, group, other), -EINVAL);
	assert_int_equal(flags_of(rig, group),
			 V02_GROUP_VIABLE | V02_GROUP_MM_LOCKED);
	assert_int_equal(map(rig, iommu, 0, 3, 1, 0), 0);
	assert_int_equal(dma_page(one, 0), 3);
	two->is_incoherent = false;
	assert_int_equal(merge(rig, group, other), 0);
	assert_int_equal(dma_page(two, 0), 3);
}

/* Shows R5. */
static void a_set_is_reached_through_any_of_its_groups(void **state)
{
	struct rig *rig = *state;
	struct fake *two;
	int group, other, third, device, iommu;

	fake_add(rig, rig->pci, "one", 1, true);
	two = fake_add(rig, rig->pci, "two", 2, true);
	fake_add(rig, rig->pci, "three", 3, true);
	group = p_open(&rig->a, "1");
	other = p_open(&rig->a, "2");
	third = p_open(&rig->a, "3");
	iommu = (int)get_iommu(rig, group);
	assert_int_equal(map(rig, iommu, 0, 1, 1, 0), 0);
	assert_int_equal(merge(rig, group, other), 0);
	assert_int_equal(flags_of(rig, other),
			 V02_GROUP_VIABLE | V02_GROUP_MM_LOCKED);
	assert_int_equal(dma_page(two, 0), 1);
	device = (int)get_device(rig, group, "two");
	assert_true(device >= 0);
	p_close(&rig->a, (int)get_device(rig, other, "one"));
	assert_int_equal(get_device(rig, group, "three"), -ENODEV);
	assert_int_equal(unmerge(rig, group, third), -EINVAL);
	assert_int_equal(unmerge(rig, group, group), -EINVAL);
	assert_int_equal(unmerge(rig, group, iommu), -EINVAL);
	assert_int_equal(unmerge(rig, group, 60), -EBADF);
	assert_int_equal(unmerge(rig, group, other), -EBUSY);
	p_close(&rig->a, device);
	assert_int_equal(unmerge(rig, group, other), 0);
	assert_int_equal(flags_of(rig, other), V02_GROUP_VIABLE);
	assert_null(two->domain);
	assert_int_equal(map(rig, iommu, 0, 1, 1, 0), -EBUSY);
	assert_int_equal(get_device(rig, group, "two"), -ENODEV);
	assert_true(get_iommu(rig, other) >= 0);
	assert_int_equal(dma_page(two, 0), -1);
}

/* Defect 5: whom UNMERGE is asked of does not matter within a set. */
static void any_member_can_send_any_other_away(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	int group, other, third, iommu;

	fake_add(rig, rig->pci, "two", 2, true);
	fake_add(rig, rig->pci, "three", 3, true);
	group = p_open(&rig->a, "1");
	other = p_open(&rig->a, "2");
	third = p_open(&rig->a, "3");
	iommu = (int)get_iommu(rig, group);
	assert_int_equal(map(rig, iommu, 0, 1, 1, 0), 0);
	assert_int_equal(merge(rig, group, other), 0);
	assert_int_equal(merge(rig, group, third), 0);
	/* The one that was there first leaves; the mappings stay. */
	assert_int_equal(unmerge(rig, third, group), 0);
	assert_int_equal(dma_page(one, 0), -1);
	assert_int_equal(map(rig, iommu, 0, 1, 1, 0), -EBUSY);
	assert_int_equal(flags_of(rig, group), V02_GROUP_VIABLE);
	assert_int_equal(merge(rig, other, group), 0);
	assert_int_equal(dma_page(one, 0), 1);
}

/* Defect 2: a device has no iommu but its group's. */
static void a_device_follows_its_group(void **state)
{
	struct rig *rig = *state;
	struct fake *two;
	int group, other, device;

	fake_add(rig, rig->pci, "one", 1, true);
	two = fake_add(rig, rig->pci, "two", 2, true);
	group = p_open(&rig->a, "1");
	other = p_open(&rig->a, "2");
	assert_int_equal(merge(rig, group, other), 0);
	device = (int)get_device(rig, group, "two");
	p_close(&rig->a, (int)get_iommu(rig, group));
	assert_int_equal(map(rig, (int)get_iommu(rig, other), 0, 5, 1, 0), 0);
	assert_int_equal(dma_page(two, 0), 5);
	p_close(&rig->a, device);
}

/* Shows R6. */
/* Defect 3: files of groups alone are no use. */
static void mappings_go_with_the_last_iommu_or_device_file(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	int group = p_open(&rig->a, "1");
	int iommu = (int)get_iommu(rig, group);
	int device = (int)get_device(rig, group, "one");

	assert_int_equal(map(rig, iommu, 0, 2, 1, 0), 0);
	p_close(&rig->a, iommu);
	assert_int_equal(dma_page(one, 0), 2);
	assert_int_equal(flags_of(rig, group),
			 V02_GROUP_VIABLE | V02_GROUP_MM_LOCKED);
	p_close(&rig->a, device);
	assert_null(one->domain);
	assert_int_equal(flags_of(rig, group), V02_GROUP_VIABLE);
	iommu = (int)get_iommu(rig, group);
	assert_int_equal(dma_page(one, 0), -1);
	assert_int_equal(map(rig, iommu, 0, 2, 1, 0), 0);
}

/* Shows R6. */
static void the_last_group_file_dissolves_a_set(void **state)
{
	struct rig *rig = *state;
	int group, other, device;

	fake_add(rig, rig->pci, "one", 1, true);
	fake_add(rig, rig->pci, "two", 2, true);
	group = p_open(&rig->a, "1");
	other = p_open(&rig->a, "2");
	assert_int_equal(merge(rig, group, other), 0);
	/* One file keeps the set together, whichever group it is of. */
	p_close(&rig->a, group);
	group = p_open(&rig->a, "1");
	assert_int_equal(unmerge(rig, group, other), 0);
	assert_int_equal(merge(rig, group, other), 0);
	/* So does a device that is open. */
	device = (int)get_device(rig, group, "two");
	p_close(&rig->a, group);
	p_close(&rig->a, other);
	group = p_open(&rig->a, "1");
	p_close(&rig->a, (int)get_device(rig, group, "two"));
	p_close(&rig->a, device);
	p_close(&rig->a, group);
	group = p_open(&rig->a, "1");
	other = p_open(&rig->a, "2");
	assert_int_equal(get_device(rig, group, "two"), -ENODEV);
	assert_int_equal(unmerge(rig, group, other), -EINVAL);
}

/* Defect 14. */
static void a_call_that_fails_leaves_no_owner_behind(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	int group = p_open(&rig->a, "1");

	assert_int_equal(get_device(rig, group, "none"), -ENODEV);
	assert_int_equal(flags_of(rig, group), V02_GROUP_VIABLE);
	one->refuses = true;
	assert_int_equal(get_device(rig, group, "one"), -EFAULT);
	assert_int_equal(flags_of(rig, group), V02_GROUP_VIABLE);
	one->refuses = false;
	rig->a.is_full = true;
	assert_int_equal(get_device(rig, group, "one"), -EMFILE);
	assert_int_equal(get_iommu(rig, group), -EMFILE);
	rig->a.is_full = false;
	assert_int_equal(flags_of(rig, group), V02_GROUP_VIABLE);
	assert_int_equal(one->opens, 0);
	assert_null(one->domain);
	assert_int_equal(p_ioctl(&rig->a, group, V02_GROUP_GET_DEVICE_FD, NULL),
			 -EFAULT);
}

/* The option allow_unsafe_intrs. */
static void interrupts_must_be_remapped_unless_all_is_allowed(void **state)
{
	struct uvf_v02_host host = rig_host;
	struct rig *rig;
	int group;

	(void)state;
	host.remaps_interrupts = false;
	for (int i = 0; i < 2; i++) {
		host.allows_unsafe_interrupts = i;
		rig = rig_create(&host);
		fake_add(rig, rig->pci, "one", 1, true);
		group = p_open(&rig->a, "1");
		if (i) {
			assert_true(get_iommu(rig, group) >= 0);
		} else {
			assert_int_equal(get_iommu(rig, group), -EFAULT);
			assert_int_equal(flags_of(rig, group),
					 V02_GROUP_VIABLE);
		}
		rig_destroy(rig);
	}
}

/* Shows R10. */
/* Defect 1. */
static void two_buses_may_have_groups_of_one_number(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 4, true);
	struct fake *two = fake_add(rig, rig->platform, "two", 4, true);
	int first = p_open(&rig->a, "4");
	int second = p_open(&rig->a, "platform:4");

	assert_true(first >= 0 && second >= 0);
	assert_true(get_device(rig, first, "one") >= 0);
	assert_int_equal(get_device(rig, first, "two"), -ENODEV);
	assert_true(get_device(rig, second, "two") >= 0);
	assert_ptr_not_equal(one->domain, two->domain);
	assert_int_equal(merge(rig, first, second), -EINVAL);
}

static int count_node(void *arg, const char *name, unsigned int minor)
{
	char *names = arg;
	size_t used = strlen(names);

	(void)snprintf(names + used, 64 - used, "%s=%u ", name, minor);
	return strcmp(name, "stop") ? 0 : 5;
}

static void nodes_are_told_in_their_order(void **state)
{
	struct rig *rig = *state;
	char names[64] = "";

	fake_add(rig, rig->pci, "one", 7, false);
	fake_add(rig, rig->platform, "two", 7, false);
	fake_add(rig, rig->pci, "three", 2, false);
	assert_int_equal(uvf_v02_walk_nodes(rig->v02, count_node, names), 0);
	assert_string_equal(names, "7=0 platform:7=1 2=2 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_numbers_are_those_of_the_proposal),
		CASE(a_node_is_there_before_any_device_is_bound),
		CASE(a_set_is_of_one_process_from_its_first_use),
		CASE(whoever_opens_first_owns_a_set),
		CASE(another_process_of_the_same_number_is_another),
		CASE(merge_refuses_what_is_no_set_of_its_own),
		CASE(a_merge_that_fails_leaves_both_as_they_were),
		CASE(a_set_is_reached_through_any_of_its_groups),
		CASE(any_member_can_send_any_other_away),
		CASE(a_device_follows_its_group),
		CASE(mappings_go_with_the_last_iommu_or_device_file),
		CASE(the_last_group_file_dissolves_a_set),
		CASE(a_call_that_fails_leaves_no_owner_behind),
		cmocka_unit_test(
			interrupts_must_be_remapped_unless_all_is_allowed),
		CASE(two_buses_may_have_groups_of_one_number),
		CASE(nodes_are_told_in_their_order),
	};

	return cmocka_run_group_tests_name("v02/group", tests, NULL, NULL);
}

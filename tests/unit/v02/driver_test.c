/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bus drivers' side of VFIO v0.2: adding, deleting, binding, unbinding.
 */
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/task.h"
#include "v02/state.h"

static void add_tells_what_is_wrong(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_create(rig, rig->pci, "one", 1);
	struct fake *none = fake_create(rig, rig->pci, "none", UVF_GROUP_NONE);

	assert_int_equal(uvf_v02_group_add_dev(rig->v02, &none->bus, NULL),
			 -EINVAL);
	assert_int_equal(uvf_v02_group_add_dev(rig->v02, &none->bus, &fake_ops),
			 -ENODEV);
	assert_int_equal(uvf_v02_group_add_dev(rig->v02, &one->bus, &fake_ops),
			 0);
	assert_int_equal(uvf_v02_group_add_dev(rig->v02, &one->bus, &fake_ops),
			 0);
	uvf_v02_group_del_dev(rig->v02, &one->bus);
	assert_int_equal(p_open(&rig->a, "1"), -ENODEV);
}

/* Defect 6: who comes to a live group is taken at once, or by nobody. */
static void a_device_that_joins_a_live_group_is_claimed(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	int group = p_open(&rig->a, "1");
	int iommu = (int)get_iommu(rig, group);
	struct fake *two;

	assert_int_equal(uvf_iommu_group_use_default(one->bus.group), -EBUSY);
	assert_int_equal(map(rig, iommu, 0, 4, 1, 0), 0);
	two = fake_add(rig, rig->pci, "two", 1, false);
	assert_true(two->is_claimed);
	assert_false(one->is_claimed);
	assert_int_equal(dma_page(two, 0), 4);
	assert_int_equal(flags_of(rig, group),
			 V02_GROUP_VIABLE | V02_GROUP_MM_LOCKED);
	assert_true(get_device(rig, group, "two") >= 0);
}

/* Defect 7: whether the device can be attached decides whether it joins. */
static void add_is_undone_when_the_device_cannot_be_attached(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	struct fake *two = fake_add(rig, rig->pci, "two", 2, true);
	struct fake *again;
	int group = p_open(&rig->a, "1"), other = p_open(&rig->a, "2");
	int iommu = (int)get_iommu(rig, group);

	assert_int_equal(merge(rig, group, other), 0);
	/* The second group stays in the set, empty. */
	uvf_v02_group_del_dev(rig->v02, &two->bus);
	again = fake_create(rig, rig->pci, "again", 2);
	assert_int_equal(uvf_iommu_group_claim(two->bus.group, rig), 0);
	assert_int_equal(
		uvf_v02_group_add_dev(rig->v02, &again->bus, &fake_ops),
		-EPERM);
	assert_int_equal(get_device(rig, other, "again"), -ENODEV);
	uvf_iommu_group_release(two->bus.group);
	assert_int_equal(
		uvf_v02_group_add_dev(rig->v02, &again->bus, &fake_ops), 0);
	assert_ptr_equal(again->domain, one->domain);
	assert_true(get_device(rig, group, "again") >= 0);
	p_close(&rig->a, iommu);
}

static char last_line[256];

static void keep_line(enum uvf_log_level level, const char *line)
{
	(void)level;
	strncpy(last_line, line, sizeof(last_line) - 1);
}

/* Defect 8. */
static void deleting_what_was_never_added_is_said_aloud(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_create(rig, rig->pci, "one", 1);

	last_line[0] = '\0';
	uvf_log_set(keep_line);
	uvf_v02_group_del_dev(rig->v02, &one->bus);
	uvf_log_set(NULL);
	assert_non_null(strstr(last_line, "one is deleted"));
}

struct unbinder {
	struct fake *fake;
	struct uvf_task task;
	void *data;
	pthread_t thread;
};

static void *unbind_thread(void *arg)
{
	struct unbinder *unbinder = arg;

	unbinder->data =
		uvf_v02_unbind_dev(unbinder->fake->rig->v02,
				   &unbinder->fake->bus, &unbinder->task);
	return NULL;
}

static void start_unbind(struct unbinder *unbinder, struct fake *fake)
{
	unbinder->fake = fake;
	uvf_task_init(&unbinder->task, "tester", 42);
	assert_int_equal(pthread_create(&unbinder->thread, NULL, unbind_thread,
					unbinder),
			 0);
}

static void end_unbind(struct unbinder *unbinder)
{
	pthread_join(unbinder->thread, NULL);
	assert_ptr_equal(unbinder->data, unbinder->fake);
	uvf_task_fini(&unbinder->task);
}

static void wait_for_requests(struct fake *fake, unsigned int count)
{
	while (atomic_load(&fake->requests) < count)
		sched_yield();
}

static bool is_bound(struct fake *fake)
{
	struct uvf_v02 *v02 = fake->rig->v02;
	struct uvf_list *outer, *inner;
	bool ret = false;

	uvf_lock(&v02->lock);
	uvf_list_for_each (outer, &v02->groups)
		uvf_list_for_each (
			inner,
			&uvf_list_entry(outer, struct uvf_v02_group, node)
				 ->devices) {
			struct uvf_v02_device *device = uvf_list_entry(
				inner, struct uvf_v02_device, node);

			if (device->bus_device == &fake->bus)
				ret = device->data;
		}
	uvf_unlock(&v02->lock);
	return ret;
}

/* Shows R7. */
/* Defect 9: users are asked, at once. */
static void unbind_waits_for_the_whole_set(void **state)
{
	struct rig *rig = *state;
	struct unbinder unbinder;
	struct fake *two;
	int group, other, device, iommu;

	fake_add(rig, rig->pci, "one", 1, true);
	two = fake_add(rig, rig->pci, "two", 2, true);
	group = p_open(&rig->a, "1");
	other = p_open(&rig->a, "2");
	assert_int_equal(merge(rig, group, other), 0);
	device = (int)get_device(rig, other, "one");
	iommu = (int)get_iommu(rig, group);
	start_unbind(&unbinder, two);
	wait_for_requests(two, 1);
	assert_true(is_bound(two));
	p_close(&rig->a, device);
	assert_true(is_bound(two));
	/* New opens are not refused while it waits. */
	device = (int)get_device(rig, group, "two");
	assert_true(device >= 0);
	p_close(&rig->a, iommu);
	assert_true(is_bound(two));
	p_close(&rig->a, device);
	end_unbind(&unbinder);
	assert_false(is_bound(two));
	assert_int_equal(flags_of(rig, group), 0);
	assert_int_equal(get_iommu(rig, group), -EBUSY);
}

static void unmerge_lets_an_unbind_go_on(void **state)
{
	struct rig *rig = *state;
	struct unbinder unbinder;
	struct fake *two;
	int group, other;

	fake_add(rig, rig->pci, "one", 1, true);
	two = fake_add(rig, rig->pci, "two", 2, true);
	group = p_open(&rig->a, "1");
	other = p_open(&rig->a, "2");
	assert_int_equal(merge(rig, group, other), 0);
	assert_true(get_device(rig, other, "one") >= 0);
	start_unbind(&unbinder, two);
	wait_for_requests(two, 1);
	assert_int_equal(unmerge(rig, group, other), 0);
	end_unbind(&unbinder);
}

static atomic_bool was_bound_at_put;

static void look_at_put(struct fake *fake)
{
	/* The lock is held: the waiter has not gone on. */
	const struct uvf_v02_device *device =
		uvf_list_entry(uvf_list_entry(fake->rig->v02->groups.next,
					      struct uvf_v02_group, node)
				       ->devices.next,
			       struct uvf_v02_device, node);

	was_bound_at_put = device->data == fake;
}

/* Shows R7. */
/* Defect 13. */
static void the_driver_is_done_before_the_waiter_wakes(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	struct unbinder unbinder;
	int group = p_open(&rig->a, "1");
	int device = (int)get_device(rig, group, "one");

	one->on_put = look_at_put;
	start_unbind(&unbinder, one);
	wait_for_requests(one, 1);
	p_close(&rig->a, device);
	end_unbind(&unbinder);
	assert_true(was_bound_at_put);
	assert_int_equal(one->opens, 0);
}

/* Defect 9: a signal ends no wait, and makes it ask again at once. */
static void a_signal_makes_unbind_ask_once_more(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	struct unbinder unbinder;
	int group = p_open(&rig->a, "1");
	int device = (int)get_device(rig, group, "one");

	last_line[0] = '\0';
	uvf_log_set(keep_line);
	start_unbind(&unbinder, one);
	wait_for_requests(one, 1);
	uvf_task_interrupt(&unbinder.task);
	wait_for_requests(one, 2);
	uvf_task_interrupt(&unbinder.task);
	assert_true(is_bound(one));
	p_close(&rig->a, device);
	end_unbind(&unbinder);
	uvf_log_set(NULL);
	assert_int_equal(atomic_load(&one->requests), 2);
	assert_non_null(strstr(last_line, "tester (42)"));
}

/* As in 3.14, users may be waited for in silence; a signal changes nothing. */
static void unbind_need_not_ask(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	struct unbinder unbinder;
	int group = p_open(&rig->a, "1");
	int device = (int)get_device(rig, group, "one");

	rig->profile.unregister_requests = false;
	rig->machine.revoke_after = 1;
	start_unbind(&unbinder, one);
	uvf_task_interrupt(&unbinder.task);
	assert_int_not_equal(p_ioctl(&rig->a, device, V02_DEVICE_RESET, NULL),
			     -ENODEV);
	assert_true(is_bound(one));
	p_close(&rig->a, device);
	end_unbind(&unbinder);
	assert_false(is_bound(one));
	assert_int_equal(atomic_load(&one->requests), 0);
}

/* Defect 9: the policy takes away what users do not let go of. */
static void a_policy_takes_the_files_away(void **state)
{
	struct unbinder unbinder;
	struct uvf_page page;
	struct process *a;
	struct fake *one;
	struct rig *rig;
	int group, device, iommu;
	uint32_t word;

	(void)state;
	rig = rig_create(&rig_host);
	rig->machine.revoke_after = 1;
	a = &rig->a;
	one = fake_add(rig, rig->pci, "one", 1, true);
	group = p_open(a, "1");
	device = (int)get_device(rig, group, "one");
	iommu = (int)get_iommu(rig, group);
	assert_int_equal(map(rig, iommu, 0, 0, 4, 0), 0);
	uvf_file_fault(a->files[device], 0, &page);
	assert_int_equal(page.kind, UVF_PAGE_TRAP);
	assert_true(uvf_file_mmio(a->files[device], 0, &word, 4, false));
	start_unbind(&unbinder, one);
	wait_for_requests(one, 1);
	uvf_task_interrupt(&unbinder.task);
	end_unbind(&unbinder);
	assert_int_equal(one->opens, 0);
	assert_null(one->domain);
	assert_int_equal(p_ioctl(a, device, V02_DEVICE_RESET, NULL), -ENODEV);
	assert_int_equal(uvf_file_read(a->files[device], &a->caller, 0, 4, 0),
			 -ENODEV);
	assert_int_equal(uvf_file_write(a->files[device], &a->caller, 0, 4, 0),
			 -ENODEV);
	assert_int_equal(uvf_file_mmap(a->files[device], 0, PAGE, 3, 1),
			 -ENODEV);
	uvf_file_fault(a->files[device], 0, &page);
	assert_int_equal(page.kind, UVF_PAGE_REVOKED);
	assert_false(uvf_file_mmio(a->files[device], 0, &word, 4, false));
	assert_int_equal(map(rig, iommu, 0, 0, 4, 0), -ENODEV);
	/* Who binds it again gets new files; the old ones stay dead. */
	fake_bind(one);
	assert_int_equal(flags_of(rig, group), V02_GROUP_VIABLE);
	p_close(a, (int)get_device(rig, group, "one"));
	assert_int_equal(p_ioctl(a, device, V02_DEVICE_RESET, NULL), -ENODEV);
	p_close(a, group);
	uvf_v02_group_del_dev(rig->v02, &one->bus);
	p_close(a, device);
	p_close(a, iommu);
	rig_destroy(rig);
}

/* Defect 15. */
static void an_empty_group_goes_with_its_last_file(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	int group = p_open(&rig->a, "1"), again;

	uvf_v02_group_del_dev(rig->v02, &one->bus);
	again = p_open(&rig->a, "1");
	assert_true(again >= 0);
	p_close(&rig->a, group);
	assert_int_equal(get_device(rig, again, "one"), -ENODEV);
	p_close(&rig->a, again);
	assert_int_equal(p_open(&rig->a, "1"), -ENODEV);
}

static void an_empty_group_leaves_its_set(void **state)
{
	struct rig *rig = *state;
	struct fake *two;
	int group, other, iommu;

	fake_add(rig, rig->pci, "one", 1, true);
	two = fake_add(rig, rig->pci, "two", 2, true);
	group = p_open(&rig->a, "1");
	other = p_open(&rig->a, "2");
	iommu = (int)get_iommu(rig, group);
	assert_int_equal(merge(rig, group, other), 0);
	p_close(&rig->a, other);
	uvf_v02_group_del_dev(rig->v02, &two->bus);
	assert_int_equal(p_open(&rig->a, "2"), -ENODEV);
	assert_null(two->domain);
	assert_int_equal(map(rig, iommu, 0, 0, 1, 0), 0);
}

/* A set whose iommu is the only thing that is open ends with it. */
static void an_iommu_outlives_its_groups(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_add(rig, rig->pci, "one", 1, true);
	int group = p_open(&rig->a, "1");
	int iommu = (int)get_iommu(rig, group);

	p_close(&rig->a, group);
	uvf_v02_group_del_dev(rig->v02, &one->bus);
	assert_int_equal(map(rig, iommu, 0, 0, 1, 0), 0);
	p_close(&rig->a, iommu);
}

#ifndef UVF_TEST_BUILD
/* Defect 17: mistakes of a bus driver end nothing but the call. */
static void mistakes_of_a_driver_are_refused(void **state)
{
	struct rig *rig = *state;
	struct fake *one = fake_create(rig, rig->pci, "one", 1);
	int group, device;

	assert_int_equal(uvf_v02_bind_dev(rig->v02, &one->bus, one), -EINVAL);
	assert_null(fake_unbind(one));
	assert_int_equal(uvf_v02_group_add_dev(rig->v02, &one->bus, &fake_ops),
			 0);
	assert_null(fake_unbind(one));
	assert_int_equal(uvf_v02_bind_dev(rig->v02, &one->bus, NULL), -EINVAL);
	fake_bind(one);
	assert_int_equal(uvf_v02_bind_dev(rig->v02, &one->bus, one), -EINVAL);
	group = p_open(&rig->a, "1");
	device = (int)get_device(rig, group, "one");
	uvf_v02_group_del_dev(rig->v02, &one->bus);
	assert_int_equal(p_ioctl(&rig->a, device, V02_DEVICE_RESET, NULL), 7);
	p_close(&rig->a, device);
	assert_ptr_equal(fake_unbind(one), one);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(add_tells_what_is_wrong),
		CASE(a_device_that_joins_a_live_group_is_claimed),
		CASE(add_is_undone_when_the_device_cannot_be_attached),
		CASE(deleting_what_was_never_added_is_said_aloud),
		CASE(unbind_waits_for_the_whole_set),
		CASE(unmerge_lets_an_unbind_go_on),
		CASE(the_driver_is_done_before_the_waiter_wakes),
		CASE(a_signal_makes_unbind_ask_once_more),
		CASE(unbind_need_not_ask),
		cmocka_unit_test(a_policy_takes_the_files_away),
		CASE(an_empty_group_goes_with_its_last_file),
		CASE(an_empty_group_leaves_its_set),
		CASE(an_iommu_outlives_its_groups),
#ifndef UVF_TEST_BUILD
		CASE(mistakes_of_a_driver_are_refused),
#endif
	};

	return cmocka_run_group_tests_name("v02/driver", tests, NULL, NULL);
}

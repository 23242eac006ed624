/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Containers among several IOMMU backends: who is asked, what is undone when
 * one fails, and where the DMA of a group leads meanwhile.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "fake.h"
#include "iommu/type1.h"

#define OTHER_GROUP 41
#define OTHER_NODE  "/dev/vfio/41"

/* A backend that is type1 but for what it counts and refuses. */
static struct {
	int opens, releases, attaches, detaches;
	int fails_at; /* this attach, from 1; 0: none */
} counts;

/* Who was asked for an extension, a letter each. */
static char asked[16];
static unsigned int asked_count;

static void note(char who)
{
	if (asked_count < sizeof(asked) - 1)
		asked[asked_count++] = who;
}

static int counting_check(void *state, const struct uvf_iommu_host *host,
			  unsigned long extension)
{
	note('c');
	return uvf_type1_backend.check_extension(state, host, extension);
}

static int counting_open(void **ret_state, const struct uvf_iommu_host *host,
			 unsigned long type)
{
	counts.opens++;
	return uvf_type1_backend.open(ret_state, host, type);
}

static void counting_release(void *state)
{
	counts.releases++;
	uvf_type1_backend.release(state);
}

static int counting_attach(void *state, struct uvf_caller *caller,
			   struct uvf_iommu_member *member,
			   struct uvf_aspace **ret_as)
{
	if (++counts.attaches == counts.fails_at)
		return -EXDEV;
	return uvf_type1_backend.attach_group(state, caller, member, ret_as);
}

static void counting_detach(void *state, struct uvf_iommu_member *member)
{
	counts.detaches++;
	uvf_type1_backend.detach_group(state, member);
}

/* One that has nothing to offer. */
static int silent_check(void *state, const struct uvf_iommu_host *host,
			unsigned long extension)
{
	(void)state;
	(void)host;
	(void)extension;
	note('s');
	return 0;
}

static struct uvf_iommu_backend counting, silent;

static const struct uvf_iommu_backend *const alone[] = {&counting, NULL};
static const struct uvf_iommu_backend *const before_type1[] = {
	&counting, &uvf_type1_backend, NULL};
static const struct uvf_iommu_backend *const silent_first[] = {
	&silent, &counting, &uvf_type1_backend, NULL};
static const struct uvf_iommu_backend *const none[] = {NULL};

struct two {
	struct rig rig;
	struct fake *a, *b; /* in the two groups */
	int group, other, container;
};

static void make(struct two *two, const char *abi,
		 const struct uvf_iommu_backend *const *backends)
{
	counts = (typeof(counts)){0};
	counting = uvf_type1_backend;
	counting.check_extension = counting_check;
	counting.open = counting_open;
	counting.release = counting_release;
	counting.attach_group = counting_attach;
	counting.detach_group = counting_detach;
	silent = counting;
	silent.check_extension = silent_check;
	two->rig = rig_create(abi);
	two->rig.vfio->backends = backends;
	rig_fill(&two->rig);
	two->a = fake_add(&two->rig, "a", GROUP);
	two->b = fake_add(&two->rig, "b", OTHER_GROUP);
	fake_bind(two->a, two->rig.vfio_driver);
	fake_bind(two->b, two->rig.vfio_driver);
	two->group = client_open(two->rig.client, NODE);
	two->other = client_open(two->rig.client, OTHER_NODE);
	two->container = client_open(two->rig.client, "/dev/vfio/vfio");
	assert_int_equal(set_container(&two->rig, two->group, two->container),
			 0);
}

static int set_iommu(struct two *two)
{
	return (int)client_ioctl(two->rig.client, two->container,
				 VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU);
}

/* Shows C8, S20.  Flips set_iommu_tries_next. */
static void next_backend_is_tried_after_a_failure(void **state)
{
	static const struct {
		const char *abi;
		int ret;
	} cases[] = {
		{"3.14", -EXDEV}, {"4.1", -EXDEV}, {"6.1", 0}, {"6.12", 0}};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct two two;

		make(&two, cases[i].abi, before_type1);
		counts.fails_at = 1;
		assert_int_equal(set_iommu(&two), cases[i].ret);
		assert_int_equal(counts.releases, 1);
		/* The first works by now, where it is asked again. */
		assert_int_equal(set_iommu(&two), cases[i].ret ? 0 : -EINVAL);
		assert_int_equal(counts.opens, cases[i].ret ? 2 : 1);
		assert_true(get_device(&two.rig, two.group, "a") >= 0);
		rig_destroy(&two.rig);
		assert_int_equal(counts.releases, counts.opens);
	}
}

/* Shows C7. */
static void failure_at_the_second_group_undoes_the_first(void **state)
{
	struct two two;

	(void)state;
	make(&two, NULL, alone);
	assert_int_equal(set_container(&two.rig, two.other, two.container), 0);
	counts.fails_at = 2;
	assert_int_equal(set_iommu(&two), -EXDEV);
	assert_int_equal(counts.detaches, 1);
	assert_int_equal(counts.releases, 1);
	assert_null(two.a->bus.group->domain);
	assert_null(two.b->bus.group->domain);
	assert_int_equal(status_of(&two.rig, two.group), 3);
	assert_int_equal(status_of(&two.rig, two.other), 3);
	assert_int_equal(get_device(&two.rig, two.group, "a"), -EINVAL);
	assert_int_equal(set_iommu(&two), 0);
	assert_non_null(two.a->bus.group->domain);
	assert_non_null(two.b->bus.group->domain);
	rig_destroy(&two.rig);
	assert_int_equal(counts.releases, 2);
}

/* Shows A7. */
static void group_that_cannot_be_attached_stays_idle(void **state)
{
	struct two two;

	(void)state;
	make(&two, NULL, alone);
	assert_int_equal(set_iommu(&two), 0);
	counts.fails_at = 2;
	assert_int_equal(set_container(&two.rig, two.other, two.container),
			 -EXDEV);
	assert_int_equal(status_of(&two.rig, two.other), 1);
	assert_int_equal(unset_container(&two.rig, two.other), -EINVAL);
	assert_null(two.b->bus.group->domain);
	/* Nobody owns it. */
	fake_bind(fake_add(&two.rig, "c", OTHER_GROUP), two.rig.host_driver);
	assert_int_equal(status_of(&two.rig, two.group), 3);
	rig_destroy(&two.rig);
}

/* Shows A6. */
static void group_joins_what_is_translated_at_once(void **state)
{
	struct two two;

	(void)state;
	make(&two, NULL, alone);
	assert_int_equal(set_iommu(&two), 0);
	assert_int_equal(set_container(&two.rig, two.other, two.container), 0);
	assert_int_equal(two.b->opens, 0);
	assert_non_null(two.b->bus.group->domain);
	assert_ptr_equal(two.b->bus.group->domain, two.a->bus.group->domain);
	rig_destroy(&two.rig);
}

/* Shows B5. */
static void claimed_group_reaches_nothing_before_its_iommu(void **state)
{
	struct fake *late;
	struct two two;

	(void)state;
	make(&two, NULL, alone);
	late = fake_add(&two.rig, "c", GROUP);
	assert_null(two.a->bus.group->domain);
	assert_int_equal(
		uvf_device_attach_driver(&late->bus, two.rig.host_driver),
		-EBUSY);
	assert_int_equal(set_iommu(&two), 0);
	assert_non_null(two.a->bus.group->domain);
	assert_int_equal(unset_container(&two.rig, two.group), 0);
	assert_null(two.a->bus.group->domain);
	/* It is the default domain's again, so a host driver may have it. */
	fake_bind(late, two.rig.host_driver);
	rig_destroy(&two.rig);
}

/* Shows C15. */
static void newest_backend_is_asked_first(void **state)
{
	struct two two;

	(void)state;
	make(&two, NULL, silent_first);
	asked_count = 0;
	assert_int_equal(client_ioctl(two.rig.client, two.container,
				      VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU),
			 1);
	assert_int_equal(set_iommu(&two), 0);
	/* Afterwards its own backend alone. */
	assert_int_equal(client_ioctl(two.rig.client, two.container,
				      VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU),
			 1);
	assert_int_equal(asked_count, 5);
	assert_memory_equal(asked, "scscc", 5);
	assert_int_equal(counts.opens, 1);
	rig_destroy(&two.rig);
}

/* Shows C14. */
static void backend_lives_on_while_it_is_used(void **state)
{
	struct two two;

	(void)state;
	make(&two, NULL, alone);
	assert_int_equal(set_iommu(&two), 0);
	two.rig.vfio->backends = none;
	assert_int_equal(set_container(&two.rig, two.other, two.container), 0);
	assert_int_equal(counts.attaches, 2);
	assert_int_equal(client_ioctl(two.rig.client, two.container,
				      VFIO_IOMMU_MAP_DMA, 0),
			 -EFAULT);
	assert_int_equal(counts.releases, 0);
	assert_int_equal(unset_container(&two.rig, two.group), 0);
	assert_int_equal(unset_container(&two.rig, two.other), 0);
	assert_int_equal(counts.releases, 1);
	/* A new one is not to be had. */
	assert_int_equal(set_container(&two.rig, two.group, two.container), 0);
	assert_int_equal(set_iommu(&two), -ENODEV);
	rig_destroy(&two.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_backend_is_tried_after_a_failure),
		cmocka_unit_test(failure_at_the_second_group_undoes_the_first),
		cmocka_unit_test(group_that_cannot_be_attached_stays_idle),
		cmocka_unit_test(group_joins_what_is_translated_at_once),
		cmocka_unit_test(
			claimed_group_reaches_nothing_before_its_iommu),
		cmocka_unit_test(newest_backend_is_asked_first),
		cmocka_unit_test(backend_lives_on_while_it_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices and accesses of an iommufd: who owns a group's DMA, where it goes,
 * and what holds an object.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/translate.h"

#define LAST UINT64_MAX
#define A    0x100000ull

static const void *page(unsigned int n)
{
	return rig_memory + n * PAGE;
}

static int attach(struct uvf_iommufd_device *device, uint32_t pt,
		  uint32_t *ret_pt)
{
	*ret_pt = pt;
	return uvf_iommufd_device_attach(device, ret_pt);
}

/* Shows M67. */
static void binding_claims_the_group_for_the_context(void **state)
{
	struct group group = {0};
	struct uvf_iommufd_device *a, *b, *none = NULL;
	struct uvf_iommufd *other;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	assert_int_equal(uvf_iommufd_create(&other, &rig.host, NULL), 0);
	a = rig_bind(&rig, &group);
	assert_int_equal(uvf_iommufd_device_id(a), 1);
	assert_ptr_equal(group.owner, rig.ctx);
	b = rig_bind(&rig, &group);
	assert_int_equal(uvf_iommufd_device_id(b), 2);
	assert_int_equal(group.claims, 2);
	assert_int_equal(
		uvf_iommufd_device_bind(&none, other, &rig_group_ops, &group),
		-EPERM);
	assert_null(none);
	assert_int_equal(rig_destroy(&rig, 1), -EBUSY);
	uvf_iommufd_device_unbind(a);
	assert_int_equal(rig_destroy(&rig, 1), -ENOENT);
	uvf_iommufd_device_unbind(b);
	assert_null(group.owner);
	group.refusal = -EBUSY;
	assert_int_equal(
		uvf_iommufd_device_bind(&none, other, &rig_group_ops, &group),
		-EBUSY);
	uvf_iommufd_put(other);
	rig_close(&rig);
}

static void a_bound_device_holds_the_context(void **state)
{
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct rig rig;
	uint32_t pt;

	(void)state;
	rig_open(&rig);
	device = rig_bind(&rig, &group);
	assert_int_equal(rig_map_at(&rig, rig_ioas(&rig), page(2), PAGE, A), 0);
	assert_int_equal(attach(device, 2, &pt), 0);
	uvf_iommufd_put(rig.ctx);
	assert_int_equal(rig_read(&group, A), 3);
	uvf_iommufd_get(rig.ctx);
	uvf_iommufd_device_unbind(device);
	assert_null(group.as);
	rig_close(&rig);
}

/* Shows M48. */
static void a_page_table_goes_with_its_last_device(void **state)
{
	struct group one = {0}, two = {0};
	struct uvf_iommufd_device *a, *b;
	struct rig rig;
	uint32_t ioas, pt, again;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	a = rig_bind(&rig, &one);
	b = rig_bind(&rig, &two);
	assert_int_equal(attach(a, 99, &pt), -ENOENT);
	assert_int_equal(attach(a, uvf_iommufd_device_id(b), &pt), -EINVAL);
	assert_int_equal(attach(a, ioas, &pt), 0);
	assert_int_equal(pt, 4);
	assert_int_equal(attach(b, ioas, &again), 0);
	assert_int_equal(again, pt);
	assert_int_equal(attach(a, ioas, &again), 0);
	assert_int_equal(again, pt);
	assert_ptr_equal(one.as, two.as);
	assert_int_equal(rig_destroy(&rig, ioas), -EBUSY);
	assert_int_equal(rig_destroy(&rig, pt), -EBUSY);
	uvf_iommufd_device_detach(a);
	assert_null(one.as);
	uvf_iommufd_device_detach(a);
	assert_int_equal(rig_destroy(&rig, pt), -EBUSY);
	uvf_iommufd_device_detach(b);
	assert_int_equal(rig_destroy(&rig, pt), -ENOENT);
	assert_int_equal(rig_destroy(&rig, ioas), 0);
	uvf_iommufd_device_unbind(a);
	uvf_iommufd_device_unbind(b);
	rig_close(&rig);
}

/* Shows M60. */
static void replacing_moves_in_one_step_or_not_at_all(void **state)
{
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct uvf_aspace *former;
	struct rig rig;
	uint32_t from, to, bad, first, pt;

	(void)state;
	rig_open(&rig);
	from = rig_ioas(&rig);
	to = rig_ioas(&rig);
	bad = rig_ioas(&rig);
	assert_int_equal(rig_map_at(&rig, from, page(1), PAGE, A), 0);
	assert_int_equal(rig_map_at(&rig, to, page(2), PAGE, A), 0);
	assert_int_equal(rig_map_at(&rig, bad, page(RIG_PAGES), PAGE, A), 0);
	device = rig_bind(&rig, &group);
	assert_int_equal(attach(device, from, &first), 0);
	former = group.as;
	assert_int_equal(attach(device, bad, &pt), -EFAULT);
	assert_ptr_equal(group.as, former);
	assert_int_equal(rig_read(&group, A), 2);
	assert_int_equal(attach(device, to, &pt), 0);
	assert_int_not_equal(pt, first);
	assert_int_equal(rig_read(&group, A), 3);
	assert_int_equal(rig_destroy(&rig, first), -ENOENT);
	assert_int_equal(rig_destroy(&rig, from), 0);
	assert_int_equal(attach(device, first, &pt), -ENOENT);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

static void devices_of_a_group_go_together(void **state)
{
	struct group group = {0};
	struct uvf_iommufd_device *a, *b;
	struct rig rig;
	uint32_t one, two, pt;

	(void)state;
	rig_open(&rig);
	one = rig_ioas(&rig);
	two = rig_ioas(&rig);
	assert_int_equal(rig_map_at(&rig, one, page(1), PAGE, A), 0);
	assert_int_equal(rig_map_at(&rig, two, page(2), PAGE, A), 0);
	a = rig_bind(&rig, &group);
	b = rig_bind(&rig, &group);
	assert_int_equal(attach(a, one, &pt), 0);
	assert_int_equal(attach(b, two, &pt), -EINVAL);
	assert_int_equal(attach(b, one, &pt), 0);
	/* Replacing one moves the other. */
	assert_int_equal(attach(a, two, &pt), 0);
	assert_int_equal(rig_read(&group, A), 3);
	assert_int_equal(rig_destroy(&rig, one), 0);
	uvf_iommufd_device_detach(a);
	assert_int_equal(rig_read(&group, A), 3);
	assert_int_equal(rig_destroy(&rig, two), -EBUSY);
	uvf_iommufd_device_detach(b);
	assert_null(group.as);
	uvf_iommufd_device_unbind(a);
	uvf_iommufd_device_unbind(b);
	rig_close(&rig);
}

static int hwpt_alloc(struct rig *rig, struct iommu_hwpt_alloc *alloc)
{
	alloc->size = sizeof(*alloc);
	return rig_ioctl(rig, IOMMU_HWPT_ALLOC, alloc);
}

/* Shows M61. */
static void a_page_table_can_be_made_without_a_device_on_it(void **state)
{
	struct iommu_hwpt_alloc alloc = {.reserved = 1, .data_len = 1};
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct rig rig;
	uint32_t ioas, pt;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	device = rig_bind(&rig, &group);
	assert_int_equal(hwpt_alloc(&rig, &alloc), -EOPNOTSUPP);
	alloc.reserved = 0;
	assert_int_equal(hwpt_alloc(&rig, &alloc), -EINVAL);
	alloc.data_len = 0;
	alloc.pt_id = 77;
	assert_int_equal(hwpt_alloc(&rig, &alloc), -ENOENT);
	alloc.dev_id = uvf_iommufd_device_id(device);
	assert_int_equal(hwpt_alloc(&rig, &alloc), -EINVAL);
	alloc.pt_id = ioas;
	alloc.flags = IOMMU_HWPT_FAULT_ID_VALID;
	assert_int_equal(hwpt_alloc(&rig, &alloc), -EOPNOTSUPP);
	alloc.flags = 0;
	assert_int_equal(hwpt_alloc(&rig, &alloc), 0);
	assert_int_equal(rig_map_at(&rig, ioas, page(RIG_PAGES), PAGE, A),
			 -EFAULT);
	/* An attachment to the space does not take it. */
	assert_int_equal(attach(device, ioas, &pt), 0);
	assert_int_not_equal(pt, alloc.out_hwpt_id);
	assert_int_equal(attach(device, alloc.out_hwpt_id, &pt), 0);
	assert_int_equal(pt, alloc.out_hwpt_id);
	assert_int_equal(rig_destroy(&rig, pt), -EBUSY);
	uvf_iommufd_device_detach(device);
	assert_int_equal(rig_destroy(&rig, ioas), -EBUSY);
	assert_int_equal(rig_destroy(&rig, pt), 0);
	assert_int_equal(rig_destroy(&rig, ioas), 0);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/* Where pages are that were pinned last. */
static void *pages[4];

/* An emulated device that pins one page. */
struct emulated {
	struct uvf_iommufd_access *access;
	uint64_t pinned; /* IOVA, or 0 */
	bool is_deaf;
	unsigned int calls;
};

static void emulated_unmap(void *arg, struct uvf_range iova)
{
	struct emulated *device = arg;

	device->calls++;
	if (device->is_deaf || !device->pinned || device->pinned < iova.first ||
	    device->pinned > iova.last)
		return;
	uvf_iommufd_access_unpin(device->access, device->pinned, PAGE);
	device->pinned = 0;
}

static const struct uvf_iommufd_access_ops emulated_ops = {
	.unmap = emulated_unmap,
};

static void emulated_bind(struct rig *rig, struct emulated *device)
{
	assert_int_equal(uvf_iommufd_access_create(&device->access, rig->ctx,
						   &emulated_ops, device),
			 0);
}

/* Shows M57. */
static void unmapping_asks_an_emulated_device_to_unpin(void **state)
{
	struct emulated device = {0};
	struct rig rig;
	uint64_t length = PAGE;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	emulated_bind(&rig, &device);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), PAGE, A), 0);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, PAGE, true, pages),
		-ENOENT);
	assert_int_equal(uvf_iommufd_access_attach(device.access, 99), -ENOENT);
	assert_int_equal(uvf_iommufd_access_attach(device.access, ioas), 0);
	assert_int_equal(rig_destroy(&rig, ioas), -EBUSY);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, 0, true, pages),
		-EINVAL);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, LAST, 2, true, pages),
		-EOVERFLOW);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, 2 * PAGE, true, pages),
		-ENOENT);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, PAGE, true, pages), 0);
	device.pinned = A;
	assert_int_equal(rig_unmap(&rig, ioas, A, &length), 0);
	assert_int_equal(device.calls, 1);
	assert_int_equal(device.pinned, 0);
	/* One that does not listen keeps its memory. */
	assert_int_equal(rig_map_at(&rig, ioas, page(0), PAGE, A), 0);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, PAGE, true, pages), 0);
	device.pinned = A;
	device.is_deaf = true;
	assert_int_equal(rig_unmap(&rig, ioas, A, &length), -EDEADLK);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, PAGE, true, pages),
		-EINVAL);
	device.is_deaf = false;
	uvf_iommufd_access_destroy(device.access);
	assert_int_equal(device.pinned, 0);
	assert_int_equal(rig_destroy(&rig, ioas), 0);
	rig_close(&rig);
}

static void a_pin_that_fails_holds_nothing(void **state)
{
	struct emulated device = {.is_deaf = true};
	struct rig rig;
	uint64_t length = 2 * PAGE;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	emulated_bind(&rig, &device);
	assert_int_equal(uvf_iommufd_access_attach(device.access, ioas), 0);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), 2 * PAGE, A), 0);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, 3 * PAGE, true, pages),
		-ENOENT);
	uvf_alloc_fail_nth(2);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, 2 * PAGE, true, pages),
		-ENOMEM);
	assert_true(uvf_alloc_has_failed());
	assert_int_equal(rig_unmap(&rig, ioas, A, &length), 0);
	assert_int_equal(device.calls, 0);
	uvf_iommufd_access_destroy(device.access);
	rig_close(&rig);
}

static void pages_are_pinned_and_given_back_one_by_one(void **state)
{
	struct emulated device = {.is_deaf = true};
	struct rig rig;
	uint64_t length = 2 * PAGE;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	emulated_bind(&rig, &device);
	assert_int_equal(uvf_iommufd_access_attach(device.access, ioas), 0);
	assert_int_equal(rig_map_at(&rig, ioas, page(3), 2 * PAGE, A), 0);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, 2 * PAGE, true, pages),
		0);
	assert_ptr_equal(pages[0], page(3));
	assert_ptr_equal(pages[1], page(4));
	assert_int_equal(uvf_iommufd_access_pin(device.access, A + PAGE, PAGE,
						true, pages),
			 0);
	assert_ptr_equal(pages[0], page(4));
	/* What was never pinned may be given back as well. */
	uvf_iommufd_access_unpin(device.access, A, 3 * PAGE);
	uvf_iommufd_access_unpin(device.access, A, PAGE);
	assert_int_equal(rig_unmap(&rig, ioas, A, &length), -EDEADLK);
	uvf_iommufd_access_unpin(device.access, A + PAGE, PAGE);
	length = 2 * PAGE;
	assert_int_equal(rig_unmap(&rig, ioas, A, &length), 0);
	uvf_iommufd_access_destroy(device.access);
	rig_close(&rig);
}

static void a_driver_that_keeps_pages_does_not_keep_the_space(void **state)
{
	struct emulated device = {.is_deaf = true};
	struct rig rig;
	uint64_t length = PAGE;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	emulated_bind(&rig, &device);
	assert_int_equal(uvf_iommufd_access_attach(device.access, ioas), 0);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), PAGE, A), 0);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, PAGE, true, pages), 0);
	uvf_iommufd_access_detach(device.access);
	assert_int_equal(device.calls, 1);
	uvf_iommufd_access_unpin(device.access, A, PAGE);
	assert_int_equal(rig_unmap(&rig, ioas, A, &length), 0);
	assert_int_equal(rig_destroy(&rig, ioas), 0);
	uvf_iommufd_access_destroy(device.access);
	rig_close(&rig);
}

/* Shows M56. */
static void an_access_copies_by_the_right_of_each_area(void **state)
{
	struct emulated device = {0};
	struct rig rig;
	uint64_t ro = A + PAGE, hole = A + 2 * PAGE;
	uint8_t buf[64];
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	emulated_bind(&rig, &device);
	assert_int_equal(uvf_iommufd_access_rw(device.access, A, buf, 1, false),
			 -ENOENT);
	assert_int_equal(uvf_iommufd_access_attach(device.access, ioas), 0);
	assert_int_equal(rig_map_at(&rig, ioas, page(5), PAGE, A), 0);
	assert_int_equal(rig_map(&rig, ioas, FIXED | READ, page(20), PAGE, &ro),
			 0);
	for (unsigned int at = 0; at < sizeof(buf); at++) {
		uint64_t iova = A + PAGE - at;

		assert_int_equal(uvf_iommufd_access_rw(device.access, iova, buf,
						       sizeof(buf), false),
				 0);
		for (unsigned int i = 0; i < sizeof(buf); i++)
			assert_int_equal(buf[i], i < at ? 6 : 21);
	}
	memset(buf, 0x77, sizeof(buf));
	assert_int_equal(uvf_iommufd_access_rw(device.access, A + PAGE - 8, buf,
					       16, true),
			 -EPERM);
	/* What came before the error stays. */
	assert_int_equal(((const uint8_t *)page(5))[PAGE - 1], 0x77);
	assert_int_equal(((const uint8_t *)page(20))[0], 21);
	memset(rig_memory + 6 * PAGE - 8, 6, 8);
	assert_int_equal(
		uvf_iommufd_access_rw(device.access, hole - 1, buf, 2, false),
		-ENOENT);
	assert_int_equal(uvf_iommufd_access_rw(device.access, A, buf, 0, false),
			 -EINVAL);
	assert_int_equal(
		uvf_iommufd_access_rw(device.access, LAST, buf, 2, false),
		-EOVERFLOW);
	uvf_iommufd_access_destroy(device.access);
	rig_close(&rig);
}

static void an_access_that_moves_is_asked_for_all(void **state)
{
	struct emulated device = {0};
	struct rig rig;
	uint32_t one, two;

	(void)state;
	rig_open(&rig);
	one = rig_ioas(&rig);
	two = rig_ioas(&rig);
	emulated_bind(&rig, &device);
	assert_int_equal(
		rig_destroy(&rig, uvf_iommufd_access_id(device.access)),
		-EBUSY);
	assert_int_equal(rig_map_at(&rig, one, page(0), PAGE, A), 0);
	assert_int_equal(uvf_iommufd_access_attach(device.access, one), 0);
	assert_int_equal(
		uvf_iommufd_access_pin(device.access, A, PAGE, false, pages),
		0);
	device.pinned = A;
	assert_int_equal(uvf_iommufd_access_attach(device.access, two), 0);
	assert_int_equal(device.calls, 1);
	assert_int_equal(device.pinned, 0);
	assert_int_equal(rig_destroy(&rig, one), 0);
	assert_int_equal(uvf_iommufd_access_attach(device.access, two), 0);
	assert_int_equal(device.calls, 1);
	/* Alignment is that of pages while it is there. */
	assert_int_equal(rig_map_at(&rig, two, page(0), 1, A), -EINVAL);
	uvf_iommufd_access_detach(device.access);
	assert_int_equal(device.calls, 2);
	assert_int_equal(rig_map_at(&rig, two, page(0), 1, A), 0);
	assert_int_equal(uvf_iommufd_access_attach(device.access, two),
			 -EADDRINUSE);
	uvf_iommufd_access_destroy(device.access);
	rig_close(&rig);
}

/* Pins and unpins while the other thread unmaps. */
static void *pin_all_the_time(void *arg)
{
	struct emulated *device = arg;
	unsigned int done = 0;

	for (unsigned int i = 0; i < 20000; i++)
		if (!uvf_iommufd_access_pin(device->access, A, PAGE, false,
					    pages)) {
			uvf_iommufd_access_unpin(device->access, A, PAGE);
			done++;
		}
	return done ? device : NULL;
}

static void unmapping_and_pinning_at_once_is_one_or_the_other(void **state)
{
	struct emulated device = {.is_deaf = true};
	struct rig rig;
	pthread_t thread;
	void *did_pin;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	emulated_bind(&rig, &device);
	assert_int_equal(uvf_iommufd_access_attach(device.access, ioas), 0);
	pthread_create(&thread, NULL, pin_all_the_time, &device);
	for (unsigned int i = 0; i < 2000; i++) {
		uint64_t length = PAGE;
		int ret;

		ret = rig_map_at(&rig, ioas, page(0), PAGE, A);
		assert_true(!ret || ret == -EEXIST);
		ret = rig_unmap(&rig, ioas, A, &length);
		assert_true(!ret || ret == -EDEADLK);
	}
	assert_true(!rig_map_at(&rig, ioas, page(0), PAGE, 2 * A));
	pthread_join(thread, &did_pin);
	uvf_iommufd_access_destroy(device.access);
	assert_int_equal(rig_destroy(&rig, ioas), 0);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binding_claims_the_group_for_the_context),
		cmocka_unit_test(a_bound_device_holds_the_context),
		cmocka_unit_test(a_page_table_goes_with_its_last_device),
		cmocka_unit_test(replacing_moves_in_one_step_or_not_at_all),
		cmocka_unit_test(devices_of_a_group_go_together),
		cmocka_unit_test(
			a_page_table_can_be_made_without_a_device_on_it),
		cmocka_unit_test(unmapping_asks_an_emulated_device_to_unpin),
		cmocka_unit_test(a_pin_that_fails_holds_nothing),
		cmocka_unit_test(pages_are_pinned_and_given_back_one_by_one),
		cmocka_unit_test(
			a_driver_that_keeps_pages_does_not_keep_the_space),
		cmocka_unit_test(an_access_copies_by_the_right_of_each_area),
		cmocka_unit_test(an_access_that_moves_is_asked_for_all),
		cmocka_unit_test(
			unmapping_and_pinning_at_once_is_one_or_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

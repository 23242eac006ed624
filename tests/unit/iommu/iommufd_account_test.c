/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is charged for pages that an iommufd pins, how often, and when.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/account.h"
#include "mem/self.h"

#define A 0x100000ull

struct bench {
	struct rig rig;
	struct group group;
	struct uvf_iommufd_device *device;
	struct uvf_user *user;
	uint32_t ioas;
	struct rlimit former;
};

static const uint8_t *page(unsigned int n)
{
	return rig_memory + n * PAGE;
}

static void limit_to(uint64_t pages)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	limit.rlim_cur = pages * PAGE;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

static void set_mode(struct rig *rig, uint64_t value, int expected)
{
	struct iommu_option option = {
		.size = sizeof(option),
		.option_id = IOMMU_OPTION_RLIMIT_MODE,
		.op = IOMMU_OPTION_OP_SET,
		.val64 = value,
	};

	assert_int_equal(rig_ioctl(rig, IOMMU_OPTION, &option), expected);
}

static void bench_open(struct bench *bench, bool by_mm)
{
	memset(bench, 0, sizeof(*bench));
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &bench->former), 0);
	rig_open(&bench->rig);
	bench->rig.caller.ignores_memlock = false;
	assert_int_equal(uvf_user_lookup(&bench->user, &bench->rig.caller), 0);
	set_mode(&bench->rig, by_mm, 0);
	bench->ioas = rig_ioas(&bench->rig);
	bench->device = rig_bind(&bench->rig, &bench->group);
}

static void bench_close(struct bench *bench)
{
	uvf_iommufd_device_unbind(bench->device);
	rig_close(&bench->rig);
	assert_int_equal(uvf_user_pages(bench->user), 0);
	uvf_user_put(bench->user);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &bench->former), 0);
}

/* Pages that both accounts have; the other must have none. */
static uint64_t charged(const struct bench *bench, bool by_mm)
{
	uint64_t by_user = uvf_user_pages(bench->user);
	uint64_t by_process = uvf_account_pages(bench->rig.caller.mm);

	assert_int_equal(by_mm ? by_user : by_process, 0);
	return by_mm ? by_process : by_user;
}

static int unmap(struct bench *bench, uint64_t iova, uint64_t length)
{
	return rig_unmap(&bench->rig, bench->ioas, iova, &length);
}

/* Shows M15, M59. */
static void the_limit_is_reached_exactly(void **state)
{
	for (int by_mm = 0; by_mm < 2; by_mm++) {
		struct bench bench;

		(void)state;
		bench_open(&bench, by_mm);
		limit_to(6);
		assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
		assert_int_equal(rig_map_at(&bench.rig, bench.ioas, page(0),
					    7 * PAGE, A),
				 -ENOMEM);
		assert_int_equal(charged(&bench, by_mm), 0);
		assert_int_equal(rig_map_at(&bench.rig, bench.ioas, page(0),
					    5 * PAGE, A),
				 0);
		/* The same memory again is more. */
		assert_int_equal(rig_map_at(&bench.rig, bench.ioas, page(0),
					    2 * PAGE, A + 8 * PAGE),
				 -ENOMEM);
		assert_int_equal(rig_map_at(&bench.rig, bench.ioas, page(0),
					    PAGE, A + 8 * PAGE),
				 0);
		assert_int_equal(charged(&bench, by_mm), 6);
		assert_int_equal(rig_read(&bench.group, A + 8 * PAGE), 1);
		assert_int_equal(unmap(&bench, A, 5 * PAGE), 0);
		assert_int_equal(charged(&bench, by_mm), 1);
		limit_to(0);
		assert_int_equal(
			rig_map_at(&bench.rig, bench.ioas, page(0), PAGE, A),
			-ENOMEM);
		/* Rights lift the limit, and nothing is counted. */
		rig_has_ipc_lock = true;
		assert_int_equal(rig_map_at(&bench.rig, bench.ioas, page(0),
					    5 * PAGE, A),
				 0);
		rig_has_ipc_lock = false;
		assert_int_equal(charged(&bench, by_mm), 1);
		assert_int_equal(unmap(&bench, A, 5 * PAGE), 0);
		assert_int_equal(unmap(&bench, A + 8 * PAGE, PAGE), 0);
		assert_int_equal(charged(&bench, by_mm), 0);
		bench_close(&bench);
	}
}

/* Shows M15, M52. */
static void memory_is_charged_when_it_is_first_needed(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, false);
	limit_to(3);
	assert_int_equal(
		rig_map_at(&bench.rig, bench.ioas, page(0), 8 * PAGE, A), 0);
	assert_int_equal(charged(&bench, false), 0);
	assert_int_equal(rig_attach(bench.device, bench.ioas), -ENOMEM);
	assert_null(bench.group.as);
	assert_int_equal(charged(&bench, false), 0);
	limit_to(8);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	assert_int_equal(charged(&bench, false), 8);
	uvf_iommufd_device_detach(bench.device);
	assert_int_equal(charged(&bench, false), 0);
	bench_close(&bench);
}

/* Shows M15, M55. */
static void a_copy_is_charged_with_its_source(void **state)
{
	struct bench bench;
	uint64_t dst = A;
	uint32_t other;

	(void)state;
	bench_open(&bench, true);
	other = rig_ioas(&bench.rig);
	limit_to(4);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	assert_int_equal(
		rig_map_at(&bench.rig, bench.ioas, page(0), 4 * PAGE, A), 0);
	/* In the same space, in parts, at every byte. */
	for (unsigned int i = 0; i < 4; i++) {
		dst = A + (8 + i) * PAGE;
		assert_int_equal(rig_copy(&bench.rig, bench.ioas, &dst,
					  bench.ioas, A + i * PAGE, PAGE,
					  FIXED | RW),
				 0);
	}
	dst = A;
	assert_int_equal(rig_copy(&bench.rig, other, &dst, bench.ioas,
				  A + PAGE / 2, PAGE, FIXED | RW),
			 0);
	assert_int_equal(charged(&bench, true), 4);
	assert_int_equal(unmap(&bench, A, 4 * PAGE), 0);
	assert_int_equal(charged(&bench, true), 4);
	assert_int_equal(unmap(&bench, A + 8 * PAGE, 2 * PAGE), 0);
	assert_int_equal(charged(&bench, true), 2);
	assert_int_equal(rig_read(&bench.group, A + 11 * PAGE), 4);
	/* The half page and its neighbour, in the other space. */
	assert_int_equal(rig_unmap(&bench.rig, other, A, &(uint64_t){PAGE}), 0);
	uvf_iommufd_device_detach(bench.device);
	assert_int_equal(charged(&bench, true), 0);
	bench_close(&bench);
}

static void ask(void *arg, struct uvf_range iova)
{
	(void)arg;
	(void)iova;
}

static const struct uvf_iommufd_access_ops access_ops = {.unmap = ask};

/* Shows M15. */
static void what_an_access_pins_is_charged_once(void **state)
{
	struct uvf_iommufd_access *access;
	struct bench bench;
	void *pages[4];

	(void)state;
	bench_open(&bench, true);
	limit_to(3);
	assert_int_equal(
		rig_map_at(&bench.rig, bench.ioas, page(0), 8 * PAGE, A), 0);
	assert_int_equal(uvf_iommufd_access_create(&access, bench.rig.ctx,
						   &access_ops, NULL),
			 0);
	assert_int_equal(uvf_iommufd_access_attach(access, bench.ioas), 0);
	assert_int_equal(
		uvf_iommufd_access_pin(access, A, 4 * PAGE, true, pages),
		-ENOMEM);
	assert_int_equal(charged(&bench, true), 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(uvf_iommufd_access_pin(access, A + PAGE,
							3 * PAGE, true, pages),
				 0);
	assert_int_equal(charged(&bench, true), 3);
	assert_ptr_equal(pages[0], page(1));
	limit_to(8);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	assert_int_equal(charged(&bench, true), 8);
	uvf_iommufd_access_unpin(access, A + PAGE, PAGE);
	uvf_iommufd_access_unpin(access, A + PAGE, PAGE);
	assert_int_equal(charged(&bench, true), 8);
	uvf_iommufd_device_detach(bench.device);
	assert_int_equal(charged(&bench, true), 2);
	uvf_iommufd_access_destroy(access);
	assert_int_equal(charged(&bench, true), 0);
	bench_close(&bench);
}

/* Shows M59. */
static void the_mode_is_chosen_before_all_else(void **state)
{
	struct bench bench;
	struct rig *rig = &bench.rig;
	struct uvf_iommufd_device *device;
	struct group group = {0};

	(void)state;
	bench_open(&bench, false);
	set_mode(rig, 1, -EBUSY);
	uvf_iommufd_device_unbind(bench.device);
	set_mode(rig, 1, -EBUSY);
	assert_int_equal(rig_destroy(rig, bench.ioas), 0);
	rig->caller.has_sys_resource = false;
	set_mode(rig, 7, -EPERM);
	rig->caller.has_sys_resource = true;
	set_mode(rig, 2, -EINVAL);
	set_mode(rig, 1, 0);
	device = rig_bind(rig, &group);
	set_mode(rig, 0, -EBUSY);
	uvf_iommufd_device_unbind(device);
	set_mode(rig, 0, 0);
	bench.device = rig_bind(rig, &bench.group);
	bench_close(&bench);
}

/* All processes of a user share what it may have; others do not. */
static void users_are_apart_and_their_processes_are_not(void **state)
{
	struct bench bench;
	struct uvf_mm *other, *own;

	(void)state;
	bench_open(&bench, false);
	own = bench.rig.caller.mm;
	assert_int_equal(uvf_self_create(&other), 0);
	limit_to(2);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	assert_int_equal(
		rig_map_at(&bench.rig, bench.ioas, page(0), 2 * PAGE, A), 0);
	bench.rig.caller.mm = other;
	assert_int_equal(
		rig_map_at(&bench.rig, bench.ioas, page(0), PAGE, A + 2 * PAGE),
		-ENOMEM);
	rig_uid = 1;
	assert_int_equal(
		rig_map_at(&bench.rig, bench.ioas, page(0), PAGE, A + 2 * PAGE),
		0);
	rig_uid = 0;
	bench.rig.caller.mm = own;
	assert_int_equal(uvf_user_pages(bench.user), 2);
	assert_int_equal(unmap(&bench, A, 3 * PAGE), 0);
	assert_int_equal(uvf_user_pages(bench.user), 0);
	uvf_mm_put(other);
	bench_close(&bench);
}

/* Whatever request fails, the copy is not there and nothing is charged. */
static void copying_and_pinning_fail_whole(void **state)
{
	struct uvf_iommufd_access *access;
	struct bench bench;
	void *pages[4];
	uint64_t dst;
	int ret;

	(void)state;
	bench_open(&bench, true);
	limit_to(8);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(rig_map_at(&bench.rig, bench.ioas, page(4 * i),
					    4 * PAGE, A + 4 * i * PAGE),
				 0);
	for (unsigned long nth = 1;; nth++) {
		dst = A + 0x100000;
		uvf_alloc_fail_nth(nth);
		ret = rig_copy(&bench.rig, bench.ioas, &dst, bench.ioas,
			       A + 2 * PAGE, 4 * PAGE, FIXED | RW);
		uvf_alloc_fail_nth(0);
		assert_int_equal(charged(&bench, true), 8);
		assert_int_equal(rig_read(&bench.group, dst),
				 ret ? -EFAULT : 3);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		/* Two areas, the cuts, the leaves. */
		assert_true(nth < 20);
	}
	assert_int_equal(unmap(&bench, A, 8 * PAGE), 0);
	assert_int_equal(charged(&bench, true), 4);
	assert_int_equal(uvf_iommufd_access_create(&access, bench.rig.ctx,
						   &access_ops, NULL),
			 0);
	assert_int_equal(uvf_iommufd_access_attach(access, bench.ioas), 0);
	for (unsigned long nth = 1;; nth++) {
		uvf_alloc_fail_nth(nth);
		ret = uvf_iommufd_access_pin(access, A + 0x100000, 3 * PAGE,
					     true, pages);
		uvf_alloc_fail_nth(0);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		/* No page is pinned, so this would not end otherwise. */
		assert_int_equal(unmap(&bench, A + 0x100000, 4 * PAGE), 0);
		dst = A + 0x100000;
		assert_int_equal(charged(&bench, true), 0);
		assert_int_equal(rig_map_at(&bench.rig, bench.ioas, page(2),
					    4 * PAGE, dst),
				 0);
	}
	uvf_iommufd_access_destroy(access);
	assert_int_equal(charged(&bench, true), 4);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_is_reached_exactly),
		cmocka_unit_test(memory_is_charged_when_it_is_first_needed),
		cmocka_unit_test(a_copy_is_charged_with_its_source),
		cmocka_unit_test(what_an_access_pins_is_charged_once),
		cmocka_unit_test(the_mode_is_chosen_before_all_else),
		cmocka_unit_test(users_are_apart_and_their_processes_are_not),
		cmocka_unit_test(copying_and_pinning_fail_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

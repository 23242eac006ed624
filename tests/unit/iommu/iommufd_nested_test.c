/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page tables of a client on top of one of ours: how they are made, walked
 * and invalidated.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/translate.h"

/* Where the memory of the rig is for the parent. */
#define BASE     0x100000ull
#define GPA(n)   (BASE + (n)*PAGE)
#define TABLE(n) ((uint64_t *)(void *)(rig_memory + (n)*PAGE))

#define P 0x1ull
#define W 0x2ull
#define U 0x4ull
#define L 0x80ull /* a large page */

/* Pages of the rig that tables are in, top first. */
#define TOP 8u

struct bench {
	struct rig rig;
	struct group group;
	struct uvf_iommufd_device *device;
	uint32_t ioas, parent, nested;
	struct iommu_hwpt_vtd_s1 data;
};

static int alloc_nested(struct bench *bench, uint32_t flags, uint32_t pt,
			uint32_t type, uint32_t len)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = uvf_iommufd_device_id(bench->device),
		.pt_id = pt,
		.data_type = type,
		.data_len = len,
		.data_uptr = (uintptr_t)&bench->data,
		.fault_id = 99,
	};
	int ret = rig_ioctl(&bench->rig, IOMMU_HWPT_ALLOC, &cmd);

	bench->nested = cmd.out_hwpt_id;
	return ret;
}

static void bench_open(struct bench *bench)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_HWPT_ALLOC_NEST_PARENT |
			 IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
	};

	memset(bench, 0, sizeof(*bench));
	rig_open(&bench->rig);
	bench->ioas = rig_ioas(&bench->rig);
	bench->device = rig_bind(&bench->rig, &bench->group);
	assert_int_equal(rig_map_at(&bench->rig, bench->ioas, rig_memory,
				    32 * PAGE, BASE),
			 0);
	cmd.dev_id = uvf_iommufd_device_id(bench->device);
	cmd.pt_id = bench->ioas;
	assert_int_equal(rig_ioctl(&bench->rig, IOMMU_HWPT_ALLOC, &cmd), 0);
	bench->parent = cmd.out_hwpt_id;
	bench->data.pgtbl_addr = GPA(TOP);
	bench->data.addr_width = 48;
	memset(TABLE(TOP), 0, 8 * PAGE);
}

static void bench_close(struct bench *bench)
{
	uvf_iommufd_device_unbind(bench->device);
	rig_close(&bench->rig);
	for (unsigned int n = 0; n < 32; n++)
		memset(rig_memory + n * PAGE, (int)n + 1, PAGE);
}

static void attach_nested(struct bench *bench)
{
	assert_int_equal(alloc_nested(bench, 0, bench->parent,
				      IOMMU_HWPT_DATA_VTD_S1, 24),
			 0);
	assert_int_equal(rig_attach(bench->device, bench->nested), 0);
}

/* Shows M61. */
static void nesting_refuses_in_this_order(void **state)
{
	struct iommu_hwpt_alloc plain = {.size = sizeof(plain)};
	struct bench bench;
	uint32_t automatic;

	(void)state;
	bench_open(&bench);
	plain.dev_id = uvf_iommufd_device_id(bench.device);
	plain.pt_id = bench.ioas;
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_HWPT_ALLOC, &plain), 0);
	automatic = bench.ioas;
	assert_int_equal(uvf_iommufd_device_attach(bench.device, &automatic),
			 0);
	for (unsigned int bit = 0; bit < 32; bit++)
		if (bit != 2)
			assert_int_equal(alloc_nested(&bench, 1u << bit,
						      bench.parent, 7, 8),
					 -EOPNOTSUPP);
	assert_int_equal(alloc_nested(&bench, 0, bench.parent, 0, 0),
			 -EOPNOTSUPP);
	assert_int_equal(alloc_nested(&bench, 0, automatic, 7, 8), -EINVAL);
	assert_int_equal(alloc_nested(&bench, 0, plain.out_hwpt_id, 7, 8),
			 -EINVAL);
	assert_int_equal(alloc_nested(&bench, 0, bench.parent, 7, 8),
			 -EOPNOTSUPP);
	assert_int_equal(alloc_nested(&bench, 0, bench.parent, 1, 23), -EINVAL);
	assert_int_equal(alloc_nested(&bench, 0, bench.parent, 1, 25), -EINVAL);
	assert_int_equal(alloc_nested(&bench, IOMMU_HWPT_FAULT_ID_VALID,
				      bench.parent, 1, 24),
			 -ENOENT);
	assert_int_equal(alloc_nested(&bench, 0, bench.parent, 1, 24), 0);
	assert_int_equal(alloc_nested(&bench, 0, bench.nested, 1, 24), -EINVAL);
	bench_close(&bench);
}

/* Shows M48, M61. */
static void a_parent_stays_while_somebody_nests(void **state)
{
	struct bench bench;
	uint32_t first;

	(void)state;
	bench_open(&bench);
	attach_nested(&bench);
	first = bench.nested;
	assert_int_equal(alloc_nested(&bench, 0, bench.parent, 1, 24), 0);
	assert_int_equal(rig_destroy(&bench.rig, bench.parent), -EBUSY);
	assert_int_equal(rig_destroy(&bench.rig, bench.nested), 0);
	assert_int_equal(rig_destroy(&bench.rig, first), -EBUSY);
	assert_int_equal(rig_destroy(&bench.rig, bench.parent), -EBUSY);
	uvf_iommufd_device_detach(bench.device);
	assert_int_equal(rig_destroy(&bench.rig, first), 0);
	assert_int_equal(rig_destroy(&bench.rig, bench.parent), 0);
	bench_close(&bench);
}

/* What no hardware of ours can walk is found when a device comes. */
static void a_table_that_cannot_be_walked_takes_no_device(void **state)
{
	static const struct {
		uint32_t width;
		uint64_t flags;
		int ret;
	} cases[] = {
		{0, 0, -EINVAL},
		{39, 0, -EINVAL},
		{57, 0, -EINVAL},
		{48, IOMMU_VTD_S1_EAFE, -EINVAL},
		{48, IOMMU_VTD_S1_SRE | IOMMU_VTD_S1_WPE, 0},
	};
	struct bench bench;

	(void)state;
	bench_open(&bench);
	assert_int_equal(rig_attach(bench.device, bench.ioas), 0);
	for (unsigned int i = 0; i < 5; i++) {
		bench.data.addr_width = cases[i].width;
		bench.data.flags = cases[i].flags;
		assert_int_equal(alloc_nested(&bench, 0, bench.parent, 1, 24),
				 0);
		assert_int_equal(rig_attach(bench.device, bench.nested),
				 cases[i].ret);
		assert_int_equal(rig_read(&bench.group, BASE),
				 cases[i].ret ? 1 : -EFAULT);
	}
	bench_close(&bench);
}

/* Tables for IOVA 0 on, a page each. */
static void fill_tables(void)
{
	TABLE(TOP)[0] = GPA(TOP + 1) | P | W | U;
	TABLE(TOP + 1)[0] = GPA(TOP + 2) | P | W | U;
	TABLE(TOP + 2)[0] = GPA(TOP + 3) | P | W | U;
	for (unsigned int n = 0; n < 8; n++)
		TABLE(TOP + 3)[n] = GPA(n) | P | W | U;
}

static void addresses_are_translated_twice(void **state)
{
	struct bench bench;
	uint8_t bytes[3 * PAGE];
	size_t done;

	(void)state;
	bench_open(&bench);
	fill_tables();
	attach_nested(&bench);
	/* Backward, so that nothing is by chance where it was. */
	for (unsigned int n = 0; n < 8; n++)
		TABLE(TOP + 3)[n] = GPA(7 - n) | P | W | U;
	for (unsigned int n = 0; n < 8; n++)
		assert_int_equal(rig_read(&bench.group, n * PAGE + 5), 8 - n);
	assert_int_equal(rig_read(&bench.group, 8 * PAGE), -EFAULT);
	assert_int_equal(uvf_aspace_read(bench.group.as, PAGE - 8, bytes,
					 PAGE + 16, &done),
			 0);
	assert_int_equal(bytes[0], 8);
	assert_int_equal(bytes[8], 7);
	assert_int_equal(bytes[PAGE + 8], 6);
	assert_int_equal(uvf_aspace_read(bench.group.as, 6 * PAGE + 100, bytes,
					 3 * PAGE, &done),
			 -EFAULT);
	assert_int_equal(done, 2 * PAGE - 100);
	/* The table lies past what the parent maps. */
	TABLE(TOP)[1] = GPA(32) | P | W | U;
	assert_int_equal(rig_read(&bench.group, 1ull << 39), -EFAULT);
	/* So does the page. */
	TABLE(TOP + 3)[100] = GPA(32) | P | W | U;
	assert_int_equal(rig_read(&bench.group, 100 * PAGE), -EFAULT);
	/* The last address that has one, and those between. */
	assert_int_equal(rig_read(&bench.group, 1ull << 47), -EFAULT);
	TABLE(TOP)[511] = GPA(TOP + 1) | P | W | U;
	assert_int_equal(rig_read(&bench.group, 0xffffff8000000000), 8);
	assert_int_equal(rig_read(&bench.group, 0x0000ff8000000000), -EFAULT);
	bench_close(&bench);
}

static void rights_are_those_of_all_levels(void **state)
{
	static const uint64_t lacks[] = {P, W, U};
	struct bench bench;
	uint8_t byte = 0x77;

	(void)state;
	bench_open(&bench);
	fill_tables();
	attach_nested(&bench);
	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int level = 0; level < 4; level++) {
			struct iommu_hwpt_vtd_s1_invalidate all = {
				.npages = UINT64_MAX,
			};
			struct iommu_hwpt_invalidate cmd = {
				.size = sizeof(cmd),
				.hwpt_id = bench.nested,
				.data_uptr = (uintptr_t)&all,
				.entry_len = sizeof(all),
				.entry_num = 1,
			};

			TABLE(TOP + level)[0] &= ~lacks[i];
			assert_int_equal(rig_ioctl(&bench.rig,
						   IOMMU_HWPT_INVALIDATE, &cmd),
					 0);
			assert_int_equal(uvf_aspace_write(bench.group.as, 9,
							  &byte, 1, NULL),
					 -EFAULT);
			assert_int_equal(rig_read(&bench.group, 9),
					 lacks[i] == W ? 1 : -EFAULT);
			TABLE(TOP + level)[0] |= lacks[i];
			assert_int_equal(rig_ioctl(&bench.rig,
						   IOMMU_HWPT_INVALIDATE, &cmd),
					 0);
			assert_int_equal(uvf_aspace_write(bench.group.as, 9,
							  &byte, 1, NULL),
					 0);
			assert_int_equal(rig_memory[9], 0x77);
			rig_memory[9] = 1;
		}
	}
	bench_close(&bench);
}

static void large_pages_lie_on_their_size(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench);
	fill_tables();
	/* 2 MiB at 0: the memory of the rig is at 1 MiB in it. */
	TABLE(TOP + 2)[1] = 0 | L | P | U;
	TABLE(TOP + 2)[2] = PAGE | L | P | U;
	TABLE(TOP + 1)[1] = 0 | L | P | U;
	TABLE(TOP + 1)[2] = 0x200000 | L | P | U;
	TABLE(TOP)[1] = 0 | L | P | U;
	attach_nested(&bench);
	assert_int_equal(rig_read(&bench.group, 0x200000 + GPA(3)), 4);
	assert_int_equal(rig_read(&bench.group, 0x400000 + GPA(3)), -EFAULT);
	assert_int_equal(rig_read(&bench.group, 0x40000000 + GPA(4)), 5);
	assert_int_equal(rig_read(&bench.group, 0x80000000 + GPA(4)), -EFAULT);
	assert_int_equal(rig_read(&bench.group, (1ull << 39) + GPA(4)),
			 -EFAULT);
	bench_close(&bench);
}

static int invalidate(struct bench *bench, const void *data, uint32_t len,
		      uint32_t *num)
{
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = bench->nested,
		.data_uptr = (uintptr_t)data,
		.entry_len = len,
		.entry_num = *num,
	};
	int ret = rig_ioctl(&bench->rig, IOMMU_HWPT_INVALIDATE, &cmd);

	*num = cmd.entry_num;
	return ret;
}

/* Shows M61. */
static void what_was_found_stays_until_it_is_invalidated(void **state)
{
	struct iommu_hwpt_vtd_s1_invalidate entry = {.npages = 1};
	struct bench bench;
	uint32_t one = 1;

	(void)state;
	bench_open(&bench);
	fill_tables();
	attach_nested(&bench);
	assert_int_equal(rig_read(&bench.group, 0), 1);
	TABLE(TOP + 3)[0] = GPA(5) | P | W | U;
	assert_int_equal(rig_read(&bench.group, 0), 1);
	assert_int_equal(invalidate(&bench, &entry, sizeof(entry), &one), 0);
	assert_int_equal(rig_read(&bench.group, 0), 6);
	/* What is unmapped below is gone at once. */
	one = 1;
	assert_int_equal(
		rig_unmap(&bench.rig, bench.ioas, BASE, &(uint64_t){32 * PAGE}),
		0);
	assert_int_equal(rig_read(&bench.group, 0), -EFAULT);
	bench_close(&bench);
}

/* Shows M61. */
static void invalidate_counts_what_it_did(void **state)
{
	struct iommu_hwpt_vtd_s1_invalidate entries[4] = {
		{0, UINT64_MAX, 0, 0}, {PAGE, 1, 1, 0}, {0, 2, 0, 0}};
	struct iommu_hwpt_invalidate cmd = {.size = sizeof(cmd)};
	struct bench bench;
	uint32_t num;

	(void)state;
	bench_open(&bench);
	attach_nested(&bench);
	cmd.hwpt_id = bench.parent;
	cmd.entry_num = 7;
	cmd.reserved = 1;
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_HWPT_INVALIDATE, &cmd),
			 -EOPNOTSUPP);
	assert_int_equal(cmd.entry_num, 0);
	cmd.reserved = 0;
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_HWPT_INVALIDATE, &cmd),
			 -ENOENT);
	/* Whether a type is known can be asked without entries. */
	cmd.hwpt_id = bench.nested;
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_HWPT_INVALIDATE, &cmd), 0);
	cmd.data_type = 1;
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_HWPT_INVALIDATE, &cmd),
			 -EINVAL);
	num = 1;
	assert_int_equal(invalidate(&bench, NULL, 24, &num), -EINVAL);
	num = 1;
	assert_int_equal(invalidate(&bench, entries, 0, &num), -EINVAL);
	num = 1;
	assert_int_equal(invalidate(&bench, entries, 4097, &num), -EINVAL);
	num = (1u << 19) + 1;
	assert_int_equal(invalidate(&bench, entries, 24, &num), -EINVAL);
	assert_int_equal(num, 0);
	num = 1;
	assert_int_equal(invalidate(&bench, entries, 23, &num), -EINVAL);
	num = 1;
	assert_int_equal(invalidate(&bench, entries, 25, &num), -EINVAL);
	num = 3;
	assert_int_equal(invalidate(&bench, entries, 24, &num), 0);
	assert_int_equal(num, 3);
	/* The third is wrong, each time in another way. */
	for (unsigned int i = 0; i < 4; i++) {
		entries[2] = (struct iommu_hwpt_vtd_s1_invalidate){
			i == 0   ? 1
			: i == 1 ? PAGE
				 : 0,
			UINT64_MAX, i == 2 ? 2 : 0, i == 3};
		num = 4;
		assert_int_equal(invalidate(&bench, entries, 24, &num),
				 i < 2 ? -EINVAL : -EOPNOTSUPP);
		assert_int_equal(num, 2);
	}
	num = 1;
	assert_int_equal(invalidate(&bench, (void *)8, 24, &num), -EFAULT);
	assert_int_equal(num, 0);
	bench_close(&bench);
}

/* Shows M62. */
static void writes_through_both_stages_are_dirty_in_the_parent(void **state)
{
	struct iommu_hwpt_set_dirty_tracking set = {.size = sizeof(set),
						    .flags = 1};
	struct iommu_hwpt_get_dirty_bitmap get = {.size = sizeof(get)};
	struct bench bench;
	uint64_t bits = 0;
	uint8_t byte = 6;

	(void)state;
	bench_open(&bench);
	fill_tables();
	attach_nested(&bench);
	set.hwpt_id = bench.nested;
	assert_int_equal(
		rig_ioctl(&bench.rig, IOMMU_HWPT_SET_DIRTY_TRACKING, &set),
		-ENOENT);
	set.hwpt_id = bench.parent;
	assert_int_equal(
		rig_ioctl(&bench.rig, IOMMU_HWPT_SET_DIRTY_TRACKING, &set), 0);
	TABLE(TOP + 3)[0] = GPA(5) | P | W | U;
	assert_int_equal(uvf_aspace_write(bench.group.as, 0, &byte, 1, NULL),
			 0);
	get.hwpt_id = bench.parent;
	get.iova = BASE;
	get.length = 32 * PAGE;
	get.page_size = PAGE;
	get.data = (uintptr_t)&bits;
	assert_int_equal(
		rig_ioctl(&bench.rig, IOMMU_HWPT_GET_DIRTY_BITMAP, &get), 0);
	assert_int_equal(bits, 1u << 5);
	bench_close(&bench);
}

static void without_memory_there_is_no_nesting(void **state)
{
	struct bench bench;
	unsigned long nth = 0;
	int ret;

	(void)state;
	bench_open(&bench);
	do {
		uvf_alloc_fail_nth(++nth);
		ret = alloc_nested(&bench, 0, bench.parent, 1, 24);
		uvf_alloc_fail_nth(0);
		if (ret) {
			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(rig_destroy(&bench.rig, 4), -ENOENT);
		}
	} while (ret);
	assert_int_equal(nth, 4);
	assert_int_equal(bench.nested, 4);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting_refuses_in_this_order),
		cmocka_unit_test(a_parent_stays_while_somebody_nests),
		cmocka_unit_test(a_table_that_cannot_be_walked_takes_no_device),
		cmocka_unit_test(addresses_are_translated_twice),
		cmocka_unit_test(rights_are_those_of_all_levels),
		cmocka_unit_test(large_pages_lie_on_their_size),
		cmocka_unit_test(what_was_found_stays_until_it_is_invalidated),
		cmocka_unit_test(invalidate_counts_what_it_did),
		cmocka_unit_test(
			writes_through_both_stages_are_dirty_in_the_parent),
		cmocka_unit_test(without_memory_there_is_no_nesting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups behind different IOMMUs in one type1 container: what may join, what
 * is valid then, and that all devices see the same.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/account.h"
#include "iommu/translate.h"

#define A            0x100000ull
#define LEN          (4 * PAGE)
#define HIGH         (1ull << 40)
#define MSI_FIRST    0xfee00000ull
#define MSI_LAST     0xfeefffffull
#define LAST(bits)   ((1ull << (bits)) - 1)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An IOMMU like the host's, for a test to change. */
static struct uvf_iommu_hw like_host(void)
{
	struct uvf_iommu_hw hw;

	uvf_iommu_hw_init(&hw, &rig_host);
	return hw;
}

static void reserve(struct uvf_iommu_hw *hw, uint64_t first, uint64_t last,
		    enum uvf_resv_type type)
{
	hw->resv[hw->resv_count++] = (struct uvf_resv){{first, last}, type};
}

static void expect_valid(struct rig *rig, const struct uvf_range *ranges,
			 unsigned int count)
{
	struct uvf_range now[RIG_RANGES];

	assert_int_equal(rig_valid(rig, now), count);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(now[i].first, ranges[i].first);
		assert_int_equal(now[i].last, ranges[i].last);
	}
}

static void detach(struct rig *rig, struct uvf_iommu_member *member)
{
	rig->backend->detach_group(rig->state, member);
}

static int extension(struct rig *rig, unsigned long which)
{
	return rig->backend->check_extension(rig->state, &rig->host, which);
}

static bool sees(struct uvf_aspace *as, uint64_t iova)
{
	uint8_t byte;

	return !uvf_aspace_read(as, iova, &byte, 1, NULL);
}

/* Shows M36. */
static void groups_behind_equal_iommus_share_tables(void **state)
{
	struct uvf_iommu_hw equal = like_host(), wider = like_host();
	struct uvf_iommu_member second, third;
	struct uvf_aspace *as;
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	rig_member(&second, &equal);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	assert_ptr_equal(as, rig.as);
	/* Tables of 48 bits do for one that can 57. */
	wider.aperture.last = LAST(57);
	rig_member(&third, &wider);
	assert_int_equal(rig_attach(&rig, &third, &as), 0);
	assert_ptr_equal(as, rig.as);
	detach(&rig, &third);
	detach(&rig, &second);
	rig_close(&rig);
}

/* Shows M36. */
static void a_group_behind_another_iommu_sees_the_same(void **state)
{
	struct uvf_iommu_hw amd = like_host();
	struct uvf_iommu_member second;
	struct uvf_aspace *as;
	uint64_t size = LEN;
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	amd.vendor = UVF_IOMMU_AMD;
	rig_member(&second, &amd);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	assert_ptr_not_equal(as, rig.as);
	/* What was mapped before, and what is mapped after. */
	assert_int_equal(rig_map(&rig, RW, rig_memory + LEN, A + LEN, LEN), 0);
	assert_int_equal(uvf_aspace_write(as, A + LEN - 2, "abcd", 4, NULL), 0);
	assert_memory_equal(rig_memory + LEN - 2, "abcd", 4);
	assert_true(sees(rig.as, A + LEN));
	/* An unmap takes it from both. */
	assert_int_equal(rig_unmap(&rig, 0, A, &size), 0);
	assert_false(sees(as, A));
	assert_false(sees(rig.as, A));
	assert_true(sees(as, A + LEN));
	/* The one that is left goes on. */
	detach(&rig, &rig.member);
	assert_true(sees(as, A + LEN));
	assert_int_equal(rig_available(&rig), 65534);
	assert_int_equal(rig_attach(&rig, &rig.member, &rig.as), 0);
	assert_true(sees(rig.as, A + LEN));
	detach(&rig, &second);
	rig_close(&rig);
}

/* Tables of the one cannot say write-only, those of the other can. */
static void each_iommu_has_its_own_rights(void **state)
{
	struct uvf_iommu_host host = rig_host;
	struct uvf_iommu_hw strict = like_host();
	struct uvf_iommu_member second;
	struct uvf_aspace *as;
	struct rig rig;

	(void)state;
	host.write_implies_read = true;
	rig_open_on(&rig, VFIO_TYPE1v2_IOMMU, NULL, &host);
	assert_int_equal(
		rig_map(&rig, VFIO_DMA_MAP_FLAG_WRITE, rig_memory, A, PAGE), 0);
	rig_member(&second, &strict);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	assert_true(sees(rig.as, A));
	assert_false(sees(as, A));
	assert_int_equal(uvf_aspace_write(as, A, "x", 1, NULL), 0);
	detach(&rig, &second);
	rig_close(&rig);
}

/* Shows M13, M37, M39. */
static void apertures_and_reserved_ranges_narrow_and_widen(void **state)
{
	const struct uvf_range alone[] = {{0, MSI_FIRST - 1},
					  {MSI_LAST + 1, LAST(48)}};
	const struct uvf_range both[] = {{0, 0xffff},
					 {0x20000, MSI_FIRST - 1},
					 {MSI_LAST + 1, LAST(39)}};
	struct uvf_iommu_hw narrow = like_host();
	struct uvf_iommu_member second;
	struct uvf_aspace *as;
	uint64_t size = PAGE;
	struct rig rig;

	(void)state;
	narrow.aperture.last = LAST(39);
	reserve(&narrow, 0x10000, 0x1ffff, UVF_RESV_DIRECT);
	reserve(&narrow, 0x30000, 0x3ffff, UVF_RESV_DIRECT_RELAXABLE);
	rig_member(&second, &narrow);
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	expect_valid(&rig, alone, 2);
	/* A mapping beyond the aperture, then one in the reserved range. */
	assert_int_equal(rig_map(&rig, RW, rig_memory, HIGH, PAGE), 0);
	assert_int_equal(rig_attach(&rig, &second, &as), -EINVAL);
	assert_int_equal(rig_unmap(&rig, 0, HIGH, &size), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, 0x1f000, PAGE), 0);
	assert_int_equal(rig_attach(&rig, &second, &as), -EINVAL);
	expect_valid(&rig, alone, 2);
	assert_true(rig_is_mapped(&rig, 0x1f000));
	assert_int_equal(rig_unmap(&rig, 0, 0x1f000, &size), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, 0x30000, PAGE), 0);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	expect_valid(&rig, both, 3);
	assert_int_equal(rig_map(&rig, RW, rig_memory, HIGH, PAGE), -EINVAL);
	assert_int_equal(rig_map(&rig, RW, rig_memory, 0x10000, PAGE), -EINVAL);
	assert_int_equal(rig_map(&rig, RW, rig_memory, 0xf000, 2 * PAGE),
			 -EINVAL);
	assert_int_equal(rig_map(&rig, RW, rig_memory, 0xf000, PAGE), 0);
	assert_int_equal(
		rig_map(&rig, RW, rig_memory, LAST(39) + 1 - PAGE, PAGE), 0);
	detach(&rig, &second);
	expect_valid(&rig, alone, 2);
	assert_int_equal(rig_map(&rig, RW, rig_memory, HIGH, PAGE), 0);
	rig_close(&rig);
}

/* Two that touch stay two, and nothing may lie across. */
static void ranges_that_touch_are_not_joined(void **state)
{
	const struct uvf_range touching[] = {{0, 0xffff}, {0x11000, LAST(48)}};
	struct uvf_iommu_host host = rig_host;
	struct uvf_iommu_hw hw = like_host();
	struct uvf_iommu_member member;
	struct rig rig;

	(void)state;
	hw.resv_count = 0;
	reserve(&hw, 0x10000, 0x10fff, UVF_RESV_RESERVED);
	rig_member(&member, &hw);
	rig_open_bare(&rig, VFIO_TYPE1v2_IOMMU, NULL, &host);
	assert_int_equal(rig_attach(&rig, &member, &rig.as), 0);
	expect_valid(&rig, touching, 2);
	detach(&rig, &member);
	rig_close_bare(&rig);
}

/* Shows M37. */
static void apertures_that_do_not_meet_are_refused(void **state)
{
	struct uvf_iommu_hw apart = like_host(), full = like_host();
	struct uvf_iommu_member second;
	struct uvf_aspace *as;
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	apart.aperture = (struct uvf_range){1ull << 50, LAST(52)};
	rig_member(&second, &apart);
	assert_int_equal(rig_attach(&rig, &second, &as), -EINVAL);
	/* One that reserves all there is. */
	reserve(&full, 0, UINT64_MAX, UVF_RESV_RESERVED);
	rig_member(&second, &full);
	assert_int_equal(rig_attach(&rig, &second, &as), -EINVAL);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	rig_close(&rig);
}

static void page_sizes_are_those_that_all_have(void **state)
{
	struct uvf_iommu_hw large = like_host(), tiny = like_host();
	struct uvf_iommu_member second;
	struct uvf_aspace *as;
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	assert_int_equal(rig_page_sizes(&rig), 0x40201000);
	large.page_sizes = 0x40200000;
	rig_member(&second, &large);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	assert_int_equal(rig_page_sizes(&rig), 0x40200000);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, PAGE), -EINVAL);
	detach(&rig, &second);
	assert_int_equal(rig_page_sizes(&rig), 0x40201000);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, PAGE), 0);
	detach(&rig, &rig.member);
	/* Pages below the processor's pass for the processor's. */
	tiny.page_sizes = 0x200800;
	rig_member(&second, &tiny);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	assert_int_equal(rig_page_sizes(&rig), 0x201000);
	detach(&rig, &second);
	assert_int_equal(rig_attach(&rig, &rig.member, &rig.as), 0);
	rig_close(&rig);
}

/* Shows M7. */
static void dma_is_coherent_when_all_iommus_make_it(void **state)
{
	struct uvf_iommu_hw coherent = like_host();
	struct uvf_iommu_member second;
	struct uvf_aspace *as;
	struct rig rig;

	(void)state;
	coherent.enforces_coherency = true;
	rig_member(&second, &coherent);
	rig_open_bare(&rig, VFIO_TYPE1v2_IOMMU, NULL, &rig_host);
	assert_int_equal(extension(&rig, VFIO_DMA_CC_IOMMU), 1);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	assert_int_equal(extension(&rig, VFIO_DMA_CC_IOMMU), 1);
	assert_int_equal(rig_attach(&rig, &rig.member, &rig.as), 0);
	assert_ptr_not_equal(as, rig.as);
	assert_int_equal(extension(&rig, VFIO_DMA_CC_IOMMU), 0);
	detach(&rig, &second);
	rig_close(&rig);
}

static void devices_that_forge_interrupts_need_a_permission(void **state)
{
	struct uvf_iommu_host host = rig_host;
	atomic_bool allowed = false;
	struct rig rig;

	(void)state;
	host.has_unsafe_interrupts = true;
	host.allow_unsafe_interrupts = &allowed;
	rig_open_bare(&rig, VFIO_TYPE1_IOMMU, NULL, &host);
	assert_int_equal(rig_attach(&rig, &rig.member, &rig.as), -EPERM);
	assert_int_equal(rig_valid(&rig, NULL), 0);
	atomic_store(&allowed, true);
	assert_int_equal(rig_attach(&rig, &rig.member, &rig.as), 0);
	rig_close(&rig);
}

/* Shows M6. */
static void the_limit_of_mappings_is_that_of_the_creation(void **state)
{
	struct uvf_iommu_host host = rig_host;
	atomic_uint limit = 2;
	uint64_t size = PAGE;
	struct rig rig;

	(void)state;
	host.dma_entry_limit = &limit;
	rig_open_on(&rig, VFIO_TYPE1v2_IOMMU, NULL, &host);
	atomic_store(&limit, 100);
	assert_int_equal(rig_available(&rig), 2);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, PAGE), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, PAGE), -EEXIST);
	assert_int_equal(rig_available(&rig), 1);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A + PAGE, PAGE), 0);
	assert_int_equal(rig_available(&rig), 0);
	/* It is looked at after an overlap, before the apertures. */
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, PAGE), -EEXIST);
	assert_int_equal(rig_map(&rig, RW, rig_memory, MSI_FIRST, PAGE),
			 -ENOSPC);
	assert_int_equal(rig_unmap(&rig, 0, A, &size), 0);
	assert_int_equal(rig_available(&rig), 1);
	assert_int_equal(rig_map(&rig, RW, rig_memory, MSI_FIRST, PAGE),
			 -EINVAL);
	rig_close(&rig);
}

/* A host whose window lies at an edge of the aperture, or beyond it. */
/* Shows M4. */
static void valid_ranges_follow_the_host(void **state)
{
	static const struct {
		unsigned int bits;
		struct uvf_range window;
		uint64_t good, bad;
	} rows[] = {
		{31, {0xfee00000, 0xfeefffff}, 0x7ffff000, 0x80000000},
		{48, {0, 0}, 0xfee00000, 1ull << 48},
		{48, {0, 0xfff}, 0x1000, 0},
		{40, {0xfffffff000, 0xffffffffff}, 0xffffffe000, 0xfffffff000},
		{64, {0xfee00000, 0xfeefffff}, -PAGE, 0xfee00000},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct uvf_iommu_host host = rig_host;

		host.aperture_bits = rows[i].bits;
		host.msi_window = rows[i].window;
		rig_open_on(&rig, VFIO_TYPE1v2_IOMMU, "6.12", &host);
		assert_int_equal(
			rig_map(&rig, RW, rig_memory, rows[i].good, PAGE), 0);
		assert_int_equal(
			rig_map(&rig, RW, rig_memory, rows[i].bad, PAGE),
			-EINVAL);
		assert_true(rig_is_mapped(&rig, rows[i].good + PAGE - 1));
		rig_close(&rig);
	}
}

/* All that can be seen of two groups and their mappings. */
static void expect_two_mappings(struct rig *rig)
{
	assert_int_equal(rig_available(rig), 65533);
	assert_true(sees(rig->as, A));
	assert_true(sees(rig->as, HIGH));
	assert_int_equal(uvf_account_pages(rig->caller.mm), 5);
}

/* Shows M36, and that a failure leaves no trace. */
static void an_attach_that_fails_changes_nothing(void **state)
{
	struct uvf_iommu_hw amd = like_host();
	struct uvf_iommu_member second;
	struct uvf_aspace *as;
	unsigned long nth = 0;
	struct rig rig;
	int ret;

	(void)state;
	amd.vendor = UVF_IOMMU_AMD;
	reserve(&amd, 0x10000, 0x1ffff, UVF_RESV_RESERVED);
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, HIGH, PAGE), 0);
	do {
		struct uvf_range ranges[RIG_RANGES];

		rig_member(&second, &amd);
		uvf_alloc_fail_nth(++nth);
		ret = rig_attach(&rig, &second, &as);
		uvf_alloc_fail_nth(0);
		assert_true(!ret || ret == -ENOMEM);
		assert_int_equal(rig_valid(&rig, ranges), ret ? 2 : 3);
		expect_two_mappings(&rig);
	} while (ret);
	/* The domain, its tables, the ranges and two mappings. */
	assert_true(nth > 8);
	assert_true(sees(as, A) && sees(as, HIGH));
	detach(&rig, &second);
	rig_close(&rig);
}

/* Three sets of tables: all have a mapping, or none. */
static void a_map_that_fails_is_in_no_table(void **state)
{
	struct uvf_iommu_hw hws[2] = {like_host(), like_host()};
	struct uvf_iommu_member members[2];
	struct uvf_aspace *as[2];
	unsigned long nth = 0;
	struct rig rig;
	int ret;

	(void)state;
	hws[0].vendor = UVF_IOMMU_AMD;
	hws[1].enforces_coherency = true;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	for (size_t i = 0; i < 2; i++) {
		rig_member(&members[i], &hws[i]);
		assert_int_equal(rig_attach(&rig, &members[i], &as[i]), 0);
	}
	do {
		uvf_alloc_fail_nth(++nth);
		ret = rig_map(&rig, RW, rig_memory, HIGH, LEN);
		uvf_alloc_fail_nth(0);
		assert_true(!ret || ret == -ENOMEM);
		assert_int_equal(sees(rig.as, HIGH), !ret);
		assert_int_equal(sees(as[0], HIGH), !ret);
		assert_int_equal(sees(as[1], HIGH), !ret);
		assert_int_equal(uvf_account_pages(rig.caller.mm), ret ? 0 : 4);
		assert_int_equal(rig_available(&rig), ret ? 65535 : 65534);
	} while (ret);
	assert_true(nth > 5);
	detach(&rig, &members[0]);
	detach(&rig, &members[1]);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_behind_equal_iommus_share_tables),
		cmocka_unit_test(a_group_behind_another_iommu_sees_the_same),
		cmocka_unit_test(each_iommu_has_its_own_rights),
		cmocka_unit_test(
			apertures_and_reserved_ranges_narrow_and_widen),
		cmocka_unit_test(ranges_that_touch_are_not_joined),
		cmocka_unit_test(apertures_that_do_not_meet_are_refused),
		cmocka_unit_test(valid_ranges_follow_the_host),
		cmocka_unit_test(page_sizes_are_those_that_all_have),
		cmocka_unit_test(dma_is_coherent_when_all_iommus_make_it),
		cmocka_unit_test(
			devices_that_forge_interrupts_need_a_permission),
		cmocka_unit_test(the_limit_of_mappings_is_that_of_the_creation),
		cmocka_unit_test(an_attach_that_fails_changes_nothing),
		cmocka_unit_test(a_map_that_fails_is_in_no_table),
	};

	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}

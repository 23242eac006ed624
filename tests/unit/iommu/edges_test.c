/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MAP_DMA and UNMAP_DMA where addresses end, where memory ends, and in
 * numbers.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "iommu/translate.h"

#define R            VFIO_DMA_MAP_FLAG_READ
#define W            VFIO_DMA_MAP_FLAG_WRITE
#define ALL          VFIO_DMA_UNMAP_FLAG_ALL
#define VADDR        VFIO_DMA_UNMAP_FLAG_VADDR
#define A            0x100000ull
#define LEN          (4 * PAGE)
#define TOP          (-PAGE)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const unsigned long types[] = {VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU};

/* A host whose addresses end at 2^64. */
static void open_full(struct rig *rig, unsigned long type, const char *abi)
{
	struct uvf_iommu_host host = rig_host;

	host.aperture_bits = 64;
	rig_open_on(rig, type, abi, &host);
}

static int unmap(struct rig *rig, uint32_t flags, uint64_t iova, uint64_t size)
{
	return rig_unmap(rig, flags, iova, &size);
}

/* Shows M10. Flips type1_knows_overflow. */
static void a_range_that_wraps_is_told_from_others_by_profile(void **state)
{
	static const struct {
		const char *abi;
		int ret;
	} rows[] = {{"6.1", -EINVAL}, {"6.12", -EINVAL}, {"6.19", -EOVERFLOW}};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		rig_open(&rig, VFIO_TYPE1v2_IOMMU, rows[i].abi);
		assert_int_equal(rig_map(&rig, RW, rig_memory, TOP, 2 * PAGE),
				 rows[i].ret);
		assert_int_equal(rig_map(&rig, RW, (void *)TOP, A, 2 * PAGE),
				 rows[i].ret);
		assert_int_equal(unmap(&rig, 0, TOP, 2 * PAGE), rows[i].ret);
		/* Before rights and alignment, where it is looked at so early.
		 */
		assert_int_equal(rig_map(&rig, 0, rig_memory, TOP, 2 * PAGE),
				 rows[i].ret);
		assert_int_equal(rig_map(&rig, RW, rig_memory, TOP + 1, -1ull),
				 rows[i].ret);
		assert_int_equal(rig_map(&rig, RW, rig_memory, TOP, 0),
				 -EINVAL);
		assert_int_equal(rig_map(&rig, RW, (void *)TOP, A, PAGE),
				 -EFAULT);
		rig_close(&rig);
	}
}

/* Shows M11. */
static void the_last_page_of_all_is_like_any_other(void **state)
{
	uint64_t size = PAGE;
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		open_full(&rig, types[i], "6.19");
		assert_int_equal(rig_map(&rig, RW, rig_memory, TOP, PAGE), 0);
		assert_int_equal(rig_map(&rig, RW, rig_memory, TOP, PAGE),
				 -EEXIST);
		assert_int_equal(uvf_aspace_write(rig.as, -1ull, "x", 1, NULL),
				 0);
		assert_int_equal(rig_memory[PAGE - 1], 'x');
		assert_int_equal(unmap(&rig, 0, TOP, 2 * PAGE), -EOVERFLOW);
		size = PAGE;
		assert_int_equal(rig_unmap(&rig, 0, TOP, &size), 0);
		assert_int_equal(size, PAGE);
		assert_false(rig_is_mapped(&rig, -1ull));
		assert_int_equal(rig_map(&rig, RW, rig_memory, TOP, PAGE), 0);
		size = 0;
		assert_int_equal(rig_unmap(&rig, ALL, 0, &size), 0);
		assert_int_equal(size, PAGE);
		assert_int_equal(rig_available(&rig), 65535);
		rig_close(&rig);
	}
}

/* A range that ends there finds nothing up to 6.17, however low it begins. */
static void a_range_up_to_the_end_is_empty_before_6_18(void **state)
{
	uint64_t size = -A;
	struct rig rig;

	(void)state;
	open_full(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig_unmap(&rig, 0, A, &size), 0);
	assert_int_equal(size, 0);
	assert_true(rig_is_mapped(&rig, A));
	rig_close(&rig);
	open_full(&rig, VFIO_TYPE1v2_IOMMU, "6.19");
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	size = -A;
	assert_int_equal(rig_unmap(&rig, 0, A, &size), 0);
	assert_int_equal(size, LEN);
	rig_close(&rig);
}

/* Shows M14. */
static void memory_that_is_not_all_there_is_not_mapped(void **state)
{
	static const struct {
		int prot;
		uint32_t flags;
		int ret;
	} rows[] = {
		{PROT_NONE, R, -EFAULT},  {PROT_NONE, W, -EFAULT},
		{PROT_READ, R, 0},        {PROT_READ, W, -EFAULT},
		{PROT_READ, RW, -EFAULT}, {PROT_READ | PROT_WRITE, RW, 0},
	};
	uint8_t *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	memset(p, 1, LEN);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(mprotect(p + 2 * PAGE, PAGE, rows[i].prot), 0);
		assert_int_equal(rig_map(&rig, rows[i].flags, p, A, LEN),
				 rows[i].ret);
		assert_int_equal(rig_available(&rig),
				 rows[i].ret ? 65535 : 65534);
		assert_int_equal(unmap(&rig, ALL, 0, 0), 0);
	}
	munmap(p + PAGE, PAGE);
	assert_int_equal(rig_map(&rig, R, p, A, LEN), -EFAULT);
	assert_false(rig_is_mapped(&rig, A));
	assert_int_equal(rig_map(&rig, R, p, A, PAGE), 0);
	rig_close(&rig);
	munmap(p, LEN);
}

/* Shows M16. */
static void the_same_memory_at_two_addresses_is_one(void **state)
{
	struct rig rig;
	char text[5] = "";

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A + LEN, LEN), 0);
	assert_int_equal(uvf_aspace_write(rig.as, A + 9, "both", 4, NULL), 0);
	assert_int_equal(uvf_aspace_read(rig.as, A + LEN + 9, text, 4, NULL),
			 0);
	assert_string_equal(text, "both");
	assert_int_equal(unmap(&rig, 0, A, LEN), 0);
	assert_int_equal(uvf_aspace_read(rig.as, A + LEN + 9, text, 4, NULL),
			 0);
	rig_close(&rig);
}

/* Shows M21, M25. */
static void thousands_of_pages_go_in_any_order(void **state)
{
	const uint64_t count = 4096, step = 1025; /* no common factor */
	uint64_t size, at = 0;
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < count; i++)
			assert_int_equal(rig_map(&rig, RW, rig_memory,
						 A + i * PAGE, PAGE),
					 0);
		for (uint64_t i = 0; i < count && !round; i++) {
			size = PAGE;
			at = (at + step) % count;
			assert_int_equal(
				rig_unmap(&rig, 0, A + at * PAGE, &size), 0);
			assert_int_equal(size, PAGE);
			assert_false(rig_is_mapped(&rig, A + at * PAGE));
			assert_int_equal(rig_available(&rig),
					 65535 - count + i + 1);
		}
	}
	size = 0;
	assert_int_equal(rig_unmap(&rig, ALL, 0, &size), 0);
	assert_int_equal(size, count * PAGE);
	assert_int_equal(rig_available(&rig), 65535);
	rig_close(&rig);
}

/* Shows M26. */
static void half_of_a_large_mapping_goes_as_the_version_has_it(void **state)
{
	const uint64_t half = 1ull << 20;
	uint8_t *p = mmap(NULL, 2 * half, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t size;
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		bool is_v2 = types[i] == VFIO_TYPE1v2_IOMMU;

		rig_open(&rig, types[i], NULL);
		assert_int_equal(rig_map(&rig, RW, p, 2 * half, 2 * half), 0);
		size = half;
		assert_int_equal(rig_unmap(&rig, 0, 3 * half, &size),
				 is_v2 ? -EINVAL : 0);
		assert_int_equal(size, is_v2 ? half : 0);
		assert_true(rig_is_mapped(&rig, 2 * half));
		assert_true(rig_is_mapped(&rig, 4 * half - 1));
		size = half;
		assert_int_equal(rig_unmap(&rig, 0, 2 * half, &size),
				 is_v2 ? -EINVAL : 0);
		assert_int_equal(size, is_v2 ? half : 2 * half);
		assert_int_equal(rig_is_mapped(&rig, 4 * half - 1), is_v2);
		rig_close(&rig);
	}
	munmap(p, 2 * half);
}

/* Shows M29. */
static void an_invalid_mapping_keeps_groups_out_until_it_goes(void **state)
{
	struct uvf_iommu_member second;
	struct uvf_aspace *as;
	struct rig rig;

	(void)state;
	rig_member(&second, NULL);
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, NULL);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(unmap(&rig, VADDR, A, LEN), 0);
	assert_int_equal(rig_attach(&rig, &second, &as), -EBUSY);
	second.is_emulated = true;
	assert_int_equal(rig_attach(&rig, &second, &as), -EBUSY);
	assert_int_equal(unmap(&rig, 0, A, LEN), 0);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	rig.backend->detach_group(rig.state, &second);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_range_that_wraps_is_told_from_others_by_profile),
		cmocka_unit_test(the_last_page_of_all_is_like_any_other),
		cmocka_unit_test(a_range_up_to_the_end_is_empty_before_6_18),
		cmocka_unit_test(memory_that_is_not_all_there_is_not_mapped),
		cmocka_unit_test(the_same_memory_at_two_addresses_is_one),
		cmocka_unit_test(thousands_of_pages_go_in_any_order),
		cmocka_unit_test(
			half_of_a_large_mapping_goes_as_the_version_has_it),
		cmocka_unit_test(
			an_invalid_mapping_keeps_groups_out_until_it_goes),
	};

	return cmocka_run_group_tests_name("edges", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One script for the three ways to map in an iommufd: its own calls, and
 * those of a container as TYPE1 and as TYPE1v2.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "iommu/translate.h"

#define LAST UINT64_MAX
#define A    0x100000ull

enum mode {
	C1, /* VFIO_TYPE1_IOMMU */
	C2, /* VFIO_TYPE1v2_IOMMU */
	N,  /* IOAS_MAP and IOAS_UNMAP */
	MODES,
};

struct bench {
	struct rig rig;
	struct group group;
	struct uvf_iommufd_device *device;
	enum mode mode;
	uint32_t ioas;
};

static const uint8_t *page(unsigned int n)
{
	return rig_memory + n * PAGE;
}

static void bench_open_bits(struct bench *bench, enum mode mode,
			    unsigned int bits)
{
	memset(bench, 0, sizeof(*bench));
	rig_open(&bench->rig);
	uvf_iommufd_put(bench->rig.ctx);
	bench->rig.host.aperture_bits = bits;
	assert_int_equal(
		uvf_iommufd_create(&bench->rig.ctx, &bench->rig.host, NULL), 0);
	bench->mode = mode;
	assert_int_equal(uvf_iommufd_compat_create(bench->rig.ctx), 0);
	assert_int_equal(uvf_iommufd_compat_id(bench->rig.ctx, &bench->ioas),
			 0);
	if (mode != N)
		assert_int_equal(
			uvf_iommufd_ioctl(bench->rig.ctx, &bench->rig.caller,
					  VFIO_SET_IOMMU, mode == C1 ? 1 : 3),
			0);
	bench->device = rig_bind(&bench->rig, &bench->group);
}

static void bench_open(struct bench *bench, enum mode mode)
{
	bench_open_bits(bench, mode, 48);
}

static void bench_close(struct bench *bench)
{
	uvf_iommufd_device_unbind(bench->device);
	rig_close(&bench->rig);
}

static void attach(struct bench *bench)
{
	assert_int_equal(rig_attach(bench->device, bench->ioas), 0);
}

static int map_prot(struct bench *bench, uint32_t prot, const void *vaddr,
		    uint64_t size, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = prot,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	if (bench->mode == N)
		return rig_map(&bench->rig, bench->ioas,
			       FIXED | (prot & 1 ? READ : 0) |
				       (prot & 2 ? WRITE : 0),
			       vaddr, size, &iova);
	return rig_ioctl(&bench->rig, VFIO_IOMMU_MAP_DMA, &map);
}

static int map(struct bench *bench, const void *vaddr, uint64_t size,
	       uint64_t iova)
{
	return map_prot(bench, 3, vaddr, size, iova);
}

static int unmap_flags(struct bench *bench, uint32_t flags, uint64_t iova,
		       uint64_t *size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = *size,
	};
	int ret;

	if (bench->mode == N)
		return rig_unmap(&bench->rig, bench->ioas, iova, size);
	ret = rig_ioctl(&bench->rig, VFIO_IOMMU_UNMAP_DMA, &unmap);
	*size = unmap.size;
	return ret;
}

static int unmap(struct bench *bench, uint64_t iova, uint64_t *size)
{
	return unmap_flags(bench, 0, iova, size);
}

/* Everything; how much it was. */
static uint64_t unmap_all(struct bench *bench)
{
	uint64_t size = bench->mode == N ? LAST : 0;

	assert_int_equal(unmap_flags(bench, VFIO_DMA_UNMAP_FLAG_ALL, 0, &size),
			 0);
	return size;
}

/* One bit for each page from A on that a device reaches. */
static uint32_t reached(const struct bench *bench)
{
	uint32_t bits = 0;

	for (unsigned int i = 0; i < 32; i++)
		if (rig_read(&bench->group, A + i * PAGE) >= 0)
			bits |= 1u << i;
	return bits;
}

/* Shows M9, M10. */
static void map_wants_whole_pages_once_a_device_is_there(void **state)
{
	for (enum mode mode = C1; mode < MODES; mode++) {
		struct bench bench;
		int ret;

		(void)state;
		bench_open(&bench, mode);
		assert_int_equal(map(&bench, page(0), 0, A), -EINVAL);
		ret = mode == C1 ? -EINVAL : 0;
		assert_int_equal(map(&bench, page(0), PAGE, A + 1), ret);
		assert_int_equal(map(&bench, page(0) + 1, PAGE, 2 * A), ret);
		assert_int_equal(map(&bench, page(0), PAGE - 1, 3 * A), ret);
		/* The table that refuses such a mapping is not there yet. */
		assert_int_equal(map_prot(&bench, 0, page(0), PAGE, 4 * A),
				 mode == N ? -EINVAL : 0);
		unmap_all(&bench);
		attach(&bench);
		assert_int_equal(map(&bench, page(0), PAGE, A + 1), -EINVAL);
		assert_int_equal(map(&bench, page(0) + 1, PAGE, A), -EINVAL);
		assert_int_equal(map(&bench, page(0), PAGE - 1, A), -EINVAL);
		assert_int_equal(map_prot(&bench, 0, page(0), PAGE, A),
				 -EINVAL);
		assert_int_equal(map(&bench, page(0), 2 * PAGE, -PAGE),
				 -EOVERFLOW);
		assert_int_equal(map(&bench, (void *)-PAGE, 2 * PAGE, A),
				 -EOVERFLOW);
		assert_int_equal(reached(&bench), 0);
		assert_true(unmap_all(&bench) == 0);
		bench_close(&bench);
	}
}

/* Shows M11. */
static void the_last_page_is_like_any_other(void **state)
{
	for (enum mode mode = C1; mode < MODES; mode++) {
		struct bench bench;
		uint64_t size;

		(void)state;
		bench_open_bits(&bench, mode, 64);
		attach(&bench);
		for (int round = 0; round < 2; round++) {
			assert_int_equal(map(&bench, page(7), PAGE, -PAGE), 0);
			assert_int_equal(rig_read(&bench.group, LAST), 8);
			assert_int_equal(map(&bench, page(0), 2 * PAGE, -PAGE),
					 -EOVERFLOW);
			size = 2 * PAGE;
			assert_int_equal(unmap(&bench, -PAGE, &size),
					 -EOVERFLOW);
			size = PAGE;
			if (round)
				size = unmap_all(&bench);
			else
				assert_int_equal(unmap(&bench, -PAGE, &size),
						 0);
			assert_true(size == PAGE);
			assert_int_equal(rig_read(&bench.group, LAST), -EFAULT);
		}
		bench_close(&bench);
	}
}

/* Shows M12, M13, M14. */
static void map_refuses_what_is_taken_reserved_or_not_there(void **state)
{
	static const struct {
		uint64_t first, pages;
	} overlaps[] = {{4, 4}, {5, 1}, {0, 16}, {2, 3}, {7, 4}};

	for (enum mode mode = C1; mode < MODES; mode++) {
		struct bench bench;
		uint8_t *half;

		(void)state;
		bench_open(&bench, mode);
		assert_int_equal(map(&bench, page(0), PAGE, 0xfee00000), 0);
		unmap_all(&bench);
		attach(&bench);
		assert_int_equal(map(&bench, page(4), 4 * PAGE, A + 4 * PAGE),
				 0);
		for (unsigned int i = 0; i < 5; i++)
			assert_int_equal(map(&bench, page(20),
					     overlaps[i].pages * PAGE,
					     A + overlaps[i].first * PAGE),
					 -EEXIST);
		assert_int_equal(map(&bench, page(3), PAGE, A + 3 * PAGE), 0);
		assert_int_equal(map(&bench, page(8), PAGE, A + 8 * PAGE), 0);
		assert_int_equal(reached(&bench), 0x1f8);
		for (unsigned int i = 3; i < 9; i++)
			assert_int_equal(rig_read(&bench.group, A + i * PAGE),
					 i + 1);
		/* The window of interrupts, and the end of the tables. */
		assert_int_equal(map(&bench, page(0), PAGE, 0xfeeff000),
				 -EINVAL);
		assert_int_equal(map(&bench, page(0), 2 * PAGE, 0xfedff000),
				 -EINVAL);
		assert_int_equal(map(&bench, page(0), PAGE, 0xfedff000), 0);
		assert_int_equal(map(&bench, page(0), PAGE, 0xfef00000), 0);
		assert_int_equal(map(&bench, page(0), PAGE, 1ull << 48),
				 -EINVAL);
		assert_int_equal(
			map(&bench, page(0), PAGE, (1ull << 48) - PAGE), 0);
		/* Memory that is not there, or not for writing. */
		half = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(half, PAGE, PROT_READ);
		munmap(half + 2 * PAGE, PAGE);
		assert_int_equal(map(&bench, half, PAGE, 4 * A), -EFAULT);
		assert_int_equal(map(&bench, half + PAGE, 2 * PAGE, 4 * A),
				 -EFAULT);
		assert_int_equal(map(&bench, page(RIG_PAGES), PAGE, 4 * A),
				 -EFAULT);
		assert_int_equal(rig_read(&bench.group, 4 * A), -EFAULT);
		assert_int_equal(map_prot(&bench, 1, half, PAGE, 4 * A), 0);
		assert_int_equal(rig_read(&bench.group, 4 * A), 0);
		munmap(half, 2 * PAGE);
		bench_close(&bench);
	}
}

/* Shows M16. */
static void one_page_is_reached_by_two_addresses(void **state)
{
	(void)state;
	for (enum mode mode = C1; mode < MODES; mode++) {
		struct bench bench;

		bench_open(&bench, mode);
		attach(&bench);
		assert_int_equal(map(&bench, page(30), PAGE, 5 * A), 0);
		assert_int_equal(map(&bench, page(30), PAGE, 6 * A), 0);
		assert_int_equal(uvf_aspace_write(bench.group.as, 5 * A + 9,
						  "x", 1, NULL),
				 0);
		assert_int_equal(rig_read(&bench.group, 6 * A + 9), 'x');
		rig_memory[30 * PAGE + 9] = 31;
		bench_close(&bench);
	}
}

/* Shows M19, M21, M22, M24. */
static void unmap_tells_what_went(void **state)
{
	for (enum mode mode = C1; mode < MODES; mode++) {
		struct bench bench;
		uint64_t size;
		int nothing = mode == N ? -ENOENT : 0;

		(void)state;
		bench_open(&bench, mode);
		attach(&bench);
		assert_true(unmap_all(&bench) == 0);
		assert_int_equal(map(&bench, page(0), 3 * PAGE, A), 0);
		size = 3 * PAGE;
		assert_int_equal(unmap(&bench, A, &size), 0);
		assert_true(size == 3 * PAGE);
		for (int i = 0; i < 3; i++)
			assert_int_equal(rig_read(&bench.group, A), -EFAULT);
		assert_int_equal(unmap(&bench, A, &size), nothing);
		assert_true(size == (mode == N ? 3 * PAGE : 0));
		size = 0;
		assert_int_equal(unmap(&bench, A, &size), -EINVAL);
		size = 2 * PAGE;
		assert_int_equal(unmap(&bench, -PAGE, &size), -EOVERFLOW);
		if (mode != N) {
			assert_true(size == 0);
			size = PAGE;
			for (unsigned int bit = 2; bit < 32; bit++) {
				assert_int_equal(unmap_flags(&bench, 1u << bit,
							     A, &size),
						 -EINVAL);
				assert_true(size == PAGE);
			}
			assert_int_equal(unmap_flags(&bench,
						     VFIO_DMA_UNMAP_FLAG_ALL, 0,
						     &size),
					 -EINVAL);
			assert_true(size == PAGE);
			/* The bitmap of type1, and its moving memory. */
			assert_int_equal(unmap_flags(&bench, 1, A, &size),
					 -EINVAL);
			assert_int_equal(unmap_flags(&bench, 4, A, &size),
					 -EINVAL);
		}
		bench_close(&bench);
	}
}

/* What a row of the table of unmaps does, in each mode. */
struct row {
	const char *name;
	uint64_t first, pages; /* of the unmap */
	struct {
		int ret;
		uint32_t left; /* pages that are reached afterwards */
		uint64_t gone; /* pages that are told */
	} answer[MODES];
};

/* A is pages 4 to 7, B 8 to 11, C 16 to 19. */
#define ALL_LEFT 0xf0ff0u

/* Shows M20. */
static void unmap_cuts_or_does_not_as_the_mode_says(void **state)
{
	static const struct row rows[] = {
		{"exact",
		 4,
		 4,
		 {{0, 0xf0f00, 4}, {0, 0xf0f00, 4}, {0, 0xf0f00, 4}}},
		{"over gaps", 0, 32, {{0, 0, 12}, {0, 0, 12}, {0, 0, 12}}},
		{"inside one",
		 5,
		 2,
		 {{0, 0xf0f90, 2},
		  {-ENOENT, ALL_LEFT, 0},
		  {-ENOENT, ALL_LEFT, 2}}},
		{"the end of one",
		 6,
		 2,
		 {{0, 0xf0f30, 2},
		  {-ENOENT, ALL_LEFT, 0},
		  {-ENOENT, ALL_LEFT, 2}}},
		{"the start of one",
		 4,
		 1,
		 {{0, 0xf0fe0, 1},
		  {-ENOENT, ALL_LEFT, 0},
		  {-ENOENT, ALL_LEFT, 1}}},
		{"from inside A over B",
		 6,
		 6,
		 {{0, 0xf0030, 6},
		  {-ENOENT, ALL_LEFT, 0},
		  {-ENOENT, ALL_LEFT, 6}}},
		{"A and the start of B",
		 4,
		 6,
		 {{0, 0xf0c00, 6},
		  {-ENOENT, 0xf0f00, 4},
		  {-ENOENT, 0xf0f00, 6}}},
		{"nothing",
		 12,
		 4,
		 {{0, ALL_LEFT, 0}, {0, ALL_LEFT, 0}, {-ENOENT, ALL_LEFT, 4}}},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (enum mode mode = C1; mode < MODES; mode++) {
			struct bench bench;
			uint64_t size = rows[i].pages * PAGE;

			bench_open(&bench, mode);
			attach(&bench);
			assert_int_equal(
				map(&bench, page(4), 4 * PAGE, A + 4 * PAGE),
				0);
			assert_int_equal(
				map(&bench, page(8), 4 * PAGE, A + 8 * PAGE),
				0);
			assert_int_equal(
				map(&bench, page(16), 4 * PAGE, A + 16 * PAGE),
				0);
			assert_int_equal(
				unmap(&bench, A + rows[i].first * PAGE, &size),
				rows[i].answer[mode].ret);
			assert_int_equal(size,
					 rows[i].answer[mode].gone * PAGE);
			assert_int_equal(reached(&bench),
					 rows[i].answer[mode].left);
			/* What is left is where it was. */
			for (unsigned int n = 0; n < 32; n++)
				if (rows[i].answer[mode].left >> n & 1)
					assert_int_equal(rig_read(&bench.group,
								  A + n * PAGE),
							 n + 1);
			bench_close(&bench);
		}
}

/* Shows M21, M25. */
static void many_small_mappings_go_in_any_order(void **state)
{
	for (enum mode mode = C1; mode < MODES; mode++) {
		unsigned int order[1000];
		struct bench bench;
		uint64_t size;

		(void)state;
		bench_open(&bench, mode);
		attach(&bench);
		for (unsigned int i = 0; i < 1000; i++)
			order[i] = i * 7 % 1000;
		for (unsigned int round = 0; round < 2; round++) {
			for (unsigned int i = 0; i < 1000; i++)
				assert_int_equal(map(&bench,
						     page(order[i] % RIG_PAGES),
						     PAGE, A + order[i] * PAGE),
						 0);
			if (round) {
				assert_true(unmap_all(&bench) == 1000 * PAGE);
				break;
			}
			for (unsigned int i = 0; i < 1000; i++) {
				unsigned int n = 999 - i * 3 % 1000;

				size = PAGE;
				assert_int_equal(
					unmap(&bench, A + n * PAGE, &size), 0);
				assert_int_equal(size, PAGE);
				assert_int_equal(
					rig_read(&bench.group, A + n * PAGE),
					-EFAULT);
			}
			assert_true(unmap_all(&bench) == 0);
		}
		bench_close(&bench);
	}
}

/* Shows M18, M26, M66. */
static void a_large_mapping_is_cut_by_type1_alone(void **state)
{
	uint64_t large = 2ull << 20;
	uint8_t *memory = mmap(NULL, large, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	for (enum mode mode = C1; mode < MODES; mode++) {
		struct bench bench;
		uint64_t size = large / 2;

		bench_open(&bench, mode);
		attach(&bench);
		assert_int_equal(map(&bench, memory, large, 2 * large), 0);
		memory[0] = 1;
		memory[large / 2] = 2;
		memory[large - 1] = 3;
		assert_int_equal(rig_read(&bench.group, 2 * large), 1);
		assert_int_equal(rig_read(&bench.group, 2 * large + large / 2),
				 2);
		assert_int_equal(rig_read(&bench.group, 3 * large - 1), 3);
		assert_int_equal(unmap(&bench, 2 * large + large / 2, &size),
				 mode == C1 ? 0 : -ENOENT);
		assert_int_equal(rig_read(&bench.group, 3 * large - 1),
				 mode == C1 ? -EFAULT : 3);
		assert_int_equal(rig_read(&bench.group, 2 * large), 1);
		if (mode == C1) {
			assert_true(size == large / 2);
			/* Page by page, the last first. */
			for (uint64_t n = large / 2 / PAGE; n--;) {
				size = PAGE;
				assert_int_equal(unmap(&bench,
						       2 * large + n * PAGE,
						       &size),
						 0);
				assert_true(size == PAGE);
			}
			assert_true(unmap_all(&bench) == 0);
		} else {
			assert_true(unmap_all(&bench) == large);
		}
		assert_int_equal(rig_read(&bench.group, 2 * large), -EFAULT);
		bench_close(&bench);
	}
	munmap(memory, large);
}

/* Shows M1. */
static void type1_stays_after_type1v2(void **state)
{
	struct bench bench;
	uint64_t size = PAGE;

	(void)state;
	bench_open(&bench, C1);
	attach(&bench);
	for (unsigned long type = 3; type < 4; type -= 2)
		assert_int_equal(uvf_iommufd_ioctl(bench.rig.ctx,
						   &bench.rig.caller,
						   VFIO_SET_IOMMU, type),
				 0);
	assert_int_equal(map(&bench, page(0), 2 * PAGE, A), 0);
	/* With areas and tables it is no change, as it is so already. */
	assert_int_equal(uvf_iommufd_ioctl(bench.rig.ctx, &bench.rig.caller,
					   VFIO_SET_IOMMU, 1),
			 0);
	assert_int_equal(unmap(&bench, A, &size), 0);
	assert_int_equal(rig_read(&bench.group, A + PAGE), 2);
	bench_close(&bench);
	bench_open(&bench, C2);
	attach(&bench);
	assert_int_equal(map(&bench, page(0), 2 * PAGE, A), 0);
	assert_int_equal(uvf_iommufd_ioctl(bench.rig.ctx, &bench.rig.caller,
					   VFIO_SET_IOMMU, 1),
			 -EINVAL);
	bench_close(&bench);
}

/* Shows M38, M40. */
static void mappings_outlive_the_last_device_and_wait_for_the_next(void **state)
{
	for (enum mode mode = C1; mode < MODES; mode++) {
		struct bench bench;

		(void)state;
		bench_open(&bench, mode);
		assert_int_equal(map(&bench, page(0), PAGE, A), 0);
		assert_int_equal(map(&bench, page(RIG_PAGES), PAGE, 2 * A), 0);
		assert_int_equal(rig_attach(bench.device, bench.ioas), -EFAULT);
		assert_int_equal(unmap(&bench, 2 * A, &(uint64_t){PAGE}), 0);
		for (int i = 0; i < 2; i++) {
			attach(&bench);
			assert_int_equal(rig_read(&bench.group, A), 1);
			uvf_iommufd_device_detach(bench.device);
		}
		assert_int_equal(map(&bench, page(0), PAGE, A), -EEXIST);
		bench_close(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_wants_whole_pages_once_a_device_is_there),
		cmocka_unit_test(the_last_page_is_like_any_other),
		cmocka_unit_test(
			map_refuses_what_is_taken_reserved_or_not_there),
		cmocka_unit_test(one_page_is_reached_by_two_addresses),
		cmocka_unit_test(unmap_tells_what_went),
		cmocka_unit_test(unmap_cuts_or_does_not_as_the_mode_says),
		cmocka_unit_test(many_small_mappings_go_in_any_order),
		cmocka_unit_test(a_large_mapping_is_cut_by_type1_alone),
		cmocka_unit_test(type1_stays_after_type1v2),
		cmocka_unit_test(
			mappings_outlive_the_last_device_and_wait_for_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

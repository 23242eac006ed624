/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dirty pages of type1: everything that is mapped, in the kernel's format.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define START        VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP         VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET          VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP
#define A            0x100000ull
#define LEN          (4 * PAGE)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct query {
	uint32_t argsz, flags;
	uint64_t iova, size, pgsize, bitmap_size;
	uint64_t data;
};

static int track(struct rig *rig, uint32_t argsz, uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap d = {.argsz = argsz,
						  .flags = flags};

	return rig_ioctl(rig, VFIO_IOMMU_DIRTY_PAGES, &d);
}

/* Shows M30. */
static void v1_has_none(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1_IOMMU, "6.12");
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_DIRTY_PAGES, NULL),
			 -EACCES);
	assert_int_equal(track(&rig, 8, START), -EACCES);
	rig_close(&rig);
}

/* Shows M30. */
static void takes_one_flag(void **state)
{
	static const struct {
		uint32_t argsz, flags;
		int ret;
	} rows[] = {
		{8, START, 0},
		{8, START, 0},
		{9, START, 0},
		{8, STOP, 0},
		{8, STOP, 0},
		{7, START, -EINVAL},
		{8, 0, -EINVAL},
		{8, START | STOP, -EINVAL},
		{48, GET | START, -EINVAL},
		{8, 8, -EINVAL},
		{8, 1u << 31, -EINVAL},
		{8, GET, -EINVAL},
		{47, GET, -EINVAL},
	};
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(track(&rig, rows[i].argsz, rows[i].flags),
				 rows[i].ret);
	rig_close(&rig);
}

/* Four pages are mapped, tracking is on. */
static const struct {
	uint32_t argsz;
	uint64_t iova, size, pgsize, bitmap_size;
	int ret;
	uint64_t bits[2];
} queries[] = {
	{48, A, LEN, PAGE, 8, 0, {0xf}},
	{48, A + LEN, LEN, PAGE, 8, 0, {0}},
	{48, A, 2 * LEN, PAGE, 8, 0, {0xf}},
	{48, A - LEN, 2 * LEN, PAGE, 8, 0, {0xf0}},
	{48, A - 62 * PAGE, 66 * PAGE, PAGE, 16, 0, {3ull << 62, 3}},
	{48, A - 64 * PAGE, 68 * PAGE, PAGE, 16, 0, {0, 0xf}},
	{48, A, PAGE, PAGE, 8, -EINVAL, {0}},
	{48, A + LEN - PAGE, PAGE, PAGE, 8, -EINVAL, {0}},
	{49, A, LEN, PAGE, 8, 0, {0xf}},
	{47, A, LEN, PAGE, 8, -EINVAL, {0}},
	{48, A, LEN, PAGE, 7, -EINVAL, {0}},
	{48, A, LEN, PAGE, 9, 0, {0xf}},
	{48, A, LEN, PAGE, 0, -EINVAL, {0}},
	{48, A, LEN, PAGE, 1 << 28, 0, {0xf}},
	{48, A, LEN, PAGE, (1 << 28) + 1, -EINVAL, {0}},
	{48, A, LEN, PAGE, ~0ull, -EINVAL, {0}},
	{48, A, LEN, 0, 8, -EINVAL, {0}},
	{48, A, LEN, 2048, 8, -EINVAL, {0}},
	{48, A, LEN, 8192, 8, -EINVAL, {0}},
	{48, A, LEN, 3, 8, -EINVAL, {0}},
	{48, A + 1, LEN, PAGE, 8, -EINVAL, {0}},
	{48, A, 0, PAGE, 8, -EINVAL, {0}},
	{48, A, LEN + 1, PAGE, 8, -EINVAL, {0}},
	{48, A, -A + PAGE, PAGE, 8, -EINVAL, {0}},
	{48, A, -A, PAGE, 1 << 28, -EINVAL, {0}},
	{48, A, 65 * PAGE, PAGE, 8, -EINVAL, {0}},
	{48, A, 65 * PAGE, PAGE, 16, 0, {0xf}},
};

/* Shows M32, M35. */
static void get_answers_as_the_kernel(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(
		rig_map(&rig, VFIO_DMA_MAP_FLAG_READ, rig_memory, A, LEN), 0);
	assert_int_equal(track(&rig, 8, START), 0);
	for (size_t i = 0; i < COUNT(queries); i++) {
		/* A stack may be too near to the end of all addresses. */
		static uint64_t bits[3];
		struct query q = {queries[i].argsz,  GET,
				  queries[i].iova,   queries[i].size,
				  queries[i].pgsize, queries[i].bitmap_size,
				  (uintptr_t)bits};
		int ret;

		memcpy(bits, (const uint64_t[3]){0, 0, 0xcafe}, sizeof(bits));
		ret = rig_ioctl(&rig, VFIO_IOMMU_DIRTY_PAGES, &q);
		if (ret != queries[i].ret)
			fail_msg("row %zu: %d", i, ret);
		assert_int_equal(bits[0], queries[i].bits[0]);
		assert_int_equal(bits[1], queries[i].bits[1]);
		assert_int_equal(bits[2], 0xcafe);
	}
	rig_close(&rig);
}

static int ask(struct rig *rig, uint64_t iova, uint64_t size, void *bits)
{
	struct query q = {48, GET, iova, size, PAGE, 64, (uintptr_t)bits};

	return rig_ioctl(rig, VFIO_IOMMU_DIRTY_PAGES, &q);
}

/* Shows M30. */
static void get_needs_tracking(void **state)
{
	struct rig rig;
	uint64_t bits[8] = {0};

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(ask(&rig, A, LEN, bits), -EINVAL);
	assert_int_equal(track(&rig, 8, START), 0);
	assert_int_equal(ask(&rig, A, LEN, bits), 0);
	assert_int_equal(ask(&rig, A, LEN, (void *)PAGE), -EFAULT);
	assert_int_equal(ask(&rig, A, LEN, (void *)(1ul << 63)), -EINVAL);
	assert_int_equal(track(&rig, 8, STOP), 0);
	assert_int_equal(ask(&rig, A, LEN, bits), -EINVAL);
	rig_close(&rig);
}

/* Shows M33. */
static void get_writes_whole_words_and_keeps_lower_bits(void **state)
{
	struct rig rig;
	uint64_t bits[8];

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(track(&rig, 8, START), 0);
	/* Pages 10 and 11, 12 to 75 but for a hole, and 200 of the query. */
	assert_int_equal(rig_map(&rig, RW, rig_memory, A + 10 * PAGE, 2 * PAGE),
			 0);
	assert_int_equal(
		rig_map(&rig, RW, rig_memory, A + 14 * PAGE, 62 * PAGE), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A + 200 * PAGE, PAGE),
			 0);
	memset(bits, 0xff, sizeof(bits));
	assert_int_equal(ask(&rig, A, 256 * PAGE, bits), 0);
	/*
	 * Each mapping clears what lies behind it in its last word, and keeps
	 * what lies before it in its first.
	 */
	assert_int_equal(bits[0], 0xffffffffffffcfff);
	assert_int_equal(bits[1], 0xfff);
	assert_int_equal(bits[2], UINT64_MAX);
	assert_int_equal(bits[3], 0x1ff);
	assert_int_equal(bits[4], UINT64_MAX);
	rig_close(&rig);
}

static void unmap_tells_before_it_removes(void **state)
{
	uint64_t bits[2] = {0}, size = 0;
	struct query q = {.argsz = 48,
			  .flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			  .iova = A,
			  .size = 2 * LEN,
			  .pgsize = PAGE,
			  .bitmap_size = 8,
			  .data = (uintptr_t)bits};
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A + LEN + PAGE, PAGE),
			 0);
	assert_int_equal(track(&rig, 8, START), 0);
	q.pgsize = 2 * PAGE;
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, &q), -EINVAL);
	q.pgsize = PAGE;
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, &q), 0);
	assert_int_equal(q.size, LEN + PAGE);
	assert_int_equal(bits[0], 0x2f);
	assert_int_equal(rig_unmap(&rig, VFIO_DMA_UNMAP_FLAG_ALL, 0, &size), 0);
	assert_int_equal(size, 0);
	rig_close(&rig);
}

/* What was reported is gone; what could not be stays. */
static void unmap_stops_where_the_bitmap_faults(void **state)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct query q = {.argsz = 48,
			  .flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			  .iova = A,
			  .size = 128 * PAGE,
			  .pgsize = PAGE,
			  .bitmap_size = 16,
			  .data = (uintptr_t)(p + PAGE - 8)};
	struct rig rig;

	(void)state;
	munmap(p + PAGE, PAGE);
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A + 64 * PAGE, LEN), 0);
	assert_int_equal(track(&rig, 8, START), 0);
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, &q), -EFAULT);
	assert_int_equal(q.size, 128 * PAGE);
	assert_false(rig_is_mapped(&rig, A));
	assert_true(rig_is_mapped(&rig, A + 64 * PAGE));
	rig_close(&rig);
	munmap(p, PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_has_none),
		cmocka_unit_test(takes_one_flag),
		cmocka_unit_test(get_answers_as_the_kernel),
		cmocka_unit_test(get_needs_tracking),
		cmocka_unit_test(get_writes_whole_words_and_keeps_lower_bits),
		cmocka_unit_test(unmap_tells_before_it_removes),
		cmocka_unit_test(unmap_stops_where_the_bitmap_faults),
	};

	return cmocka_run_group_tests_name("dirty", tests, NULL, NULL);
}

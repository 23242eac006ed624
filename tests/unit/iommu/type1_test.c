/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MAP_DMA, UNMAP_DMA and GET_INFO of type1, v1 and v2: what is refused, in
 * which order, and what it changes.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/account.h"
#include "iommu/translate.h"
#include "mem/copy.h"

#define R     VFIO_DMA_MAP_FLAG_READ
#define W     VFIO_DMA_MAP_FLAG_WRITE
#define V     VFIO_DMA_MAP_FLAG_VADDR
#define ALL   VFIO_DMA_UNMAP_FLAG_ALL
#define VADDR VFIO_DMA_UNMAP_FLAG_VADDR
#define DIRTY VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP

#define A   0x100000ull
#define B   0x104000ull
#define C   0x110000ull
#define END 0x114000ull
#define LEN (4 * PAGE)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const unsigned long types[] = {VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU};

/* Memory that is there for the first @good bytes only. */
static void *before_fault(size_t good)
{
	static uint8_t *p;

	if (!p) {
		p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(p + PAGE, PAGE, PROT_NONE);
	}
	return p + PAGE - good;
}

/* Shows M7. */
static void claims_its_extensions(void **state)
{
	static const struct {
		unsigned long x;
		int without, with;
	} rows[] = {
		{0, 0, 0},
		{VFIO_TYPE1_IOMMU, 1, 1},
		{VFIO_SPAPR_TCE_IOMMU, 0, 0},
		{VFIO_TYPE1v2_IOMMU, 1, 1},
		{VFIO_DMA_CC_IOMMU, 0, 0},
		{VFIO_EEH, 0, 0},
		{VFIO_TYPE1_NESTING_IOMMU, 1, 1},
		{VFIO_SPAPR_TCE_v2_IOMMU, 0, 0},
		{VFIO_NOIOMMU_IOMMU, 0, 0},
		{VFIO_UNMAP_ALL, 1, 1},
		{VFIO_UPDATE_VADDR, 0, 1},
		{11, 0, 0},
		{(1ul << 32) + 1, 0, 0},
		{~0ul, 0, 0},
	};
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1_IOMMU, "6.12");
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(rig.backend->check_extension(NULL, &rig.host,
							      rows[i].x),
				 rows[i].without);
		assert_int_equal(rig.backend->check_extension(
					 rig.state, &rig.host, rows[i].x),
				 rows[i].with);
	}
	rig_close(&rig);
}

static void opens_its_types_only(void **state)
{
	struct uvf_profile profile;
	struct uvf_iommu_host host = {
		.profile = &profile,
		.aperture_bits = 48,
	};
	const struct uvf_iommu_backend *backend = uvf_iommu_backends[0];
	struct uvf_iommu_member member = {.node = {&member.node, &member.node}};
	struct uvf_aspace *as;
	void *instance = NULL;

	(void)state;
	assert_int_equal(uvf_profile_parse(&profile, "6.12", NULL), 0);
	assert_int_equal(backend->open(&instance, &host, VFIO_UNMAP_ALL),
			 -EINVAL);
	assert_int_equal(backend->open(&instance, &host, (1ul << 32) + 3),
			 -EINVAL);
	uvf_alloc_fail_nth(1);
	assert_int_equal(backend->open(&instance, &host, VFIO_TYPE1_IOMMU),
			 -ENOMEM);
	uvf_alloc_fail_nth(0);
	assert_null(instance);
	assert_int_equal(
		backend->open(&instance, &host, VFIO_TYPE1_NESTING_IOMMU), 0);
	assert_int_equal(backend->attach_group(instance, NULL, &member, &as),
			 -EINVAL);
	backend->release(instance);
}

/* Shows M2. */
static void knows_its_ioctls_only(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_ENABLE, NULL), -ENOTTY);
	assert_int_equal(rig_ioctl(&rig, 0x3bff, NULL), -ENOTTY);
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_MAP_DMA, NULL), -EFAULT);
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, NULL), -EFAULT);
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_GET_INFO, NULL), -EFAULT);
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_DIRTY_PAGES, NULL),
			 -EFAULT);
	rig_close(&rig);
}

/* GET_INFO with every argsz; nothing is written behind the first argsz. */
static void sweep_info(const char *abi, uint32_t total, size_t full)
{
	struct rig rig;

	rig_open(&rig, VFIO_TYPE1v2_IOMMU, abi);
	for (uint32_t argsz = 0; argsz < total + 8; argsz++) {
		uint8_t buf[256];
		struct vfio_iommu_type1_info info;
		size_t len = argsz < 20 ? 16 : 20;
		bool fits = argsz >= total;
		int ret;

		memset(buf, 0xca, sizeof(buf));
		memcpy(buf, &argsz, 4);
		ret = rig_ioctl(&rig, VFIO_IOMMU_GET_INFO, buf);
		assert_int_equal(ret, argsz < 16 ? -EINVAL : 0);
		if (ret)
			continue;
		if (full)
			len = argsz < full ? argsz : full;
		memcpy(&info, buf, sizeof(info));
		assert_int_equal(info.argsz, fits ? argsz : total);
		assert_int_equal(info.flags, VFIO_IOMMU_INFO_PGSIZES |
						     VFIO_IOMMU_INFO_CAPS);
		assert_int_equal(info.iova_pgsizes, 0x40201000);
		if (len >= 20)
			assert_int_equal(info.cap_offset, fits ? 24 : 0);
		for (size_t i = len; i < sizeof(buf); i++)
			if (i < 24 || !fits || i >= total)
				assert_int_equal(buf[i], 0xca);
	}
	rig_close(&rig);
}

/* Shows M3.  Flips info_copies_any_length. */
static void info_fits_its_buffer(void **state)
{
	(void)state;
	sweep_info("6.6", 88 + 32, 24);
	sweep_info("6.1", 84 + 32, 0);
}

/* The chain: which capability where, and the ranges in the last. */
static void check_chain(const char *abi, const uint32_t *offsets)
{
	static const uint16_t ids[] = {2, 3, 1};
	uint8_t buf[256] = {0};
	uint32_t argsz = sizeof(buf), at = 24;
	struct rig rig;
	uint64_t words[6];
	uint32_t avail;

	rig_open(&rig, VFIO_TYPE1v2_IOMMU, abi);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, PAGE), 0);
	memcpy(buf, &argsz, 4);
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_GET_INFO, buf), 0);
	for (size_t i = 0; i < 3; i++) {
		struct vfio_info_cap_header header;

		assert_int_equal(at, offsets[i]);
		memcpy(&header, buf + at, sizeof(header));
		assert_int_equal(header.id, ids[i]);
		assert_int_equal(header.version, 1);
		at = header.next;
	}
	assert_int_equal(at, 0);
	memcpy(words, buf + offsets[0] + 8, 24);
	assert_int_equal(words[0], 0);
	assert_int_equal(words[1], PAGE);
	assert_int_equal(words[2], 1 << 28);
	memcpy(&avail, buf + offsets[1] + 8, 4);
	assert_int_equal(avail, 65534);
	memcpy(words, buf + offsets[2] + 8, 40);
	assert_int_equal(words[0], 2);
	assert_int_equal(words[1], 0);
	assert_int_equal(words[2], 0xfedfffff);
	assert_int_equal(words[3], 0xfef00000);
	assert_int_equal(words[4], (1ull << 48) - 1);
	rig_close(&rig);
}

/* Shows M4.  Flips info_caps_aligned. */
static void info_describes_the_host(void **state)
{
	static const uint32_t aligned[] = {24, 56, 72};
	static const uint32_t packed[] = {24, 56, 68};

	(void)state;
	check_chain("6.6", aligned);
	check_chain("6.1", packed);
}

/* Shows M8. */
static void info_faults_where_its_buffer_ends(void **state)
{
	struct rig rig;
	uint32_t *p;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	for (size_t good = 0; good <= 120; good += 4) {
		p = before_fault(good);
		if (good >= 4)
			*p = 120;
		assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_GET_INFO, p),
				 good < 120 ? -EFAULT : 0);
	}
	p = before_fault(20);
	*p = 24;
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_GET_INFO, p), -EFAULT);
	rig_close(&rig);
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.1");
	*p = 24;
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_GET_INFO, p), 0);
	rig_close(&rig);
}

static const uint64_t bad = 1; /* vaddr: unmapped memory */

static const struct {
	uint32_t argsz, flags;
	uint64_t vaddr; /* 0: good memory */
	uint64_t iova, size;
	int ret;
} map_rows[] = {
	{32, RW, 0, A, PAGE, 0},
	{32, R, 0, A, PAGE, 0},
	{32, W, 0, A, PAGE, 0},
	{32, RW, 0, 0, 16 * PAGE, 0},
	{33, RW, 0, A, PAGE, 0},
	{~0u, RW, 0, A, PAGE, 0},
	{31, RW, 0, A, PAGE, -EINVAL},
	{0, RW, 0, A, PAGE, -EINVAL},
	{32, 0, 0, A, PAGE, -EINVAL},
	{32, 8 | RW, 0, A, PAGE, -EINVAL},
	{32, 1u << 31 | RW, 0, A, PAGE, -EINVAL},
	{32, V, 0, A, PAGE, -ENOENT},
	{32, V | R, 0, A, PAGE, -EINVAL},
	{32, V | W, 0, A, PAGE, -EINVAL},
	{32, RW, 0, A, 0, -EINVAL},
	{32, RW, 0, A, 1, -EINVAL},
	{32, RW, 0, A, PAGE - 1, -EINVAL},
	{32, RW, 0, A + 1, PAGE, -EINVAL},
	{32, RW, 0, A + PAGE / 2, PAGE, -EINVAL},
	{32, RW, 12345, A, PAGE, -EINVAL},
	{32, RW, 0, -PAGE, 2 * PAGE, -EINVAL},
	{32, RW, 0, -PAGE, PAGE, -EINVAL},
	{32, RW, -PAGE, A, 2 * PAGE, -EINVAL},
	{32, RW, -PAGE, A, PAGE, -EFAULT},
	{32, RW, 0, 0, -PAGE, -EINVAL},
	{32, RW, 0, 0xfee00000, PAGE, -EINVAL},
	{32, RW, 0, 0xfeeff000, PAGE, -EINVAL},
	{32, RW, 0, 0xfedff000, PAGE, 0},
	{32, RW, 0, 0xfedff000, 2 * PAGE, -EINVAL},
	{32, RW, 0, 0xfef00000, PAGE, 0},
	{32, RW, 0, 0xfeeff000, 2 * PAGE, -EINVAL},
	{32, RW, 0, (1ull << 48) - PAGE, PAGE, 0},
	{32, RW, 0, (1ull << 48) - PAGE, 2 * PAGE, -EINVAL},
	{32, RW, 0, 1ull << 48, PAGE, -EINVAL},
	{32, RW, bad *PAGE, A, PAGE, -EFAULT},
	{32, R, bad *PAGE, A, PAGE, -EFAULT},
	/* Two things are wrong: the first decides. */
	{31, 8, bad, A + 1, 1, -EINVAL},
	{32, V, bad *PAGE, 0xfee00000, PAGE, -ENOENT},
	{32, RW, bad *PAGE, 0xfee00000, PAGE, -EINVAL},
	{32, RW, bad *PAGE, A, 1, -EINVAL},
};

/* Shows M8, M9, M10, M13, M14. */
static void map_answers_as_the_kernel(void **state)
{
	(void)state;
	for (size_t t = 0; t < COUNT(types); t++) {
		for (size_t i = 0; i < COUNT(map_rows); i++) {
			struct vfio_iommu_type1_dma_map map = {
				.argsz = map_rows[i].argsz,
				.flags = map_rows[i].flags,
				.iova = map_rows[i].iova,
				.size = map_rows[i].size,
			};
			struct vfio_iommu_type1_dma_map before;
			uint64_t size = 0;
			struct rig rig;
			int ret;

			rig_open(&rig, types[t], "6.12");
			map.vaddr = map_rows[i].vaddr ? map_rows[i].vaddr
						      : (uintptr_t)rig_memory;
			before = map;
			ret = rig_ioctl(&rig, VFIO_IOMMU_MAP_DMA, &map);
			if (ret != map_rows[i].ret)
				fail_msg("row %zu: %d", i, ret);
			assert_memory_equal(&map, &before, sizeof(map));
			assert_int_equal(rig_available(&rig),
					 ret ? 65535 : 65534);
			assert_int_equal(rig_unmap(&rig, ALL, 0, &size), 0);
			assert_int_equal(size, ret ? 0 : map.size);
			assert_int_equal(rig_available(&rig), 65535);
			rig_close(&rig);
		}
	}
}

static void map_reads_all_of_its_argument(void **state)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = 32, .flags = RW, .iova = A, .size = PAGE};
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	map.vaddr = (uintptr_t)rig_memory;
	for (size_t good = 0; good <= 32; good++) {
		void *p = before_fault(good);

		memcpy(p, &map, good);
		assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_MAP_DMA, p),
				 good < 32 ? -EFAULT : 0);
	}
	rig_close(&rig);
}

/* Shows M12. */
static void map_refuses_an_interval_that_meets_a_mapping(void **state)
{
	static const struct {
		uint64_t iova, size;
		int ret;
	} rows[] = {
		{A, LEN, -EEXIST},
		{A + PAGE, PAGE, -EEXIST},
		{A, PAGE, -EEXIST},
		{A + 3 * PAGE, PAGE, -EEXIST},
		{A - PAGE, 6 * PAGE, -EEXIST},
		{A - PAGE, 2 * PAGE, -EEXIST},
		{A + 3 * PAGE, LEN, -EEXIST},
		{A - PAGE, PAGE, 0},
		{A + LEN, PAGE, 0},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t size = LEN;

		rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
		assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
		assert_int_equal(rig_map(&rig, RW, rig_memory, rows[i].iova,
					 rows[i].size),
				 rows[i].ret);
		/* Before what is wrong with the memory or the aperture. */
		assert_int_equal(rig_map(&rig, RW, (void *)PAGE, A, PAGE),
				 -EEXIST);
		assert_int_equal(rig_unmap(&rig, 0, A, &size), 0);
		assert_int_equal(size, LEN);
		rig_close(&rig);
	}
}

static void map_reaches_the_memory_it_was_given(void **state)
{
	struct rig rig;
	uint8_t byte;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig_map(&rig, R, rig_memory, C, LEN), 0);
	assert_int_equal(uvf_aspace_write(rig.as, A + PAGE + 5, "dma", 3, NULL),
			 0);
	assert_memory_equal(rig_memory + PAGE + 5, "dma", 3);
	assert_int_equal(uvf_aspace_read(rig.as, C + PAGE + 5, &byte, 1, NULL),
			 0);
	assert_int_equal(byte, 'd');
	assert_int_equal(uvf_aspace_write(rig.as, C, "x", 1, NULL), -EFAULT);
	rig_close(&rig);
}

/* Shows M6, M21, M79. */
static void holds_65535_mappings(void **state)
{
	struct rig rig;
	uint64_t size = 0;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	for (uint64_t i = 0; i < 65535; i++) {
		/* Four interleaved sequences. */
		uint64_t at = (i % 4) * 16384 + i / 4;

		assert_int_equal(
			rig_map(&rig, RW, rig_memory, A + at * PAGE, PAGE), 0);
	}
	assert_int_equal(rig_available(&rig), 0);
	assert_int_equal(rig_map(&rig, RW, (void *)PAGE, 0xfee00000, PAGE),
			 -ENOSPC);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, PAGE), -EEXIST);
	size = 100 * PAGE;
	assert_int_equal(rig_unmap(&rig, 0, A, &size), 0);
	assert_int_equal(size, 100 * PAGE);
	assert_int_equal(rig_available(&rig), 100);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, PAGE), 0);
	size = 0;
	assert_int_equal(rig_unmap(&rig, ALL, 0, &size), 0);
	assert_int_equal(size, (65535 - 99) * PAGE);
	assert_int_equal(rig_available(&rig), 65535);
	rig_close(&rig);
}

#define A_GONE 1
#define B_GONE 2
#define C_GONE 4

/* A and B touch, C comes behind a hole; each is four pages long. */
static const struct {
	uint32_t argsz, flags;
	uint64_t iova, size;
	int v1, v1_gone;
	int v2, v2_gone;
} unmap_rows[] = {
	{24, 0, A, LEN, 0, 1, 0, 1},
	{24, 0, A - PAGE, END - A + 2 * PAGE, 0, 7, 0, 7},
	{24, 0, A, 2 * LEN, 0, 3, 0, 3},
	{24, 0, B, END - B, 0, 6, 0, 6},
	{24, 0, A, PAGE, 0, 1, -EINVAL, 0},
	{24, 0, A + LEN - PAGE, PAGE, 0, 0, -EINVAL, 0},
	{24, 0, A + PAGE, 2 * PAGE, 0, 0, -EINVAL, 0},
	{24, 0, A, LEN / 2, 0, 1, -EINVAL, 0},
	{24, 0, A + LEN / 2, LEN / 2, 0, 0, -EINVAL, 0},
	{24, 0, A, LEN + LEN / 2, 0, 3, -EINVAL, 0},
	{24, 0, A + LEN / 2, LEN + LEN / 2, 0, 0, -EINVAL, 0},
	{24, 0, A + LEN / 2, LEN, 0, 0, -EINVAL, 0},
	{24, 0, A - PAGE, 3 * PAGE, 0, 1, -EINVAL, 0},
	{24, 0, B + LEN, C - B - LEN, 0, 0, 0, 0},
	{24, 0, B + LEN, END - B - LEN, 0, 4, 0, 4},
	{24, 0, B + LEN, C - B - LEN + PAGE, 0, 4, -EINVAL, 0},
	{24, 0, END, LEN, 0, 0, 0, 0},
	{24, 0, 0, 1ull << 63, 0, 7, 0, 7},
	{24, 0, 0, -PAGE, 0, 7, 0, 7},
	/* An end at 2^64 finds nothing, but the start is looked at. */
	{24, 0, A, -A, 0, 0, 0, 0},
	{24, 0, A + PAGE, -A - PAGE, 0, 0, -EINVAL, 0},
	{24, 0, A, -A + PAGE, -EINVAL, 0, -EINVAL, 0},
	{24, 0, A, 0, -EINVAL, 0, -EINVAL, 0},
	{24, 0, A, LEN - 1, -EINVAL, 0, -EINVAL, 0},
	{24, 0, 0, ~0ull, -EINVAL, 0, -EINVAL, 0},
	{24, 0, A + 1, LEN, -EINVAL, 0, -EINVAL, 0},
	{23, 0, A, LEN, -EINVAL, 0, -EINVAL, 0},
	{0, 0, A, LEN, -EINVAL, 0, -EINVAL, 0},
	{25, 0, A, LEN, 0, 1, 0, 1},
	{~0u, 0, A, LEN, 0, 1, 0, 1},
	{24, 8, A, LEN, -EINVAL, 0, -EINVAL, 0},
	{24, 1u << 31, A, LEN, -EINVAL, 0, -EINVAL, 0},
	{24, ALL, 0, 0, 0, 7, 0, 7},
	{24, ALL, A, 0, -EINVAL, 0, -EINVAL, 0},
	{24, ALL, 0, LEN, -EINVAL, 0, -EINVAL, 0},
	{24, ALL, 1, 0, -EINVAL, 0, -EINVAL, 0},
	{24, DIRTY, A, LEN, -EINVAL, 0, -EINVAL, 0},
	{47, DIRTY, A, LEN, -EINVAL, 0, -EINVAL, 0},
	{48, DIRTY | ALL, 0, 0, -EINVAL, 0, -EINVAL, 0},
	{48, DIRTY | VADDR, A, LEN, -EINVAL, 0, -EINVAL, 0},
	{48, DIRTY, A, LEN, -EINVAL, 0, -EINVAL, 0},
};

static void check_unmap(unsigned long type, size_t row)
{
	static const uint64_t at[] = {A, B, C};
	bool is_v1 = type == VFIO_TYPE1_IOMMU;
	int gone = is_v1 ? unmap_rows[row].v1_gone : unmap_rows[row].v2_gone;
	int want = is_v1 ? unmap_rows[row].v1 : unmap_rows[row].v2;
	uint64_t size = unmap_rows[row].size, page[2] = {0};
	struct {
		uint32_t argsz, flags;
		uint64_t iova, size;
		uint64_t bitmap[3];
		char canary[8];
	} arg = {
		.argsz = unmap_rows[row].argsz,
		.flags = unmap_rows[row].flags,
		.iova = unmap_rows[row].iova,
		.size = unmap_rows[row].size,
		.bitmap = {PAGE, 16, (uintptr_t)page},
		.canary = "canary!",
	};
	struct rig rig;
	int ret;

	rig_open(&rig, type, "6.12");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(rig_map(&rig, RW, rig_memory, at[i], LEN), 0);
	ret = rig_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, &arg);
	if (ret != want)
		fail_msg("row %zu type %lu: %d", row, type, ret);
	if (!ret)
		size = (uint64_t)__builtin_popcount((unsigned int)gone) * LEN;
	assert_int_equal(arg.size, size);
	assert_int_equal(arg.argsz, unmap_rows[row].argsz);
	assert_int_equal(arg.flags, unmap_rows[row].flags);
	assert_int_equal(arg.iova, unmap_rows[row].iova);
	assert_string_equal(arg.canary, "canary!");
	for (size_t i = 0; i < 3; i++)
		for (uint64_t n = 0; n < LEN; n += PAGE - 1)
			assert_int_equal(rig_is_mapped(&rig, at[i] + n),
					 !(gone & 1 << i));
	rig_close(&rig);
}

/* Shows M19, M20, M21, M22, M23. */
static void unmap_answers_as_the_kernel(void **state)
{
	(void)state;
	for (size_t t = 0; t < COUNT(types); t++)
		for (size_t i = 0; i < COUNT(unmap_rows); i++)
			check_unmap(types[t], i);
}

static void unmap_lets_go_of_the_memory(void **state)
{
	struct rig rig;
	uint64_t size = 2 * LEN;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, B, LEN), 0);
	/* Each mapping, and what is charged. */
	assert_int_equal(atomic_load(&rig.caller.mm->ref.count), 4);
	assert_int_equal(rig_unmap(&rig, 0, A, &size), 0);
	assert_int_equal(atomic_load(&rig.caller.mm->ref.count), 1);
	rig_close(&rig);
}

static void unmap_reads_all_of_its_argument(void **state)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = 24, .iova = A, .size = LEN};
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	for (size_t good = 0; good <= 24; good++) {
		void *p = before_fault(good);

		memcpy(p, &unmap, good);
		assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, p),
				 good < 24 ? -EFAULT : 0);
	}
	rig_close(&rig);
}

static void unmap_is_done_when_its_answer_faults(void **state)
{
	struct vfio_iommu_type1_dma_unmap *p = before_fault(PAGE);
	uint64_t size = 0;
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	*p = (struct vfio_iommu_type1_dma_unmap){
		.argsz = 24, .iova = A, .size = LEN};
	mprotect(p, PAGE, PROT_READ);
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, p), -EFAULT);
	mprotect(p, PAGE, PROT_READ | PROT_WRITE);
	assert_int_equal(p->size, LEN);
	assert_int_equal(rig_unmap(&rig, ALL, 0, &size), 0);
	assert_int_equal(size, 0);
	rig_close(&rig);
}

/* Shows M28, M29. */
static void invalid_addresses_are_updated_one_by_one(void **state)
{
	uint8_t *other = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t size = LEN;
	struct uvf_iommu_member second;
	struct uvf_aspace *as;
	struct rig rig;

	(void)state;
	for (size_t t = 0; t < COUNT(types); t++) {
		rig_open(&rig, types[t], "6.12");
		rig_member(&second, NULL);
		assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
		assert_int_equal(rig_map(&rig, RW, rig_memory, B, LEN), 0);
		assert_int_equal(rig_map(&rig, V, other, A, LEN), -EINVAL);
		size = LEN;
		assert_int_equal(rig_unmap(&rig, VADDR, A, &size), 0);
		assert_int_equal(size, LEN);
		/* DMA goes on, but no group may come. */
		assert_true(rig_is_mapped(&rig, A));
		assert_int_equal(rig_attach(&rig, &second, &as), -EBUSY);
		/* One of the two is invalid: neither is marked. */
		size = 2 * LEN;
		assert_int_equal(rig_unmap(&rig, VADDR, A, &size), -EINVAL);
		assert_int_equal(size, 2 * LEN);
		size = 0;
		assert_int_equal(rig_unmap(&rig, VADDR | ALL, 0, &size),
				 -EINVAL);
		assert_int_equal(rig_map(&rig, V, other, B, LEN), -EINVAL);
		assert_int_equal(rig_map(&rig, V, other, C, LEN), -ENOENT);
		assert_int_equal(rig_map(&rig, V, other, A, PAGE), -EINVAL);
		assert_int_equal(rig_map(&rig, V, other, A - PAGE, LEN),
				 -EINVAL);
		assert_int_equal(rig_map(&rig, RW, other, A, LEN), -EEXIST);
		assert_int_equal(rig_map(&rig, RW, other, C, LEN), 0);
		/* The kernel does not look at the address. */
		assert_int_equal(rig_map(&rig, V, (void *)PAGE, A, LEN), 0);
		assert_int_equal(rig_map(&rig, V, other, A, LEN), -EINVAL);
		assert_int_equal(rig_attach(&rig, &second, &as), 0);
		rig.backend->detach_group(rig.state, &second);
		/* Removing an invalid mapping lets groups come again. */
		size = 0;
		assert_int_equal(rig_unmap(&rig, VADDR | ALL, 0, &size), 0);
		assert_int_equal(size, 3 * LEN);
		size = 0;
		assert_int_equal(rig_unmap(&rig, ALL, 0, &size), 0);
		assert_int_equal(size, 3 * LEN);
		assert_int_equal(rig_attach(&rig, &second, &as), 0);
		rig.backend->detach_group(rig.state, &second);
		rig_close(&rig);
	}
	munmap(other, LEN);
}

static void update_finds_memory_at_its_new_address(void **state)
{
	uint8_t *old = mmap(NULL, 2 * LEN, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *new;
	uint64_t size = LEN;
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(rig_map(&rig, RW, old, A, LEN), 0);
	assert_int_equal(rig_unmap(&rig, VADDR, A, &size), 0);
	new = mremap(old, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, old + LEN);
	assert_ptr_equal(new, old + LEN);
	assert_int_equal(rig_map(&rig, V, new, A, LEN), 0);
	assert_int_equal(uvf_aspace_write(rig.as, A + 7, "moved", 5, NULL), 0);
	assert_memory_equal(new + 7, "moved", 5);
	rig_close(&rig);
	munmap(new, LEN);
}

/* Shows M36, M38. */
static void last_group_takes_the_mappings_along(void **state)
{
	struct uvf_iommu_member second;
	struct uvf_aspace *as;
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(rig_attach(&rig, &rig.member, &as), -EINVAL);
	rig_member(&second, NULL);
	assert_int_equal(rig_attach(&rig, &second, &as), 0);
	assert_ptr_equal(as, rig.as);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	rig.backend->detach_group(rig.state, &second);
	assert_true(rig_is_mapped(&rig, A));
	rig.backend->detach_group(rig.state, &rig.member);
	assert_int_equal(uvf_account_pages(rig.caller.mm), 0);
	assert_int_equal(rig_attach(&rig, &rig.member, &rig.as), 0);
	assert_false(rig_is_mapped(&rig, A));
	assert_int_equal(rig_available(&rig), 65535);
	rig_close(&rig);
}

/* Shows M78. */
static void map_changes_nothing_when_it_fails(void **state)
{
	unsigned long nth = 0;
	struct rig rig;
	int ret;

	(void)state;
	do {
		rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
		assert_int_equal(rig_map(&rig, RW, rig_memory, 0, PAGE), 0);
		uvf_alloc_fail_nth(++nth);
		ret = rig_map(&rig, RW, rig_memory, 1ull << 40, 16 * PAGE);
		uvf_alloc_fail_nth(0);
		assert_true(!ret || ret == -ENOMEM);
		assert_int_equal(rig_is_mapped(&rig, 1ull << 40), !ret);
		assert_int_equal(rig_available(&rig), ret ? 65534 : 65533);
		if (ret)
			assert_int_equal(rig_map(&rig, RW, rig_memory,
						 1ull << 40, 16 * PAGE),
					 0);
		assert_true(rig_is_mapped(&rig, 0));
		rig_close(&rig);
	} while (ret);
	assert_true(nth > 6);
}

/* Shows M78. */
static void update_changes_nothing_when_it_fails(void **state)
{
	unsigned long nth = 0;
	uint64_t size = LEN;
	struct rig rig;
	int ret;

	(void)state;
	rig_open(&rig, VFIO_TYPE1v2_IOMMU, "6.12");
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig_unmap(&rig, VADDR, A, &size), 0);
	do {
		uvf_alloc_fail_nth(++nth);
		ret = rig_map(&rig, V, rig_memory + LEN, A, LEN);
		uvf_alloc_fail_nth(0);
		assert_true(!ret || ret == -ENOMEM);
		assert_true(rig_is_mapped(&rig, A));
	} while (ret);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_its_extensions),
		cmocka_unit_test(opens_its_types_only),
		cmocka_unit_test(knows_its_ioctls_only),
		cmocka_unit_test(info_fits_its_buffer),
		cmocka_unit_test(info_describes_the_host),
		cmocka_unit_test(info_faults_where_its_buffer_ends),
		cmocka_unit_test(map_answers_as_the_kernel),
		cmocka_unit_test(map_reads_all_of_its_argument),
		cmocka_unit_test(map_refuses_an_interval_that_meets_a_mapping),
		cmocka_unit_test(map_reaches_the_memory_it_was_given),
		cmocka_unit_test(holds_65535_mappings),
		cmocka_unit_test(unmap_answers_as_the_kernel),
		cmocka_unit_test(unmap_lets_go_of_the_memory),
		cmocka_unit_test(unmap_reads_all_of_its_argument),
		cmocka_unit_test(unmap_is_done_when_its_answer_faults),
		cmocka_unit_test(invalid_addresses_are_updated_one_by_one),
		cmocka_unit_test(update_finds_memory_at_its_new_address),
		cmocka_unit_test(last_group_takes_the_mappings_along),
		cmocka_unit_test(map_changes_nothing_when_it_fails),
		cmocka_unit_test(update_changes_nothing_when_it_fails),
	};

	return cmocka_run_group_tests_name("type1", tests, NULL, NULL);
}

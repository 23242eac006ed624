/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * type1 of Linux 3.14 and 4.1, before capabilities, ranges and tracking.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/account.h"
#include "iommu/translate.h"

#define A            0x100000ull
#define MIB          0x100000ull
#define LARGE        (2 * MIB)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint8_t *page(unsigned int number)
{
	return rig_memory + number * PAGE;
}

/* The size that goes; @iova in pages from A. */
static uint64_t unmap(struct rig *rig, uint64_t first, uint64_t count)
{
	uint64_t size = count * PAGE;

	assert_int_equal(rig_unmap(rig, 0, A + first * PAGE, &size), 0);
	return size / PAGE;
}

/* A bit for each of 32 pages from A that a device reaches. */
static uint32_t reached(struct rig *rig)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < 32; i++)
		bits |= (uint32_t)rig_is_mapped(rig, A + i * PAGE) << i;
	return bits;
}

static uint64_t charged(const struct rig *rig)
{
	return uvf_account_pages(rig->caller.mm);
}

/* Flips info_has_caps, vtd_any_page_size. */
static void info_had_page_sizes_and_no_more(void **state)
{
	static const struct {
		const char *abi;
		uint32_t flags;
		uint64_t sizes;
	} rows[] = {
		{"3.14", 0, 0xfffffffffffff000},
		{"4.1", 0, 0xfffffffffffff000},
		{"6.1", VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
		 0x40201000},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct uvf_iommu_host host = rig_host;
		struct vfio_iommu_type1_info info;
		struct uvf_profile profile;
		struct rig rig;

		assert_int_equal(uvf_profile_parse(&profile, rows[i].abi, NULL),
				 0);
		host.profile = &profile;
		uvf_iommu_host_use(&host, uvf_iommu_preset_find("intel"));
		rig_open_on(&rig, VFIO_TYPE1_IOMMU, rows[i].abi, &host);
		memset(&info, 0xa5, sizeof(info));
		info.argsz = sizeof(info);
		assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_GET_INFO, &info),
				 0);
		assert_int_equal(info.flags, rows[i].flags);
		assert_true(info.iova_pgsizes == rows[i].sizes);
		assert_int_equal(info.argsz == sizeof(info), !rows[i].flags);
		assert_int_equal(info.cap_offset == 0xa5a5a5a5, !rows[i].flags);
		info.argsz = 15;
		assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_GET_INFO, &info),
				 -EINVAL);
		rig_close(&rig);
	}
}

/* Flips map_dma_flags, unmap_dma_flags, type1_has_dirty_pages. */
static void flags_and_tracking_came_later(void **state)
{
	static const struct {
		const char *abi;
		int map, unmap, dirty;
	} rows[] = {
		{"3.14", -EINVAL, -EINVAL, -ENOTTY},
		{"4.1", -EINVAL, -EINVAL, -ENOTTY},
		{"6.1", -ENOENT, 0, -EACCES},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct vfio_iommu_type1_dirty_bitmap dirty = {
			.argsz = sizeof(dirty),
			.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
		};
		uint64_t size = 0;
		struct rig rig;

		rig_open(&rig, VFIO_TYPE1_IOMMU, rows[i].abi);
		assert_int_equal(rig_map(&rig, VFIO_DMA_MAP_FLAG_VADDR, page(0),
					 A, PAGE),
				 rows[i].map);
		assert_int_equal(
			rig_unmap(&rig, VFIO_DMA_UNMAP_FLAG_ALL, 0, &size),
			rows[i].unmap);
		assert_int_equal(
			rig_ioctl(&rig, VFIO_IOMMU_DIRTY_PAGES, &dirty),
			rows[i].dirty);
		rig_close(&rig);
	}
}

/* Flips type1_has_ranges. */
static void nobody_told_where_a_device_reaches(void **state)
{
	static const char *const abis[] = {"3.14", "4.1", "6.1"};
	const uint64_t end = 1ull << 48;

	(void)state;
	for (size_t i = 0; i < COUNT(abis); i++) {
		bool is_old = i < 2;
		struct uvf_iommu_hw narrow;
		struct uvf_iommu_member member;
		struct uvf_aspace *as;
		struct rig rig;

		rig_open(&rig, VFIO_TYPE1_IOMMU, abis[i]);
		assert_int_equal(rig_map(&rig, RW, page(0), 0xfee00000, PAGE),
				 is_old ? 0 : -EINVAL);
		assert_int_equal(rig_map(&rig, RW, page(1), end, PAGE),
				 is_old ? -EFAULT : -EINVAL);
		assert_int_equal(rig_map(&rig, RW, page(1), end - PAGE, PAGE),
				 0);
		/* Memory is looked at first. */
		assert_int_equal(rig_map(&rig, RW, (void *)PAGE, end, PAGE),
				 is_old ? -EFAULT : -EINVAL);
		assert_int_equal(charged(&rig), is_old ? 2 : 1);
		/* A group whose IOMMU does not reach what is mapped. */
		uvf_iommu_hw_init_other(&narrow, &rig.host, NULL, 39);
		rig_member(&member, &narrow);
		assert_int_equal(rig_attach(&rig, &member, &as),
				 is_old ? -EFAULT : -EINVAL);
		assert_int_equal(charged(&rig), is_old ? 2 : 1);
		assert_true(rig_is_mapped(&rig, end - 1));
		rig_close(&rig);
	}
}

/* Flips type1_has_entry_limit. */
static void mappings_were_not_counted(void **state)
{
	static const char *const abis[] = {"3.14", "4.1", "6.1"};
	atomic_uint limit = 2;

	(void)state;
	for (size_t i = 0; i < COUNT(abis); i++) {
		struct uvf_iommu_host host = rig_host;
		struct rig rig;

		host.dma_entry_limit = &limit;
		rig_open_on(&rig, VFIO_TYPE1_IOMMU, abis[i], &host);
		for (unsigned int n = 0; n < 3; n++)
			assert_int_equal(rig_map(&rig, RW, page(n),
						 A + 2 * n * PAGE, PAGE),
					 i == 2 && n == 2 ? -ENOSPC : 0);
		rig_close(&rig);
	}
}

/* A and B, four pages each with two between; what remains of 0x3cf. */
static const struct {
	uint64_t first, count;
	uint64_t new_size, old_size;
	uint32_t new_left, old_left;
} unmaps[] = {
	{0, 4, 4, 4, 0x3c0, 0x3c0}, /* all of A */
	{0, 32, 8, 8, 0, 0},        /* both, and more */
	{1, 2, 0, 2, 0x3cf, 0x3c9}, /* the middle */
	{2, 4, 0, 2, 0x3cf, 0x3c3}, /* its end */
	{0, 1, 4, 1, 0x3c0, 0x3ce}, /* its beginning */
	{2, 8, 0, 6, 0x3cf, 0x003}, /* from within A over B */
	{0, 7, 8, 5, 0, 0x380},     /* A, and into B */
	{4, 2, 0, 0, 0x3cf, 0x3cf}, /* nothing */
};

/* Shows M20.  Flips type1_splits. */
static void a_part_of_a_mapping_may_go(void **state)
{
	static const char *const abis[] = {"3.14", "4.1", "6.1"};

	(void)state;
	for (size_t i = 0; i < COUNT(unmaps) * COUNT(abis); i++) {
		size_t row = i % COUNT(unmaps), abi = i / COUNT(unmaps);
		uint64_t size =
			abi ? unmaps[row].new_size : unmaps[row].old_size;
		struct rig rig;

		rig_open(&rig, VFIO_TYPE1_IOMMU, abis[abi]);
		assert_int_equal(rig_map(&rig, RW, page(0), A, 4 * PAGE), 0);
		assert_int_equal(
			rig_map(&rig, RW, page(6), A + 6 * PAGE, 4 * PAGE), 0);
		assert_int_equal(
			unmap(&rig, unmaps[row].first, unmaps[row].count),
			size);
		assert_int_equal(reached(&rig), abi ? unmaps[row].new_left
						    : unmaps[row].old_left);
		assert_int_equal(charged(&rig), 8 - size);
		/* What is left goes as one, and comes again. */
		assert_int_equal(unmap(&rig, 0, 32), 8 - size);
		assert_int_equal(reached(&rig), 0);
		assert_int_equal(rig_map(&rig, RW, page(0), A, 32 * PAGE), 0);
		rig_close(&rig);
	}
}

/* Shows M12.  Nobody sees where one mapping ends and the next begins. */
static void neighbours_are_one_and_may_meet_nothing(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1_IOMMU, "3.14");
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(rig_map(&rig, RW, page(4 * i),
					 A + 4 * i * PAGE, 4 * PAGE),
				 0);
	assert_int_equal(rig_map(&rig, RW, page(0), A + 15 * PAGE, 2 * PAGE),
			 -EEXIST);
	assert_int_equal(unmap(&rig, 3, 10), 10);
	assert_int_equal(reached(&rig), 0xe007);
	assert_int_equal(rig_map(&rig, RW, page(20), A + 3 * PAGE, 10 * PAGE),
			 0);
	for (unsigned int i = 0; i < 16; i++) {
		uint8_t byte = 0, want = (uint8_t)(100 + i);

		page(i < 3 || i > 12 ? i : i + 17)[5] = want;
		assert_int_equal(uvf_aspace_read(rig.as, A + i * PAGE + 5,
						 &byte, 1, NULL),
				 0);
		assert_int_equal(byte, want);
	}
	for (unsigned int i = 0; i < 16; i += 2)
		assert_int_equal(unmap(&rig, i, 1), 1);
	assert_int_equal(charged(&rig), 8);
	assert_int_equal(reached(&rig), 0xaaaa);
	rig_close(&rig);
}

/* Parts of mappings are what a second IOMMU gets, too. */
static void parts_come_into_all_tables(void **state)
{
	struct uvf_iommu_member member;
	struct uvf_iommu_hw amd;
	struct uvf_aspace *as;
	uint8_t byte;
	struct rig rig;

	(void)state;
	rig_open(&rig, VFIO_TYPE1_IOMMU, "3.14");
	assert_int_equal(rig_map(&rig, RW, page(0), A, 8 * PAGE), 0);
	assert_int_equal(unmap(&rig, 2, 2), 2);
	uvf_iommu_hw_init_other(&amd, &rig.host, "amd", 0);
	rig_member(&member, &amd);
	assert_int_equal(rig_attach(&rig, &member, &as), 0);
	assert_ptr_not_equal(as, rig.as);
	page(5)[0] = 55;
	assert_int_equal(uvf_aspace_read(as, A + 5 * PAGE, &byte, 1, NULL), 0);
	assert_int_equal(byte, 55);
	assert_int_equal(uvf_aspace_read(as, A + 3 * PAGE, &byte, 1, NULL),
			 -EFAULT);
	assert_int_equal(unmap(&rig, 5, 1), 1);
	assert_int_equal(uvf_aspace_read(as, A + 5 * PAGE, &byte, 1, NULL),
			 -EFAULT);
	assert_int_equal(reached(&rig), 0xd3);
	assert_int_equal(charged(&rig), 5);
	rig.backend->detach_group(rig.state, &member);
	rig_close(&rig);
}

static void a_part_that_cannot_be_cut_off_stays(void **state)
{
	unsigned long nth = 1;
	bool has_failed;

	(void)state;
	do {
		uint64_t size = 2 * PAGE;
		struct rig rig;
		int ret;

		rig_open(&rig, VFIO_TYPE1_IOMMU, "3.14");
		assert_int_equal(rig_map(&rig, RW, page(0), A, 8 * PAGE), 0);
		uvf_alloc_fail_nth(nth++);
		ret = rig_unmap(&rig, 0, A + 3 * PAGE, &size);
		has_failed = uvf_alloc_has_failed();
		uvf_alloc_fail_nth(0);
		if (ret) {
			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(size, 2 * PAGE);
			assert_int_equal(reached(&rig), 0xff);
			assert_int_equal(charged(&rig), 8);
			assert_int_equal(unmap(&rig, 3, 2), 2);
		}
		assert_int_equal(reached(&rig), 0xe7);
		assert_int_equal(charged(&rig), 6);
		rig_close(&rig);
	} while (has_failed);
	assert_true(nth > 8);
}

/* Client memory in pages of 2 MiB, whether the system has some or not. */
static uint64_t large_pages(struct uvf_mm *mm, struct uvf_range vaddr)
{
	(void)mm;
	(void)vaddr;
	return LARGE;
}

/* Three of them and a half, from 1 MiB below a boundary on. */
static void map_large(struct rig *rig, const atomic_bool *is_disabled)
{
	static uint8_t *memory;
	static struct uvf_mm_ops ops;
	struct uvf_iommu_host host = rig_host;

	if (!memory) {
		memory = mmap(NULL, 5 * LARGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			      0);
		memory += -(uintptr_t)memory % LARGE;
	}
	host.disable_hugepages = is_disabled;
	rig_open_on(rig, VFIO_TYPE1_IOMMU, "3.14", &host);
	ops = *rig->caller.mm->ops;
	ops.page_size = large_pages;
	rig->caller.mm->ops = &ops;
	assert_int_equal(rig_map(rig, RW, memory + MIB, LARGE + MIB, 7 * MIB),
			 0);
}

/*
 * Shows M26.  A large page goes when its first byte does, whole, and else
 * nothing goes; where there are none, all goes that was asked for.
 */
static void large_pages_go_whole(void **state)
{
	static const struct {
		uint64_t first, count; /* in MiB */
		uint64_t large, small; /* what goes, when there are, or none */
	} rows[] = {
		{3, 1, 1, 1}, /* less than a page of the tables */
		{4, 1, 2, 1}, /* the beginning of one */
		{5, 1, 0, 1}, /* its end */
		{5, 3, 0, 3}, /* and one more */
		{3, 2, 3, 2}, /* reaches into one */
		{6, 4, 4, 4}, /* two of them */
		{8, 1, 2, 1}, {2, 32, 7, 7},
	};
	atomic_bool is_disabled = false;

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		size_t row = i / 2;
		uint64_t size = rows[row].count * MIB;
		uint64_t want = i % 2 ? rows[row].small : rows[row].large;
		struct rig rig;

		atomic_store(&is_disabled, i % 2);
		map_large(&rig, &is_disabled);
		assert_int_equal(
			rig_unmap(&rig, 0, rows[row].first * MIB, &size), 0);
		assert_int_equal(size, want * MIB);
		assert_int_equal(charged(&rig), (7 - want) * (MIB / PAGE));
		size = 0x40000000;
		assert_int_equal(rig_unmap(&rig, 0, 0, &size), 0);
		assert_int_equal(size, (7 - want) * MIB);
		rig_close(&rig);
	}
}

/* Memory at another place in its page is mapped by small pages. */
static void large_pages_lie_alike_in_both(void **state)
{
	uint64_t size = PAGE;
	struct rig rig;

	(void)state;
	map_large(&rig, NULL);
	assert_int_equal(
		rig_map(&rig, RW, rig_memory, 32 * MIB + PAGE, 8 * PAGE), 0);
	assert_int_equal(rig_unmap(&rig, 0, 32 * MIB + 3 * PAGE, &size), 0);
	assert_int_equal(size, PAGE);
	rig_close(&rig);
}

/* Flips zero_page_is_free. */
static void what_nobody_wrote_was_not_charged(void **state)
{
	static const struct {
		const char *abi;
		uint64_t pages;
	} rows[] = {{"4.1", 3}, {"6.1", 3}, {"6.6", 8}};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t *memory = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		memory[2 * PAGE] = 1;
		memory[3 * PAGE] = 1;
		memory[7 * PAGE] = 1;
		rig_open(&rig, VFIO_TYPE1_IOMMU, rows[i].abi);
		assert_int_equal(rig_map(&rig, VFIO_DMA_MAP_FLAG_READ, memory,
					 A, 8 * PAGE),
				 0);
		assert_int_equal(charged(&rig), rows[i].pages);
		assert_int_equal(unmap(&rig, 0, 8), 8);
		assert_int_equal(charged(&rig), 0);
		/* To be written to, each page is one of its own. */
		assert_int_equal(rig_map(&rig, RW, memory, A, 8 * PAGE), 0);
		assert_int_equal(charged(&rig), 8);
		rig_close(&rig);
		munmap(memory, 8 * PAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_had_page_sizes_and_no_more),
		cmocka_unit_test(flags_and_tracking_came_later),
		cmocka_unit_test(nobody_told_where_a_device_reaches),
		cmocka_unit_test(mappings_were_not_counted),
		cmocka_unit_test(a_part_of_a_mapping_may_go),
		cmocka_unit_test(neighbours_are_one_and_may_meet_nothing),
		cmocka_unit_test(parts_come_into_all_tables),
		cmocka_unit_test(a_part_that_cannot_be_cut_off_stays),
		cmocka_unit_test(large_pages_go_whole),
		cmocka_unit_test(large_pages_lie_alike_in_both),
		cmocka_unit_test(what_nobody_wrote_was_not_charged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

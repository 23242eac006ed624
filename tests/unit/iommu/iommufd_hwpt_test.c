/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page tables that a client makes: what they can be, what they say of pages
 * that were written, and of the hardware.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/translate.h"

#define A      0x100000ull
#define PARENT IOMMU_HWPT_ALLOC_NEST_PARENT
#define DIRTY  IOMMU_HWPT_ALLOC_DIRTY_TRACKING
#define FAULT  IOMMU_HWPT_FAULT_ID_VALID

/* A context with a space and a device. */
struct bench {
	struct rig rig;
	struct group group;
	struct uvf_iommufd_device *device;
	uint32_t ioas, dev_id;
};

static void bench_open(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	rig_open(&bench->rig);
	bench->ioas = rig_ioas(&bench->rig);
	bench->device = rig_bind(&bench->rig, &bench->group);
	bench->dev_id = uvf_iommufd_device_id(bench->device);
}

static void bench_close(struct bench *bench)
{
	uvf_iommufd_device_unbind(bench->device);
	rig_close(&bench->rig);
}

static const uint8_t *page(unsigned int n)
{
	return rig_memory + n * PAGE;
}

static int alloc(struct bench *bench, struct iommu_hwpt_alloc *cmd)
{
	cmd->size = sizeof(*cmd);
	return rig_ioctl(&bench->rig, IOMMU_HWPT_ALLOC, cmd);
}

static uint32_t alloc_flags(struct bench *bench, uint32_t flags)
{
	struct iommu_hwpt_alloc cmd = {
		.flags = flags,
		.dev_id = bench->dev_id,
		.pt_id = bench->ioas,
	};

	assert_int_equal(alloc(bench, &cmd), 0);
	return cmd.out_hwpt_id;
}

/* Shows M61. */
static void flags_are_those_of_the_hardware(void **state)
{
	struct bench bench;
	struct iommu_hwpt_alloc cmd = {0};

	(void)state;
	bench_open(&bench);
	cmd.dev_id = bench.dev_id;
	cmd.pt_id = bench.ioas;
	for (unsigned int bit = 2; bit < 32; bit++) {
		cmd.flags = 1u << bit;
		assert_int_equal(alloc(&bench, &cmd), -EOPNOTSUPP);
	}
	cmd.flags = 0;
	cmd.reserved2 = 1;
	cmd.data_type = IOMMU_HWPT_DATA_VTD_S1;
	assert_int_equal(alloc(&bench, &cmd), -EINVAL);
	cmd.data_len = 24;
	assert_int_equal(alloc(&bench, &cmd), -EOPNOTSUPP);
	cmd.data_type = 0;
	assert_int_equal(alloc(&bench, &cmd), -EINVAL);
	cmd.data_len = 0;
	cmd.pt_id = bench.dev_id;
	assert_int_equal(alloc(&bench, &cmd), -EINVAL);
	cmd.pt_id = 99;
	assert_int_equal(alloc(&bench, &cmd), -EINVAL);
	assert_int_equal(rig_destroy(&bench.rig, alloc_flags(&bench, PARENT)),
			 0);
	assert_int_equal(rig_destroy(&bench.rig, alloc_flags(&bench, DIRTY)),
			 0);
	alloc_flags(&bench, PARENT | DIRTY);
	bench_close(&bench);
}

/* A host whose IOMMU can do less.  Shows M61, M63. */
static void an_old_iommu_refuses_what_it_cannot_do(void **state)
{
	struct iommu_hwpt_alloc cmd = {.flags = PARENT};
	struct iommu_hw_info info = {.size = sizeof(info)};
	struct bench bench;
	struct uvf_iommufd_device *device;
	struct group group = {0};

	(void)state;
	bench_open(&bench);
	uvf_iommufd_device_unbind(bench.device);
	uvf_iommufd_put(bench.rig.ctx);
	bench.rig.host.vendor = UVF_IOMMU_AMD;
	bench.rig.host.is_scalable = false;
	bench.rig.host.tracks_dirty = false;
	assert_int_equal(
		uvf_iommufd_create(&bench.rig.ctx, &bench.rig.host, NULL), 0);
	device = rig_bind(&bench.rig, &group);
	cmd.dev_id = uvf_iommufd_device_id(device);
	cmd.pt_id = rig_ioas(&bench.rig);
	assert_int_equal(alloc(&bench, &cmd), -EOPNOTSUPP);
	cmd.flags = DIRTY;
	assert_int_equal(alloc(&bench, &cmd), -EOPNOTSUPP);
	cmd.flags = 0;
	assert_int_equal(alloc(&bench, &cmd), 0);
	info.dev_id = cmd.dev_id;
	info.data_len = 7;
	info.data_uptr = (uintptr_t)rig_memory;
	info.out_data_type = 9;
	info.out_capabilities = 9;
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_GET_HW_INFO, &info), 0);
	assert_int_equal(info.data_len, 0);
	assert_int_equal(info.out_data_type, IOMMU_HW_INFO_TYPE_NONE);
	assert_int_equal(info.out_capabilities, 0);
	assert_int_equal(rig_memory[6], 0);
	assert_int_equal(rig_memory[7], 1);
	memset(rig_memory, 1, 7);
	uvf_iommufd_device_unbind(device);
	rig_close(&bench.rig);
}

/* Shows M61. */
static void each_table_leads_where_its_space_does(void **state)
{
	struct bench bench;
	uint64_t length = PAGE;
	uint32_t one, two;

	(void)state;
	bench_open(&bench);
	assert_int_equal(rig_map_at(&bench.rig, bench.ioas, page(1), PAGE, A),
			 0);
	one = alloc_flags(&bench, 0);
	two = alloc_flags(&bench, DIRTY);
	assert_int_equal(
		rig_map_at(&bench.rig, bench.ioas, page(2), PAGE, A + PAGE), 0);
	assert_null(bench.group.as);
	assert_int_equal(rig_attach(bench.device, one), 0);
	assert_int_equal(rig_read(&bench.group, A), 2);
	assert_int_equal(rig_read(&bench.group, A + PAGE), 3);
	assert_int_equal(rig_attach(bench.device, two), 0);
	assert_int_equal(rig_read(&bench.group, A), 2);
	assert_int_equal(rig_read(&bench.group, A + PAGE), 3);
	assert_int_equal(rig_destroy(&bench.rig, one), 0);
	assert_int_equal(rig_destroy(&bench.rig, two), -EBUSY);
	assert_int_equal(rig_unmap(&bench.rig, bench.ioas, A, &length), 0);
	assert_int_equal(rig_read(&bench.group, A), -EFAULT);
	assert_int_equal(rig_read(&bench.group, A + PAGE), 3);
	bench_close(&bench);
}

/* Tables for others to nest on refuse what devices may only read. */
static void a_parent_holds_no_mapping_for_reading_only(void **state)
{
	struct iommu_hwpt_alloc cmd = {.flags = PARENT};
	struct bench bench;
	uint64_t iova = A, length = PAGE;
	uint32_t parent;

	(void)state;
	bench_open(&bench);
	cmd.dev_id = bench.dev_id;
	cmd.pt_id = bench.ioas;
	assert_int_equal(rig_map(&bench.rig, bench.ioas, FIXED | READ, page(1),
				 PAGE, &iova),
			 0);
	assert_int_equal(alloc(&bench, &cmd), -EINVAL);
	alloc_flags(&bench, 0);
	assert_int_equal(alloc(&bench, &cmd), -EINVAL);
	assert_int_equal(rig_unmap(&bench.rig, bench.ioas, A, &length), 0);
	parent = alloc_flags(&bench, PARENT);
	assert_int_equal(rig_map(&bench.rig, bench.ioas, FIXED | READ, page(1),
				 PAGE, &iova),
			 -EINVAL);
	assert_int_equal(rig_destroy(&bench.rig, parent), 0);
	assert_int_equal(rig_map(&bench.rig, bench.ioas, FIXED | READ, page(1),
				 PAGE, &iova),
			 0);
	bench_close(&bench);
}

static int set_dirty(struct bench *bench, uint32_t hwpt, uint32_t flags)
{
	struct iommu_hwpt_set_dirty_tracking set = {sizeof(set), flags, hwpt,
						    0};

	return rig_ioctl(&bench->rig, IOMMU_HWPT_SET_DIRTY_TRACKING, &set);
}

static int get_dirty(struct bench *bench, uint32_t hwpt, uint32_t flags,
		     uint64_t length, uint64_t page_size, void *bits)
{
	struct iommu_hwpt_get_dirty_bitmap get = {
		.size = sizeof(get),
		.hwpt_id = hwpt,
		.flags = flags,
		.iova = A,
		.length = length,
		.page_size = page_size,
		.data = (uintptr_t)bits,
	};

	return rig_ioctl(&bench->rig, IOMMU_HWPT_GET_DIRTY_BITMAP, &get);
}

/* Shows M62. */
static void dirty_calls_refuse_in_this_order(void **state)
{
	struct iommu_hwpt_get_dirty_bitmap get = {.size = sizeof(get)};
	struct bench bench;
	uint32_t plain, dirty;
	uint64_t bits = 0;

	(void)state;
	bench_open(&bench);
	plain = alloc_flags(&bench, 0);
	dirty = alloc_flags(&bench, DIRTY);
	assert_int_equal(set_dirty(&bench, 99, 2), -EOPNOTSUPP);
	assert_int_equal(set_dirty(&bench, 99, 1), -ENOENT);
	assert_int_equal(set_dirty(&bench, bench.ioas, 1), -ENOENT);
	assert_int_equal(set_dirty(&bench, plain, 1), -EOPNOTSUPP);
	for (int i = 0; i < 2; i++)
		assert_int_equal(set_dirty(&bench, dirty, 0), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(set_dirty(&bench, dirty, 1), 0);
	assert_int_equal(get_dirty(&bench, 99, 2, 0, 0, &bits), -EOPNOTSUPP);
	get.reserved = 1;
	assert_int_equal(
		rig_ioctl(&bench.rig, IOMMU_HWPT_GET_DIRTY_BITMAP, &get),
		-EOPNOTSUPP);
	assert_int_equal(get_dirty(&bench, bench.ioas, 0, 0, 0, &bits),
			 -ENOENT);
	assert_int_equal(get_dirty(&bench, plain, 0, 0, 0, &bits), -EINVAL);
	assert_int_equal(get_dirty(&bench, plain, 0, -A + 1, 0, &bits),
			 -EOVERFLOW);
	assert_int_equal(get_dirty(&bench, plain, 0, PAGE / 2, PAGE, &bits),
			 -EINVAL);
	assert_int_equal(get_dirty(&bench, plain, 0, PAGE, 0, &bits), -EINVAL);
	assert_int_equal(get_dirty(&bench, plain, 0, PAGE, 2 * PAGE, &bits),
			 -EINVAL);
	assert_int_equal(get_dirty(&bench, plain, 0, PAGE, PAGE, &bits),
			 -EOPNOTSUPP);
	assert_int_equal(get_dirty(&bench, dirty, 0, PAGE, PAGE, &bits), 0);
	assert_int_equal(get_dirty(&bench, dirty, 0, PAGE, PAGE, NULL), 0);
	assert_true(bits == 0);
	bench_close(&bench);
}

static void write_page(struct bench *bench, uint64_t n)
{
	uint8_t byte = 0xee;

	assert_int_equal(
		uvf_aspace_write(bench->group.as, A + n * PAGE, &byte, 1, NULL),
		0);
}

static bool bit_of(const uint8_t *bits, uint64_t n)
{
	return bits[n / 8] >> n % 8 & 1;
}

/* Every other page is written, by tables of several sizes. */
static void check_dirty(uint64_t pages, size_t shift)
{
	uint64_t size = pages * PAGE, bytes = pages / 8 ? pages / 8 : 1;
	uint8_t *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *buffer = calloc(1, bytes + 2 * PAGE);
	uint8_t *bits =
		(uint8_t *)(((uintptr_t)buffer + PAGE - 1) & -PAGE) + shift;
	struct bench bench;
	uint32_t hwpt;

	bench_open(&bench);
	assert_int_equal(rig_map_at(&bench.rig, bench.ioas, memory, size, A),
			 0);
	hwpt = alloc_flags(&bench, DIRTY);
	assert_int_equal(rig_attach(bench.device, hwpt), 0);
	write_page(&bench, 0);
	assert_int_equal(get_dirty(&bench, hwpt, 0, size, PAGE, bits), 0);
	assert_int_equal(bits[0], 0);
	assert_int_equal(set_dirty(&bench, hwpt, 1), 0);
	for (uint64_t n = 0; n < pages; n += 2)
		write_page(&bench, n);
	/* Bits that a client has set stay. */
	bits[0] = 2;
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(
			get_dirty(&bench, hwpt, i < 2, size, PAGE, bits), 0);
		for (uint64_t n = 0; n < pages; n++)
			assert_int_equal(bit_of(bits, n), n == 1 || n % 2 == 0);
		memset(bits, 0, bytes);
		bits[0] = 2;
	}
	assert_int_equal(get_dirty(&bench, hwpt, 0, size, PAGE, bits), 0);
	assert_int_equal(bits[0], 2);
	for (uint64_t i = 1; i < bytes; i++)
		assert_int_equal(bits[i], 0);
	/* One bit for more than a page, and more than one bit for a page. */
	write_page(&bench, pages - 1);
	memset(bits, 0, bytes);
	assert_int_equal(get_dirty(&bench, hwpt, 1, size, 2 * PAGE, bits), 0);
	assert_true(bit_of(bits, pages / 2 - 1));
	assert_false(pages > 2 && bit_of(bits, 0));
	assert_int_equal(set_dirty(&bench, hwpt, 1), 0);
	write_page(&bench, 0);
	memset(bits, 0, bytes);
	assert_int_equal(get_dirty(&bench, hwpt, 1, PAGE, PAGE / 8, bits), 0);
	assert_int_equal(bits[0], 0xff);
	bench_close(&bench);
	free(buffer);
	munmap(memory, size);
}

/* Shows M62. */
static void dirty_bitmaps_of_all_sizes(void **state)
{
	static const uint64_t pages[] = {2, 32, 512, 1024, 32768};

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		check_dirty(pages[i], 0);
		check_dirty(pages[i], 0xff1);
	}
}

/* Nearly all addresses, of which next to nothing is mapped. */
static void a_dirty_bitmap_of_everything_looks_at_mappings_only(void **state)
{
	const uint64_t length = (1ull << 63) - A;
	struct bench bench;
	uint8_t bits = 0;
	uint32_t dirty;

	(void)state;
	bench_open(&bench);
	dirty = alloc_flags(&bench, DIRTY);
	assert_int_equal(set_dirty(&bench, dirty, 1), 0);
	assert_int_equal(rig_attach(bench.device, dirty), 0);
	assert_int_equal(get_dirty(&bench, dirty, 0, length, PAGE, &bits), 0);
	for (uint64_t at = A; at < 1ull << 47; at = at * 2 + A)
		assert_int_equal(
			rig_map_at(&bench.rig, bench.ioas, page(1), PAGE, at),
			0);
	assert_int_equal(get_dirty(&bench, dirty, 0, length, PAGE, &bits), 0);
	assert_int_equal(bits, 0);
	write_page(&bench, 0);
	assert_int_equal(get_dirty(&bench, dirty, 0, PAGE, PAGE, &bits), 0);
	assert_int_equal(bits, 1);
	bench_close(&bench);
}

/* Shows M62. */
static void dirty_bits_are_of_one_table_and_not_lost(void **state)
{
	struct bench bench;
	uint8_t *bits =
		mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t length = PAGE;
	uint32_t one, two;

	(void)state;
	bench_open(&bench);
	for (unsigned int n = 0; n < 6; n += 2)
		assert_int_equal(rig_map_at(&bench.rig, bench.ioas, page(n),
					    PAGE, A + n * PAGE),
				 0);
	one = alloc_flags(&bench, DIRTY);
	two = alloc_flags(&bench, DIRTY);
	assert_int_equal(set_dirty(&bench, one, 1), 0);
	assert_int_equal(set_dirty(&bench, two, 1), 0);
	assert_int_equal(rig_attach(bench.device, one), 0);
	for (unsigned int n = 0; n < 6; n += 2)
		write_page(&bench, n);
	/* What cannot be told is kept; holes say nothing. */
	assert_int_equal(get_dirty(&bench, one, 0, 6 * PAGE, PAGE, bits),
			 -EFAULT);
	mprotect(bits, PAGE, PROT_READ | PROT_WRITE);
	assert_int_equal(get_dirty(&bench, two, 0, 6 * PAGE, PAGE, bits), 0);
	assert_int_equal(bits[0], 0);
	assert_int_equal(get_dirty(&bench, one, 1, 6 * PAGE, PAGE, bits), 0);
	assert_int_equal(bits[0], 0x15);
	/* An unmap takes its bits along. */
	assert_int_equal(rig_unmap(&bench.rig, bench.ioas, A, &length), 0);
	assert_int_equal(rig_map_at(&bench.rig, bench.ioas, page(0), PAGE, A),
			 0);
	bits[0] = 0;
	assert_int_equal(get_dirty(&bench, one, 0, 6 * PAGE, PAGE, bits), 0);
	assert_int_equal(bits[0], 0x14);
	/* What is mapped while it is on counts, and off is off. */
	write_page(&bench, 0);
	bits[0] = 0;
	assert_int_equal(get_dirty(&bench, one, 0, 6 * PAGE, PAGE, bits), 0);
	assert_int_equal(bits[0], 1);
	write_page(&bench, 2);
	assert_int_equal(set_dirty(&bench, one, 0), 0);
	bits[0] = 0;
	assert_int_equal(get_dirty(&bench, one, 0, 6 * PAGE, PAGE, bits), 0);
	assert_int_equal(bits[0], 0);
	memset(rig_memory + 0 * PAGE, 1, PAGE);
	memset(rig_memory + 2 * PAGE, 3, PAGE);
	memset(rig_memory + 4 * PAGE, 5, PAGE);
	bench_close(&bench);
	munmap(bits, PAGE);
}

/* Shows M63. */
static void hw_info_fills_buffers_of_any_size(void **state)
{
	struct iommu_hw_info info = {.size = sizeof(info), .flags = 1};
	struct iommu_hw_info_vtd vtd;
	struct bench bench;
	uint8_t bytes[64];

	(void)state;
	bench_open(&bench);
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_GET_HW_INFO, &info),
			 -EOPNOTSUPP);
	info.flags = 0;
	for (unsigned int i = 0; i < 3; i++) {
		memset(info.reserved, 0, sizeof(info.reserved));
		info.reserved[i] = 1;
		assert_int_equal(
			rig_ioctl(&bench.rig, IOMMU_GET_HW_INFO, &info),
			-EOPNOTSUPP);
	}
	memset(info.reserved, 0, sizeof(info.reserved));
	info.dev_id = bench.ioas;
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_GET_HW_INFO, &info),
			 -ENOENT);
	info.dev_id = bench.dev_id;
	info.data_len = 1;
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_GET_HW_INFO, &info),
			 -EFAULT);
	/* No buffer asks for the length. */
	info.data_len = 0;
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_GET_HW_INFO, &info), 0);
	assert_int_equal(info.data_len, sizeof(vtd));
	assert_int_equal(info.out_data_type, IOMMU_HW_INFO_TYPE_INTEL_VTD);
	assert_int_equal(info.out_capabilities, IOMMU_HW_CAP_DIRTY_TRACKING);
	info.data_uptr = (uintptr_t)bytes;
	for (uint32_t len = 1; len < sizeof(bytes); len++) {
		memset(bytes, 0xa5, sizeof(bytes));
		info.data_len = len;
		assert_int_equal(
			rig_ioctl(&bench.rig, IOMMU_GET_HW_INFO, &info), 0);
		assert_int_equal(info.data_len, sizeof(vtd));
		for (uint32_t i = 0; i < sizeof(bytes); i++)
			if (i >= len)
				assert_int_equal(bytes[i], 0xa5);
			else if (i >= sizeof(vtd))
				assert_int_equal(bytes[i], 0);
	}
	memcpy(&vtd, bytes, sizeof(vtd));
	assert_int_equal(vtd.flags, IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17);
	/* 48 bits of addresses, scalable mode, nesting, bits for dirty pages */
	assert_int_equal(vtd.cap_reg >> 16 & 0x3f, 47);
	assert_true(vtd.ecap_reg >> 43 & vtd.ecap_reg >> 26 &
		    vtd.ecap_reg >> 45 & 1);
	/* What 6.6 had, without capabilities. */
	info.size = 32;
	info.out_capabilities = 99;
	assert_int_equal(rig_ioctl(&bench.rig, IOMMU_GET_HW_INFO, &info), 0);
	assert_int_equal(info.out_capabilities, 99);
	bench_close(&bench);
}

/* One more page table, the id of which must be @id; how many tries. */
static unsigned long alloc_failing(struct bench *bench,
				   struct iommu_hwpt_alloc *cmd, uint32_t id)
{
	for (unsigned long nth = 1;; nth++) {
		int ret;

		uvf_alloc_fail_nth(nth);
		ret = alloc(bench, cmd);
		uvf_alloc_fail_nth(0);
		if (!ret) {
			assert_int_equal(cmd->out_hwpt_id, id);
			return nth;
		}
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(rig_destroy(&bench->rig, id), -ENOENT);
	}
}

/* Whatever request fails, nothing has changed and the next try succeeds. */
static void making_and_tracking_fail_whole(void **state)
{
	struct iommu_hwpt_alloc cmd = {.flags = PARENT | DIRTY};
	struct bench bench;
	unsigned long nth;
	int ret;

	(void)state;
	bench_open(&bench);
	cmd.dev_id = bench.dev_id;
	cmd.pt_id = bench.ioas;
	for (unsigned int n = 0; n < 3; n++)
		assert_int_equal(rig_map_at(&bench.rig, bench.ioas, page(n),
					    PAGE, A + 2 * n * PAGE),
				 0);
	assert_true(alloc_failing(&bench, &cmd, 3) > 9);
	/* A second one beside it, the memory being held. */
	(void)alloc_failing(&bench, &cmd, 4);
	assert_int_equal(rig_attach(bench.device, 3), 0);
	for (nth = 1;; nth++) {
		uint8_t bits = 0;

		uvf_alloc_fail_nth(nth);
		ret = set_dirty(&bench, 3, 1);
		uvf_alloc_fail_nth(0);
		write_page(&bench, 0);
		assert_int_equal(get_dirty(&bench, 3, 0, 6 * PAGE, PAGE, &bits),
				 0);
		assert_int_equal(bits, !ret);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
	}
	assert_true(nth > 1);
	/* A map into two tables. */
	for (nth = 1;; nth++) {
		uvf_alloc_fail_nth(nth);
		ret = rig_map_at(&bench.rig, bench.ioas, page(5), PAGE,
				 A + PAGE);
		uvf_alloc_fail_nth(0);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(rig_read(&bench.group, A + PAGE), -EFAULT);
	}
	assert_int_equal(rig_read(&bench.group, A + PAGE), 6);
	assert_int_equal(rig_attach(bench.device, 4), 0);
	assert_int_equal(rig_read(&bench.group, A + PAGE), 6);
	memset(rig_memory, 1, PAGE);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_those_of_the_hardware),
		cmocka_unit_test(an_old_iommu_refuses_what_it_cannot_do),
		cmocka_unit_test(each_table_leads_where_its_space_does),
		cmocka_unit_test(a_parent_holds_no_mapping_for_reading_only),
		cmocka_unit_test(dirty_calls_refuse_in_this_order),
		cmocka_unit_test(dirty_bitmaps_of_all_sizes),
		cmocka_unit_test(
			a_dirty_bitmap_of_everything_looks_at_mappings_only),
		cmocka_unit_test(dirty_bits_are_of_one_table_and_not_lost),
		cmocka_unit_test(hw_info_fills_buffers_of_any_size),
		cmocka_unit_test(making_and_tracking_fail_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The objects and calls of an iommufd: what is refused, in which order, and
 * what it changes.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/translate.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LAST         UINT64_MAX
#define A            0x100000ull

static const void *page(unsigned int n)
{
	return rig_memory + n * PAGE;
}

/* Shows M47. */
static void every_call_checks_its_size_first(void **state)
{
	static const struct {
		unsigned int cmd;
		uint32_t min, size;
	} rows[] = {
		{IOMMU_DESTROY, 8, 8},
		{IOMMU_IOAS_ALLOC, 12, 12},
		{IOMMU_IOAS_ALLOW_IOVAS, 24, 24},
		{IOMMU_IOAS_COPY, 40, 40},
		{IOMMU_IOAS_IOVA_RANGES, 32, 32},
		{IOMMU_IOAS_MAP, 40, 40},
		{IOMMU_IOAS_UNMAP, 24, 24},
		{IOMMU_OPTION, 24, 24},
		{IOMMU_VFIO_IOAS, 12, 12},
		{IOMMU_HWPT_ALLOC, 24, 48},
		{IOMMU_GET_HW_INFO, 32, 40},
		{IOMMU_HWPT_SET_DIRTY_TRACKING, 16, 16},
		{IOMMU_HWPT_GET_DIRTY_BITMAP, 48, 48},
		{IOMMU_HWPT_INVALIDATE, 32, 32},
		{IOMMU_FAULT_QUEUE_ALLOC, 16, 16},
	};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t bytes[128] = {0};
		uint32_t size = rows[i].min - 1;

		memcpy(bytes, &size, sizeof(size));
		assert_int_equal(rig_ioctl(&rig, rows[i].cmd, bytes), -EINVAL);
		size = sizeof(bytes);
		memcpy(bytes, &size, sizeof(size));
		bytes[rows[i].size] = 1;
		assert_int_equal(rig_ioctl(&rig, rows[i].cmd, bytes), -E2BIG);
		bytes[rows[i].size] = 0;
		assert_int_not_equal(rig_ioctl(&rig, rows[i].cmd, bytes),
				     -E2BIG);
		assert_int_equal(rig_ioctl(&rig, rows[i].cmd, NULL), -EFAULT);
		assert_int_equal(rig_ioctl(&rig, rows[i].cmd | 1u << 30, bytes),
				 -ENOTTY);
	}
	assert_int_equal(rig_ioctl(&rig, _IO(';', 0x8f), NULL), -ENOTTY);
	assert_int_equal(rig_ioctl(&rig, _IO(';', 0x95), NULL), -ENOTTY);
	assert_int_equal(rig_ioctl(&rig, _IO(';', 0x7f), NULL), -ENOTTY);
	rig_close(&rig);
}

static void an_answer_that_cannot_be_written_leaves_no_object(void **state)
{
	struct rig rig;
	struct iommu_ioas_alloc *alloc =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	rig_open(&rig);
	alloc->size = sizeof(*alloc);
	mprotect(alloc, PAGE, PROT_READ);
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_ALLOC, alloc), -EFAULT);
	assert_int_equal(rig_destroy(&rig, 1), -ENOENT);
	munmap(alloc, PAGE);
	rig_close(&rig);
}

/* Shows M48. */
static void ids_begin_at_one_and_the_lowest_is_next(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (uint32_t id = 1; id < 40; id++)
		assert_int_equal(rig_ioas(&rig), id);
	assert_int_equal(rig_destroy(&rig, 7), 0);
	assert_int_equal(rig_destroy(&rig, 3), 0);
	assert_int_equal(rig_destroy(&rig, 3), -ENOENT);
	assert_int_equal(rig_destroy(&rig, 0), -ENOENT);
	assert_int_equal(rig_destroy(&rig, LAST & 0xffffffff), -ENOENT);
	assert_int_equal(rig_ioas(&rig), 3);
	assert_int_equal(rig_ioas(&rig), 7);
	assert_int_equal(rig_ioas(&rig), 40);
	rig_close(&rig);
}

/* Shows M47. */
static void reserved_fields_and_flags_are_not_supported(void **state)
{
	struct iommu_ioas_alloc alloc = {.size = sizeof(alloc), .flags = 1};
	struct iommu_ioas_map map = {.size = sizeof(map), .flags = 8};
	struct iommu_ioas_copy copy = {.size = sizeof(copy), .flags = 8};
	struct iommu_option option = {.size = sizeof(option), .option_id = 2};
	struct iommu_vfio_ioas vfio = {.size = sizeof(vfio), .op = 3};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_ALLOC, &alloc),
			 -EOPNOTSUPP);
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_MAP, &map), -EOPNOTSUPP);
	map.flags = 0;
	map.reserved = 1;
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_MAP, &map), -EOPNOTSUPP);
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_COPY, &copy), -EOPNOTSUPP);
	assert_int_equal(rig_ioctl(&rig, IOMMU_OPTION, &option), -EOPNOTSUPP);
	assert_int_equal(rig_ioctl(&rig, IOMMU_VFIO_IOAS, &vfio), -EOPNOTSUPP);
	vfio.op = 0;
	vfio.reserved = 1;
	assert_int_equal(rig_ioctl(&rig, IOMMU_VFIO_IOAS, &vfio), -EOPNOTSUPP);
	rig_close(&rig);
}

/* Each row is wrong in all that comes behind its error, too.  Shows M51. */
static void map_refuses_in_this_order(void **state)
{
	struct rig rig;
	uint64_t iova;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	iova = LAST;
	assert_int_equal(rig_map(&rig, 9, 0, page(0), 0, &iova), -EOVERFLOW);
	iova = 0;
	assert_int_equal(rig_map(&rig, 9, 0, page(0), LAST, &iova), -EOVERFLOW);
	assert_int_equal(rig_map(&rig, 9, 0, page(0), 0, &iova), -EINVAL);
	assert_int_equal(rig_map(&rig, 9, RW, page(0), 0, &iova), -ENOENT);
	assert_int_equal(rig_map(&rig, ioas, RW, page(0), 0, &iova), -EINVAL);
	assert_int_equal(
		rig_map(&rig, ioas, RW, page(0), LAST - PAGE + 1, &iova),
		-EINVAL);
	assert_int_equal(rig_map(&rig, ioas, RW, page(0), LAST - PAGE, &iova),
			 -EOVERFLOW);
	assert_int_equal(rig_map(&rig, ioas, RW, NULL, LAST / 2, &iova),
			 -EOVERFLOW);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), PAGE, LAST - 10),
			 -EOVERFLOW);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), PAGE, A), 0);
	assert_int_equal(rig_map_at(&rig, ioas, page(1), 1, A + PAGE - 1),
			 -EEXIST);
	assert_int_equal(rig_map_at(&rig, ioas, page(1), 1, A + PAGE), 0);
	rig_close(&rig);
}

/* Shows M51. */
static void choosing_a_place_follows_memory_and_length(void **state)
{
	static const struct {
		uint64_t vaddr, length, iova;
	} rows[] = {
		/* Never 0; lowest fit; congruent modulo a page. */
		{0x7f0000000000, 0x1000, 0x1000},
		{0x7f0000000000, 0x1000, 0x2000},
		{0x7f0000000000, 0x3000, 0x4000},
		{0x7f0000000000, 0x1000, 0x3000},
		{0x7f0000000123, 0x10, 0x7123},
		{0x7f0000200000, 0x400000, 0x200000},
		{0, 0x8000, 0x8000},
		{0x7f0000001000, 0x400000, 0x600000},
	};
	struct rig rig;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t iova = 77;

		assert_int_equal(rig_map(&rig, ioas, RW,
					 (void *)(uintptr_t)rows[i].vaddr,
					 rows[i].length, &iova),
				 0);
		assert_int_equal(iova, rows[i].iova);
	}
	rig_close(&rig);
}

static int allow(struct rig *rig, uint32_t ioas,
		 const struct iommu_iova_range *ranges, uint32_t count)
{
	struct iommu_ioas_allow_iovas allow = {
		.size = sizeof(allow),
		.ioas_id = ioas,
		.num_iovas = count,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return rig_ioctl(rig, IOMMU_IOAS_ALLOW_IOVAS, &allow);
}

/* Shows M50. */
static void allowed_ranges_steer_the_choice_only(void **state)
{
	static const struct iommu_iova_range two[] = {{0x50000, 0x50fff},
						      {0x70000, 0x73fff}};
	static const struct iommu_iova_range meeting[] = {{1, 9}, {9, 10}};
	static const struct iommu_iova_range byte[] = {{5, 5}};
	static const struct iommu_iova_range window[] = {
		{0xfee00000, 0xfee00fff}};
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct rig rig;
	uint64_t iova = 0;
	uint32_t ioas, pt;

	(void)state;
	rig_open(&rig);
	ioas = pt = rig_ioas(&rig);
	assert_int_equal(allow(&rig, ioas, two, 2), 0);
	assert_int_equal(allow(&rig, ioas, meeting, 2), -EINVAL);
	assert_int_equal(allow(&rig, ioas, byte, 1), -EINVAL);
	assert_int_equal(allow(&rig, ioas, NULL, 1), -EFAULT);
	assert_int_equal(rig_map(&rig, ioas, RW, page(0), 2 * PAGE, &iova), 0);
	assert_int_equal(iova, 0x70000);
	assert_int_equal(rig_map(&rig, ioas, RW, page(0), 4 * PAGE, &iova),
			 -ENOSPC);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), PAGE, A), 0);
	/* What a device reserves and what is allowed exclude each other. */
	device = rig_bind(&rig, &group);
	assert_int_equal(allow(&rig, ioas, window, 1), 0);
	assert_int_equal(uvf_iommufd_device_attach(device, &pt), -EADDRINUSE);
	assert_int_equal(pt, ioas);
	assert_int_equal(allow(&rig, ioas, NULL, 0), 0);
	assert_int_equal(uvf_iommufd_device_attach(device, &pt), 0);
	assert_int_equal(allow(&rig, ioas, window, 1), -EADDRINUSE);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/* Shows M39, M49. */
static void iova_ranges_are_the_gaps_between_the_reserved(void **state)
{
	struct iommu_iova_range ranges[4] = {{0}};
	struct iommu_ioas_iova_ranges query = {
		.size = sizeof(query),
		.allowed_iovas = (uintptr_t)ranges,
	};
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct rig rig;
	uint32_t pt;

	(void)state;
	rig_open(&rig);
	query.ioas_id = pt = rig_ioas(&rig);
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_IOVA_RANGES, &query),
			 -EMSGSIZE);
	assert_int_equal(query.num_iovas, 1);
	assert_int_equal(query.out_iova_alignment, 1);
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_IOVA_RANGES, &query), 0);
	assert_int_equal(ranges[0].start, 0);
	assert_true(ranges[0].last == LAST);
	device = rig_bind(&rig, &group);
	assert_int_equal(uvf_iommufd_device_attach(device, &pt), 0);
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_IOVA_RANGES, &query),
			 -EMSGSIZE);
	assert_int_equal(query.num_iovas, 2);
	assert_int_equal(ranges[0].last, 0xfedfffff);
	assert_int_equal(ranges[1].last, 0);
	query.num_iovas = 4;
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_IOVA_RANGES, &query), 0);
	assert_int_equal(query.num_iovas, 2);
	assert_int_equal(query.out_iova_alignment, PAGE);
	assert_int_equal(ranges[1].start, 0xfef00000);
	assert_int_equal(ranges[1].last, (1ull << 48) - 1);
	assert_int_equal(ranges[2].last, 0);
	uvf_iommufd_device_detach(device);
	query.num_iovas = 1;
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_IOVA_RANGES, &query), 0);
	assert_int_equal(query.out_iova_alignment, 1);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/* Shows M54. */
static void unmap_takes_whole_areas_and_keeps_what_it_took(void **state)
{
	struct rig rig;
	uint64_t length;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(rig_map_at(&rig, ioas, page(0), 8 * PAGE,
					    A + i * 16 * PAGE),
				 0);
	length = LAST;
	assert_int_equal(rig_unmap(&rig, 9, 0, &length), -ENOENT);
	length = 0;
	assert_int_equal(rig_unmap(&rig, ioas, A, &length), -EINVAL);
	length = PAGE;
	assert_int_equal(rig_unmap(&rig, ioas, LAST, &length), -EOVERFLOW);
	length = PAGE;
	assert_int_equal(rig_unmap(&rig, ioas, -PAGE + 1, &length), -EOVERFLOW);
	length = 32 * PAGE; /* starts in the first: nothing goes */
	assert_int_equal(rig_unmap(&rig, ioas, A + 1, &length), -ENOENT);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), 1, A), -EEXIST);
	length = 20 * PAGE; /* ends in the second: the first is gone */
	assert_int_equal(rig_unmap(&rig, ioas, A, &length), -ENOENT);
	assert_int_equal(length, 20 * PAGE);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), 8 * PAGE, A), 0);
	length = 64 * PAGE;
	assert_int_equal(rig_unmap(&rig, ioas, A, &length), 0);
	assert_int_equal(length, 32 * PAGE);
	length = PAGE;
	assert_int_equal(rig_unmap(&rig, ioas, A, &length), -ENOENT);
	length = LAST;
	assert_int_equal(rig_unmap(&rig, ioas, 0, &length), 0);
	assert_int_equal(length, 0);
	rig_close(&rig);
}

/* Shows M52. */
static void memory_is_looked_at_when_a_device_comes(void **state)
{
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct rig rig;
	uint64_t length = 2 * PAGE;
	uint32_t ioas, pt;

	(void)state;
	rig_open(&rig);
	ioas = pt = rig_ioas(&rig);
	device = rig_bind(&rig, &group);
	assert_int_equal(rig_map_at(&rig, ioas, page(3), PAGE, A), 0);
	/* Its second page is not there. */
	assert_int_equal(
		rig_map_at(&rig, ioas, page(RIG_PAGES - 1), 2 * PAGE, 2 * A),
		0);
	assert_int_equal(uvf_iommufd_device_attach(device, &pt), -EFAULT);
	assert_null(group.as);
	assert_int_equal(rig_unmap(&rig, ioas, 2 * A, &length), 0);
	assert_int_equal(uvf_iommufd_device_attach(device, &pt), 0);
	assert_int_equal(rig_read(&group, A), 4);
	assert_int_equal(
		rig_map_at(&rig, ioas, page(RIG_PAGES - 1), 2 * PAGE, 2 * A),
		-EFAULT);
	assert_int_equal(rig_read(&group, 2 * A), -EFAULT);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), 1, 3 * A), -EINVAL);
	assert_int_equal(rig_map_at(&rig, ioas, (const uint8_t *)page(0) + 8,
				    PAGE, 3 * A),
			 -EINVAL);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), PAGE, 0xfee00000),
			 -EINVAL);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), PAGE, 1ull << 48),
			 -EINVAL);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/* Shows M37, M53. */
static void areas_that_no_page_table_can_hold_keep_devices_out(void **state)
{
	static const uint64_t places[] = {A + 1, 0xfee00000, 1ull << 48, -PAGE};
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct rig rig;
	uint64_t length;
	uint32_t ioas, pt;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	device = rig_bind(&rig, &group);
	for (size_t i = 0; i < COUNT(places); i++) {
		pt = ioas;
		assert_int_equal(
			rig_map_at(&rig, ioas, page(0), PAGE, places[i]), 0);
		assert_int_equal(uvf_iommufd_device_attach(device, &pt),
				 -EADDRINUSE);
		length = PAGE;
		assert_int_equal(rig_unmap(&rig, ioas, places[i], &length), 0);
	}
	assert_int_equal(uvf_iommufd_device_attach(device, &pt), 0);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/* Shows M55. */
static void a_copy_shares_memory_and_lives_alone(void **state)
{
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct rig rig;
	uint64_t dst = 0, ro = 8 * A, length = LAST;
	uint32_t from, to, pt;

	(void)state;
	rig_open(&rig);
	from = rig_ioas(&rig);
	to = pt = rig_ioas(&rig);
	device = rig_bind(&rig, &group);
	assert_int_equal(uvf_iommufd_device_attach(device, &pt), 0);
	assert_int_equal(rig_map_at(&rig, from, page(4), 2 * PAGE, A), 0);
	assert_int_equal(rig_map_at(&rig, from, page(9), PAGE, A + 2 * PAGE),
			 0);
	assert_int_equal(rig_map(&rig, from, FIXED | READ, page(0), PAGE, &ro),
			 0);
	dst = LAST;
	assert_int_equal(rig_copy(&rig, 9, &dst, 9, A, PAGE, 0), -EOVERFLOW);
	dst = 0;
	assert_int_equal(rig_copy(&rig, 9, &dst, 9, A, PAGE, 0), -EINVAL);
	assert_int_equal(rig_copy(&rig, 9, &dst, 9, A, PAGE, RW), -ENOENT);
	assert_int_equal(rig_copy(&rig, 9, &dst, from, A, 0, RW), -EINVAL);
	assert_int_equal(rig_copy(&rig, 9, &dst, from, -PAGE, 2 * PAGE, RW),
			 -EOVERFLOW);
	assert_int_equal(rig_copy(&rig, to, &dst, from, A, 4 * PAGE, RW),
			 -ENOENT);
	assert_int_equal(rig_copy(&rig, 9, &dst, from, A, PAGE, RW), -ENOENT);
	assert_int_equal(rig_copy(&rig, to, &dst, from, 8 * A, PAGE, RW),
			 -EPERM);
	/* Over two areas, not from the start of the first. */
	dst = 4 * A;
	assert_int_equal(
		rig_copy(&rig, to, &dst, from, A + PAGE, 2 * PAGE, FIXED | RW),
		0);
	assert_int_equal(rig_unmap(&rig, from, 0, &length), 0);
	assert_int_equal(length, 4 * PAGE);
	assert_int_equal(rig_read(&group, 4 * A), 6);
	assert_int_equal(rig_read(&group, 4 * A + PAGE), 10);
	assert_int_equal(rig_read(&group, 4 * A + 2 * PAGE), -EFAULT);
	/* They are two areas here, too. */
	length = PAGE;
	assert_int_equal(rig_unmap(&rig, to, 4 * A, &length), 0);
	assert_int_equal(rig_read(&group, 4 * A), -EFAULT);
	assert_int_equal(rig_read(&group, 4 * A + PAGE), 10);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/*
 * Parts of pages may lie side by side where no device is; together they are
 * whole pages, but a page table takes none of them.
 */
static void a_copy_of_parts_of_pages_stays_out_of_tables(void **state)
{
	struct group group = {0};
	struct uvf_iommufd_device *device;
	uint32_t from, to, pt;
	uint64_t dst = A;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	from = rig_ioas(&rig);
	pt = to = rig_ioas(&rig);
	assert_int_equal(rig_map_at(&rig, from, rig_memory, PAGE / 2, A), 0);
	assert_int_equal(rig_map_at(&rig, from, rig_memory + PAGE, PAGE / 2,
				    A + PAGE / 2),
			 0);
	device = rig_bind(&rig, &group);
	assert_int_equal(uvf_iommufd_device_attach(device, &pt), 0);
	assert_int_equal(rig_copy(&rig, to, &dst, from, A, PAGE, FIXED | RW),
			 -EINVAL);
	assert_int_equal(rig_map_at(&rig, to, rig_memory, PAGE, A), 0);
	assert_int_equal(rig_read(&group, A), 1);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

static int option(struct rig *rig, uint32_t id, uint16_t op, uint32_t object,
		  uint64_t *value)
{
	struct iommu_option option = {
		.size = sizeof(option),
		.option_id = id,
		.op = op,
		.object_id = object,
		.val64 = *value,
	};
	int ret = rig_ioctl(rig, IOMMU_OPTION, &option);

	*value = option.val64;
	return ret;
}

/* Shows M59. */
static void options_are_set_before_they_matter(void **state)
{
	struct group group = {0};
	struct uvf_iommufd_device *device;
	struct rig rig;
	uint64_t value = 1;
	uint32_t ioas, pt;

	(void)state;
	rig_open(&rig);
	assert_int_equal(option(&rig, 0, 0, 1, &value), -EOPNOTSUPP);
	rig.caller.has_sys_resource = false;
	assert_int_equal(option(&rig, 0, 0, 0, &value), -EPERM);
	rig.caller.has_sys_resource = true;
	value = 2;
	assert_int_equal(option(&rig, 0, 0, 0, &value), -EINVAL);
	value = 1;
	assert_int_equal(option(&rig, 0, 0, 0, &value), 0);
	ioas = pt = rig_ioas(&rig);
	assert_int_equal(option(&rig, 0, 0, 0, &value), -EBUSY);
	value = 0;
	assert_int_equal(option(&rig, 0, 1, 0, &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(option(&rig, 0, 2, 0, &value), -EOPNOTSUPP);
	assert_int_equal(option(&rig, 1, 1, 9, &value), -ENOENT);
	value = 0;
	assert_int_equal(option(&rig, 1, 1, ioas, &value), 0);
	assert_int_equal(value, 1);
	value = 2;
	assert_int_equal(option(&rig, 1, 0, ioas, &value), -EINVAL);
	/* Small pages: an area without whole pages is in the way. */
	value = 0;
	assert_int_equal(rig_map_at(&rig, ioas, page(0), 5, A), 0);
	assert_int_equal(option(&rig, 1, 0, ioas, &value), -EADDRINUSE);
	value = 5;
	assert_int_equal(rig_unmap(&rig, ioas, A, &value), 0);
	device = rig_bind(&rig, &group);
	assert_int_equal(uvf_iommufd_device_attach(device, &pt), 0);
	assert_int_equal(rig_map_at(&rig, ioas, page(0), PAGE, A), 0);
	value = 0;
	assert_int_equal(option(&rig, 1, 0, ioas, &value), -EINVAL);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/* Each failing allocation leaves all as it was. */
/* Shows M78. */
static void calls_survive_every_failing_allocation(void **state)
{
	struct rig rig;
	struct group group = {0};
	struct uvf_iommufd_device *device;
	uint32_t from, to, pt;

	(void)state;
	rig_open(&rig);
	from = rig_ioas(&rig);
	to = rig_ioas(&rig);
	assert_int_equal(rig_map_at(&rig, from, page(0), 2 * PAGE, A), 0);
	assert_int_equal(rig_map_at(&rig, from, page(5), PAGE, A + 2 * PAGE),
			 0);
	for (unsigned long nth = 1;; nth++) {
		uint64_t dst = 2 * A, length = LAST;
		int ret;

		device = NULL;
		pt = to;
		uvf_alloc_fail_nth(nth);
		ret = uvf_iommufd_device_bind(&device, rig.ctx, &rig_group_ops,
					      &group);
		if (!ret)
			ret = uvf_iommufd_device_attach(device, &pt);
		if (!ret)
			ret = rig_copy(&rig, to, &dst, from, A, 3 * PAGE,
				       FIXED | RW);
		uvf_alloc_fail_nth(0);
		assert_true(!ret || ret == -ENOMEM);
		assert_int_equal(rig_read(&group, 2 * A), ret ? -EFAULT : 1);
		if (device)
			uvf_iommufd_device_unbind(device);
		assert_int_equal(rig_unmap(&rig, to, 0, &length), 0);
		assert_int_equal(length, ret ? 0 : 3 * PAGE);
		assert_int_equal(group.claims, 0);
		if (!ret)
			break;
	}
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_checks_its_size_first),
		cmocka_unit_test(
			an_answer_that_cannot_be_written_leaves_no_object),
		cmocka_unit_test(ids_begin_at_one_and_the_lowest_is_next),
		cmocka_unit_test(reserved_fields_and_flags_are_not_supported),
		cmocka_unit_test(map_refuses_in_this_order),
		cmocka_unit_test(choosing_a_place_follows_memory_and_length),
		cmocka_unit_test(allowed_ranges_steer_the_choice_only),
		cmocka_unit_test(iova_ranges_are_the_gaps_between_the_reserved),
		cmocka_unit_test(
			unmap_takes_whole_areas_and_keeps_what_it_took),
		cmocka_unit_test(memory_is_looked_at_when_a_device_comes),
		cmocka_unit_test(
			areas_that_no_page_table_can_hold_keep_devices_out),
		cmocka_unit_test(a_copy_shares_memory_and_lives_alone),
		cmocka_unit_test(a_copy_of_parts_of_pages_stays_out_of_tables),
		cmocka_unit_test(options_are_set_before_they_matter),
		cmocka_unit_test(calls_survive_every_failing_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

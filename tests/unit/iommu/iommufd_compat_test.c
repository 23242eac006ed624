/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of a VFIO container on an iommufd.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LAST UINT64_MAX
#define A    0x100000ull

static const void *page(unsigned int n)
{
	return rig_memory + n * PAGE;
}

static int call(struct rig *rig, unsigned int cmd, unsigned long arg)
{
	return (int)uvf_iommufd_ioctl(rig->ctx, &rig->caller, cmd, arg);
}

static int map(struct rig *rig, uint32_t flags, const void *vaddr,
	       uint64_t size, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return rig_ioctl(rig, VFIO_IOMMU_MAP_DMA, &map);
}

static int unmap(struct rig *rig, uint32_t flags, uint64_t iova, uint64_t *size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = *size,
	};
	int ret = rig_ioctl(rig, VFIO_IOMMU_UNMAP_DMA, &unmap);

	*size = unmap.size;
	return ret;
}

/* Shows C2, C3, M1, M2, M7, M66. */
static void it_answers_before_a_group_has_come(void **state)
{
	static const struct {
		unsigned long extension;
		int answer;
	} rows[] = {
		{0, 0},       {1, 1}, {2, 0},  {3, 1},
		{4, -ENODEV}, {5, 0}, {6, 0},  {7, 0},
		{8, 1},       {9, 1}, {10, 0}, {(1ul << 32) + 1, 0},
		{~0ul, 0},
	};
	uint64_t size = 0;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	assert_int_equal(call(&rig, VFIO_GET_API_VERSION, 7), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			call(&rig, VFIO_CHECK_EXTENSION, rows[i].extension),
			rows[i].answer);
	assert_int_equal(call(&rig, VFIO_SET_IOMMU, 6), -EINVAL);
	assert_int_equal(call(&rig, VFIO_SET_IOMMU, 8), -EINVAL);
	assert_int_equal(call(&rig, VFIO_SET_IOMMU, (1ul << 32) + 3), -EINVAL);
	assert_int_equal(call(&rig, VFIO_SET_IOMMU, 3), -ENODEV);
	assert_int_equal(call(&rig, VFIO_IOMMU_MAP_DMA, 0), -EFAULT);
	assert_int_equal(map(&rig, 8, page(0), PAGE, A), -EINVAL);
	assert_int_equal(map(&rig, 3, page(0), PAGE, A), -ENODEV);
	assert_int_equal(unmap(&rig, 3, A, &size), -EINVAL);
	assert_int_equal(unmap(&rig, 0, A, &size), -ENODEV);
	assert_int_equal(call(&rig, VFIO_IOMMU_GET_INFO, 0), -EFAULT);
	assert_int_equal(call(&rig, VFIO_IOMMU_DIRTY_PAGES, 0), -ENOTTY);
	assert_int_equal(call(&rig, VFIO_IOMMU_ENABLE, 0), -ENOTTY);
	rig_close(&rig);
}

/* Shows A9. */
static void one_space_serves_all_groups_or_there_is_no_iommu(void **state)
{
	struct rig rig;
	uint32_t id = 0, again = 0;

	(void)state;
	rig_open(&rig);
	assert_int_equal(uvf_iommufd_compat_id(rig.ctx, &id), -ENODEV);
	assert_int_equal(uvf_iommufd_compat_create(rig.ctx), 0);
	assert_int_equal(uvf_iommufd_compat_id(rig.ctx, &id), 0);
	assert_int_equal(id, 1);
	assert_int_equal(uvf_iommufd_compat_create(rig.ctx), 0);
	assert_int_equal(uvf_iommufd_compat_id(rig.ctx, &again), 0);
	assert_int_equal(again, id);
	assert_int_equal(uvf_iommufd_set_noiommu(rig.ctx), -EINVAL);
	assert_int_equal(rig_destroy(&rig, id), 0);
	assert_int_equal(uvf_iommufd_compat_id(rig.ctx, &id), -ENODEV);
	assert_int_equal(uvf_iommufd_set_noiommu(rig.ctx), 0);
	assert_int_equal(uvf_iommufd_compat_create(rig.ctx), -EINVAL);
	assert_int_equal(call(&rig, VFIO_CHECK_EXTENSION, 1), 0);
	assert_int_equal(call(&rig, VFIO_SET_IOMMU, 1), -EINVAL);
	assert_int_equal(call(&rig, VFIO_SET_IOMMU, 8), 0);
	rig.caller.has_rawio = false;
	assert_int_equal(call(&rig, VFIO_SET_IOMMU, 8), -EPERM);
	rig_close(&rig);
}

/* Shows M66. */
static void a_client_may_choose_the_space(void **state)
{
	struct iommu_vfio_ioas vfio = {.size = sizeof(vfio)};
	struct rig rig;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	assert_int_equal(rig_ioctl(&rig, IOMMU_VFIO_IOAS, &vfio), -ENODEV);
	vfio.op = IOMMU_VFIO_IOAS_SET;
	vfio.ioas_id = 9;
	assert_int_equal(rig_ioctl(&rig, IOMMU_VFIO_IOAS, &vfio), -ENOENT);
	ioas = rig_ioas(&rig);
	vfio.ioas_id = ioas;
	assert_int_equal(rig_ioctl(&rig, IOMMU_VFIO_IOAS, &vfio), 0);
	vfio.op = IOMMU_VFIO_IOAS_GET;
	vfio.ioas_id = 0;
	assert_int_equal(rig_ioctl(&rig, IOMMU_VFIO_IOAS, &vfio), 0);
	assert_int_equal(vfio.ioas_id, ioas);
	vfio.op = IOMMU_VFIO_IOAS_CLEAR;
	assert_int_equal(rig_ioctl(&rig, IOMMU_VFIO_IOAS, &vfio), 0);
	assert_int_equal(map(&rig, 3, page(0), PAGE, A), -ENODEV);
	rig_close(&rig);
}

/* A context with a container's space, and a device in it. */
static struct uvf_iommufd_device *
open_compat(struct rig *rig, struct group *group, unsigned long type)
{
	struct uvf_iommufd_device *device;
	uint32_t id;

	rig_open(rig);
	assert_int_equal(uvf_iommufd_compat_create(rig->ctx), 0);
	assert_int_equal(call(rig, VFIO_SET_IOMMU, type), 0);
	memset(group, 0, sizeof(*group));
	device = rig_bind(rig, group);
	assert_int_equal(uvf_iommufd_compat_id(rig->ctx, &id), 0);
	assert_int_equal(uvf_iommufd_device_attach(device, &id), 0);
	return device;
}

/* Shows M20. */
static void type1v2_unmaps_whole_areas(void **state)
{
	struct uvf_iommufd_device *device;
	struct group group;
	struct rig rig;
	uint64_t size = PAGE;

	(void)state;
	device = open_compat(&rig, &group, VFIO_TYPE1v2_IOMMU);
	assert_int_equal(map(&rig, 3, page(0), 4 * PAGE, A), 0);
	assert_int_equal(map(&rig, 3, page(4), 4 * PAGE, A + 4 * PAGE), 0);
	assert_int_equal(map(&rig, 3, page(4), PAGE, A), -EEXIST);
	assert_int_equal(unmap(&rig, 0, A + PAGE, &size), -ENOENT);
	assert_int_equal(size, 0);
	size = 5 * PAGE;
	assert_int_equal(unmap(&rig, 0, A, &size), -ENOENT);
	assert_int_equal(size, 4 * PAGE); /* which went */
	assert_int_equal(rig_read(&group, A), -EFAULT);
	assert_int_equal(rig_read(&group, A + 4 * PAGE), 5);
	size = PAGE;
	assert_int_equal(unmap(&rig, 0, A, &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(unmap(&rig, VFIO_DMA_UNMAP_FLAG_ALL, A, &size),
			 -EINVAL);
	size = 0;
	assert_int_equal(unmap(&rig, VFIO_DMA_UNMAP_FLAG_ALL, 0, &size), 0);
	assert_int_equal(size, 4 * PAGE);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/* Shows M20, M26. */
static void type1_cuts_where_it_is_told(void **state)
{
	struct uvf_iommufd_device *device;
	struct group group;
	struct rig rig;
	uint64_t size;

	(void)state;
	device = open_compat(&rig, &group, VFIO_TYPE1_IOMMU);
	/* TYPE1 stays. */
	assert_int_equal(call(&rig, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(map(&rig, 3, page(0), 8 * PAGE, A), 0);
	size = 2 * PAGE;
	assert_int_equal(unmap(&rig, 0, A + 3 * PAGE, &size), 0);
	assert_int_equal(size, 2 * PAGE);
	assert_int_equal(rig_read(&group, A + 2 * PAGE), 3);
	assert_int_equal(rig_read(&group, A + 3 * PAGE), -EFAULT);
	assert_int_equal(rig_read(&group, A + 4 * PAGE), -EFAULT);
	assert_int_equal(rig_read(&group, A + 5 * PAGE), 6);
	size = 3;
	assert_int_equal(unmap(&rig, 0, A, &size), -EINVAL);
	assert_int_equal(size, 3);
	/* One byte is not cut off. */
	size = 1;
	assert_int_equal(unmap(&rig, 0, A, &size), -ENOENT);
	assert_int_equal(size, 0);
	size = 8 * PAGE;
	assert_int_equal(unmap(&rig, 0, A, &size), 0);
	assert_int_equal(size, 6 * PAGE);
	assert_int_equal(rig_read(&group, A + 7 * PAGE), -EFAULT);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

struct info {
	struct vfio_iommu_type1_info info;
	uint8_t rest[128];
};

/* Shows M3, M4, M5. */
static void info_gives_what_fits(void **state)
{
	struct uvf_iommufd_device *device;
	struct vfio_iommu_type1_info_cap_iova_range *iova;
	struct vfio_info_cap_header *header;
	struct group group;
	struct info info;
	struct rig rig;

	(void)state;
	device = open_compat(&rig, &group, VFIO_TYPE1v2_IOMMU);
	for (uint32_t argsz = 0; argsz < 96; argsz++) {
		memset(&info, 0xcc, sizeof(info));
		info.info.argsz = argsz;
		assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_GET_INFO, &info),
				 argsz < 16 ? -EINVAL : 0);
		assert_int_equal(((uint8_t *)&info)[argsz < 4 ? 4 : argsz],
				 0xcc);
		if (argsz < 16)
			continue;
		assert_int_equal(info.info.argsz, 88);
		assert_int_equal(info.info.flags, 3);
		assert_int_equal(info.info.iova_pgsizes, 0x40201000);
		if (argsz >= 24)
			assert_int_equal(info.info.cap_offset,
					 argsz >= 88 ? 24 : 0);
	}
	header = (void *)((uint8_t *)&info + 24);
	assert_int_equal(header->id, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	assert_int_equal(header->next, 40);
	iova = (void *)((uint8_t *)&info + 40);
	assert_int_equal(iova->header.id, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	assert_int_equal(iova->header.next, 0);
	assert_int_equal(iova->nr_iovas, 2);
	assert_int_equal(iova->iova_ranges[0].end, 0xfedfffff);
	assert_int_equal(iova->iova_ranges[1].end, (1ull << 48) - 1);
	uvf_iommufd_device_unbind(device);
	/* Without a device every size will do. */
	info.info.argsz = 24;
	assert_int_equal(rig_ioctl(&rig, VFIO_IOMMU_GET_INFO, &info), 0);
	assert_true(info.info.iova_pgsizes == ~0xfffull);
	assert_int_equal(info.info.argsz, 72);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_answers_before_a_group_has_come),
		cmocka_unit_test(
			one_space_serves_all_groups_or_there_is_no_iommu),
		cmocka_unit_test(a_client_may_choose_the_space),
		cmocka_unit_test(type1v2_unmaps_whole_areas),
		cmocka_unit_test(type1_cuts_where_it_is_told),
		cmocka_unit_test(info_gives_what_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices of an iommufd that are behind other IOMMUs than the host's.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/iommufd/abi_hwpt.h"
#include "iommu/translate.h"

#define A        0x100000ull
#define HT_FIRST 0xfd00000000ull
#define HT_LAST  0xffffffffffull
#define BITS_39  (1ull << 39)
#define RANGES   8u

/* A group behind an IOMMU of its own. */
struct other {
	struct group group;
	struct uvf_iommu_hw hw;
	struct uvf_iommufd_device *device;
};

static void describe(void *group, const struct uvf_iommu_host *host,
		     struct uvf_iommu_hw *ret_hw)
{
	(void)host;
	*ret_hw = uvf_container_of(group, struct other, group)->hw;
}

static struct uvf_iommufd_group_ops other_ops;

/* @name: of a vendor, or NULL for the host's; @bits: 0 for the host's. */
static void bind(struct rig *rig, struct other *other, const char *name,
		 unsigned int bits)
{
	other_ops = rig_group_ops;
	other_ops.describe = describe;
	memset(other, 0, sizeof(*other));
	uvf_iommu_hw_init_other(&other->hw, &rig->host, name, bits);
	assert_int_equal(uvf_iommufd_device_bind(&other->device, rig->ctx,
						 &other_ops, &other->group),
			 0);
}

/* The page table it is attached to, or an errno. */
static int attach(struct other *other, uint32_t pt)
{
	int ret = uvf_iommufd_device_attach(other->device, &pt);

	return ret ? ret : (int)pt;
}

static unsigned int ranges(struct rig *rig, uint32_t ioas,
			   struct uvf_range ret_ranges[RANGES])
{
	struct iommu_ioas_iova_ranges query = {
		.size = sizeof(query),
		.ioas_id = ioas,
		.num_iovas = RANGES,
		.allowed_iovas = (uintptr_t)ret_ranges,
	};

	assert_int_equal(rig_ioctl(rig, IOMMU_IOAS_IOVA_RANGES, &query), 0);
	return query.num_iovas;
}

static void unlike_iommus_have_tables_of_their_own(void **state)
{
	struct other a, b, c;
	struct rig rig;
	uint64_t iova = A + PAGE;
	uint32_t ioas;
	int table;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	bind(&rig, &a, "amd", 0);
	bind(&rig, &b, "intel", 0);
	bind(&rig, &c, "amd", 0);
	assert_int_equal(rig_map_at(&rig, ioas, rig_memory, PAGE, A), 0);
	assert_int_equal(rig_map(&rig, ioas, WRITE | IOMMU_IOAS_MAP_FIXED_IOVA,
				 rig_memory + PAGE, PAGE, &iova),
			 0);
	table = attach(&a, ioas);
	assert_true(table > 0);
	assert_int_equal(attach(&b, (uint32_t)table), -EINVAL);
	assert_true(attach(&b, ioas) > table);
	assert_int_equal(attach(&c, ioas), table);
	assert_ptr_equal(a.group.as, c.group.as);
	assert_ptr_not_equal(a.group.as, b.group.as);
	assert_int_equal(rig_read(&a.group, A), 1);
	assert_int_equal(rig_read(&b.group, A), 1);
	/* What VT-d lets be written it lets be read. */
	assert_int_equal(rig_read(&a.group, A + PAGE), -EFAULT);
	assert_int_equal(rig_read(&b.group, A + PAGE), 2);
	uvf_iommufd_device_unbind(a.device);
	assert_int_equal(rig_read(&c.group, A), 1);
	uvf_iommufd_device_unbind(b.device);
	uvf_iommufd_device_unbind(c.device);
	rig_close(&rig);
}

static void what_any_of_them_reserves_is_reserved(void **state)
{
	static const struct uvf_range both[] = {
		{0, 0xfedfffff},
		{0xfef00000, HT_FIRST - 1},
	};
	struct uvf_range got[RANGES];
	uint64_t length = PAGE;
	struct other a, b;
	struct rig rig;
	uint32_t ioas;

	(void)state;
	rig_open(&rig);
	ioas = rig_ioas(&rig);
	bind(&rig, &a, "amd", 0);
	bind(&rig, &b, NULL, 39);
	assert_true(attach(&a, ioas) > 0);
	assert_int_equal(ranges(&rig, ioas, got), 3);
	assert_memory_equal(got, both, sizeof(both));
	assert_true(got[2].first == HT_LAST + 1);
	assert_true(got[2].last == (1ull << 48) - 1);
	assert_int_equal(rig_map_at(&rig, ioas, rig_memory, PAGE, HT_LAST + 1),
			 0);
	assert_int_equal(rig_map_at(&rig, ioas, rig_memory, PAGE, HT_FIRST),
			 -EINVAL);
	/* One that does not reach so far changes nothing. */
	assert_int_equal(attach(&b, ioas), -EADDRINUSE);
	assert_int_equal(ranges(&rig, ioas, got), 3);
	assert_int_equal(rig_read(&a.group, HT_LAST + 1), 1);
	assert_int_equal(rig_unmap(&rig, ioas, HT_LAST + 1, &length), 0);
	assert_true(attach(&b, ioas) > 0);
	/* 39 bits end below the hole of HyperTransport. */
	assert_int_equal(ranges(&rig, ioas, got), 2);
	assert_true(got[1].last == BITS_39 - 1);
	uvf_iommufd_device_detach(a.device);
	assert_int_equal(ranges(&rig, ioas, got), 2);
	assert_true(got[1].last == BITS_39 - 1);
	assert_true(attach(&a, ioas) > 0);
	uvf_iommufd_device_detach(b.device);
	assert_int_equal(ranges(&rig, ioas, got), 3);
	uvf_iommufd_device_unbind(a.device);
	assert_int_equal(ranges(&rig, ioas, got), 1);
	assert_true(!got[0].first && got[0].last == UINT64_MAX);
	uvf_iommufd_device_unbind(b.device);
	rig_close(&rig);
}

/* Shows M61, M63. */
static void each_is_told_what_its_own_can_do(void **state)
{
	struct iommu_hw_info_vtd vtd = {0};
	struct iommu_hw_info info = {
		.size = sizeof(info),
		.data_len = sizeof(vtd),
		.data_uptr = (uintptr_t)&vtd,
	};
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = IOMMU_HWPT_ALLOC_NEST_PARENT,
	};
	struct other a, b;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	alloc.pt_id = rig_ioas(&rig);
	bind(&rig, &a, "amd", 0);
	bind(&rig, &b, NULL, 39);
	info.dev_id = uvf_iommufd_device_id(a.device);
	assert_int_equal(rig_ioctl(&rig, IOMMU_GET_HW_INFO, &info), 0);
	assert_int_equal(info.out_data_type, IOMMU_HW_INFO_TYPE_NONE);
	info.data_len = sizeof(vtd);
	info.dev_id = uvf_iommufd_device_id(b.device);
	assert_int_equal(rig_ioctl(&rig, IOMMU_GET_HW_INFO, &info), 0);
	assert_int_equal(info.out_data_type, IOMMU_HW_INFO_TYPE_INTEL_VTD);
	assert_int_equal(vtd.cap_reg >> 16 & 0x3f, 38);
	assert_int_equal(vtd.cap_reg >> 8 & 0x1f, 2);
	alloc.dev_id = uvf_iommufd_device_id(a.device);
	assert_int_equal(rig_ioctl(&rig, IOMMU_HWPT_ALLOC, &alloc),
			 -EOPNOTSUPP);
	alloc.dev_id = uvf_iommufd_device_id(b.device);
	assert_int_equal(rig_ioctl(&rig, IOMMU_HWPT_ALLOC, &alloc), 0);
	assert_int_equal(attach(&a, alloc.out_hwpt_id), -EINVAL);
	assert_int_equal(attach(&b, alloc.out_hwpt_id), alloc.out_hwpt_id);
	uvf_iommufd_device_unbind(a.device);
	uvf_iommufd_device_unbind(b.device);
	rig_close(&rig);
}

static long check_coherency(struct rig *rig)
{
	return uvf_iommufd_ioctl(rig->ctx, &rig->caller, VFIO_CHECK_EXTENSION,
				 VFIO_DMA_CC_IOMMU);
}

static uint64_t page_sizes(struct rig *rig)
{
	struct vfio_iommu_type1_info info = {.argsz = sizeof(info)};

	assert_int_equal(rig_ioctl(rig, VFIO_IOMMU_GET_INFO, &info), 0);
	return info.iova_pgsizes;
}

static void a_container_has_what_all_of_them_have(void **state)
{
	struct iommu_vfio_ioas select = {
		.size = sizeof(select),
		.op = IOMMU_VFIO_IOAS_SET,
	};
	struct other a, b;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	select.ioas_id = rig_ioas(&rig);
	assert_int_equal(rig_ioctl(&rig, IOMMU_VFIO_IOAS, &select), 0);
	bind(&rig, &a, "amd", 0);
	bind(&rig, &b, "intel", 0);
	assert_int_equal(check_coherency(&rig), 1);
	assert_true(attach(&a, select.ioas_id) > 0);
	assert_int_equal(check_coherency(&rig), 1);
	assert_true(page_sizes(&rig) == 0xfff7ffffff000);
	assert_true(attach(&b, select.ioas_id) > 0);
	assert_int_equal(check_coherency(&rig), 0);
	assert_true(page_sizes(&rig) == 0x40201000);
	uvf_iommufd_device_unbind(a.device);
	uvf_iommufd_device_unbind(b.device);
	assert_int_equal(check_coherency(&rig), 1);
	rig_close(&rig);
}

/* Whatever request fails, nothing is reserved by a device that is away. */
static void attaching_fails_whole(void **state)
{
	unsigned long nth = 1;
	bool has_failed;

	(void)state;
	do {
		struct uvf_range got[RANGES];
		struct other a, b;
		struct rig rig;
		uint32_t ioas;
		int ret;

		rig_open(&rig);
		ioas = rig_ioas(&rig);
		bind(&rig, &a, NULL, 0);
		bind(&rig, &b, "amd", 39);
		assert_int_equal(rig_map_at(&rig, ioas, rig_memory, PAGE, A),
				 0);
		assert_true(attach(&a, ioas) > 0);
		uvf_alloc_fail_nth(nth++);
		ret = attach(&b, ioas);
		has_failed = uvf_alloc_has_failed();
		uvf_alloc_fail_nth(0);
		if (ret < 0) {
			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(ranges(&rig, ioas, got), 2);
			assert_true(got[1].last == (1ull << 48) - 1);
			assert_true(attach(&b, ioas) > 0);
		}
		assert_int_equal(ranges(&rig, ioas, got), 2);
		assert_true(got[1].last == BITS_39 - 1);
		assert_int_equal(rig_read(&b.group, A), 1);
		uvf_iommufd_device_unbind(b.device);
		uvf_iommufd_device_unbind(a.device);
		rig_close(&rig);
	} while (has_failed);
	assert_true(nth > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unlike_iommus_have_tables_of_their_own),
		cmocka_unit_test(what_any_of_them_reserves_is_reserved),
		cmocka_unit_test(each_is_told_what_its_own_can_do),
		cmocka_unit_test(a_container_has_what_all_of_them_have),
		cmocka_unit_test(attaching_fails_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

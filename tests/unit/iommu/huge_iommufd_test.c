/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of every size of page by one call of an iommufd, and by one of a
 * container on it.
 */
#include "huge.h"
#include "iommufd_rig.h"

#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define IOVA (1ull << 32)

/* How a container sets its IOMMU; 0: there is none. */
static int map(struct rig *rig, unsigned long type, uint32_t ioas,
	       const uint8_t *memory, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = IOVA,
		.size = size,
	};

	if (!type)
		return rig_map_at(rig, ioas, memory, size, IOVA);
	return rig_ioctl(rig, VFIO_IOMMU_MAP_DMA, &map);
}

static int unmap(struct rig *rig, unsigned long type, uint32_t ioas,
		 uint64_t *size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = IOVA,
		.size = *size,
	};
	int ret;

	if (!type)
		return rig_unmap(rig, ioas, IOVA, size);
	ret = rig_ioctl(rig, VFIO_IOMMU_UNMAP_DMA, &unmap);
	*size = unmap.size;
	return ret;
}

static void check(struct rig *rig, unsigned long type, uint32_t ioas,
		  const struct group *group, const struct huge *kind,
		  uint8_t *memory)
{
	uint64_t size = kind->size;

	assert_int_equal(map(rig, type, ioas, memory, kind->size), 0);
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t at = huge_offset(kind, i);

		memory[at] = (uint8_t)(i + 1);
		assert_int_equal(rig_read(group, IOVA + at), i + 1);
	}
	assert_int_equal(unmap(rig, type, ioas, &size), 0);
	assert_int_equal(size, kind->size);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(rig_read(group, IOVA + huge_offset(kind, i)),
				 -EFAULT);
}

static void check_all(unsigned long type)
{
	struct uvf_iommufd_device *device;
	struct group group = {0};
	uint32_t ioas, pt;
	struct rig rig;

	rig_open(&rig);
	rig.caller.ignores_memlock = true;
	if (type) {
		assert_int_equal(uvf_iommufd_compat_create(rig.ctx), 0);
		assert_int_equal(uvf_iommufd_compat_id(rig.ctx, &ioas), 0);
		assert_int_equal(uvf_iommufd_ioctl(rig.ctx, &rig.caller,
						   VFIO_SET_IOMMU, type),
				 0);
	} else {
		ioas = rig_ioas(&rig);
	}
	device = rig_bind(&rig, &group);
	pt = ioas;
	assert_int_equal(uvf_iommufd_device_attach(device, &pt), 0);
	for (size_t i = 0; i < HUGE_KINDS; i++) {
		uint8_t *memory = huge_map(&huge_kinds[i]);

		if (!memory)
			continue;
		check(&rig, type, ioas, &group, &huge_kinds[i], memory);
		munmap(memory, huge_kinds[i].size);
	}
	uvf_iommufd_device_detach(device);
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
}

/* Shows M18. */
static void an_ioas_maps_pages_of_every_size(void **state)
{
	(void)state;
	check_all(0);
}

/* Shows M18. */
static void a_container_maps_pages_of_every_size(void **state)
{
	(void)state;
	check_all(VFIO_TYPE1_IOMMU);
	check_all(VFIO_TYPE1v2_IOMMU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ioas_maps_pages_of_every_size),
		cmocka_unit_test(a_container_maps_pages_of_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

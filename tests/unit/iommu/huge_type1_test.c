/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of every size of page by one MAP_DMA of type1 v1 and v2.
 */
#include "huge.h"
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "iommu/translate.h"

#define IOVA (1ull << 32)

static void check(struct rig *rig, const struct huge *kind, uint8_t *memory)
{
	uint64_t size = kind->size;
	uint8_t byte;

	assert_int_equal(rig_map(rig, RW, memory, IOVA, kind->size), 0);
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t at = huge_offset(kind, i);

		memory[at] = (uint8_t)(i + 1);
		assert_int_equal(
			uvf_aspace_read(rig->as, IOVA + at, &byte, 1, NULL), 0);
		assert_int_equal(byte, i + 1);
	}
	assert_int_equal(rig_unmap(rig, 0, IOVA, &size), 0);
	assert_int_equal(size, kind->size);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(uvf_aspace_read(rig->as,
						 IOVA + huge_offset(kind, i),
						 &byte, 1, NULL),
				 -EFAULT);
}

static void check_all(unsigned long type)
{
	struct rig rig;

	rig_open(&rig, type, NULL);
	rig.caller.ignores_memlock = true;
	for (size_t i = 0; i < HUGE_KINDS; i++) {
		uint8_t *memory = huge_map(&huge_kinds[i]);

		if (!memory)
			continue;
		check(&rig, &huge_kinds[i], memory);
		munmap(memory, huge_kinds[i].size);
	}
	rig_close(&rig);
}

/* Shows M18. */
static void v1_maps_pages_of_every_size(void **state)
{
	(void)state;
	check_all(VFIO_TYPE1_IOMMU);
}

/* Shows M18. */
static void v2_maps_pages_of_every_size(void **state)
{
	(void)state;
	check_all(VFIO_TYPE1v2_IOMMU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_maps_pages_of_every_size),
		cmocka_unit_test(v2_maps_pages_of_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

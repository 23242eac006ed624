/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine whose groups are behind different IOMMUs, as a program sees it.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/machine.h"

static struct uvfio_machine *create(const char *first, const char *second,
				    const char *host)
{
	const char *const specs[] = {first, second, NULL};
	const struct uvfio_machine_params params = {
		.devices = specs,
		.host = host,
	};
	struct uvfio_machine *machine;
	struct uvfio_error err = {""};

	if (uvfio_machine_create(&machine, &params, &err))
		fail_msg("%s", err.text);
	return machine;
}

/* 0 or a negative errno. */
static long join(struct uvfio_machine *machine, int container, int group)
{
	return uvfio_ioctl(machine, group, VFIO_GROUP_SET_CONTAINER,
			   (uintptr_t)&container);
}

static long map(struct uvfio_machine *machine, int container, void *memory,
		uint64_t iova)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = 4096,
	};

	return uvfio_ioctl(machine, container, VFIO_IOMMU_MAP_DMA,
			   (uintptr_t)&arg);
}

static long unmap(struct uvfio_machine *machine, int container, uint64_t iova)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg), .iova = iova, .size = 4096};

	return uvfio_ioctl(machine, container, VFIO_IOMMU_UNMAP_DMA,
			   (uintptr_t)&arg);
}

/* Shows M36, M37, M39. */
static void the_second_iommu_narrows_what_is_valid(void **state)
{
	struct uvfio_machine *machine =
		create("edu", "edu,iommu=amd:39", "aperture=48");
	void *memory = aligned_alloc(4096, 4096);
	struct opened all = machine_open(machine);
	int group = must_open(machine, "/dev/vfio/2");
	const uint64_t high = 1ull << 40;

	(void)state;
	assert_non_null(memory);
	assert_int_equal(map(machine, all.container, memory, high), 0);
	assert_int_equal(join(machine, all.container, group), -EINVAL);
	assert_int_equal(unmap(machine, all.container, high), 0);
	assert_int_equal(join(machine, all.container, group), 0);
	assert_int_equal(map(machine, all.container, memory, high), -EINVAL);
	assert_int_equal(map(machine, all.container, memory, 0), 0);
	must_close(machine, group);
	assert_int_equal(map(machine, all.container, memory, high), 0);
	uvfio_machine_destroy(machine);
	free(memory);
}

static void reserved_ranges_are_those_of_the_groups_iommu(void **state)
{
	static const char msi[] = "0x00000000fee00000 0x00000000feefffff msi\n";
	static const char ht[] =
		"0x000000fd00000000 0x000000ffffffffff reserved\n";
	struct uvfio_machine *machine = create("edu", "edu,iommu=amd", NULL);
	char text[256] = "";

	(void)state;
	assert_int_equal(
		uvfio_sysfs_read(machine,
				 "/sys/kernel/iommu_groups/1/reserved_regions",
				 text, sizeof(text) - 1, 0),
		strlen(msi));
	assert_string_equal(text, msi);
	memset(text, 0, sizeof(text));
	assert_int_equal(
		uvfio_sysfs_read(machine,
				 "/sys/kernel/iommu_groups/2/reserved_regions",
				 text, sizeof(text) - 1, 0),
		strlen(msi) + strlen(ht));
	assert_memory_equal(text, msi, strlen(msi));
	assert_string_equal(text + strlen(msi), ht);
	uvfio_machine_destroy(machine);
}

static void groups_that_forge_interrupts_need_the_parameter(void **state)
{
	static const char path[] = "/sys/module/vfio_iommu_type1/parameters/"
				   "allow_unsafe_interrupts";
	struct uvfio_machine *machine = create("edu", "edu", "intremap=off");
	int container = must_open(machine, "/dev/vfio/vfio");
	int group = must_open(machine, "/dev/vfio/1");

	(void)state;
	assert_int_equal(join(machine, container, group), 0);
	assert_int_equal(uvfio_ioctl(machine, container, VFIO_SET_IOMMU,
				     VFIO_TYPE1_IOMMU),
			 -EPERM);
	assert_int_equal(uvfio_sysfs_write(machine, path, "Y\n", 2, 0), 2);
	assert_int_equal(uvfio_ioctl(machine, container, VFIO_SET_IOMMU,
				     VFIO_TYPE1_IOMMU),
			 0);
	uvfio_machine_destroy(machine);
	machine = create("edu", "edu", "intremap=off,unsafe_intrs=on");
	(void)machine_open(machine);
	uvfio_machine_destroy(machine);
}

/* Shows M6. */
static void the_limit_of_mappings_is_a_parameter(void **state)
{
	static const char path[] =
		"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit";
	struct uvfio_machine *machine = create("edu", "edu", NULL);
	void *memory = aligned_alloc(4096, 4096);
	struct opened all;

	(void)state;
	assert_int_equal(uvfio_sysfs_write(machine, path, "1\n", 2, 0), 2);
	all = machine_open(machine);
	assert_int_equal(uvfio_sysfs_write(machine, path, "9\n", 2, 0), 2);
	assert_int_equal(map(machine, all.container, memory, 0), 0);
	assert_int_equal(map(machine, all.container, memory, 4096), -ENOSPC);
	uvfio_machine_destroy(machine);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_iommu_narrows_what_is_valid),
		cmocka_unit_test(reserved_ranges_are_those_of_the_groups_iommu),
		cmocka_unit_test(
			groups_that_forge_interrupts_need_the_parameter),
		cmocka_unit_test(the_limit_of_mappings_is_a_parameter),
	};

	return cmocka_run_group_tests_name("core/iommus", tests, NULL, NULL);
}

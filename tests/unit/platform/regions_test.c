/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a platform device is, its regions and resets, by the errno: those of
 * drivers/vfio/platform/vfio_platform_common.c, Linux 6.12.
 */
#include "rig.h"

#include <errno.h>
#include <linux/vfio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/file.h"
#include "front/inproc/inproc.h"
#include "front/machine.h"
#include "mem/copy.h"

#define READ  VFIO_REGION_INFO_FLAG_READ
#define WRITE VFIO_REGION_INFO_FLAG_WRITE
#define MMAP  VFIO_REGION_INFO_FLAG_MMAP

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig_open(&rig, NULL, NULL, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

static long call(unsigned int cmd, void *arg)
{
	/* The test runner wants faults for itself. */
	if (!arg)
		assert_int_equal(uvf_copy_guard_init(), 0);
	return uvfio_ioctl(rig.machine, rig.device, cmd, (uintptr_t)arg);
}

static void info_is_of_the_platform(void **state)
{
	struct vfio_device_info info = {.argsz = sizeof(info),
					.cap_offset = 77};

	(void)state;
	assert_int_equal(call(VFIO_DEVICE_GET_INFO, &info), 0);
	assert_int_equal(info.flags,
			 VFIO_DEVICE_FLAGS_PLATFORM | VFIO_DEVICE_FLAGS_RESET);
	assert_int_equal(info.num_regions, REGION_IDS);
	assert_int_equal(info.num_irqs, 2);
	assert_int_equal(info.cap_offset, 77);
	info.argsz = 15;
	assert_int_equal(call(VFIO_DEVICE_GET_INFO, &info), -EINVAL);
	assert_int_equal(call(VFIO_DEVICE_GET_INFO, NULL), -EFAULT);
	assert_int_equal(call(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info),
			 -ENOTTY);
	assert_int_equal(call(VFIO_DEVICE_IOEVENTFD, &info), -ENOTTY);
}

/* Shows V63. */
static void regions_are_told_apart_by_flags(void **state)
{
	static const struct {
		uint64_t size;
		uint32_t flags;
	} regions[REGION_IDS] = {
		{0x1000, READ | WRITE | MMAP},
		{0x1000, READ | MMAP},
		{0x100, READ | WRITE},
		{8, 0},
	};
	struct vfio_region_info info = {.argsz = sizeof(info)};

	(void)state;
	for (uint32_t i = 0; i < REGION_IDS; i++) {
		info.index = i;
		assert_int_equal(call(VFIO_DEVICE_GET_REGION_INFO, &info), 0);
		assert_int_equal(info.size, regions[i].size);
		assert_int_equal(info.flags, regions[i].flags);
		assert_int_equal(info.offset, REGION(i));
	}
	info.index = REGION_IDS;
	assert_int_equal(call(VFIO_DEVICE_GET_REGION_INFO, &info), -EINVAL);
	info.index = 0;
	info.argsz = sizeof(info) - 1;
	assert_int_equal(call(VFIO_DEVICE_GET_REGION_INFO, &info), -EINVAL);
	assert_int_equal(call(VFIO_DEVICE_GET_REGION_INFO, NULL), -EFAULT);
}

static ssize_t move(uint64_t pos, void *buf, size_t len, bool is_write)
{
	if (is_write)
		return uvfio_pwrite(rig.machine, rig.device, buf, len, pos);
	return uvfio_pread(rig.machine, rig.device, buf, len, pos);
}

/* Shows V63. */
static void access_is_by_direction_and_cut_at_the_end(void **state)
{
	static const struct {
		uint64_t pos;
		size_t len;
		ssize_t read, written;
	} cases[] = {
		{REGION(2), 0x100, 0x100, 0x100},
		{REGION(2) + 0xff, 0x10, 1, 1},
		{REGION(2) + 0x100, 1, -EINVAL, -EINVAL},
		{REGION(2), 0, 0, 0},
		{REGION(2) + 0x100, 0, -EINVAL, -EINVAL},
		{REGION(1) + 0xffd, 8, 3, -EINVAL},
		{REGION(3), 1, -EINVAL, -EINVAL},
		{REGION(4), 1, -EINVAL, -EINVAL},
		{REGION(1000), 1, -EINVAL, -EINVAL},
	};
	uint8_t buf[0x200] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(move(cases[i].pos, buf, cases[i].len, false),
				 cases[i].read);
		assert_int_equal(move(cases[i].pos, buf, cases[i].len, true),
				 cases[i].written);
	}
	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(move(REGION(2), NULL, 4, false), -EFAULT);
	assert_int_equal(move(REGION(2), NULL, 4, true), -EFAULT);
	assert_int_equal(move(REGION(1), buf, 24, false), 24);
	assert_memory_equal(buf, "uvfio ticker, version 1\n", 24);
}

/* Pieces of four, two and one byte, each where it is aligned. */
static void access_is_taken_apart(void **state)
{
	uint8_t out[13], in[13];
	uint32_t wide[2];

	(void)state;
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(0xa0 + i);
	assert_int_equal(move(REGION(2) + 3, out, sizeof(out), true),
			 sizeof(out));
	assert_int_equal(move(REGION(2) + 3, in, sizeof(in), false),
			 sizeof(in));
	assert_memory_equal(in, out, sizeof(out));
	/* Registers take four bytes, and eight are twice four. */
	assert_int_equal(move(TICKER_ID, wide, 8, false), 8);
	assert_int_equal(wide[0], 0x6b636974);
	assert_int_equal(wide[1], 0);
	assert_int_equal(move(TICKER_ID + 2, wide, 2, false), 2);
	assert_int_equal((uint16_t)wide[0], 0xffff);
	assert_int_equal(rig_get(&rig, TICKER_FIRE), UINT32_MAX);
}

/* Shows V63. */
static void position_does_not_move(void **state)
{
	char text[6] = "";

	(void)state;
	assert_int_equal(
		uvfio_pwrite(rig.machine, rig.device, "ab", 2, REGION(2)), 2);
	for (int i = 0; i < 2; i++) {
		uint32_t id = 0;

		assert_int_equal(uvfio_read(rig.machine, rig.device, &id, 4),
				 4);
		assert_int_equal(id, 0x6b636974);
	}
	assert_int_equal(uvfio_write(rig.machine, rig.device, text, 4), 4);
	assert_int_equal(uvfio_read(rig.machine, rig.device, text, 4), 4);
	assert_string_equal(text, "tick");
}

static long map(uint64_t pos, uint64_t len, int prot, int flags)
{
	struct uvf_file *file =
		uvf_inproc_file(rig.machine->inproc, rig.device);
	long ret = uvf_file_mmap(file, pos, len, prot, flags);

	uvf_file_put(file);
	return ret;
}

/* Shows V63. */
static void mapping_is_refused_where_there_is_none(void **state)
{
	static const struct {
		uint64_t pos, len;
		int prot, flags, ret;
	} cases[] = {
		{REGION(0), 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, 0},
		{REGION(0), 0x1000, PROT_READ, MAP_PRIVATE, -EINVAL},
		{REGION(0), 0x2000, PROT_READ, MAP_SHARED, -EINVAL},
		{REGION(0) + 0x1000, 0x1000, PROT_READ, MAP_SHARED, -EINVAL},
		{REGION(1), 0x1000, PROT_READ, MAP_SHARED, 0},
		{REGION(1), 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED,
		 -EINVAL},
		{REGION(2), 0x1000, PROT_READ, MAP_SHARED, -EINVAL},
		{REGION(3), 0x1000, PROT_READ, MAP_SHARED, -EINVAL},
		{REGION(4), 0x1000, PROT_READ, MAP_SHARED, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(map(cases[i].pos, cases[i].len, cases[i].prot,
				     cases[i].flags),
				 cases[i].ret);
}

/* A load of eight bytes reaches a model that takes four as two of them. */
static void mapped_pages_trap(void **state)
{
	struct uvf_file *file =
		uvf_inproc_file(rig.machine->inproc, rig.device);
	struct uvf_page page;
	uint32_t value[2] = {0};

	(void)state;
	uvf_file_fault(file, REGION(0) + 0x123, &page);
	assert_int_equal(page.kind, UVF_PAGE_TRAP);
	assert_int_equal(page.first, REGION(0));
	assert_int_equal(page.size, 0x1000);
	uvf_file_fault(file, REGION(2), &page);
	assert_int_equal(page.kind, UVF_PAGE_SIGBUS);
	uvf_file_fault(file, REGION(0) + 0x1000, &page);
	assert_int_equal(page.kind, UVF_PAGE_SIGBUS);
	assert_true(uvf_file_mmio(file, REGION(0), value, 8, false));
	assert_int_equal(value[0], 0x6b636974);
	assert_int_equal(value[1], 0);
	assert_false(uvf_file_mmio(file, REGION(2), value, 4, false));
	uvf_file_put(file);
}

static void reset_and_close_take_it_back(void **state)
{
	(void)state;
	rig_set(&rig, TICKER_PERIOD, 5000);
	assert_int_equal(call(VFIO_DEVICE_RESET, NULL), 0);
	assert_int_equal(rig_get(&rig, TICKER_PERIOD), 1000);
	rig_set(&rig, TICKER_PERIOD, 5000);
	rig_set(&rig, TICKER_FIRE, 1);
	rig_reopen(&rig);
	assert_int_equal(rig_get(&rig, TICKER_PERIOD), 1000);
	assert_int_equal(rig_get(&rig, TICKER_COUNT), 0);
}

/* Shows V63. */
static void without_a_handler_nothing_resets_it(void **state)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};

	(void)state;
	rig_open(&rig, NULL, "reset_required=off", "ticker,reset=off");
	assert_int_equal(call(VFIO_DEVICE_GET_INFO, &info), 0);
	assert_int_equal(info.flags, VFIO_DEVICE_FLAGS_PLATFORM);
	rig_set(&rig, TICKER_PERIOD, 5000);
	assert_int_equal(call(VFIO_DEVICE_RESET, NULL), -EINVAL);
	assert_int_equal(rig_get(&rig, TICKER_PERIOD), 5000);
	rig_reopen(&rig);
	assert_int_equal(rig_get(&rig, TICKER_PERIOD), 5000);
	rig_close(&rig);
}

/* Flips platform_can_reset. */
static void kernels_before_handlers_reset_nothing(void **state)
{
	struct vfio_device_info info = {.argsz = 16};

	(void)state;
	rig_open(&rig, "4.1", NULL, NULL);
	assert_int_equal(call(VFIO_DEVICE_GET_INFO, &info), 0);
	assert_int_equal(info.flags, VFIO_DEVICE_FLAGS_PLATFORM);
	assert_int_equal(call(VFIO_DEVICE_RESET, NULL), -EINVAL);
	rig_close(&rig);
	rig_open(&rig, "6.1", NULL, NULL);
	assert_int_equal(call(VFIO_DEVICE_RESET, NULL), 0);
	rig_close(&rig);
}

/* The counter goes to memory as the IOMMU lets it, and from the timer. */
static void counts_to_memory(void **state)
{
	struct vfio_iommu_type1_dma_map dma = {
		.argsz = sizeof(dma),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = 0x100000,
		.size = 4096,
	};
	volatile uint64_t *count = aligned_alloc(4096, 4096);

	(void)state;
	assert_non_null(count);
	*count = 0;
	dma.vaddr = (uintptr_t)count;
	rig_set(&rig, TICKER_ADDRESS, 0x100000);
	rig_set(&rig, TICKER_CONTROL, CONTROL_WRITE);
	rig_set(&rig, TICKER_FIRE, 1);
	assert_int_equal(rig_get(&rig, TICKER_STATUS), 3);
	rig_set(&rig, TICKER_STATUS, 2);
	must_ioctl(rig.machine, rig.container, VFIO_IOMMU_MAP_DMA,
		   (uintptr_t)&dma);
	rig_set(&rig, TICKER_FIRE, 1);
	assert_int_equal(rig_get(&rig, TICKER_STATUS), 1);
	assert_int_equal(*count, 2);
	rig_set(&rig, TICKER_PERIOD, 10);
	rig_set(&rig, TICKER_CONTROL, CONTROL_WRITE | CONTROL_RUN);
	while (*count < 5)
		sched_yield();
	rig_set(&rig, TICKER_CONTROL, 0);
	assert_true(rig_get(&rig, TICKER_COUNT) >= 5);
	free((void *)count);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(info_is_of_the_platform),
		TEST(regions_are_told_apart_by_flags),
		TEST(access_is_by_direction_and_cut_at_the_end),
		TEST(access_is_taken_apart),
		TEST(position_does_not_move),
		TEST(mapping_is_refused_where_there_is_none),
		TEST(mapped_pages_trap),
		TEST(reset_and_close_take_it_back),
		cmocka_unit_test(without_a_handler_nothing_resets_it),
		cmocka_unit_test(kernels_before_handlers_reset_nothing),
		TEST(counts_to_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

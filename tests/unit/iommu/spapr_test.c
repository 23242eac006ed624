/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sPAPR TCE, v1 and v2, without a machine.
 */
#include "spapr_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define TABLE 1024u /* pages of the default window's table */

static void extensions_follow_the_profile(void **state)
{
	static const struct {
		const char *abi;
		int v1, v2, eeh;
	} rows[] = {
		{"3.14", 1, 0, 0},
		{"4.1", 1, 0, 1},
		{"6.12", 1, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spapr_rig rig;
		const struct uvf_iommu_backend *backend = &uvf_spapr_backend;

		spapr_open_rig(&rig, V1, rows[i].abi);
		assert_int_equal(
			backend->check_extension(rig.state, &rig.host, V1),
			rows[i].v1);
		assert_int_equal(backend->check_extension(NULL, &rig.host, V2),
				 rows[i].v2);
		assert_int_equal(
			backend->check_extension(NULL, &rig.host, VFIO_EEH),
			rows[i].eeh);
		for (unsigned long x = 1; x < 32; x++)
			if (x != V1 && x != V2 && x != VFIO_EEH)
				assert_int_equal(backend->check_extension(
							 NULL, &rig.host, x),
						 0);
		assert_int_equal(spapr_eeh(&rig, VFIO_EEH_PE_CONFIGURE),
				 rows[i].eeh ? 0 : -ENOTTY);
		spapr_close_rig(&rig);
	}
}

/* Shows M43. */
static void info_is_16_bytes_or_32(void **state)
{
	struct {
		struct vfio_iommu_spapr_tce_info info;
		uint8_t canary;
	} arg;
	const size_t small = offsetof(struct vfio_iommu_spapr_tce_info, ddw);
	struct spapr_rig rig;

	(void)state;
	spapr_open_rig(&rig, V2, "6.12");
	for (uint32_t argsz = 0; argsz < 40; argsz++) {
		memset(&arg, 0xa5, sizeof(arg));
		arg.info.argsz = argsz;
		assert_int_equal(
			spapr_ioctl(&rig, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &arg),
			argsz < small ? -EINVAL : 0);
		assert_int_equal(arg.info.argsz, argsz);
		assert_int_equal(arg.canary, 0xa5);
		if (argsz < small) {
			assert_int_equal(arg.info.flags, 0xa5a5a5a5);
			continue;
		}
		assert_int_equal(arg.info.flags, VFIO_IOMMU_SPAPR_INFO_DDW);
		assert_int_equal(arg.info.dma32_window_start, 0);
		assert_int_equal(arg.info.dma32_window_size, WINDOW);
		assert_int_equal(arg.info.ddw.pgsizes,
				 argsz < 32 ? 0xa5a5a5a5a5a5a5a5 : 0x1011000);
		assert_int_equal(arg.info.ddw.levels,
				 argsz < 32 ? 0xa5a5a5a5 : 5);
	}
	assert_int_equal(
		spapr_ioctl(&rig, VFIO_IOMMU_SPAPR_TCE_GET_INFO, (void *)8),
		-EFAULT);
	spapr_close_rig(&rig);
	spapr_open_rig(&rig, V1, "6.12");
	memset(&arg, 0xa5, sizeof(arg));
	arg.info.argsz = 32;
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &arg),
			 0);
	assert_int_equal(arg.info.flags, 0);
	assert_int_equal(arg.info.ddw.pgsizes, 0);
	spapr_close_rig(&rig);
}

/* Shows M41. */
static void v1_is_enabled_once_and_then_maps(void **state)
{
	struct spapr_rig rig;
	struct uvf_aspace *as;

	(void)state;
	spapr_open_rig(&rig, V1, "6.12");
	/* Before the argument is looked at. */
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_MAP_DMA, (void *)8),
			 -EPERM);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, (void *)8),
			 -EPERM);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_DISABLE, NULL), 0);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_ENABLE, NULL), 0);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_ENABLE, NULL), -EBUSY);
	assert_int_equal(spapr_charged(&rig), WINDOW / PAGE);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, PAGE), 0);
	assert_int_equal(spapr_charged(&rig), WINDOW / PAGE + TABLE);
	assert_int_equal(uvf_spapr_backend.attach_group(
				 rig.state, NULL, &rig.groups[1].member, &as),
			 -EBUSY);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_DISABLE, NULL), 0);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_DISABLE, NULL), 0);
	assert_int_equal(spapr_charged(&rig), TABLE);
	assert_int_equal(spapr_unmap(&rig, 0, PAGE), -EPERM);
	/* What is mapped stays. */
	assert_int_not_equal(spapr_read(&rig, 0), -1);
	assert_int_equal(spapr_ioctl(&rig, REGISTER, (void *)8), -ENOTTY);
	assert_int_equal(spapr_ioctl(&rig, UNREGISTER, (void *)8), -ENOTTY);
	assert_int_equal(
		spapr_ioctl(&rig, VFIO_IOMMU_SPAPR_TCE_CREATE, (void *)8),
		-ENOTTY);
	assert_int_equal(
		spapr_ioctl(&rig, VFIO_IOMMU_SPAPR_TCE_REMOVE, (void *)8),
		-ENOTTY);
	spapr_close_rig(&rig);
	spapr_open_rig(&rig, V2, "6.12");
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_ENABLE, NULL), -ENOTTY);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_DISABLE, NULL), -ENOTTY);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, PAGE), -EPERM);
	spapr_close_rig(&rig);
}

/* Shows M41. */
static void attach_refuses_what_cannot_work(void **state)
{
	struct spapr_rig rig;
	struct uvf_aspace *as;
	void *other;

	(void)state;
	spapr_open_rig(&rig, V2, "6.12");
	rig.groups[1].member.is_emulated = true;
	assert_int_equal(uvf_spapr_backend.attach_group(
				 rig.state, NULL, &rig.groups[1].member, &as),
			 -EINVAL);
	spapr_close_rig(&rig);
	/* A host that cannot create windows has v1 only. */
	spapr_open_rig(&rig, V1, "6.12");
	rig.hw.max_windows = 0;
	assert_int_equal(uvf_spapr_backend.open(&other, &rig.host, V2), 0);
	assert_int_equal(uvf_spapr_backend.attach_group(
				 other, NULL, &rig.groups[1].member, &as),
			 -EINVAL);
	uvf_spapr_backend.release(other);
	rig.hw.window_size = 0;
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_ENABLE, NULL), -EPERM);
	spapr_close_rig(&rig);
}

/* Shows M42. */
static void what_cannot_be_registered_is_refused(void **state)
{
	struct spapr_rig rig;

	(void)state;
	spapr_open_rig(&rig, V2, "6.12");
	spapr_number_pages();
	assert_int_equal(spapr_register(&rig, UNREGISTER, spapr_page(0), PAGE),
			 -EPERM);
	assert_int_equal(spapr_ioctl(&rig, REGISTER, (void *)8), -EFAULT);
	/* That call took the process nevertheless. */
	assert_int_equal(spapr_ioctl(&rig, UNREGISTER, (void *)8), -EFAULT);
	assert_int_equal(spapr_register(&rig, UNREGISTER, spapr_page(0), PAGE),
			 -ENOENT);
	assert_int_equal(
		spapr_register(&rig, REGISTER, spapr_page(0) + 1, PAGE),
		-EINVAL);
	assert_int_equal(
		spapr_register(&rig, REGISTER, spapr_page(0), PAGE - 1),
		-EINVAL);
	assert_int_equal(spapr_register(&rig, REGISTER, (void *)-PAGE, PAGE),
			 -EINVAL);
	assert_int_equal(spapr_register(&rig, REGISTER, spapr_page(0), 0),
			 -ENOMEM);
	assert_int_equal(
		spapr_register(&rig, REGISTER, spapr_page(SPAPR_GOOD), PAGE),
		-EFAULT);
	assert_int_equal(spapr_register(&rig, REGISTER,
					spapr_page(SPAPR_GOOD + 4), PAGE),
			 -EFAULT);
	assert_int_equal(spapr_charged(&rig), 0);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(4), 0, PAGE), -EPERM);
	spapr_close_rig(&rig);
}

/* Shows M42. */
static void memory_is_registered_before_it_is_mapped(void **state)
{
	struct spapr_rig rig;

	(void)state;
	spapr_open_rig(&rig, V2, "6.12");
	spapr_number_pages();
	assert_int_equal(
		spapr_register(&rig, REGISTER, spapr_page(4), 4 * PAGE), 0);
	assert_int_equal(spapr_charged(&rig), 4);
	assert_int_equal(
		spapr_register(&rig, REGISTER, spapr_page(4), 4 * PAGE),
		-EBUSY);
	assert_int_equal(
		spapr_register(&rig, REGISTER, spapr_page(7), 2 * PAGE),
		-EINVAL);
	assert_int_equal(
		spapr_register(&rig, REGISTER, spapr_page(4), 3 * PAGE),
		-EINVAL);
	assert_int_equal(spapr_charged(&rig), 4);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(3), 0, PAGE), -EINVAL);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(4), 0, 5 * PAGE),
			 -EINVAL);
	assert_int_equal(spapr_read(&rig, 0), -1);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(4), 0, 4 * PAGE), 0);
	assert_int_equal(spapr_read(&rig, 3 * PAGE), 7);
	assert_int_equal(
		spapr_register(&rig, UNREGISTER, spapr_page(4), 3 * PAGE),
		-ENOENT);
	assert_int_equal(
		spapr_register(&rig, UNREGISTER, spapr_page(4), 4 * PAGE),
		-EBUSY);
	assert_int_equal(spapr_unmap(&rig, PAGE, 3 * PAGE), 0);
	assert_int_equal(
		spapr_register(&rig, UNREGISTER, spapr_page(4), 4 * PAGE),
		-EBUSY);
	assert_int_equal(spapr_unmap(&rig, 0, PAGE), 0);
	assert_int_equal(
		spapr_register(&rig, UNREGISTER, spapr_page(4), 4 * PAGE), 0);
	assert_int_equal(spapr_charged(&rig), TABLE);
	spapr_close_rig(&rig);
}

/* Shows M42. */
static void containers_of_a_process_share_registered_memory(void **state)
{
	struct vfio_iommu_spapr_register_memory args = {
		.argsz = sizeof(args),
		.vaddr = (uintptr_t)spapr_memory,
		.size = SPAPR_GOOD * PAGE,
	};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = RW,
		.size = PAGE,
	};
	const struct uvf_iommu_backend *backend = &uvf_spapr_backend;
	struct spapr_rig rig;
	void *other;

	(void)state;
	spapr_open_v2(&rig);
	args.vaddr = map.vaddr = (uintptr_t)spapr_memory;
	other = spapr_open_other(&rig, V2);
	/* Charged once. */
	assert_int_equal(
		backend->ioctl(other, &rig.caller, REGISTER, (uintptr_t)&args),
		0);
	assert_int_equal(spapr_charged(&rig), SPAPR_GOOD);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, PAGE), 0);
	/* One lets go while it maps, since the other has it still. */
	assert_int_equal(
		spapr_register(&rig, UNREGISTER, spapr_page(0), args.size), 0);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(1), PAGE, PAGE), 0);
	assert_int_equal(backend->ioctl(other, &rig.caller, UNREGISTER,
					(uintptr_t)&args),
			 -EBUSY);
	assert_int_equal(spapr_read(&rig, PAGE), 1);
	/* Mappings keep memory whose last container is gone. */
	spapr_close_other(&rig, other);
	assert_int_equal(spapr_charged(&rig), SPAPR_GOOD + TABLE);
	assert_int_equal(spapr_read(&rig, PAGE), 1);
	assert_int_equal(spapr_unmap(&rig, 0, 2 * PAGE), 0);
	assert_int_equal(spapr_charged(&rig), TABLE);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(1), PAGE, PAGE),
			 -EINVAL);
	/* Another process has nothing of it. */
	other = spapr_open_other(&rig, V2);
	assert_int_equal(
		spapr_register(&rig, REGISTER, spapr_page(0), args.size), 0);
	args.vaddr += PAGE;
	args.size = PAGE;
	assert_int_equal(
		backend->ioctl(other, &rig.other, REGISTER, (uintptr_t)&args),
		0);
	map.vaddr = (uintptr_t)spapr_page(0);
	assert_int_equal(backend->ioctl(other, &rig.other, VFIO_IOMMU_MAP_DMA,
					(uintptr_t)&map),
			 -EINVAL);
	spapr_close_other(&rig, other);
	spapr_close_rig(&rig);
}

/* Shows M42. */
static void there_are_two_windows(void **state)
{
	struct spapr_rig rig;
	uint64_t start;

	(void)state;
	spapr_open_v2(&rig);
	assert_int_equal(rig.groups[0].windows[0].size, 0);
	/* The default one comes first, and needs a slot. */
	assert_int_equal(spapr_create(&rig, 16, 1ull << 32, 1, &start), 0);
	assert_int_equal(start, HIGH);
	assert_int_equal(rig.groups[0].windows[0].size, WINDOW / PAGE);
	assert_int_equal(rig.groups[0].windows[1].offset, HIGH >> 16);
	assert_int_equal(rig.groups[0].windows[1].size, 1ull << 16);
	assert_int_equal(spapr_charged(&rig), SPAPR_GOOD + TABLE + 256);
	assert_int_equal(spapr_create(&rig, 12, 1ull << 30, 1, &start),
			 -ENOSPC);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(16), HIGH, 16 * PAGE),
			 0);
	assert_int_equal(spapr_read(&rig, HIGH + PAGE), 17);
	/* Its pages are of 64 KiB. */
	assert_int_equal(spapr_map(&rig, RW, spapr_page(16), HIGH, PAGE),
			 -EINVAL);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(1), HIGH, 16 * PAGE),
			 -EINVAL);
	assert_int_equal(spapr_unmap(&rig, HIGH, 8 * PAGE), -EINVAL);
	assert_int_equal(spapr_unmap(&rig, HIGH + PAGE, 16 * PAGE), -EINVAL);
	/* Any address of a window selects it. */
	assert_int_equal(spapr_remove(&rig, HIGH - 1), -EINVAL);
	assert_int_equal(spapr_remove(&rig, HIGH + (1ull << 32)), -EINVAL);
	assert_int_equal(spapr_remove(&rig, HIGH + 12345), 0);
	assert_int_equal(spapr_read(&rig, HIGH + PAGE), -1);
	assert_int_equal(rig.groups[0].windows[1].size, 0);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(16), HIGH, 16 * PAGE),
			 -ENXIO);
	assert_int_equal(spapr_remove(&rig, 0), 0);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, PAGE), -ENXIO);
	assert_int_equal(spapr_charged(&rig), SPAPR_GOOD);
	/* Slots are taken from the first on. */
	assert_int_equal(spapr_create(&rig, 12, 1ull << 21, 1, &start), 0);
	assert_int_equal(start, 0);
	spapr_close_rig(&rig);
}

/* Shows M42. */
static void the_default_window_is_removed_before_it_is_there(void **state)
{
	struct spapr_rig rig;
	uint64_t start;

	(void)state;
	spapr_open_v2(&rig);
	assert_int_equal(spapr_remove(&rig, PAGE), -EINVAL);
	assert_int_equal(spapr_remove(&rig, 0), 0);
	assert_int_equal(spapr_remove(&rig, 0), -EINVAL);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, PAGE), -ENXIO);
	assert_int_equal(spapr_charged(&rig), SPAPR_GOOD);
	assert_int_equal(spapr_create(&rig, 12, 1ull << 31, 1, &start), 0);
	assert_int_equal(start, 0);
	assert_int_equal(spapr_create(&rig, 12, 1ull << 31, 1, &start), 0);
	assert_int_equal(start, HIGH);
	spapr_close_rig(&rig);
}

static void tables_have_sizes_that_the_host_can_make(void **state)
{
	static const struct {
		uint32_t page_shift;
		uint64_t size;
		uint32_t levels;
		int ret;
		uint64_t pages; /* of the window, when it is there */
	} rows[] = {
		{0, 1ull << 30, 1, -EINVAL, 0},
		{13, 1ull << 30, 1, -EINVAL, 0},
		{64, 1ull << 30, 1, -EINVAL, 0},
		{UINT32_MAX, 1ull << 30, 1, -EINVAL, 0},
		{12, 0, 1, -EINVAL, 0},
		{12, 3ull << 30, 1, -EINVAL, 0},
		{12, 2048, 1, -EINVAL, 0},
		{12, 1ull << 30, 0, -EINVAL, 0},
		{12, 1ull << 30, 6, -EINVAL, 0},
		/* A table is a page at least, so a window 512 pages. */
		{12, 4096, 1, 0, 512},
		{16, 1ull << 16, 1, 0, 512},
		{12, 1ull << 33, 1, 0, 1ull << 21},
		/* No part of a table has more than 16 MiB. */
		{12, 1ull << 34, 1, -ENOMEM, 0},
		{12, 1ull << 34, 2, 0, 1ull << 22},
		{12, 1ull << 48, 4, 0, 1ull << 36},
		{24, 1ull << 50, 2, 0, 1ull << 26},
		{12, 1ull << 55, 3, -EINVAL, 0},
		{12, 1ull << 63, 5, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spapr_rig rig;
		uint64_t start;

		spapr_open_v2(&rig);
		assert_int_equal(spapr_remove(&rig, 0), 0);
		assert_int_equal(spapr_create(&rig, rows[i].page_shift,
					      rows[i].size, rows[i].levels,
					      &start),
				 rows[i].ret);
		assert_int_equal(rig.groups[0].windows[0].size, rows[i].pages);
		if (rows[i].ret)
			assert_int_equal(spapr_charged(&rig), SPAPR_GOOD);
		spapr_close_rig(&rig);
	}
}

/* Shows M43. */
static void mapping_again_replaces_silently(void **state)
{
	struct spapr_rig rig;

	(void)state;
	for (int version = 1; version <= 2; version++) {
		if (version == 1)
			spapr_open_v1(&rig);
		else
			spapr_open_v2(&rig);
		assert_int_equal(
			spapr_map(&rig, RW, spapr_page(0), 0, 8 * PAGE), 0);
		assert_int_equal(spapr_map(&rig, READ, spapr_page(20), 2 * PAGE,
					   3 * PAGE),
				 0);
		assert_int_equal(spapr_read(&rig, PAGE), 1);
		assert_int_equal(spapr_read(&rig, 2 * PAGE), 20);
		assert_int_equal(spapr_read(&rig, 4 * PAGE), 22);
		assert_int_equal(spapr_read(&rig, 5 * PAGE), 5);
		assert_true(spapr_write(&rig, PAGE, 1));
		assert_false(spapr_write(&rig, 2 * PAGE, 1));
		/* Over several mappings and a hole. */
		assert_int_equal(spapr_unmap(&rig, 6 * PAGE, PAGE), 0);
		assert_int_equal(
			spapr_map(&rig, RW, spapr_page(30), PAGE, 8 * PAGE), 0);
		for (unsigned int i = 1; i < 9; i++)
			assert_int_equal(spapr_read(&rig, i * PAGE), 29 + i);
		assert_int_equal(spapr_read(&rig, 0), 0);
		assert_int_equal(spapr_read(&rig, 9 * PAGE), -1);
		assert_int_equal(spapr_unmap(&rig, 0, WINDOW), 0);
		assert_int_equal(spapr_read(&rig, 3 * PAGE), -1);
		assert_int_equal(spapr_unmap(&rig, 0, WINDOW), 0);
		spapr_close_rig(&rig);
	}
}

/* Shows M43. */
static void a_map_that_fails_clears_what_it_set(void **state)
{
	struct spapr_rig rig;

	(void)state;
	spapr_open_v1(&rig);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, 8 * PAGE), 0);
	/* The third page cannot be written. */
	assert_int_equal(spapr_map(&rig, READ, spapr_page(SPAPR_GOOD - 2), PAGE,
				   4 * PAGE),
			 -EFAULT);
	assert_int_equal(spapr_read(&rig, 0), 0);
	assert_int_equal(spapr_read(&rig, PAGE), -1);
	assert_int_equal(spapr_read(&rig, 2 * PAGE), -1);
	assert_int_equal(spapr_read(&rig, 3 * PAGE), 3);
	/* Not even the first. */
	assert_int_equal(
		spapr_map(&rig, RW, spapr_page(SPAPR_GOOD + 4), 4 * PAGE, PAGE),
		-EFAULT);
	assert_int_equal(spapr_read(&rig, 4 * PAGE), 4);
	spapr_close_rig(&rig);
	spapr_open_v2(&rig);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, 8 * PAGE), 0);
	assert_int_equal(
		spapr_map(&rig, RW, spapr_page(SPAPR_GOOD - 2), PAGE, 4 * PAGE),
		-EINVAL);
	assert_int_equal(spapr_read(&rig, 2 * PAGE), -1);
	assert_int_equal(spapr_read(&rig, 3 * PAGE), 3);
	spapr_close_rig(&rig);
}

/* Shows M43. */
static void arguments_are_judged_in_their_order(void **state)
{
	struct vfio_iommu_type1_dma_map map = {.argsz = 31, .flags = 7};
	struct vfio_iommu_type1_dma_unmap unmap = {.argsz = 23, .flags = 1};
	struct spapr_rig rig;

	(void)state;
	spapr_open_v1(&rig);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_MAP_DMA, (void *)8),
			 -EFAULT);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, (void *)8),
			 -EFAULT);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_MAP_DMA, &map), -EINVAL);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, &unmap),
			 -EINVAL);
	map.argsz = 32;
	map.iova = WINDOW;
	unmap.argsz = 24;
	unmap.iova = WINDOW;
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_MAP_DMA, &map), -EINVAL);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, &unmap),
			 -EINVAL);
	/* Up to here no window was made. */
	assert_int_equal(spapr_charged(&rig), WINDOW / PAGE);
	map.flags = 0;
	unmap.flags = 0;
	map.size = 1;
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_MAP_DMA, &map), -ENXIO);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_UNMAP_DMA, &unmap),
			 -ENXIO);
	assert_int_equal(spapr_charged(&rig), WINDOW / PAGE + TABLE);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, 1), -EINVAL);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0) + 1, 0, PAGE),
			 -EINVAL);
	assert_int_equal(spapr_map(&rig, 0, spapr_page(0), 0, PAGE), -EINVAL);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 1, PAGE), -EINVAL);
	assert_int_equal(
		spapr_map(&rig, RW, spapr_page(0), WINDOW - PAGE, 2 * PAGE),
		-EINVAL);
	assert_int_equal(
		spapr_map(&rig, RW, spapr_page(0), WINDOW - PAGE, PAGE), 0);
	assert_int_equal(spapr_map(&rig, RW, NULL, PAGE, 0), 0);
	assert_int_equal(spapr_map(&rig, 0, NULL, PAGE, 0), -EINVAL);
	assert_int_equal(spapr_unmap(&rig, 0, 1), -EINVAL);
	assert_int_equal(spapr_unmap(&rig, 1, PAGE), -EINVAL);
	assert_int_equal(spapr_unmap(&rig, PAGE, WINDOW), -EINVAL);
	assert_int_equal(spapr_unmap(&rig, 0, UINT64_MAX & ~(PAGE - 1)),
			 -EINVAL);
	assert_int_equal(spapr_unmap(&rig, PAGE, 0), 0);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_DIRTY_PAGES + 40, NULL),
			 -ENOTTY);
	spapr_close_rig(&rig);
}

/* Shows M43. */
static void another_process_may_do_nothing(void **state)
{
	static const unsigned int commands[] = {
		VFIO_IOMMU_SPAPR_TCE_GET_INFO,
		VFIO_IOMMU_ENABLE,
		VFIO_IOMMU_DISABLE,
		VFIO_IOMMU_MAP_DMA,
		VFIO_IOMMU_UNMAP_DMA,
		REGISTER,
		UNREGISTER,
		VFIO_IOMMU_SPAPR_TCE_CREATE,
		VFIO_IOMMU_SPAPR_TCE_REMOVE,
		VFIO_EEH_PE_OP,
		VFIO_EEH_PE_OP + 40,
	};
	struct spapr_rig rig;

	(void)state;
	for (int version = 1; version <= 2; version++) {
		if (version == 1)
			spapr_open_v1(&rig);
		else
			spapr_open_v2(&rig);
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]);
		     i++)
			assert_int_equal(
				uvf_spapr_backend.ioctl(rig.state, &rig.other,
							commands[i], 8),
				-EPERM);
		assert_int_equal(uvf_spapr_backend.check_extension(
					 rig.state, &rig.host, V1),
				 1);
		spapr_close_rig(&rig);
	}
	/* As long as nobody has used memory, anybody may ask. */
	spapr_open_rig(&rig, V1, "6.12");
	assert_int_equal(uvf_spapr_backend.ioctl(rig.state, &rig.other,
						 VFIO_IOMMU_ENABLE, 0),
			 0);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_DISABLE, NULL), -EPERM);
	spapr_close_rig(&rig);
}

static void set_memlock(uint64_t pages)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	limit.rlim_cur = pages * PAGE;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

static void locked_memory_is_limited(void **state)
{
	struct rlimit before;
	struct spapr_rig rig;
	uint64_t start;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	if (before.rlim_max < (SPAPR_GOOD + TABLE) * PAGE)
		skip();
	spapr_open_rig(&rig, V1, "6.12");
	rig.caller.ignores_memlock = false;
	set_memlock(SPAPR_GOOD);
	assert_int_equal(spapr_ioctl(&rig, VFIO_IOMMU_ENABLE, NULL), -ENOMEM);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, PAGE), -EPERM);
	spapr_close_rig(&rig);

	spapr_open_rig(&rig, V2, "6.12");
	rig.caller.ignores_memlock = false;
	assert_int_equal(spapr_register(&rig, REGISTER, spapr_page(0),
					SPAPR_GOOD * PAGE),
			 0);
	assert_int_equal(spapr_register(&rig, REGISTER, spapr_page(0), PAGE),
			 -ENOMEM);
	/* No room for the table. */
	set_memlock(SPAPR_GOOD + TABLE - 1);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, PAGE), -ENOMEM);
	assert_int_equal(spapr_unmap(&rig, 0, PAGE), -ENOMEM);
	assert_int_equal(spapr_create(&rig, 12, 1u << 30, 1, &start), -ENOMEM);
	assert_int_equal(spapr_charged(&rig), SPAPR_GOOD);
	set_memlock(SPAPR_GOOD + TABLE);
	assert_int_equal(spapr_map(&rig, RW, spapr_page(0), 0, PAGE), 0);
	assert_int_equal(spapr_create(&rig, 12, 1u << 30, 1, &start), -ENOMEM);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
	spapr_close_rig(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extensions_follow_the_profile),
		cmocka_unit_test(info_is_16_bytes_or_32),
		cmocka_unit_test(v1_is_enabled_once_and_then_maps),
		cmocka_unit_test(attach_refuses_what_cannot_work),
		cmocka_unit_test(what_cannot_be_registered_is_refused),
		cmocka_unit_test(memory_is_registered_before_it_is_mapped),
		cmocka_unit_test(
			containers_of_a_process_share_registered_memory),
		cmocka_unit_test(there_are_two_windows),
		cmocka_unit_test(
			the_default_window_is_removed_before_it_is_there),
		cmocka_unit_test(tables_have_sizes_that_the_host_can_make),
		cmocka_unit_test(mapping_again_replaces_silently),
		cmocka_unit_test(a_map_that_fails_clears_what_it_set),
		cmocka_unit_test(arguments_are_judged_in_their_order),
		cmocka_unit_test(another_process_may_do_nothing),
		cmocka_unit_test(locked_memory_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

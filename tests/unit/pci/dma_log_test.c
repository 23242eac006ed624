/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log of what a device writes by DMA: it has the pages that were written,
 * and no others.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/machine.h"
#include "lib/migrate.h"

#define PAGE   4096ull
#define IOVA   0x100000ull
#define PAGES  32u
#define BUFFER 0x40000ull

#define START (VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_START)
#define STOP  (VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP)
#define REPORT                                                                 \
	(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT)

struct rig {
	struct side side;
	uint8_t *memory;
	int event;
};

static void rig_open(struct rig *rig)
{
	static const char *const specs[] = {"edu,migration=stop-copy", NULL};

	side_open(&rig->side, specs);
	side_enable(&rig->side, 0);
	rig->memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(rig->memory, MAP_FAILED);
	side_map(&rig->side, rig->memory, IOVA, PAGES * PAGE);
	rig->event = eventfd(0, EFD_CLOEXEC);
	side_irqs(&rig->side, 0, VFIO_PCI_MSI_IRQ_INDEX, &rig->event, 1);
}

static void rig_close(struct rig *rig)
{
	side_close(&rig->side);
	munmap(rig->memory, PAGES * PAGE);
	close(rig->event);
}

/* One DMA of edu, and the interrupt behind it. */
static void dma(struct rig *rig, uint64_t iova, uint32_t count, bool is_write)
{
	uint64_t events;

	side_write(&rig->side, 0, 0x80, (uint32_t)(is_write ? BUFFER : iova));
	side_write(&rig->side, 0, 0x88, (uint32_t)(is_write ? iova : BUFFER));
	side_write(&rig->side, 0, 0x90, count);
	side_write(&rig->side, 0, 0x98, is_write ? 7 : 5);
	assert_int_equal(read(rig->event, &events, sizeof(events)),
			 sizeof(events));
	side_write(&rig->side, 0, 0x64, 0x100);
}

static int start(struct rig *rig, uint64_t page_size,
		 struct vfio_device_feature_dma_logging_range *ranges,
		 uint32_t count)
{
	struct vfio_device_feature_dma_logging_control control = {
		.page_size = page_size,
		.num_ranges = count,
		.ranges = (uintptr_t)ranges,
	};

	return side_feature(&rig->side, 0, START, &control, sizeof(control));
}

static int report(struct rig *rig, uint64_t iova, uint64_t length,
		  uint64_t page_size, uint64_t *bitmap)
{
	struct vfio_device_feature_dma_logging_report arg = {
		.iova = iova,
		.length = length,
		.page_size = page_size,
		.bitmap = (uintptr_t)bitmap,
	};

	return side_feature(&rig->side, 0, REPORT, &arg, sizeof(arg));
}

/* Shows V60. */
static void bad_ranges_are_refused(void **state)
{
	struct vfio_device_feature_dma_logging_range meeting[] = {
		{IOVA, 2 * PAGE}, {IOVA + PAGE, PAGE}};
	struct vfio_device_feature_dma_logging_range odd = {IOVA + 1, PAGE};
	struct vfio_device_feature_dma_logging_range good = {IOVA, PAGE};
	uint64_t bitmap = 0;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	assert_int_equal(report(&rig, IOVA, PAGE, PAGE, &bitmap), -EINVAL);
	assert_int_equal(start(&rig, PAGE, NULL, 0), -EINVAL);
	assert_int_equal(start(&rig, PAGE, NULL, 257), -E2BIG);
	assert_int_equal(start(&rig, PAGE, &odd, 1), -EINVAL);
	assert_int_equal(start(&rig, PAGE, meeting, 2), -EINVAL);
	assert_int_equal(start(&rig, PAGE, &good, 1), 0);
	assert_int_equal(start(&rig, PAGE, &good, 1), -EINVAL);
	assert_int_equal(report(&rig, IOVA, PAGE, 2048, &bitmap), -EINVAL);
	assert_int_equal(
		report(&rig, UINT64_MAX - PAGE + 1, 2 * PAGE, PAGE, &bitmap),
		-EOVERFLOW);
	assert_int_equal(side_feature(&rig.side, 0, STOP, NULL, 0), 0);
	assert_int_equal(side_feature(&rig.side, 0, STOP, NULL, 0), 0);
	assert_int_equal(report(&rig, IOVA, PAGE, PAGE, &bitmap), -EINVAL);
	rig_close(&rig);
}

/* Shows V60. */
static void the_pages_that_were_written_are_told_once(void **state)
{
	struct vfio_device_feature_dma_logging_range ranges[] = {
		{IOVA, 8 * PAGE}, {IOVA + 16 * PAGE, 8 * PAGE}};
	uint64_t bitmap = 0;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	dma(&rig, IOVA, 100, true); /* before it logs */
	assert_int_equal(start(&rig, PAGE, ranges, 2), 0);
	dma(&rig, IOVA + PAGE, 4096, false); /* no write */
	assert_int_equal(report(&rig, IOVA, PAGES * PAGE, PAGE, &bitmap), 0);
	assert_int_equal(bitmap, 0);
	dma(&rig, IOVA + 2 * PAGE, 1, true);
	dma(&rig, IOVA + 6 * PAGE - 1, 2, true);      /* two pages */
	dma(&rig, IOVA + 10 * PAGE, 4096, true);      /* in no range */
	dma(&rig, IOVA + 16 * PAGE - 8, 16, true);    /* half of it is */
	dma(&rig, IOVA + PAGES * PAGE - 8, 16, true); /* not mapped behind */
	assert_int_equal(report(&rig, IOVA, PAGES * PAGE, PAGE, &bitmap), 0);
	assert_int_equal(bitmap, 1u << 2 | 1u << 5 | 1u << 6 | 1u << 16);
	/* It was forgotten; bits that are set stay. */
	assert_int_equal(report(&rig, IOVA, PAGES * PAGE, PAGE, &bitmap), 0);
	assert_int_equal(bitmap, 1u << 2 | 1u << 5 | 1u << 6 | 1u << 16);
	bitmap = 0;
	assert_int_equal(report(&rig, IOVA, PAGES * PAGE, PAGE, &bitmap), 0);
	assert_int_equal(bitmap, 0);
	rig_close(&rig);
}

/* What could not be told is not forgotten. */
static void a_bitmap_that_is_not_there_loses_nothing(void **state)
{
	struct vfio_device_feature_dma_logging_range range = {IOVA,
							      PAGES * PAGE};
	uint64_t bitmap = 0;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	assert_int_equal(start(&rig, 4 * PAGE, &range, 1), 0);
	dma(&rig, IOVA + 5 * PAGE, 1, true);
	assert_int_equal(report(&rig, IOVA, PAGES * PAGE, PAGE, NULL), -EFAULT);
	assert_int_equal(report(&rig, IOVA, PAGES * PAGE, 4 * PAGE, &bitmap),
			 0);
	assert_int_equal(bitmap, 1u << 1);
	rig_close(&rig);
}

static void the_last_close_ends_the_log(void **state)
{
	struct vfio_device_feature_dma_logging_range range = {IOVA, PAGE};
	uint64_t bitmap = 0;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	assert_int_equal(start(&rig, PAGE, &range, 1), 0);
	must_close(rig.side.machine, rig.side.devices[0]);
	rig.side.devices[0] = (int)must_ioctl(
		rig.side.machine, rig.side.groups[0], VFIO_GROUP_GET_DEVICE_FD,
		(uintptr_t) "0000:00:03.0");
	assert_int_equal(report(&rig, IOVA, PAGE, PAGE, &bitmap), -EINVAL);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_ranges_are_refused),
		cmocka_unit_test(the_pages_that_were_written_are_told_once),
		cmocka_unit_test(a_bitmap_that_is_not_there_loses_nothing),
		cmocka_unit_test(the_last_close_ends_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

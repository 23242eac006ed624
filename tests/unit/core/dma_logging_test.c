/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dirty tracking of a device: what START and REPORT refuse, and what becomes
 * of the client's bitmap.
 */
#include "core/dma_logging.h"

#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/profile.h"
#include "core/device.h"
#include "core/feature.h"
#include "mem/caller.h"
#include "mem/copy.h"
#include "mem/self.h"

#define PAGE 4096ull
#define SET  VFIO_DEVICE_FEATURE_SET
#define GET  VFIO_DEVICE_FEATURE_GET

struct fake {
	struct uvf_device device;
	struct uvf_dma_log log;
	struct uvf_profile profile;
	struct uvf_caller caller;
	bool is_logging;
	unsigned int ranges;
	struct uvf_range written[4]; /* by DMA, since the last report */
	unsigned int written_count;
};

static int fake_start(void *arg, struct uvf_itree *ranges, unsigned int count,
		      uint64_t *page_size)
{
	struct fake *fake = arg;

	if (fake->is_logging)
		return -EBUSY;
	assert_int_equal(ranges->count, count);
	uvf_combine_iova_ranges(ranges, 2);
	fake->ranges = (unsigned int)ranges->count;
	fake->is_logging = true;
	*page_size = 2 * PAGE;
	return 0;
}

static int fake_stop(void *arg)
{
	struct fake *fake = arg;

	if (!fake->is_logging)
		return -EINVAL;
	fake->is_logging = false;
	return 0;
}

static int fake_report(void *arg, struct uvf_range iova,
		       struct uvf_dirty_bitmap *bitmap)
{
	struct fake *fake = arg;

	(void)iova;
	for (unsigned int i = 0; i < fake->written_count; i++) {
		int ret = uvf_dirty_bitmap_set(bitmap, fake->written[i]);

		if (ret)
			return ret;
	}
	fake->written_count = 0;
	return 0;
}

static const struct uvf_dma_log_ops fake_log_ops = {
	.start = fake_start,
	.stop = fake_stop,
	.report = fake_report,
};

static const struct uvf_device_ops fake_ops;

static void fake_open(struct fake *fake)
{
	memset(fake, 0, sizeof(*fake));
	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(uvf_profile_parse(&fake->profile, "6.12", NULL), 0);
	assert_int_equal(uvf_self_create(&fake->caller.mm), 0);
	fake->log = (struct uvf_dma_log){&fake_log_ops, fake};
	fake->device.ops = &fake_ops;
	fake->device.dma_log = &fake->log;
}

static void fake_close(struct fake *fake)
{
	uvf_mm_put(fake->caller.mm);
}

static int feature(struct fake *fake, void *arg)
{
	return (int)uvf_device_feature(&fake->device, &fake->profile,
				       &fake->caller, (uintptr_t)arg);
}

struct start {
	struct vfio_device_feature header;
	struct vfio_device_feature_dma_logging_control control;
};

static int start(struct fake *fake, uint64_t page_size,
		 struct vfio_device_feature_dma_logging_range *ranges,
		 uint32_t count)
{
	struct start arg = {
		.header = {sizeof(arg),
			   VFIO_DEVICE_FEATURE_DMA_LOGGING_START | SET},
		.control = {.page_size = page_size,
			    .num_ranges = count,
			    .ranges = (uintptr_t)ranges},
	};
	int ret = feature(fake, &arg);

	if (!ret)
		assert_int_equal(arg.control.page_size, 2 * PAGE);
	return ret;
}

static int stop(struct fake *fake)
{
	struct vfio_device_feature arg = {
		sizeof(arg), VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP | SET};

	return feature(fake, &arg);
}

/* Shows L1. */
static void start_checks_the_ranges(void **state)
{
	static struct vfio_device_feature_dma_logging_range many[257];
	struct vfio_device_feature_dma_logging_range odd = {100, PAGE};
	struct vfio_device_feature_dma_logging_range empty = {PAGE, 0};
	struct vfio_device_feature_dma_logging_range top = {-PAGE, PAGE};
	struct vfio_device_feature_dma_logging_range meeting[] = {{0, 2 * PAGE},
								  {PAGE, PAGE}};
	struct start *arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct fake fake;

	(void)state;
	fake_open(&fake);
	for (unsigned int i = 0; i < 257; i++)
		many[i].iova = 2 * i * PAGE, many[i].length = PAGE;
	assert_int_equal(start(&fake, PAGE, NULL, 0), -EINVAL);
	assert_int_equal(start(&fake, PAGE, NULL, 257), -E2BIG);
	assert_int_equal(start(&fake, PAGE, NULL, 256), -EFAULT);
	assert_int_equal(start(&fake, PAGE, &odd, 1), -EINVAL);
	assert_int_equal(start(&fake, PAGE, &empty, 1), -EINVAL);
	assert_int_equal(start(&fake, 0, many, 1), -EINVAL);
	assert_int_equal(start(&fake, PAGE, &top, 1), -EOVERFLOW);
	assert_int_equal(start(&fake, PAGE, meeting, 2), -EINVAL);
	assert_int_equal(start(&fake, PAGE, many, 256), 0);
	assert_int_equal(start(&fake, PAGE, many, 256), -EBUSY);
	assert_int_equal(stop(&fake), 0);
	assert_int_equal(stop(&fake), -EINVAL);
	/* An answer that cannot be written: it does not log. */
	*arg = (struct start){
		.header = {sizeof(*arg),
			   VFIO_DEVICE_FEATURE_DMA_LOGGING_START | SET},
		.control = {.page_size = PAGE,
			    .num_ranges = 1,
			    .ranges = (uintptr_t)many},
	};
	mprotect(arg, PAGE, PROT_READ);
	assert_int_equal(feature(&fake, arg), -EFAULT);
	assert_false(fake.is_logging);
	munmap(arg, PAGE);
	fake.device.dma_log = NULL;
	assert_int_equal(start(&fake, PAGE, many, 1), -ENOTTY);
	assert_int_equal(stop(&fake), -ENOTTY);
	fake_close(&fake);
}

static int report(struct fake *fake, uint64_t iova, uint64_t length,
		  uint64_t page_size, uint64_t *bitmap)
{
	struct {
		struct vfio_device_feature header;
		struct vfio_device_feature_dma_logging_report report;
	} arg = {
		.header = {sizeof(arg),
			   VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT | GET},
		.report = {iova, length, page_size, (uintptr_t)bitmap},
	};

	return feature(fake, &arg);
}

static void write_by_dma(struct fake *fake, uint64_t first, uint64_t last)
{
	fake->written[fake->written_count++] = (struct uvf_range){first, last};
}

/* Shows L2. */
static void report_adds_what_was_written_and_forgets_it(void **state)
{
	uint64_t bitmap[3] = {0};
	struct fake fake;

	(void)state;
	fake_open(&fake);
	assert_int_equal(report(&fake, 0, PAGE, 2048, bitmap), -EINVAL);
	assert_int_equal(report(&fake, 0, PAGE, 12288, bitmap), -EINVAL);
	assert_int_equal(report(&fake, -PAGE, PAGE, PAGE, bitmap), -EOVERFLOW);
	/* Bytes of two pages, a run over a word, and some outside. */
	write_by_dma(&fake, 0x10000 + PAGE - 1, 0x10000 + PAGE);
	write_by_dma(&fake, 0x10000 + 62 * PAGE, 0x10000 + 65 * PAGE - 1);
	write_by_dma(&fake, 0, 0x10000 - 1);
	bitmap[0] = 0x100;
	bitmap[1] = 1ull << 63;
	assert_int_equal(report(&fake, 0x10000, 128 * PAGE, PAGE, bitmap), 0);
	assert_true(bitmap[0] == (0x103ull | 3ull << 62));
	assert_true(bitmap[1] == (1ull << 63 | 1));
	assert_int_equal(bitmap[2], 0);
	assert_int_equal(report(&fake, 0x10000, 128 * PAGE, PAGE, bitmap), 0);
	assert_true(bitmap[0] == (0x103ull | 3ull << 62));
	/* Larger pages than the device's: one bit for several. */
	bitmap[0] = 0;
	write_by_dma(&fake, 0x3000, 0x3000);
	write_by_dma(&fake, 0x20000, 0x20fff);
	assert_int_equal(report(&fake, 0, 64 * PAGE, 16 * PAGE, bitmap), 0);
	assert_int_equal(bitmap[0], 5);
	write_by_dma(&fake, 0, 0);
	assert_int_equal(report(&fake, 0, PAGE, PAGE, NULL), -EFAULT);
	fake_close(&fake);
}

static void ranges_with_the_smallest_gap_are_combined(void **state)
{
	static const struct uvf_range in[] = {
		{0, 9}, {100, 109}, {112, 119}, {150, 159}, {1000, 1009}};
	static const struct {
		size_t max, count;
		struct uvf_range out[5];
	} rows[] = {
		{9,
		 5,
		 {{0, 9}, {100, 109}, {112, 119}, {150, 159}, {1000, 1009}}},
		{4, 4, {{0, 9}, {100, 119}, {150, 159}, {1000, 1009}}},
		{3, 3, {{0, 9}, {100, 159}, {1000, 1009}}},
		{2, 2, {{0, 159}, {1000, 1009}}},
		{1, 1, {{0, 1009}}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uvf_inode nodes[5], *node;
		struct uvf_itree tree = {0};
		size_t n = 0;

		for (size_t k = 0; k < 5; k++)
			uvf_itree_insert(&tree, &nodes[k], in[k]);
		uvf_combine_iova_ranges(&tree, rows[i].max);
		assert_int_equal(tree.count, rows[i].count);
		for (node = uvf_itree_first(&tree); node;
		     node = uvf_itree_next(node), n++) {
			assert_int_equal(node->key.first, rows[i].out[n].first);
			assert_int_equal(node->key.last, rows[i].out[n].last);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_checks_the_ranges),
		cmocka_unit_test(report_adds_what_was_written_and_forgets_it),
		cmocka_unit_test(ranges_with_the_smallest_gap_are_combined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

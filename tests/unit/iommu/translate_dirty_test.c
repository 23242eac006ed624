/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which pages of an address space are told to have been written.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/iommu.h"
#include "iommu/translate.h"
#include "mem/copy.h"
#include "mem/mem.h"
#include "mem/self.h"

#define PAGE  4096ull
#define PAGES 512u
#define RW    UVF_PROT_ALL
#define A     (510 * PAGE) /* slots of two levels */

struct rig {
	struct uvf_aspace *as;
	struct uvf_mm *mm;
	struct uvf_mem *mem;
	uint8_t *memory;
	bool is_dirty[PAGES]; /* what was told, by page from A on */
	unsigned int count;   /* pages that were told */
};

static struct uvf_range pages_at(uint64_t page, uint64_t count)
{
	return (struct uvf_range){A + page * PAGE,
				  A + (page + count) * PAGE - 1};
}

static void note(void *arg, struct uvf_range iova)
{
	struct rig *rig = arg;

	assert_int_equal(iova.first % PAGE, 0);
	assert_int_equal((iova.last + 1) % PAGE, 0);
	for (uint64_t at = iova.first; at < iova.last; at += PAGE) {
		rig->is_dirty[(at - A) / PAGE] = true;
		rig->count++;
	}
}

static unsigned int take(struct rig *rig, struct uvf_range iova, bool is_clear)
{
	memset(rig->is_dirty, 0, sizeof(rig->is_dirty));
	rig->count = 0;
	uvf_aspace_take_dirty(rig->as, iova, is_clear, note, rig);
	return rig->count;
}

static int map(struct rig *rig, uint64_t page, uint64_t count)
{
	return uvf_aspace_map_slice(rig->as, pages_at(page, count), rig->mem,
				    page * PAGE, RW);
}

static void write_at(struct rig *rig, uint64_t iova, size_t len)
{
	static uint8_t bytes[PAGES * PAGE];

	assert_int_equal(uvf_aspace_write(rig->as, iova, bytes, len, NULL), 0);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct uvf_range vaddr;

	assert_int_equal(uvf_copy_guard_init(), 0);
	uvf_reader_register();
	rig->memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(
		uvf_range_make(&vaddr, (uintptr_t)rig->memory, PAGES * PAGE),
		0);
	assert_int_equal(uvf_self_create(&rig->mm), 0);
	assert_int_equal(uvf_mem_create(&rig->mem, rig->mm, vaddr, RW), 0);
	assert_int_equal(uvf_aspace_create(&rig->as, false), 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	uvf_aspace_destroy(rig->as);
	uvf_mem_put(rig->mem);
	assert_int_equal(atomic_load(&rig->mm->ref.count), 1);
	uvf_mm_put(rig->mm);
	munmap(rig->memory, PAGES * PAGE);
	uvf_reader_unregister();
	free(rig);
	return 0;
}

static void tells_the_pages_that_were_written(void **state)
{
	struct rig *rig = *state;
	struct uvf_range all = pages_at(0, PAGES);
	uint8_t byte;

	assert_int_equal(map(rig, 0, 100), 0);
	assert_int_equal(map(rig, 130, 200), 0);
	write_at(rig, A, 1);
	assert_int_equal(take(rig, all, true), 0);
	assert_int_equal(uvf_aspace_track_dirty(rig->as, true), 0);
	assert_int_equal(take(rig, all, true), 0);
	assert_int_equal(uvf_aspace_read(rig->as, A, &byte, 1, NULL), 0);
	assert_int_equal(take(rig, all, true), 0);
	write_at(rig, A + 5 * PAGE + 7, 1);
	write_at(rig, A + 64 * PAGE - 1, 2);
	write_at(rig, A + 130 * PAGE, 200 * PAGE);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(take(rig, all, false), 203);
		assert_true(rig->is_dirty[5]);
		assert_true(rig->is_dirty[63]);
		assert_true(rig->is_dirty[64]);
		assert_true(rig->is_dirty[130]);
		assert_true(rig->is_dirty[329]);
	}
	/* Only what was asked for is forgotten. */
	assert_int_equal(take(rig, pages_at(64, 67), true), 2);
	assert_true(rig->is_dirty[64] && rig->is_dirty[130]);
	assert_int_equal(take(rig, all, true), 201);
	assert_false(rig->is_dirty[64] || rig->is_dirty[130]);
	assert_int_equal(take(rig, all, true), 0);
}

static void starts_clear_and_keeps_nothing_when_stopped(void **state)
{
	struct rig *rig = *state;
	struct uvf_range all = pages_at(0, PAGES);

	assert_int_equal(map(rig, 0, 3), 0);
	assert_int_equal(uvf_aspace_track_dirty(rig->as, true), 0);
	write_at(rig, A, 1);
	assert_int_equal(uvf_aspace_track_dirty(rig->as, true), 0);
	assert_int_equal(take(rig, all, false), 0);
	/* What is mapped while bits are kept has bits. */
	assert_int_equal(map(rig, 3, 2), 0);
	write_at(rig, A + 4 * PAGE, 1);
	assert_int_equal(take(rig, all, false), 1);
	assert_int_equal(uvf_aspace_track_dirty(rig->as, false), 0);
	write_at(rig, A, 1);
	assert_int_equal(take(rig, all, false), 0);
	assert_int_equal(uvf_aspace_track_dirty(rig->as, true), 0);
	assert_int_equal(take(rig, all, false), 0);
}

static void bits_stay_when_leaves_change(void **state)
{
	struct rig *rig = *state;
	struct uvf_range all = pages_at(0, PAGES);

	assert_int_equal(map(rig, 0, PAGES), 0);
	assert_int_equal(uvf_aspace_track_dirty(rig->as, true), 0);
	write_at(rig, A + 99 * PAGE, 2 * PAGE);
	assert_int_equal(uvf_aspace_split(rig->as, all, A + 100 * PAGE), 0);
	assert_int_equal(take(rig, all, false), 2);
	assert_true(rig->is_dirty[99] && rig->is_dirty[100]);
	assert_int_equal(
		uvf_aspace_replace(rig->as, pages_at(0, 100), rig->mem), 0);
	assert_int_equal(take(rig, all, false), 2);
	/* Cut once more at the same place, and taken away as it was mapped. */
	assert_int_equal(uvf_aspace_split(rig->as, all, A + 100 * PAGE), 0);
	uvf_aspace_unlink(rig->as, all);
	memset(rig->is_dirty, 0, sizeof(rig->is_dirty));
	rig->count = 0;
	uvf_aspace_drain_dirty(rig->as, note, rig);
	assert_int_equal(rig->count, 2);
	assert_true(rig->is_dirty[99] && rig->is_dirty[100]);
	assert_int_equal(take(rig, all, true), 0);
}

static void without_memory_no_bits_are_kept(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(map(rig, 0, 4), 0);
	uvf_alloc_fail_nth(1);
	assert_int_equal(uvf_aspace_track_dirty(rig->as, true), -ENOMEM);
	uvf_alloc_fail_nth(0);
	write_at(rig, A, 1);
	assert_int_equal(take(rig, pages_at(0, PAGES), true), 0);
}

static void without_memory_for_a_bit_more_is_told(void **state)
{
	struct rig *rig = *state;
	unsigned long nth = 0;
	bool has_failed;

	assert_int_equal(map(rig, 0, 4), 0);
	do {
		assert_int_equal(uvf_aspace_track_dirty(rig->as, true), 0);
		uvf_alloc_fail_nth(++nth);
		write_at(rig, A + 2 * PAGE, 1);
		has_failed = uvf_alloc_has_failed();
		uvf_alloc_fail_nth(0);
		assert_int_equal(take(rig, pages_at(0, 4), true),
				 has_failed ? 4 : 1);
		assert_true(rig->is_dirty[2]);
	} while (has_failed);
	assert_true(nth > 1);
}

static struct {
	struct uvf_aspace *as;
	atomic_uint written; /* page by page */
} writer;

static void *write_pages(void *arg)
{
	uvf_reader_register();
	for (unsigned int i = 0; i < PAGES; i++) {
		if (uvf_aspace_write(writer.as, A + i * PAGE, arg, 8, NULL))
			break;
		atomic_store(&writer.written, i + 1);
	}
	uvf_reader_unregister();
	return NULL;
}

static void nothing_that_was_written_is_lost(void **state)
{
	struct uvf_range all = pages_at(0, PAGES);
	static uint64_t word;
	struct rig *rig = *state;

	for (unsigned int round = 0; round < 200; round++) {
		bool was_told[PAGES] = {0};
		unsigned int written;
		pthread_t thread;

		assert_int_equal(map(rig, 0, PAGES), 0);
		assert_int_equal(uvf_aspace_track_dirty(rig->as, true), 0);
		writer.as = rig->as;
		atomic_store(&writer.written, 0);
		pthread_create(&thread, NULL, write_pages, &word);
		do {
			take(rig, all, true);
			for (unsigned int i = 0; i < PAGES; i++)
				was_told[i] |= rig->is_dirty[i];
			written = atomic_load(&writer.written);
		} while (written < round % PAGES);
		if (round % 7 == 0)
			assert_int_equal(
				uvf_aspace_split(rig->as, all, A + 256 * PAGE),
				0);
		memset(rig->is_dirty, 0, sizeof(rig->is_dirty));
		uvf_aspace_unlink(rig->as, all);
		uvf_aspace_drain_dirty(rig->as, note, rig);
		pthread_join(thread, NULL);
		written = atomic_load(&writer.written);
		for (unsigned int i = 0; i < PAGES; i++)
			assert_int_equal(was_told[i] || rig->is_dirty[i],
					 i < written);
	}
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(tells_the_pages_that_were_written),
		CASE(starts_clear_and_keeps_nothing_when_stopped),
		CASE(bits_stay_when_leaves_change),
		CASE(without_memory_no_bits_are_kept),
		CASE(without_memory_for_a_bit_more_is_told),
		CASE(nothing_that_was_written_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

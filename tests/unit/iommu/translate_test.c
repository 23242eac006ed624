/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk of a DMA against a list of mappings that is searched byte by
 * byte, and against threads that unmap.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/iommu.h"
#include "iommu/translate.h"
#include "mem/copy.h"
#include "mem/mem.h"
#include "mem/self.h"

#define PAGE       4096ull
#define R          UVF_PROT_READ
#define W          UVF_PROT_WRITE
#define MAPS       64u
#define OPERATIONS 100000u

/*
 * A client with memory everywhere: a byte's value follows from its address,
 * and the last write is remembered.
 */
static struct {
	uint64_t addr;
	size_t len;
	uint8_t first;
} last_write;

static uint8_t byte_at(uint64_t addr)
{
	return (uint8_t)((addr * 0x9e3779b97f4a7c15ull) >> 56);
}

static int wide_read(struct uvf_mm *mm, uint64_t addr, void *buf, size_t len)
{
	uint8_t *bytes = buf;

	(void)mm;
	for (size_t i = 0; i < len; i++)
		bytes[i] = byte_at(addr + i);
	return 0;
}

static int wide_write(struct uvf_mm *mm, uint64_t addr, const void *buf,
		      size_t len)
{
	(void)mm;
	last_write.addr = addr;
	last_write.len = len;
	last_write.first = *(const uint8_t *)buf;
	return 0;
}

static int wide_map(struct uvf_mm *mm, struct uvf_range vaddr, uint32_t prot,
		    struct uvf_mem *mem)
{
	(void)mm;
	(void)vaddr;
	(void)prot;
	(void)mem;
	return 0;
}

static void wide_destroy(struct uvf_mm *mm)
{
	(void)mm;
}

static const struct uvf_mm_ops wide_ops = {
	.read = wide_read,
	.write = wide_write,
	.map = wide_map,
	.destroy = wide_destroy,
};

static struct uvf_mm wide = {.ops = &wide_ops};

static int setup(void **state)
{
	struct uvf_aspace *as;
	int ret = uvf_aspace_create(&as, false);

	uvf_ref_init(&wide.ref);
	uvf_reader_register();
	*state = as;
	return ret;
}

static int teardown(void **state)
{
	uvf_aspace_destroy(*state);
	uvf_reader_unregister();
	/* Every mapping let go of its memory. */
	return atomic_load(&wide.ref.count) != 1;
}

/* Map wide memory at @vaddr, and keep no reference. */
static int map_wide(struct uvf_aspace *as, struct uvf_range iova,
		    uint64_t vaddr, uint32_t prot)
{
	struct uvf_range range = {vaddr, vaddr + (iova.last - iova.first)};
	struct uvf_mem *mem;
	int ret = uvf_mem_create(&mem, &wide, range, prot);

	if (ret)
		return ret;
	ret = uvf_aspace_map(as, iova, mem, prot);
	uvf_mem_put(mem);
	return ret;
}

static struct uvf_range pages_at(uint64_t first, uint64_t count)
{
	return (struct uvf_range){first, first + (count * PAGE - 1)};
}

/* What a read at an address finds: the client address, or nothing. */
static void check_byte(struct uvf_aspace *as, uint64_t iova, bool is_there,
		       uint64_t vaddr)
{
	uint8_t byte = 0;
	size_t done = 9;
	int ret = uvf_aspace_read(as, iova, &byte, 1, &done);

	assert_int_equal(ret, is_there ? 0 : -EFAULT);
	assert_int_equal(done, is_there);
	if (is_there)
		assert_int_equal(byte, byte_at(vaddr));
}

/* Shows M70. */
static void reaches_both_ends_of_the_address_space(void **state)
{
	struct uvf_aspace *as = *state;
	struct uvf_range top = {-PAGE, UINT64_MAX};
	uint8_t buf[16] = {0};
	size_t done;

	assert_int_equal(map_wide(as, top, 0x5000, R | W), 0);
	check_byte(as, UINT64_MAX, true, 0x5fff);
	check_byte(as, -PAGE, true, 0x5000);
	check_byte(as, -PAGE - 1, false, 0);
	/* Nothing comes behind the last byte, not even page 0. */
	assert_int_equal(map_wide(as, pages_at(0, 1), 0x9000, R | W), 0);
	assert_int_equal(uvf_aspace_write(as, UINT64_MAX - 3, buf, 16, &done),
			 -EFAULT);
	assert_int_equal(done, 4);
	assert_int_equal(last_write.addr, 0x5ffc);
	assert_int_equal(uvf_aspace_read(as, UINT64_MAX - 7, buf, 8, &done), 0);
	assert_int_equal(done, 8);
	check_byte(as, 0, true, 0x9000);
	uvf_aspace_unmap(as, &top, 1);
	check_byte(as, UINT64_MAX, false, 0);
	check_byte(as, 0, true, 0x9000);
}

static void maps_all_of_the_address_space_at_once(void **state)
{
	struct uvf_range all = {0, UINT64_MAX};
	struct uvf_aspace *as = *state;

	assert_int_equal(map_wide(as, all, 0, R), 0);
	for (unsigned int bit = 0; bit < 64; bit++) {
		check_byte(as, 1ull << bit, true, 1ull << bit);
		check_byte(as, ~(1ull << bit), true, ~(1ull << bit));
	}
	uvf_aspace_unmap(as, &all, 1);
	check_byte(as, 0, false, 0);
}

static void grows_around_what_is_mapped(void **state)
{
	struct uvf_aspace *as = *state;
	struct uvf_range ranges[64];
	size_t count = 0;

	/* Each is higher than all before; the first fill a level. */
	ranges[count++] = (struct uvf_range){0, (1ull << 21) - 1};
	for (unsigned int bit = 21; bit < 64; bit++)
		ranges[count++] = pages_at(1ull << bit, 1 + bit % 3);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(map_wide(as, ranges[i], i << 32, R), 0);
		for (size_t n = 0; n <= i; n++) {
			check_byte(as, ranges[n].first, true, n << 32);
			check_byte(as, ranges[n].last, true,
				   (n << 32) + ranges[n].last -
					   ranges[n].first);
		}
	}
	uvf_aspace_unmap(as, ranges, count);
	for (size_t i = 0; i < count; i++)
		check_byte(as, ranges[i].first, false, 0);
}

static void destroy_lets_go_of_all_memory(void **state)
{
	struct uvf_range low = pages_at(0, 1);
	struct uvf_aspace *as;

	(void)state;
	assert_int_equal(uvf_aspace_create(&as, false), 0);
	assert_int_equal(map_wide(as, low, 0, R), 0);
	/* Nothing is there behind the only node. */
	check_byte(as, PAGE, false, 0);
	check_byte(as, 1ull << 21, false, 0);
	check_byte(as, 1ull << 63, false, 0);
	uvf_aspace_unmap(as, &low, 1);
	/* Grows from a root that holds nothing, and from one that does. */
	assert_int_equal(map_wide(as, pages_at(1ull << 30, 3), 0, R), 0);
	assert_int_equal(map_wide(as, pages_at(1ull << 57, 513), 0, R), 0);
	uvf_aspace_destroy(as);
	assert_int_equal(atomic_load(&wide.ref.count), 1);
}

/* Shows M68. */
static void grants_what_was_mapped_and_no_more(void **state)
{
	struct uvf_aspace *as = *state;
	uint8_t byte = 0;

	assert_int_equal(map_wide(as, pages_at(0, 1), 0, R), 0);
	assert_int_equal(map_wide(as, pages_at(PAGE, 1), 0, W), 0);
	assert_int_equal(map_wide(as, pages_at(2 * PAGE, 1), 0, R | W), 0);
	assert_int_equal(uvf_aspace_read(as, 0, &byte, 1, NULL), 0);
	assert_int_equal(uvf_aspace_write(as, 0, &byte, 1, NULL), -EFAULT);
	assert_int_equal(uvf_aspace_read(as, PAGE, &byte, 1, NULL), -EFAULT);
	assert_int_equal(uvf_aspace_write(as, PAGE, &byte, 1, NULL), 0);
	assert_int_equal(uvf_aspace_read(as, 2 * PAGE, &byte, 1, NULL), 0);
	assert_int_equal(uvf_aspace_write(as, 2 * PAGE, &byte, 1, NULL), 0);
}

/* Shows M68. */
static void grants_reads_with_writes_when_tables_cannot_tell(void **state)
{
	struct uvf_aspace *as;
	uint8_t byte = 0;

	(void)state;
	assert_int_equal(uvf_aspace_create(&as, true), 0);
	assert_int_equal(map_wide(as, pages_at(0, 1), 0, W), 0);
	assert_int_equal(map_wide(as, pages_at(PAGE, 1), 0, R), 0);
	assert_int_equal(uvf_aspace_read(as, 0, &byte, 1, NULL), 0);
	assert_int_equal(uvf_aspace_write(as, PAGE, &byte, 1, NULL), -EFAULT);
	uvf_aspace_destroy(as);
}

/* Shows M71. */
static void moves_nothing_for_length_0(void **state)
{
	struct uvf_aspace *as = *state;
	size_t done = 7;

	assert_int_equal(uvf_aspace_read(as, 12345, NULL, 0, &done), 0);
	assert_int_equal(done, 0);
	assert_int_equal(uvf_aspace_write(as, UINT64_MAX, NULL, 0, NULL), 0);
	uvf_aspace_destroy(NULL);
}

/* Shows M69. */
static void stops_at_the_first_byte_that_is_not_there(void **state)
{
	struct uvf_aspace *as = *state;
	static uint8_t buf[300 * 4096];
	size_t done;

	assert_int_equal(map_wide(as, pages_at(16 * PAGE, 40), 0, R | W), 0);
	assert_int_equal(map_wide(as, pages_at(56 * PAGE, 200), 0x77000, R | W),
			 0);
	assert_int_equal(
		uvf_aspace_read(as, 16 * PAGE + 100, buf, sizeof(buf), &done),
		-EFAULT);
	assert_int_equal(done, 240 * PAGE - 100);
	for (size_t i = 0; i < done; i++) {
		uint64_t at = i + 100;

		assert_int_equal(buf[i],
				 byte_at(at < 40 * PAGE
						 ? at
						 : at - 40 * PAGE + 0x77000));
	}
	assert_int_equal(uvf_aspace_read(as, 0, buf, 8, &done), -EFAULT);
	assert_int_equal(done, 0);
}

static void replaces_the_memory_behind_a_mapping(void **state)
{
	struct uvf_aspace *as = *state;
	struct uvf_range iova = pages_at(510 * PAGE, 600);
	struct uvf_mem *mem;

	assert_int_equal(map_wide(as, iova, 0, R), 0);
	assert_int_equal(
		uvf_mem_create(&mem, &wide, pages_at(0x1000000, 600), R), 0);
	uvf_alloc_fail_nth(1);
	assert_int_equal(uvf_aspace_replace(as, iova, mem), -ENOMEM);
	uvf_alloc_fail_nth(0);
	check_byte(as, iova.first, true, 0);
	assert_int_equal(uvf_aspace_replace(as, iova, mem), 0);
	uvf_mem_put(mem);
	check_byte(as, iova.first, true, 0x1000000);
	check_byte(as, iova.last, true, 0x1000000 + 600 * PAGE - 1);
	uvf_aspace_unmap(as, &iova, 1);
	check_byte(as, iova.first, false, 0);
}

/* Shows M78. */
static void changes_nothing_when_a_split_fails(void **state)
{
	struct uvf_aspace *as = *state;
	/* One slot of the fourth level, cut in its middle. */
	struct uvf_range iova = {1ull << 39, (1ull << 40) - 1};
	uint64_t at = iova.first + 5 * PAGE;
	unsigned long nth = 0;
	int ret;

	assert_int_equal(map_wide(as, iova, 0, R), 0);
	do {
		uvf_alloc_fail_nth(++nth);
		ret = uvf_aspace_split(as, iova, at);
		uvf_alloc_fail_nth(0);
		check_byte(as, at - 1, true, 5 * PAGE - 1);
		check_byte(as, at, true, 5 * PAGE);
		check_byte(as, iova.last, true, iova.last - iova.first);
	} while (ret == -ENOMEM);
	assert_int_equal(ret, 0);
	/* It failed at both mappings and at nodes below the slot. */
	assert_true(nth > 3);
	iova.first = at;
	uvf_aspace_unmap(as, &iova, 1);
	check_byte(as, at - 1, true, 5 * PAGE - 1);
	check_byte(as, at, false, 0);
}

/* Map a wide interval beside a small one, and fail at one allocation. */
static int map_and_fail(unsigned long nth)
{
	struct uvf_range low = pages_at(3 * PAGE, 1);
	/* Needs nodes of every level on both sides. */
	struct uvf_range high = {(1ull << 50) + 5 * PAGE,
				 (1ull << 57) + 7 * PAGE - 1};
	struct uvf_aspace *as;
	int ret;

	assert_int_equal(uvf_aspace_create(&as, false), 0);
	assert_int_equal(map_wide(as, low, 0x3000, R), 0);
	uvf_alloc_fail_nth(nth);
	ret = map_wide(as, high, 0, R);
	uvf_alloc_fail_nth(0);
	check_byte(as, low.first, true, 0x3000);
	check_byte(as, high.first, !ret, 0);
	check_byte(as, high.last, !ret, high.last - high.first);
	/* It works when there is memory again. */
	if (ret && nth % 2) {
		assert_int_equal(map_wide(as, high, 0, R), 0);
		check_byte(as, high.first, true, 0);
	}
	if (!ret || nth % 2)
		uvf_aspace_unmap(as, &high, 1);
	check_byte(as, low.first, true, 0x3000);
	check_byte(as, high.first, false, 0);
	/* What a failed map left would keep this one from being found. */
	assert_int_equal(map_wide(as, pages_at(1ull << 60, 1), 0, R), 0);
	uvf_aspace_destroy(as);
	assert_int_equal(atomic_load(&wide.ref.count), 1);
	return ret;
}

/* Shows M78. */
static void changes_nothing_when_a_map_fails(void **state)
{
	unsigned long nth = 1;

	(void)state;
	while (map_and_fail(nth))
		nth++;
	/* The memory, the leaf and at least as many nodes as levels. */
	assert_true(nth > 8);
}

/* The naive model. */
static struct {
	struct uvf_range iova;
	uint64_t vaddr;
	uint32_t prot;
	bool is_in;
} maps[MAPS];

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static uint64_t draw_page(void)
{
	static const uint64_t around[] = {0,
					  1ull << 21,
					  1ull << 30,
					  1ull << 32,
					  1ull << 39,
					  1ull << 48,
					  1ull << 57,
					  1ull << 63,
					  -(1ull << 57),
					  -(1ull << 21),
					  0};
	uint64_t base = around[draw(11)];
	uint64_t shift = draw(8) ? 12 : 12 + 9 * draw(6);
	uint64_t offset = draw(20) << shift;

	return (draw(2) ? base + offset : base - offset) & ~(PAGE - 1);
}

static struct uvf_range draw_range(void)
{
	static const uint64_t counts[] = {
		1, 1, 1, 2, 511, 512, 513, 1024, 262144, 262145, 1ull << 36};
	uint64_t first = draw_page();
	uint64_t size = counts[draw(11)] * PAGE;
	struct uvf_range range = {first, first + size - 1};

	if (range.last < first)
		range.last = UINT64_MAX;
	return range;
}

static int model_at(uint64_t iova)
{
	for (unsigned int i = 0; i < MAPS; i++)
		if (maps[i].is_in && maps[i].iova.first <= iova &&
		    iova <= maps[i].iova.last)
			return (int)i;
	return -1;
}

static bool model_meets(struct uvf_range range)
{
	for (unsigned int i = 0; i < MAPS; i++)
		if (maps[i].is_in && uvf_range_meets(maps[i].iova, range))
			return true;
	return false;
}

static void probe(struct uvf_aspace *as, uint64_t iova)
{
	uint8_t buf[24] = {0};
	size_t len = 1 + draw(sizeof(buf)), want = 0, done;
	bool is_write = draw(2);
	int ret;

	while (want < len) {
		int i = model_at(iova + want);

		if ((want && !(iova + want)) || i < 0 ||
		    !(maps[i].prot & (is_write ? W : R)))
			break;
		want++;
	}
	ret = is_write ? uvf_aspace_write(as, iova, buf, len, &done)
		       : uvf_aspace_read(as, iova, buf, len, &done);
	assert_int_equal(done, want);
	assert_int_equal(ret, want == len ? 0 : -EFAULT);
	for (size_t i = 0; i < want && !is_write; i++) {
		int m = model_at(iova + i);

		assert_int_equal(buf[i], byte_at(maps[m].vaddr + iova + i -
						 maps[m].iova.first));
	}
}

/* Make two mappings of one, where the model has room for the second. */
static void split(struct uvf_aspace *as, unsigned int i)
{
	unsigned int n = (i + 7) % MAPS;
	uint64_t pages = (maps[i].iova.last - maps[i].iova.first) / PAGE;
	uint64_t size;

	if (maps[n].is_in || !pages)
		return;
	size = (1 + draw(pages)) * PAGE;
	assert_int_equal(
		uvf_aspace_split(as, maps[i].iova, maps[i].iova.first + size),
		0);
	maps[n] = maps[i];
	maps[n].iova.first += size;
	maps[n].vaddr += size;
	maps[i].iova.last = maps[n].iova.first - 1;
}

static void step(struct uvf_aspace *as)
{
	unsigned int i = (unsigned int)draw(MAPS);
	struct uvf_range range = draw_range();

	if (!maps[i].is_in && !model_meets(range)) {
		maps[i].iova = range;
		maps[i].vaddr = draw(1ull << 40) * PAGE;
		maps[i].prot = 1 + (uint32_t)draw(3);
		maps[i].is_in = true;
		assert_int_equal(
			map_wide(as, range, maps[i].vaddr, maps[i].prot), 0);
	} else if (maps[i].is_in && draw(3) == 0) {
		struct uvf_range both[2] = {maps[i].iova};
		unsigned int n = (i + 1) % MAPS;
		size_t count = 1;

		maps[i].is_in = false;
		if (maps[n].is_in) {
			both[count++] = maps[n].iova;
			maps[n].is_in = false;
		}
		uvf_aspace_unmap(as, both, count);
	} else if (maps[i].is_in) {
		split(as, i);
	}
	i = (unsigned int)draw(MAPS);
	probe(as, draw_page() + draw(3) - 1);
	probe(as, maps[i].iova.first + draw(40) - 20);
	probe(as, maps[i].iova.last + draw(40) - 20);
	probe(as, maps[i].iova.first +
			  draw(maps[i].iova.last - maps[i].iova.first + 1));
}

static void agrees_with_a_list(void **state)
{
	const char *text = getenv("UVF_SEED");

	seed = text ? strtoull(text, NULL, 0) : 20260202;
	printf("seed %llu\n", (unsigned long long)seed);
	memset(maps, 0, sizeof(maps));
	for (unsigned int i = 0; i < MAPS; i++)
		maps[i].iova = (struct uvf_range){i * PAGE, i * PAGE + 8};
	for (unsigned int i = 0; i < OPERATIONS; i++)
		step(*state);
}

#define BENCH_PAGES 16u
/*
 * Two devices that write the same bytes race with one another, on any bus;
 * the sanitizer is to look at the unmaps.
 */
#ifdef __SANITIZE_THREAD__
#define WRITERS 1
#else
#define WRITERS 2
#endif

/* Devices that write wherever they can, while their memory comes and goes. */
struct storm {
	struct uvf_aspace *as;
	atomic_bool is_over;
	atomic_ulong hits;
	size_t len;
};

static void *device_thread(void *arg)
{
	struct storm *storm = arg;
	uint8_t *buf = malloc(storm->len);
	uint64_t x = (uintptr_t)&buf;

	memset(buf, 0xdd, storm->len);
	uvf_reader_register();
	while (!atomic_load(&storm->is_over)) {
		size_t done;

		x = x * 6364136223846793005ull + 1;
		uvf_aspace_write(storm->as, ((x >> 40) % BENCH_PAGES) * PAGE,
				 buf, storm->len, &done);
		if (done)
			atomic_fetch_add(&storm->hits, 1);
	}
	uvf_reader_unregister();
	free(buf);
	return NULL;
}

static void check_canary(const uint8_t *page, unsigned int round)
{
	for (unsigned int i = 0; i < PAGE; i++)
		if (((const volatile uint8_t *)page)[i] != 0xca)
			fail_msg("round %u: byte %u was overwritten", round, i);
}

static void run_storm(struct uvf_aspace *as, size_t len, unsigned int rounds)
{
	struct storm storm = {.as = as, .len = len};
	pthread_t threads[WRITERS];
	struct uvf_mm *mm;
	uint8_t *p = mmap(NULL, BENCH_PAGES * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(uvf_self_create(&mm), 0);
	for (int i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, device_thread, &storm);
	for (unsigned int round = 0; round < rounds; round++) {
		struct uvf_range iovas[BENCH_PAGES];

		for (unsigned int i = 0; i < BENCH_PAGES; i++) {
			struct uvf_mem *mem;

			iovas[i] = pages_at(i * PAGE, 1);
			assert_int_equal(
				uvf_mem_create(
					&mem, mm,
					pages_at((uintptr_t)p + i * PAGE, 1),
					R | W),
				0);
			assert_int_equal(uvf_aspace_map(as, iovas[i], mem, W),
					 0);
			uvf_mem_put(mem);
		}
		while (atomic_load(&storm.hits) < round * 4)
			sched_yield();
		uvf_aspace_unmap(as, iovas, BENCH_PAGES);
		/* From here on the memory is the client's alone. */
		memset(p, 0xca, BENCH_PAGES * PAGE);
		if (round % 8 == 0)
			sched_yield();
		for (unsigned int i = 0; i < BENCH_PAGES; i++)
			check_canary(p + i * PAGE, round);
	}
	atomic_store(&storm.is_over, true);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	munmap(p, BENCH_PAGES * PAGE);
	uvf_mm_put(mm);
}

/* Shows M76, M89. */
static void touches_nothing_after_unmap_returned(void **state)
{
	run_storm(*state, 64, 2000);
}

/* Shows M76. */
static void touches_nothing_after_unmap_returned_in_long_copies(void **state)
{
	run_storm(*state, BENCH_PAGES * PAGE, 1000);
}

/* One node of 2 MiB, and readable memory where a wild pointer would go. */
struct reader {
	struct uvf_aspace *as;
	atomic_bool is_over;
	unsigned long misses;
};

static void *reading_thread(void *arg)
{
	struct reader *reader = arg;
	uint8_t byte;

	uvf_reader_register();
	while (!atomic_load(&reader->is_over))
		if (uvf_aspace_read(reader->as, 0, &byte, 1, NULL) ||
		    byte != byte_at(0))
			reader->misses++;
	uvf_reader_unregister();
	return NULL;
}

/* The first page stays while all behind it is cut off, piece by piece. */
static void an_access_never_notices_a_split(void **state)
{
	for (unsigned int i = 0; i < 100; i++) {
		struct reader reader = {.as = *state};
		struct uvf_range now = pages_at(0, (1u << 18) - i);
		pthread_t thread;

		assert_int_equal(map_wide(*state, now, 0, R), 0);
		assert_int_equal(
			pthread_create(&thread, NULL, reading_thread, &reader),
			0);
		while (now.last > PAGE) {
			uint64_t at = ((now.last + 1) / PAGE + 1) / 2 * PAGE;
			struct uvf_range rest = {at, now.last};

			assert_int_equal(uvf_aspace_split(*state, now, at), 0);
			uvf_aspace_unmap(*state, &rest, 1);
			now.last = at - 1;
		}
		atomic_store(&reader.is_over, true);
		pthread_join(thread, NULL);
		assert_int_equal(reader.misses, 0);
		uvf_aspace_unmap(*state, &now, 1);
	}
}

static void finds_nothing_above_its_root(void **state)
{
	struct uvf_aspace *as = *state;
	struct uvf_mem *mem;
	struct uvf_mm *mm;
	uint8_t byte, *p = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(uvf_self_create(&mm), 0);
	assert_int_equal(uvf_mem_create(&mem, mm, pages_at((uintptr_t)p, 1), R),
			 0);
	assert_int_equal(uvf_aspace_map(as, pages_at(0, 1), mem, R), 0);
	uvf_mem_put(mem);
	assert_int_equal(uvf_aspace_read(as, 1 << 21, &byte, 1, NULL), -EFAULT);
	assert_int_equal(uvf_aspace_read(as, PAGE, &byte, 1, NULL), -EFAULT);
	assert_int_equal(uvf_aspace_read(as, PAGE - 1, &byte, 1, NULL), 0);
	uvf_aspace_unmap(as, (struct uvf_range[]){pages_at(0, 1)}, 1);
	munmap(p, 4 << 20);
	uvf_mm_put(mm);
}

/* Shows M74. */
static void stops_at_memory_that_is_gone(void **state)
{
	struct uvf_aspace *as = *state;
	struct uvf_range iova = pages_at(0, 4);
	static uint8_t buf[4 * 4096];
	struct uvf_mem *mem;
	struct uvf_mm *mm;
	size_t done;
	uint8_t *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_int_equal(uvf_copy_guard_init(), 0);
	assert_int_equal(uvf_self_create(&mm), 0);
	assert_int_equal(
		uvf_mem_create(&mem, mm, pages_at((uintptr_t)p, 4), R | W), 0);
	assert_int_equal(uvf_aspace_map(as, iova, mem, R | W), 0);
	uvf_mem_put(mem);
	munmap(p + 2 * PAGE, 2 * PAGE);
	assert_int_equal(uvf_aspace_write(as, 5, buf, sizeof(buf) - 5, &done),
			 -EFAULT);
	assert_int_equal(done, 2 * PAGE - 5);
	assert_int_equal(uvf_aspace_read(as, 2 * PAGE, buf, 1, &done), -EFAULT);
	assert_int_equal(done, 0);
	uvf_aspace_unmap(as, &iova, 1);
	munmap(p, 2 * PAGE);
	uvf_mm_put(mm);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reaches_both_ends_of_the_address_space),
		CASE(maps_all_of_the_address_space_at_once),
		CASE(grows_around_what_is_mapped),
		CASE(destroy_lets_go_of_all_memory),
		CASE(grants_what_was_mapped_and_no_more),
		CASE(grants_reads_with_writes_when_tables_cannot_tell),
		CASE(moves_nothing_for_length_0),
		CASE(stops_at_the_first_byte_that_is_not_there),
		CASE(replaces_the_memory_behind_a_mapping),
		CASE(changes_nothing_when_a_map_fails),
		CASE(changes_nothing_when_a_split_fails),
		CASE(agrees_with_a_list),
		CASE(touches_nothing_after_unmap_returned),
		CASE(touches_nothing_after_unmap_returned_in_long_copies),
		CASE(an_access_never_notices_a_split),
		CASE(finds_nothing_above_its_root),
		CASE(stops_at_memory_that_is_gone),
	};

	return cmocka_run_group_tests_name("translate", tests, NULL, NULL);
}

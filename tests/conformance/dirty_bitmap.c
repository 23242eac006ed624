/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bitmaps of type1's dirty tracking: which words are written, which
 * lengths and page sizes are taken, and which ranges.
 */
#include "lib.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define A     0x100000ull
#define RW    3u
#define ODD   0xa5a5a5a5a5a5a5a5ull /* what the bitmap holds before */
#define WORDS 4
#define START VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET   VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

struct query {
	uint32_t argsz, flags;
	uint64_t iova, size, pgsize, bitmap_size;
	uint64_t *data;
};

static int track(int container, uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap d = {.argsz = 8, .flags = flags};

	return ioctl(container, VFIO_IOMMU_DIRTY_PAGES, &d);
}

static struct session tracking(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	need(!track(s.container, START), "start");
	return s;
}

static void map(const struct session *s, uint64_t first, uint64_t count)
{
	need(!dma_map(s->container, RW, pages(count), A + first * PAGE,
		      count * PAGE),
	     "map");
}

static int ask(const struct session *s, uint64_t first, uint64_t count,
	       uint64_t *data)
{
	struct query q = {
		.argsz = sizeof(q),
		.flags = GET,
		.iova = A + first * PAGE,
		.size = count * PAGE,
		.pgsize = PAGE,
		.bitmap_size = (count + 63) / 64 * 8,
		.data = data,
	};

	return ioctl(s->container, VFIO_IOMMU_DIRTY_PAGES, &q);
}

static int unmap_and_ask(const struct session *s, struct query *q)
{
	q->argsz = sizeof(*q);
	q->flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	return ioctl(s->container, VFIO_IOMMU_UNMAP_DMA, q);
}

/*
 * Odd bits everywhere but where pages of a mapping have theirs, and above
 * them in the first word: a kernel ors those into its own bitmap, and tells
 * them as dirty from then on.  For the same reason no mapping is asked twice.
 */
static void fill(uint64_t *words, unsigned int first, unsigned int count)
{
	for (unsigned int i = 0; i < WORDS; i++)
		if (i == first / 64)
			words[i] &= (1ull << first % 64) - 1;
		else if (i > first / 64 && i <= (first + count - 1) / 64)
			words[i] = 0;
}

static uint64_t *odd_words(void)
{
	uint64_t *words = pages(1);

	for (int i = 0; i < WORDS; i++)
		words[i] = ODD;
	return words;
}

static void show(const char *key, const uint64_t *words)
{
	report(" %s=", key);
	for (int i = 0; i < WORDS; i++)
		if (words[i] == ODD)
			report("%skept", i ? "," : "");
		else
			report("%s%llx", i ? "," : "",
			       (unsigned long long)words[i]);
}

static const unsigned int firsts[] = {0, 1, 63, 64, 65, 100, 127};
static const unsigned int counts[] = {1, 2, 63, 64, 65};

static const char *place_label(long i)
{
	static char text[64];

	if (i >= (long)(COUNT(firsts) * COUNT(counts)))
		return NULL;
	snprintf(text, sizeof(text), "%u_pages_from_%u",
		 counts[(size_t)i / COUNT(firsts)],
		 firsts[(size_t)i % COUNT(firsts)]);
	return text;
}

/* One mapping, and a query for more than it. */
static void get_of(long i)
{
	unsigned int first = firsts[(size_t)i % COUNT(firsts)];
	unsigned int count = counts[(size_t)i / COUNT(firsts)];
	struct session s = tracking();
	uint64_t *words = odd_words();

	map(&s, first, count);
	fill(words, first, count);
	result(ask(&s, 0, 192, words));
	show("words", words);
}

/* Shows M33. */
static void unmap_of(long i)
{
	unsigned int first = firsts[(size_t)i % COUNT(firsts)];
	unsigned int count = counts[(size_t)i / COUNT(firsts)];
	struct session s = tracking();
	uint64_t *words = odd_words();
	struct query q = {.iova = A,
			  .size = 192 * PAGE,
			  .pgsize = PAGE,
			  .bitmap_size = 24,
			  .data = words};

	map(&s, first, count);
	fill(words, first, count);
	result(unmap_and_ask(&s, &q));
	show("words", words);
	hex("size", q.size);
	hex("left", dma_unmap_all(s.container));
}

/* Two mappings whose bits share a word, or meet at its edge. */
static const struct {
	const char *name;
	unsigned int first, count, second, more;
} pairs[] = {
	{"touching", 0, 10, 10, 10},        {"apart", 0, 10, 20, 10},
	{"backwards", 20, 10, 0, 10},       {"word_each", 0, 64, 64, 64},
	{"over_the_edge", 60, 8, 68, 8},    {"first_and_last", 0, 1, 63, 1},
	{"last_and_first", 63, 1, 64, 1},   {"word_between", 0, 2, 130, 2},
	{"long_and_short", 1, 100, 101, 3},
};

static const char *pair_label(long i)
{
	return i < (long)COUNT(pairs) ? pairs[i].name : NULL;
}

static void get_of_two(long i)
{
	struct session s = tracking();
	uint64_t *words = odd_words();

	map(&s, pairs[i].first, pairs[i].count);
	map(&s, pairs[i].second, pairs[i].more);
	fill(words, pairs[i].first, pairs[i].count);
	fill(words, pairs[i].second, pairs[i].more);
	result(ask(&s, 0, 192, words));
	show("words", words);
}

/* Four pages are mapped; each query of whole pages around them. */
static void get_from(long first)
{
	struct session s = tracking();
	uint64_t *words = pages(1);

	for (uint64_t n = 1; n <= 12 - (uint64_t)first; n++) {
		map(&s, 4, 4);
		words[0] = 0;
		outcome("n", ask(&s, (uint64_t)first, n, words));
		report(":%llx", (unsigned long long)words[0]);
		dma_unmap_all(s.container);
	}
	result(0);
}

static void unmap_from(long first)
{
	struct session s = tracking();
	uint64_t *words = pages(1);

	for (uint64_t n = 1; n <= 12 - (uint64_t)first; n++) {
		struct query q = {.iova = A + (uint64_t)first * PAGE,
				  .size = n * PAGE,
				  .pgsize = PAGE,
				  .bitmap_size = 8,
				  .data = words};

		map(&s, 4, 4);
		words[0] = 0;
		outcome("n", unmap_and_ask(&s, &q));
		report(":%llx+%llx", (unsigned long long)words[0],
		       (unsigned long long)(q.size / PAGE));
		report("+%llx", dma_unmap_all(s.container) / PAGE);
	}
	result(0);
}

/* How long a bitmap must be. */
static const unsigned int lengths[] = {1, 8, 63, 64, 65, 127, 128, 129};

static const char *length_label(long i)
{
	static char text[64];

	if (i >= (long)COUNT(lengths))
		return NULL;
	snprintf(text, sizeof(text), "%u_pages", lengths[i]);
	return text;
}

static void bitmap_for(long i)
{
	static const uint64_t sizes[] = {0,          1,
					 7,          8,
					 9,          15,
					 16,         17,
					 24,         25,
					 PAGE,       (1ull << 28) - 1,
					 1ull << 28, (1ull << 28) + 1,
					 1ull << 32, ~0ull};
	struct session s = tracking();
	uint64_t *words = pages(2);

	map(&s, 0, lengths[i]);
	for (size_t n = 0; n < COUNT(sizes); n++) {
		struct query q = {.argsz = sizeof(q),
				  .flags = GET,
				  .iova = A,
				  .size = lengths[i] * PAGE,
				  .pgsize = PAGE,
				  .bitmap_size = sizes[n],
				  .data = words};

		report(" %llx", (unsigned long long)sizes[n]);
		outcome("get", ioctl(s.container, VFIO_IOMMU_DIRTY_PAGES, &q));
	}
	result(0);
}

static void unmap_bitmap_for(long i)
{
	static const uint64_t sizes[] = {
		0, 7, 8, 15, 16, 23, 24, 25, (1ull << 28) + 1};
	struct session s = tracking();

	for (size_t n = 0; n < COUNT(sizes); n++) {
		struct query q = {.iova = A,
				  .size = lengths[i] * PAGE,
				  .pgsize = PAGE,
				  .bitmap_size = sizes[n],
				  .data = pages(2)};

		map(&s, 0, lengths[i]);
		report(" %llx", (unsigned long long)sizes[n]);
		outcome("unmap", unmap_and_ask(&s, &q));
		report("+%llx", dma_unmap_all(s.container) / PAGE);
	}
	result(0);
}

/* Page sizes; one page or 2 MiB are mapped. */
static const uint64_t sizes_of_page[] = {
	0,          1,          2,          512,        2048,    4095,
	4097,       6144,       8192,       1 << 16,    1 << 21, 1ull << 30,
	1ull << 31, 1ull << 32, 1ull << 40, 1ull << 63, ~0ull,
};

static const char *pgsize_label(long i)
{
	static char text[64];

	if (i >= (long)COUNT(sizes_of_page))
		return NULL;
	snprintf(text, sizeof(text), "0x%llx",
		 (unsigned long long)sizes_of_page[i]);
	return text;
}

/* Shows M32. */
static void pgsize(long i)
{
	struct session s = tracking();
	uint64_t *words = pages(1);
	struct query q = {.argsz = sizeof(q),
			  .flags = GET,
			  .iova = A,
			  .size = 512 * PAGE,
			  .pgsize = sizes_of_page[i],
			  .bitmap_size = 64,
			  .data = words};

	map(&s, 0, 512);
	result(ioctl(s.container, VFIO_IOMMU_DIRTY_PAGES, &q));
	q.bitmap_size = 1 << 28;
	outcome("longest", ioctl(s.container, VFIO_IOMMU_DIRTY_PAGES, &q));
	outcome("unmap", unmap_and_ask(&s, &q));
	hex("bits", words[0]);
	hex("left", dma_unmap_all(s.container));
}

/* Ranges that are none. */
static const struct {
	const char *name;
	uint64_t iova, size;
} ranges[] = {
	{"iova_odd", A + 1, 4 * PAGE},
	{"iova_half_page", A + 2048, 4 * PAGE},
	{"size_odd", A, 4 * PAGE - 1},
	{"size_half_page", A, 2048},
	{"size_1", A, 1},
	{"size_0", A, 0},
	{"all_0", 0, 0},
	{"to_the_top", A, -A},
	{"wraps", A, -A + PAGE},
	{"wraps_by_all", A, ~0ull},
	{"last_page", -PAGE, PAGE},
	{"below_the_last_page", -2 * PAGE, PAGE},
	{"beyond_the_aperture", 1ull << 60, PAGE},
	{"everything", 0, ~0ull - PAGE + 1},
	{"2to43", 0, 1ull << 43},
	{"2to44", 0, 1ull << 44},
};

static const char *range_label(long i)
{
	return i < (long)COUNT(ranges) ? ranges[i].name : NULL;
}

static void range(long i)
{
	struct session s = tracking();
	uint64_t *words = pages(1);
	struct query q = {.argsz = sizeof(q),
			  .flags = GET,
			  .iova = ranges[i].iova,
			  .size = ranges[i].size,
			  .pgsize = PAGE,
			  .bitmap_size = 64,
			  .data = words};

	map(&s, 0, 4);
	result(ioctl(s.container, VFIO_IOMMU_DIRTY_PAGES, &q));
	q.bitmap_size = 1 << 28;
	outcome("longest", ioctl(s.container, VFIO_IOMMU_DIRTY_PAGES, &q));
	q.bitmap_size = 64;
	outcome("unmap", unmap_and_ask(&s, &q));
	hex("left", dma_unmap_all(s.container));
}

/* Where the bitmap lies. */
static void into_memory_at(long off)
{
	struct session s = tracking();
	char *p = pages(2);

	map(&s, 0, 64);
	memset(p, 0xa5, 2 * PAGE);
	result(ask(&s, 0, 64, (void *)(p + off)));
	for (long i = off - 1; i <= off + 8; i++)
		report(" %02x", i < 0 ? 0 : (unsigned char)p[i]);
}

static void into_memory_that_ends_after(long len)
{
	struct session s = tracking();

	map(&s, 0, 64);
	map(&s, 64, 64);
	result(ask(&s, 0, 128, before_fault((size_t)len)));
	outcome("again", ask(&s, 0, 128, pages(1)));
}

static void by_rights(long rights)
{
	struct session s = tracking();
	uint64_t *words = pages(1);

	need(!dma_map(s.container, (uint32_t)rights, pages(3), A, 3 * PAGE),
	     "map");
	result(ask(&s, 0, 3, words));
	hex("bits", words[0]);
}

static void maps_before_and_after_the_start(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	uint64_t *words = pages(1);

	map(&s, 0, 3);
	need(!track(s.container, START), "start");
	map(&s, 4, 2);
	result(ask(&s, 0, 8, words));
	hex("bits", words[0]);
	need(!track(s.container, STOP), "stop");
	outcome("stopped", ask(&s, 0, 8, words));
	need(!track(s.container, START), "start");
	words[0] = 0;
	outcome("started", ask(&s, 0, 8, words));
	hex("bits", words[0]);
}

static void a_mapping_comes_again(void)
{
	struct session s = tracking();
	uint64_t *words = pages(1), size = 4 * PAGE;

	map(&s, 0, 4);
	need(!dma_unmap(s.container, 0, A, &size), "unmap");
	result(ask(&s, 0, 4, words));
	hex("bits", words[0]);
	map(&s, 1, 2);
	outcome("again", ask(&s, 0, 4, words));
	hex("bits", words[0]);
}

static void a_second_group_comes_and_goes(void)
{
	struct session s = tracking(), t;
	uint64_t *words = pages(1);

	map(&s, 0, 4);
	t = session_second(&s);
	result(ask(&s, 0, 4, words));
	hex("bits", words[0]);
	need(!ioctl(t.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
	words[0] = 0;
	outcome("alone", ask(&s, 0, 4, words));
	hex("bits", words[0]);
}

static void tracking_ends_with_the_last_group(void)
{
	struct session s = tracking();

	need(!ioctl(s.group, VFIO_GROUP_UNSET_CONTAINER), "unset");
	need(!group_attach(s.group, s.container), "set-container");
	need(!ioctl(s.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU),
	     "set-iommu");
	map(&s, 0, 4);
	result(ask(&s, 0, 4, pages(1)));
}

static void an_invalid_address_does_not_matter(void)
{
	struct session s = tracking();
	uint64_t *words = pages(1), size = 4 * PAGE;

	map(&s, 0, 4);
	need(!dma_unmap(s.container, VFIO_DMA_UNMAP_FLAG_VADDR, A, &size),
	     "invalidate");
	result(ask(&s, 0, 4, words));
	hex("bits", words[0]);
}

static const struct conf_case cases[] = {
	EACH(get_of, place_label),
	EACH(unmap_of, place_label),
	EACH(get_of_two, pair_label),
	RANGE(get_from, 0, 10, 1),
	RANGE(unmap_from, 0, 10, 1),
	EACH(bitmap_for, length_label),
	EACH(unmap_bitmap_for, length_label),
	EACH(pgsize, pgsize_label),
	EACH(range, range_label),
	RANGE(into_memory_at, 0, 9, 1),
	RANGE(into_memory_that_ends_after, 0, 16, 4),
	RANGE(by_rights, 1, 3, 1),
	CASE(maps_before_and_after_the_start),
	CASE(a_mapping_comes_again),
	CASE(a_second_group_comes_and_goes),
	CASE(tracking_ends_with_the_last_group),
	CASE(an_invalid_address_does_not_matter),
};

TABLE(table_dirty_bitmap, "dirty_bitmap", cases);

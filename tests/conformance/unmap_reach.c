/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What devices still reach after an unmap that does not match what is
 * mapped: two mappings of four pages side by side, or one of 2 MiB.
 */
#include "space.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#define A    0x200000ull
#define HUGE (512 * PAGE)

/* Pages 2 to 5 are one mapping, 6 to 9 the other. */
static const struct {
	const char *name;
	unsigned int first, count;
} rows[] = {
	{"exact", 2, 4},       {"both", 2, 8},           {"superset", 0, 12},
	{"head", 2, 2},        {"middle", 3, 2},         {"tail", 4, 2},
	{"from_before", 0, 4}, {"mid_a_and_b", 4, 6},    {"a_and_mid_b", 2, 6},
	{"mid_to_mid", 4, 4},  {"beyond_the_end", 8, 4}, {"beside", 10, 2},
};

static const char *row_label(long i)
{
	return i < (long)COUNT(rows) ? rows[i].name : NULL;
}

/* Shows M20. */
static void of_two(enum mode mode, long i)
{
	static const unsigned int at[] = {2, 3, 4, 5, 6, 7, 8, 9};
	struct space space = space_open(mode, SPACE_DEVICES);
	uint64_t size = rows[i].count * PAGE;
	unsigned char *memory = pages(12);
	char text[16];

	space_load(&space);
	need(!space_map(&space, 3, memory + 2 * PAGE, A + 2 * PAGE, 4 * PAGE),
	     "map-a");
	need(!space_map(&space, 3, memory + 6 * PAGE, A + 6 * PAGE, 4 * PAGE),
	     "map-b");
	result(space_unmap(&space, A + rows[i].first * PAGE, &size));
	hex("size", size);
	space_reach(&space, text, memory, A, at, COUNT(at));
	report(" reach=%s", text);
}

/* One mapping of 2 MiB, and a range of it. */
static const struct {
	const char *name;
	unsigned int first, count;
} halves[] = {
	{"upper_half", 256, 256},     {"lower_half", 0, 256},
	{"first_page", 0, 1},         {"last_page", 511, 1},
	{"quarter_inside", 128, 128}, {"all_of_it", 0, 512},
	{"more_than_it", 0, 1024},
};

static const char *half_label(long i)
{
	return i < (long)COUNT(halves) ? halves[i].name : NULL;
}

/* Shows M26. */
static void of_2m(enum mode mode, long i)
{
	static const unsigned int at[] = {0, 200, 256, 511};
	struct space space = space_open(mode, SPACE_DEVICES);
	uint64_t size = halves[i].count * PAGE;
	uintptr_t start = (uintptr_t)pages(1024);
	unsigned char *memory =
		(unsigned char *)((start + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	char text[16];

	space_load(&space);
	need(!space_map(&space, 3, memory, A, HUGE), "map");
	result(space_unmap(&space, A + halves[i].first * PAGE, &size));
	hex("size", size);
	space_reach(&space, text, memory, A, at, COUNT(at));
	report(" reach=%s", text);
}

BY_MODE(of_two, row_label)
BY_MODE(of_2m, half_label)

static const struct conf_case cases[] = {
	EACH_OF_TYPE1(of_two),
	EACH_OF_TYPE1(of_2m),
};

static const struct conf_case iommufd_cases[] = {
	EACH_OF_IOMMUFD(of_two),
	EACH_OF_IOMMUFD(of_2m),
};

TABLE(table_unmap_reach, "unmap_reach", cases);
TABLE_OF(table_unmap_reach_iommufd, "unmap_reach", iommufd_cases, has_cdev);

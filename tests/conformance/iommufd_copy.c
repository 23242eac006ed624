/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOAS_COPY.  The source has areas at pages 0 to 3, 4 to 7 (read-only) and
 * 10 to 11; the destination has one at page 20.
 */
#include "space.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define A    0x100000ull
#define B    0x200000ull
#define SPAN 13

struct copy {
	struct space space; /* of the source, with a device or without */
	uint32_t to;
	unsigned char *memory;
};

static struct copy copy_open(int devices)
{
	struct copy copy = {.space = space_open(NATIVE, devices),
			    .memory = pages(16)};
	char *other = pages(1);

	copy.to = ioas_alloc(copy.space.fd);
	need(!space_map(&copy.space, 3, copy.memory, A, 4 * PAGE) &&
		     !space_map(&copy.space, 1, copy.memory + 4 * PAGE,
				A + 4 * PAGE, 4 * PAGE) &&
		     !space_map(&copy.space, 3, copy.memory + 10 * PAGE,
				A + 10 * PAGE, 2 * PAGE),
	     "map");
	need(!ioas_map(copy.space.fd, copy.to, other, B + 20 * PAGE, PAGE),
	     "map");
	return copy;
}

static int copy_to(const struct copy *copy, uint32_t flags, uint64_t from,
		   uint64_t to, uint64_t length, uint64_t *at)
{
	struct abi_ioas_copy ask = {
		.size = sizeof(ask),
		.flags = flags,
		.dst_ioas_id = copy->to,
		.src_ioas_id = copy->space.ioas,
		.length = length,
		.dst_iova = to,
		.src_iova = from,
	};
	int ret = ioctl(copy->space.fd, ABI_IOMMU_IOAS_COPY, &ask);

	if (at)
		*at = ask.dst_iova;
	return ret;
}

static int clear(const struct copy *copy)
{
	return ioas_unmap(copy->space.fd, copy->to, B, 13 * PAGE);
}

/* Every part of whole pages: what is said, and in how many areas it lies. */
static void pages_from(long first)
{
	struct copy copy = copy_open(0);

	for (uint64_t n = 1; n <= SPAN - (uint64_t)first; n++) {
		outcome("n",
			copy_to(&copy, ABI_IOAS_FIXED_IOVA | ABI_IOAS_READABLE,
				A + (uint64_t)first * PAGE, B, n * PAGE, NULL));
		report(":");
		for (uint64_t end = 1; end <= n; end++)
			if (!ioas_unmap(copy.space.fd, copy.to, B, end * PAGE))
				report("%llu", (unsigned long long)end);
			else
				report(".");
		(void)clear(&copy);
	}
	result(0);
}

static void bytes_from(long first)
{
	struct copy copy = copy_open(0);

	for (uint64_t at = 0; at <= 8 * PAGE; at += 511 * 9)
		outcome("n",
			copy_to(&copy, ABI_IOAS_FIXED_IOVA | ABI_IOAS_READABLE,
				A + (uint64_t)first, B + at, (at / 2 | 1) + 511,
				NULL));
	result(clear(&copy));
}

static const struct {
	const char *name;
	uint32_t flags;
	uint64_t from, to, length;
} rows[] = {
	{"all_rights", 7, A, B, 4 * PAGE},
	{"read_only", 5, A, B, 4 * PAGE},
	{"write_only", 3, A, B, 4 * PAGE},
	{"no_rights", 1, A, B, 4 * PAGE},
	{"write_from_read_only", 7, A + 4 * PAGE, B, PAGE},
	{"write_from_both", 7, A, B, 8 * PAGE},
	{"flag_3", 15, A, B, PAGE},
	{"flag_31", 1u << 31 | 7, A, B, PAGE},
	{"length_0", 7, A, B, 0},
	{"length_1", 7, A, B, 1},
	{"length_all", 7, A, B, ~0ull},
	{"length_wraps", 7, A, B, -A + 1},
	{"length_too_long", 7, A, B, ~0ull - 1},
	{"from_top", 7, ~0ull, B, 1},
	{"to_top", 7, A, ~0ull, 1},
	{"to_last_page", 7, A, -PAGE, PAGE},
	{"to_wrap", 7, A, -PAGE, 2 * PAGE},
	{"hole", 7, A + 8 * PAGE, B, PAGE},
	{"over_the_hole", 5, A, B, 12 * PAGE},
	{"meets", 7, A, B + 20 * PAGE, PAGE},
	{"meets_in_the_middle", 5, A, B + 18 * PAGE, 8 * PAGE},
	{"between_two", 5, A + 3 * PAGE, B, 2 * PAGE},
	{"odd", 5, A + 1, B + 7, PAGE},
	{"odd_from", 5, A + 1, B, PAGE},
	{"odd_to", 5, A, B + 1, PAGE},
	{"to_the_msi_window", 5, A, 0xfee00000, PAGE},
	{"to_beyond_the_aperture", 5, A, 1ull << 60, PAGE},
	{"anywhere", 6, A, ~0ull - 5, PAGE},
	{"anywhere_two", 4, A, 0, 8 * PAGE},
	{"anywhere_odd", 4, A + 3, 0, 100},
};

#define ROWS ((long)COUNT(rows))

static const char *row_label(long i)
{
	static char text[64];

	if (i >= 2 * ROWS)
		return NULL;
	snprintf(text, sizeof(text), "%s_%s",
		 i / ROWS ? "with_device" : "plain", rows[i % ROWS].name);
	return text;
}

/* Shows M55. */
static void copy_when(long i)
{
	struct copy copy = copy_open(i / ROWS ? 1 : 0);
	uint64_t at = 0;

	if (i / ROWS)
		need(!cdev_attach(copy.space.devices[0], copy.to), "attach");
	i %= ROWS;
	result(copy_to(&copy, rows[i].flags, rows[i].from, rows[i].to,
		       rows[i].length, &at));
	if (at != rows[i].to)
		report(" moved=%d", at && (at ^ rows[i].from) % PAGE == 0);
	outcome("again", copy_to(&copy, rows[i].flags, rows[i].from, rows[i].to,
				 rows[i].length, NULL));
	outcome("other",
		ioas_unmap(copy.space.fd, copy.to, B + 20 * PAGE, PAGE));
}

static void inside_one_space(void)
{
	struct copy copy = copy_open(0);

	copy.to = copy.space.ioas;
	result(copy_to(&copy, 7, A, B, 4 * PAGE, NULL));
	outcome("over_itself",
		copy_to(&copy, 7, A, A + 2 * PAGE, 4 * PAGE, NULL));
	outcome("beside", copy_to(&copy, 7, A, A + 8 * PAGE, 2 * PAGE, NULL));
	outcome("over_the_old_hole",
		copy_to(&copy, 5, A, 2 * B, 12 * PAGE, NULL));
}

/* Shows M55. */
static void outlives_its_source(void)
{
	struct copy copy = copy_open(1);
	static const unsigned int at[] = {0, 3};
	uint64_t size = ~0ull;
	char text[4];

	space_load(&copy.space);
	result(copy_to(&copy, 7, A, B, 4 * PAGE, NULL));
	need(!cdev_attach(copy.space.devices[0], copy.to), "attach");
	need(!space_unmap(&copy.space, 0, &size), "unmap");
	outcome("source", iommufd_destroy(copy.space.fd, copy.space.ioas));
	space_reach(&copy.space, text, copy.memory, B, at, 2);
	report(" reach=%s", text);
	outcome("unmap", ioas_unmap(copy.space.fd, copy.to, B, 4 * PAGE));
	space_reach(&copy.space, text, copy.memory, B, at, 2);
	report(" reach=%s", text);
}

static void of_bad_memory(void)
{
	struct copy copy = copy_open(0);
	int cdev = cdev_open(0);

	need(!ioas_map(copy.space.fd, copy.space.ioas, bad_pointer(), 2 * B,
		       PAGE),
	     "map");
	result(copy_to(&copy, 7, 2 * B, B, PAGE, NULL));
	cdev_id(cdev, copy.space.fd);
	outcome("attach", cdev_attach(cdev, copy.to));
	outcome("unmap", ioas_unmap(copy.space.fd, copy.to, B, PAGE));
	outcome("attach", cdev_attach(cdev, copy.to));
	outcome("attached", copy_to(&copy, 7, 2 * B, B, PAGE, NULL));
}

static const struct conf_case cases[] = {
	RANGE(pages_from, 0, 12, 1), RANGE(bytes_from, 0, 8176, 1022),
	EACH(copy_when, row_label),  CASE(inside_one_space),
	CASE(outlives_its_source),   CASE(of_bad_memory),
};

TABLE_OF(table_iommufd_copy, "iommufd_copy", cases, has_cdev);

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Large memory to map in one call: of huge pages where the system has them,
 * and of ordinary ones in any case.
 */
#ifndef TESTS_UNIT_IOMMU_HUGE_H
#define TESTS_UNIT_IOMMU_HUGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

struct huge {
	const char *name;
	uint64_t size;
	int flags; /* of mmap() */
};

static const struct huge huge_kinds[] = {
	{"4 KiB", 4096, 0},
	{"2 MiB of small pages", 2ull << 20, MAP_NORESERVE},
	{"1 GiB of small pages", 1ull << 30, MAP_NORESERVE},
	{"a page of 2 MiB", 2ull << 20, MAP_HUGETLB | 21 << 26},
	{"a page of 1 GiB", 1ull << 30, MAP_HUGETLB | 30 << 26},
};

#define HUGE_KINDS (sizeof(huge_kinds) / sizeof(huge_kinds[0]))

/* NULL, and a line that says so: the system has no such pages. */
static inline uint8_t *huge_map(const struct huge *kind)
{
	void *p = mmap(NULL, kind->size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | kind->flags, -1, 0);

	if (p == MAP_FAILED) {
		printf("not tested: %s, the system has none free\n",
		       kind->name);
		return NULL;
	}
	return p;
}

/* First, middle and last byte. */
static inline uint64_t huge_offset(const struct huge *kind, unsigned int i)
{
	return i == 2 ? kind->size - 1 : i * (kind->size / 2);
}

#endif /* TESTS_UNIT_IOMMU_HUGE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every unmap of whole pages around a few mappings: what it says, how much
 * it says is gone, and what is gone.
 */
#include "space.h"

#include <stdio.h>
#include <sys/ioctl.h>

#define A 0x100000ull

/* Shows M20, M22. */
static void unmap_from(enum mode mode, long i)
{
	struct space space = space_open(mode, 1);
	const struct layout *layout = layout_of(i);
	uint64_t start = layout_start(i);
	char *memory = pages(LAYOUT_SPAN), key[8];

	for (uint64_t n = 1; n <= LAYOUT_SPAN - start; n++) {
		uint64_t size = n * PAGE;
		int ret;

		layout_map(&space, layout, memory, A);
		ret = space_unmap(&space, A + start * PAGE, &size);
		snprintf(key, sizeof(key), "n%u", (unsigned int)n);
		outcome(key, ret);
		report("+%llu:", (unsigned long long)(size / PAGE));
		for (uint64_t page = 0; page < LAYOUT_SPAN; page++)
			report("%d", space_is_mapped(&space, A + page * PAGE));
		space_clear(&space);
	}
	result(0);
}

BY_MODE(unmap_from, layout_label)

static const struct conf_case cases[] = {
	EACH_OF_TYPE1(unmap_from),
};

static const struct conf_case iommufd_cases[] = {
	EACH_OF_IOMMUFD(unmap_from),
};

TABLE(table_unmap_grid, "unmap_grid", cases);
TABLE_OF(table_unmap_grid_iommufd, "unmap_grid", iommufd_cases, has_cdev);

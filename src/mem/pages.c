/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source: linux/fs.h, struct pm_scan_arg; Documentation/admin-guide/mm/
 * pagemap.
 */
#include "mem/pages.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "mem/vma.h"

#define PAGE_BYTES 4096ull

/* Of an entry of pagemap. */
#define ENTRY_THERE (1ull << 63 | 1ull << 62) /* in memory, or swapped out */

#define ENTRIES 512u
#define REGIONS 64u

/* The ABI, which Debian 12's headers do not know yet. */
struct pm_scan_arg {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

struct page_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

#define PAGEMAP_SCAN    _IOWR('f', 16, struct pm_scan_arg)
#define PAGE_IS_PFNZERO (1ull << 5)

uint64_t uvf_pages_size(int maps_fd, struct uvf_range addr)
{
	uint64_t smallest = UINT64_MAX;
	struct uvf_vma vma;

	for (;;) {
		if (uvf_vma_find(maps_fd, addr.first, &vma, NULL))
			return PAGE_BYTES;
		if (vma.page_size < smallest)
			smallest = vma.page_size;
		if (vma.addr.last >= addr.last)
			return smallest;
		addr.first = vma.addr.last + 1;
	}
}

/* Pages that are the kernel's one page of zeros. */
static uint64_t count_zero(int pagemap_fd, struct uvf_range addr)
{
	struct page_region regions[REGIONS];
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.start = addr.first,
		.end = addr.last + 1,
		.vec = (uintptr_t)regions,
		.vec_len = REGIONS,
		.category_mask = PAGE_IS_PFNZERO,
		.return_mask = PAGE_IS_PFNZERO,
	};
	uint64_t count = 0;

	do {
		int found = ioctl(pagemap_fd, PAGEMAP_SCAN, &scan);

		if (found < 0)
			return count;
		for (int i = 0; i < found; i++)
			count += (regions[i].end - regions[i].start) /
				 PAGE_BYTES;
		scan.start = scan.walk_end;
	} while (scan.start < scan.end);
	return count;
}

/* Pages that have never been touched. */
static uint64_t count_absent(int pagemap_fd, struct uvf_range addr)
{
	uint64_t left = (addr.last - addr.first) / PAGE_BYTES + 1;
	uint64_t page = addr.first / PAGE_BYTES;
	uint64_t count = 0;

	while (left) {
		uint64_t entries[ENTRIES];
		uint64_t want = left < ENTRIES ? left : ENTRIES;
		ssize_t got =
			pread(pagemap_fd, entries, want * sizeof(entries[0]),
			      (off_t)(page * sizeof(entries[0])));

		if (got <= 0)
			return count;
		got /= (ssize_t)sizeof(entries[0]);
		for (ssize_t i = 0; i < got; i++)
			count += !(entries[i] & ENTRY_THERE);
		page += (uint64_t)got;
		left -= (uint64_t)got;
	}
	return count;
}

uint64_t uvf_pages_unwritten(int maps_fd, int pagemap_fd, struct uvf_range addr)
{
	uint64_t count = 0;

	for (;;) {
		struct uvf_range piece = addr;
		struct uvf_vma vma;

		if (uvf_vma_find(maps_fd, addr.first, &vma, NULL))
			return count;
		if (vma.addr.last < piece.last)
			piece.last = vma.addr.last;
		if (!vma.inode && !vma.is_shared)
			count += count_absent(pagemap_fd, piece) +
				 count_zero(pagemap_fd, piece);
		if (piece.last == addr.last)
			return count;
		addr.first = piece.last + 1;
	}
}

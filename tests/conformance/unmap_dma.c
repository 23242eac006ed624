/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UNMAP_DMA of type1 v1 and v2.  Three mappings stand: A and B touch, C
 * comes after a hole; each is four pages long.
 */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>

#define A   0x100000ull
#define B   0x104000ull
#define C   0x110000ull
#define END 0x114000ull
#define LEN (4 * PAGE)

#define DIRTY VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP
#define ALL   VFIO_DMA_UNMAP_FLAG_ALL
#define VADDR VFIO_DMA_UNMAP_FLAG_VADDR

static const struct {
	const char *name;
	uint32_t argsz, flags;
	uint64_t iova, size;
} rows[] = {
	{"exact", 24, 0, A, LEN},
	{"superset", 24, 0, A - PAGE, END - A + 2 * PAGE},
	{"two_neighbours", 24, 0, A, 2 * LEN},
	{"two_over_a_hole", 24, 0, B, END - B},
	{"first_page", 24, 0, A, PAGE},
	{"last_page", 24, 0, A + LEN - PAGE, PAGE},
	{"middle", 24, 0, A + PAGE, 2 * PAGE},
	{"first_half", 24, 0, A, LEN / 2},
	{"second_half", 24, 0, A + LEN / 2, LEN / 2},
	{"one_and_a_half", 24, 0, A, LEN + LEN / 2},
	{"half_and_one", 24, 0, A + LEN / 2, LEN + LEN / 2},
	{"half_and_half", 24, 0, A + LEN / 2, LEN},
	{"from_before_to_the_middle", 24, 0, A - PAGE, 3 * PAGE},
	{"hole", 24, 0, B + LEN, C - B - LEN},
	{"hole_and_one", 24, 0, B + LEN, END - B - LEN},
	{"hole_and_a_half", 24, 0, B + LEN, C - B - LEN + LEN / 2},
	{"hole_and_more_hole", 24, 0, END, 16 * PAGE},
	{"far_away", 24, 0, 1ull << 40, LEN},
	{"everything_below_2to63", 24, 0, 0, 1ull << 63},
	{"everything_but_a_page", 24, 0, 0, -PAGE},
	{"up_to_the_top", 24, 0, A, -A},
	{"wraps", 24, 0, A, -A + PAGE},
	{"size_0", 24, 0, A, 0},
	{"size_odd", 24, 0, A, LEN - 1},
	{"size_all_ones", 24, 0, 0, ~0ull},
	{"iova_odd", 24, 0, A + 1, LEN},
	{"argsz_0", 0, 0, A, LEN},
	{"argsz_23", 23, 0, A, LEN},
	{"argsz_25", 25, 0, A, LEN},
	{"argsz_huge", ~0u, 0, A, LEN},
	{"flag_3", 24, 8, A, LEN},
	{"flag_31", 24, 1u << 31, A, LEN},
	{"all", 24, ALL, 0, 0},
	{"all_with_iova", 24, ALL, A, 0},
	{"all_with_size", 24, ALL, 0, LEN},
	{"all_with_odd_iova", 24, ALL, 1, 0},
	{"dirty", 24, DIRTY, A, LEN},
	{"dirty_argsz_47", 47, DIRTY, A, LEN},
	{"dirty_and_all", 48, DIRTY | ALL, 0, 0},
	{"dirty_and_vaddr", 48, DIRTY | VADDR, A, LEN},
	{"vaddr", 24, VADDR, A, LEN},
	{"vaddr_of_hole", 24, VADDR, B + LEN, PAGE},
	{"vaddr_of_all", 24, VADDR | ALL, 0, 0},
	{"vaddr_of_half", 24, VADDR, A, LEN / 2},
	{"vaddr_of_second_half", 24, VADDR, A + LEN / 2, LEN / 2},
};

static const char *row_label(long i)
{
	return i < (long)COUNT(rows) ? rows[i].name : NULL;
}

static int remains(int container, uint64_t iova)
{
	uint64_t size = LEN;

	return !dma_unmap(container, 0, iova, &size) && size == LEN;
}

static void unmap_row(unsigned long type, long i)
{
	struct session s = session_iommu(type);
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = rows[i].argsz,
		.flags = rows[i].flags,
		.iova = rows[i].iova,
		.size = rows[i].size,
	};
	static const uint64_t at[] = {A, B, C};

	for (size_t m = 0; m < COUNT(at); m++)
		need(!dma_map(s.container, 3, pages(4), at[m], LEN), "map");
	result(ioctl(s.container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	if (unmap.size == rows[i].size)
		report(" size=same");
	else
		hex("size", unmap.size);
	value("a", remains(s.container, A));
	value("b", remains(s.container, B));
	value("c", remains(s.container, C));
}

/* Shows M22. */
static void v1(long i)
{
	unmap_row(VFIO_TYPE1_IOMMU, i);
}

/* Shows M22. */
static void v2(long i)
{
	unmap_row(VFIO_TYPE1v2_IOMMU, i);
}

static void all_of_nothing(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	uint64_t size = 0;

	result(dma_unmap(s.container, ALL, 0, &size));
	hex("size", size);
}

/* Shows M19. */
static void twice(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	uint64_t size = LEN;

	need(!dma_map(s.container, 3, pages(4), A, LEN), "map");
	need(!dma_unmap(s.container, 0, A, &size), "unmap");
	size = LEN;
	result(dma_unmap(s.container, 0, A, &size));
	hex("size", size);
}

static void null_pointer(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	result(ioctl(s.container, VFIO_IOMMU_UNMAP_DMA, NULL));
}

static void with_readable_bytes(long len)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = 24, .iova = A, .size = LEN};
	void *p = before_fault((size_t)len);

	memcpy(p, &unmap, (size_t)len);
	result(ioctl(s.container, VFIO_IOMMU_UNMAP_DMA, p));
}

/* The answer cannot be stored, yet the mapping is gone. */
static void into_read_only_memory(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = 24, .iova = A, .size = LEN};

	need(!dma_map(s.container, 3, pages(4), A, LEN), "map");
	result(ioctl(s.container, VFIO_IOMMU_UNMAP_DMA,
		     read_only(&unmap, sizeof(unmap))));
	hex("left", dma_unmap_all(s.container));
}

/* Shows M25. */
static void many_single_pages_in_any_order(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	char *p = pages(64);
	unsigned long long sum = 0;

	for (uint64_t i = 0; i < 64; i++)
		need(!dma_map(s.container, 3, p + i * PAGE, A + i * PAGE, PAGE),
		     "map");
	for (uint64_t i = 0; i < 64; i++) {
		uint64_t size = PAGE;

		need(!dma_unmap(s.container, 0, A + (i * 37 % 64) * PAGE,
				&size),
		     "unmap");
		sum += size;
	}
	result(0);
	hex("sum", sum);
	hex("left", dma_unmap_all(s.container));
}

static const struct conf_case cases[] = {
	EACH(v1, row_label),         EACH(v2, row_label),
	CASE(all_of_nothing),        CASE(twice),
	CASE(null_pointer),          RANGE(with_readable_bytes, 20, 24, 1),
	CASE(into_read_only_memory), CASE(many_single_pages_in_any_order),
};

TABLE(table_unmap_dma, "unmap_dma", cases);

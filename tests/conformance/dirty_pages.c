/* SPDX-License-Identifier: BSD-3-Clause */
/* DIRTY_PAGES of type1, and UNMAP_DMA with a dirty bitmap. */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>

#define START VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET   VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP
#define A     0x100000ull
#define LEN   (4 * PAGE)

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

static const struct {
	const char *name;
	uint32_t argsz, flags;
} rows[] = {
	{"start", 8, START},
	{"stop", 8, STOP},
	{"get", 8, GET},
	{"nothing", 8, 0},
	{"start_and_stop", 8, START | STOP},
	{"flag_3", 8, 8},
	{"flag_31", 8, 1u << 31},
	{"start_argsz_7", 7, START},
	{"start_argsz_9", 9, START},
};

static const char *row_label(long i)
{
	return i < (long)COUNT(rows) ? rows[i].name : NULL;
}

static void v2(long i)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_dirty_bitmap d = {.argsz = rows[i].argsz,
						  .flags = rows[i].flags};

	result(ioctl(s.container, VFIO_IOMMU_DIRTY_PAGES, &d));
}

static void v1(long i)
{
	struct session s = session_iommu(VFIO_TYPE1_IOMMU);
	struct vfio_iommu_type1_dirty_bitmap d = {.argsz = rows[i].argsz,
						  .flags = rows[i].flags};

	result(ioctl(s.container, VFIO_IOMMU_DIRTY_PAGES, &d));
}

static void v1_null_pointer(void)
{
	struct session s = session_iommu(VFIO_TYPE1_IOMMU);

	result(ioctl(s.container, VFIO_IOMMU_DIRTY_PAGES, NULL));
}

static void start_and_stop_repeat(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	outcome("start", track(s.container, START));
	outcome("start", track(s.container, START));
	outcome("stop", track(s.container, STOP));
	result(track(s.container, STOP));
}

/* Four pages are mapped for reading and writing, tracking is on. */
static const struct {
	const char *name;
	uint32_t argsz;
	uint64_t iova, size, pgsize, bitmap_size;
} queries[] = {
	{"exact", 48, A, LEN, PAGE, 8},
	{"hole", 48, A + LEN, LEN, PAGE, 8},
	{"more", 48, A, 2 * LEN, PAGE, 8},
	{"first_page", 48, A, PAGE, PAGE, 8},
	{"last_page", 48, A + LEN - PAGE, PAGE, PAGE, 8},
	{"argsz_47", 47, A, LEN, PAGE, 8},
	{"argsz_49", 49, A, LEN, PAGE, 8},
	{"bitmap_of_7_bytes", 48, A, LEN, PAGE, 7},
	{"bitmap_of_9_bytes", 48, A, LEN, PAGE, 9},
	{"bitmap_of_0_bytes", 48, A, LEN, PAGE, 0},
	{"bitmap_of_2to28", 48, A, LEN, PAGE, 1 << 28},
	{"bitmap_over_2to28", 48, A, LEN, PAGE, (1 << 28) + 1},
	{"pgsize_0", 48, A, LEN, 0, 8},
	{"pgsize_2048", 48, A, LEN, 2048, 8},
	{"pgsize_8192", 48, A, LEN, 8192, 8},
	{"pgsize_3", 48, A, LEN, 3, 8},
	{"iova_odd", 48, A + 1, LEN, PAGE, 8},
	{"size_0", 48, A, 0, PAGE, 8},
	{"size_odd", 48, A, LEN + 1, PAGE, 8},
	{"wraps", 48, A, -A + PAGE, PAGE, 8},
	{"65_pages_in_8_bytes", 48, A, 65 * PAGE, PAGE, 8},
	{"65_pages_in_16_bytes", 48, A, 65 * PAGE, PAGE, 16},
};

static const char *query_label(long i)
{
	return i < (long)COUNT(queries) ? queries[i].name : NULL;
}

static int ask(int container, long i, uint64_t *bits)
{
	struct query q = {
		.argsz = queries[i].argsz,
		.flags = GET,
		.iova = queries[i].iova,
		.size = queries[i].size,
		.pgsize = queries[i].pgsize,
		.bitmap_size = queries[i].bitmap_size,
		.data = bits,
	};

	return ioctl(container, VFIO_IOMMU_DIRTY_PAGES, &q);
}

/* Shows M32. */
static void get(long i)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	uint64_t *bits = pages(1);

	need(!dma_map(s.container, 3, pages(4), A, LEN), "map");
	need(!track(s.container, START), "start");
	result(ask(s.container, i, bits));
	hex("bits", bits[0]);
	hex("more", bits[1]);
}

/* Shows M30. */
static void get_before_start(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	need(!dma_map(s.container, 3, pages(4), A, LEN), "map");
	result(ask(s.container, 0, pages(1)));
}

static void get_after_stop(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	need(!dma_map(s.container, 3, pages(4), A, LEN), "map");
	need(!track(s.container, START), "start");
	need(!track(s.container, STOP), "stop");
	result(ask(s.container, 0, pages(1)));
}

/* A device whose driver never pins makes all its pages dirty, always. */
/* Shows M35. */
static void get_twice(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	uint64_t *bits = pages(1);

	need(!dma_map(s.container, 1, pages(4), A, LEN), "map");
	need(!track(s.container, START), "start");
	outcome("first", ask(s.container, 0, bits));
	bits[0] = 0;
	result(ask(s.container, 0, bits));
	hex("bits", bits[0]);
}

static void get_into_bad_memory(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	need(!dma_map(s.container, 3, pages(4), A, LEN), "map");
	need(!track(s.container, START), "start");
	result(ask(s.container, 0, bad_pointer()));
	outcome("again", ask(s.container, 0, pages(1)));
}

static void unmap_tells(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	uint64_t *bits = pages(1);
	struct query q = {.argsz = 48,
			  .flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			  .iova = A,
			  .size = LEN,
			  .pgsize = PAGE,
			  .bitmap_size = 8,
			  .data = bits};

	need(!dma_map(s.container, 3, pages(4), A, LEN), "map");
	outcome("before_start", ioctl(s.container, VFIO_IOMMU_UNMAP_DMA, &q));
	need(!track(s.container, START), "start");
	result(ioctl(s.container, VFIO_IOMMU_UNMAP_DMA, &q));
	hex("bits", bits[0]);
	hex("size", q.size);
	hex("left", dma_unmap_all(s.container));
}

static const struct conf_case cases[] = {
	EACH(v2, row_label),       EACH(v1, row_label),
	CASE(v1_null_pointer),     CASE(start_and_stop_repeat),
	EACH(get, query_label),    CASE(get_before_start),
	CASE(get_after_stop),      CASE(get_twice),
	CASE(get_into_bad_memory), CASE(unmap_tells),
};

TABLE(table_dirty_pages, "dirty_pages", cases);

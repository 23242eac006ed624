/* SPDX-License-Identifier: BSD-3-Clause */
/* MAP_DMA: what it refuses, in which order, and that it then does nothing. */
#include "lib.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define R  VFIO_DMA_MAP_FLAG_READ
#define W  VFIO_DMA_MAP_FLAG_WRITE
#define V  VFIO_DMA_MAP_FLAG_VADDR
#define RW (R | W)
#define A  0x100000ull /* an IOVA that nothing else uses */

enum where {
	GOOD,
	NOWHERE,
	NONE,
	HOLE,
	HALF,
	SECOND_NONE,
	READ_ONLY,
	WRITE_ONLY,
	KERNEL,
	NON_CANONICAL,
	TOP,
	ODD,
	FILE_READ_ONLY,
	FILE_PRIVATE,
	SHARED,
	PAST_END,
	EXEC,
};

/* A mapping of a file of one page, two pages long. */
static void *file_memory(int prot, int flags)
{
	int fd = memfd_create("memory", 0);
	void *p;

	need(fd >= 0 && !ftruncate(fd, PAGE), "memfd");
	p = mmap(NULL, 2 * PAGE, prot, flags, fd, 0);
	need(p != MAP_FAILED, "mmap-memfd");
	return p;
}

static void *image_memory(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	need(p != MAP_FAILED, "mmap-exe");
	return p;
}

static void *changed(size_t from, size_t count, int prot)
{
	char *p = pages(4);

	if (prot < 0)
		need(!munmap(p + from * PAGE, count * PAGE), "munmap");
	else
		need(!mprotect(p + from * PAGE, count * PAGE, prot),
		     "mprotect");
	return p;
}

static void *memory(enum where where)
{
	switch (where) {
	case GOOD:
		return pages(16);
	case NOWHERE:
		return NULL;
	case NONE:
		return changed(0, 4, PROT_NONE);
	case HOLE:
		return changed(0, 4, -1);
	case HALF:
		return changed(1, 3, -1);
	case SECOND_NONE:
		return changed(1, 1, PROT_NONE);
	case READ_ONLY:
		return changed(0, 4, PROT_READ);
	case WRITE_ONLY:
		return changed(0, 4, PROT_WRITE);
	case EXEC:
		return changed(0, 4, PROT_READ | PROT_EXEC);
	case KERNEL:
		return (void *)0xffffffff81000000ul;
	case NON_CANONICAL:
		return (void *)0x8000000000000000ul;
	case TOP:
		return (void *)-PAGE;
	case ODD:
		return (char *)pages(4) + 1;
	case FILE_READ_ONLY:
		return image_memory();
	case FILE_PRIVATE:
		return file_memory(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	case SHARED:
		return file_memory(PROT_READ | PROT_WRITE, MAP_SHARED);
	case PAST_END:
		return (char *)file_memory(PROT_READ | PROT_WRITE, MAP_SHARED) +
		       PAGE;
	}
	return NULL;
}

static const struct {
	const char *name;
	uint32_t argsz, flags;
	enum where where;
	uint64_t iova, size;
} rows[] = {
	{"one_page", 32, RW, GOOD, A, PAGE},
	{"many_pages", 32, RW, GOOD, A, 16 * PAGE},
	{"at_iova_zero", 32, RW, GOOD, 0, PAGE},
	{"for_reading", 32, R, GOOD, A, PAGE},
	{"for_writing", 32, W, GOOD, A, PAGE},
	{"argsz_0", 0, RW, GOOD, A, PAGE},
	{"argsz_31", 31, RW, GOOD, A, PAGE},
	{"argsz_33", 33, RW, GOOD, A, PAGE},
	{"argsz_huge", ~0u, RW, GOOD, A, PAGE},
	{"no_flags", 32, 0, GOOD, A, PAGE},
	{"flag_3", 32, 8 | RW, GOOD, A, PAGE},
	{"flag_4", 32, 16 | RW, GOOD, A, PAGE},
	{"flag_31", 32, 1u << 31 | RW, GOOD, A, PAGE},
	{"flag_31_alone", 32, 1u << 31, GOOD, A, PAGE},
	{"vaddr_of_nothing", 32, V, GOOD, A, PAGE},
	{"vaddr_with_read", 32, V | R, GOOD, A, PAGE},
	{"vaddr_with_write", 32, V | W, GOOD, A, PAGE},
	{"size_0", 32, RW, GOOD, A, 0},
	{"size_1", 32, RW, GOOD, A, 1},
	{"size_4095", 32, RW, GOOD, A, PAGE - 1},
	{"size_4097", 32, RW, GOOD, A, PAGE + 1},
	{"size_512", 32, RW, GOOD, A, 512},
	{"iova_odd", 32, RW, GOOD, A + 1, PAGE},
	{"iova_half_page", 32, RW, GOOD, A + PAGE / 2, PAGE},
	{"vaddr_odd", 32, RW, ODD, A, PAGE},
	{"iova_wraps", 32, RW, GOOD, -PAGE, 2 * PAGE},
	{"iova_wraps_far", 32, RW, GOOD, -16 * PAGE, 17 * PAGE},
	{"iova_ends_at_the_top", 32, RW, GOOD, -PAGE, PAGE},
	{"size_is_everything", 32, RW, GOOD, 0, -PAGE},
	{"vaddr_wraps", 32, RW, TOP, A, 2 * PAGE},
	{"vaddr_ends_at_the_top", 32, RW, TOP, A, PAGE},
	{"msi_window", 32, RW, GOOD, 0xfee00000, PAGE},
	{"msi_window_last_page", 32, RW, GOOD, 0xfeeff000, PAGE},
	{"before_msi_window", 32, RW, GOOD, 0xfee00000 - PAGE, PAGE},
	{"into_msi_window", 32, RW, GOOD, 0xfee00000 - PAGE, 2 * PAGE},
	{"after_msi_window", 32, RW, GOOD, 0xfef00000, PAGE},
	{"out_of_msi_window", 32, RW, GOOD, 0xfeeff000, 2 * PAGE},
	{"beyond_57_bits", 32, RW, GOOD, 1ull << 57, PAGE},
	{"beyond_63_bits", 32, RW, GOOD, 1ull << 63, PAGE},
	{"above_4g", 32, RW, GOOD, 1ull << 32, PAGE},
	{"vaddr_null", 32, RW, NOWHERE, A, PAGE},
	{"vaddr_prot_none", 32, RW, NONE, A, PAGE},
	{"vaddr_prot_none_for_reading", 32, R, NONE, A, PAGE},
	{"vaddr_unmapped", 32, RW, HOLE, A, PAGE},
	{"vaddr_half_mapped", 32, RW, HALF, A, 4 * PAGE},
	{"vaddr_half_mapped_good_half", 32, RW, HALF, A, PAGE},
	{"vaddr_second_prot_none", 32, RW, SECOND_NONE, A, 4 * PAGE},
	{"vaddr_kernel", 32, RW, KERNEL, A, PAGE},
	{"vaddr_non_canonical", 32, RW, NON_CANONICAL, A, PAGE},
	{"read_only_for_reading", 32, R, READ_ONLY, A, PAGE},
	{"read_only_for_writing", 32, W, READ_ONLY, A, PAGE},
	{"read_only_for_both", 32, RW, READ_ONLY, A, PAGE},
	{"exec_for_reading", 32, R, EXEC, A, PAGE},
	{"exec_for_both", 32, RW, EXEC, A, PAGE},
	{"write_only_for_reading", 32, R, WRITE_ONLY, A, PAGE},
	{"write_only_for_writing", 32, W, WRITE_ONLY, A, PAGE},
	{"write_only_for_both", 32, RW, WRITE_ONLY, A, PAGE},
	{"file_read_only_for_reading", 32, R, FILE_READ_ONLY, A, PAGE},
	{"file_read_only_for_both", 32, RW, FILE_READ_ONLY, A, PAGE},
	{"file_private_for_both", 32, RW, FILE_PRIVATE, A, PAGE},
	{"file_shared_for_both", 32, RW, SHARED, A, PAGE},
	{"file_shared_over_its_end", 32, RW, SHARED, A, 2 * PAGE},
	{"file_past_its_end", 32, RW, PAST_END, A, PAGE},
	{"bad_flag_before_bad_size", 32, 8, GOOD, A, 1},
	{"bad_size_before_bad_vaddr", 32, RW, HOLE, A, 1},
	{"msi_window_before_bad_vaddr", 32, RW, HOLE, 0xfee00000, PAGE},
};

static const char *row_label(long i)
{
	return i < (long)COUNT(rows) ? rows[i].name : NULL;
}

static int map_row(int container, long i)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = rows[i].argsz,
		.flags = rows[i].flags,
		.vaddr = (uintptr_t)memory(rows[i].where),
		.iova = rows[i].iova,
		.size = rows[i].size,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map);
}

/* Shows M8, M9, M13, M14. */
static void v2(long i)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	result(map_row(s.container, i));
	hex("left", dma_unmap_all(s.container));
}

/* Shows M8, M9, M13, M14. */
static void v1(long i)
{
	struct session s = session_iommu(VFIO_TYPE1_IOMMU);

	result(map_row(s.container, i));
	hex("left", dma_unmap_all(s.container));
}

/* Another mapping beside or over one of four pages. */
static const struct {
	const char *name;
	uint64_t iova, size;
} meets[] = {
	{"the_same", A, 4 * PAGE},
	{"inside", A + PAGE, 2 * PAGE},
	{"first_page", A, PAGE},
	{"last_page", A + 3 * PAGE, PAGE},
	{"around", A - PAGE, 6 * PAGE},
	{"over_the_start", A - PAGE, 2 * PAGE},
	{"over_the_end", A + 3 * PAGE, 2 * PAGE},
	{"up_to_the_start", A - PAGE, PAGE},
	{"from_the_end", A + 4 * PAGE, PAGE},
};

static const char *meet_label(long i)
{
	return i < (long)COUNT(meets) ? meets[i].name : NULL;
}

/* Shows M12. */
static void beside_another(long i)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	uint64_t size = 4 * PAGE;

	need(!dma_map(s.container, RW, pages(4), A, size), "map");
	result(dma_map(s.container, RW, pages(6), meets[i].iova,
		       meets[i].size));
	outcome("old", dma_unmap(s.container, 0, A, &size));
	hex("size", size);
	hex("left", dma_unmap_all(s.container));
}

static void overlap_before_bad_vaddr(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	need(!dma_map(s.container, RW, pages(1), A, PAGE), "map");
	result(dma_map(s.container, RW, memory(HOLE), A, PAGE));
}

static void overlap_before_msi_window(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	uint64_t below = 0xfee00000 - PAGE;

	need(!dma_map(s.container, RW, pages(1), below, PAGE), "map");
	result(dma_map(s.container, RW, pages(2), below, 2 * PAGE));
}

static void the_same_memory_twice(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	void *p = pages(1);

	outcome("first", dma_map(s.container, RW, p, A, PAGE));
	result(dma_map(s.container, RW, p, 2 * A, PAGE));
	hex("left", dma_unmap_all(s.container));
}

static void null_pointer(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	result(ioctl(s.container, VFIO_IOMMU_MAP_DMA, NULL));
}

static void with_readable_bytes(long len)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_dma_map map = {
		.argsz = 32,
		.flags = RW,
		.vaddr = (uintptr_t)pages(1),
		.iova = A,
		.size = PAGE,
	};
	void *p = before_fault((size_t)len);

	memcpy(p, &map, (size_t)len);
	result(ioctl(s.container, VFIO_IOMMU_MAP_DMA, p));
}

static void reads_from_read_only_memory(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_dma_map map = {
		.argsz = 32,
		.flags = RW,
		.vaddr = (uintptr_t)pages(1),
		.iova = A,
		.size = PAGE,
	};

	result(ioctl(s.container, VFIO_IOMMU_MAP_DMA,
		     read_only(&map, sizeof(map))));
}

/* BAR memory is memory too, while the device decodes. */
/* Shows M17. */
static void of_bar_memory(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, EDU_BAR_SIZE, PROT_READ | PROT_WRITE);

	result(dma_map(s.container, RW, bar, A, EDU_BAR_SIZE));
	hex("left", dma_unmap_all(s.container));
}

static void of_bar_memory_with_decode_off(void)
{
	struct session s = session_device();
	void *bar = bar_map(s.device, EDU_BAR_SIZE, PROT_READ | PROT_WRITE);

	cfg_command(s.device, 2, 0);
	result(dma_map(s.container, RW, bar, A, PAGE));
	cfg_command(s.device, 0, 2);
	outcome("again", dma_map(s.container, RW, bar, A, PAGE));
}

static void survives_munmap_of_its_memory(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);
	void *p = pages(4);
	uint64_t size = 4 * PAGE;

	need(!dma_map(s.container, RW, p, A, size), "map");
	munmap(p, size);
	result(dma_unmap(s.container, 0, A, &size));
	hex("size", size);
}

static const struct conf_case cases[] = {
	EACH(v2, row_label),
	EACH(v1, row_label),
	EACH(beside_another, meet_label),
	CASE(overlap_before_bad_vaddr),
	CASE(overlap_before_msi_window),
	CASE(the_same_memory_twice),
	CASE(null_pointer),
	RANGE(with_readable_bytes, 28, 32, 1),
	CASE(reads_from_read_only_memory),
	CASE(of_bar_memory),
	CASE(of_bar_memory_with_decode_off),
	CASE(survives_munmap_of_its_memory),
};

TABLE(table_map_dma, "map_dma", cases);

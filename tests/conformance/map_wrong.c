/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A map with one thing wrong, and with two: which is tested first.  One page
 * is mapped at A.
 */
#include "space.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define A  0x100000ull
#define RW 3u

struct attempt {
	uint32_t size;  /* argsz */
	uint32_t flags; /* those of type1; unknown ones as they are */
	uint32_t reserved, ioas;
	uint64_t vaddr, iova, length;
};

static uint64_t memory_that_ends(void)
{
	char *p = pages(4);

	need(!munmap(p + PAGE, 3 * PAGE), "munmap");
	return (uintptr_t)p;
}

static void is_too_short(struct attempt *a)
{
	a->size--;
}

static void has_unknown_flag(struct attempt *a)
{
	a->flags |= 1u << 20;
}

static void has_vaddr_flag(struct attempt *a)
{
	a->flags |= VFIO_DMA_MAP_FLAG_VADDR;
}

static void has_no_rights(struct attempt *a)
{
	a->flags &= ~RW;
}

static void has_reserved(struct attempt *a)
{
	a->reserved = 1;
}

static void has_bad_ioas(struct attempt *a)
{
	a->ioas = 12345;
}

static void has_length_0(struct attempt *a)
{
	a->length = 0;
}

static void has_odd_length(struct attempt *a)
{
	a->length += 1;
}

static void has_odd_iova(struct attempt *a)
{
	a->iova += 1;
}

static void has_odd_vaddr(struct attempt *a)
{
	a->vaddr += 1;
}

static void wraps(struct attempt *a)
{
	a->iova = -PAGE;
	a->length += PAGE;
}

static void has_memory_that_wraps(struct attempt *a)
{
	a->vaddr = -PAGE;
	a->length += PAGE;
}

static void is_too_long(struct attempt *a)
{
	a->length = ~0ull - PAGE + 1;
}

static void meets_a_mapping(struct attempt *a)
{
	a->iova = A;
}

static void is_in_the_msi_window(struct attempt *a)
{
	a->iova = 0xfee00000;
}

static void is_above_the_aperture(struct attempt *a)
{
	a->iova = 1ull << 60;
}

static void has_no_memory(struct attempt *a)
{
	a->vaddr = memory_that_ends() + PAGE;
}

static void has_half_its_memory(struct attempt *a)
{
	a->vaddr = memory_that_ends();
	a->length += PAGE;
}

static const struct {
	const char *name;
	void (*spoil)(struct attempt *a);
} wrongs[] = {
	{"right", NULL},
	{"short", is_too_short},
	{"flag", has_unknown_flag},
	{"vaddr_flag", has_vaddr_flag},
	{"no_rights", has_no_rights},
	{"reserved", has_reserved},
	{"ioas", has_bad_ioas},
	{"wraps", wraps},
	{"memory_wraps", has_memory_that_wraps},
	{"meets", meets_a_mapping},
	{"msi", is_in_the_msi_window},
	{"above", is_above_the_aperture},
	{"no_memory", has_no_memory},
	{"half_memory", has_half_its_memory},
	{"too_long", is_too_long},
	{"length_0", has_length_0},
	{"odd_length", has_odd_length},
	{"odd_iova", has_odd_iova},
	{"odd_vaddr", has_odd_vaddr},
};

#define WRONGS ((long)COUNT(wrongs))

static const char *label(long i)
{
	return i < WRONGS ? wrongs[i].name : NULL;
}

static int attempt(const struct space *space, const struct attempt *a)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = a->size,
		.flags = a->flags,
		.vaddr = a->vaddr,
		.iova = a->iova,
		.size = a->length,
	};
	struct abi_ioas_map ioas_map = {
		.size = a->size + sizeof(ioas_map) - sizeof(map),
		.flags = ABI_IOAS_FIXED_IOVA | (a->flags & ~7u) |
			 (a->flags & 1 ? ABI_IOAS_READABLE : 0) |
			 (a->flags & 2 ? ABI_IOAS_WRITEABLE : 0),
		.ioas_id = a->ioas,
		.reserved = a->reserved,
		.user_va = a->vaddr,
		.length = a->length,
		.iova = a->iova,
	};

	if (space->mode == NATIVE)
		return ioctl(space->fd, ABI_IOMMU_IOAS_MAP, &ioas_map);
	return ioctl(space->fd, VFIO_IOMMU_MAP_DMA, &map);
}

/* The first wrong thing alone, then each later one beside it. */
static void attempt_each(const struct space *space, long i)
{
	char *first = pages(1), *second = pages(2);

	for (long n = i; n < WRONGS; n++) {
		struct attempt a = {
			.size = sizeof(struct vfio_iommu_type1_dma_map),
			.flags = RW,
			.ioas = space->ioas,
			.vaddr = (uintptr_t)second,
			.iova = 2 * A,
			.length = PAGE,
		};

		need(!space_map(space, RW, first, A, PAGE), "map");
		if (wrongs[i].spoil)
			wrongs[i].spoil(&a);
		if (n != i)
			wrongs[n].spoil(&a);
		outcome(wrongs[n].name, attempt(space, &a));
		space_clear(space);
	}
	result(0);
}

/* Shows M9, M10. */
static void with(enum mode mode, long i)
{
	struct space space = space_open(mode, 1);

	attempt_each(&space, i);
}

/* Memory is not looked at before a device is there. */
/* Shows M9. */
static void without_a_device(enum mode mode, long i)
{
	struct space space = space_open(mode, 0);

	attempt_each(&space, i);
}

BY_MODE(with, label)
BY_MODE(without_a_device, label)

static const struct conf_case cases[] = {
	EACH_OF_TYPE1(with),
	EACH_OF_TYPE1(without_a_device),
};

static const struct conf_case iommufd_cases[] = {
	EACH_OF_IOMMUFD(with),
	EACH_OF_IOMMUFD(without_a_device),
};

TABLE(table_map_wrong, "map_wrong", cases);
TABLE_OF(table_map_wrong_iommufd, "map_wrong", iommufd_cases, has_cdev);

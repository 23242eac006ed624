/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of type1 on an iommufd: where they are not those of type1. */
#include "space.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define A   0x100000ull
#define RW  3u
#define ALL VFIO_DMA_UNMAP_FLAG_ALL
#define MSI 0xfee00000ull

static int device_of(const struct space *space)
{
	return device_open(space->groups[0], 0) < 0 ? -1 : 0;
}

static int unmap(const struct space *space, uint32_t flags, uint64_t iova,
		 uint64_t size)
{
	uint64_t left = size;
	int ret = dma_unmap(space->fd, flags, iova, &left);

	outcome("unmap", ret);
	if (left != size)
		report("+%llx", (unsigned long long)left);
	return ret;
}

/* Maps that no page table can refuse yet, and the device that comes. */
static const struct {
	const char *name;
	uint32_t flags;
	uint64_t vaddr, iova,
		size; /* vaddr below a page: good, and an offset */
} early[] = {
	{"good", RW, 0, A, PAGE},
	{"without_rights", 0, 0, A, PAGE},
	{"for_reading", 1, 0, A, PAGE},
	{"for_writing", 2, 0, A, PAGE},
	{"bad_memory", RW, PAGE, A, PAGE},
	{"kernel_memory", RW, 0xffffffff81000000ull, A, PAGE},
	{"odd_memory", RW, 1, A, PAGE},
	{"odd_iova", RW, 0, A + 1, PAGE},
	{"odd_size", RW, 0, A, PAGE + 1},
	{"both_odd", RW, 16, A + 16, PAGE},
	{"size_0", RW, 0, A, 0},
	{"size_1", RW, 0, A, 1},
	{"msi", RW, 0, MSI, PAGE},
	{"before_msi", RW, 0, MSI - PAGE, PAGE},
	{"into_msi", RW, 0, MSI - PAGE, 2 * PAGE},
	{"aperture", RW, 0, 1ull << 39, PAGE},
	{"below_the_aperture", RW, 0, (1ull << 39) - PAGE, PAGE},
	{"last_page", RW, 0, -PAGE, PAGE},
	{"last_page_but_one", RW, 0, -2 * PAGE, PAGE},
	{"wraps", RW, 0, -PAGE, 2 * PAGE},
	{"vaddr_flag", 4, 0, A, PAGE},
};

static const char *early_label(long i)
{
	return i < (long)COUNT(early) ? early[i].name : NULL;
}

/* Shows M40. */
static void mapped_before(enum mode mode, long i)
{
	struct space space = space_open(mode, 0);
	uint64_t vaddr = early[i].vaddr;

	if (vaddr == PAGE)
		vaddr = (uintptr_t)bad_pointer();
	else if (vaddr < PAGE)
		vaddr += (uintptr_t)pages(3);
	result(dma_map(space.fd, early[i].flags, (void *)(uintptr_t)vaddr,
		       early[i].iova, early[i].size));
	outcome("device", device_of(&space));
	unmap(&space, 0, early[i].iova, early[i].size);
	outcome("again", device_of(&space));
	unmap(&space, ALL, 0, 0);
	outcome("map",
		dma_map(space.fd, early[i].flags, (void *)(uintptr_t)vaddr,
			early[i].iova, early[i].size));
}

/* Unmaps off the grid; eight pages are mapped at A. */
static const struct {
	const char *name;
	uint32_t flags;
	uint64_t iova, size;
} unmaps[] = {
	{"exact", 0, A, 8 * PAGE},
	{"size_0", 0, A, 0},
	{"all", ALL, 0, 0},
	{"all_with_iova", ALL, A, 0},
	{"all_with_size", ALL, 0, PAGE},
	{"all_odd", ALL, 1, 1},
	{"dirty_flag", 1, A, 8 * PAGE},
	{"vaddr_flag", 4, A, 8 * PAGE},
	{"flag_3", 8, A, 8 * PAGE},
	{"everything", 0, 0, ~0ull},
	{"everything_but_a_byte", 0, 0, ~0ull - 1},
	{"everything_but_a_page", 0, 0, -PAGE},
	{"to_the_top", 0, A, -A},
	{"wraps", 0, A, -A + PAGE},
	{"first_byte", 0, A, 1},
	{"first_two_bytes", 0, A, 2},
	{"last_byte", 0, A + 8 * PAGE - 1, 1},
	{"odd_end", 0, A, 2 * PAGE + 1},
	{"odd_start", 0, A + 1, 8 * PAGE - 1},
	{"odd_both", 0, A + 1, PAGE},
	{"half_page", 0, A, 2048},
	{"half_page_inside", 0, A + PAGE, 2048},
	{"from_a_byte_before", 0, A - 1, 8 * PAGE + 1},
	{"to_a_byte_behind", 0, A, 8 * PAGE + 1},
	{"odd_cut_behind_good_one", 0, A + PAGE, PAGE + 1},
	{"nothing", 0, 2 * A, PAGE},
	{"nothing_odd", 0, 2 * A + 1, 1},
	{"beyond_the_aperture", 0, 1ull << 60, PAGE},
};

static const char *unmap_label(long i)
{
	return i < (long)COUNT(unmaps) ? unmaps[i].name : NULL;
}

/* Shows M22, M66. */
static void unmap_odd(enum mode mode, long i)
{
	struct space space = space_open(mode, 1);
	uint64_t size = unmaps[i].size;

	need(!space_map(&space, RW, pages(8), A, 8 * PAGE), "map");
	result(dma_unmap(space.fd, unmaps[i].flags, unmaps[i].iova, &size));
	if (size != unmaps[i].size)
		hex("size", size);
	report(" mapped=");
	for (uint64_t n = 0; n < 8; n++)
		report("%d", space_is_mapped(&space, A + n * PAGE));
}

static void argument_of(enum mode mode, long len)
{
	struct space space = space_open(mode, 1);
	struct vfio_iommu_type1_dma_map map = {.argsz = 32 + (uint32_t)len - 2,
					       .flags = RW,
					       .vaddr = (uintptr_t)pages(1),
					       .iova = A,
					       .size = PAGE};
	struct vfio_iommu_type1_dma_unmap gone = {
		.argsz = 24 + (uint32_t)len - 2, .iova = A, .size = PAGE};

	result(ioctl(space.fd, VFIO_IOMMU_MAP_DMA, &map));
	outcome("unmap", ioctl(space.fd, VFIO_IOMMU_UNMAP_DMA, &gone));
	outcome("dirty", ioctl(space.fd, VFIO_IOMMU_DIRTY_PAGES, &gone));
	outcome("null", ioctl(space.fd, VFIO_IOMMU_MAP_DMA, NULL));
	outcome("null", ioctl(space.fd, VFIO_IOMMU_UNMAP_DMA, NULL));
	outcome("enable", ioctl(space.fd, VFIO_IOMMU_ENABLE));
	outcome("register",
		ioctl(space.fd, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, &gone));
}

static const char *argument_label(long i)
{
	static const char *const labels[] = {
		"two_less", "one_less", "exact", "one_more", "two_more",
	};

	return i < (long)COUNT(labels) ? labels[i] : NULL;
}

/* A space that became type1 v1 cuts what it unmaps ever after. */
static void v1_remains(void)
{
	struct space space = space_open(C1, 1);

	result(ioctl(space.fd, VFIO_SET_IOMMU, 3ul));
	need(!dma_map(space.fd, RW, pages(8), A, 8 * PAGE), "map");
	unmap(&space, 0, A + PAGE, PAGE);
	outcome("v1", ioctl(space.fd, VFIO_SET_IOMMU, 1ul));
	unmap(&space, ALL, 0, 0);
	outcome("v1", ioctl(space.fd, VFIO_SET_IOMMU, 1ul));
}

static void v2_becomes_v1(void)
{
	struct space space = space_open(C2, 1);

	need(!dma_map(space.fd, RW, pages(8), A, 8 * PAGE), "map");
	result(ioctl(space.fd, VFIO_SET_IOMMU, 1ul));
	unmap(&space, 0, A + PAGE, PAGE);
	unmap(&space, ALL, 0, 0);
	outcome("empty", ioctl(space.fd, VFIO_SET_IOMMU, 1ul));
	need(!dma_map(space.fd, RW, pages(8), A, 8 * PAGE), "map");
	unmap(&space, 0, A + PAGE, PAGE);
}

static void huge_pages_end_v1(void)
{
	struct space space = space_open(C1, 0);
	struct abi_vfio_ioas ask = {.size = sizeof(ask)};
	struct abi_option option = {.size = sizeof(option),
				    .option_id = ABI_OPTION_HUGE_PAGES,
				    .op = ABI_OPTION_SET,
				    .val64 = 1};

	need(!ioctl(space.fd, ABI_IOMMU_VFIO_IOAS, &ask), "get");
	option.object_id = ask.ioas_id;
	need(!dma_map(space.fd, RW, pages(8), A, 8 * PAGE), "map");
	result(ioctl(space.fd, ABI_IOMMU_OPTION, &option));
	unmap(&space, 0, A + PAGE, PAGE);
}

/* Shows M38. */
static void maps_outlive_the_group(void)
{
	struct space space = space_open(C2, 1);

	need(!dma_map(space.fd, RW, pages(8), A, 8 * PAGE), "map");
	close(space.devices[0]);
	need(!ioctl(space.groups[0], VFIO_GROUP_UNSET_CONTAINER), "unset");
	result(dma_map(space.fd, RW, pages(8), A, 8 * PAGE));
	outcome("set", group_attach(space.groups[0], space.fd));
	outcome("v2", ioctl(space.fd, VFIO_SET_IOMMU, 3ul));
	outcome("map", dma_map(space.fd, RW, pages(8), A, 8 * PAGE));
	outcome("device", device_of(&space));
	unmap(&space, 0, A, 8 * PAGE);
}

/* The space may be chosen, cleared, and destroyed under the container. */
static void another_space(void)
{
	struct space space = space_open(C2, 1);
	struct abi_vfio_ioas ask = {.size = sizeof(ask)};
	uint32_t first;

	need(!ioctl(space.fd, ABI_IOMMU_VFIO_IOAS, &ask), "get");
	first = ask.ioas_id;
	need(!dma_map(space.fd, RW, pages(1), A, PAGE), "map");
	ask.ioas_id = ioas_alloc(space.fd);
	ask.op = 1;
	result(ioctl(space.fd, ABI_IOMMU_VFIO_IOAS, &ask));
	unmap(&space, 0, A, PAGE);
	outcome("odd", dma_map(space.fd, RW, pages(1), A + 1, PAGE));
	outcome("destroy", iommufd_destroy(space.fd, first));
	close(space.devices[0]);
	outcome("destroy", iommufd_destroy(space.fd, first));
	outcome("odd", device_of(&space));
	unmap(&space, ALL, 0, 0);
	outcome("device", device_of(&space));
}

/* Shows M66. */
static void no_space(void)
{
	struct space space = space_open(C2, 1);
	struct abi_vfio_ioas ask = {.size = sizeof(ask), .op = 2};
	struct vfio_iommu_type1_info info = {.argsz = sizeof(info)};

	result(ioctl(space.fd, ABI_IOMMU_VFIO_IOAS, &ask));
	outcome("info", ioctl(space.fd, VFIO_IOMMU_GET_INFO, &info));
	outcome("map", dma_map(space.fd, RW, pages(1), A, PAGE));
	outcome("bad", dma_map(space.fd, 8, NULL, 1, 0));
	unmap(&space, 0, A, PAGE);
	unmap(&space, ALL, 0, 0);
	unmap(&space, ALL, A, 0);
	outcome("v2", ioctl(space.fd, VFIO_SET_IOMMU, 3ul));
	outcome("coherency", ioctl(space.fd, VFIO_CHECK_EXTENSION, 4ul));
	outcome("dirty", ioctl(space.fd, VFIO_IOMMU_DIRTY_PAGES, NULL));
	close(space.devices[0]);
	outcome("device", device_of(&space));
}

/* Both kinds of calls see the same space. */
static void native_calls_beside(void)
{
	struct space space = space_open(C2, 1);
	struct abi_vfio_ioas ask = {.size = sizeof(ask)};
	struct abi_ioas_map map = {
		.size = sizeof(map),
		.flags = ABI_IOAS_READABLE | ABI_IOAS_WRITEABLE,
		.user_va = (uintptr_t)pages(4),
		.length = 4 * PAGE,
	};

	need(!ioctl(space.fd, ABI_IOMMU_VFIO_IOAS, &ask), "get");
	map.ioas_id = ask.ioas_id;
	result(ioctl(space.fd, ABI_IOMMU_IOAS_MAP, &map));
	outcome("meets", dma_map(space.fd, RW, pages(1), map.iova, PAGE));
	unmap(&space, 0, map.iova, 4 * PAGE);
	need(!dma_map(space.fd, RW, pages(2), A, 2 * PAGE), "map");
	outcome("half", ioas_unmap(space.fd, ask.ioas_id, A, PAGE));
	outcome("native", ioas_unmap(space.fd, ask.ioas_id, A, 2 * PAGE));
	outcome("destroy", iommufd_destroy(space.fd, ask.ioas_id));
}

static void of_bar_memory(void)
{
	struct space space = space_open(C2, 1);
	void *bar =
		bar_map(space.devices[0], EDU_BAR_SIZE, PROT_READ | PROT_WRITE);

	result(dma_map(space.fd, RW, bar, A, PAGE));
	value("mapped", space_is_mapped(&space, A));
}

BY_COMPAT(mapped_before, early_label)
BY_COMPAT(unmap_odd, unmap_label)
BY_COMPAT(argument_of, argument_label)

static const struct conf_case cases[] = {
	EACH_OF_IOMMUFD(mapped_before),
	EACH_OF_IOMMUFD(unmap_odd),
	EACH_OF_IOMMUFD(argument_of),
	CASE(v1_remains),
	CASE(v2_becomes_v1),
	CASE(huge_pages_end_v1),
	CASE(maps_outlive_the_group),
	CASE(another_space),
	CASE(no_space),
	CASE(native_calls_beside),
	CASE(of_bar_memory),
};

TABLE_OF(table_compat, "compat", cases, has_cdev);

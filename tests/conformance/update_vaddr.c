/* SPDX-License-Identifier: BSD-3-Clause */
/* Invalidating a mapping's address and giving it a new one. */
#include "lib.h"

#include <string.h>
#include <sys/ioctl.h>

#define A     0x100000ull
#define LEN   (4 * PAGE)
#define VADDR VFIO_DMA_UNMAP_FLAG_VADDR

static struct session mapped(void)
{
	struct session s = session_iommu(VFIO_TYPE1v2_IOMMU);

	need(!dma_map(s.container, 3, pages(4), A, LEN), "map");
	return s;
}

static struct session invalidated(void)
{
	struct session s = mapped();
	uint64_t size = LEN;

	need(!dma_unmap(s.container, VADDR, A, &size), "invalidate");
	return s;
}

static int update(int container, uint64_t iova, uint64_t size)
{
	return dma_map(container, VFIO_DMA_MAP_FLAG_VADDR, pages(16), iova,
		       size);
}

static void round_trip(void)
{
	struct session s = invalidated();

	result(update(s.container, A, LEN));
	outcome("again", update(s.container, A, LEN));
	hex("left", dma_unmap_all(s.container));
}

static void invalidate_twice(void)
{
	struct session s = invalidated();
	uint64_t size = LEN;

	result(dma_unmap(s.container, VADDR, A, &size));
	hex("size", size);
	outcome("update", update(s.container, A, LEN));
}

static void update_of_a_valid_mapping(void)
{
	struct session s = mapped();

	result(update(s.container, A, LEN));
}

static void update_of_nothing(void)
{
	struct session s = invalidated();

	result(update(s.container, 2 * A, LEN));
}

static void update_with_another_size(void)
{
	struct session s = invalidated();

	result(update(s.container, A, LEN / 2));
	outcome("longer", update(s.container, A, 2 * LEN));
}

static void update_with_another_iova(void)
{
	struct session s = invalidated();

	result(update(s.container, A + PAGE, LEN - PAGE));
	outcome("before", update(s.container, A - PAGE, LEN));
}

/* Shows M29. */
static void unmap_of_an_invalid_mapping(void)
{
	struct session s = invalidated();
	uint64_t size = LEN;

	result(dma_unmap(s.container, 0, A, &size));
	hex("size", size);
}

static void map_elsewhere_while_invalid(void)
{
	struct session s = invalidated();

	result(dma_map(s.container, 3, pages(1), 2 * A, PAGE));
	outcome("over", dma_map(s.container, 3, pages(1), A, PAGE));
}

/* Shows M29. */
static void attach_while_invalid(void)
{
	struct session s = invalidated();
	int g = group_open(1);

	result(group_attach(g, s.container));
	outcome("update", update(s.container, A, LEN));
	outcome("again", group_attach(g, s.container));
}

static const struct conf_case cases[] = {
	CASE(round_trip),
	CASE(invalidate_twice),
	CASE(update_of_a_valid_mapping),
	CASE(update_of_nothing),
	CASE(update_with_another_size),
	CASE(update_with_another_iova),
	CASE(unmap_of_an_invalid_mapping),
	CASE(map_elsewhere_while_invalid),
	CASE(attach_while_invalid),
};

TABLE(table_update_vaddr, "update_vaddr", cases);

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The edges of the ranges that GET_INFO names: what can be mapped up to
 * them, over them and beyond, and how it is unmapped.
 */
#include "space.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define MOST 8 /* ranges */

struct range {
	uint64_t start, last;
};

static int ranges(int fd, struct range list[MOST])
{
	unsigned char *buf = pages(1);
	struct vfio_iommu_type1_info *info = (void *)buf;
	uint32_t off, count = 0;

	info->argsz = PAGE;
	need(!ioctl(fd, VFIO_IOMMU_GET_INFO, info), "get-info");
	for (off = info->cap_offset; off && off < PAGE - 64;) {
		struct vfio_info_cap_header *head = (void *)(buf + off);

		if (head->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
			memcpy(&count, buf + off + 8, 4);
			need(count && count <= MOST, "ranges");
			memcpy(list, buf + off + 16, count * sizeof(*list));
		}
		off = head->next;
	}
	need(count, "ranges");
	return (int)count;
}

static void unmap(const struct space *space, uint64_t iova, uint64_t size)
{
	uint64_t left = size;

	outcome("unmap", space_unmap(space, iova, &left));
	report("+%llx", (unsigned long long)left);
}

/* What lies at an edge is looked for from that edge, in pages. */
static const struct {
	const char *name;
	int is_last;
	int64_t first;
	uint64_t count;
} places[] = {
	{"first_page", 0, 0, 1},         {"two_first_pages", 0, 0, 2},
	{"page_before", 0, -1, 1},       {"over_the_start", 0, -1, 2},
	{"last_page", 1, -1, 1},         {"two_last_pages", 1, -2, 2},
	{"page_behind", 1, 0, 1},        {"over_the_end", 1, -1, 2},
	{"second_page_behind", 1, 1, 1}, {"far_over_the_end", 1, -4, 8},
};

static const char *label(long i)
{
	return i < (long)COUNT(places) ? places[i].name : NULL;
}

static uint64_t place_of(const struct range *range, long i)
{
	uint64_t edge = places[i].is_last ? range->last + 1 : range->start;

	return edge + (uint64_t)places[i].first * PAGE;
}

/* Shows M13. */
static void at_each_edge(enum mode mode, long i)
{
	struct space space = space_open(mode, 1);
	uint64_t size = places[i].count * PAGE;
	struct range list[MOST];
	int count = ranges(space.fd, list);
	char *memory = pages(8);

	for (int n = 0; n < count; n++) {
		uint64_t iova = place_of(&list[n], i);

		outcome("map", space_map(&space, 3, memory, iova, size));
		outcome("again", space_map(&space, 3, memory, iova, PAGE));
		unmap(&space, iova, size);
		hex("left", dma_unmap_all(space.fd));
	}
	result(0);
}

/* Ways to unmap what ends where the last range does. */
static void from_the_last_page(enum mode mode, long i)
{
	struct space space = space_open(mode, 1);
	struct range list[MOST];
	int count = ranges(space.fd, list);
	uint64_t iova = list[count - 1].last + 1 - 2 * PAGE;
	char *memory = pages(2);

	need(!space_map(&space, 3, memory, iova, PAGE), "map");
	outcome("map", space_map(&space, 3, memory, iova + PAGE, PAGE));
	switch (i) {
	case 0:
		unmap(&space, iova, 2 * PAGE);
		break;
	case 1:
		unmap(&space, iova + PAGE, PAGE);
		break;
	case 2:
		unmap(&space, iova, PAGE);
		break;
	case 3:
		unmap(&space, 0, iova + 2 * PAGE);
		break;
	case 4:
		unmap(&space, 0, iova + PAGE);
		break;
	case 5:
		unmap(&space, iova + PAGE, 2 * PAGE);
		break;
	default:
		unmap(&space, PAGE, -2 * PAGE);
	}
	hex("left", dma_unmap_all(space.fd));
	result(0);
}

static const char *way_label(long i)
{
	static const char *const labels[] = {
		"both",
		"last",
		"first",
		"all_below",
		"all_but_last",
		"beyond",
		"from_the_second_page",
	};

	return i < (long)COUNT(labels) ? labels[i] : NULL;
}

/* What is mapped at the end does not keep another group out. */
static void a_group_joins(enum mode mode, long i)
{
	struct space space = space_open(mode, 1);
	struct range list[MOST];
	int count = ranges(space.fd, list);
	uint64_t iova = list[i ? count - 1 : 0].last + 1 - PAGE;

	outcome("map", space_map(&space, 3, pages(1), iova, PAGE));
	space_add(&space);
	unmap(&space, iova, PAGE);
	hex("left", dma_unmap_all(space.fd));
	result(ranges(space.fd, list));
}

static const char *edge_label(long i)
{
	static const char *const labels[] = {"first", "last"};

	return i < (long)COUNT(labels) ? labels[i] : NULL;
}

BY_TYPE1(at_each_edge, label)
BY_TYPE1(from_the_last_page, way_label)
BY_TYPE1(a_group_joins, edge_label)
BY_COMPAT(at_each_edge, label)
BY_COMPAT(from_the_last_page, way_label)
BY_COMPAT(a_group_joins, edge_label)

static const struct conf_case cases[] = {
	EACH_OF_TYPE1(at_each_edge),
	EACH_OF_TYPE1(from_the_last_page),
	EACH_OF_TYPE1(a_group_joins),
};

static const struct conf_case iommufd_cases[] = {
	EACH_OF_IOMMUFD(at_each_edge),
	EACH_OF_IOMMUFD(from_the_last_page),
	EACH_OF_IOMMUFD(a_group_joins),
};

TABLE(table_aperture, "aperture", cases);
TABLE_OF(table_aperture_iommufd, "aperture", iommufd_cases, has_cdev);

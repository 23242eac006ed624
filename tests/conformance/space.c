/* SPDX-License-Identifier: BSD-3-Clause */
#include "space.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LOAD   0x8000000ull /* where devices fetch their pattern */
#define LEN    16u
#define MASTER 0x4

static const unsigned char pattern[LEN] = "what edu writes";

const char *mode_name(enum mode mode)
{
	static const char *const names[MODES] = {"v1", "v2", "c1", "c2",
						 "native"};

	return names[mode];
}

const char *mode_label(long i, enum mode first, long modes,
		       const char *(*label)(long arg))
{
	static char text[128];
	const char *rest = label(i / modes);

	if (!rest)
		return NULL;
	snprintf(text, sizeof(text), "%s_%s",
		 mode_name((enum mode)((long)first + i % modes)), rest);
	return text;
}

static void add_native(struct space *space)
{
	int cdev = cdev_open(space->count);

	cdev_id(cdev, space->fd);
	need(!cdev_attach(cdev, space->ioas), "attach");
	space->groups[space->count] = -1;
	space->devices[space->count++] = cdev;
}

static void set_type(const struct space *space)
{
	unsigned long type = space->mode == V1 || space->mode == C1
				     ? VFIO_TYPE1_IOMMU
				     : VFIO_TYPE1v2_IOMMU;

	need(!ioctl(space->fd, VFIO_SET_IOMMU, type), "set-iommu");
}

/* The group of the next device, in the container or iommufd. */
static int add_group(struct space *space, int dev)
{
	int group;

	if (dev == MEMBER_B)
		return space->groups[MEMBER_A];
	group = group_open(dev);
	need(!group_attach(group, space->fd), "set-container");
	if (!dev)
		set_type(space);
	return group;
}

void space_add(struct space *space)
{
	int dev = space->count;

	if (space->mode == NATIVE) {
		add_native(space);
		return;
	}
	if (dev)
		space->groups[dev] = add_group(space, dev);
	space->devices[dev] = device_open(space->groups[dev], dev);
	need(space->devices[dev] >= 0, "get-device-fd");
	space->count++;
}

struct space space_open(enum mode mode, int devices)
{
	struct space space = {.mode = mode};

	space.fd = mode <= V2 ? container_open() : iommufd_open();
	if (mode == NATIVE)
		space.ioas = ioas_alloc(space.fd);
	else
		space.groups[0] = add_group(&space, 0);
	while (space.count < devices)
		space_add(&space);
	return space;
}

int space_map(const struct space *space, uint32_t rights, const void *at,
	      uint64_t iova, uint64_t size)
{
	struct abi_ioas_map map = {
		.size = sizeof(map),
		.flags = ABI_IOAS_FIXED_IOVA,
		.ioas_id = space->ioas,
		.user_va = (uintptr_t)at,
		.length = size,
		.iova = iova,
	};

	if (space->mode != NATIVE)
		return dma_map(space->fd, rights, at, iova, size);
	if (rights & VFIO_DMA_MAP_FLAG_READ)
		map.flags |= ABI_IOAS_READABLE;
	if (rights & VFIO_DMA_MAP_FLAG_WRITE)
		map.flags |= ABI_IOAS_WRITEABLE;
	return ioctl(space->fd, ABI_IOMMU_IOAS_MAP, &map);
}

int space_unmap(const struct space *space, uint64_t iova, uint64_t *size)
{
	struct abi_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = space->ioas,
		.iova = iova,
		.length = *size,
	};
	int ret;

	if (space->mode != NATIVE)
		return dma_unmap(space->fd, 0, iova, size);
	ret = ioctl(space->fd, ABI_IOMMU_IOAS_UNMAP, &unmap);
	*size = unmap.length;
	return ret;
}

void space_clear(const struct space *space)
{
	uint64_t everything = ~0ull;

	if (space->mode == NATIVE)
		need(!space_unmap(space, 0, &everything), "clear");
	else
		dma_unmap_all(space->fd);
}

/* Finds out by trying to map a page there. */
int space_is_mapped(const struct space *space, uint64_t iova)
{
	static void *page;
	uint64_t size = PAGE;

	if (!page)
		page = pages(1);
	if (space_map(space, 3, page, iova, PAGE)) {
		need(errno == EEXIST, "probe");
		return 1;
	}
	need(!space_unmap(space, iova, &size), "probe-unmap");
	return 0;
}

static void edu_start(int device, uint64_t src, uint64_t dst, uint32_t flags)
{
	edu_write(device, EDU_DMA_SRC, (uint32_t)src);
	edu_write(device, EDU_DMA_DST, (uint32_t)dst);
	edu_write(device, EDU_DMA_LEN, LEN);
	edu_write(device, EDU_DMA_CMD, 1u | flags);
}

static void edu_wait(int device)
{
	for (int i = 0; i < 2000; i++) {
		if (!(edu_read(device, EDU_DMA_CMD) & 1))
			return;
		usleep(2500);
	}
	need(0, "dma");
}

void space_load(const struct space *space)
{
	unsigned char *p = pages(1);
	uint64_t size = PAGE;

	memcpy(p, pattern, LEN);
	need(!space_map(space, 3, p, LOAD, PAGE), "map-load");
	for (int i = 0; i < space->count; i++) {
		edu_quiet(space->devices[i]);
		cfg_command(space->devices[i], 0, MASTER);
		edu_start(space->devices[i], LOAD, EDU_DMA_BUF, 0);
	}
	for (int i = 0; i < space->count; i++)
		edu_wait(space->devices[i]);
	need(!space_unmap(space, LOAD, &size), "unmap-load");
}

void space_reach(const struct space *space, char *text, unsigned char *memory,
		 uint64_t iova, const unsigned int *at, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		unsigned int dev = i % (unsigned int)space->count;

		if (!dev && i)
			for (int d = 0; d < space->count; d++)
				edu_wait(space->devices[d]);
		memset(memory + at[i] * PAGE, 0, LEN);
		edu_start(space->devices[dev], EDU_DMA_BUF, iova + at[i] * PAGE,
			  2);
	}
	for (int d = 0; d < space->count; d++)
		edu_wait(space->devices[d]);
	for (unsigned int i = 0; i < count; i++)
		text[i] =
			memcmp(memory + at[i] * PAGE, pattern, LEN) ? '0' : '1';
	text[count] = '\0';
}

static const struct layout layouts[] = {
	{"single", {{4, 4}}},
	{"adjacent", {{3, 3}, {6, 3}}},
	{"holed", {{2, 3}, {7, 3}}},
	{"three", {{1, 2}, {4, 1}, {5, 4}}},
};

#define LAYOUTS ((long)COUNT(layouts))

const struct layout *layout_of(long i)
{
	return &layouts[i % LAYOUTS];
}

uint64_t layout_start(long i)
{
	return (uint64_t)(i / LAYOUTS);
}

const char *layout_label(long i)
{
	static char text[64];

	if (i / LAYOUTS >= LAYOUT_SPAN - 1)
		return NULL;
	snprintf(text, sizeof(text), "%s_from_%ld", layout_of(i)->label,
		 i / LAYOUTS);
	return text;
}

void layout_map(const struct space *space, const struct layout *layout,
		char *memory, uint64_t iova)
{
	for (int n = 0; n < LAYOUT_PARTS; n++) {
		size_t first = layout->parts[n].first * PAGE;

		if (layout->parts[n].count)
			need(!space_map(space, 3, memory + first, iova + first,
					layout->parts[n].count * PAGE),
			     "map");
	}
}

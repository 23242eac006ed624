/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every UNMAP with VADDR of whole pages around a few mappings, and what a
 * second process, or other memory, may put in.
 */
#include "space.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define A      0x100000ull
#define VADDR  VFIO_DMA_UNMAP_FLAG_VADDR
#define UPDATE VFIO_DMA_MAP_FLAG_VADDR

/* A mapping takes an address again when it has lost its own. */
static void show_invalid(const struct space *space, const struct layout *layout,
			 char *memory)
{
	for (int n = 0; n < LAYOUT_PARTS; n++) {
		unsigned int first = layout->parts[n].first;

		if (layout->parts[n].count)
			report("%d",
			       !dma_map(space->fd, UPDATE,
					memory + first * PAGE, A + first * PAGE,
					layout->parts[n].count * PAGE));
	}
}

static void invalidate_from(enum mode mode, long i)
{
	struct space space = space_open(mode, 0);
	const struct layout *layout = layout_of(i);
	uint64_t start = layout_start(i);
	char *memory = pages(LAYOUT_SPAN);

	layout_map(&space, layout, memory, A);
	for (uint64_t n = 1; n <= LAYOUT_SPAN - start; n++) {
		uint64_t size = n * PAGE;

		outcome("n",
			dma_unmap(space.fd, VADDR, A + start * PAGE, &size));
		report("+%llu:", (unsigned long long)(size / PAGE));
		show_invalid(&space, layout, memory);
	}
	result(0);
}

/* The middle mapping is invalid already. */
static void invalidate_beside_another(long first)
{
	const struct layout *layout = layout_of(3);
	struct space space = space_open(V2, 0);
	char *memory = pages(LAYOUT_SPAN);

	layout_map(&space, layout, memory, A);
	for (uint64_t n = 1; n <= LAYOUT_SPAN - (uint64_t)first; n++) {
		uint64_t size = PAGE;

		need(!dma_unmap(space.fd, VADDR, A + 4 * PAGE, &size),
		     "invalidate");
		size = n * PAGE;
		outcome("n", dma_unmap(space.fd, VADDR,
				       A + (uint64_t)first * PAGE, &size));
		report("+%llu:", (unsigned long long)(size / PAGE));
		show_invalid(&space, layout, memory);
	}
	result(0);
}

/* Updates that are right or wrong; four pages at A are invalid. */
static const struct {
	const char *name;
	uint32_t flags;
	uint64_t vaddr_off, iova, size;
} updates[] = {
	{"right", UPDATE, 0, A, 4 * PAGE},
	{"with_read", UPDATE | 1, 0, A, 4 * PAGE},
	{"with_write", UPDATE | 2, 0, A, 4 * PAGE},
	{"with_flag_3", UPDATE | 8, 0, A, 4 * PAGE},
	{"vaddr_odd", UPDATE, 1, A, 4 * PAGE},
	{"vaddr_half_page", UPDATE, 2048, A, 4 * PAGE},
	{"iova_odd", UPDATE, 0, A + 1, 4 * PAGE},
	{"size_0", UPDATE, 0, A, 0},
	{"size_odd", UPDATE, 0, A, 4 * PAGE - 1},
	{"first_page", UPDATE, 0, A, PAGE},
	{"last_page", UPDATE, 0, A + 3 * PAGE, PAGE},
	{"inside", UPDATE, 0, A + PAGE, PAGE},
	{"longer", UPDATE, 0, A, 5 * PAGE},
	{"from_before", UPDATE, 0, A - PAGE, 5 * PAGE},
	{"around", UPDATE, 0, A - PAGE, 6 * PAGE},
	{"touching_before", UPDATE, 0, A - PAGE, PAGE},
	{"touching_behind", UPDATE, 0, A + 4 * PAGE, PAGE},
	{"elsewhere", UPDATE, 0, 2 * A, 4 * PAGE},
	{"in_the_msi_window", UPDATE, 0, 0xfee00000, PAGE},
	{"wraps", UPDATE, 0, -PAGE, 2 * PAGE},
	{"map_over_it", 3, 0, A, 4 * PAGE},
};

static const char *update_label(long i)
{
	return i < (long)COUNT(updates) ? updates[i].name : NULL;
}

/* Shows M28. */
static void update(enum mode mode, long i)
{
	struct space space = space_open(mode, 0);
	uint64_t size = 4 * PAGE;
	char *memory = pages(8);

	need(!dma_map(space.fd, 3, memory, A, size), "map");
	need(!dma_unmap(space.fd, VADDR, A, &size), "invalidate");
	result(dma_map(space.fd, updates[i].flags,
		       memory + updates[i].vaddr_off, updates[i].iova,
		       updates[i].size));
	outcome("then", dma_map(space.fd, UPDATE, memory, A, 4 * PAGE));
	hex("left", dma_unmap_all(space.fd));
}

/* The new address is taken as it is. */
static void update_with_memory(long i)
{
	struct space space = space_open(V2, 0);
	uint64_t size = 4 * PAGE;
	char *memory = pages(4);
	void *at[] = {NULL, bad_pointer(), (void *)0xffffffff81000000ul,
		      (void *)(-4 * PAGE), (void *)(-3 * PAGE)};

	need(!dma_map(space.fd, 3, memory, A, size), "map");
	need(!dma_unmap(space.fd, VADDR, A, &size), "invalidate");
	result(dma_map(space.fd, UPDATE, at[i], A, 4 * PAGE));
	size = 4 * PAGE;
	outcome("again", dma_unmap(space.fd, VADDR, A, &size));
	hex("left", dma_unmap_all(space.fd));
}

static const char *const memories[] = {"nowhere", "without_rights", "kernel",
				       "that_ends_at_the_top", "that_wraps"};

static const char *memory_label(long i)
{
	return i < (long)COUNT(memories) ? memories[i] : NULL;
}

static void all_of(enum mode mode, long count)
{
	struct space space = space_open(mode, 0);
	char *memory = pages(8);
	uint64_t size = 0;

	for (long i = 0; i < count; i++)
		need(!dma_map(space.fd, 3, memory, A + 2 * i * PAGE, PAGE),
		     "map");
	result(dma_unmap(space.fd, VADDR | VFIO_DMA_UNMAP_FLAG_ALL, 0, &size));
	hex("size", size);
	size = 0;
	outcome("again",
		dma_unmap(space.fd, VADDR | VFIO_DMA_UNMAP_FLAG_ALL, 0, &size));
	hex("size", size);
	outcome("update", dma_map(space.fd, UPDATE, memory, A, PAGE));
	hex("left", dma_unmap_all(space.fd));
}

static const char *count_label(long i)
{
	static const char *const labels[] = {"none", "one", "two", "three"};

	return i < (long)COUNT(labels) ? labels[i] : NULL;
}

/* Another process gives its own mapping of the same file; DMA goes on. */
/* Shows M27. */
static void by_a_child(void)
{
	struct space space = space_open(V2, 1);
	int fd = memfd_create("memory", 0), status;
	static const unsigned int at[] = {0, 1};
	uint64_t size = 2 * PAGE;
	unsigned char *p, *q;
	char text[4];
	pid_t pid;

	need(fd >= 0 && !ftruncate(fd, 2 * PAGE), "memfd");
	p = mmap(NULL, 2 * PAGE, 3, MAP_SHARED, fd, 0);
	q = mmap(NULL, 2 * PAGE, 3, MAP_SHARED, fd, 0);
	need(p != MAP_FAILED && q != MAP_FAILED, "mmap");
	space_load(&space);
	need(!dma_map(space.fd, 3, p, A, size), "map");
	need(!dma_unmap(space.fd, VADDR, A, &size), "invalidate");
	space_reach(&space, text, q, A, at, 2);
	report(" invalid=%s", text);
	pid = fork();
	if (!pid) {
		munmap(p, 2 * PAGE);
		result(dma_map(space.fd, UPDATE, q, A, 2 * PAGE));
		space_reach(&space, text, q, A, at, 2);
		report(" child=%s", text);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && !status, "wait");
	space_reach(&space, text, p, A, at, 2);
	report(" gone=%s", text);
	outcome("unmap", space_unmap(&space, A, &size));
}

static void extension_when_invalid(void)
{
	struct space space = space_open(V2, 0);
	uint64_t size = PAGE;

	result(ioctl(space.fd, VFIO_CHECK_EXTENSION, 10ul));
	need(!dma_map(space.fd, 3, pages(1), A, PAGE), "map");
	need(!dma_unmap(space.fd, VADDR, A, &size), "invalidate");
	outcome("invalid", ioctl(space.fd, VFIO_CHECK_EXTENSION, 10ul));
}

BY_TYPE1(invalidate_from, layout_label)
BY_TYPE1(update, update_label)
BY_TYPE1(all_of, count_label)

static const struct conf_case cases[] = {
	EACH_OF_TYPE1(invalidate_from),
	RANGE(invalidate_beside_another, 0, 10, 1),
	EACH_OF_TYPE1(update),
	EACH(update_with_memory, memory_label),
	EACH_OF_TYPE1(all_of),
	CASE(by_a_child),
	CASE(extension_when_invalid),
};

TABLE(table_vaddr_grid, "vaddr_grid", cases);

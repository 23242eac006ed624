/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much memory a process without CAP_IPC_LOCK may have mapped: whom it is
 * charged to, and when it is given back.
 */
#include "space.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define A  0x100000ull
#define B  0x200000ull
#define RW 3u
#define R  1u

static void limit(unsigned long count)
{
	struct rlimit limit = {count * PAGE, count * PAGE};

	capability_drop(CAP_IPC_LOCK);
	need(!setrlimit(RLIMIT_MEMLOCK, &limit), "setrlimit");
}

static int map(const struct space *space, const void *at, uint64_t iova,
	       uint64_t count)
{
	return space_map(space, RW, at, iova, count * PAGE);
}

static int unmap(const struct space *space, uint64_t iova, uint64_t count)
{
	uint64_t size = count * PAGE;

	return space_unmap(space, iova, &size);
}

/* What a child gets; its exit status carries the bits. */
static void in_a_child(const struct space *space,
		       void (*act)(const struct space *space))
{
	pid_t pid = fork();
	int status;

	need(pid >= 0, "fork");
	if (!pid) {
		act(space);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && !status, "wait");
}

static void at_the_limit(struct space *space)
{
	char *p = pages(8);

	limit(4);
	result(map(space, p, A, 4));
	outcome("more", map(space, p + 4 * PAGE, B, 1));
	outcome("unmap", unmap(space, A, 4));
	outcome("again", map(space, p, A, 4));
}

static void one_over(struct space *space)
{
	char *p = pages(8);

	limit(4);
	result(map(space, p, A, 5));
	value("mapped", space_is_mapped(space, A));
	outcome("less", map(space, p, A, 4));
}

static void page_by_page(struct space *space)
{
	char *p = pages(8);

	limit(4);
	for (uint64_t i = 0; i < 6; i++)
		outcome("map", map(space, p + i * PAGE, A + i * PAGE, 1));
	outcome("unmap", unmap(space, A + PAGE, 1));
	outcome("map", map(space, p, B, 1));
	result(map(space, p, B + PAGE, 1));
}

static void same_memory_twice(struct space *space)
{
	char *p = pages(8);

	limit(4);
	need(!map(space, p, A, 3), "map");
	result(map(space, p, B, 3));
	outcome("one", map(space, p, B, 1));
	outcome("two", map(space, p, 2 * B, 1));
}

static void limit_0(struct space *space)
{
	limit(0);
	result(map(space, pages(1), A, 1));
}

static void limit_below_a_page(struct space *space)
{
	struct rlimit below = {PAGE - 1, PAGE - 1};

	limit(1);
	need(!setrlimit(RLIMIT_MEMLOCK, &below), "setrlimit");
	result(map(space, pages(1), A, 1));
}

static void limit_above_a_page(struct space *space)
{
	struct rlimit above = {2 * PAGE - 1, 2 * PAGE - 1};

	limit(2);
	need(!setrlimit(RLIMIT_MEMLOCK, &above), "setrlimit");
	result(map(space, pages(1), A, 1));
	outcome("second", map(space, pages(1), B, 1));
}

/* The limit is asked for at each map, and what is mapped stays. */
static void lowered_later(struct space *space)
{
	char *p = pages(8);

	limit(6);
	need(!map(space, p, A, 4), "map");
	limit(2);
	result(map(space, p, B, 1));
	outcome("unmap", unmap(space, A, 4));
	outcome("two", map(space, p, B, 2));
	outcome("three", map(space, p, A, 1));
}

static void soft_limit(struct space *space)
{
	struct rlimit soft = {2 * PAGE, 8 * PAGE};
	char *p = pages(8);

	limit(8);
	need(!setrlimit(RLIMIT_MEMLOCK, &soft), "setrlimit");
	result(map(space, p, A, 3));
	soft.rlim_cur = 4 * PAGE;
	need(!setrlimit(RLIMIT_MEMLOCK, &soft), "setrlimit");
	outcome("raised", map(space, p, A, 3));
}

static void by_rights(struct space *space)
{
	char *p = pages(8);

	limit(2);
	result(space_map(space, R, p, A, 3 * PAGE));
	outcome("read", space_map(space, R, p, A, PAGE));
	outcome("write", space_map(space, 2, p, B, PAGE));
	outcome("more", space_map(space, R, p, 2 * B, PAGE));
}

static void of_a_file(struct space *space)
{
	int fd = memfd_create("memory", 0);
	char *p;

	need(fd >= 0 && !ftruncate(fd, 8 * PAGE), "memfd");
	p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(p != MAP_FAILED, "mmap");
	limit(2);
	result(map(space, p, A, 3));
	outcome("two", map(space, p, A, 2));
}

/* The charge stays when the memory goes. */
static void munmapped(struct space *space)
{
	char *p = pages(4);

	limit(4);
	need(!map(space, p, A, 4), "map");
	need(!munmap(p, 4 * PAGE), "munmap");
	result(map(space, pages(1), B, 1));
	outcome("unmap", unmap(space, A, 4));
	outcome("again", map(space, pages(1), B, 1));
}

static void fails_half_way(struct space *space)
{
	char *p = pages(8);

	limit(4);
	need(!munmap(p + 2 * PAGE, PAGE), "munmap");
	result(map(space, p, A, 4));
	outcome("two", map(space, p, A, 2));
	outcome("four", map(space, p + 3 * PAGE, B, 2));
	outcome("five", map(space, p + 3 * PAGE, 2 * B, 1));
}

static void of_a_superset(struct space *space)
{
	char *p = pages(8);

	limit(4);
	need(!map(space, p, A, 2), "map");
	need(!map(space, p, A + 3 * PAGE, 2), "map");
	result(unmap(space, A - PAGE, 16));
	outcome("again", map(space, p, B, 4));
}

static void child_maps(const struct space *space)
{
	char *p = pages(8);

	outcome("child", map(space, p, B, 4));
	outcome("more", map(space, p, 2 * B, 1));
}

static void child_has_its_own(struct space *space)
{
	limit(4);
	need(!map(space, pages(4), A, 4), "map");
	in_a_child(space, child_maps);
	result(map(space, pages(1), 3 * B, 1));
}

static void child_unmaps(const struct space *space)
{
	char *p = pages(8);

	outcome("unmap", unmap(space, A, 4));
	outcome("child", map(space, p, B, 4));
}

static void parent_is_credited(struct space *space)
{
	limit(4);
	need(!map(space, pages(4), A, 4), "map");
	in_a_child(space, child_unmaps);
	result(map(space, pages(4), A, 4));
}

/* Who maps for a process that is gone keeps its own account. */
static void child_is_gone(struct space *space)
{
	limit(4);
	in_a_child(space, child_maps);
	result(map(space, pages(4), A, 4));
	outcome("unmap", unmap(space, B, 4));
	outcome("more", map(space, pages(1), 2 * B, 1));
}

static const struct {
	const char *name;
	void (*run)(struct space *space);
} acts[] = {
	{"at_the_limit", at_the_limit},
	{"one_over", one_over},
	{"page_by_page", page_by_page},
	{"same_memory_twice", same_memory_twice},
	{"limit_0", limit_0},
	{"limit_below_a_page", limit_below_a_page},
	{"limit_above_a_page", limit_above_a_page},
	{"lowered_later", lowered_later},
	{"soft_limit", soft_limit},
	{"by_rights", by_rights},
	{"of_a_file", of_a_file},
	{"munmapped", munmapped},
	{"fails_half_way", fails_half_way},
	{"of_a_superset", of_a_superset},
	{"child_has_its_own", child_has_its_own},
	{"parent_is_credited", parent_is_credited},
	{"child_is_gone", child_is_gone},
};

static const char *label(long i)
{
	return i < (long)COUNT(acts) ? acts[i].name : NULL;
}

/* Shows M15. */
static void charge(enum mode mode, long i)
{
	struct space space = space_open(mode, 1);

	acts[i].run(&space);
}

BY_MODE(charge, label)

/* A mapping that takes new memory is charged to who gives it. */
static void child_updates(const struct space *space)
{
	char *p = pages(8);

	outcome("update",
		dma_map(space->fd, VFIO_DMA_MAP_FLAG_VADDR, p, A, 4 * PAGE));
	outcome("child", map(space, p, B, 1));
}

static void update_moves_the_charge(void)
{
	struct space space = space_open(V2, 1);
	uint64_t size = 4 * PAGE;

	limit(4);
	need(!map(&space, pages(4), A, 4), "map");
	need(!dma_unmap(space.fd, VFIO_DMA_UNMAP_FLAG_VADDR, A, &size),
	     "invalidate");
	in_a_child(&space, child_updates);
	result(map(&space, pages(4), 2 * B, 4));
}

static void update_over_the_limit(void)
{
	struct space space = space_open(V2, 1);
	uint64_t size = 4 * PAGE;
	char *p = pages(4);

	limit(4);
	need(!map(&space, p, A, 4), "map");
	need(!dma_unmap(space.fd, VFIO_DMA_UNMAP_FLAG_VADDR, A, &size),
	     "invalidate");
	limit(2);
	result(dma_map(space.fd, VFIO_DMA_MAP_FLAG_VADDR, p, A, 4 * PAGE));
	outcome("unmap", unmap(&space, A, 4));
}

static void bar_memory_is_free(void)
{
	struct space space = space_open(V2, 1);
	void *bar =
		bar_map(space.devices[0], EDU_BAR_SIZE, PROT_READ | PROT_WRITE);

	limit(0);
	result(dma_map(space.fd, RW, bar, A, EDU_BAR_SIZE));
}

static void last_group_gives_all_back(void)
{
	struct space space = space_open(V2, 1);

	limit(4);
	need(!map(&space, pages(4), A, 4), "map");
	close(space.devices[0]);
	need(!ioctl(space.groups[0], VFIO_GROUP_UNSET_CONTAINER), "unset");
	need(!group_attach(space.groups[0], space.fd), "set-container");
	need(!ioctl(space.fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "set-iommu");
	result(map(&space, pages(4), A, 4));
}

static const struct conf_case cases[] = {
	EACH_OF_TYPE1(charge),           CASE(update_moves_the_charge),
	CASE(update_over_the_limit),     CASE(bar_memory_is_free),
	CASE(last_group_gives_all_back),
};

/* Memory is charged when a device comes, if none was there before. */
static void by_the_first_device(enum mode mode)
{
	struct space space = space_open(mode, 0);
	int device;

	limit(4);
	need(!map(&space, pages(5), A, 5), "map");
	if (mode == NATIVE) {
		device = cdev_open(0);
		cdev_id(device, space.fd);
		result(cdev_attach(device, space.ioas));
		outcome("unmap", unmap(&space, A, 5));
		outcome("again", cdev_attach(device, space.ioas));
	} else {
		result_fd(device_open(space.groups[0], 0));
		outcome("unmap", unmap(&space, A, 5));
		device = device_open(space.groups[0], 0);
		outcome("again", device < 0 ? -1 : 0);
	}
	outcome("four", map(&space, pages(4), A, 4));
	outcome("five", map(&space, pages(1), B, 1));
}

static void by_the_first_device_of_compat(void)
{
	by_the_first_device(C2);
}

static void by_the_first_device_of_native(void)
{
	by_the_first_device(NATIVE);
}

static const struct conf_case iommufd_cases[] = {
	EACH_OF_IOMMUFD(charge),
	CASE(by_the_first_device_of_compat),
	CASE(by_the_first_device_of_native),
};

TABLE(table_memlock, "memlock", cases);
TABLE_OF(table_memlock_iommufd, "memlock", iommufd_cases, has_cdev);

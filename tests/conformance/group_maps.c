/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups that come and go while memory is mapped: which of their devices
 * reach it.  Each device writes into a page of its own.
 */
#include "space.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define A   0x100000ull
#define B   0x200000ull
#define LEN (4 * PAGE)

static unsigned char *memory;

static void map(const struct space *space)
{
	memory = pages(4);
	need(!space_map(space, 3, memory, A, LEN), "map");
}

/* A digit for each device, and what the next unmap finds. */
static void show(const char *key, const struct space *space)
{
	static const unsigned int at[] = {0, 1, 2, 3};
	char text[SPACE_DEVICES + 1];

	space_load(space);
	space_reach(space, text, memory, A, at, (unsigned int)space->count);
	report(" %s=%s", key, text);
}

static void show_unmap(const struct space *space)
{
	uint64_t size = LEN;

	outcome("unmap", space_unmap(space, A, &size));
	report("+%llx", (unsigned long long)size);
}

static void close_device(const struct space *space, int dev)
{
	close(space->devices[dev]);
	if (space->mode != NATIVE)
		outcome("unset",
			ioctl(space->groups[dev], VFIO_GROUP_UNSET_CONTAINER));
}

static void last_leaves(struct space *space)
{
	close_device(space, --space->count);
	if (space->mode != NATIVE)
		close(space->groups[space->count]);
}

/* The second device alone, as if it were the first. */
static struct space without_the_first(const struct space *space)
{
	struct space rest = *space;

	rest.count--;
	for (int i = 0; i < rest.count; i++) {
		rest.groups[i] = space->groups[i + 1];
		rest.devices[i] = space->devices[i + 1];
	}
	return rest;
}

static void second_comes(enum mode mode)
{
	struct space space = space_open(mode, 1);

	map(&space);
	space_add(&space);
	show("both", &space);
	show_unmap(&space);
	show("gone", &space);
}

static void members_come(enum mode mode)
{
	struct space space = space_open(mode, 2);

	map(&space);
	space_add(&space);
	show("three", &space);
	space_add(&space);
	show("four", &space);
	show_unmap(&space);
	show("gone", &space);
}

static void second_leaves(enum mode mode)
{
	struct space space = space_open(mode, 2);

	map(&space);
	last_leaves(&space);
	show("first", &space);
	show_unmap(&space);
}

static void first_leaves(enum mode mode)
{
	struct space space = space_open(mode, 2), rest;

	map(&space);
	rest = without_the_first(&space);
	close_device(&space, 0);
	show("second", &rest);
	show_unmap(&rest);
	show("gone", &rest);
}

static void second_comes_back(enum mode mode)
{
	struct space space = space_open(mode, 2);

	map(&space);
	last_leaves(&space);
	space_add(&space);
	show("both", &space);
	show_unmap(&space);
}

static void mapped_while_away(enum mode mode)
{
	struct space space = space_open(mode, 2);

	last_leaves(&space);
	map(&space);
	space_add(&space);
	show("both", &space);
	show_unmap(&space);
}

static void unmapped_while_away(enum mode mode)
{
	struct space space = space_open(mode, 2);

	map(&space);
	last_leaves(&space);
	show_unmap(&space);
	space_add(&space);
	show("both", &space);
	show_unmap(&space);
}

static void all_leave(enum mode mode)
{
	struct space space = space_open(mode, 2);

	map(&space);
	last_leaves(&space);
	close_device(&space, 0);
	space.count = 0;
	if (mode != NATIVE) {
		need(!group_attach(space.groups[0], space.fd), "set-container");
		need(!ioctl(space.fd, VFIO_SET_IOMMU,
			    mode == V1 || mode == C1 ? 1ul : 3ul),
		     "set-iommu");
	}
	space_add(&space);
	show("back", &space);
	show_unmap(&space);
}

static void container_closes(enum mode mode)
{
	struct space space = space_open(mode, 2);
	static const unsigned int at[] = {0, 1};
	char text[4];

	map(&space);
	space_load(&space);
	close(space.fd);
	space_reach(&space, text, memory, A, at, 2);
	report(" both=%s", text);
	close(space.devices[1]);
	space.count = 1;
	space_reach(&space, text, memory, A, at, 1);
	report(" first=%s", text);
}

/* Replay of many mappings, of which some are gone again. */
static void many_are_replayed(enum mode mode)
{
	struct space space = space_open(mode, 1);
	char *p = pages(64);

	map(&space);
	for (uint64_t i = 0; i < 64; i++)
		need(!space_map(&space, 3, p + i * PAGE, B + 2 * i * PAGE,
				PAGE),
		     "map-many");
	for (uint64_t i = 0; i < 64; i += 3) {
		uint64_t size = PAGE;

		need(!space_unmap(&space, B + 2 * i * PAGE, &size),
		     "unmap-some");
	}
	space_add(&space);
	show("both", &space);
	for (uint64_t i = 0; i < 6; i++)
		report("%s%d", i ? "" : " mapped=",
		       space_is_mapped(&space, B + 2 * i * PAGE));
	show_unmap(&space);
}

static const struct {
	const char *name;
	void (*run)(enum mode mode);
} acts[] = {
	{"second_comes", second_comes},
	{"members_come", members_come},
	{"second_leaves", second_leaves},
	{"first_leaves", first_leaves},
	{"second_comes_back", second_comes_back},
	{"mapped_while_away", mapped_while_away},
	{"unmapped_while_away", unmapped_while_away},
	{"all_leave", all_leave},
	{"container_closes", container_closes},
	{"many_are_replayed", many_are_replayed},
};

static const char *label(long i)
{
	return i < (long)COUNT(acts) ? acts[i].name : NULL;
}

/* Shows M36, M38. */
static void when(enum mode mode, long i)
{
	acts[i].run(mode);
	result(0);
}

BY_MODE(when, label)

static const struct conf_case cases[] = {
	EACH_OF_TYPE1(when),
};

static const struct conf_case iommufd_cases[] = {
	EACH_OF_IOMMUFD(when),
};

TABLE(table_group_maps, "group_maps", cases);
TABLE_OF(table_group_maps_iommufd, "group_maps", iommufd_cases, has_cdev);

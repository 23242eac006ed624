/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that move between the spaces and page tables of an iommufd: two
 * alone in their groups, and two of one group.  Each space has its own
 * memory at the same place, and shows which of them a device writes to.
 */
#include "space.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define A 0x100000ull

struct place {
	struct space space; /* of which fd and devices are used */
	uint32_t ioas[2], devid[SPACE_DEVICES];
	unsigned char *memory[2];
};

static struct place place_open(int devices)
{
	struct place place = {.space = {.mode = NATIVE}};

	place.space.fd = iommufd_open();
	for (int i = 0; i < 2; i++) {
		place.ioas[i] = ioas_alloc(place.space.fd);
		place.memory[i] = pages(4);
		need(!ioas_map(place.space.fd, place.ioas[i], place.memory[i],
			       A, 4 * PAGE),
		     "map");
	}
	place.space.ioas = place.ioas[0];
	for (int i = 0; i < devices; i++) {
		place.space.devices[i] = cdev_open(i);
		place.devid[i] =
			cdev_id(place.space.devices[i], place.space.fd);
	}
	return place;
}

/* The id of the table that the device is on then. */
static uint32_t attach(const char *key, const struct place *place, int dev,
		       uint32_t pt)
{
	struct abi_attach ask = {.argsz = sizeof(ask), .pt_id = pt};

	outcome(key, ioctl(place->space.devices[dev], ABI_ATTACH_PT, &ask));
	return ask.pt_id;
}

static uint32_t make(const struct place *place, int dev, uint32_t pt)
{
	struct abi_hwpt_alloc ask = {
		.size = sizeof(ask), .dev_id = place->devid[dev], .pt_id = pt};

	need(!ioctl(place->space.fd, ABI_IOMMU_HWPT_ALLOC, &ask), "alloc");
	return ask.out_hwpt_id;
}

static void load(struct place *place, int devices)
{
	for (int i = 0; i < devices; i++)
		need(!cdev_attach(place->space.devices[i], place->ioas[0]),
		     "attach-load");
	place->space.count = devices;
	space_load(&place->space);
	for (int i = 0; i < devices; i++)
		need(!cdev_detach(place->space.devices[i]), "detach-load");
}

/* For each device the space whose memory it reaches, or a dot. */
static void show(const char *key, struct place *place)
{
	static const unsigned int at[] = {0, 1, 2, 3};
	unsigned int count = (unsigned int)place->space.count;
	char text[SPACE_DEVICES + 1];

	memset(place->memory[1], 0, 4 * PAGE);
	space_reach(&place->space, text, place->memory[0], A, at, count);
	report(" %s=", key);
	for (unsigned int i = 0; i < count; i++)
		if (text[i] == '1')
			report("0");
		else
			report("%s", place->memory[1][i * PAGE] ? "1" : ".");
}

static void moves(void)
{
	struct place place = place_open(1);
	uint32_t table;

	load(&place, 1);
	show("detached", &place);
	table = attach("first", &place, 0, place.ioas[0]);
	show("at", &place);
	attach("second", &place, 0, place.ioas[1]);
	show("at", &place);
	attach("old_table", &place, 0, table);
	show("at", &place);
	attach("back", &place, 0, place.ioas[0]);
	show("at", &place);
	result(cdev_detach(place.space.devices[0]));
	show("at", &place);
}

static void fails_to_move(void)
{
	struct place place = place_open(1);

	load(&place, 1);
	need(!cdev_attach(place.space.devices[0], place.ioas[0]), "attach");
	need(!ioas_map(place.space.fd, place.ioas[1], bad_pointer(), 2 * A,
		       PAGE),
	     "map");
	attach("bad", &place, 0, place.ioas[1]);
	show("at", &place);
	attach("nothing", &place, 0, 12345);
	attach("device", &place, 0, place.devid[0]);
	show("at", &place);
	need(!ioas_unmap(place.space.fd, place.ioas[1], 2 * A, PAGE), "unmap");
	need(!ioas_map(place.space.fd, place.ioas[1], pages(1), 0xfee00000,
		       PAGE),
	     "map");
	attach("reserved", &place, 0, place.ioas[1]);
	show("at", &place);
	result(iommufd_destroy(place.space.fd, place.ioas[1]));
}

static void equal_devices_share_a_table(void)
{
	struct place place = place_open(2);
	uint32_t first, second;

	load(&place, 2);
	first = attach("first", &place, 0, place.ioas[0]);
	second = attach("second", &place, 1, place.ioas[0]);
	result(first == second);
	show("at", &place);
	value("same", attach("again", &place, 0, place.ioas[0]) == first);
	attach("away", &place, 0, place.ioas[1]);
	show("at", &place);
	outcome("table", iommufd_destroy(place.space.fd, first));
	value("same", attach("back", &place, 0, place.ioas[0]) == first);
	need(!cdev_detach(place.space.devices[0]), "detach");
	need(!cdev_detach(place.space.devices[1]), "detach");
	outcome("table", iommufd_destroy(place.space.fd, first));
	outcome("ioas", iommufd_destroy(place.space.fd, place.ioas[0]));
}

static void tables_made_by_hand(void)
{
	struct place place = place_open(2);
	uint32_t made, other;

	load(&place, 2);
	made = make(&place, 0, place.ioas[0]);
	other = make(&place, 0, place.ioas[0]);
	result(made != other);
	value("on_made", attach("made", &place, 0, made) == made);
	show("at", &place);
	value("reused", attach("ioas", &place, 1, place.ioas[0]) == made);
	show("at", &place);
	attach("other", &place, 1, other);
	show("at", &place);
	need(!ioas_unmap(place.space.fd, place.ioas[0], A, 4 * PAGE), "unmap");
	show("unmapped", &place);
	need(!ioas_map(place.space.fd, place.ioas[0], place.memory[0], A,
		       4 * PAGE),
	     "map");
	show("mapped", &place);
	need(!cdev_detach(place.space.devices[0]), "detach");
	outcome("stays", iommufd_destroy(place.space.fd, made));
	need(!cdev_detach(place.space.devices[1]), "detach");
	outcome("stays", iommufd_destroy(place.space.fd, other));
	outcome("ioas", iommufd_destroy(place.space.fd, place.ioas[0]));
}

static void a_detached_table_follows_its_space(void)
{
	struct place place = place_open(1);
	uint32_t made;

	load(&place, 1);
	need(!ioas_unmap(place.space.fd, place.ioas[0], A, 4 * PAGE), "unmap");
	made = make(&place, 0, place.ioas[0]);
	attach("empty", &place, 0, made);
	show("at", &place);
	need(!cdev_detach(place.space.devices[0]), "detach");
	need(!ioas_map(place.space.fd, place.ioas[0], place.memory[0], A,
		       4 * PAGE),
	     "map");
	attach("mapped", &place, 0, made);
	show("at", &place);
	result(cdev_detach(place.space.devices[0]));
}

/* Two devices of one group are on the same table, or not at all. */
static void members_are_together(void)
{
	struct place place = place_open(SPACE_DEVICES);
	uint32_t first, second;

	load(&place, SPACE_DEVICES);
	first = attach("a", &place, MEMBER_A, place.ioas[0]);
	show("at", &place);
	attach("b_elsewhere", &place, MEMBER_B, place.ioas[1]);
	second = attach("b", &place, MEMBER_B, place.ioas[0]);
	result(first == second);
	show("at", &place);
	attach("a_moves", &place, MEMBER_A, place.ioas[1]);
	show("at", &place);
	attach("b_moves", &place, MEMBER_B, place.ioas[1]);
	outcome("a_detach", cdev_detach(place.space.devices[MEMBER_A]));
	show("at", &place);
	attach("a_elsewhere", &place, MEMBER_A, place.ioas[1]);
	outcome("b_detach", cdev_detach(place.space.devices[MEMBER_B]));
	attach("a", &place, MEMBER_A, place.ioas[1]);
	show("at", &place);
	attach("b", &place, MEMBER_B, place.ioas[1]);
	show("at", &place);
}

static void a_member_needs_the_same_table(void)
{
	struct place place = place_open(SPACE_DEVICES);
	uint32_t made = make(&place, MEMBER_A, place.ioas[0]);
	uint32_t other = make(&place, MEMBER_B, place.ioas[0]);

	attach("a", &place, MEMBER_A, made);
	attach("b_other", &place, MEMBER_B, other);
	attach("b_ioas", &place, MEMBER_B, place.ioas[0]);
	attach("b_same", &place, MEMBER_B, made);
	attach("b_again", &place, MEMBER_B, other);
	attach("a_alone", &place, MEMBER_A, other);
	outcome("detach", cdev_detach(place.space.devices[MEMBER_A]));
	outcome("made", iommufd_destroy(place.space.fd, made));
	outcome("detach", cdev_detach(place.space.devices[MEMBER_B]));
	result(iommufd_destroy(place.space.fd, made));
}

static void closing_blocks(void)
{
	struct place place = place_open(2);

	load(&place, 2);
	attach("first", &place, 0, place.ioas[0]);
	attach("second", &place, 1, place.ioas[1]);
	show("at", &place);
	close(place.space.fd);
	show("closed", &place);
	outcome("detach", cdev_detach(place.space.devices[0]));
	show("at", &place);
	attach("again", &place, 0, place.ioas[1]);
	show("at", &place);
	result(0);
}

/* Reserved ranges and alignment fall back with the last device. */
static void the_last_device_frees_the_space(void)
{
	struct place place = place_open(2);
	int fd = place.space.fd;
	char *p = pages(1);

	attach("first", &place, 0, place.ioas[0]);
	attach("second", &place, 1, place.ioas[0]);
	outcome("odd", ioas_map(fd, place.ioas[0], p, 8 * A + 1, 1));
	outcome("msi", ioas_map(fd, place.ioas[0], p, 0xfee00000, PAGE));
	need(!cdev_detach(place.space.devices[0]), "detach");
	outcome("odd", ioas_map(fd, place.ioas[0], p, 8 * A + 1, 1));
	need(!cdev_detach(place.space.devices[1]), "detach");
	outcome("odd", ioas_map(fd, place.ioas[0], p, 8 * A + 1, 1));
	outcome("msi", ioas_map(fd, place.ioas[0], p, 0xfee00000, PAGE));
	attach("odd", &place, 0, place.ioas[0]);
	outcome("unmap", ioas_unmap(fd, place.ioas[0], 8 * A + 1, 1));
	attach("msi", &place, 0, place.ioas[0]);
	outcome("unmap", ioas_unmap(fd, place.ioas[0], 0xfee00000, PAGE));
	attach("clean", &place, 0, place.ioas[0]);
	result(0);
}

static void another_contexts_ids(void)
{
	struct place place = place_open(1);
	int other = iommufd_open(), cdev = cdev_open(1);
	uint32_t ioas = ioas_alloc(other), devid;

	for (int i = 0; i < 8; i++)
		ioas = ioas_alloc(other);
	devid = cdev_id(cdev, other);
	attach("foreign", &place, 0, ioas);
	attach("foreign_device", &place, 0, devid);
	place.devid[0] = devid;
	result(ioctl(place.space.fd, ABI_IOMMU_HWPT_ALLOC,
		     &(struct abi_hwpt_alloc){.size = 48,
					      .dev_id = devid,
					      .pt_id = place.ioas[0]}));
	outcome("attach", cdev_attach(cdev, ioas));
}

static const struct conf_case cases[] = {
	CASE(moves),
	CASE(fails_to_move),
	CASE(equal_devices_share_a_table),
	CASE(tables_made_by_hand),
	CASE(a_detached_table_follows_its_space),
	CASE(members_are_together),
	CASE(a_member_needs_the_same_table),
	CASE(closing_blocks),
	CASE(the_last_device_frees_the_space),
	CASE(another_contexts_ids),
};

TABLE_OF(table_iommufd_devices, "iommufd_devices", cases, has_cdev);

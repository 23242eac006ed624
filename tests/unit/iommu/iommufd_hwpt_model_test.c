/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls about page tables against a model of arrays by page: where
 * each table leads, which of its pages were written, and what is charged.
 */
#include "iommufd_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "iommu/account.h"
#include "iommu/translate.h"

#define OPERATIONS 30000u
#define A          0x100000ull
#define PAGES      32u /* of IOVA, from A on, in each space */
#define SPACES     3u
#define TABLES     6u
#define MAPS       4096u /* that were ever made; each has its memory */

#define PARENT IOMMU_HWPT_ALLOC_NEST_PARENT
#define DIRTY  IOMMU_HWPT_ALLOC_DIRTY_TRACKING

/* One page of IOVA; pages of one area have one number. */
struct cell {
	unsigned int area; /* 0: nothing is mapped */
	unsigned int map;  /* that first mapped the memory */
	unsigned int page; /* of the rig's memory */
	bool is_writable;  /* for devices */
	bool may_write;    /* as it was first mapped */
};

static struct {
	uint32_t id;
	struct cell cells[PAGES];
} spaces[SPACES];

static struct {
	uint32_t id; /* 0: there is none */
	unsigned int space;
	uint32_t flags;
	bool is_tracked;
	bool is_dirty[PAGES];
} tables[TABLES];

static unsigned int attached; /* table and one; 0: to none */
static unsigned int areas, maps;
static uint64_t seed;

static unsigned int draw(unsigned int below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned int)(seed % below);
}

static bool has_table(unsigned int space, uint32_t flags)
{
	for (unsigned int i = 0; i < TABLES; i++)
		if (tables[i].id && tables[i].space == space &&
		    (tables[i].flags & flags) == flags)
			return true;
	return false;
}

static unsigned int count_mapped(unsigned int space, unsigned int first,
				 unsigned int count)
{
	unsigned int found = 0;

	for (unsigned int i = first; i < first + count; i++)
		found += spaces[space].cells[i].area != 0;
	return found;
}

static bool has_read_only(unsigned int space)
{
	for (unsigned int i = 0; i < PAGES; i++)
		if (spaces[space].cells[i].area &&
		    !spaces[space].cells[i].is_writable)
			return true;
	return false;
}

/* Each page of what one map got counts once, if a table leads to it. */
static uint64_t expected_charge(void)
{
	static uint64_t held[MAPS]; /* pages of the rig, by bits */
	uint64_t count = 0;

	memset(held, 0, maps * sizeof(held[0]));
	for (unsigned int s = 0; s < SPACES; s++) {
		if (!has_table(s, 0))
			continue;
		for (unsigned int i = 0; i < PAGES; i++) {
			const struct cell *cell = &spaces[s].cells[i];

			if (cell->area)
				held[cell->map] |= 1ull << cell->page;
		}
	}
	for (unsigned int i = 0; i < maps; i++)
		count += (unsigned int)__builtin_popcountll(held[i]);
	return count;
}

static void forget(unsigned int space, unsigned int first, unsigned int count)
{
	for (unsigned int i = 0; i < TABLES; i++)
		if (tables[i].id && tables[i].space == space)
			memset(&tables[i].is_dirty[first], 0, count);
}

static void test_map(struct rig *rig)
{
	unsigned int space = draw(SPACES), first = draw(PAGES);
	unsigned int count = 1 + draw(PAGES - first < 8 ? PAGES - first : 8);
	unsigned int page = draw(RIG_PAGES - count + 1);
	bool is_writable = draw(8);
	uint64_t iova = A + first * PAGE;
	int ret = 0;

	if (maps == MAPS)
		return;
	if (count_mapped(space, first, count))
		ret = -EEXIST;
	else if (!is_writable && has_table(space, PARENT))
		ret = -EINVAL;
	assert_int_equal(rig_map(rig, spaces[space].id,
				 FIXED | (is_writable ? RW : READ),
				 rig_memory + page * PAGE, count * PAGE, &iova),
			 ret);
	if (ret)
		return;
	areas++;
	for (unsigned int i = 0; i < count; i++)
		spaces[space].cells[first + i] = (struct cell){
			areas, maps, page + i, is_writable, is_writable};
	maps++;
}

static void test_unmap(struct rig *rig)
{
	unsigned int space = draw(SPACES), first = draw(PAGES);
	unsigned int count = 1 + draw(PAGES - first), i = first;
	struct cell *cells = spaces[space].cells;
	uint64_t length = count * PAGE, gone = 0;
	int ret = 0;

	while (i < first + count) {
		unsigned int start = i, area = cells[i].area;

		if (!area) {
			i++;
			continue;
		}
		while (i < PAGES && cells[i].area == area)
			i++;
		if ((start && cells[start - 1].area == area) ||
		    i > first + count) {
			ret = -ENOENT;
			break;
		}
		forget(space, start, i - start);
		memset(&cells[start], 0, (i - start) * sizeof(cells[0]));
		gone += i - start;
	}
	if (!ret && !gone)
		ret = -ENOENT;
	assert_int_equal(
		rig_unmap(rig, spaces[space].id, A + first * PAGE, &length),
		ret);
	assert_int_equal(length, (ret ? count : gone) * PAGE);
}

static void test_copy(struct rig *rig)
{
	unsigned int from = draw(SPACES), to = draw(SPACES);
	unsigned int src = draw(PAGES), dst = draw(PAGES);
	unsigned int room = PAGES - (src > dst ? src : dst);
	unsigned int count = 1 + draw(room < 8 ? room : 8);
	bool is_writable = draw(4), may_write = true;
	struct cell copied[8];
	uint64_t iova = A + dst * PAGE;
	int ret = 0;

	memcpy(copied, &spaces[from].cells[src], count * sizeof(copied[0]));
	for (unsigned int i = 0; i < count; i++)
		may_write &= copied[i].may_write;
	if (count_mapped(from, src, count) != count)
		ret = -ENOENT;
	else if (count_mapped(to, dst, count))
		ret = -EEXIST;
	else if (is_writable && !may_write)
		ret = -EPERM;
	else if (!is_writable && has_table(to, PARENT))
		ret = -EINVAL;
	assert_int_equal(rig_copy(rig, spaces[to].id, &iova, spaces[from].id,
				  A + src * PAGE, count * PAGE,
				  FIXED | (is_writable ? RW : READ)),
			 ret);
	if (ret)
		return;
	for (unsigned int i = 0; i < count; i++) {
		/* As many areas as there were. */
		areas += !i || copied[i].area != copied[i - 1].area;
		spaces[to].cells[dst + i] = copied[i];
		spaces[to].cells[dst + i].area = areas;
		spaces[to].cells[dst + i].is_writable = is_writable;
	}
}

static void test_alloc(struct rig *rig, uint32_t dev_id)
{
	unsigned int table = draw(TABLES), space = draw(SPACES);
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = draw(3) ? draw(4) & (draw(4) ? DIRTY : PARENT | DIRTY)
				 : 0,
		.dev_id = dev_id,
		.pt_id = spaces[space].id,
	};
	int ret = 0;

	if (tables[table].id)
		return;
	if (cmd.flags & PARENT && has_read_only(space))
		ret = -EINVAL;
	assert_int_equal(rig_ioctl(rig, IOMMU_HWPT_ALLOC, &cmd), ret);
	if (ret)
		return;
	memset(&tables[table], 0, sizeof(tables[table]));
	tables[table].id = cmd.out_hwpt_id;
	tables[table].space = space;
	tables[table].flags = cmd.flags;
}

static void test_destroy(struct rig *rig)
{
	unsigned int table = draw(TABLES);

	if (!tables[table].id)
		return;
	assert_int_equal(rig_destroy(rig, tables[table].id),
			 attached == table + 1 ? -EBUSY : 0);
	if (attached != table + 1)
		tables[table].id = 0;
}

static void test_attach(struct uvf_iommufd_device *device)
{
	unsigned int table = draw(TABLES);

	if (!draw(6)) {
		uvf_iommufd_device_detach(device);
		attached = 0;
	} else if (tables[table].id) {
		assert_int_equal(rig_attach(device, tables[table].id), 0);
		attached = table + 1;
	}
}

static void test_write(const struct group *group)
{
	unsigned int first = draw(PAGES), last = first + draw(3);
	const struct cell *cells;
	uint8_t bytes[3 * PAGE];
	size_t done, want = 0;

	if (!attached || last >= PAGES)
		return;
	cells = spaces[tables[attached - 1].space].cells;
	for (unsigned int i = first; i <= last; i++) {
		if (!cells[i].area || !cells[i].is_writable)
			break;
		/* What is there stays, so that reads can be judged. */
		memset(bytes + (i - first) * PAGE, (int)cells[i].page + 1,
		       PAGE);
		tables[attached - 1].is_dirty[i] = true;
		want += PAGE;
	}
	(void)uvf_aspace_write(group->as, A + first * PAGE, bytes,
			       (last - first + 1) * PAGE, &done);
	assert_int_equal(done, want);
}

static void test_read(const struct group *group)
{
	unsigned int at = draw(PAGES);
	int expected = -EFAULT;

	if (attached) {
		const struct cell *cell =
			&spaces[tables[attached - 1].space].cells[at];

		if (cell->area)
			expected = (int)cell->page + 1;
	}
	assert_int_equal(rig_read(group, A + at * PAGE + draw(PAGE)), expected);
}

static void test_track(struct rig *rig)
{
	unsigned int table = draw(TABLES);
	struct iommu_hwpt_set_dirty_tracking set = {.size = sizeof(set)};
	int ret;

	if (!tables[table].id)
		return;
	set.hwpt_id = tables[table].id;
	set.flags = draw(3) != 0;
	ret = tables[table].flags & DIRTY ? 0 : -EOPNOTSUPP;
	assert_int_equal(rig_ioctl(rig, IOMMU_HWPT_SET_DIRTY_TRACKING, &set),
			 ret);
	if (ret)
		return;
	tables[table].is_tracked = set.flags;
	memset(tables[table].is_dirty, 0, sizeof(tables[table].is_dirty));
}

static void test_report(struct rig *rig)
{
	unsigned int table = draw(TABLES), first = draw(PAGES);
	unsigned int count = 1 + draw(PAGES - first);
	uint64_t garbage = (uint64_t)draw(1u << 16) << draw(48);
	uint64_t bits = garbage, expected = garbage;
	struct iommu_hwpt_get_dirty_bitmap get = {
		.size = sizeof(get),
		.flags = draw(2),
		.iova = A + first * PAGE,
		.length = count * PAGE,
		.page_size = PAGE,
		.data = (uintptr_t)&bits,
	};
	int ret;

	if (!tables[table].id)
		return;
	get.hwpt_id = tables[table].id;
	ret = tables[table].flags & DIRTY ? 0 : -EOPNOTSUPP;
	assert_int_equal(rig_ioctl(rig, IOMMU_HWPT_GET_DIRTY_BITMAP, &get),
			 ret);
	for (unsigned int i = 0; !ret && i < count; i++) {
		bool *is_dirty = &tables[table].is_dirty[first + i];

		if (tables[table].is_tracked && *is_dirty)
			expected |= 1ull << i;
		if (!get.flags)
			*is_dirty = false;
	}
	assert_true(bits == expected);
}

static void drop_untracked(void)
{
	for (unsigned int i = 0; i < TABLES; i++)
		if (!tables[i].is_tracked)
			memset(tables[i].is_dirty, 0,
			       sizeof(tables[i].is_dirty));
}

static void step(struct rig *rig, struct uvf_iommufd_device *device,
		 struct group *group)
{
	unsigned int op = draw(100);

	if (op < 22)
		test_map(rig);
	else if (op < 36)
		test_unmap(rig);
	else if (op < 48)
		test_copy(rig);
	else if (op < 54)
		test_alloc(rig, uvf_iommufd_device_id(device));
	else if (op < 58)
		test_destroy(rig);
	else if (op < 64)
		test_attach(device);
	else if (op < 80)
		test_write(group);
	else if (op < 88)
		test_read(group);
	else if (op < 92)
		test_track(rig);
	else
		test_report(rig);
	drop_untracked();
}

static void run(uint64_t start)
{
	struct uvf_iommufd_device *device;
	struct group group = {0};
	struct uvf_user *user;
	struct rig rig;

	seed = start;
	attached = 0;
	areas = maps = 0;
	memset(spaces, 0, sizeof(spaces));
	memset(tables, 0, sizeof(tables));
	rig_open(&rig);
	assert_int_equal(uvf_user_lookup(&user, &rig.caller), 0);
	device = rig_bind(&rig, &group);
	for (unsigned int i = 0; i < SPACES; i++)
		spaces[i].id = rig_ioas(&rig);
	for (unsigned int i = 0; i < OPERATIONS; i++) {
		step(&rig, device, &group);
		assert_int_equal(uvf_user_pages(user), expected_charge());
	}
	uvf_iommufd_device_unbind(device);
	rig_close(&rig);
	assert_int_equal(uvf_user_pages(user), 0);
	uvf_user_put(user);
}

/* Shows M55, M61, M62. */
static void random_calls_agree_with_the_model(void **state)
{
	const char *text = getenv("UVF_TEST_SEED");

	(void)state;
	for (uint64_t start = 1; start <= 4; start++) {
		uint64_t use = text ? strtoull(text, NULL, 0)
				    : start * 0x9e3779b97f4a7c15;

		print_message("seed 0x%llx\n", (unsigned long long)use);
		run(use);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

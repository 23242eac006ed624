/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random scripts for the IOMMU in five modes, against one model of all.
 *
 *   UVF_OPERATIONS=N  calls for each mode and seed
 *   UVF_SEED=N        the seed; kept scripts have their own
 *
 * After each call that fails, and after some others, all that a device can
 * reach is looked at.  A script that fails is named by its mode, its seed, and
 * the number of the call.  Add it to kept[], with what it found.
 */
#include "differential_script.h"
#include "differential_target.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FULL_CHECK 128u /* calls between two looks at all of memory */
#define UNDO       32u  /* calls between two that are undone */

/* Scripts that failed once, how long they are, and what they showed. */
static const struct {
	enum dm_mode mode;
	uint64_t seed;
	unsigned long count;
	const char *showed;
} kept[] = {
	{DM_C1, 20260303, 1000, "ALL with an interval wrote the size back"},
	{DM_C2, 20260303, 1000, "the same"},
	{DM_C1, 1, 300, "a map for nothing at all was let into a table"},
	{DM_N, 20260303, 7000, "a copy looked at more than it copied"},
	{DM_N, 3, 160000, "allowed ranges that touch, taken one by one"},
	{DM_N, 7, 215000, "half pages in a table: looked for for ever"},
};

static struct target target;

static bool is_type1(void)
{
	return model.mode == DM_V1 || model.mode == DM_V2;
}

static void do_map(void)
{
	struct dm_call call = {
		.space = draw_space(),
		.argsz = draw(64) ? 32 : (uint32_t)draw(40),
		.flags = draw_flags(),
		.vaddr = draw_vaddr(),
	};
	struct dm_call *mine;
	int want;

	call.iova = draw_iova(call.space);
	call.size = draw_size(call.space);
	if (model.spaces[call.space].count > DM_AREAS - 16)
		return;
	mine = begin("MAP", &call);
	want = dm_map(&model, &call);
	expect_answer(target_map(&target, mine), want);
	expect(mine->iova == call.iova, "the IOVA", (long long)mine->iova,
	       (long long)call.iova);
}

static void unmap(struct dm_call call)
{
	struct dm_call *mine = begin("UNMAP", &call);
	int want = dm_unmap(&model, &call);

	expect_answer(target_unmap(&target, mine), want);
	expect(mine->size == call.size, "the size", (long long)mine->size,
	       (long long)call.size);
}

static void unmap_all(unsigned int space)
{
	struct dm_call call = {.space = space, .argsz = 24};

	if (model.mode == DM_N)
		call.size = UINT64_MAX;
	else if (model.is_old)
		call.size = DM_APERTURE;
	else
		call.flags = 2;
	unmap(call);
}

static void do_unmap(void)
{
	struct dm_call call = {
		.space = draw_space(),
		.argsz = draw(64) ? 24 : (uint32_t)draw(40),
		.flags = draw(64) || model.mode == DM_N ? 0 : (uint32_t)draw(8),
	};

	/* What splits a mapping needs room for one more. */
	if (model.spaces[call.space].count == DM_AREAS) {
		unmap_all(call.space);
		return;
	}
	call.iova = draw_iova(call.space);
	call.size = draw_size(call.space);
	/* Up to the top, where the end is 0. */
	if (!draw(32))
		call.size = -call.iova;
	unmap(call);
}

/* MAP and UNMAP with VADDR, which iommufd refuses. */
static void do_vaddr(void)
{
	const struct dm_area *area = draw_area(0);
	struct dm_call call = {.argsz = 32, .flags = 4, .vaddr = draw_vaddr()};
	struct dm_call *mine;
	int want;

	if (model.mode == DM_N || !area)
		return;
	if (is_type1() && !draw(16)) {
		unmap((struct dm_call){.argsz = 24, .flags = 4 | 2});
		return;
	}
	call.iova = area->first;
	call.size = area->last - area->first + 1;
	if (draw(2)) {
		call.flags |= draw(16) ? 0 : 2;
		unmap(call);
		return;
	}
	if (!draw(8))
		call.size += DM_PAGE;
	mine = begin("MAP VADDR", &call);
	want = dm_map(&model, &call);
	expect_answer(target_map(&target, mine), want);
}

static void do_copy(void)
{
	struct dm_call call = {
		.space = draw_space(),
		.source = draw_space(),
		.flags = draw_flags(),
	};
	const struct dm_area *area = draw_area(call.source);
	struct dm_call *mine;
	int want;

	if (model.mode != DM_N || model.spaces[call.space].count > DM_AREAS / 2)
		return;
	call.iova = draw_iova(call.space);
	call.size = draw_size(call.source);
	call.vaddr = draw_iova(call.source);
	if (area && draw(4)) {
		call.vaddr = area->first + (draw(3) ? 0 : DM_PAGE);
		call.size = draw(2) ? area->last - area->first + 1 : call.size;
	}
	mine = begin("COPY", &call);
	want = dm_copy(&model, &call);
	expect_answer(target_copy(&target, mine), want);
	expect(mine->iova == call.iova, "the IOVA", (long long)mine->iova,
	       (long long)call.iova);
}

/* Each bit is that of a page which was written since it was asked for. */
static void check_bitmap(const uint64_t *bitmap, uint64_t iova, uint64_t size)
{
	for (uint64_t i = 0; i < size / DM_PAGE; i++) {
		uint64_t page = iova + i * DM_PAGE;
		struct dm_area *area = dm_find(&model.spaces[0], page, page);
		uint64_t at = area ? (page - area->first) / DM_PAGE : 0;
		bool is_set = bitmap[i / 64] >> (i % 64) & 1;
		bool is_written = area && area->written >> at & 1;

		expect(is_set == is_written, "a bit", is_set, is_written);
		if (area)
			area->written &= ~(1ull << at);
	}
}

static void do_dirty(void)
{
	uint32_t flags = draw(3) ? 4 : 1 + (uint32_t)draw(3);
	uint64_t bitmap[32] = {0};
	const struct dm_area *area = draw_area(0);
	struct dm_call call = {
		.flags = flags,
		.iova = draw_iova(0),
		.size = draw_size(0) % (64 * 32 * DM_PAGE),
	};
	int want;

	if (model.mode == DM_N)
		return;
	if (area && draw(3)) {
		call.iova = area->first;
		call.size = area->last - area->first + 1;
		call.size %= 64 * 32 * DM_PAGE;
	}
	(void)begin("DIRTY_PAGES", &call);
	want = dm_dirty(&model, flags, call.iova, call.size);
	expect_answer(target_dirty(&target, flags, call.iova, call.size, bitmap,
				   sizeof(bitmap)),
		      want);
	if (flags == 4 && !want)
		check_bitmap(bitmap, call.iova, call.size);
}

static void do_dma(uint64_t iova, size_t len, bool is_write)
{
	static uint8_t buf[3 * DM_PAGE];
	uint32_t prot = is_write ? DM_WRITE : DM_READ;
	struct dm_call call = {.iova = iova, .size = len, .flags = is_write};
	size_t want = 0, done;

	(void)begin("DMA", &call);
	memset(buf, (int)draw(256), len);
	while (want < len && (!want || iova + want) &&
	       dm_byte(&model, iova + want, prot))
		want++;
	done = target_dma(&target, iova, buf, len, is_write);
	expect(done == want, "bytes moved", (long long)done, (long long)want);
	for (size_t i = 0; i < want; i++) {
		uint64_t at = dm_byte(&model, iova + i, prot) - model.base;

		if (is_write) {
			model.shadow[at] = buf[i];
			dm_mark(&model, iova + i);
		} else {
			uint8_t byte = at < sizeof(model.shadow)
					       ? model.shadow[at]
					       : 0;

			expect(buf[i] == byte, "a byte", buf[i], byte);
		}
	}
}

static void draw_dma(void)
{
	unsigned int space = model.at > 0;
	size_t len = draw(4) ? 1 + draw(40) : 1 + draw(3 * DM_PAGE);

	do_dma(draw_iova(space), len, draw(2));
}

static void check_info(unsigned int space)
{
	struct dm_range got[4], want[4];
	unsigned int count = dm_ranges(&model, space, want);
	uint32_t left;

	script.what = "GET_INFO";
	expect(target_ranges(&target, space, got, &left) == count,
	       "the number of ranges", 0, count);
	assert_memory_equal(got, want, count * sizeof(got[0]));
	if (is_type1() && !model.is_old)
		expect(left == 65535 - model.spaces[0].count, "DMA_AVAIL", left,
		       65535 - model.spaces[0].count);
}

/* A group or the device comes, or goes, or moves to the other space. */
static void do_attach(bool moves)
{
	struct dm_call call = {.space = draw_space()};
	int want;

	script.what = "attach";
	script.call = call;
	if (is_type1() ? model.groups == TARGET_GROUPS ||
				 (model.groups > 1 && draw(2))
		       : !moves && model.at >= 0) {
		dm_detach(&model);
		target_detach(&target);
		return;
	}
	if (moves && model.mode == DM_N && model.at >= 0)
		call.space = !model.at;
	script.call = call;
	want = dm_attach(&model, call.space);
	expect_answer(target_attach(&target, call.space), want);
	/* Else the device would stay away for good. */
	if (want && !is_type1() && draw(2))
		unmap_all(call.space);
}

static void do_allow(void)
{
	struct dm_range ranges[3];
	unsigned int count = (unsigned int)draw(4);
	struct dm_call call = {.space = draw_space(), .size = count};

	if (model.mode != DM_N)
		return;
	for (unsigned int i = 0; i < count; i++) {
		ranges[i].first = draw_iova(call.space);
		ranges[i].last = draw(8) ? ranges[i].first + draw(64) * DM_PAGE
					 : draw_iova(call.space);
	}
	(void)begin("ALLOW_IOVAS", &call);
	expect_answer(target_allow(&target, call.space, ranges, count),
		      dm_allow(&model, call.space, ranges, count));
}

static void check_account(void)
{
	uint64_t got = target_locked(&target), want = dm_locked(&model);

	expect(got == want, "locked pages", (long long)got, (long long)want);
}

/* At both ends of each area, and beside them. */
static void look_at_all(void)
{
	/* Draws nothing, either. */
	uint64_t state = script.state;
	static struct dm_space now;

	now = model.spaces[model.at > 0];
	for (unsigned int i = 0; i < now.count; i++) {
		const struct dm_area *area = &now.areas[i];

		do_dma(area->first - 1, 2, false);
		do_dma(area->first, 1, false);
		do_dma(area->last, 2, false);
	}
	script.state = state;
	script.has_failed = false;
}

/*
 * A MAP whose UNMAP leaves nothing, and a COPY that its source does not miss.
 * Draws nothing and leaves nothing, so that scripts stay what they are.
 */
static void do_and_undo(unsigned int space, unsigned int to)
{
	struct dm_call map = {
		.space = space,
		.argsz = 32,
		.flags = model.mode == DM_N ? 7 : 3,
		.vaddr = model.base,
		.iova = 0x200000,
		.size = (1 + script.operation % DM_GOOD) * DM_PAGE,
	};
	struct dm_call copy = {
		.space = to,
		.source = space,
		.flags = 7,
		.iova = 0x300000,
		.vaddr = map.iova,
		.size = map.size,
	};
	struct dm_call *mine = begin("MAP to undo", &map);
	int want;

	if (dm_find(&model.spaces[space], 0x200000, 0x3fffff) ||
	    dm_find(&model.spaces[to], 0x200000, 0x3fffff) ||
	    model.spaces[space].count > DM_AREAS - 16)
		return;
	want = dm_map(&model, &map);
	expect_answer(target_map(&target, mine), want);
	assert_int_equal(want, 0);
	if (model.mode == DM_N) {
		mine = begin("COPY to keep", &copy);
		want = dm_copy(&model, &copy);
		expect_answer(target_copy(&target, mine), want);
		assert_int_equal(want, 0);
	}
	map.argsz = 24;
	map.flags = 0;
	unmap(map);
	look_at_all();
	check_account();
	if (model.mode == DM_N) {
		map.space = to;
		map.iova = copy.iova;
		unmap(map);
		look_at_all();
	}
}

static void step(void)
{
	uint64_t what = draw(100);

	if (what < 25)
		do_map();
	else if (what < 45)
		do_unmap();
	else if (what < 47)
		unmap_all(draw_space());
	else if (what < 72)
		draw_dma();
	else if (what < 78)
		do_copy();
	else if (what < 86)
		do_dirty();
	else if (what < 90)
		do_vaddr();
	else if (what < 93)
		check_info(draw_space());
	else if (what < 96)
		do_attach(false);
	else if (what < 98)
		do_allow();
	else
		do_attach(true);
	/* What the call changed, and what it must not have. */
	for (int i = 0; i < 2; i++)
		do_dma(draw_iova(model.at > 0), 1, false);
	check_account();
	check_info(0);
	if (model.mode == DM_N)
		check_info(1);
	if (script.has_failed)
		look_at_all();
}

static void run(enum dm_mode mode, const char *abi, uint64_t seed,
		unsigned long count)
{
	uint8_t *memory = target_memory();

	memset(memory, 0, DM_GOOD * DM_PAGE);
	dm_init(&model, mode, (uintptr_t)memory);
	model.has_overflow = !strcmp(abi, "6.19");
	model.is_old = !strcmp(abi, "3.14") || !strcmp(abi, "4.1");
	model.splits = !strcmp(abi, "3.14");
	target_open(&target, mode, abi);
	seed_script(seed);
	for (script.operation = 0; script.operation < count;
	     script.operation++) {
		step();
		if (script.operation % UNDO == 0)
			do_and_undo(script.operation / UNDO % 2 &&
					    model.mode == DM_N,
				    script.operation / UNDO / 2 % 2 &&
					    model.mode == DM_N);
		if (script.operation % FULL_CHECK == 0)
			assert_memory_equal(memory, model.shadow,
					    sizeof(model.shadow));
	}
	unmap_all(0);
	if (mode == DM_N)
		unmap_all(1);
	target_close(&target);
}

static void run_mode(enum dm_mode mode, const char *abi)
{
	uint64_t seed = first_seed();

	print_message("%s of %s: seed %llu, %lu operations\n", names[mode], abi,
		      (unsigned long long)seed, operations());
	run(mode, abi, seed, operations());
}

/* Shows M6, M9, M10, M12, M19, M20, M22, M81, M82, M83, M84, M86. */
static void v1_agrees_with_the_model(void **state)
{
	(void)state;
	run_mode(DM_V1, "3.14");
	run_mode(DM_V1, "4.1");
	run_mode(DM_V1, "6.12");
	run_mode(DM_V1, "6.19");
}

/*
 * Shows M6, M9, M10, M12, M19, M20, M22, M28, M81, M82, M83, M84, M85, M86.
 */
static void v2_agrees_with_the_model(void **state)
{
	(void)state;
	run_mode(DM_V2, "4.1");
	run_mode(DM_V2, "6.12");
	run_mode(DM_V2, "6.19");
}

/* Shows M81, M82, M83, M84, M86. */
static void c1_agrees_with_the_model(void **state)
{
	(void)state;
	run_mode(DM_C1, "6.12");
	run_mode(DM_C1, "6.19");
}

/* Shows M81, M82, M83, M84, M86. */
static void c2_agrees_with_the_model(void **state)
{
	(void)state;
	run_mode(DM_C2, "6.12");
	run_mode(DM_C2, "6.19");
}

/* Shows M50, M51, M54, M81, M82, M83, M84, M86. */
static void n_agrees_with_the_model(void **state)
{
	(void)state;
	run_mode(DM_N, "6.12");
	run_mode(DM_N, "6.19");
}

static void kept_scripts_agree_with_the_model(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		print_message("%s: seed %llu, %s\n", names[kept[i].mode],
			      (unsigned long long)kept[i].seed, kept[i].showed);
		run(kept[i].mode, "6.12", kept[i].seed, kept[i].count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_agrees_with_the_model),
		cmocka_unit_test(v2_agrees_with_the_model),
		cmocka_unit_test(c1_agrees_with_the_model),
		cmocka_unit_test(c2_agrees_with_the_model),
		cmocka_unit_test(n_agrees_with_the_model),
		cmocka_unit_test(kept_scripts_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random scripts for the IOMMU in five modes, against one model of all, and
 * the modes against each other.
 *
 *   UVF_OPERATIONS=N  calls for each mode and seed
 *   UVF_SEED=N        one seed instead of the kept ones
 *
 * A script that fails is named by its mode, its seed, and the number of the
 * call.  Add it to kept[], with what it found.
 */
#include "differential_target.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPERATIONS 40000ul /* for each script, in a run that is not by hand */
#define FULL_CHECK 128u    /* calls between two looks at all of memory */
#define N_FIXED    1u

static const char *const names[] = {"v1", "v2", "c1", "c2", "n"};

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

static struct dm_model model;
static struct target target;

static struct {
	uint64_t seed, state;
	unsigned long operation;
	struct dm_call call; /* the last one, as it was made */
	const char *what;
} script;

static uint64_t draw(uint64_t below)
{
	script.state ^= script.state << 13;
	script.state ^= script.state >> 7;
	script.state ^= script.state << 17;
	return script.state % below;
}

static void expect(bool is_right, const char *what, long long got,
		   long long want)
{
	if (is_right)
		return;
	print_error("%s seed %llu operation %lu: %s: %s is %lld, not %lld\n",
		    names[model.mode], (unsigned long long)script.seed,
		    script.operation, script.what, what, got, want);
	print_error("space %u argsz %u flags %#x iova %#llx size %#llx "
		    "vaddr %#llx source %u\n",
		    script.call.space, script.call.argsz, script.call.flags,
		    (unsigned long long)script.call.iova,
		    (unsigned long long)script.call.size,
		    (unsigned long long)script.call.vaddr, script.call.source);
	fail();
}

static void expect_answer(int got, int want)
{
	expect(got == want, "the answer", got, want);
}

static struct dm_area *draw_area(unsigned int space)
{
	struct dm_space *s = &model.spaces[space];

	return s->count ? &s->areas[draw(s->count)] : NULL;
}

static uint64_t draw_iova(unsigned int space)
{
	static const uint64_t edges[] = {0,
					 1,
					 DM_PAGE - 1,
					 DM_PAGE,
					 DM_PAGE + 1,
					 DM_WINDOW - DM_PAGE,
					 DM_WINDOW - 1,
					 DM_WINDOW,
					 DM_WINDOW_LAST,
					 DM_WINDOW_LAST + 1,
					 1ull << 32,
					 DM_APERTURE - DM_PAGE,
					 DM_APERTURE - 1,
					 DM_APERTURE,
					 INT64_MAX,
					 -DM_PAGE,
					 UINT64_MAX - 1,
					 UINT64_MAX};
	const struct dm_area *area = draw_area(space);

	switch (draw(10)) {
	case 0:
		return edges[draw(sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return area ? area->first + draw(3) - 1 : 0;
	case 2:
		return area ? area->last + draw(3) - 1 : 0;
	case 3:
	case 4:
		return area ? area->first : 0;
	case 5:
		return area ? area->last + 1 : 0;
	case 6:
		return DM_WINDOW - 8 * DM_PAGE + draw(0x120) * DM_PAGE;
	default:
		return 0x100000 + draw(96) * DM_PAGE;
	}
}

static uint64_t draw_size(unsigned int space)
{
	const struct dm_area *area = draw_area(space);
	uint64_t len = area ? area->last - area->first + 1 : DM_PAGE;

	switch (draw(18)) {
	case 0:
		return draw(2);
	case 1:
		return DM_PAGE - 1;
	case 2:
		return len + draw(3) - 1;
	case 3:
		return len + DM_PAGE;
	case 4:
		return len - DM_PAGE;
	case 5:
		return draw(2) ? 1ull << 63 : UINT64_MAX - draw(2);
	case 6:
	case 7:
	case 8:
		return len;
	default:
		return (1 + draw(8)) * DM_PAGE;
	}
}

static uint64_t draw_vaddr(void)
{
	uint64_t vaddr = model.base + draw(DM_MEMORY) * DM_PAGE;

	if (!draw(32))
		vaddr += draw(3) - 1;
	if (!draw(256))
		vaddr = -DM_PAGE * draw(3);
	return vaddr;
}

static unsigned int draw_space(void)
{
	return model.mode == DM_N ? (unsigned int)draw(2) : 0;
}

/* Flags that are right, mostly. */
static uint32_t draw_flags(void)
{
	static const uint32_t vfio[] = {3, 3, 3, 3, 1, 2, 0};
	static const uint32_t native[] = {7, 7, 7, 7, 5, 3, 1, 6, 6};

	if (!draw(40))
		return (uint32_t)draw(16);
	if (model.mode == DM_N)
		return native[draw(sizeof(native) / sizeof(native[0]))];
	return vfio[draw(sizeof(vfio) / sizeof(vfio[0]))];
}

static struct dm_call *begin(const char *what, const struct dm_call *call)
{
	static struct dm_call mine;

	script.what = what;
	script.call = *call;
	mine = *call;
	return &mine;
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
	unmap((struct dm_call){
		.space = space,
		.argsz = 24,
		.flags = model.mode == DM_N ? 0 : 2,
		.size = model.mode == DM_N ? UINT64_MAX : 0,
	});
}

static void do_unmap(void)
{
	struct dm_call call = {
		.space = draw_space(),
		.argsz = draw(64) ? 24 : (uint32_t)draw(40),
		.flags = draw(64) || model.mode == DM_N ? 0 : (uint32_t)draw(8),
	};

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

		/* The host may say that any mapped page was. */
		expect(is_set ? area != NULL : !is_written, "a bit", is_set,
		       is_written);
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

static void do_info(void)
{
	unsigned int space = draw_space();
	struct dm_range got[4], want[4];
	unsigned int count = dm_ranges(&model, space, want);
	uint32_t left;

	script.what = "GET_INFO";
	expect(target_ranges(&target, space, got, &left) == count,
	       "the number of ranges", 0, count);
	assert_memory_equal(got, want, count * sizeof(got[0]));
	if (model.mode == DM_V1 || model.mode == DM_V2)
		expect(left == 65535 - model.spaces[0].count, "DMA_AVAIL", left,
		       65535 - model.spaces[0].count);
}

/* The device comes, or goes, or moves to the other space. */
static void do_attach(bool moves)
{
	struct dm_call call = {.space = draw_space()};
	int want;

	if (model.mode == DM_V1 || model.mode == DM_V2)
		return;
	script.what = "attach";
	script.call = call;
	if (!moves && model.at >= 0) {
		dm_detach(&model);
		target_detach(&target);
		return;
	}
	if (moves && model.at >= 0)
		call.space = model.mode == DM_N ? !model.at : 0;
	script.call = call;
	want = dm_attach(&model, call.space);
	expect_answer(target_attach(&target, call.space), want);
	/* Else the device would stay away for good. */
	if (want && draw(2))
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
		do_info();
	else if (what < 96)
		do_attach(false);
	else if (what < 98)
		do_allow();
	else
		do_attach(true);
	/* What the call changed, and what it must not have. */
	for (int i = 0; i < 2; i++)
		do_dma(draw_iova(model.at > 0), 1, false);
}

static unsigned long operations(void)
{
	const char *many = getenv("UVF_OPERATIONS");

	return many ? strtoul(many, NULL, 0) : OPERATIONS;
}

static void seed_script(uint64_t seed)
{
	script.seed = seed;
	/* Small numbers are alike in all but a few bits, and 0 is no state. */
	script.state = (seed + 1) * 0x9e3779b97f4a7c15;
	for (int i = 0; i < 8; i++)
		(void)draw(2);
}

static void run(enum dm_mode mode, const char *abi, uint64_t seed,
		unsigned long count)
{
	uint8_t *memory = target_memory();

	memset(memory, 0, DM_GOOD * DM_PAGE);
	dm_init(&model, mode, (uintptr_t)memory);
	model.has_overflow = !strcmp(abi, "6.19");
	target_open(&target, mode, abi);
	seed_script(seed);
	for (script.operation = 0; script.operation < count;
	     script.operation++) {
		step();
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
	const char *text = getenv("UVF_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 20260303;

	print_message("%s of %s: seed %llu, %lu operations\n", names[mode], abi,
		      (unsigned long long)seed, operations());
	run(mode, abi, seed, operations());
}

/* Shows M6, M9, M10, M12, M19, M20, M22. */
static void v1_agrees_with_the_model(void **state)
{
	(void)state;
	run_mode(DM_V1, "6.12");
}

/* Shows M6, M9, M10, M12, M19, M20, M22, M28. */
static void v2_agrees_with_the_model(void **state)
{
	(void)state;
	run_mode(DM_V2, "6.12");
}

static void c1_agrees_with_the_model(void **state)
{
	(void)state;
	run_mode(DM_C1, "6.12");
}

static void c2_agrees_with_the_model(void **state)
{
	(void)state;
	run_mode(DM_C2, "6.12");
}

/* Shows M50, M51, M54. */
static void n_agrees_with_the_model(void **state)
{
	(void)state;
	run_mode(DM_N, "6.12");
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

/* One script, made for v2, that every mode is given at once. */

static struct {
	struct target targets[DM_MODES];
} all;

/* Flags of a MAP in a mode. */
static uint32_t flags_in(enum dm_mode mode, uint32_t prot)
{
	if (mode != DM_N)
		return prot;
	return N_FIXED | (prot & DM_READ ? 4u : 0) | (prot & DM_WRITE ? 2u : 0);
}

static int map_in(enum dm_mode mode, const struct dm_call *call)
{
	struct dm_call mine = *call;

	mine.flags = flags_in(mode, call->flags);
	return target_map(&all.targets[mode], &mine);
}

/* What the row of table 1.8 calls agreement: nothing mapped is no error. */
static int unmap_in(enum dm_mode mode, const struct dm_call *call,
		    uint64_t *ret_size)
{
	struct dm_call mine = *call;
	int ret = target_unmap(&all.targets[mode], &mine);

	*ret_size = mine.size;
	if (mode == DM_N && ret == -ENOENT) {
		*ret_size = 0;
		return 0;
	}
	return ret;
}

/*
 * A MAP of whole pages with some right: only what wraps has another errno by
 * mode, and that is left out.
 */
static void map_in_all(void)
{
	struct dm_call call = {
		.argsz = 32,
		.flags = 1 + (uint32_t)draw(3),
		.iova = draw_iova(0) & -DM_PAGE,
		.size = (1 + draw(8)) * DM_PAGE,
		.vaddr = model.base + draw(DM_MEMORY) * DM_PAGE,
	};
	struct dm_call mine = call;
	int want;

	if (call.iova + call.size - 1 < call.iova ||
	    model.spaces[0].count > DM_AREAS - 16)
		return;
	(void)begin("MAP in all", &call);
	want = dm_map(&model, &mine);
	for (enum dm_mode mode = 0; mode < DM_MODES; mode++) {
		int ret = map_in(mode, &call);

		/* Of two wrongs each family tells another first. */
		expect(ret == want || (ret == -EINVAL && want == -EEXIST),
		       names[mode], ret, want);
	}
}

/* An UNMAP that cuts nothing. */
static void unmap_in_all(void)
{
	struct dm_call call = {
		.argsz = 24,
		.iova = draw_iova(0) & -DM_PAGE,
		.size = draw(8) ? draw_size(0) & -DM_PAGE
				: (1 + draw(1 << 20)) * DM_PAGE,
	};
	struct dm_call mine = call;

	if (!call.size || call.iova + call.size <= call.iova ||
	    call.size > UINT64_MAX - DM_PAGE ||
	    dm_cuts(&model, call.iova, call.iova + call.size - 1))
		return;
	(void)begin("UNMAP in all", &call);
	assert_int_equal(dm_unmap(&model, &mine), 0);
	for (enum dm_mode mode = 0; mode < DM_MODES; mode++) {
		uint64_t size;
		int ret = unmap_in(mode, &call, &size);

		expect(!ret, names[mode], ret, 0);
		expect(size == mine.size, names[mode], (long long)size,
		       (long long)mine.size);
	}
}

static void dma_in_all(void)
{
	static uint8_t buf[DM_MODES][2 * DM_PAGE];
	uint64_t iova = draw_iova(0);
	size_t len = 1 + draw(sizeof(buf[0]));
	bool is_write = !draw(3);
	struct dm_call call = {.iova = iova, .size = len, .flags = is_write};
	size_t done[DM_MODES];

	(void)begin("DMA in all", &call);
	memset(buf, (int)draw(256), sizeof(buf));
	for (enum dm_mode mode = 0; mode < DM_MODES; mode++) {
		done[mode] = target_dma(&all.targets[mode], iova, buf[mode],
					len, is_write);
		expect(done[mode] == done[0], names[mode],
		       (long long)done[mode], (long long)done[0]);
		assert_memory_equal(buf[mode], buf[0], done[0]);
	}
}

/* Shows M20. */
static void modes_agree_where_they_should(void **state)
{
	uint8_t *memory = target_memory();

	(void)state;
	memset(memory, 0, DM_GOOD * DM_PAGE);
	dm_init(&model, DM_V2, (uintptr_t)memory);
	seed_script(20260303);
	for (enum dm_mode mode = 0; mode < DM_MODES; mode++)
		target_open(&all.targets[mode], mode, "6.12");
	for (script.operation = 0; script.operation < operations();
	     script.operation++) {
		uint64_t what = draw(8);

		if (what < 3)
			map_in_all();
		else if (what < 5)
			unmap_in_all();
		else
			dma_in_all();
	}
	for (enum dm_mode mode = 0; mode < DM_MODES; mode++)
		target_close(&all.targets[mode]);
}

/*
 * Whether a call means something else to a kernel of 6.18 and later: what
 * wraps, and what ends at 2^64.
 */
static bool is_of_the_top(const struct dm_call *call)
{
	return call->size && (call->iova + call->size - 1 < call->iova ||
			      call->vaddr + call->size - 1 < call->vaddr ||
			      call->iova + call->size - 1 == UINT64_MAX ||
			      call->vaddr + call->size - 1 == UINT64_MAX);
}

/* Begin anew, where they have become different. */
static void unmap_both(struct target *old, struct target *new)
{
	struct dm_call call = {.argsz = 24, .flags = 2};
	struct dm_call a = call, b = call;

	assert_int_equal(target_unmap(old, &a), 0);
	assert_int_equal(target_unmap(new, &b), 0);
	assert_int_equal(dm_unmap(&model, &call), 0);
}

/* Shows M10. */
static void profiles_differ_at_the_top_alone(void **state)
{
	struct target *old = &all.targets[0], *new = &all.targets[1];
	unsigned long differences = 0;

	(void)state;
	dm_init(&model, DM_V2, (uintptr_t)target_memory());
	seed_script(20260303);
	target_open(old, DM_V2, "6.12");
	target_open(new, DM_V2, "6.19");
	for (script.operation = 0; script.operation < operations();
	     script.operation++) {
		bool maps = draw(2);
		struct dm_call call = {
			.argsz = maps ? 32 : 24,
			.flags = maps ? draw_flags() : 0,
			.iova = draw_iova(0),
			.size = draw_size(0),
			.vaddr = maps ? draw_vaddr() : 0,
		};
		struct dm_call a = call, b = call, c = call;
		int was, is;

		if (maps && model.spaces[0].count > DM_AREAS - 16)
			continue;
		(void)begin(maps ? "MAP" : "UNMAP", &call);
		was = maps ? target_map(old, &a) : target_unmap(old, &a);
		is = maps ? target_map(new, &b) : target_unmap(new, &b);
		(void)(maps ? dm_map(&model, &c) : dm_unmap(&model, &c));
		if (was == is && a.size == b.size)
			continue;
		expect(is_of_the_top(&call), "a difference", is, was);
		differences++;
		unmap_both(old, new);
	}
	print_message("%lu differences\n", differences);
	target_close(old);
	target_close(new);
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
		cmocka_unit_test(modes_agree_where_they_should),
		cmocka_unit_test(profiles_differ_at_the_top_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

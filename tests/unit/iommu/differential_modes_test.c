/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same random script for several IOMMUs: all five modes, or two profiles.
 * Nothing but each other says what is right, and where they may differ.
 *
 *   UVF_OPERATIONS=N  calls for each script
 *   UVF_SEED=N
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

#define N_FIXED 1u

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

static void compare_modes(const char *abi)
{
	uint8_t *memory = target_memory();

	memset(memory, 0, DM_GOOD * DM_PAGE);
	dm_init(&model, DM_V2, (uintptr_t)memory);
	seed_script(first_seed());
	for (enum dm_mode mode = 0; mode < DM_MODES; mode++)
		target_open(&all.targets[mode], mode, abi);
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

/* Shows M20, M87. */
static void modes_agree_where_they_should(void **state)
{
	(void)state;
	compare_modes("6.12");
	compare_modes("6.19");
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

static void compare_profiles(enum dm_mode mode)
{
	struct target *old = &all.targets[0], *new = &all.targets[1];
	unsigned long differences = 0;

	dm_init(&model, mode, (uintptr_t)target_memory());
	seed_script(first_seed());
	target_open(old, mode, "6.12");
	target_open(new, mode, "6.19");
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
	print_message("%s: seed %llu, %lu operations, %lu differences\n",
		      names[mode], (unsigned long long)script.seed,
		      operations(), differences);
	target_close(old);
	target_close(new);
}

/* Shows M10, M87. */
static void profiles_differ_at_the_top_alone(void **state)
{
	(void)state;
	compare_profiles(DM_V1);
	compare_profiles(DM_V2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes_agree_where_they_should),
		cmocka_unit_test(profiles_differ_at_the_top_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that read while one task maps and unmaps: what each read saw must
 * have been so at some time between its start and its end.
 *
 * A clock goes on at the start and at the end of each call.  A read that saw
 * it stand at S before and at E after may have met what the last call left
 * that was over at S, or what any call made that was not and had begun by E.
 * So no read that starts after UNMAP returned may succeed.
 *
 *   UVF_OPERATIONS=N  calls for each mode
 *   UVF_SEED=N
 */
#include "differential_target.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

#define OPERATIONS 20000ul
#define DEVICES    2u
#define SLOTS      12u /* pages of IOVA */
#define BASE       0x100000ull
#define READS      400000u /* that a device keeps, at most */
#define PAGES_MAX  3u      /* that one call or read is about */

/* What a slot became: 0, or the number of the page behind it. */
struct change {
	unsigned long call; /* its start is 2 * call + 1, its end one more */
	uint8_t page;
};

struct history {
	struct change *changes;
	unsigned long count;
};

struct sight {
	unsigned long start, end;
	uint8_t slot;
	uint8_t page;
};

struct device {
	pthread_t thread;
	uint64_t random;
	struct sight *sights;
	unsigned int count;
};

static struct target target;
static struct history histories[SLOTS];
static struct device devices[DEVICES];
static atomic_ulong now;
static atomic_bool is_over;
static pthread_barrier_t start; /* of the devices and the control thread */

static uint64_t draw(uint64_t *state, uint64_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % below;
}

static void keep(struct device *device, struct sight sight)
{
	if (device->count < READS)
		device->sights[device->count++] = sight;
}

/* Read from one page or over some, and tell what each was. */
static void look(struct device *device)
{
	static _Thread_local uint8_t buf[PAGES_MAX * DM_PAGE];
	uint8_t slot = (uint8_t)draw(&device->random, SLOTS);
	unsigned int pages =
		draw(&device->random, 4)
			? 1
			: 1 + (unsigned int)draw(&device->random, PAGES_MAX);
	struct sight sight = {.slot = slot};
	size_t len, done;

	if (slot + pages > SLOTS)
		pages = SLOTS - slot;
	len = pages == 1 ? 8 : pages * DM_PAGE;
	sight.start = atomic_load(&now);
	done = target_dma(&target, BASE + slot * DM_PAGE, buf, len, false);
	sight.end = atomic_load(&now);
	for (unsigned int i = 0; i < pages; i++) {
		sight.slot = (uint8_t)(slot + i);
		/* Nothing behind the first page that is not there was tried. */
		sight.page = done > i * DM_PAGE ? buf[i * DM_PAGE] : 0;
		keep(device, sight);
		if (!sight.page)
			return;
	}
}

static void *device_main(void *arg)
{
	struct device *device = arg;

	uvf_reader_register();
	pthread_barrier_wait(&start);
	do {
		look(device);
	} while (!atomic_load(&is_over));
	uvf_reader_unregister();
	return NULL;
}

static void note(unsigned int slot, unsigned long call, unsigned int page)
{
	struct history *history = &histories[slot];

	history->changes[history->count++] =
		(struct change){call, (uint8_t)page};
}

static unsigned int page_now(unsigned int slot)
{
	const struct history *history = &histories[slot];

	return history->count ? history->changes[history->count - 1].page : 0;
}

/* Which slots one MAP made, by the first; 0: none begins here. */
static unsigned int extents[SLOTS];

static void map(uint64_t *random, unsigned long call)
{
	unsigned int slot = (unsigned int)draw(random, SLOTS);
	unsigned int pages = 1 + (unsigned int)draw(random, PAGES_MAX);
	unsigned int page = 1 + (unsigned int)draw(random, DM_GOOD - PAGES_MAX);
	struct dm_call args = {
		.argsz = 32,
		.flags = target.mode == DM_N ? 7 : DM_RW,
		.iova = BASE + slot * DM_PAGE,
		.size = pages * DM_PAGE,
		.vaddr = (uintptr_t)target_memory() + (page - 1) * DM_PAGE,
	};

	if (slot + pages > SLOTS)
		return;
	for (unsigned int i = 0; i < pages; i++)
		if (page_now(slot + i))
			return;
	for (unsigned int i = 0; i < pages; i++)
		note(slot + i, call, page + i);
	atomic_store(&now, 2 * call + 1);
	assert_int_equal(target_map(&target, &args), 0);
	atomic_store(&now, 2 * call + 2);
	extents[slot] = pages;
}

/* One mapping; c1 takes a part of it, too. */
static void unmap(uint64_t *random, unsigned long call)
{
	unsigned int slot = (unsigned int)draw(random, SLOTS);
	unsigned int pages = extents[slot];
	struct dm_call args = {.argsz = 24};

	if (!pages)
		return;
	if (target.mode == DM_C1 && pages > 1 && draw(random, 2)) {
		extents[slot + 1] = pages - 1;
		pages = 1;
	}
	extents[slot] = 0;
	args.iova = BASE + slot * DM_PAGE;
	args.size = pages * DM_PAGE;
	for (unsigned int i = 0; i < pages; i++)
		note(slot + i, call, 0);
	atomic_store(&now, 2 * call + 1);
	assert_int_equal(target_unmap(&target, &args), 0);
	atomic_store(&now, 2 * call + 2);
	assert_int_equal(args.size, pages * DM_PAGE);
}

static void unmap_all(unsigned long call)
{
	struct dm_call args = {
		.argsz = 24,
		.flags = target.mode == DM_N ? 0 : 2,
		.size = target.mode == DM_N ? UINT64_MAX : 0,
	};

	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		if (page_now(slot))
			note(slot, call, 0);
		extents[slot] = 0;
	}
	atomic_store(&now, 2 * call + 1);
	assert_int_equal(target_unmap(&target, &args), 0);
	atomic_store(&now, 2 * call + 2);
}

/* The last change of a slot that was over at a time; -1: none was. */
static long last_over(const struct history *history, unsigned long time)
{
	long low = -1, high = (long)history->count;

	while (low + 1 < high) {
		long middle = low + (high - low) / 2;

		if (2 * history->changes[middle].call + 2 <= time)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static bool may_have_seen(const struct sight *sight)
{
	const struct history *history = &histories[sight->slot];
	long at = last_over(history, sight->start);

	if (sight->page == (at < 0 ? 0 : history->changes[at].page))
		return true;
	for (at++; at < (long)history->count &&
		   2 * history->changes[at].call + 1 <= sight->end;
	     at++)
		if (history->changes[at].page == sight->page)
			return true;
	return false;
}

static void check(const struct device *device, enum dm_mode mode, uint64_t seed)
{
	for (unsigned int i = 0; i < device->count; i++) {
		const struct sight *sight = &device->sights[i];

		if (may_have_seen(sight))
			continue;
		fail_msg("mode %d seed %llu: slot %u was page %u between %lu "
			 "and %lu",
			 mode, (unsigned long long)seed, sight->slot,
			 sight->page, sight->start, sight->end);
	}
}

static void control(uint64_t seed, unsigned long count)
{
	uint64_t random = (seed + 1) * 0x9e3779b97f4a7c15;

	for (unsigned long call = 0; call < count; call++) {
		uint64_t what = draw(&random, 32);

		if (what < 18)
			map(&random, call);
		else if (what < 31)
			unmap(&random, call);
		else
			unmap_all(call);
	}
}

static void run(enum dm_mode mode)
{
	const char *text = getenv("UVF_SEED");
	const char *many = getenv("UVF_OPERATIONS");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 20260303;
	unsigned long count = many ? strtoul(many, NULL, 0) : OPERATIONS;
	unsigned int seen = 0;

	for (unsigned int i = 0; i < DM_GOOD; i++)
		memset(target_memory() + i * DM_PAGE, (int)i + 1, DM_PAGE);
	target_open(&target, mode, "6.12");
	atomic_store(&now, 0);
	atomic_store(&is_over, false);
	memset(extents, 0, sizeof(extents));
	for (unsigned int i = 0; i < SLOTS; i++) {
		histories[i].count = 0;
		histories[i].changes = uvf_calloc(count, sizeof(struct change));
		assert_non_null(histories[i].changes);
	}
	assert_int_equal(pthread_barrier_init(&start, NULL, DEVICES + 1), 0);
	for (unsigned int i = 0; i < DEVICES; i++) {
		devices[i].random = (seed + 2 + i) * 0x9e3779b97f4a7c15;
		devices[i].count = 0;
		devices[i].sights = uvf_calloc(READS, sizeof(struct sight));
		assert_non_null(devices[i].sights);
		assert_int_equal(pthread_create(&devices[i].thread, NULL,
						device_main, &devices[i]),
				 0);
	}
	pthread_barrier_wait(&start);
	control(seed, count);
	atomic_store(&is_over, true);
	for (unsigned int i = 0; i < DEVICES; i++)
		pthread_join(devices[i].thread, NULL);
	for (unsigned int i = 0; i < DEVICES; i++) {
		check(&devices[i], mode, seed);
		seen += devices[i].count;
		uvf_free(devices[i].sights);
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		uvf_free(histories[i].changes);
	pthread_barrier_destroy(&start);
	print_message("seed %llu: %lu calls, %u pages seen\n",
		      (unsigned long long)seed, count, seen);
	assert_true(seen > 0);
	target_close(&target);
}

/* Shows M77, M89. */
static void v2_reads_meet_a_state_of_their_time(void **state)
{
	(void)state;
	run(DM_V2);
}

/* Shows M77, M89. */
static void c1_reads_meet_a_state_of_their_time(void **state)
{
	(void)state;
	run(DM_C1);
}

/* Shows M77, M89. */
static void n_reads_meet_a_state_of_their_time(void **state)
{
	(void)state;
	run(DM_N);
}

/* A checker that believes everything would be of no use. */
static void wrong_sights_are_found(void **state)
{
	struct change changes[] = {{0, 1}, {5, 0}, {9, 2}};
	/* Call 5 takes from 11 to 12, and leaves nothing until 19. */
	static const struct {
		struct sight sight;
		bool is_right;
	} rows[] = {
		{{0, 0, 0, 0}, true},    {{0, 0, 0, 1}, false},
		{{0, 1, 0, 1}, true},    {{2, 10, 0, 1}, true},
		{{2, 10, 0, 0}, false},  {{2, 11, 0, 0}, true},
		{{11, 12, 0, 1}, true},  {{12, 12, 0, 1}, false},
		{{12, 18, 0, 2}, false}, {{12, 19, 0, 2}, true},
		{{20, 20, 0, 0}, false}, {{20, 20, 0, 2}, true},
	};

	(void)state;
	histories[0] = (struct history){changes, 3};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(may_have_seen(&rows[i].sight),
				 rows[i].is_right);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_sights_are_found),
		cmocka_unit_test(v2_reads_meet_a_state_of_their_time),
		cmocka_unit_test(c1_reads_meet_a_state_of_their_time),
		cmocka_unit_test(n_reads_meet_a_state_of_their_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

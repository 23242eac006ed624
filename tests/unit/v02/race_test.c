/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that open, merge, map, close and unbind at random.  No answer is
 * known beforehand; what counts is that all return, that nothing is lost,
 * and what the checkers of memory and threads say.
 */
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommu/account.h"
#include "iommu/iommu.h"
#include "v02/state.h"

#define THREADS 6
#define ROUNDS  1500
#define GROUPS  3

struct racer {
	struct rig *rig;
	struct fake **fakes;
	uint64_t seed;
	pthread_t thread;
};

static unsigned int draw(struct racer *racer, unsigned int below)
{
	racer->seed ^= racer->seed << 13;
	racer->seed ^= racer->seed >> 7;
	racer->seed ^= racer->seed << 17;
	return (unsigned int)(racer->seed % below);
}

/* Whatever a call on files of a thread's own may say. */
static void must_be_one_of_its_errors(long ret)
{
	if (ret < 0 && ret != -EINVAL && ret != -EBUSY && ret != -EPERM &&
	    ret != -ENODEV && ret != -EMFILE)
		fail_msg("%ld", ret);
}

static void close_if(struct racer *racer, long fd)
{
	must_be_one_of_its_errors(fd);
	if (fd >= 0)
		p_close(&racer->rig->a, (int)fd);
}

static void use_once(struct racer *racer)
{
	static const char *const nodes[GROUPS] = {"1", "2", "3"};
	static const char *const names[GROUPS] = {"a", "b", "c"};
	struct rig *rig = racer->rig;
	unsigned int one = draw(racer, GROUPS), two = draw(racer, GROUPS);
	long group = p_open(&rig->a, nodes[one]);
	long other = p_open(&rig->a, nodes[two]);
	long iommu, device;

	if (group < 0 || other < 0) {
		close_if(racer, group);
		close_if(racer, other);
		return;
	}
	must_be_one_of_its_errors(merge(rig, (int)group, (int)other));
	iommu = get_iommu(rig, (int)group);
	device = get_device(rig, (int)other, names[draw(racer, GROUPS)]);
	if (iommu >= 0) {
		uint64_t at = draw(racer, 64) * PAGE;

		must_be_one_of_its_errors(map(rig, (int)iommu, at,
					      draw(racer, 32),
					      1 + draw(racer, 8), 0));
		must_be_one_of_its_errors(
			unmap(rig, (int)iommu, at + draw(racer, 4) * PAGE, 2));
	}
	if (draw(racer, 2))
		must_be_one_of_its_errors(unmerge(rig, (int)group, (int)other));
	close_if(racer, device);
	close_if(racer, group);
	close_if(racer, iommu);
	close_if(racer, other);
}

static void *user_thread(void *arg)
{
	uvf_reader_register();
	for (unsigned int i = 0; i < ROUNDS; i++)
		use_once(arg);
	uvf_reader_unregister();
	return NULL;
}

/* One driver for each device, as the driver core would have it. */
static void *driver_thread(void *arg)
{
	struct racer *racer = arg;
	struct fake *fake = racer->fakes[0];

	for (unsigned int i = 0; i < ROUNDS / 4; i++) {
		assert_ptr_equal(fake_unbind(fake), fake);
		if (draw(racer, 4) == 0) {
			uvf_v02_group_del_dev(fake->rig->v02, &fake->bus);
			assert_int_equal(uvf_v02_group_add_dev(fake->rig->v02,
							       &fake->bus,
							       &fake_ops),
					 0);
		}
		if (fake->is_claimed)
			fake->is_claimed = false; /* bound by the hook */
		else
			fake_bind(fake);
		atomic_store(&fake->requests, 0);
	}
	return NULL;
}

static void nothing_is_lost_in_a_race(void **state)
{
	static const char *const names[GROUPS] = {"a", "b", "c"};
	const char *text = getenv("UVF_SEED");
	struct racer racers[THREADS + GROUPS];
	struct fake *fakes[GROUPS];
	struct rig *rig = *state;
	uint64_t seed = text ? strtoull(text, NULL, 0) : 20111103;

	printf("seed %llu\n", (unsigned long long)seed);
	for (int i = 0; i < GROUPS; i++)
		fakes[i] = fake_add(rig, rig->pci, names[i], 1 + i, true);
	for (int i = 0; i < THREADS + GROUPS; i++) {
		racers[i] = (struct racer){
			.rig = rig,
			.fakes = fakes + (i < GROUPS ? i : 0),
			.seed = seed + (uint64_t)i,
		};
		assert_int_equal(
			pthread_create(&racers[i].thread, NULL,
				       i < GROUPS ? driver_thread : user_thread,
				       &racers[i]),
			0);
	}
	for (int i = 0; i < THREADS + GROUPS; i++)
		pthread_join(racers[i].thread, NULL);
	for (int i = 0; i < GROUPS; i++) {
		assert_int_equal(fakes[i]->opens, 0);
		assert_null(fakes[i]->domain);
		assert_true(uvf_iommu_group_is_idle(fakes[i]->bus.group));
	}
	assert_int_equal(uvf_account_pages(rig->a.caller.mm), 0);
	assert_int_equal(uvf_account_pages(rig->b.caller.mm), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nothing_is_lost_in_a_race),
	};

	return cmocka_run_group_tests_name("v02/race", tests, NULL, NULL);
}

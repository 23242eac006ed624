/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls against a naive model: who has which group open, and which
 * device tracks it.  model_test [SEED]
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <linux/kvm.h>

#include "kvm/vm.h"
#include "rig.h"

#define STEPS  20000
#define FDS    8 /* descriptors of groups */
#define VMS    3
#define GROUPS 2

static unsigned long long seed;

/* What ought to be.  A file is the number of its open, 0: none. */
struct model {
	int fds[FDS];             /* descriptor, or -1 */
	int file_of[FDS];         /* which open it is of */
	int group_of[FDS];        /* and of which group */
	int devices[VMS];         /* KVM-VFIO, or -1 */
	int tracked[VMS][GROUPS]; /* the open that is tracked; one per group */
	int opens;
};

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % below;
}

/* Whether an open of the group is alive: by a descriptor, or tracked. */
static bool is_busy(const struct model *m, int group)
{
	for (int i = 0; i < FDS; i++)
		if (m->fds[i] >= 0 && m->group_of[i] == group)
			return true;
	for (int vm = 0; vm < VMS; vm++)
		if (m->tracked[vm][group])
			return true;
	return false;
}

static void do_open(struct rig *rig, struct model *m, int i)
{
	int group = (int)rnd(GROUPS);
	int fd;

	if (m->fds[i] >= 0)
		return;
	fd = client_open(rig->client, group ? GROUP_2 : GROUP_1);
	if (is_busy(m, group)) {
		assert_int_equal(fd, -EBUSY);
		return;
	}
	assert_true(fd >= 0);
	m->fds[i] = fd;
	m->file_of[i] = ++m->opens;
	m->group_of[i] = group;
}

static void do_dup(struct rig *rig, struct model *m, int i)
{
	int from = (int)rnd(FDS);

	if (m->fds[i] >= 0 || m->fds[from] < 0)
		return;
	m->fds[i] = client_dup(rig->client, m->fds[from]);
	m->file_of[i] = m->file_of[from];
	m->group_of[i] = m->group_of[from];
}

static void do_close(struct rig *rig, struct model *m, int i)
{
	if (m->fds[i] < 0)
		return;
	assert_int_equal(client_close(rig->client, m->fds[i]), 0);
	m->fds[i] = -1;
}

static void do_add(struct rig *rig, struct model *m, int i, int vm)
{
	int expected = 0;

	if (m->devices[vm] < 0)
		return;
	if (m->fds[i] < 0)
		expected = -EBADF;
	else if (m->tracked[vm][m->group_of[i]])
		expected = -EEXIST;
	else
		m->tracked[vm][m->group_of[i]] = m->file_of[i];
	assert_int_equal(add_file(rig->client, m->devices[vm], m->fds[i]),
			 expected);
}

static void do_del(struct rig *rig, struct model *m, int i, int vm)
{
	int expected = 0;

	if (m->devices[vm] < 0)
		return;
	if (m->fds[i] < 0)
		expected = -EBADF;
	else if (m->tracked[vm][m->group_of[i]] != m->file_of[i])
		expected = -ENOENT;
	else
		m->tracked[vm][m->group_of[i]] = 0;
	assert_int_equal(del_file(rig->client, m->devices[vm], m->fds[i]),
			 expected);
}

static void do_device(struct rig *rig, struct model *m, const int *vms, int vm)
{
	if (m->devices[vm] >= 0 && rnd(2)) {
		assert_int_equal(create_device(rig->client, vms[vm],
					       KVM_DEV_TYPE_VFIO, 0),
				 -EBUSY);
	} else if (m->devices[vm] >= 0) {
		client_close(rig->client, m->devices[vm]);
		m->devices[vm] = -1;
		for (int group = 0; group < GROUPS; group++)
			m->tracked[vm][group] = 0;
	} else {
		m->devices[vm] = (int)create_device(rig->client, vms[vm],
						    KVM_DEV_TYPE_VFIO, 0);
		assert_true(m->devices[vm] >= 0);
	}
}

static void random_calls_follow_the_model(void **state)
{
	struct rig rig = rig_create(NULL, NULL);
	struct model m = {.opens = 0};
	int vms[VMS] = {rig.vm};

	(void)state;
	for (int i = 0; i < FDS; i++)
		m.fds[i] = -1;
	for (int vm = 0; vm < VMS; vm++) {
		m.devices[vm] = vm ? -1 : rig.device;
		if (vm)
			vms[vm] = create_vm(rig.client, rig.kvm);
	}
	for (int step = 0; step < STEPS; step++) {
		int i = (int)rnd(FDS);
		int vm = (int)rnd(VMS);
		unsigned int count = 0;

		switch (rnd(16)) {
		case 0 ... 2:
			do_open(&rig, &m, i);
			break;
		case 3 ... 4:
			do_dup(&rig, &m, i);
			break;
		case 5 ... 7:
			do_close(&rig, &m, i);
			break;
		case 8 ... 11:
			do_add(&rig, &m, i, vm);
			break;
		case 12 ... 14:
			do_del(&rig, &m, i, vm);
			break;
		default:
			do_device(&rig, &m, vms, vm);
		}
		for (int group = 0; group < GROUPS; group++)
			count += m.tracked[0][group] != 0;
		assert_int_equal(atomic_load(&rig_vm(&rig)->assigned_count),
				 count);
		assert_int_equal(atomic_load(&rig_vm(&rig)->noncoherent_count),
				 count != 0);
	}
	rig_destroy(&rig);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_follow_the_model),
	};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = argc > 1 ? strtoull(argv[1], NULL, 0)
			: (unsigned long long)now.tv_sec * 1000000007ull +
				  (unsigned long long)now.tv_nsec;
	fprintf(stderr, "seed %llu\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

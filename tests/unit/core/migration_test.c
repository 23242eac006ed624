/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Migration: the ways between the states against a statement of the rules of
 * its own, and the features that lead there.
 */
#include "migration_fake.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t option_sets[] = {1, 3, 5, 7};

/*
 * The rules in words, apart from the code: which arcs a device of some
 * abilities carries out itself, which of them are preferred, and that no way
 * goes through a saving state but PRE_COPY, PRE_COPY_P2P, STOP_COPY.
 */
static bool rule_can(uint32_t flags, uint32_t state)
{
	bool has_p2p = flags & 2, has_pre = flags & 4;

	switch (state) {
	case UVF_MIG_STOP:
	case UVF_MIG_RUNNING:
	case UVF_MIG_STOP_COPY:
	case UVF_MIG_RESUMING:
		return true;
	case UVF_MIG_RUNNING_P2P:
		return has_p2p;
	case UVF_MIG_PRE_COPY:
		return has_pre;
	case UVF_MIG_PRE_COPY_P2P:
		return has_pre && has_p2p;
	default:
		return false;
	}
}

static bool rule_has_arc(uint32_t flags, uint32_t from, uint32_t to)
{
	static const uint8_t arcs[][3] = {
		/* from, to, a bit for each option set that has the arc */
		{UVF_MIG_RESUMING, UVF_MIG_STOP, 0xff},
		{UVF_MIG_STOP, UVF_MIG_RESUMING, 0xff},
		{UVF_MIG_STOP, UVF_MIG_STOP_COPY, 0xff},
		{UVF_MIG_STOP_COPY, UVF_MIG_STOP, 0xff},
		{UVF_MIG_RUNNING, UVF_MIG_STOP, 1 << 1 | 1 << 5},
		{UVF_MIG_STOP, UVF_MIG_RUNNING, 1 << 1 | 1 << 5},
		{UVF_MIG_RUNNING, UVF_MIG_RUNNING_P2P, 1 << 3 | 1 << 7},
		{UVF_MIG_RUNNING_P2P, UVF_MIG_RUNNING, 1 << 3 | 1 << 7},
		{UVF_MIG_RUNNING_P2P, UVF_MIG_STOP, 1 << 3 | 1 << 7},
		{UVF_MIG_STOP, UVF_MIG_RUNNING_P2P, 1 << 3 | 1 << 7},
		{UVF_MIG_RUNNING, UVF_MIG_PRE_COPY, 1 << 5 | 1 << 7},
		{UVF_MIG_PRE_COPY, UVF_MIG_RUNNING, 1 << 5 | 1 << 7},
		{UVF_MIG_PRE_COPY, UVF_MIG_STOP_COPY, 1 << 5},
		{UVF_MIG_PRE_COPY, UVF_MIG_PRE_COPY_P2P, 1 << 7},
		{UVF_MIG_PRE_COPY_P2P, UVF_MIG_PRE_COPY, 1 << 7},
		{UVF_MIG_PRE_COPY_P2P, UVF_MIG_RUNNING_P2P, 1 << 7},
		{UVF_MIG_PRE_COPY_P2P, UVF_MIG_STOP_COPY, 1 << 7},
		{UVF_MIG_RUNNING_P2P, UVF_MIG_PRE_COPY_P2P, 1 << 7},
	};

	for (size_t i = 0; i < COUNT(arcs); i++)
		if (arcs[i][0] == from && arcs[i][1] == to)
			return arcs[i][2] & 1 << flags;
	return false;
}

static bool rule_saves(uint32_t state)
{
	return state == UVF_MIG_STOP_COPY || state == UVF_MIG_PRE_COPY ||
	       state == UVF_MIG_PRE_COPY_P2P;
}

/*
 * The shortest allowed way: how many arcs, and the states into path.  No way
 * enters a state with a stream but its own end, except from PRE_COPY by
 * PRE_COPY_P2P to STOP_COPY.  From STOP_COPY none leads back to PRE_COPY.
 */
static unsigned int rule_way(uint32_t flags, uint32_t from, uint32_t to,
			     uint8_t path[8])
{
	uint8_t seen[UVF_MIG_STATES] = {0}, before[UVF_MIG_STATES] = {0};
	uint8_t queue[UVF_MIG_STATES];
	unsigned int head = 0, tail = 0, n = 0;

	if (from == UVF_MIG_STOP_COPY &&
	    (to == UVF_MIG_PRE_COPY || to == UVF_MIG_PRE_COPY_P2P))
		return 0;
	queue[tail++] = (uint8_t)from;
	seen[from] = 1;
	while (head < tail) {
		uint8_t at = queue[head++];

		for (uint8_t next = 1; next < UVF_MIG_STATES; next++) {
			bool has_stream =
				rule_saves(next) || next == UVF_MIG_RESUMING;
			bool is_shared = from == UVF_MIG_PRE_COPY &&
					 next == UVF_MIG_PRE_COPY_P2P &&
					 to == UVF_MIG_STOP_COPY;

			if (seen[next] || !rule_has_arc(flags, at, next) ||
			    (has_stream && next != to && !is_shared))
				continue;
			/* Ends with a stream shared, or as all others. */
			if (from == UVF_MIG_PRE_COPY &&
			    to == UVF_MIG_STOP_COPY && flags == 7 &&
			    at == from && next != UVF_MIG_PRE_COPY_P2P)
				continue;
			seen[next] = 1;
			before[next] = at;
			queue[tail++] = next;
		}
	}
	if (!seen[to] || from == to)
		return 0;
	for (uint8_t at = (uint8_t)to; at != from; at = before[at])
		n++;
	for (uint8_t at = (uint8_t)to, i = (uint8_t)n; at != from;
	     at = before[at])
		path[--i] = at;
	return n;
}

/* Puts the device there without asking the code that is tested. */
static bool go_to(struct fake *fake, uint32_t flags, uint32_t state)
{
	uint8_t path[8];
	unsigned int n = rule_way(flags, UVF_MIG_RUNNING, state, path);

	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(set_state(fake, path[i], NULL), 0);
	return state_of(fake) == state;
}

/* Shows F3, F4. */
static void every_way_is_that_of_the_rules(void **state)
{
	static struct fake fake;
	unsigned int ways = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(option_sets); i++) {
		uint32_t flags = option_sets[i];

		for (uint32_t from = 0; from <= UVF_MIG_STATES; from++)
			for (uint32_t to = 0; to <= UVF_MIG_STATES; to++) {
				struct uvf_file *file;
				uint8_t path[8];
				uint32_t next;
				unsigned int n = 0;
				bool is_way = rule_can(flags, from) &&
					      rule_can(flags, to);
				int ret;

				if (is_way && from != to) {
					n = rule_way(flags, from, to, path);
					is_way = n;
				}
				ret = uvf_mig_get_next_state(flags, from, to,
							     &next);
				assert_int_equal(ret, is_way ? 0 : -EINVAL);
				if (!ret)
					assert_int_equal(next,
							 n ? path[0] : to);
				if (!rule_can(flags, from))
					continue;
				fake_open(&fake, flags, "6.12");
				fake.loaded = STATE_BYTES;
				assert_true(go_to(&fake, flags, from));
				fake.loaded = STATE_BYTES;
				ret = set_state(&fake, to, &file);
				assert_int_equal(ret, is_way ? 0 : -EINVAL);
				assert_int_equal(state_of(&fake),
						 is_way ? to : from);
				assert_int_equal(fake.arc_count, n);
				for (unsigned int k = 0; k < n; k++)
					assert_int_equal(fake.arcs[k][1],
							 path[k]);
				/* A stream for those who had none. */
				assert_int_equal(
					!!file,
					n &&
						(rule_saves(to) ||
						 to == UVF_MIG_RESUMING) &&
						!(rule_saves(from) &&
						  rule_saves(to)));
				uvf_file_put(file);
				fake_close(&fake);
				ways++;
			}
	}
	assert_int_equal(ways, (4 + 5 + 5 + 7) * 9);
}

/* Shows F4. */
static void an_error_is_left_by_a_reset_only(void **state)
{
	static struct fake fake;
	struct mig_state get = mig_state(GET, 0);

	(void)state;
	fake_open(&fake, 7, "6.12");
	fake.fails_at = 1;
	fake.failure = -EIO;
	assert_int_equal(set_state(&fake, UVF_MIG_STOP, NULL), -EIO);
	for (uint32_t to = 0; to < UVF_MIG_STATES + 2; to++)
		assert_int_equal(set_state(&fake, to, NULL), -EINVAL);
	assert_int_equal(fake.arc_count, 0);
	assert_int_equal(feature(&fake, &get), 0);
	assert_int_equal(get.data.device_state, UVF_MIG_ERROR);
	assert_int_equal(get.data.data_fd, -1);
	uvf_migration_reset(fake.device.migration);
	assert_int_equal(feature(&fake, &get), 0);
	assert_int_equal(get.data.device_state, UVF_MIG_RUNNING);
	fake_close(&fake);
}

/* Shows F6. */
static void a_failing_arc_leaves_the_state_before_it(void **state)
{
	static struct fake fake;
	struct mig_state get = mig_state(GET, 0);

	(void)state;
	fake_open(&fake, 7, "6.12");
	fake.fails_at = 2;
	fake.failure = -ETIMEDOUT;
	assert_int_equal(set_state(&fake, UVF_MIG_STOP_COPY, NULL), -ETIMEDOUT);
	assert_int_equal(feature(&fake, &get), 0);
	assert_int_equal(get.data.device_state, UVF_MIG_RUNNING_P2P);
	/* An arc that was to open a stream. */
	fake.fails_at = 2;
	assert_int_equal(set_state(&fake, UVF_MIG_STOP_COPY, NULL), -ETIMEDOUT);
	assert_int_equal(state_of(&fake), UVF_MIG_STOP);
	assert_int_equal(set_state(&fake, UVF_MIG_STOP_COPY, NULL), 0);
	fake_close(&fake);
}

static int header(struct fake *fake, uint32_t argsz, uint32_t flags)
{
	struct mig_state arg = {.header = {.argsz = argsz, .flags = flags}};

	return feature(fake, &arg);
}

/* Shows F1. */
static void a_feature_is_checked_in_this_order(void **state)
{
	static const struct {
		const char *abi;
		int unknown;
	} profiles[] = {{"6.1", -EINVAL}, {"6.12", -EINVAL}, {"6.19", -ENOTTY}};
	const uint32_t index = VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE;
	static struct fake fake;

	(void)state;
	fake_open(&fake, 1, "6.12");
	assert_int_equal(feature(&fake, NULL), -EFAULT);
	assert_int_equal(header(&fake, 7, index | PROBE | GET), -EINVAL);
	assert_int_equal(header(&fake, 16, index | PROBE | GET | 1u << 19),
			 -EINVAL);
	assert_int_equal(header(&fake, 16, index | GET | SET), -EINVAL);
	assert_int_equal(header(&fake, 16, index | GET | SET | PROBE), 0);
	assert_int_equal(header(&fake, 8, index | PROBE), 0);
	assert_int_equal(header(&fake, 16, index), -EINVAL);
	fake_close(&fake);
	for (size_t i = 0; i < COUNT(profiles); i++) {
		fake_open(&fake, 0, profiles[i].abi);
		assert_int_equal(header(&fake, 16, index | GET), -ENOTTY);
		assert_int_equal(header(&fake, 16, 0x1234 | GET),
				 profiles[i].unknown);
		fake_close(&fake);
	}
}

/* Shows F2. */
static void a_probe_needs_no_data(void **state)
{
	static struct fake fake;

	(void)state;
	fake_open(&fake, 1, "6.12");
	assert_int_equal(
		header(&fake, 8, VFIO_DEVICE_FEATURE_MIGRATION | GET | PROBE),
		0);
	assert_int_equal(header(&fake, 8, VFIO_DEVICE_FEATURE_MIGRATION | GET),
			 -EINVAL);
	assert_int_equal(
		header(&fake, 16, VFIO_DEVICE_FEATURE_MIGRATION | SET | PROBE),
		-EINVAL);
	fake_close(&fake);
}

static void a_device_tells_what_it_can(void **state)
{
	static struct fake fake;
	struct {
		struct vfio_device_feature header;
		uint64_t data;
	} arg = {.header = {sizeof(arg), VFIO_DEVICE_FEATURE_MIGRATION | GET}};

	(void)state;
	fake_open(&fake, 5, "6.12");
	assert_int_equal(feature(&fake, &arg), 0);
	assert_int_equal(arg.data, 5);
	arg.header.flags = DATA_SIZE | GET;
	assert_int_equal(feature(&fake, &arg), 0);
	assert_int_equal(arg.data, STATE_BYTES);
	fake_close(&fake);
}

/* Flips has_precopy. */
static void kernels_before_pre_copy_do_not_know_it(void **state)
{
	static const char *const abis[] = {"6.1", "6.6"};
	static struct fake fake;

	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		struct {
			struct vfio_device_feature header;
			uint64_t data;
		} arg = {.header = {sizeof(arg),
				    VFIO_DEVICE_FEATURE_MIGRATION | GET}};
		struct mig_state to_pre = mig_state(SET, UVF_MIG_PRE_COPY);
		struct mig_state to_p2p = mig_state(SET, UVF_MIG_PRE_COPY_P2P);

		fake_open(&fake, 7, abis[is_new]);
		assert_int_equal(feature(&fake, &arg), 0);
		assert_int_equal(arg.data, is_new ? 7 : 3);
		arg.header.flags = DATA_SIZE | GET;
		assert_int_equal(feature(&fake, &arg), is_new ? 0 : -EINVAL);
		assert_int_equal(feature(&fake, &to_pre), is_new ? 0 : -EINVAL);
		assert_int_equal(to_pre.data.data_fd, is_new ? 42 : -1);
		assert_int_equal(feature(&fake, &to_p2p), is_new ? 0 : -EINVAL);
		assert_int_equal(state_of(&fake), is_new ? UVF_MIG_PRE_COPY_P2P
							 : UVF_MIG_RUNNING);
		uvf_file_put(fake.installed);
		assert_int_equal(set_state(&fake, UVF_MIG_STOP_COPY, NULL), 0);
		fake_close(&fake);
	}
}

static void incomplete_ops_are_refused(void **state)
{
	struct uvf_migration_ops ops = fake_migration_ops;
	struct uvf_migration *none = NULL;

	(void)state;
	assert_int_equal(uvf_migration_create(&none, &ops, 0, NULL), -EINVAL);
	assert_int_equal(uvf_migration_create(&none, &ops, 2, NULL), -EINVAL);
	assert_int_equal(uvf_migration_create(&none, &ops, 9, NULL), -EINVAL);
	ops.precopy_left = NULL;
	assert_int_equal(uvf_migration_create(&none, &ops, 5, NULL), -EINVAL);
	ops.load = NULL;
	assert_int_equal(uvf_migration_create(&none, &ops, 1, NULL), -EINVAL);
	assert_null(none);
}

/* Two threads go between states; each arc begins where the last one ended. */
static void *wander(void *arg)
{
	static const uint32_t targets[] = {UVF_MIG_STOP, UVF_MIG_RUNNING,
					   UVF_MIG_STOP_COPY, UVF_MIG_PRE_COPY};
	struct uvf_migration *migration = arg;

	for (unsigned int i = 0; i < 4000; i++) {
		struct uvf_file *file;
		int ret = uvf_migration_set_state(
			migration, targets[i * 7 / 3 % 4], &file);

		if (ret && ret != -EINVAL)
			return migration;
		uvf_file_put(file);
	}
	return NULL;
}

static uint32_t last_state;
static bool is_torn;

static int serial_step(void *arg, enum uvf_mig_state from,
		       enum uvf_mig_state to)
{
	(void)arg;
	is_torn |= from != last_state;
	last_state = to;
	return 0;
}

/* Shows T16. */
static void setting_from_two_threads_is_some_serial_order(void **state)
{
	struct uvf_migration_ops ops = fake_migration_ops;
	struct uvf_migration *migration;
	pthread_t threads[2];

	(void)state;
	ops.step = serial_step;
	last_state = UVF_MIG_RUNNING;
	is_torn = false;
	assert_int_equal(uvf_migration_create(&migration, &ops, 7, NULL), 0);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, wander, migration);
	for (int i = 0; i < 2; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_false(is_torn);
	assert_int_equal(uvf_migration_state(migration), last_state);
	uvf_migration_destroy(migration);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_is_that_of_the_rules),
		cmocka_unit_test(an_error_is_left_by_a_reset_only),
		cmocka_unit_test(a_failing_arc_leaves_the_state_before_it),
		cmocka_unit_test(a_feature_is_checked_in_this_order),
		cmocka_unit_test(a_probe_needs_no_data),
		cmocka_unit_test(a_device_tells_what_it_can),
		cmocka_unit_test(kernels_before_pre_copy_do_not_know_it),
		cmocka_unit_test(incomplete_ops_are_refused),
		cmocka_unit_test(setting_from_two_threads_is_some_serial_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The states of a device that can be migrated.
 *
 *  1. state is what the last arc that succeeded led to.
 *  2. There is a stream while state is STOP_COPY, RESUMING, PRE_COPY or
 *     PRE_COPY_P2P, until its file is closed; the three that save share one.
 *  3. A stream that ended never begins again.
 */
#include "core/migration.h"

#include <errno.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "core/file.h"
#include "core/migration_private.h"

/* What a device must be able to do to be in a state. */
static const uint32_t needs[UVF_MIG_STATES] = {
	[UVF_MIG_ERROR] = UINT32_MAX, /* nobody asks to be there */
	[UVF_MIG_STOP] = UVF_MIG_HAS_STOP_COPY,
	[UVF_MIG_RUNNING] = UVF_MIG_HAS_STOP_COPY,
	[UVF_MIG_STOP_COPY] = UVF_MIG_HAS_STOP_COPY,
	[UVF_MIG_RESUMING] = UVF_MIG_HAS_STOP_COPY,
	[UVF_MIG_RUNNING_P2P] = UVF_MIG_HAS_STOP_COPY | UVF_MIG_HAS_P2P,
	[UVF_MIG_PRE_COPY] = UVF_MIG_HAS_STOP_COPY | UVF_MIG_HAS_PRE_COPY,
	[UVF_MIG_PRE_COPY_P2P] =
		UVF_MIG_HAS_STOP_COPY | UVF_MIG_HAS_P2P | UVF_MIG_HAS_PRE_COPY,
};

#define STP UVF_MIG_STOP
#define RUN UVF_MIG_RUNNING
#define CPY UVF_MIG_STOP_COPY
#define RES UVF_MIG_RESUMING
#define P2P UVF_MIG_RUNNING_P2P
#define PRE UVF_MIG_PRE_COPY
#define PRP UVF_MIG_PRE_COPY_P2P

/* The next state on the way, for a device that can do all; 0: no way. */
static const uint8_t ways[UVF_MIG_STATES][UVF_MIG_STATES] = {
	/* to      -  STP  RUN  CPY  RES  P2P  PRE  PRP */
	[STP] = {0, STP, P2P, CPY, RES, P2P, P2P, P2P},
	[RUN] = {0, P2P, RUN, P2P, P2P, P2P, PRE, P2P},
	[CPY] = {0, STP, STP, CPY, STP, STP, 0, 0},
	[RES] = {0, STP, STP, STP, RES, STP, STP, STP},
	[P2P] = {0, STP, RUN, STP, STP, P2P, RUN, PRP},
	[PRE] = {0, RUN, RUN, PRP, RUN, RUN, PRE, PRP},
	[PRP] = {0, P2P, P2P, CPY, P2P, P2P, PRE, PRP},
};

static bool can_be_in(uint32_t flags, uint32_t state)
{
	return state < UVF_MIG_STATES && (needs[state] & flags) == needs[state];
}

int uvf_mig_get_next_state(uint32_t flags, uint32_t now, uint32_t target,
			   uint32_t *ret_next)
{
	uint32_t next = now;

	if (!can_be_in(flags, now) || !can_be_in(flags, target))
		return -EINVAL;
	/* Step over what the device cannot be in. */
	do
		next = ways[next][target];
	while (next != UVF_MIG_ERROR && !can_be_in(flags, next));
	if (next == UVF_MIG_ERROR)
		return -EINVAL;
	*ret_next = next;
	return 0;
}

int uvf_migration_create(struct uvf_migration **ret_migration,
			 const struct uvf_migration_ops *ops, uint32_t flags,
			 void *arg)
{
	const uint32_t known =
		UVF_MIG_HAS_STOP_COPY | UVF_MIG_HAS_P2P | UVF_MIG_HAS_PRE_COPY;
	struct uvf_migration *migration;

	if (!(flags & UVF_MIG_HAS_STOP_COPY) || flags & ~known || !ops->step ||
	    !ops->save || !ops->load || !ops->data_size ||
	    (flags & UVF_MIG_HAS_PRE_COPY && !ops->precopy_left))
		return -EINVAL;
	migration = uvf_zalloc(sizeof(*migration));
	if (!migration)
		return -ENOMEM;
	uvf_ref_init(&migration->ref);
	uvf_mutex_init(&migration->lock);
	migration->ops = ops;
	migration->arg = arg;
	migration->flags = flags;
	migration->state = UVF_MIG_RUNNING;
	*ret_migration = migration;
	return 0;
}

void uvf_migration_put(struct uvf_migration *migration)
{
	if (!uvf_ref_put(&migration->ref))
		return;
	uvf_mutex_fini(&migration->lock);
	uvf_free(migration);
}

void uvf_migration_settle_locked(struct uvf_migration *migration)
{
	uvf_assert_held(&migration->lock);
	if (!atomic_exchange(&migration->was_reset, false))
		return;
	uvf_mig_stream_end_locked(migration);
	migration->state = UVF_MIG_RUNNING;
	if (migration->ops->reset)
		migration->ops->reset(migration->arg);
}

bool uvf_migration_was_reset(const struct uvf_migration *migration)
{
	return atomic_load(&migration->was_reset);
}

void uvf_migration_note_reset(struct uvf_migration *migration)
{
	atomic_store(&migration->was_reset, true);
}

void uvf_migration_reset(struct uvf_migration *migration)
{
	uvf_lock(&migration->lock);
	uvf_migration_note_reset(migration);
	uvf_migration_settle_locked(migration);
	uvf_unlock(&migration->lock);
}

void uvf_migration_end(struct uvf_migration *migration)
{
	uvf_lock(&migration->lock);
	uvf_migration_settle_locked(migration);
	uvf_mig_stream_end_locked(migration);
	uvf_unlock(&migration->lock);
}

void uvf_migration_destroy(struct uvf_migration *migration)
{
	if (!migration)
		return;
	/* Files of streams that ended hold what is left. */
	uvf_migration_reset(migration);
	uvf_migration_put(migration);
}

uint32_t uvf_migration_flags(const struct uvf_migration *migration)
{
	return migration->flags;
}

uint32_t uvf_migration_state(struct uvf_migration *migration)
{
	uint32_t state;

	uvf_lock(&migration->lock);
	uvf_migration_settle_locked(migration);
	state = migration->state;
	uvf_unlock(&migration->lock);
	return state;
}

uint64_t uvf_migration_data_size(struct uvf_migration *migration)
{
	uint64_t size;

	uvf_lock(&migration->lock);
	uvf_migration_settle_locked(migration);
	size = migration->ops->data_size(migration->arg);
	uvf_unlock(&migration->lock);
	return size;
}

static bool is_saving(uint32_t state)
{
	return state == UVF_MIG_STOP_COPY || state == UVF_MIG_PRE_COPY ||
	       state == UVF_MIG_PRE_COPY_P2P;
}

static bool has_stream(uint32_t state)
{
	return is_saving(state) || state == UVF_MIG_RESUMING;
}

/*
 * One arc.  What can fail of us comes before the driver's part.
 * @file: the stream's, in and out
 */
static int step_locked(struct uvf_migration *migration, uint32_t next,
		       struct uvf_file **file) UVF_REQUIRES(migration->lock)
{
	bool begins = has_stream(next) && !has_stream(migration->state);
	struct uvf_file *opened = NULL;
	int ret = 0;

	if (begins)
		ret = uvf_mig_stream_create_locked(migration, is_saving(next),
						   &opened);
	if (!ret)
		ret = migration->ops->step(migration->arg, migration->state,
					   next);
	if (ret) {
		if (ret == -EIO)
			migration->state = UVF_MIG_ERROR;
		if (ret == -EIO || begins)
			uvf_mig_stream_end_locked(migration);
		if (opened)
			uvf_mig_stream_discard(opened);
		return ret;
	}
	migration->state = next;
	if (!has_stream(next))
		uvf_mig_stream_end_locked(migration);
	if (opened)
		*file = opened;
	return 0;
}

int uvf_migration_set_state(struct uvf_migration *migration, uint32_t target,
			    struct uvf_file **ret_file)
{
	struct uvf_file *file = NULL;
	int ret = 0;

	uvf_lock(&migration->lock);
	uvf_migration_settle_locked(migration);
	if (!can_be_in(migration->flags, target))
		ret = -EINVAL;
	while (!ret && migration->state != target) {
		uint32_t next;

		ret = uvf_mig_get_next_state(migration->flags, migration->state,
					     target, &next);
		if (!ret)
			ret = step_locked(migration, next, &file);
	}
	uvf_unlock(&migration->lock);
	if (ret) {
		/* A way leads through a stream only where it shares it. */
		uvf_file_put(file);
		file = NULL;
	}
	*ret_file = file;
	return ret;
}

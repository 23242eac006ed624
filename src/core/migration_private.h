/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What migration.c and migration_stream.c share.
 */
#ifndef UVF_CORE_MIGRATION_PRIVATE_H
#define UVF_CORE_MIGRATION_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/ref.h"
#include "core/migration.h"

struct uvf_mig_stream;

struct uvf_migration {
	struct uvf_ref ref; /* the driver's, and one for each stream's file */
	const struct uvf_migration_ops *ops;
	void *arg;                     /* of the driver */
	uint32_t flags;                /* set once */
	atomic_bool was_reset;         /* what follows does not know of it */
	struct uvf_mutex lock;         /* ops; protects what follows */
	uint32_t state;                /* enum uvf_mig_state */
	struct uvf_mig_stream *stream; /* the one that runs, or NULL */
};

void uvf_migration_put(struct uvf_migration *migration);

/* Catch up with a reset; first of all, whoever takes the lock. */
void uvf_migration_settle_locked(struct uvf_migration *migration)
	UVF_REQUIRES(migration->lock);

/* Begin a stream; -ENOMEM. */
int uvf_mig_stream_create_locked(struct uvf_migration *migration,
				 bool is_saving, struct uvf_file **ret_file)
	UVF_REQUIRES(migration->lock);

/* Its file fails from now on; nothing happens without one. */
void uvf_mig_stream_end_locked(struct uvf_migration *migration)
	UVF_REQUIRES(migration->lock);

/* Forget a stream that ended before anybody saw its file. */
void uvf_mig_stream_discard(struct uvf_file *file);

#endif /* UVF_CORE_MIGRATION_PRIVATE_H */

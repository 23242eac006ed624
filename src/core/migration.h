/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Migration of a device: its states, the arcs between them, and the stream
 * of its state.  Version 2 of the protocol, VFIO_DEVICE_FEATURE_MIGRATION.
 *
 * A driver carries out single arcs and moves bytes.  Which arcs lead to a
 * state, when a stream begins and ends, and what its file answers is decided
 * here.
 */
#ifndef UVF_CORE_MIGRATION_H
#define UVF_CORE_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_caller;
struct uvf_file;
struct uvf_migration;

/* enum vfio_device_mig_state of linux/vfio.h; the last two since 6.3. */
enum uvf_mig_state {
	UVF_MIG_ERROR,
	UVF_MIG_STOP,
	UVF_MIG_RUNNING,
	UVF_MIG_STOP_COPY,
	UVF_MIG_RESUMING,
	UVF_MIG_RUNNING_P2P,
	UVF_MIG_PRE_COPY,
	UVF_MIG_PRE_COPY_P2P,
	UVF_MIG_STATES,
};

/* What a device can do, as VFIO_DEVICE_FEATURE_MIGRATION shows it. */
#define UVF_MIG_HAS_STOP_COPY 0x1u /* every device that can be migrated */
#define UVF_MIG_HAS_P2P       0x2u
#define UVF_MIG_HAS_PRE_COPY  0x4u

/*
 * Calls for one device never overlap.  None may be NULL, but precopy_left
 * when the device has no PRE_COPY.
 */
struct uvf_migration_ops {
	/*
	 * One arc of the table in uvf_mig_get_next_state().  On failure the
	 * device is still in @from; -EIO: it is in ERROR, and no arc leaves
	 * that.  RESUMING to STOP judges the stream.
	 */
	int (*step)(void *arg, enum uvf_mig_state from, enum uvf_mig_state to);
	/*
	 * Up to @len bytes of state; 0: there are no more, now, which reads as
	 * -ENOMSG while the device runs.
	 */
	ssize_t (*save)(void *arg, void *buf, size_t len);
	/* Takes all of it, or fails. */
	int (*load)(void *arg, const void *buf, size_t len);
	/* Bytes that a save in STOP_COPY would give now. */
	uint64_t (*data_size)(void *arg);
	/* Bytes left of those first to come, and of those that changed. */
	void (*precopy_left)(void *arg, uint64_t *ret_initial,
			     uint64_t *ret_dirty);
	/* The device was reset: forget what is under way.  May be NULL. */
	void (*reset)(void *arg);
	/* The end reads as 0 bytes while the device runs, too. */
	bool has_plain_end;
};

/**
 * uvf_mig_get_next_state() - the first step on the way to a state
 * @flags:    UVF_MIG_HAS_*
 * @ret_next: written on success
 * Source: VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE in linux/vfio.h.
 * Return: 0, or -EINVAL: unknown, unsupported or blocked.
 */
int uvf_mig_get_next_state(uint32_t flags, uint32_t now, uint32_t target,
			   uint32_t *ret_next);

/**
 * uvf_migration_create() - let a device be migrated
 * @ret_migration: written on success; state RUNNING
 * @flags:         UVF_MIG_HAS_*
 * @arg:           for @ops
 * Return: 0, or, in the order they are tested: -EINVAL without STOP_COPY,
 * unknown flags or an op missing; -ENOMEM.
 */
int uvf_migration_create(struct uvf_migration **ret_migration,
			 const struct uvf_migration_ops *ops, uint32_t flags,
			 void *arg);

/* Ends streams; no op is called any more.  Takes NULL. */
void uvf_migration_destroy(struct uvf_migration *migration);

/* The device was reset, or closed by its last user: RUNNING, no stream. */
void uvf_migration_reset(struct uvf_migration *migration);

/* Its stream ends; the state stays. */
void uvf_migration_end(struct uvf_migration *migration);

/*
 * As a reset, with the next call, for who holds locks below that of a
 * migration. A step that runs meanwhile belongs to the time before.
 */
void uvf_migration_note_reset(struct uvf_migration *migration);

/* Whether that call is still to come. */
bool uvf_migration_was_reset(const struct uvf_migration *migration);

uint32_t uvf_migration_flags(const struct uvf_migration *migration);
uint32_t uvf_migration_state(struct uvf_migration *migration);
uint64_t uvf_migration_data_size(struct uvf_migration *migration);

/**
 * uvf_migration_set_state() - go to a state, by as many arcs as it takes
 * @ret_file: the stream that the way opened, or NULL; always written
 * Return: 0, or, and then the device is where it came:
 *   -EINVAL  no way leads there
 *   -ENOMEM  no memory for the stream
 *   or what the driver said
 */
int uvf_migration_set_state(struct uvf_migration *migration, uint32_t target,
			    struct uvf_file **ret_file);

#endif /* UVF_CORE_MIGRATION_H */

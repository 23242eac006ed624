/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * To let a model be migrated: its state is saved on one machine and loaded on
 * another, where the device goes on.
 *
 * A model says what its state is made of, in pieces, by one function that
 * walks over the fields of a piece, for saving and for loading alike.  All
 * else is done for it: which states there are and when they change, the
 * stream with its header, versions and checksums, what is sent while the
 * device still runs, timers (they go on with the time that was left), the
 * memory behind RAM and POLL pages, the level of INTx, messages that wait
 * behind a mask, and the log of what it writes by DMA.  Configuration space,
 * which vectors are enabled and where they lead are the client's to bring
 * along, as with any driver of VFIO.
 *
 * Before its pieces are saved or loaded the device is quiet: no timer, no
 * poll and no register access runs, nor will one until it runs again.  What a
 * model has under way outside of that (a thread, a file) it stops in arc().
 */
#ifndef UVFIO_MIGRATION_H
#define UVFIO_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvfio_dev;

/* enum vfio_device_mig_state of linux/vfio.h. */
enum uvfio_migration_state {
	UVFIO_MIGRATION_ERROR,
	UVFIO_MIGRATION_STOP,
	UVFIO_MIGRATION_RUNNING,
	UVFIO_MIGRATION_STOP_COPY,
	UVFIO_MIGRATION_RESUMING,
	UVFIO_MIGRATION_RUNNING_P2P,
	UVFIO_MIGRATION_PRE_COPY,
	UVFIO_MIGRATION_PRE_COPY_P2P,
};

/* What is saved or loaded; the functions below move its fields. */
struct uvfio_state {
	uint8_t *data;
	size_t size; /* bytes of data: room to save, or what there is to load */
	size_t at;   /* bytes done */
	uint32_t version; /* of what is loaded; when saving, the model's own */
	bool is_loading;
	bool is_bad; /* room or data ran out, or a value cannot be */
};

#define UVFIO_MIGRATION_PIECES_MAX 32u

/* For the keys of a model that can be migrated; its default is off. */
#define UVFIO_MIGRATION_KEY                                                    \
	{                                                                      \
		"migration", "off|stop-copy|p2p|pre-copy|all",                 \
			"what of migration the driver has (off)"               \
	}

struct uvfio_migration_ops {
	uint32_t version; /* of the layout of all pieces, from 1 on */
	uint32_t oldest;  /* that can be loaded */
	unsigned int pieces;
	size_t piece_max; /* bytes that no piece exceeds, 16 MiB at most */

	/*
	 * Walk over the fields of one piece, always in the same order, by the
	 * functions below.  When loading, every value must be taken for
	 * hostile: refuse what the model could not have saved by
	 * state->is_bad, and never load an address of this process.
	 *
	 * Pieces that seldom change should not be with those that often do:
	 * while the device runs, all are sent once, and at the end those that
	 * changed.  It may be called at any time while the device runs, and
	 * must change nothing when it saves.
	 */
	void (*piece)(struct uvfio_dev *dev, unsigned int piece,
		      struct uvfio_state *state);
	/*
	 * All pieces were loaded: whether they fit together, and to put right
	 * what depends on them.  0, or -EINVAL: the device is reset.  NULL:
	 * there is nothing to do.
	 */
	int (*loaded)(struct uvfio_dev *dev);
	/*
	 * The state changes.  To STOP: let nothing of the device run on its
	 * own any more (quiesce).  It cannot fail; NULL: nothing to do.
	 */
	void (*arc)(struct uvfio_dev *dev, enum uvfio_migration_state from,
		    enum uvfio_migration_state to);
};

/** uvfio_state_bytes() - move bytes; a bad state reads as zeroes */
static inline void uvfio_state_bytes(struct uvfio_state *state, void *bytes,
				     size_t len)
{
	if (state->is_bad || len > state->size - state->at) {
		state->is_bad = true;
		if (state->is_loading)
			memset(bytes, 0, len);
		return;
	}
	if (state->is_loading)
		memcpy(bytes, state->data + state->at, len);
	else
		memcpy(state->data + state->at, bytes, len);
	state->at += len;
}

/* Numbers are little-endian, as those of all hosts there are. */
static inline void uvfio_state_u8(struct uvfio_state *state, uint8_t *value)
{
	uvfio_state_bytes(state, value, sizeof(*value));
}

static inline void uvfio_state_u16(struct uvfio_state *state, uint16_t *value)
{
	uvfio_state_bytes(state, value, sizeof(*value));
}

static inline void uvfio_state_u32(struct uvfio_state *state, uint32_t *value)
{
	uvfio_state_bytes(state, value, sizeof(*value));
}

static inline void uvfio_state_u64(struct uvfio_state *state, uint64_t *value)
{
	uvfio_state_bytes(state, value, sizeof(*value));
}

/* One byte, 0 or 1. */
static inline void uvfio_state_bool(struct uvfio_state *state, bool *value)
{
	uint8_t byte = *value ? 1 : 0;

	uvfio_state_u8(state, &byte);
	if (byte > 1)
		state->is_bad = true;
	*value = byte == 1;
}

/** uvfio_state_want() - refuse what was loaded unless this holds */
static inline void uvfio_state_want(struct uvfio_state *state, bool holds)
{
	if (state->is_loading && !holds)
		state->is_bad = true;
}

#ifdef __cplusplus
}
#endif

#endif /* UVFIO_MIGRATION_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that were on their way to an adapter when it was moved here: they
 * come before all others.
 */
#ifndef UVF_DEVICES_IGB_BACKLOG_H
#define UVF_DEVICES_IGB_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct igb_wire;
struct uvfio_state;

/* Bytes: a full wire, and what is left of such a one. */
#define IGB_BACKLOG_MAX 0x30000u

/* Records of a length, of 4 bytes, and a frame. */
struct igb_backlog {
	uint8_t *data; /* owned; NULL: none */
	size_t size, at;
};

const uint8_t *igb_backlog_peek(const struct igb_backlog *backlog,
				uint32_t *ret_length);
/* Of a backlog that has a frame. */
void igb_backlog_pop(struct igb_backlog *backlog);
void igb_backlog_drop(struct igb_backlog *backlog);

/**
 * igb_backlog_walk() - save what is under way, or load it as a backlog
 * @wire: what comes behind the backlog, when saving; its consumer stands still
 */
void igb_backlog_walk(struct igb_backlog *backlog, const struct igb_wire *wire,
		      struct uvfio_state *state);

#endif /* UVF_DEVICES_IGB_BACKLOG_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames on their way in one direction: a ring of bytes with one producer
 * and one consumer, which may run in different threads without a lock.
 *
 * Invariants:
 *  1. written and consumed only grow; consumed <= written <= consumed +
 *     IGB_WIRE_SIZE.
 *  2. A record is contiguous: a header of 16 bytes and the frame, in whole
 *     multiples of 16.  Where the next one might not fit before the end, a
 *     header of WIRE_WRAP says that it is at the start.
 *  3. A wrap header is never the last thing written.
 */
#ifndef UVF_DEVICES_IGB_WIRE_H
#define UVF_DEVICES_IGB_WIRE_H

#include <stdint.h>

#define IGB_WIRE_SIZE 0x10000u

struct igb_wire {
	/* of the producer */
	uint64_t written; /* release, acquire */
	uint64_t consumed_seen;
	uint64_t reserved; /* where the reserved record is, or written */
	uint8_t gap[64];   /* the sides' fields are on lines of their own */
	/* of the consumer */
	uint64_t consumed; /* release, acquire */
	uint64_t written_seen;
	uint8_t another_gap[64];
	/* of both */
	uint8_t data[IGB_WIRE_SIZE];
};

/* An empty wire, or NULL; free() ends it. */
struct igb_wire *igb_wire_create(void);

uint8_t *igb_wire_reserve(struct igb_wire *wire);
void igb_wire_commit(struct igb_wire *wire, uint32_t length);

const uint8_t *igb_wire_peek(struct igb_wire *wire, uint32_t *ret_length);
void igb_wire_pop(struct igb_wire *wire);

/**
 * igb_wire_next() - look at all that is under way, for the consumer
 * @position: 0 at first, then what the call before left
 * Return: a frame, or NULL: that was all.
 */
const uint8_t *igb_wire_next(const struct igb_wire *wire, uint64_t *position,
			     uint32_t *ret_length);

#endif /* UVF_DEVICES_IGB_WIRE_H */

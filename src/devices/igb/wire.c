/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#include "regs.h"

#define WIRE_HEADER 16u
#define WIRE_WRAP   UINT32_MAX
#define WIRE_RECORD 9744u /* the longest: header, frame and tag */

_Static_assert(WIRE_RECORD >= WIRE_HEADER + IGB_FRAME_MAX + IGB_ETH_TAG,
	       "the longest frame fits a record");
_Static_assert(WIRE_RECORD % WIRE_HEADER == 0, "records stay aligned");

struct igb_wire *igb_wire_create(void)
{
	return calloc(1, sizeof(struct igb_wire));
}

static uint8_t *wire_at(struct igb_wire *wire, uint64_t position)
{
	return wire->data + position % IGB_WIRE_SIZE;
}

static const uint8_t *wire_look(const struct igb_wire *wire, uint64_t position)
{
	return wire->data + position % IGB_WIRE_SIZE;
}

static uint32_t wire_to_end(uint64_t position)
{
	return IGB_WIRE_SIZE - (uint32_t)(position % IGB_WIRE_SIZE);
}

static uint32_t wire_record(uint32_t length)
{
	return WIRE_HEADER + ((length + WIRE_HEADER - 1) & ~(WIRE_HEADER - 1));
}

/*
 * Room for one frame of IGB_FRAME_MAX bytes and a tag, or NULL when the
 * consumer is too far behind.
 */
uint8_t *igb_wire_reserve(struct igb_wire *wire)
{
	uint32_t to_end = wire_to_end(wire->written);
	uint64_t start = wire->written + (to_end < WIRE_RECORD ? to_end : 0);
	uint64_t end = start + WIRE_RECORD;
	uint32_t wrap = WIRE_WRAP;

	if (end - wire->consumed_seen > IGB_WIRE_SIZE) {
		wire->consumed_seen =
			__atomic_load_n(&wire->consumed, __ATOMIC_ACQUIRE);
		if (end - wire->consumed_seen > IGB_WIRE_SIZE)
			return NULL;
	}
	if (start != wire->written)
		memcpy(wire_at(wire, wire->written), &wrap, sizeof(wrap));
	wire->reserved = start;
	return wire_at(wire, start) + WIRE_HEADER;
}

void igb_wire_commit(struct igb_wire *wire, uint32_t length)
{
	uint64_t end = wire->reserved + wire_record(length);

	memcpy(wire_at(wire, wire->reserved), &length, sizeof(length));
	__atomic_store_n(&wire->written, end, __ATOMIC_RELEASE);
	wire->reserved = end;
}

const uint8_t *igb_wire_peek(struct igb_wire *wire, uint32_t *ret_length)
{
	uint64_t position = wire->consumed;
	uint32_t length;

	if (position == wire->written_seen) {
		wire->written_seen =
			__atomic_load_n(&wire->written, __ATOMIC_ACQUIRE);
		if (position == wire->written_seen)
			return NULL;
	}
	memcpy(&length, wire_at(wire, position), sizeof(length));
	if (length == WIRE_WRAP) {
		position += wire_to_end(position);
		__atomic_store_n(&wire->consumed, position, __ATOMIC_RELEASE);
		memcpy(&length, wire_at(wire, position), sizeof(length));
	}
	*ret_length = length;
	return wire_at(wire, position) + WIRE_HEADER;
}

/* The frame of the last igb_wire_peek() is done with. */
void igb_wire_pop(struct igb_wire *wire)
{
	uint32_t length;

	memcpy(&length, wire_at(wire, wire->consumed), sizeof(length));
	__atomic_store_n(&wire->consumed, wire->consumed + wire_record(length),
			 __ATOMIC_RELEASE);
}

/* Positions count from what is consumed, so that 0 is the first. */
const uint8_t *igb_wire_next(const struct igb_wire *wire, uint64_t *position,
			     uint32_t *ret_length)
{
	uint64_t written = __atomic_load_n(&wire->written, __ATOMIC_ACQUIRE);
	uint64_t at = wire->consumed + *position;

	if (at == written)
		return NULL;
	memcpy(ret_length, wire_look(wire, at), sizeof(*ret_length));
	if (*ret_length == WIRE_WRAP) {
		at += wire_to_end(at);
		memcpy(ret_length, wire_look(wire, at), sizeof(*ret_length));
	}
	*position = at + wire_record(*ret_length) - wire->consumed;
	return wire_look(wire, at) + WIRE_HEADER;
}

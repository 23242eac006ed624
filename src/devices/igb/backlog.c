/* SPDX-License-Identifier: BSD-3-Clause */
#include "backlog.h"

#include <stdlib.h>
#include <string.h>

#include <uvfio/migration.h>

#include "regs.h"
#include "wire.h"

#define FRAME_MAX (IGB_FRAME_MAX + IGB_ETH_TAG)

const uint8_t *igb_backlog_peek(const struct igb_backlog *backlog,
				uint32_t *ret_length)
{
	if (backlog->at == backlog->size)
		return NULL;
	memcpy(ret_length, backlog->data + backlog->at, sizeof(*ret_length));
	return backlog->data + backlog->at + sizeof(*ret_length);
}

void igb_backlog_drop(struct igb_backlog *backlog)
{
	free(backlog->data);
	memset(backlog, 0, sizeof(*backlog));
}

void igb_backlog_pop(struct igb_backlog *backlog)
{
	uint32_t length;

	memcpy(&length, backlog->data + backlog->at, sizeof(length));
	backlog->at += sizeof(length) + length;
	if (backlog->at == backlog->size)
		igb_backlog_drop(backlog);
}

static void save(const struct igb_backlog *backlog, const struct igb_wire *wire,
		 struct uvfio_state *state)
{
	struct igb_backlog rest = *backlog;
	uint64_t position = 0;
	const uint8_t *frame;
	uint32_t length;

	while (rest.at < rest.size) {
		frame = igb_backlog_peek(&rest, &length);
		uvfio_state_u32(state, &length);
		uvfio_state_bytes(state, (void *)(uintptr_t)frame, length);
		rest.at += sizeof(length) + length;
	}
	while (wire && (frame = igb_wire_next(wire, &position, &length))) {
		uvfio_state_u32(state, &length);
		uvfio_state_bytes(state, (void *)(uintptr_t)frame, length);
	}
	length = 0;
	uvfio_state_u32(state, &length);
}

/* One more record, of which there is room. */
static void append(struct igb_backlog *backlog, uint32_t length,
		   struct uvfio_state *state)
{
	uint8_t *at = backlog->data + backlog->size;

	memcpy(at, &length, sizeof(length));
	uvfio_state_bytes(state, at + sizeof(length), length);
	backlog->size += sizeof(length) + length;
}

static bool has_room(struct igb_backlog *backlog, uint32_t length)
{
	if (!backlog->data)
		backlog->data = calloc(1, IGB_BACKLOG_MAX);
	return backlog->data &&
	       sizeof(length) + length <= IGB_BACKLOG_MAX - backlog->size;
}

void igb_backlog_walk(struct igb_backlog *backlog, const struct igb_wire *wire,
		      struct uvfio_state *state)
{
	uint32_t length = 0;

	if (!state->is_loading) {
		save(backlog, wire, state);
		return;
	}
	igb_backlog_drop(backlog);
	for (;;) {
		uvfio_state_u32(state, &length);
		if (!length || state->is_bad)
			break;
		if (length < IGB_ETH_HEADER || length > FRAME_MAX ||
		    !has_room(backlog, length)) {
			state->is_bad = true;
			break;
		}
		append(backlog, length, state);
	}
	if (state->is_bad)
		igb_backlog_drop(backlog);
}

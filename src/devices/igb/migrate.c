/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of an adapter: its registers, what the plug has for it, and the
 * frames that are half sent or half received.
 *
 * Between two polls a frame is where its plug has it, or in a place of the
 * adapter's own; which of them is saved, never an address.  The pages of ring
 * registers are saved as what they are, memory of a BAR.
 */
#include <string.h>

#include <uvfio/pci.h>

#include "backend.h"
#include "backlog.h"
#include "igb.h"

enum piece {
	PIECE_REGISTERS,
	PIECE_PLUG, /* of both paths */
	PIECE_TX,
	PIECE_RX,
	PIECES
};

enum place {
	PLACE_NONE,
	PLACE_PLUG,
	PLACE_OWN /* igb_tx::large, igb_rx::edited */
};

#define PIECE_MAX (IGB_LARGE_MAX + 2 * IGB_BACKLOG_MAX + 0x1000u)

_Static_assert(PIECE_MAX > IGB_REGS_SIZE + 2 * IGB_NVM_WORDS,
	       "the registers fit a piece");

static void walk_registers(struct igb *igb, struct uvfio_state *state)
{
	uvfio_state_bytes(state, igb->mac, sizeof(igb->mac));
	uvfio_state_bytes(state, igb->nvm, sizeof(igb->nvm));
	uvfio_state_bytes(state, igb->phy, sizeof(igb->phy));
	uvfio_state_u32(state, &igb->io_address);
	uvfio_state_bytes(state, igb->regs, sizeof(igb->regs));
	/* What follows belongs to the path that these lead to. */
	if (state->is_loading)
		igb_path_update(igb);
}

static void walk_plug(struct igb *igb, struct uvfio_state *state)
{
	igb->backend->ops->walk(igb->backend, state);
	igb->loop->ops->walk(igb->loop, state);
}

static void walk_context(struct igb_context *context, struct uvfio_state *state)
{
	uvfio_state_u16(state, &context->vlan);
	uvfio_state_u8(state, &context->mac_length);
	uvfio_state_u8(state, &context->l4_length);
	uvfio_state_u16(state, &context->ip_length);
	uvfio_state_u16(state, &context->mss);
	uvfio_state_u32(state, &context->l4_type);
	uvfio_state_bool(state, &context->is_ipv4);
}

/* Where the gathered frame is, of a place that was loaded. */
static uint8_t *tx_place(struct igb *igb, uint8_t place)
{
	if (place == PLACE_OWN)
		return igb->tx.large;
	return place == PLACE_PLUG ? igb->path->ops->reserve(igb->path) : NULL;
}

static void walk_tx_frame(struct igb *igb, struct uvfio_state *state)
{
	struct igb_tx *tx = &igb->tx;
	uint8_t place = PLACE_NONE;

	if (tx->frame)
		place = tx->frame == tx->large ? PLACE_OWN : PLACE_PLUG;
	uvfio_state_u8(state, &place);
	uvfio_state_u32(state, &tx->length);
	if (state->is_loading) {
		uint32_t limit = place == PLACE_OWN    ? IGB_LARGE_MAX
				 : place == PLACE_PLUG ? IGB_FRAME_MAX
						       : 0;

		tx->frame = tx_place(igb, place);
		uvfio_state_want(state, tx->length <= limit);
		uvfio_state_want(state, !tx->frame == (place == PLACE_NONE));
		if (state->is_bad)
			tx->length = 0;
	}
	if (tx->frame && tx->length)
		uvfio_state_bytes(state, tx->frame, tx->length);
}

static void walk_tx(struct igb *igb, struct uvfio_state *state)
{
	struct igb_tx *tx = &igb->tx;

	for (uint32_t i = 0; i < IGB_QUEUES; i++) {
		uvfio_state_bool(state, &tx->queues[i].is_stopped);
		walk_context(&tx->queues[i].contexts[0], state);
		walk_context(&tx->queues[i].contexts[1], state);
	}
	uvfio_state_u32(state, &tx->queue);
	uvfio_state_u32(state, &tx->turn);
	uvfio_state_u32(state, &tx->command);
	uvfio_state_u32(state, &tx->status);
	uvfio_state_bool(state, &tx->is_too_long);
	uvfio_state_bool(state, &tx->is_whole);
	uvfio_state_u32(state, &tx->segmented);
	uvfio_state_u32(state, &tx->segments);
	uvfio_state_want(state,
			 tx->queue < IGB_QUEUES && tx->turn < IGB_QUEUES);
	if (state->is_bad)
		return;
	walk_tx_frame(igb, state);
	/* Only a large frame stays when it is whole. */
	uvfio_state_want(state, !tx->is_whole || tx->frame == tx->large);
	uvfio_state_want(state, tx->is_whole || !tx->segmented);
	uvfio_state_want(state, igb_segment_is_within(tx));
}

static void walk_rx_queue(struct igb_rx_queue *queue, struct uvfio_state *state)
{
	uvfio_state_bool(state, &queue->is_stopped);
	uvfio_state_u32(state, &queue->replay.posted_max);
	uvfio_state_u32(state, &queue->replay.posted);
	uvfio_state_u32(state, &queue->replay.waited);
}

/* The plug has the frame that is delivered until it is done with. */
static void load_rx_frame(struct igb *igb, uint8_t place,
			  struct uvfio_state *state)
{
	struct igb_rx *rx = &igb->rx;
	const uint8_t *frame = NULL;
	uint32_t length = 0;

	rx->frame = NULL;
	if (place != PLACE_NONE)
		frame = igb->path->ops->peek(igb->path, &length);
	uvfio_state_want(state,
			 place <= PLACE_OWN && (place == PLACE_NONE || frame));
	uvfio_state_want(state, place != PLACE_PLUG || rx->length == length);
	uvfio_state_want(state, place != PLACE_OWN ||
					rx->length <= sizeof(rx->edited));
	uvfio_state_want(state, place == PLACE_NONE || rx->offset < rx->length);
	if (state->is_bad)
		return;
	rx->frame = place == PLACE_OWN ? rx->edited : frame;
}

static void walk_rx(struct igb *igb, struct uvfio_state *state)
{
	struct igb_rx *rx = &igb->rx;
	uint8_t place = PLACE_NONE;

	for (uint32_t i = 0; i < IGB_QUEUES; i++)
		walk_rx_queue(&rx->queues[i], state);
	if (rx->frame)
		place = rx->frame == rx->edited ? PLACE_OWN : PLACE_PLUG;
	uvfio_state_u8(state, &place);
	uvfio_state_u32(state, &rx->length);
	uvfio_state_u32(state, &rx->offset);
	uvfio_state_u32(state, &rx->queue);
	uvfio_state_u32(state, &rx->info);
	uvfio_state_u32(state, &rx->hash);
	uvfio_state_u32(state, &rx->checksum);
	uvfio_state_u16(state, &rx->vlan);
	uvfio_state_bool(state, &rx->has_vlan);
	uvfio_state_want(state, rx->queue < IGB_QUEUES);
	if (state->is_loading)
		load_rx_frame(igb, place, state);
	if (rx->frame == rx->edited)
		uvfio_state_bytes(state, rx->edited, rx->length);
}

static void igb_piece(struct uvfio_dev *dev, unsigned int piece,
		      struct uvfio_state *state)
{
	struct igb *igb = uvfio_priv(dev);

	switch (piece) {
	case PIECE_REGISTERS:
		walk_registers(igb, state);
		break;
	case PIECE_PLUG:
		walk_plug(igb, state);
		break;
	case PIECE_TX:
		walk_tx(igb, state);
		break;
	default:
		walk_rx(igb, state);
	}
}

/* What was sent is in the file by the time that another adapter goes on. */
static void igb_arc(struct uvfio_dev *dev, enum uvfio_migration_state from,
		    enum uvfio_migration_state to)
{
	struct igb *igb = uvfio_priv(dev);

	(void)from;
	if (to == UVFIO_MIGRATION_STOP)
		igb->backend->ops->idle(igb->backend);
}

const struct uvfio_migration_ops igb_migration = {
	.version = 1,
	.oldest = 1,
	.pieces = PIECES,
	.piece_max = PIECE_MAX,
	.piece = igb_piece,
	.arc = igb_arc,
};

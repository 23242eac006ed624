/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the plug into the client's memory, by the receive queues.
 *
 * Each queue reads a block of descriptors at once, the frames are written
 * where they point, then the block is written back.  The first descriptor of a
 * block gets its DD last and alone: a client looks at descriptors in order, so
 * that until then it owns none of them, and no write of ours can fall onto
 * a descriptor that the client has armed again.
 *
 * A frame is taken from the plug when its last byte is in client memory,
 * so that nothing is lost while there are no descriptors.
 */
#include <errno.h>
#include <string.h>

#include <uvfio/device.h>

#include "backend.h"
#include "igb.h"
#include "packet.h"

#define STATUS_ADVANCED offsetof(struct igb_rx_writeback, status)
#define STATUS_LEGACY   offsetof(struct igb_rx_legacy, status)

_Static_assert(sizeof(struct igb_rx_descriptor) == 16, "as in memory");
_Static_assert(sizeof(struct igb_rx_writeback) == 16, "as in memory");
_Static_assert(sizeof(struct igb_rx_legacy) == 16, "as in memory");

/* The descriptors of a queue that a poll works on. */
struct block {
	struct igb_ring ring;
	uint32_t buffer_size; /* bytes that a descriptor points to */
	bool is_legacy;
	uint32_t budget; /* descriptors that may still be filled */
	uint32_t count;  /* of those that were read */
	uint32_t used;   /* and are filled */
	union {
		struct igb_rx_descriptor in;
		struct igb_rx_writeback out;
		struct igb_rx_legacy legacy;
	} descriptors[IGB_BLOCK];
};

struct batch {
	uint32_t popped; /* frames taken from the plug */
	uint32_t known;  /* mask of queues whose block is set up */
	uint32_t told;   /* mask of queues that were written to */
	struct block blocks[IGB_QUEUES];
};

void igb_rx_abandon(struct igb *igb)
{
	uint32_t queue;

	igb->rx.frame = NULL;
	for (queue = 0; queue < IGB_QUEUES; queue++) {
		igb->rx.queues[queue].is_stopped = false;
		igb_replay_restart(&igb->rx.queues[queue].replay);
	}
}

static void ring_load(struct igb *igb, uint32_t queue, struct igb_ring *ring)
{
	ring->tail = igb_queue_load(igb, IGB_RDT, queue);
	ring->head = igb_queue_load(igb, IGB_RDH, queue);
	ring->count =
		(igb_queue_load(igb, IGB_RDLEN, queue) & IGB_RING_LENGTH) / 16;
	if (ring->head >= ring->count || ring->tail >= ring->count)
		ring->tail = ring->head; /* nothing is armed */
	ring->base = (uint64_t)igb_queue_load(igb, IGB_RDBAH, queue) << 32 |
		     (igb_queue_load(igb, IGB_RDBAL, queue) & ~0x7fu);
}

static uint32_t buffer_size(struct igb *igb, uint32_t srrctl)
{
	uint32_t rctl = *igb_reg(igb, IGB_RCTL);

	if (srrctl & IGB_SRRCTL_BSIZEPKT)
		return (srrctl & IGB_SRRCTL_BSIZEPKT) * 1024;
	return 2048u >> (rctl >> IGB_RCTL_BSIZE_SHIFT & 3);
}

/*
 * Tag stripped, FCS appended, as the driver wants them.  The plug's copy
 * stays as it is: the frame may have to be delivered anew after a reset.
 */
static void frame_edit(struct igb *igb, const uint8_t *frame, uint32_t length)
{
	struct igb_rx *rx = &igb->rx;
	uint32_t ctrl = *igb_reg(igb, IGB_CTRL);
	uint32_t fcs;
	bool strip;

	rx->frame = frame;
	rx->length = length;
	rx->offset = 0;
	rx->has_vlan = false;
	rx->vlan = 0;
	strip = ctrl & IGB_CTRL_VME && frame[12] == 0x81 && !frame[13];
	if (!strip && *igb_reg(igb, IGB_RCTL) & IGB_RCTL_SECRC)
		return;

	memcpy(rx->edited, frame, length);
	if (strip) {
		uint8_t *tag = rx->edited + IGB_ETH_ADDRESSES;

		rx->has_vlan = true;
		rx->vlan = (uint16_t)(tag[2] << 8 | tag[3]);
		rx->length -= IGB_ETH_TAG;
		memmove(tag, tag + IGB_ETH_TAG, rx->length - IGB_ETH_ADDRESSES);
	}
	if (!(*igb_reg(igb, IGB_RCTL) & IGB_RCTL_SECRC)) {
		fcs = igb_offload_fcs(frame, length);
		memcpy(rx->edited + rx->length, &fcs, sizeof(fcs));
		rx->length += IGB_ETH_FCS;
	}
	rx->frame = rx->edited;
}

/* What is said about the frame, and the queue it is for. */
static void frame_classify(struct igb *igb, const uint8_t *frame,
			   uint32_t length)
{
	struct igb_rx *rx = &igb->rx;
	struct igb_packet packet;
	uint32_t type;

	igb_packet_parse(&packet, frame, length);
	rx->queue = igb_rss_classify(igb, &packet, frame, &type, &rx->hash);
	rx->info = type | packet.kind << IGB_RXD_KIND_SHIFT;
	rx->checksum = igb_offload_verify(igb, &packet, frame);
}

/*
 * The next frame that passes the filters; false: none waits, or this poll
 * has taken enough from the plug.
 */
static bool frame_next(struct igb *igb, struct batch *batch)
{
	struct igb_backend *path = igb->path;
	const uint8_t *frame = NULL;
	uint32_t length = 0;

	while (batch->popped < IGB_BATCH &&
	       (igb->rx.frame || (frame = path->ops->peek(path, &length)))) {
		if (igb->rx.frame)
			return true;
		igb_stats_seen(igb, length);
		if (igb_filter_accepts(igb, frame, length)) {
			frame_classify(igb, frame, length);
			frame_edit(igb, frame, length);
			return true;
		}
		path->ops->pop(path);
		batch->popped++;
	}
	return false;
}

/* The frame is done with, delivered or lost. */
static void frame_end(struct igb *igb, struct batch *batch, bool is_delivered)
{
	struct igb_backend *path = igb->path;
	const uint8_t *frame;
	uint32_t length;

	frame = path->ops->peek(path, &length);
	if (!is_delivered)
		igb_stats_count(igb, IGB_MPC);
	else if (frame)
		igb_stats_received(igb, frame, length);
	path->ops->pop(path);
	igb->rx.frame = NULL;
	batch->popped++;
}

static void write_back(struct igb *igb, struct block *block, uint32_t length,
		       bool is_last)
{
	const struct igb_rx *rx = &igb->rx;
	uint32_t i = block->used;
	uint32_t status = IGB_RXD_DD;

	if (is_last)
		status |= IGB_RXD_EOP | rx->checksum;
	if (is_last && rx->has_vlan)
		status |= IGB_RXD_VP;
	if (block->is_legacy) {
		struct igb_rx_legacy *legacy = &block->descriptors[i].legacy;

		legacy->length = (uint16_t)length;
		legacy->checksum = 0;
		legacy->status = (uint8_t)status;
		legacy->errors = (uint8_t)(status >> 24);
		legacy->vlan = is_last ? rx->vlan : 0;
		return;
	}
	block->descriptors[i].out = (struct igb_rx_writeback){
		.info = rx->info,
		.rss = *igb_reg(igb, IGB_RXCSUM) & IGB_RXCSUM_PCSD ? rx->hash
								   : 0,
		.status = status,
		.length = (uint16_t)length,
		.vlan = is_last ? rx->vlan : 0,
	};
}

/* Write the filled descriptors back; the queue stops when that fails. */
static int block_close(struct igb *igb, struct batch *batch, uint32_t queue)
{
	struct block *block = &batch->blocks[queue];
	struct igb_ring *ring = &block->ring;
	uint64_t at = ring->base + (uint64_t)ring->head * 16;
	size_t offset = block->is_legacy ? STATUS_LEGACY : STATUS_ADVANCED;
	uint8_t *bytes = (uint8_t *)block->descriptors;
	uint32_t status;
	uint32_t blank;
	int ret;

	if (!block->used)
		return 0;
	memcpy(&status, bytes + offset, sizeof(status));
	blank = status & ~(uint32_t)IGB_RXD_DD;
	memcpy(bytes + offset, &blank, sizeof(blank));
	ret = uvfio_dma_write(igb->dev, at, bytes, (size_t)block->used * 16);
	if (!ret)
		ret = uvfio_dma_write(igb->dev, at + offset, &status,
				      sizeof(status));
	if (!ret) {
		ring->head += block->used;
		if (ring->head == ring->count)
			ring->head = 0;
		igb_queue_store(igb, IGB_RDH, queue, ring->head);
		batch->told |= 1u << queue;
	}
	block->count = 0;
	block->used = 0;
	return ret;
}

/* How many descriptors of a ring this poll may fill. */
static uint32_t budget_of(struct igb *igb, uint32_t queue,
			  const struct igb_ring *ring)
{
	uint32_t budget = IGB_BATCH;
	uint32_t posted;

	if (ring->head == ring->tail)
		return 0;
	posted = (ring->tail + ring->count - ring->head) % ring->count;
	if (igb->path->is_replay)
		budget = igb_replay_budget(&igb->rx.queues[queue].replay,
					   posted);
	return budget < IGB_BATCH ? budget : IGB_BATCH;
}

static void block_prepare(struct igb *igb, struct batch *batch, uint32_t queue)
{
	struct block *block = &batch->blocks[queue];
	uint32_t srrctl = igb_queue_load(igb, IGB_SRRCTL, queue);

	batch->known |= 1u << queue;
	ring_load(igb, queue, &block->ring);
	block->is_legacy = !(srrctl & IGB_SRRCTL_DESCTYPE);
	block->buffer_size = buffer_size(igb, srrctl);
	block->budget = budget_of(igb, queue, &block->ring);
	block->count = 0;
	block->used = 0;
}

/*
 * A descriptor to fill, the one at used.  Return: 0, -EAGAIN when none is
 * armed or may be taken, or the error of a DMA.
 */
static int block_reserve(struct igb *igb, struct batch *batch, uint32_t queue)
{
	struct block *block = &batch->blocks[queue];
	struct igb_ring *ring = &block->ring;
	uint32_t end;
	uint32_t count;
	int ret;

	if (!(batch->known & 1u << queue))
		block_prepare(igb, batch, queue);
	if (block->used < block->count)
		return 0;
	ret = block_close(igb, batch, queue);
	if (ret)
		return ret;
	if (ring->head == ring->tail || !block->budget)
		return -EAGAIN;
	end = ring->tail > ring->head ? ring->tail : ring->count;
	count = end - ring->head;
	if (count > IGB_BLOCK)
		count = IGB_BLOCK;
	if (count > block->budget)
		count = block->budget;
	ret = uvfio_dma_read(igb->dev, ring->base + (uint64_t)ring->head * 16,
			     block->descriptors, (size_t)count * 16);
	if (ret)
		return ret;
	block->count = count;
	block->budget -= count;
	return 0;
}

/* The frame, or its rest, into descriptors of its queue. */
static int frame_deliver(struct igb *igb, struct batch *batch)
{
	struct igb_rx *rx = &igb->rx;
	struct block *block = &batch->blocks[rx->queue];
	uint32_t length;
	bool is_last;
	int ret;

	do {
		ret = block_reserve(igb, batch, rx->queue);
		if (ret)
			return ret;
		length = rx->length - rx->offset;
		is_last = length <= block->buffer_size;
		if (!is_last)
			length = block->buffer_size;
		ret = uvfio_dma_write(
			igb->dev, block->descriptors[block->used].in.address,
			rx->frame + rx->offset, length);
		if (ret)
			return ret;
		write_back(igb, block, length, is_last);
		block->used++;
		rx->offset += length;
	} while (!is_last);
	return 0;
}

static bool is_enabled(struct igb *igb)
{
	return *igb_reg(igb, IGB_RCTL) & IGB_RCTL_EN &&
	       !(*igb_reg(igb, IGB_CTRL) & IGB_CTRL_GIO_MASTER_DIS);
}

/* Queues that are on; one that is off forgets that it stopped. */
static uint32_t queues_enabled(struct igb *igb)
{
	struct igb_rx *rx = &igb->rx;
	uint32_t mask = 0;
	uint32_t queue;

	for (queue = 0; queue < IGB_QUEUES; queue++) {
		if (igb_queue_load(igb, IGB_RXDCTL, queue) & IGB_DCTL_ENABLE) {
			mask |= 1u << queue;
			continue;
		}
		rx->queues[queue].is_stopped = false;
		/* What is armed next gets the frame from its start. */
		if (rx->queue == queue)
			rx->offset = 0;
	}
	return mask;
}

/*
 * Whether a frame that its queue cannot take is lost, rather than that all
 * behind it wait.  Captures wait for whatever it be.
 */
static bool is_lost(struct igb *igb, bool is_on)
{
	const struct igb_rx *rx = &igb->rx;

	if (igb->path->is_replay || rx->offset)
		return false;
	if (!is_on)
		return igb_rss_is_on(igb);
	return igb_queue_load(igb, IGB_SRRCTL, rx->queue) & IGB_SRRCTL_DROP_EN;
}

/* One frame.  Return: false when it has to wait. */
static bool frame_run(struct igb *igb, struct batch *batch, uint32_t enabled)
{
	struct igb_rx *rx = &igb->rx;
	struct igb_rx_queue *queue = &rx->queues[rx->queue];
	bool is_on = enabled & 1u << rx->queue && !queue->is_stopped;
	int ret = -EAGAIN;

	if (is_on)
		ret = frame_deliver(igb, batch);
	/* Bus mastering that is off is a reason to wait, not to give up. */
	if (ret == -EFAULT)
		queue->is_stopped = true;
	if (ret == -EAGAIN && !is_lost(igb, is_on))
		return false;
	if (ret && ret != -EAGAIN)
		return false;
	frame_end(igb, batch, !ret);
	return true;
}

bool igb_rx_poll(struct igb *igb, uint32_t *ret_queues)
{
	struct batch batch;
	uint32_t enabled;
	uint32_t queue;

	*ret_queues = 0;
	if (!is_enabled(igb))
		return false;
	enabled = queues_enabled(igb);
	if (!enabled)
		return false;
	batch.popped = 0;
	batch.known = 0;
	batch.told = 0;
	while (frame_next(igb, &batch) && frame_run(igb, &batch, enabled))
		;
	for (queue = 0; queue < IGB_QUEUES; queue++) {
		if (batch.known & 1u << queue &&
		    block_close(igb, &batch, queue) == -EFAULT)
			igb->rx.queues[queue].is_stopped = true;
	}
	if (batch.popped)
		igb->path->ops->flush(igb->path, false, true);
	*ret_queues = batch.told;
	return batch.told || batch.popped;
}

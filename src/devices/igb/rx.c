/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the plug into the client's memory, by receive queue 0.
 *
 * A block of descriptors is read at once, the frames are written where they
 * point, then the block is written back.  The first descriptor of a block
 * gets its DD last and alone: a client looks at descriptors in order, so
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

#define STATUS_ADVANCED offsetof(struct igb_rx_writeback, status)
#define STATUS_LEGACY   offsetof(struct igb_rx_legacy, status)

_Static_assert(sizeof(struct igb_rx_descriptor) == 16, "as in memory");
_Static_assert(sizeof(struct igb_rx_writeback) == 16, "as in memory");
_Static_assert(sizeof(struct igb_rx_legacy) == 16, "as in memory");

/* One block on its way. */
struct block {
	struct igb_ring ring;
	uint32_t buffer_size; /* bytes that a descriptor points to */
	bool is_legacy;
	union {
		struct igb_rx_descriptor in;
		struct igb_rx_writeback out;
		struct igb_rx_legacy legacy;
	} descriptors[IGB_BLOCK];
	uint32_t frames; /* that ended in this block */
};

void igb_rx_abandon(struct igb *igb)
{
	igb->rx.frame = NULL;
	igb->rx.is_stopped = false;
	igb_replay_restart(&igb->rx.replay);
}

static bool ring_load(struct igb *igb, struct igb_ring *ring)
{
	ring->tail = igb_load(igb, IGB_RDT);
	ring->head = igb_load(igb, IGB_RDH);
	ring->count = (igb_load(igb, IGB_RDLEN) & IGB_RING_LENGTH) / 16;
	if (ring->head == ring->tail || ring->head >= ring->count ||
	    ring->tail >= ring->count)
		return false;
	ring->base = (uint64_t)igb_load(igb, IGB_RDBAH) << 32 |
		     (igb_load(igb, IGB_RDBAL) & ~0x7fu);
	return true;
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

/*
 * The next frame that passes the filters; false: none waits, or this poll
 * has taken enough from the plug.
 */
static bool frame_next(struct igb *igb, uint32_t *popped)
{
	struct igb_backend *path = igb->path;
	const uint8_t *frame;
	uint32_t length;

	if (igb->rx.frame)
		return true;
	while (*popped < IGB_BATCH &&
	       (frame = path->ops->peek(path, &length))) {
		igb_stats_seen(igb, length);
		if (igb_filter_accepts(igb, frame, length)) {
			igb_stats_received(igb, frame, length);
			frame_edit(igb, frame, length);
			return true;
		}
		path->ops->pop(path);
		++*popped;
	}
	return false;
}

static void write_back(struct block *block, uint32_t i, const struct igb_rx *rx,
		       uint32_t length, bool is_last)
{
	uint32_t status = IGB_RXD_DD;

	if (is_last)
		status |= IGB_RXD_EOP;
	if (is_last && rx->has_vlan)
		status |= IGB_RXD_VP;
	if (block->is_legacy) {
		struct igb_rx_legacy *legacy = &block->descriptors[i].legacy;

		legacy->length = (uint16_t)length;
		legacy->checksum = 0;
		legacy->status = (uint8_t)status;
		legacy->errors = 0;
		legacy->vlan = is_last ? rx->vlan : 0;
		return;
	}
	block->descriptors[i].out = (struct igb_rx_writeback){
		.status = status,
		.length = (uint16_t)length,
		.vlan = is_last ? rx->vlan : 0,
	};
}

/* As much of the frame as one descriptor takes. */
static int descriptor_fill(struct igb *igb, struct block *block, uint32_t i)
{
	struct igb_rx *rx = &igb->rx;
	uint32_t length = rx->length - rx->offset;
	bool is_last = length <= block->buffer_size;
	int ret;

	if (!is_last)
		length = block->buffer_size;
	ret = uvfio_dma_write(igb->dev, block->descriptors[i].in.address,
			      rx->frame + rx->offset, length);
	if (ret)
		return ret;
	write_back(block, i, rx, length, is_last);
	rx->offset += length;
	if (is_last) {
		igb->path->ops->pop(igb->path);
		rx->frame = NULL;
		block->frames++;
	}
	return 0;
}

static int block_write(struct igb *igb, struct block *block, uint32_t count)
{
	uint64_t at = block->ring.base + (uint64_t)block->ring.head * 16;
	size_t offset = block->is_legacy ? STATUS_LEGACY : STATUS_ADVANCED;
	uint8_t *bytes = (uint8_t *)block->descriptors;
	uint32_t status;
	uint32_t blank;
	int ret;

	memcpy(&status, bytes + offset, sizeof(status));
	blank = status & ~(uint32_t)IGB_RXD_DD;
	memcpy(bytes + offset, &blank, sizeof(blank));
	ret = uvfio_dma_write(igb->dev, at, bytes, (size_t)count * 16);
	if (!ret)
		ret = uvfio_dma_write(igb->dev, at + offset, &status,
				      sizeof(status));
	return ret;
}

/*
 * Fill descriptors while there are frames.  Return: how many were filled;
 * *ret_error is what stopped it early.
 */
static uint32_t block_fill(struct igb *igb, struct block *block, uint32_t count,
			   uint32_t *popped, int *ret_error)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (!frame_next(igb, popped))
			break;
		*ret_error = descriptor_fill(igb, block, i);
		if (*ret_error)
			break;
	}
	return i;
}

/* One block: read, fill, write back.  Return: descriptors used. */
static uint32_t block_run(struct igb *igb, struct block *block, uint32_t limit,
			  uint32_t *popped, int *ret_error)
{
	struct igb_ring *ring = &block->ring;
	uint32_t end = ring->tail > ring->head ? ring->tail : ring->count;
	uint32_t count = end - ring->head;
	uint32_t used;
	int ret;

	if (count > limit)
		count = limit;
	block->frames = 0;
	*ret_error =
		uvfio_dma_read(igb->dev, ring->base + (uint64_t)ring->head * 16,
			       block->descriptors, (size_t)count * 16);
	if (*ret_error)
		return 0;
	used = block_fill(igb, block, count, popped, ret_error);
	*popped += block->frames;
	if (!used)
		return 0;
	ret = block_write(igb, block, used);
	if (ret) {
		*ret_error = ret;
		return 0;
	}
	ring->head += used;
	if (ring->head == ring->count)
		ring->head = 0;
	igb_store(igb, IGB_RDH, ring->head);
	return used;
}

static bool is_enabled(struct igb *igb)
{
	if (!(*igb_reg(igb, IGB_RCTL) & IGB_RCTL_EN) ||
	    *igb_reg(igb, IGB_CTRL) & IGB_CTRL_GIO_MASTER_DIS)
		return false;
	if (igb_load(igb, IGB_RXDCTL) & IGB_DCTL_ENABLE)
		return true;
	/* What is armed next gets the frame from its start. */
	igb->rx.offset = 0;
	igb->rx.is_stopped = false;
	return false;
}

/* How many frames this poll may deliver. */
static uint32_t budget_of(struct igb *igb, const struct igb_ring *ring)
{
	uint32_t posted = (ring->tail + ring->count - ring->head) % ring->count;
	uint32_t budget = IGB_BATCH;

	if (igb->path->is_replay)
		budget = igb_replay_budget(&igb->rx.replay, posted);
	return budget < IGB_BATCH ? budget : IGB_BATCH;
}

bool igb_rx_poll(struct igb *igb, bool *ret_written_back)
{
	uint32_t budget;
	struct block block;
	uint32_t popped = 0; /* frames taken from the plug */
	uint32_t srrctl;
	int error = 0;

	*ret_written_back = false;
	if (!is_enabled(igb) || igb->rx.is_stopped)
		return false;
	if (!ring_load(igb, &block.ring))
		return false;
	srrctl = igb_load(igb, IGB_SRRCTL);
	block.is_legacy = !(srrctl & IGB_SRRCTL_DESCTYPE);
	block.buffer_size = buffer_size(igb, srrctl);
	budget = budget_of(igb, &block.ring);

	while (budget && !error && block.ring.head != block.ring.tail &&
	       frame_next(igb, &popped)) {
		uint32_t limit = budget < IGB_BLOCK ? budget : IGB_BLOCK;
		uint32_t used = block_run(igb, &block, limit, &popped, &error);

		budget -= used;
		*ret_written_back |= used;
	}
	/* Bus mastering that is off is a reason to wait, not to give up. */
	if (error == -EFAULT)
		igb->rx.is_stopped = true;
	if (popped)
		igb->path->ops->flush(igb->path, false, true);
	return *ret_written_back || popped;
}

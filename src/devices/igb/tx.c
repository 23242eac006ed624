/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the client's memory to the plug, by the transmit queues in turn.
 *
 * Descriptors are read in blocks; the payload goes straight to where the
 * plug wants it.  A descriptor that asks for a report gets its DD when all
 * before it is read, one at a time: others of the block must not be
 * touched, the client may use them again once a later one reports.
 */
#include <errno.h>
#include <string.h>

#include <uvfio/device.h>

#include "backend.h"
#include "igb.h"

#define IGB_EWAIT  1        /* the plug is full; no error */
#define BLOCKS_MAX 8        /* of one batch, for frames of many descriptors */
#define BLOCKS_ALL 32       /* of all batches of one poll */
#define BYTES_MAX  0x100000 /* of one poll, and the rest of a block */

_Static_assert(sizeof(struct igb_tx_descriptor) == 16, "as in memory");

struct batch {
	uint32_t queue;
	struct igb_ring ring;
	struct igb_tx_descriptor descriptors[IGB_BLOCK];
	uint32_t frames;
	uint32_t blocks; /* that may still be read, of all queues */
	uint32_t bytes;  /* of all queues in this poll */
	bool has_report; /* a descriptor with RS was consumed */
};

static void frame_end(struct igb_tx *tx)
{
	tx->frame = NULL;
	tx->length = 0;
	tx->is_too_long = false;
	tx->is_whole = false;
	tx->segmented = 0;
	tx->segments = 0;
}

static void queue_abandon(struct igb *igb, uint32_t queue)
{
	if (igb->tx.queue == queue)
		frame_end(&igb->tx);
	igb->tx.queues[queue].is_stopped = false;
}

void igb_tx_abandon(struct igb *igb)
{
	uint32_t queue;

	for (queue = 0; queue < IGB_QUEUES; queue++)
		queue_abandon(igb, queue);
}

static bool ring_load(struct igb *igb, uint32_t queue, struct igb_ring *ring)
{
	ring->tail = igb_queue_load(igb, IGB_TDT, queue);
	ring->head = igb_queue_load(igb, IGB_TDH, queue);
	ring->count =
		(igb_queue_load(igb, IGB_TDLEN, queue) & IGB_RING_LENGTH) / 16;
	if (ring->head == ring->tail || ring->head >= ring->count ||
	    ring->tail >= ring->count)
		return false;
	ring->base = (uint64_t)igb_queue_load(igb, IGB_TDBAH, queue) << 32 |
		     (igb_queue_load(igb, IGB_TDBAL, queue) & ~0x7fu);
	return true;
}

/* The context that the status word of a descriptor names. */
static struct igb_context *context_of(struct igb_tx *tx, uint32_t queue,
				      uint32_t status)
{
	return &tx->queues[queue].contexts[!!(status & IGB_TXD_IDX)];
}

static void context_load(struct igb_context *context,
			 const struct igb_tx_descriptor *descriptor)
{
	uint32_t first = (uint32_t)descriptor->address;

	context->ip_length = first & IGB_CONTEXT_IPLEN;
	context->mac_length =
		first >> IGB_CONTEXT_MACLEN_SHIFT & IGB_CONTEXT_MACLEN;
	context->vlan = (uint16_t)(first >> IGB_CONTEXT_VLAN_SHIFT);
	context->l4_type = descriptor->command & IGB_CONTEXT_L4T;
	context->is_ipv4 = descriptor->command & IGB_CONTEXT_IPV4;
	context->l4_length =
		(uint8_t)(descriptor->status >> IGB_CONTEXT_L4LEN_SHIFT);
	context->mss = (uint16_t)(descriptor->status >> IGB_CONTEXT_MSS_SHIFT);
}

static uint16_t frame_tag(struct igb_tx *tx)
{
	if (tx->command & IGB_TXD_DEXT)
		return context_of(tx, tx->queue, tx->status)->vlan;
	return (uint16_t)(tx->status >> IGB_TXD_VLAN_SHIFT);
}

/*
 * A frame that brings its own FCS: check it as the other side would, and
 * take it off.  Return: false when it is wrong and the frame is lost.
 */
static bool fcs_remove(struct igb_tx *tx)
{
	uint32_t fcs;

	if (tx->length < IGB_ETH_FCS)
		return false;
	tx->length -= IGB_ETH_FCS;
	memcpy(&fcs, tx->frame + tx->length, sizeof(fcs));
	return fcs == igb_offload_fcs(tx->frame, tx->length);
}

void igb_tx_emit(struct igb *igb, uint8_t *frame, uint32_t length)
{
	struct igb_tx *tx = &igb->tx;
	uint16_t vet = (uint16_t)*igb_reg(igb, IGB_VET);

	if (tx->command & IGB_TXD_DEXT)
		igb_offload_checksums(context_of(tx, tx->queue, tx->status),
				      tx->status, frame, length);
	else if (tx->command & IGB_TXD_IC)
		igb_offload_legacy(frame, length, tx->command, tx->status);
	if (tx->command & IGB_TXD_VLE)
		length = igb_offload_insert_tag(frame, length, vet,
						frame_tag(tx));
	if (length < IGB_ETH_MIN && *igb_reg(igb, IGB_TCTL) & IGB_TCTL_PSP) {
		memset(frame + length, 0, IGB_ETH_MIN - length);
		length = IGB_ETH_MIN;
	}
	if (length >= IGB_ETH_HEADER) {
		igb_stats_sent(igb, frame, length);
		igb->path->ops->send(igb->path, length);
	}
}

static bool is_large(const struct igb_tx *tx)
{
	return tx->command & IGB_TXD_DEXT && tx->command & IGB_TXD_TSE;
}

/* The segments of a large frame, as many as the batch may send. */
static int segments_send(struct igb *igb, struct batch *batch)
{
	struct igb_tx *tx = &igb->tx;
	const struct igb_context *context =
		context_of(tx, tx->queue, tx->status);
	enum igb_segment ret = IGB_SEGMENT_MORE;

	if (!igb_segment_is_possible(tx, context)) {
		frame_end(tx);
		batch->frames++;
		return 0;
	}
	while (ret == IGB_SEGMENT_MORE && batch->frames < IGB_BATCH) {
		ret = igb_segment_next(igb, context);
		batch->frames += ret != IGB_SEGMENT_WAIT;
	}
	if (ret != IGB_SEGMENT_DONE)
		return IGB_EWAIT;
	frame_end(tx);
	return 0;
}

/* The last byte is here. */
static int frame_send(struct igb *igb, struct batch *batch)
{
	struct igb_tx *tx = &igb->tx;

	tx->is_whole = true;
	if (is_large(tx))
		return segments_send(igb, batch);
	if (!tx->is_too_long && tx->length &&
	    (tx->command & IGB_TXD_IFCS || fcs_remove(tx)))
		igb_tx_emit(igb, tx->frame, tx->length);
	frame_end(tx);
	batch->frames++;
	return 0;
}

static bool frame_start(struct igb *igb, struct batch *batch,
			const struct igb_tx_descriptor *descriptor)
{
	struct igb_tx *tx = &igb->tx;

	tx->queue = batch->queue;
	tx->command = descriptor->command;
	tx->status = descriptor->status;
	tx->frame =
		is_large(tx) ? tx->large : igb->path->ops->reserve(igb->path);
	return tx->frame;
}

/* Payload of one descriptor, behind what is there. */
static int data_gather(struct igb *igb, struct batch *batch,
		       const struct igb_tx_descriptor *descriptor)
{
	struct igb_tx *tx = &igb->tx;
	uint32_t length = descriptor->command & IGB_TXD_LENGTH;
	uint32_t limit;
	int ret;

	if (!tx->frame && !frame_start(igb, batch, descriptor))
		return IGB_EWAIT;
	limit = tx->frame == tx->large ? IGB_LARGE_MAX : IGB_FRAME_MAX;
	if (length > limit - tx->length)
		tx->is_too_long = true;
	if (tx->is_too_long || !length)
		return 0;
	ret = uvfio_dma_read(igb->dev, descriptor->address,
			     tx->frame + tx->length, length);
	if (!ret)
		tx->length += length;
	batch->bytes += length;
	return ret;
}

static bool is_context(const struct igb_tx_descriptor *descriptor)
{
	return descriptor->command & IGB_TXD_DEXT &&
	       (descriptor->command & IGB_TXD_TYPE) == IGB_TXD_TYPE_CONTEXT;
}

static int descriptor_run(struct igb *igb, struct batch *batch,
			  const struct igb_tx_descriptor *descriptor)
{
	struct igb_tx *tx = &igb->tx;
	int ret;

	if (tx->frame && tx->is_whole) /* the descriptor was gathered */
		return segments_send(igb, batch);
	if (is_context(descriptor)) {
		context_load(context_of(tx, batch->queue, descriptor->status),
			     descriptor);
		return 0;
	}
	ret = data_gather(igb, batch, descriptor);
	if (ret)
		return ret;
	/* Legacy descriptors say in the last one what to do. */
	if (!(descriptor->command & IGB_TXD_DEXT) && !is_large(tx)) {
		tx->command = descriptor->command;
		tx->status = descriptor->status;
	}
	if (descriptor->command & IGB_TXD_EOP)
		return frame_send(igb, batch);
	return 0;
}

/* DD of one descriptor, unless the head is reported instead. */
static int report(struct igb *igb, struct batch *batch, uint32_t i)
{
	struct igb_tx_descriptor *descriptor = &batch->descriptors[i];
	uint64_t at = batch->ring.base + (uint64_t)batch->ring.head * 16;

	if (!(descriptor->command & IGB_TXD_RS))
		return 0;
	batch->has_report = true;
	if (igb_queue_load(igb, IGB_TDWBAL, batch->queue) & IGB_TDWBAL_ENABLE)
		return 0;
	descriptor->status |= IGB_TXD_DD;
	return uvfio_dma_write(igb->dev,
			       at + offsetof(struct igb_tx_descriptor, status),
			       &descriptor->status, sizeof(descriptor->status));
}

static int head_report(struct igb *igb, uint32_t queue, uint32_t head)
{
	uint32_t low = igb_queue_load(igb, IGB_TDWBAL, queue);
	uint64_t at = (uint64_t)igb_queue_load(igb, IGB_TDWBAH, queue) << 32 |
		      (low & ~3u);

	if (!(low & IGB_TDWBAL_ENABLE))
		return 0;
	return uvfio_dma_write(igb->dev, at, &head, sizeof(head));
}

/* One block of descriptors.  Return: 0, IGB_EWAIT or a negative errno. */
static int block_run(struct igb *igb, struct batch *batch)
{
	struct igb_ring *ring = &batch->ring;
	uint32_t end = ring->tail > ring->head ? ring->tail : ring->count;
	uint32_t count = end - ring->head;
	uint32_t i;
	int ret;

	batch->blocks--;
	if (count > IGB_BLOCK)
		count = IGB_BLOCK;
	ret = uvfio_dma_read(igb->dev, ring->base + (uint64_t)ring->head * 16,
			     batch->descriptors, (size_t)count * 16);
	for (i = 0; !ret && i < count; i++) {
		ret = descriptor_run(igb, batch, &batch->descriptors[i]);
		if (!ret)
			ret = report(igb, batch, i);
		if (!ret)
			ring->head++;
	}
	if (ring->head == ring->count)
		ring->head = 0;
	igb_queue_store(igb, IGB_TDH, batch->queue, ring->head);
	return ret;
}

static bool is_enabled(struct igb *igb)
{
	return *igb_reg(igb, IGB_TCTL) & IGB_TCTL_EN &&
	       !(*igb_reg(igb, IGB_CTRL) & IGB_CTRL_GIO_MASTER_DIS);
}

/* Whether the queue may go on, or start, with a frame. */
static bool queue_may_run(struct igb *igb, uint32_t queue)
{
	const struct igb_tx *tx = &igb->tx;

	if (!(igb_queue_load(igb, IGB_TXDCTL, queue) & IGB_DCTL_ENABLE)) {
		if (tx->queues[queue].is_stopped || tx->queue == queue)
			queue_abandon(igb, queue);
		return false;
	}
	if (tx->queues[queue].is_stopped)
		return false;
	return !tx->frame || tx->queue == queue;
}

/* Return whether descriptors were consumed or frames sent. */
static bool queue_poll(struct igb *igb, uint32_t queue, struct batch *batch)
{
	uint32_t blocks = batch->blocks;
	uint32_t start;
	int ret = 0;

	batch->queue = queue;
	batch->frames = 0;
	batch->has_report = false;
	if (!queue_may_run(igb, queue) || !ring_load(igb, queue, &batch->ring))
		return false;
	start = batch->ring.head;

	while (!ret && batch->ring.head != batch->ring.tail &&
	       batch->frames < IGB_BATCH && batch->blocks &&
	       blocks - batch->blocks < BLOCKS_MAX && batch->bytes < BYTES_MAX)
		ret = block_run(igb, batch);
	if (batch->has_report && ret != -EPERM && ret != -EFAULT)
		ret = head_report(igb, queue, batch->ring.head);
	/* Bus mastering that is off is a reason to wait, not to give up. */
	if (ret == -EFAULT) {
		queue_abandon(igb, queue);
		igb->tx.queues[queue].is_stopped = true;
	}
	return batch->ring.head != start || batch->frames;
}

bool igb_tx_poll(struct igb *igb, uint32_t *ret_queues)
{
	struct batch batch;
	bool has_sent = false;
	bool is_busy = false;
	uint32_t i;

	*ret_queues = 0;
	if (!is_enabled(igb))
		return false;
	batch.blocks = BLOCKS_ALL;
	batch.bytes = 0;
	for (i = 0; i < IGB_QUEUES; i++) {
		uint32_t queue = (igb->tx.turn + i) % IGB_QUEUES;

		is_busy |= queue_poll(igb, queue, &batch);
		has_sent |= batch.frames;
		if (batch.has_report)
			*ret_queues |= 1u << queue;
	}
	if (is_busy)
		igb->tx.turn = (igb->tx.turn + 1) % IGB_QUEUES;
	if (has_sent)
		igb->path->ops->flush(igb->path, true, false);
	return is_busy;
}

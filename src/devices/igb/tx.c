/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the client's memory to the plug, by transmit queue 0.
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

#define IGB_EWAIT  1 /* the plug is full; no error */
#define BLOCKS_MAX 8 /* of one batch, for frames of many descriptors */

_Static_assert(sizeof(struct igb_tx_descriptor) == 16, "as in memory");

struct batch {
	struct igb_ring ring;
	struct igb_tx_descriptor descriptors[IGB_BLOCK];
	uint32_t frames;
	uint32_t blocks;
	bool has_report; /* a descriptor with RS was consumed */
};

static void frame_end(struct igb_tx *tx)
{
	tx->frame = NULL;
	tx->length = 0;
	tx->is_too_long = false;
}

void igb_tx_abandon(struct igb *igb)
{
	frame_end(&igb->tx);
	igb->tx.is_stopped = false;
}

static bool ring_load(struct igb *igb, struct igb_ring *ring)
{
	ring->tail = igb_load(igb, IGB_TDT);
	ring->head = igb_load(igb, IGB_TDH);
	ring->count = (igb_load(igb, IGB_TDLEN) & IGB_RING_LENGTH) / 16;
	if (ring->head == ring->tail || ring->head >= ring->count ||
	    ring->tail >= ring->count)
		return false;
	ring->base = (uint64_t)igb_load(igb, IGB_TDBAH) << 32 |
		     (igb_load(igb, IGB_TDBAL) & ~0x7fu);
	return true;
}

static void context_load(struct igb_tx *tx,
			 const struct igb_tx_descriptor *descriptor)
{
	uint32_t first = (uint32_t)descriptor->address;
	struct igb_context *context;

	context = &tx->contexts[!!(descriptor->status & IGB_TXD_IDX)];
	context->ip_length = first & IGB_CONTEXT_IPLEN;
	context->mac_length =
		first >> IGB_CONTEXT_MACLEN_SHIFT & IGB_CONTEXT_MACLEN;
	context->vlan = (uint16_t)(first >> IGB_CONTEXT_VLAN_SHIFT);
	context->l4_type = descriptor->command & IGB_CONTEXT_L4T;
}

static uint16_t frame_tag(const struct igb_tx *tx)
{
	if (tx->command & IGB_TXD_DEXT)
		return tx->contexts[!!(tx->status & IGB_TXD_IDX)].vlan;
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

/* The last byte is here. */
static void frame_send(struct igb *igb)
{
	struct igb_tx *tx = &igb->tx;
	uint16_t vet = (uint16_t)*igb_reg(igb, IGB_VET);

	if (tx->is_too_long || !tx->length ||
	    (!(tx->command & IGB_TXD_IFCS) && !fcs_remove(tx))) {
		frame_end(tx);
		return;
	}
	igb_offload_checksums(igb, tx->frame, tx->length, tx->command);
	if (tx->command & IGB_TXD_VLE)
		tx->length = igb_offload_insert_tag(tx->frame, tx->length, vet,
						    frame_tag(tx));
	if (tx->length < IGB_ETH_MIN &&
	    *igb_reg(igb, IGB_TCTL) & IGB_TCTL_PSP) {
		memset(tx->frame + tx->length, 0, IGB_ETH_MIN - tx->length);
		tx->length = IGB_ETH_MIN;
	}
	if (tx->length >= IGB_ETH_HEADER) {
		igb_stats_sent(igb, tx->frame, tx->length);
		igb->path->ops->send(igb->path, tx->length);
	}
	frame_end(tx);
}

/* Payload of one descriptor, behind what is there. */
static int data_gather(struct igb *igb,
		       const struct igb_tx_descriptor *descriptor)
{
	struct igb_tx *tx = &igb->tx;
	uint32_t length = descriptor->command & IGB_TXD_LENGTH;
	int ret;

	if (!tx->frame) {
		tx->frame = igb->path->ops->reserve(igb->path);
		if (!tx->frame)
			return IGB_EWAIT;
		tx->command = descriptor->command;
		tx->status = descriptor->status;
	}
	if (length > IGB_FRAME_MAX - tx->length)
		tx->is_too_long = true;
	if (tx->is_too_long || !length)
		return 0;
	ret = uvfio_dma_read(igb->dev, descriptor->address,
			     tx->frame + tx->length, length);
	if (!ret)
		tx->length += length;
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

	if (is_context(descriptor)) {
		context_load(tx, descriptor);
		return 0;
	}
	ret = data_gather(igb, descriptor);
	if (ret)
		return ret;
	/* Legacy descriptors say in the last one what to do. */
	if (!(descriptor->command & IGB_TXD_DEXT)) {
		tx->command = descriptor->command;
		tx->status = descriptor->status;
	}
	if (descriptor->command & IGB_TXD_EOP) {
		frame_send(igb);
		batch->frames++;
	}
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
	if (igb_load(igb, IGB_TDWBAL) & IGB_TDWBAL_ENABLE)
		return 0;
	descriptor->status |= IGB_TXD_DD;
	return uvfio_dma_write(igb->dev,
			       at + offsetof(struct igb_tx_descriptor, status),
			       &descriptor->status, sizeof(descriptor->status));
}

static int head_report(struct igb *igb, uint32_t head)
{
	uint32_t low = igb_load(igb, IGB_TDWBAL);
	uint64_t at = (uint64_t)igb_load(igb, IGB_TDWBAH) << 32 | (low & ~3u);

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

	batch->blocks++;
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
	igb_store(igb, IGB_TDH, ring->head);
	return ret;
}

static bool is_enabled(struct igb *igb)
{
	if (!(*igb_reg(igb, IGB_TCTL) & IGB_TCTL_EN) ||
	    *igb_reg(igb, IGB_CTRL) & IGB_CTRL_GIO_MASTER_DIS)
		return false;
	if (igb_load(igb, IGB_TXDCTL) & IGB_DCTL_ENABLE)
		return true;
	igb_tx_abandon(igb);
	return false;
}

bool igb_tx_poll(struct igb *igb, bool *ret_written_back)
{
	struct batch batch;
	uint32_t start;
	int ret = 0;

	*ret_written_back = false;
	if (!is_enabled(igb) || igb->tx.is_stopped)
		return false;
	if (!ring_load(igb, &batch.ring))
		return false;
	start = batch.ring.head;
	batch.frames = 0;
	batch.blocks = 0;
	batch.has_report = false;

	while (!ret && batch.ring.head != batch.ring.tail &&
	       batch.frames < IGB_BATCH && batch.blocks < BLOCKS_MAX)
		ret = block_run(igb, &batch);
	if (batch.has_report && ret != -EPERM && ret != -EFAULT)
		ret = head_report(igb, batch.ring.head);
	/* Bus mastering that is off is a reason to wait, not to give up. */
	if (ret == -EFAULT)
		igb->tx.is_stopped = true;
	if (batch.frames)
		igb->path->ops->flush(igb->path, true, false);
	*ret_written_back = batch.has_report;
	return batch.ring.head != start;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP and UDP segmentation: one large frame of the driver's becomes many on
 * the wire.  Each has the headers of the large one, with lengths, numbers
 * and flags of its own.
 */
#include <string.h>

#include "backend.h"
#include "igb.h"

#define TCP_HEADER   20
#define UDP_HEADER   8
#define IPV4_HEADER  20
#define IPV6_HEADER  40
#define FLAG_OFFSET  12 /* of the word with the flags in a TCP header */
#define FIRST_SHIFT  0  /* of masks in DTXTCPFLGL */
#define MIDDLE_SHIFT 16

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void add32(uint8_t *at, uint32_t value)
{
	uint32_t sum = (get16(at) << 16 | get16(at + 2)) + value;

	put16(at, sum >> 16);
	put16(at + 2, sum);
}

/* Bytes of all headers; 0 when there is no sense in them. */
static uint32_t headers_of(const struct igb_context *context, uint32_t length)
{
	uint32_t ip_min = context->is_ipv4 ? IPV4_HEADER : IPV6_HEADER;
	uint32_t l4_min = context->l4_type == IGB_CONTEXT_L4T_TCP ? TCP_HEADER
								  : UDP_HEADER;
	uint32_t size = context->mac_length + context->ip_length +
			(uint32_t)context->l4_length;

	if (context->mac_length < IGB_ETH_HEADER ||
	    context->ip_length < ip_min || context->l4_length < l4_min ||
	    (context->l4_type != IGB_CONTEXT_L4T_TCP &&
	     context->l4_type != IGB_CONTEXT_L4T_UDP) ||
	    !context->mss || size > length ||
	    size + context->mss > IGB_FRAME_MAX)
		return 0;
	return size;
}

static void edit_ip(const struct igb_context *context, uint8_t *ip,
		    uint32_t payload, uint32_t number)
{
	uint32_t inner = context->l4_length + payload;

	if (context->is_ipv4) {
		put16(ip + 2, context->ip_length + inner);
		put16(ip + 4, get16(ip + 4) + number);
	} else {
		put16(ip + 4, context->ip_length - IPV6_HEADER + inner);
	}
}

/*
 * Software left the sum of the pseudo header in the checksum's field, but
 * for the length, which differs from one segment to the next.
 */
static void add_length(uint8_t *field, uint32_t length)
{
	uint32_t sum = get16(field) + length;

	put16(field, (sum & 0xffff) + (sum >> 16));
}

static void edit_l4(struct igb *igb, const struct igb_context *context,
		    uint8_t *l4, uint32_t offset, uint32_t payload,
		    bool is_last)
{
	uint32_t masks = igb_load(igb, IGB_DTXTCPFLGL);
	uint32_t mask = offset ? masks >> MIDDLE_SHIFT : masks >> FIRST_SHIFT;

	if (context->l4_type == IGB_CONTEXT_L4T_UDP) {
		put16(l4 + 4, context->l4_length + payload);
		add_length(l4 + 6, context->l4_length + payload);
		return;
	}
	add32(l4 + 4, offset);
	/* The only one is the first and the last. */
	if (is_last)
		mask = igb_load(igb, IGB_DTXTCPFLGH) | (offset ? 0 : mask);
	/* The mask is of the flags; the header's length stays. */
	put16(l4 + FLAG_OFFSET,
	      get16(l4 + FLAG_OFFSET) & (0xf000u | (mask & 0x0fffu)));
	add_length(l4 + 16, context->l4_length + payload);
}

/* A large frame of which nothing can be made is dropped. */
bool igb_segment_is_possible(const struct igb_tx *tx,
			     const struct igb_context *context)
{
	return !tx->is_too_long && headers_of(context, tx->length);
}

/* Whether what is sent of it so far leaves something to be sent. */
bool igb_segment_is_within(const struct igb_tx *tx)
{
	const struct igb_context *context =
		&tx->queues[tx->queue].contexts[!!(tx->status & IGB_TXD_IDX)];

	return !tx->segmented ||
	       (headers_of(context, tx->length) &&
		tx->segmented < tx->length - headers_of(context, tx->length));
}

/*
 * Send the next segment of the large frame, which must be possible.
 * Return: IGB_SEGMENT_*
 */
enum igb_segment igb_segment_next(struct igb *igb,
				  const struct igb_context *context)
{
	struct igb_tx *tx = &igb->tx;
	uint32_t headers = headers_of(context, tx->length);
	uint32_t rest = tx->length - headers - tx->segmented;
	uint32_t payload = rest < context->mss ? rest : context->mss;
	uint8_t *frame = igb->path->ops->reserve(igb->path);
	uint8_t *ip;

	if (!frame)
		return IGB_SEGMENT_WAIT;
	memcpy(frame, tx->large, headers);
	memcpy(frame + headers, tx->large + headers + tx->segmented, payload);
	ip = frame + context->mac_length;
	edit_ip(context, ip, payload, tx->segments);
	edit_l4(igb, context, ip + context->ip_length, tx->segmented, payload,
		payload == rest);
	igb_tx_emit(igb, frame, headers + payload);
	tx->segmented += payload;
	tx->segments++;
	if (payload < rest)
		return IGB_SEGMENT_MORE;
	igb_stats_count(igb, IGB_TSCTC);
	return IGB_SEGMENT_DONE;
}

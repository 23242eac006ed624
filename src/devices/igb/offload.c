/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the adapter computes over a frame: checksums of IP, TCP and UDP, the
 * VLAN tag, the FCS.
 */
#include <string.h>

#include "igb.h"
#include "packet.h"

#define IP_CHECKSUM  10 /* offsets in their headers */
#define TCP_CHECKSUM 16
#define UDP_CHECKSUM 6

static uint16_t checksum(const uint8_t *data, uint32_t length)
{
	return (uint16_t)~igb_packet_sum(data, length);
}

static void put_checksum(uint8_t *at, uint16_t sum)
{
	at[0] = (uint8_t)(sum >> 8);
	at[1] = (uint8_t)sum;
}

static void insert_ip(uint8_t *frame, uint32_t length, uint32_t start,
		      uint32_t size)
{
	uint8_t *field = frame + start + IP_CHECKSUM;

	if (size < IP_CHECKSUM + 2 || start + size > length)
		return;
	put_checksum(field, 0);
	put_checksum(field, checksum(frame + start, size));
}

/* Software left the sum of the pseudo header in the field. */
static void insert_l4(uint8_t *frame, uint32_t length, uint32_t start,
		      uint32_t type)
{
	bool is_udp = type == IGB_CONTEXT_L4T_UDP;
	uint32_t field = start + (is_udp ? UDP_CHECKSUM : TCP_CHECKSUM);
	uint16_t sum;

	if (field + 2 > length)
		return;
	sum = checksum(frame + start, length - start);
	/* A UDP checksum of 0 means that there is none. */
	put_checksum(frame + field, is_udp && !sum ? 0xffff : sum);
}

/* The one checksum that a legacy descriptor asks for. */
void igb_offload_legacy(uint8_t *frame, uint32_t length, uint32_t command,
			uint32_t status)
{
	uint32_t field = command >> IGB_TXD_CSO_SHIFT & 0xff;
	uint32_t start = status >> IGB_TXD_CSS_SHIFT & 0xff;

	if (start < length && field + 2 <= length)
		put_checksum(frame + field,
			     checksum(frame + start, length - start));
}

/* Checksums that the first descriptor of the frame asks for, by @status. */
void igb_offload_checksums(const struct igb_context *context, uint32_t status,
			   uint8_t *frame, uint32_t length)
{
	uint32_t ip = context->mac_length;
	uint32_t l4 = ip + context->ip_length;

	if (status & IGB_TXD_IXSM)
		insert_ip(frame, length, ip, context->ip_length);
	if (status & IGB_TXD_TXSM && (context->l4_type == IGB_CONTEXT_L4T_TCP ||
				      context->l4_type == IGB_CONTEXT_L4T_UDP))
		insert_l4(frame, length, l4, context->l4_type);
}

/* Of what was received: which checksums were looked at, and are wrong. */
uint32_t igb_offload_verify(struct igb *igb, const struct igb_packet *packet,
			    const uint8_t *frame)
{
	uint32_t rxcsum = *igb_reg(igb, IGB_RXCSUM);
	const uint8_t *l4 = frame + packet->l4;
	bool is_udp = packet->kind & IGB_PACKET_UDP;
	uint32_t ret = 0;
	uint32_t sum;

	if (rxcsum & IGB_RXCSUM_IPOFL && packet->kind & IGB_PACKET_IPV4) {
		sum = igb_packet_sum(frame + packet->ip,
				     packet->l4 - packet->ip);
		ret |= IGB_RXD_IPCS | (sum == 0xffff ? 0 : IGB_RXD_IPE);
	}
	if (!(rxcsum & IGB_RXCSUM_TUOFL) ||
	    !(packet->kind & (IGB_PACKET_TCP | IGB_PACKET_UDP)))
		return ret;
	/* UDP without a checksum */
	if (is_udp && !l4[UDP_CHECKSUM] && !l4[UDP_CHECKSUM + 1])
		return ret;
	sum = igb_packet_pseudo_sum(packet, frame) +
	      igb_packet_sum(l4, packet->end - packet->l4);
	ret |= IGB_RXD_L4CS | (is_udp ? IGB_RXD_UDPCS : 0);
	return ret | (sum % 0xffff ? IGB_RXD_L4E : 0);
}

/* Return the new length; the frame has room for it. */
uint32_t igb_offload_insert_tag(uint8_t *frame, uint32_t length, uint16_t vet,
				uint16_t tag)
{
	uint8_t *at = frame + IGB_ETH_ADDRESSES;

	if (length < IGB_ETH_HEADER)
		return length;
	memmove(at + IGB_ETH_TAG, at, length - IGB_ETH_ADDRESSES);
	at[0] = (uint8_t)(vet >> 8);
	at[1] = (uint8_t)vet;
	at[2] = (uint8_t)(tag >> 8);
	at[3] = (uint8_t)tag;
	return length + IGB_ETH_TAG;
}

/* The CRC of IEEE 802.3, as it is stored after the frame. */
uint32_t igb_offload_fcs(const uint8_t *frame, uint32_t length)
{
	/* The remainders of 4 bits, reflected. */
	static const uint32_t remainders[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t crc = 0xffffffff;
	uint32_t i;

	for (i = 0; i < length; i++) {
		crc ^= frame[i];
		crc = crc >> 4 ^ remainders[crc & 15];
		crc = crc >> 4 ^ remainders[crc & 15];
	}
	return ~crc;
}

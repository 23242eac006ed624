/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which receive queue a frame is for: receive side scaling, by the hash that
 * Microsoft specifies and the redirection table.
 */
#include <string.h>

#include "igb.h"
#include "packet.h"

#define KEY_SIZE   40
#define INPUT_MAX  36 /* two IPv6 addresses and two ports */
#define TABLE_MASK 0x7fu

/* Types of hash, as a descriptor tells them. */
enum {
	TYPE_NONE,
	TYPE_IPV4_TCP,
	TYPE_IPV4,
	TYPE_IPV6_TCP,
	TYPE_IPV6_EX,
	TYPE_IPV6,
	TYPE_IPV6_TCP_EX,
	TYPE_IPV4_UDP,
	TYPE_IPV6_UDP,
	TYPE_IPV6_UDP_EX,
};

/* The Toeplitz hash: a window of the key for each bit that is set. */
static uint32_t hash(const uint8_t key[KEY_SIZE], const uint8_t *input,
		     uint32_t length)
{
	uint32_t window = (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 |
			  (uint32_t)key[2] << 8 | key[3];
	uint32_t result = 0;
	uint32_t i;
	unsigned int bit;

	for (i = 0; i < length; i++) {
		uint32_t next = key[i + 4];

		for (bit = 0; bit < 8; bit++) {
			if (input[i] & 0x80u >> bit)
				result ^= window;
			window = window << 1 | (next >> (7 - bit) & 1);
		}
	}
	return result;
}

static uint32_t type_ipv4(uint32_t fields, uint32_t kind)
{
	if (kind & IGB_PACKET_TCP && fields & IGB_MRQC_IPV4_TCP)
		return TYPE_IPV4_TCP;
	if (kind & IGB_PACKET_UDP && fields & IGB_MRQC_IPV4_UDP)
		return TYPE_IPV4_UDP;
	return fields & IGB_MRQC_IPV4 ? TYPE_IPV4 : TYPE_NONE;
}

static uint32_t type_ipv6(uint32_t fields, uint32_t kind)
{
	if (kind & IGB_PACKET_TCP && fields & IGB_MRQC_IPV6_TCP)
		return TYPE_IPV6_TCP;
	if (kind & IGB_PACKET_TCP && fields & IGB_MRQC_IPV6_TCP_EX)
		return TYPE_IPV6_TCP_EX;
	if (kind & IGB_PACKET_UDP && fields & IGB_MRQC_IPV6_UDP)
		return TYPE_IPV6_UDP;
	if (kind & IGB_PACKET_UDP && fields & IGB_MRQC_IPV6_UDP_EX)
		return TYPE_IPV6_UDP_EX;
	if (fields & IGB_MRQC_IPV6)
		return TYPE_IPV6;
	return fields & IGB_MRQC_IPV6_EX ? TYPE_IPV6_EX : TYPE_NONE;
}

static bool has_ports(uint32_t type)
{
	return type != TYPE_IPV4 && type != TYPE_IPV6 && type != TYPE_IPV6_EX;
}

bool igb_rss_is_on(struct igb *igb)
{
	return (*igb_reg(igb, IGB_MRQC) & IGB_MRQC_ENABLE) == IGB_MRQC_RSS;
}

/* Return the queue; frames that have no hash are for the first. */
uint32_t igb_rss_classify(struct igb *igb, const struct igb_packet *packet,
			  const uint8_t *frame, uint32_t *ret_type,
			  uint32_t *ret_hash)
{
	uint32_t fields = *igb_reg(igb, IGB_MRQC);
	bool is_ipv4 = packet->kind & IGB_PACKET_IPV4;
	uint32_t addresses = is_ipv4 ? 8 : 32; /* bytes of both */
	uint8_t input[INPUT_MAX];
	uint8_t key[KEY_SIZE];
	uint32_t length;
	uint32_t index;

	*ret_type = TYPE_NONE;
	*ret_hash = 0;
	if (!igb_rss_is_on(igb))
		return 0;
	if (packet->kind & (IGB_PACKET_IPV4 | IGB_PACKET_IPV6))
		*ret_type = is_ipv4 ? type_ipv4(fields, packet->kind)
				    : type_ipv6(fields, packet->kind);
	if (*ret_type == TYPE_NONE)
		return 0;
	memcpy(input, frame + packet->ip + (is_ipv4 ? 12 : 8), addresses);
	length = addresses;
	if (has_ports(*ret_type)) {
		memcpy(input + length, frame + packet->l4, 4);
		length += 4;
	}
	memcpy(key, igb_reg(igb, IGB_RSSRK), sizeof(key));
	*ret_hash = hash(key, input, length);
	index = *ret_hash & TABLE_MASK;
	return *igb_reg(igb, IGB_RETA + (index & ~3u)) >> index % 4 * 8 &
	       (IGB_QUEUES - 1);
}

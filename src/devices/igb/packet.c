/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet.h"

#include <string.h>

#include "regs.h"

#define TYPE_VLAN 0x8100u
#define TYPE_IPV4 0x0800u
#define TYPE_IPV6 0x86ddu

#define IPV4_HEADER 20
#define IPV6_HEADER 40

#define PROTOCOL_HOP_BY_HOP  0
#define PROTOCOL_TCP         6
#define PROTOCOL_UDP         17
#define PROTOCOL_ROUTING     43
#define PROTOCOL_FRAGMENT    44
#define PROTOCOL_DESTINATION 60
#define PROTOCOL_SCTP        132
#define EXTENSIONS_MAX       8

static uint32_t word_at(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

/*
 * Words are added in the order of this host and swapped at the end, which
 * gives the same sum (RFC 1071, 2 B).
 */
uint32_t igb_packet_sum(const uint8_t *data, uint32_t length)
{
	uint64_t sum = 0;
	uint32_t word;
	uint8_t last[4] = {0};

	for (; length >= 4; length -= 4) {
		memcpy(&word, data, sizeof(word));
		sum += word;
		data += sizeof(word);
	}
	memcpy(last, data, length);
	memcpy(&word, last, sizeof(word));
	sum = fold(sum + word);
	return (uint32_t)__builtin_bswap16((uint16_t)sum);
}

uint32_t igb_packet_pseudo_sum(const struct igb_packet *packet,
			       const uint8_t *frame)
{
	const uint8_t *ip = frame + packet->ip;
	uint64_t sum = packet->end - packet->l4;

	sum += packet->kind & IGB_PACKET_TCP ? PROTOCOL_TCP : PROTOCOL_UDP;
	if (packet->kind & IGB_PACKET_IPV4)
		sum += igb_packet_sum(ip + 12, 8);
	else
		sum += igb_packet_sum(ip + 8, 32);
	return fold(sum);
}

static uint32_t kind_of(uint32_t protocol)
{
	switch (protocol) {
	case PROTOCOL_TCP:
		return IGB_PACKET_TCP;
	case PROTOCOL_UDP:
		return IGB_PACKET_UDP;
	case PROTOCOL_SCTP:
		return IGB_PACKET_SCTP;
	default:
		return 0;
	}
}

static void parse_ipv4(struct igb_packet *packet, const uint8_t *frame,
		       uint32_t length)
{
	const uint8_t *ip = frame + packet->ip;
	uint32_t room = length - packet->ip;
	uint32_t header;
	uint32_t total;

	if (room < IPV4_HEADER || ip[0] >> 4 != 4)
		return;
	header = (ip[0] & 0x0fu) * 4;
	total = word_at(ip + 2);
	if (header < IPV4_HEADER || total < header || total > room)
		return;
	packet->kind = IGB_PACKET_IPV4;
	if (header > IPV4_HEADER)
		packet->kind |= IGB_PACKET_IPV4_OPT;
	packet->l4 = packet->ip + header;
	packet->end = packet->ip + total;
	/* more fragments, or an offset */
	packet->is_fragment = word_at(ip + 6) & 0x3fff;
	if (!packet->is_fragment)
		packet->kind |= kind_of(ip[9]);
}

static bool is_extension(uint32_t protocol)
{
	return protocol == PROTOCOL_HOP_BY_HOP ||
	       protocol == PROTOCOL_ROUTING || protocol == PROTOCOL_FRAGMENT ||
	       protocol == PROTOCOL_DESTINATION;
}

static void parse_ipv6(struct igb_packet *packet, const uint8_t *frame,
		       uint32_t length)
{
	const uint8_t *ip = frame + packet->ip;
	uint32_t room = length - packet->ip;
	uint32_t protocol;
	unsigned int i;

	if (room < IPV6_HEADER || ip[0] >> 4 != 6 ||
	    word_at(ip + 4) > room - IPV6_HEADER)
		return;
	packet->kind = IGB_PACKET_IPV6;
	packet->l4 = packet->ip + IPV6_HEADER;
	packet->end = packet->l4 + word_at(ip + 4);
	protocol = ip[6];
	for (i = 0; i < EXTENSIONS_MAX && is_extension(protocol); i++) {
		const uint8_t *at = frame + packet->l4;

		if (packet->end - packet->l4 < 8)
			return;
		packet->kind |= IGB_PACKET_IPV6_EXT;
		packet->is_fragment |= protocol == PROTOCOL_FRAGMENT;
		packet->l4 +=
			protocol == PROTOCOL_FRAGMENT ? 8 : (at[1] + 1u) * 8;
		if (packet->l4 > packet->end) {
			packet->l4 = packet->end;
			return;
		}
		protocol = at[0];
	}
	if (!packet->is_fragment)
		packet->kind |= kind_of(protocol);
}

/* A header that is cut off is none. */
static void check_l4(struct igb_packet *packet)
{
	uint32_t room = packet->end - packet->l4;

	if (packet->kind & IGB_PACKET_TCP && room < 20)
		packet->kind &= ~IGB_PACKET_TCP;
	if (packet->kind & IGB_PACKET_UDP && room < 8)
		packet->kind &= ~IGB_PACKET_UDP;
}

void igb_packet_parse(struct igb_packet *packet, const uint8_t *frame,
		      uint32_t length)
{
	uint32_t type;

	memset(packet, 0, sizeof(*packet));
	packet->ip = IGB_ETH_HEADER;
	if (length < IGB_ETH_HEADER + IGB_ETH_TAG)
		return;
	type = word_at(frame + IGB_ETH_ADDRESSES);
	if (type == TYPE_VLAN) {
		packet->ip += IGB_ETH_TAG;
		type = word_at(frame + packet->ip - 2);
	}
	if (type == TYPE_IPV4)
		parse_ipv4(packet, frame, length);
	else if (type == TYPE_IPV6)
		parse_ipv6(packet, frame, length);
	check_l4(packet);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a frame carries, as far as the adapter looks: one VLAN tag, IPv4 or
 * IPv6 with extension headers, TCP, UDP or SCTP.
 */
#ifndef UVF_DEVICES_IGB_PACKET_H
#define UVF_DEVICES_IGB_PACKET_H

#include <stdbool.h>
#include <stdint.h>

/* Also the bits of the packet type in an advanced receive descriptor. */
#define IGB_PACKET_IPV4     0x01u
#define IGB_PACKET_IPV4_OPT 0x02u /* with options */
#define IGB_PACKET_IPV6     0x04u
#define IGB_PACKET_IPV6_EXT 0x08u /* with extension headers */
#define IGB_PACKET_TCP      0x10u
#define IGB_PACKET_UDP      0x20u
#define IGB_PACKET_SCTP     0x40u

struct igb_packet {
	uint32_t kind; /* IGB_PACKET_*; 0: not IP, or damaged */
	uint32_t ip;   /* offset of its header */
	uint32_t l4;   /* offset of what follows the IP headers */
	uint32_t end;  /* offset of the first byte that is padding */
	bool is_fragment;
};

/* @frame has no FCS. */
void igb_packet_parse(struct igb_packet *packet, const uint8_t *frame,
		      uint32_t length);

/* The sum of 16-bit words in network order, folded; not complemented. */
uint32_t igb_packet_sum(const uint8_t *data, uint32_t length);
/* The pseudo header's part of a TCP or UDP checksum, folded. */
uint32_t igb_packet_pseudo_sum(const struct igb_packet *packet,
			       const uint8_t *frame);

#endif /* UVF_DEVICES_IGB_PACKET_H */

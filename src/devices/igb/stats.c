/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters that a read clears.  A counter of 64 bits is cleared by the read
 * of its upper half.  Octets include the FCS.
 */
#include "igb.h"

void igb_stats_count(struct igb *igb, uint32_t offset)
{
	*igb_reg(igb, offset) += 1;
}

static void add_octets(struct igb *igb, uint32_t low, uint32_t octets)
{
	uint32_t sum = *igb_reg(igb, low) + octets;

	if (sum < octets)
		*igb_reg(igb, low + 4) += 1;
	*igb_reg(igb, low) = sum;
}

/* The six counters by size start at 64, 65, 128, 256, 512 and 1024 octets. */
static uint32_t size_class(uint32_t octets)
{
	if (octets <= 64)
		return 0;
	if (octets >= 1024)
		return 5;
	/* 65 to 127 is 1, ... 512 to 1023 is 4 */
	return (uint32_t)(31 - __builtin_clz(octets)) - 5;
}

/* Broadcast, multicast or neither. */
static void count_group(struct igb *igb, const uint8_t *frame,
			uint32_t broadcast, uint32_t multicast)
{
	static const uint8_t all[IGB_MAC_SIZE] = {0xff, 0xff, 0xff,
						  0xff, 0xff, 0xff};

	if (!(frame[0] & 1))
		return;
	if (__builtin_memcmp(frame, all, sizeof(all)))
		igb_stats_count(igb, multicast);
	else
		igb_stats_count(igb, broadcast);
}

void igb_stats_sent(struct igb *igb, const uint8_t *frame, uint32_t length)
{
	uint32_t octets = length + IGB_ETH_FCS;

	igb_stats_count(igb, IGB_TPT);
	igb_stats_count(igb, IGB_GPTC);
	igb_stats_count(igb, IGB_HGPTC);
	igb_stats_count(igb, IGB_PTC64 + 4 * size_class(octets));
	add_octets(igb, IGB_TOTL, octets);
	add_octets(igb, IGB_GOTCL, octets);
	add_octets(igb, IGB_HGOTCL, octets);
	count_group(igb, frame, IGB_BPTC, IGB_MPTC);
}

/* A frame came over the wire, whatever becomes of it. */
void igb_stats_seen(struct igb *igb, uint32_t length)
{
	igb_stats_count(igb, IGB_TPR);
	add_octets(igb, IGB_TORL, length + IGB_ETH_FCS);
}

/* A frame passed the filters. */
void igb_stats_received(struct igb *igb, const uint8_t *frame, uint32_t length)
{
	uint32_t octets = length + IGB_ETH_FCS;

	igb_stats_count(igb, IGB_GPRC);
	igb_stats_count(igb, IGB_RPTHC);
	igb_stats_count(igb, IGB_PRC64 + 4 * size_class(octets));
	add_octets(igb, IGB_GORCL, octets);
	add_octets(igb, IGB_HGORCL, octets);
	count_group(igb, frame, IGB_BPRC, IGB_MPRC);
}

uint32_t igb_stats_read(struct igb *igb, uint32_t offset)
{
	uint32_t value = *igb_reg(igb, offset);

	switch (offset) {
	case IGB_GORCL:
	case IGB_GOTCL:
	case IGB_TORL:
	case IGB_TOTL:
	case IGB_HGORCL:
	case IGB_HGOTCL:
		break;
	case IGB_GORCH:
	case IGB_GOTCH:
	case IGB_TORH:
	case IGB_TOTH:
	case IGB_HGORCH:
	case IGB_HGOTCH:
		*igb_reg(igb, offset - 4) = 0;
		*igb_reg(igb, offset) = 0;
		break;
	default:
		*igb_reg(igb, offset) = 0;
	}
	return value;
}

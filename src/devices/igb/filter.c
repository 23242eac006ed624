/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which frames the receiver lets in: by length, by address, by VLAN.
 */
#include <string.h>

#include "backend.h"
#include "igb.h"

#define ADDRESSES_LOW  16
#define ADDRESSES_HIGH 8
#define ETH_VLAN       0x8100

static bool bit_is_set(struct igb *igb, uint32_t table, uint32_t bit)
{
	return *igb_reg(igb, table + bit / 32 * 4) & 1u << bit % 32;
}

/* Whether an entry of a run of RAL and RAH pairs is the address. */
static bool has_address(struct igb *igb, uint32_t offset, unsigned int count,
			const uint8_t *frame)
{
	uint32_t low;
	uint16_t high;
	unsigned int i;

	memcpy(&low, frame, sizeof(low));
	memcpy(&high, frame + sizeof(low), sizeof(high));
	for (i = 0; i < count; i++, offset += 8) {
		uint32_t rah = *igb_reg(igb, offset + 4);

		if (*igb_reg(igb, offset) == low && (rah & 0xffff) == high &&
		    rah & IGB_RAH_AV)
			return true;
	}
	return false;
}

/* The hash that selects a bit of MTA, 12 bits of the last two bytes. */
static bool is_hashed(struct igb *igb, uint32_t rctl, const uint8_t *frame)
{
	static const uint8_t shifts[4] = {4, 3, 2, 0};
	uint32_t last = frame[4] | (uint32_t)frame[5] << 8;
	uint32_t bit = last >> shifts[rctl >> IGB_RCTL_MO_SHIFT & 3] & 0xfff;

	return bit_is_set(igb, IGB_MTA, bit);
}

static bool is_for_us(struct igb *igb, uint32_t rctl, const uint8_t *frame)
{
	static const uint8_t all[IGB_MAC_SIZE] = {0xff, 0xff, 0xff,
						  0xff, 0xff, 0xff};
	bool is_group = frame[0] & 1;

	if (rctl & (is_group ? IGB_RCTL_MPE : IGB_RCTL_UPE))
		return true;
	if (is_group && !memcmp(frame, all, sizeof(all)))
		return rctl & IGB_RCTL_BAM;
	if (has_address(igb, IGB_RAL, ADDRESSES_LOW, frame) ||
	    has_address(igb, IGB_RAL_HIGH, ADDRESSES_HIGH, frame))
		return true;
	return is_group && is_hashed(igb, rctl, frame);
}

static bool is_in_vlan(struct igb *igb, const uint8_t *frame)
{
	uint32_t type = (uint32_t)frame[12] << 8 | frame[13];
	uint32_t id = ((uint32_t)frame[14] << 8 | frame[15]) & 0xfff;

	return type != ETH_VLAN || bit_is_set(igb, IGB_VFTA, id);
}

/* @length: without FCS */
bool igb_filter_accepts(struct igb *igb, const uint8_t *frame, uint32_t length)
{
	uint32_t rctl = *igb_reg(igb, IGB_RCTL);
	uint32_t limit = IGB_LONG_PACKET;

	if (rctl & IGB_RCTL_LPE)
		limit = *igb_reg(igb, IGB_RLPML);
	if (length + IGB_ETH_FCS > limit) {
		igb_stats_count(igb, IGB_ROC);
		return false;
	}
	if (length < IGB_ETH_MIN) {
		igb_stats_count(igb, IGB_RUC);
		return false;
	}
	if (igb->path->takes_all)
		return true;
	if (!is_for_us(igb, rctl, frame))
		return false;
	return !(rctl & IGB_RCTL_VFE) || is_in_vlan(igb, frame);
}

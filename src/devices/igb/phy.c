/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The copper PHY inside the 82576 (of the IGP family), reached through
 * MDIC.  Negotiation with a 1000BASE-T partner is over at once.
 */
#include "igb.h"

#include "backend.h"

#define PHY_ADDRESS      1u
#define PHY_CONTROL      0
#define PHY_STATUS       1
#define PHY_ID1          2
#define PHY_ID2          3
#define PHY_ADVERTISE    4
#define PHY_PARTNER      5
#define PHY_EXPANSION    6
#define PHY_1000_CONTROL 9
#define PHY_1000_STATUS  10
#define PHY_EXT_STATUS   15
#define PHY_PORT_STATUS  0x11
#define PHY_PAGE         0x1f
#define PHY_PAGED        0x10 /* registers from here on have pages */

#define CONTROL_RESET    0x8000u
#define CONTROL_LOOPBACK 0x4000u
#define CONTROL_AUTONEG  0x1000u
#define CONTROL_DOWN     0x0800u
#define CONTROL_RESTART  0x0200u
#define CONTROL_FULL     0x0100u
#define CONTROL_1000     0x0040u

#define STATUS_FIXED      0x7949u /* abilities */
#define STATUS_AUTONEG_OK 0x0020u
#define STATUS_LINK       0x0004u

#define PORT_STATUS_LINK 0x0400u
#define PORT_STATUS_GOOD 0xc200u /* 1000 Mb/s, full duplex */

/* The four pairs' gain control, from which drivers tell a cable's length. */
#define PAGE_AGC        0x0fffu
#define PAGE_AGC_A      0x11b1u
#define AGC_SHORT_CABLE (16u << 9)

static const uint16_t phy_power_on[IGB_PHY_REGS] = {
	[PHY_CONTROL] = CONTROL_AUTONEG | CONTROL_FULL | CONTROL_1000,
	[PHY_ID1] = 0x02a8,
	[PHY_ID2] = 0x0391,
	[PHY_ADVERTISE] = 0x0de1,
	[PHY_PARTNER] = 0xcde1,
	[PHY_EXPANSION] = 0x000f,
	[PHY_1000_CONTROL] = 0x0300,
	[PHY_1000_STATUS] = 0x7c00,
	[PHY_EXT_STATUS] = 0x3000,
};

bool igb_phy_has_link(struct igb *igb)
{
	if (igb->phy[PHY_CONTROL] & CONTROL_DOWN)
		return false;
	return igb_phy_is_looped(igb) ||
	       igb->backend->ops->has_carrier(igb->backend);
}

bool igb_phy_is_looped(const struct igb *igb)
{
	return igb->phy[PHY_CONTROL] & CONTROL_LOOPBACK;
}

void igb_phy_reset(struct igb *igb)
{
	unsigned int i;

	for (i = 0; i < IGB_PHY_REGS; i++)
		igb->phy[i] = phy_power_on[i];
}

static uint16_t phy_read_paged(const struct igb *igb, uint32_t reg)
{
	uint32_t page = igb->phy[PHY_PAGE];

	if (reg == PHY_PORT_STATUS &&
	    (page & PAGE_AGC) == (PAGE_AGC_A & PAGE_AGC))
		return AGC_SHORT_CABLE;
	return 0;
}

static uint16_t phy_read(struct igb *igb, uint32_t reg)
{
	bool has_link = igb_phy_has_link(igb);

	/* Pages 0 to 0x1f are one: drivers select the register's own number. */
	if (reg >= PHY_PAGED && reg != PHY_PAGE && igb->phy[PHY_PAGE] > 0x1f)
		return phy_read_paged(igb, reg);
	if (reg == PHY_STATUS)
		return (uint16_t)(STATUS_FIXED |
				  (has_link ? STATUS_LINK | STATUS_AUTONEG_OK
					    : 0));
	if (reg == PHY_PORT_STATUS)
		return (uint16_t)(has_link ? PORT_STATUS_LINK | PORT_STATUS_GOOD
					   : 0);
	return igb->phy[reg];
}

static void phy_write_control(struct igb *igb, uint16_t value)
{
	bool had_link = igb_phy_has_link(igb);

	if (value & CONTROL_RESET)
		igb_phy_reset(igb);
	else
		igb->phy[PHY_CONTROL] = value & (uint16_t)~CONTROL_RESTART;
	/* A negotiation anew is a link that goes and comes. */
	if (igb_phy_has_link(igb) != had_link ||
	    value & (CONTROL_RESET | CONTROL_RESTART))
		igb_interrupt_link(igb, IGB_ICR_LSC);
	igb_path_update(igb);
}

static void phy_write(struct igb *igb, uint32_t reg, uint16_t value)
{
	switch (reg) {
	case PHY_CONTROL:
		phy_write_control(igb, value);
		break;
	case PHY_STATUS:
	case PHY_ID1:
	case PHY_ID2:
	case PHY_PARTNER:
	case PHY_EXPANSION:
	case PHY_1000_STATUS:
	case PHY_EXT_STATUS:
	case PHY_PORT_STATUS:
		break;
	case PHY_PAGE:
		igb->phy[PHY_PAGE] = value;
		break;
	default:
		if (reg < PHY_PAGED || igb->phy[PHY_PAGE] <= 0x1f)
			igb->phy[reg] = value;
	}
}

void igb_phy_write_mdic(struct igb *igb, uint32_t value)
{
	uint32_t reg = value >> IGB_MDIC_REG_SHIFT & 0x1f;
	uint32_t phy = value >> IGB_MDIC_PHY_SHIFT & 0x1f;
	uint32_t mdic = value & ~(IGB_MDIC_READY | IGB_MDIC_ERROR);

	if (phy != PHY_ADDRESS)
		mdic |= IGB_MDIC_ERROR;
	else if (value & IGB_MDIC_OP_READ)
		mdic = (mdic & 0xffff0000u) | phy_read(igb, reg);
	else if (value & IGB_MDIC_OP_WRITE)
		phy_write(igb, reg, (uint16_t)value);
	*igb_reg(igb, IGB_MDIC) = mdic | IGB_MDIC_READY;
	if (value & IGB_MDIC_INT_EN)
		igb_interrupt_link(igb, IGB_ICR_MDAC);
}

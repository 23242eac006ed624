/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registers outside the two pages of ring registers, as one table.
 *
 * An entry is a run of registers of one kind.  What is not in the table
 * reads 0 and ignores writes.
 */
#include <string.h>

#include "igb.h"

struct run {
	uint32_t offset;
	uint32_t count;
	uint32_t writable; /* bits that a store without write() changes */
	uint32_t power_on;
	uint32_t (*read)(struct igb *igb, uint32_t offset);
	void (*write)(struct igb *igb, uint32_t offset, uint32_t value);
};

#define ALL 0xffffffffu

static uint32_t read_status(struct igb *igb, uint32_t offset)
{
	uint32_t ctrl = *igb_reg(igb, IGB_CTRL);
	uint32_t status = IGB_STATUS_FD | IGB_STATUS_SPEED_1000;

	(void)offset;
	if (igb_phy_has_link(igb))
		status |= IGB_STATUS_LU;
	if (!(ctrl & IGB_CTRL_GIO_MASTER_DIS))
		status |= IGB_STATUS_GIO_MASTER_EN;
	return status;
}

static void write_ctrl(struct igb *igb, uint32_t offset, uint32_t value)
{
	uint32_t old = *igb_reg(igb, offset);

	if (value & IGB_CTRL_RST) {
		igb_reset(igb);
		return;
	}
	*igb_reg(igb, offset) = value;
	if (value & ~old & IGB_CTRL_PHY_RST) {
		igb_phy_reset(igb);
		igb_interrupt_link(igb, IGB_ICR_LSC);
	}
	igb_path_update(igb);
}

static void write_ctrl_ext(struct igb *igb, uint32_t offset, uint32_t value)
{
	/* The NVM is read again in no time. */
	*igb_reg(igb, offset) = value & ~IGB_CTRL_EXT_EE_RST;
}

static void write_enable(struct igb *igb, uint32_t offset, uint32_t value)
{
	*igb_reg(igb, offset) = value;
	igb_path_update(igb);
}

static void write_eecd(struct igb *igb, uint32_t offset, uint32_t value)
{
	(void)offset;
	igb_nvm_write_eecd(igb, value);
}

static void write_eerd(struct igb *igb, uint32_t offset, uint32_t value)
{
	(void)offset;
	igb_nvm_write_eerd(igb, value);
}

static void write_mdic(struct igb *igb, uint32_t offset, uint32_t value)
{
	(void)offset;
	igb_phy_write_mdic(igb, value);
}

/* Reading the semaphore takes it. */
static uint32_t read_swsm(struct igb *igb, uint32_t offset)
{
	uint32_t value = *igb_reg(igb, offset);

	*igb_reg(igb, offset) = value | IGB_SWSM_SMBI;
	return value;
}

static void write_clear(struct igb *igb, uint32_t offset, uint32_t value)
{
	*igb_reg(igb, offset) &= ~value;
}

#define IRQ igb_interrupts_read, igb_interrupts_write

static const struct run runs[] = {
	{IGB_CTRL, 1, 0, IGB_CTRL_FD | IGB_CTRL_SPD_1000 | IGB_CTRL_ADVD3WUC,
	 NULL, write_ctrl},
	{IGB_STATUS, 1, 0, 0, read_status, NULL},
	{IGB_EECD, 1, 0, 0, NULL, write_eecd},
	{IGB_EERD, 1, 0, 0, NULL, write_eerd},
	{IGB_CTRL_EXT, 1, 0, 0, NULL, write_ctrl_ext},
	{IGB_MDIC, 1, 0, IGB_MDIC_READY, NULL, write_mdic},
	{IGB_SCTL, 1, ALL, 0, NULL, NULL},
	{IGB_FCAL, 4, ALL, 0, NULL, NULL}, /* FCAL FCAH FCT CONNSW */
	{IGB_VET, 1, ALL, 0x81008100, NULL, NULL},
	{IGB_OLD_ITR, 1, ALL, 0, NULL, NULL},
	{IGB_RCTL, 1, 0, 0, NULL, write_enable},
	{IGB_FCTTV, 1, ALL, 0, NULL, NULL},
	{IGB_TXCW, 1, ALL, 0, NULL, NULL},
	{IGB_TCTL, 1, 0, 0, NULL, write_enable},
	{IGB_TCTL_EXT, 1, ALL, 0x00042424, NULL, NULL},
	{IGB_TIPG, 1, ALL, 0x00702008, NULL, NULL},
	{IGB_AIT, 1, ALL, 0, NULL, NULL},
	{IGB_VMBMEM, 128, ALL, 0, NULL, NULL},
	{IGB_MAILBOX, 38, ALL, 0, NULL, NULL}, /* to VFTE */
	{IGB_LEDCTL, 1, ALL, 0x07061302, NULL, NULL},
	{IGB_PBA, 1, ALL, 0, NULL, NULL},
	{IGB_EEMNGCTL, 1, 0, IGB_EEMNGCTL_CFG_DONE, NULL, NULL},
	{IGB_EEARBC, 1, ALL, 0, NULL, NULL},
	{IGB_WDSTP, 4, ALL, 0, NULL, NULL}, /* to TCPTIMER */
	{IGB_ICR, 1, 0, 0, IRQ},
	{IGB_ICS, 1, 0, 0, IRQ},
	{IGB_IMS, 1, 0, 0, IRQ},
	{IGB_IMC, 1, 0, 0, IRQ},
	{IGB_IAM, 1, 0, 0, IRQ},
	{IGB_GPIE, 1, 0, 0, IRQ},
	{IGB_EICS, 1, 0, 0, IRQ},
	{IGB_EIMS, 1, 0, 0, IRQ},
	{IGB_EIMC, 1, 0, 0, IRQ},
	{IGB_EIAC, 1, 0, 0, IRQ},
	{IGB_EIAM, 1, 0, 0, IRQ},
	{IGB_EICR, 1, 0, 0, IRQ},
	{IGB_EITR, 25, ALL, 0, NULL, NULL},
	{IGB_IVAR0, 8, ALL, 0, NULL, NULL},
	{IGB_IVAR_MISC, 1, ALL, 0, NULL, NULL},
	{IGB_STATS, IGB_STATS_COUNT, 0, 0, igb_stats_read, NULL},
	{IGB_PCS_CFG0, 1, ALL, 0, NULL, NULL},
	{IGB_PCS_LCTL, 1, ALL, 0, NULL, NULL},
	{IGB_PCS_LSTAT, 1, 0, 0, NULL, NULL},
	{IGB_PCS_ANADV, 4, ALL, 0, NULL, NULL},
	{IGB_RXCSUM, 1, ALL, 0x00000300, NULL, NULL},
	{IGB_RLPML, 1, 0x3fff, IGB_FRAME_MAX + IGB_ETH_FCS, NULL, NULL},
	{IGB_RFCTL, 1, ALL, 0, NULL, NULL},
	{IGB_MTA, 128, ALL, 0, NULL, NULL},
	{IGB_RAL, 32, ALL, 0, NULL, NULL},
	{IGB_PSRTYPE, 8, ALL, 0, NULL, NULL},
	{IGB_RAL_HIGH, 16, ALL, 0, NULL, NULL},
	{IGB_SYNQF, 1, ALL, 0, NULL, NULL},
	{IGB_VFTA, 128, ALL, 0, NULL, NULL},
	{IGB_WUC, 1, ALL, 0, NULL, NULL},
	{IGB_WUFC, 1, ALL, 0, NULL, NULL},
	{IGB_WUS, 1, 0, 0, NULL, write_clear},
	{IGB_MRQC, 1, ALL, 0, NULL, NULL},
	{IGB_VT_CTL, 1, ALL, 0, NULL, NULL},
	{IGB_MANC, 1, ALL, 0, NULL, NULL},
	{IGB_IPAV, 1, ALL, 0, NULL, NULL},
	{IGB_MANC2H, 1, ALL, 0, NULL, NULL},
	{IGB_FTQF, 64, ALL, 0, NULL, NULL}, /* filters, to 5a7c */
	{IGB_IMIR, 20, ALL, 0, NULL, NULL},
	{IGB_VMOLR, 8, ALL, 0, NULL, NULL},
	{IGB_RPLOLR, 1, ALL, 0, NULL, NULL},
	{IGB_GCR, 1, ALL, 0, NULL, NULL},
	{IGB_FACTPS, 1, 0, 0, NULL, NULL},
	{IGB_SWSM, 1, IGB_SWSM_SMBI | IGB_SWSM_SWESMBI, 0, read_swsm, NULL},
	{IGB_FWSM, 1, 0, 0, NULL, NULL},
	{IGB_SW_FW_SYNC, 1, ALL, 0, NULL, NULL},
	{IGB_PBACL, 1, 0, 0, NULL, write_clear},
	{IGB_DCA, 2, ALL, 0, NULL, NULL},
	{IGB_RETA, 32, ALL, 0, NULL, NULL},
	{IGB_RSSRK, 10, ALL, 0, NULL, NULL},
	{IGB_ETQF, 8, ALL, 0, NULL, NULL},
	{IGB_VLVF, 32, ALL, 0, NULL, NULL},
	{IGB_TSYNCRXCFG, 1, ALL, 0, NULL, NULL},
	{IGB_FHFT, 1024, ALL, 0, NULL, NULL},
	{IGB_UTA, 128, ALL, 0, NULL, NULL},
	{IGB_LSEC, 256, ALL, 0, NULL, NULL},
	{IGB_SYSTIM, 16, ALL, 0, NULL, NULL},
};

#define RUN_COUNT (sizeof(runs) / sizeof(runs[0]))

/* The run that an offset is in, or NULL. */
static const struct run *run_find(uint32_t offset)
{
	size_t low = 0;
	size_t high = RUN_COUNT;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct run *run = &runs[middle];

		if (offset < run->offset)
			high = middle;
		else if (offset >= run->offset + run->count * 4)
			low = middle + 1;
		else
			return run;
	}
	return NULL;
}

/* Where the queues' registers are on the pages, for queues that are there. */
static uint32_t unalias_ring(uint32_t offset)
{
	uint32_t base = offset < IGB_TX_ALIAS ? IGB_RX_RINGS : IGB_TX_RINGS;
	uint32_t queue = offset % IGB_ALIAS_SIZE / IGB_ALIAS_STEP;

	if (queue >= IGB_PAGE_QUEUES)
		return offset;
	return base + queue * IGB_QUEUE_STEP + offset % IGB_ALIAS_STEP;
}

static uint32_t unalias(uint32_t offset)
{
	switch (offset) {
	case IGB_OLD_ICR:
	case IGB_OLD_ICS:
	case IGB_OLD_IMS:
	case IGB_OLD_IMC:
	case IGB_OLD_IAM:
		return offset == IGB_OLD_ICR   ? IGB_ICR
		       : offset == IGB_OLD_ICS ? IGB_ICS
		       : offset == IGB_OLD_IMS ? IGB_IMS
		       : offset == IGB_OLD_IMC ? IGB_IMC
					       : IGB_IAM;
	default:
		break;
	}
	if (offset - IGB_RX_ALIAS < IGB_ALIAS_SIZE ||
	    offset - IGB_TX_ALIAS < IGB_ALIAS_SIZE)
		return unalias_ring(offset);
	return offset;
}

static bool is_on_ring_page(uint32_t offset)
{
	return offset >= IGB_RX_PAGE && offset < IGB_TX_PAGE + 0x1000;
}

/* Registers of queues 4 to 15: memory, as those on the pages. */
static bool is_other_ring(uint32_t offset)
{
	return offset - IGB_RX_ALIAS < IGB_ALIAS_SIZE ||
	       offset - IGB_TX_ALIAS < IGB_ALIAS_SIZE;
}

uint32_t igb_register_read(struct igb *igb, uint32_t offset)
{
	const struct run *run;

	offset = unalias(offset);
	if (is_on_ring_page(offset))
		return igb_load(igb, offset);
	if (is_other_ring(offset))
		return *igb_reg(igb, offset);
	run = run_find(offset);
	if (!run)
		return 0;
	return run->read ? run->read(igb, offset) : *igb_reg(igb, offset);
}

void igb_register_write(struct igb *igb, uint32_t offset, uint32_t value)
{
	const struct run *run;

	offset = unalias(offset);
	if (is_on_ring_page(offset)) {
		igb_store(igb, offset, value);
		return;
	}
	if (is_other_ring(offset)) {
		*igb_reg(igb, offset) = value;
		return;
	}
	run = run_find(offset);
	if (!run)
		return;
	if (run->write)
		run->write(igb, offset, value);
	else
		*igb_reg(igb, offset) =
			(*igb_reg(igb, offset) & ~run->writable) |
			(value & run->writable);
}

static void ring_pages_reset(struct igb *igb)
{
	uint32_t offset;
	uint32_t queue;

	for (offset = IGB_RX_PAGE; is_on_ring_page(offset); offset += 4)
		igb_store(igb, offset, 0);
	igb_store(igb, IGB_RXPBS, 0x40);
	igb_store(igb, IGB_TXPBS, 0x28);
	igb_store(igb, IGB_DTXTCPFLGL, 0x0f760ff6);
	igb_store(igb, IGB_DTXTCPFLGH, 0x00000f7f);
	for (queue = 0; queue < IGB_QUEUES; queue++) {
		igb_queue_store(igb, IGB_SRRCTL, queue, 0x00000400);
		igb_queue_store(igb, IGB_RXDCTL, queue, 0x00010000);
	}
	/* Queue 0 comes up enabled, for drivers of older adapters. */
	igb_store(igb, IGB_RXDCTL, 0x00010000 | IGB_DCTL_ENABLE);
	igb_store(igb, IGB_TXDCTL, IGB_DCTL_ENABLE);
}

static void address_reset(struct igb *igb)
{
	const uint8_t *mac = igb->mac;

	*igb_reg(igb, IGB_RAL) = mac[0] | (uint32_t)mac[1] << 8 |
				 (uint32_t)mac[2] << 16 |
				 (uint32_t)mac[3] << 24;
	*igb_reg(igb, IGB_RAH) = mac[4] | (uint32_t)mac[5] << 8 | IGB_RAH_AV;
}

/* Every register to its value at power-on. */
void igb_registers_reset(struct igb *igb)
{
	const struct run *run;
	uint32_t i;

	for (run = runs; run < runs + RUN_COUNT; run++) {
		for (i = 0; i < run->count; i++)
			*igb_reg(igb, run->offset + i * 4) = run->power_on;
	}
	memset(igb_reg(igb, IGB_RX_ALIAS), 0, IGB_ALIAS_SIZE);
	memset(igb_reg(igb, IGB_TX_ALIAS), 0, IGB_ALIAS_SIZE);
	igb->io_address = 0;
	ring_pages_reset(igb);
	address_reset(igb);
	igb_nvm_write_eecd(igb, 0);
}

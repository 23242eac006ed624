/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/perms.h"

#include <string.h>

#include <linux/pci_regs.h>

#include "pci/bar.h"
#include "pci/caps.h"
#include "pci/config.h"
#include "pci/hw.h"
#include "pci/irqs.h"
#include "pci/reset.h"
#include "pci/sriov.h"
#include "pci/vpd.h"

/* Consecutive bytes of a mask, little-endian. */
#define BITS16(x) (uint8_t)((x)&0xff), (uint8_t)((x) >> 8 & 0xff)
#define BITS32(x) BITS16(x), BITS16((x) >> 16)
#define ALL32     BITS32(0xffffffffu)

/* The header. */

static const uint8_t header_virt[PCI_STD_HEADER_SIZEOF] = {
	[PCI_VENDOR_ID] = ALL32, /* and device */
	[PCI_COMMAND] = BITS16(PCI_COMMAND_INTX_DISABLE),
	[PCI_STATUS] = BITS16(PCI_STATUS_CAP_LIST),
	[PCI_BASE_ADDRESS_0] = ALL32,
	[PCI_BASE_ADDRESS_1] = ALL32,
	[PCI_BASE_ADDRESS_2] = ALL32,
	[PCI_BASE_ADDRESS_3] = ALL32,
	[PCI_BASE_ADDRESS_4] = ALL32,
	[PCI_BASE_ADDRESS_5] = ALL32,
	[PCI_ROM_ADDRESS] = ALL32,
	[PCI_CAPABILITY_LIST] = 0xff,
	[PCI_INTERRUPT_LINE] = 0xff,
	[PCI_INTERRUPT_PIN] = 0xff,
};

static const uint8_t header_write[PCI_STD_HEADER_SIZEOF] = {
	[PCI_COMMAND] = BITS16(0xffff), [PCI_CACHE_LINE_SIZE] = 0xff,
	[PCI_LATENCY_TIMER] = 0xff,     [PCI_BIST] = 0xff,
	[PCI_BASE_ADDRESS_0] = ALL32,   [PCI_BASE_ADDRESS_1] = ALL32,
	[PCI_BASE_ADDRESS_2] = ALL32,   [PCI_BASE_ADDRESS_3] = ALL32,
	[PCI_BASE_ADDRESS_4] = ALL32,   [PCI_BASE_ADDRESS_5] = ALL32,
	[PCI_ROM_ADDRESS] = ALL32,      [PCI_INTERRUPT_LINE] = 0xff,
};

static bool is_bar(unsigned int pos)
{
	return (pos >= PCI_BASE_ADDRESS_0 && pos < PCI_BASE_ADDRESS_5 + 4) ||
	       (pos >= PCI_ROM_ADDRESS && pos < PCI_ROM_ADDRESS + 4);
}

/* The bit that switches the ROM on is kept. */
static void fix_rom(struct uvf_pci *pci)
{
	uint8_t *reg = pci->vconfig + PCI_ROM_ADDRESS;
	uint32_t mask = ~(uint32_t)(pci->rom.size - 1) | PCI_ROM_ADDRESS_ENABLE;

	uvf_put32(reg, pci->rom.size ? uvf_get32(reg) & mask : 0);
}

/* What the client stored becomes what a BAR register would hold. */
static void header_before_read(struct uvf_pci *pci,
			       const struct uvf_piece *piece)
{
	if (!is_bar(piece->pos) || !pci->bars_are_dirty)
		return;
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		const struct uvf_pci_bar *bar = &pci->bars[i];
		uint8_t *reg = pci->vconfig + PCI_BASE_ADDRESS_0 + 4 * i;
		uint64_t mask = ~(bar->size - 1);

		if (!bar->size) {
			uvf_put32(reg, 0);
			continue;
		}
		uvf_put32(reg, (uvf_get32(reg) & (uint32_t)mask) |
				       uvf_bar_type(bar->desc));
		if (bar->desc->flags & UVFIO_BAR_64) {
			reg += 4;
			uvf_put32(reg, uvf_get32(reg) & (uint32_t)(mask >> 32));
			i++;
		}
	}
	fix_rom(pci);
	pci->bars_are_dirty = false;
}

static void header_before_write(struct uvf_pci *pci,
				const struct uvf_piece *piece, uint32_t value)
{
	uvf_assert_held(&pci->model.lock);
	if (piece->pos == PCI_COMMAND && !(value & PCI_COMMAND_MEMORY))
		uvf_barmem_hide_locked(pci);
}

static void header_after_write(struct uvf_pci *pci,
			       const struct uvf_piece *piece, uint32_t value)
{
	const uint8_t mirrored = PCI_COMMAND_MEMORY | PCI_COMMAND_IO;
	uint8_t *command = pci->vconfig + PCI_COMMAND;
	bool is_disabled;

	uvf_assert_held(&pci->model.lock);
	if (is_bar(piece->pos))
		pci->bars_are_dirty = true;
	if (piece->pos != PCI_COMMAND && piece->pos != PCI_COMMAND + 1)
		return;
	if (piece->pos == PCI_COMMAND) {
		*command =
			(uint8_t)((*command & ~mirrored) | (value & mirrored));
		uvf_barmem_show_locked(pci);
	}
	is_disabled = uvf_get16(command) & PCI_COMMAND_INTX_DISABLE;
	if (is_disabled == pci->intx.is_disabled)
		return;
	pci->intx.is_disabled = is_disabled;
	if (is_disabled)
		uvf_intx_mask_locked(pci);
	else
		uvf_intx_unmask_locked(pci);
}

static const struct uvf_perm header_perm = {
	.access = UVF_PERM_MASKED,
	.size = sizeof(header_virt),
	.virt = header_virt,
	.write = header_write,
	.before_read = header_before_read,
	.before_write = header_before_write,
	.after_write = header_after_write,
};

/* Power management. */

#define PM_VIRT  (PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS)
#define PM_WRITE ~(uint32_t)(PM_VIRT | PCI_PM_CTRL_STATE_MASK)

static const uint8_t pm_virt[PCI_PM_SIZEOF] = {
	[PCI_CAP_LIST_NEXT] = 0xff,
	[PCI_PM_PMC] = BITS16(PCI_PM_CAP_PME_MASK),
	[PCI_PM_CTRL] = BITS32((uint32_t)PM_VIRT),
};

static const uint8_t pm_write[PCI_PM_SIZEOF] = {
	[PCI_PM_CTRL] = BITS32(PM_WRITE),
};

static void pm_after_write(struct uvf_pci *pci, const struct uvf_piece *piece,
			   uint32_t value)
{
	unsigned int state = value & PCI_PM_CTRL_STATE_MASK;

	uvf_assert_held(&pci->model.lock);
	/* VFs never rest less than their PF. */
	if (piece->offset == PCI_PM_CTRL && (!state || !uvf_sriov_count(pci)))
		uvf_reset_set_power_locked(pci, state);
}

static const struct uvf_perm pm_perm = {
	.access = UVF_PERM_MASKED,
	.size = sizeof(pm_virt),
	.virt = pm_virt,
	.write = pm_write,
	.after_write = pm_after_write,
};

/* Vital product data: both registers are the client's. */

static const uint8_t vpd_virt[PCI_CAP_VPD_SIZEOF] = {
	[PCI_CAP_LIST_NEXT] = 0xff,
	[PCI_VPD_ADDR] = BITS16(0xffff),
	[PCI_VPD_DATA] = ALL32,
};

static const uint8_t vpd_write[PCI_CAP_VPD_SIZEOF] = {
	[PCI_VPD_ADDR] = BITS16(0xffff),
	[PCI_VPD_DATA] = ALL32,
};

/*
 * The flag is in the upper byte of the address, and changes when what it asks
 * for is done; after an error it stays, and the client waits for ever.
 */
static void vpd_after_write(struct uvf_pci *pci, const struct uvf_piece *piece,
			    uint32_t value)
{
	uint8_t *cap = pci->vconfig + piece->pos - piece->offset;
	uint8_t data[4] = {0};
	uint16_t address;

	(void)value;
	uvf_assert_held(&pci->model.lock);
	if (piece->offset > PCI_VPD_ADDR + 1 ||
	    piece->offset + piece->len <= PCI_VPD_ADDR + 1)
		return;
	address = uvf_get16(cap + PCI_VPD_ADDR);
	if (address & PCI_VPD_ADDR_F) {
		if (uvf_vpd_write_locked(pci, address & PCI_VPD_ADDR_MASK,
					 cap + PCI_VPD_DATA, 4) != 4)
			return;
	} else {
		if (uvf_vpd_read_locked(pci, address, data, 4) < 0)
			return;
		memcpy(cap + PCI_VPD_DATA, data, 4);
	}
	uvf_put16(cap + PCI_VPD_ADDR, address ^ PCI_VPD_ADDR_F);
}

static const struct uvf_perm vpd_perm = {
	.access = UVF_PERM_MASKED,
	.size = sizeof(vpd_virt),
	.virt = vpd_virt,
	.write = vpd_write,
	.after_write = vpd_after_write,
};

/* PCI-X. */

static const uint8_t pcix_virt[PCI_CAP_PCIX_SIZEOF_V2] = {
	[PCI_CAP_LIST_NEXT] = 0xff,
};

static const uint8_t pcix_write[PCI_CAP_PCIX_SIZEOF_V2] = {
	[PCI_X_CMD] = BITS16(0xffff),
	[PCI_X_ECC_CSR] = ALL32,
};

static const struct uvf_perm pcix_perm = {
	.access = UVF_PERM_MASKED,
	.size = sizeof(pcix_virt),
	.virt = pcix_virt,
	.write = pcix_write,
};

/* MSI: four shapes; the mask and pending dwords are the hardware's. */

#define MSI_SIZE 24
#define MSI_VIRT32                                                             \
	[PCI_CAP_LIST_NEXT] = 0xff, [PCI_MSI_FLAGS] = 0xff,                    \
	[PCI_MSI_ADDRESS_LO] = ALL32, [PCI_MSI_DATA_32] = BITS16(0xffff)
#define MSI_VIRT64                                                             \
	[PCI_CAP_LIST_NEXT] = 0xff, [PCI_MSI_FLAGS] = 0xff,                    \
	[PCI_MSI_ADDRESS_LO] = ALL32, [PCI_MSI_ADDRESS_HI] = ALL32,            \
	[PCI_MSI_DATA_64] = BITS16(0xffff)
#define MSI_WRITE32                                                            \
	[PCI_MSI_FLAGS] = 0xff, [PCI_MSI_ADDRESS_LO] = ALL32,                  \
	[PCI_MSI_DATA_32] = BITS16(0xffff)
#define MSI_WRITE64                                                            \
	[PCI_MSI_FLAGS] = 0xff, [PCI_MSI_ADDRESS_LO] = ALL32,                  \
	[PCI_MSI_ADDRESS_HI] = ALL32, [PCI_MSI_DATA_64] = BITS16(0xffff)

static const uint8_t msi_virt[2][MSI_SIZE] = {{MSI_VIRT32}, {MSI_VIRT64}};
static const uint8_t msi_write[2][2][MSI_SIZE] = {
	{{MSI_WRITE32},
	 {MSI_WRITE32, [PCI_MSI_MASK_32] = ALL32,
	  [PCI_MSI_PENDING_32] = ALL32}},
	{{MSI_WRITE64},
	 {MSI_WRITE64, [PCI_MSI_MASK_64] = ALL32,
	  [PCI_MSI_PENDING_64] = ALL32}},
};

/*
 * The client turns MSI on by ioctl, not here: without that ENABLE stays
 * clear, and no more vectors can be asked for than were enabled.
 */
static void msi_after_write(struct uvf_pci *pci, const struct uvf_piece *piece,
			    uint32_t value)
{
	unsigned int pos = piece->pos - piece->offset + PCI_MSI_FLAGS;
	uint16_t flags;

	(void)value;
	uvf_assert_held(&pci->model.lock);
	if (piece->offset > PCI_MSI_FLAGS ||
	    piece->offset + piece->len < PCI_MSI_FLAGS)
		return;
	flags = uvf_get16(pci->vconfig + pos);
	if (pci->irq_type != UVF_PCI_IRQ_MSI)
		flags &= (uint16_t)~PCI_MSI_FLAGS_ENABLE;
	if ((unsigned int)(flags & PCI_MSI_FLAGS_QSIZE) >> 4 > pci->msi_qmax) {
		flags &= (uint16_t)~PCI_MSI_FLAGS_QSIZE;
		flags |= (uint16_t)(pci->msi_qmax << 4);
	}
	uvf_put16(pci->vconfig + pos, flags);
	uvf_hw_write_locked(pci, pos, 2, flags);
}

#define MSI_PERM(is_64bit, maskable)                                           \
	{                                                                      \
		.access = UVF_PERM_MASKED, .size = MSI_SIZE,                   \
		.virt = msi_virt[is_64bit],                                    \
		.write = msi_write[is_64bit][maskable],                        \
		.after_write = msi_after_write,                                \
	}

static const struct uvf_perm msi_perms[2][2] = {
	{MSI_PERM(0, 0), MSI_PERM(0, 1)},
	{MSI_PERM(1, 0), MSI_PERM(1, 1)},
};

/* PCI Express. */

#define EXP_SIZE 0x34
#define EXP_VIRT                                                               \
	(PCI_EXP_DEVCTL_BCR_FLR | PCI_EXP_DEVCTL_PAYLOAD |                     \
	 PCI_EXP_DEVCTL_READRQ)

static const uint8_t exp_virt[EXP_SIZE] = {
	[PCI_CAP_LIST_NEXT] = 0xff,
	[PCI_EXP_DEVCTL] = BITS16((uint32_t)EXP_VIRT),
};

static const uint8_t exp_write[EXP_SIZE] = {
	[PCI_EXP_DEVCTL] = BITS16(~(uint32_t)PCI_EXP_DEVCTL_PHANTOM),
	[PCI_EXP_DEVCTL2] = BITS16(~(uint32_t)PCI_EXP_DEVCTL2_ARI),
};

/* Both count in powers of two from 128 bytes; the host takes up to 4096. */
#define READRQ_SHIFT  12
#define READRQ_MAX    5u
#define PAYLOAD_SHIFT 5

/* Reads stay as large as the packets that the host chose, at least. */
static void set_readrq_locked(struct uvf_pci *pci, unsigned int pos)
	UVF_REQUIRES(pci->model.lock)
{
	unsigned int wanted =
		(uvf_get16(pci->vconfig + pos) & PCI_EXP_DEVCTL_READRQ) >>
		READRQ_SHIFT;
	unsigned int payload =
		(uvf_get16(pci->hw + pos) & PCI_EXP_DEVCTL_PAYLOAD) >>
		PAYLOAD_SHIFT;

	if (wanted < payload)
		wanted = payload;
	if (wanted <= READRQ_MAX)
		uvf_hw_change16_locked(pci, pos, PCI_EXP_DEVCTL_READRQ,
				       (uint16_t)(wanted << READRQ_SHIFT));
}

static void exp_before_write(struct uvf_pci *pci, const struct uvf_piece *piece,
			     uint32_t value)
{
	unsigned int pos = piece->pos - piece->offset + PCI_EXP_DEVCTL;

	(void)value;
	pci->old_readrq = uvf_get16(pci->vconfig + pos) & PCI_EXP_DEVCTL_READRQ;
}

static void exp_after_write(struct uvf_pci *pci, const struct uvf_piece *piece,
			    uint32_t value)
{
	unsigned int cap = piece->pos - piece->offset;
	unsigned int pos = cap + PCI_EXP_DEVCTL;
	uint16_t wanted = uvf_get16(pci->vconfig + pos);

	(void)value;
	uvf_assert_held(&pci->model.lock);
	if (wanted & PCI_EXP_DEVCTL_BCR_FLR) {
		uvf_put16(pci->vconfig + pos,
			  wanted & (uint16_t)~PCI_EXP_DEVCTL_BCR_FLR);
		if (uvf_get32(pci->hw + cap + PCI_EXP_DEVCAP) &
		    PCI_EXP_DEVCAP_FLR)
			(void)uvf_reset_try_locked(pci, UVFIO_RESET_FLR);
	}
	if ((wanted & PCI_EXP_DEVCTL_READRQ) != pci->old_readrq)
		set_readrq_locked(pci, pos);
}

static const struct uvf_perm exp_perm = {
	.access = UVF_PERM_MASKED,
	.size = sizeof(exp_virt),
	.virt = exp_virt,
	.write = exp_write,
	.before_write = exp_before_write,
	.after_write = exp_after_write,
};

/* Advanced Features. */

static const uint8_t af_virt[8] = {
	[PCI_CAP_LIST_NEXT] = 0xff,
	[PCI_AF_CTRL] = PCI_AF_CTRL_FLR,
};

static const uint8_t af_write[8] = {
	[PCI_AF_CTRL] = PCI_AF_CTRL_FLR,
};

static void af_after_write(struct uvf_pci *pci, const struct uvf_piece *piece,
			   uint32_t value)
{
	const uint8_t needed = PCI_AF_CAP_FLR | PCI_AF_CAP_TP;
	unsigned int cap = piece->pos - piece->offset;

	(void)value;
	uvf_assert_held(&pci->model.lock);
	if (!(pci->vconfig[cap + PCI_AF_CTRL] & PCI_AF_CTRL_FLR))
		return;
	pci->vconfig[cap + PCI_AF_CTRL] &= (uint8_t)~PCI_AF_CTRL_FLR;
	if ((pci->hw[cap + PCI_AF_CAP] & needed) == needed)
		(void)uvf_reset_try_locked(pci, UVFIO_RESET_FLR);
}

static const struct uvf_perm af_perm = {
	.access = UVF_PERM_MASKED,
	.size = sizeof(af_virt),
	.virt = af_virt,
	.write = af_write,
	.after_write = af_after_write,
};

/* Advanced error reporting and power budgeting. */

#define AER_UNCOR 0x03fff031u
#define AER_COR   0x0000f1c1u
#define AER_ECRC  (PCI_ERR_CAP_ECRC_GENE | PCI_ERR_CAP_ECRC_CHKE)

static const uint8_t ecap_virt[PCI_ERR_ROOT_COMMAND] = {
	[0] = ALL32,
};

static const uint8_t aer_write[PCI_ERR_ROOT_COMMAND] = {
	[PCI_ERR_UNCOR_STATUS] = BITS32(AER_UNCOR),
	[PCI_ERR_UNCOR_MASK] = BITS32(AER_UNCOR),
	[PCI_ERR_UNCOR_SEVER] = BITS32(AER_UNCOR),
	[PCI_ERR_COR_STATUS] = BITS32(AER_COR),
	[PCI_ERR_COR_MASK] = BITS32(AER_COR),
	[PCI_ERR_CAP] = BITS32((uint32_t)AER_ECRC),
};

static const struct uvf_perm aer_perm = {
	.access = UVF_PERM_MASKED,
	.size = sizeof(aer_write),
	.virt = ecap_virt,
	.write = aer_write,
};

/*
 * The selector is at +4, but what Linux lets through is the byte at +8, in
 * the data register.
 */
static const uint8_t power_write[PCI_EXT_CAP_PWR_SIZEOF] = {
	[PCI_PWR_DATA] = 0xff,
};

static const struct uvf_perm power_perm = {
	.access = UVF_PERM_MASKED,
	.size = sizeof(power_write),
	.virt = ecap_virt,
	.write = power_write,
};

static const struct uvf_perm read_only_perm = {.access = UVF_PERM_READ_ONLY};
static const struct uvf_perm raw_write_perm = {.access = UVF_PERM_RAW_WRITE};
static const struct uvf_perm raw_perm = {.access = UVF_PERM_RAW};

static const struct uvf_perm *find_ecap(uint8_t id)
{
	switch (id) {
	case PCI_EXT_CAP_ID_ERR:
		return &aer_perm;
	case PCI_EXT_CAP_ID_PWR:
		return &power_perm;
	case PCI_EXT_CAP_ID_VNDR:
	case PCI_EXT_CAP_ID_DVSEC:
		return &raw_write_perm;
	default:
		return &read_only_perm;
	}
}

const struct uvf_perm *uvf_perm_find_locked(struct uvf_pci *pci,
					    unsigned int pos)
{
	const struct uvfio_msi *msi = &pci->desc->msi;
	uint8_t id;

	uvf_assert_held(&pci->model.lock);
	id = pci->map[pos];
	if (id == UVF_CAP_NONE)
		return &raw_perm;
	if (pos >= PCI_CFG_SPACE_SIZE)
		return find_ecap(id);
	switch (id) {
	case 0:
		return &header_perm;
	case PCI_CAP_ID_PM:
		return &pm_perm;
	case PCI_CAP_ID_VPD:
		return &vpd_perm;
	case PCI_CAP_ID_MSI:
		return &msi_perms[msi->is_64bit][msi->maskable];
	case PCI_CAP_ID_VNDR:
		return &raw_write_perm;
	case PCI_CAP_ID_PCIX:
		return &pcix_perm;
	case PCI_CAP_ID_EXP:
		return &exp_perm;
	case PCI_CAP_ID_AF:
		return &af_perm;
	default:
		return &read_only_perm;
	}
}

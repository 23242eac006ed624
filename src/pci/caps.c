/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/caps.h"

#include <string.h>

#include <linux/pci_regs.h>

#include "base/profile.h"
#include "bus/machine.h"
#include "pci/bridge.h"

#define CAPS_MAX 48 /* links that fit into 256 bytes, at least 4 bytes each */

/* PM: version 3, no D1, no D2, no PME. */
#define PM_PMC 0x0003

/* PCI Express version 2; a root-complex integrated endpoint on bus 0. */
#define EXPRESS_VERSION    2
#define EXPRESS_DEVCTL     0x2810 /* relaxed order, no snoop, 512-byte reads */
#define EXPRESS_DEVCTL_RW  0x79ff
#define EXPRESS_DEVCTL2_RW PCI_EXP_DEVCTL2_COMP_TMOUT_DIS
#define EXPRESS_DEVSTA_W1C 0x000f /* errors */

/* Bytes of each capability a client may see; VARIABLE: see cap_size(). */
#define VARIABLE 0xff
static const uint8_t cap_sizes[] = {
	[PCI_CAP_ID_PM] = PCI_PM_SIZEOF,
	[PCI_CAP_ID_AGP] = PCI_AGP_SIZEOF,
	[PCI_CAP_ID_VPD] = PCI_CAP_VPD_SIZEOF,
	[PCI_CAP_ID_MSI] = VARIABLE,
	[PCI_CAP_ID_PCIX] = VARIABLE,
	[PCI_CAP_ID_HT] = VARIABLE,
	[PCI_CAP_ID_VNDR] = VARIABLE,
	[PCI_CAP_ID_EXP] = VARIABLE,
	[PCI_CAP_ID_MSIX] = PCI_CAP_MSIX_SIZEOF,
	[PCI_CAP_ID_SATA] = VARIABLE,
	[PCI_CAP_ID_AF] = PCI_CAP_AF_SIZEOF,
};

unsigned int uvf_cap_msi_size(const struct uvfio_msi *msi)
{
	return 10u + (msi->is_64bit ? 4u : 0u) + (msi->maskable ? 10u : 0u);
}

/* A capability is read-only but for what its builder says. */
static uint8_t *claim(struct uvf_pci *pci, unsigned int pos, unsigned int size,
		      uint8_t id)
{
	memset(pci->hw_wmask + pos, 0, size);
	pci->hw[pos] = id;
	return pci->hw + pos;
}

static void init_pm(struct uvf_pci *pci, uint8_t pos)
{
	pci->pm_offset = pos;
	uvf_put16(pci->hw_wmask + pos + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
}

static void build_pm(struct uvf_pci *pci)
{
	uint8_t pos = pci->desc->pm_offset;
	uint8_t *cap = claim(pci, pos, UVF_CAP_PM_SIZE, PCI_CAP_ID_PM);

	uvf_put16(cap + PCI_PM_PMC, PM_PMC);
	if (!(pci->desc->features & UVFIO_PCI_PM_RESET))
		uvf_put16(cap + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	init_pm(pci, pos);
}

static void build_msi(struct uvf_pci *pci)
{
	const struct uvfio_msi *msi = &pci->desc->msi;
	uint8_t *cap =
		claim(pci, msi->offset, uvf_cap_msi_size(msi), PCI_CAP_ID_MSI);
	uint8_t *wmask = pci->hw_wmask + msi->offset;
	uint16_t flags = (uint16_t)(msi->log2_vectors << 1);

	if (msi->is_64bit)
		flags |= PCI_MSI_FLAGS_64BIT;
	if (msi->maskable)
		flags |= PCI_MSI_FLAGS_MASKBIT;
	uvf_put16(cap + PCI_MSI_FLAGS, flags);

	uvf_put16(wmask + PCI_MSI_FLAGS,
		  PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	uvf_put32(wmask + PCI_MSI_ADDRESS_LO, 0xfffffffc);
	if (msi->is_64bit)
		uvf_put32(wmask + PCI_MSI_ADDRESS_HI, 0xffffffff);
	uvf_put16(wmask + (msi->is_64bit ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32),
		  0xffff);
	if (msi->maskable)
		uvf_put32(
			wmask + (msi->is_64bit ? PCI_MSI_MASK_64
					       : PCI_MSI_MASK_32),
			(uint32_t)((UINT64_C(1) << (1u << msi->log2_vectors)) -
				   1));
}

static void build_msix(struct uvf_pci *pci)
{
	const struct uvfio_msix *msix = &pci->desc->msix;
	uint8_t *cap =
		claim(pci, msix->offset, UVF_CAP_MSIX_SIZE, PCI_CAP_ID_MSIX);

	uvf_put16(cap + PCI_MSIX_FLAGS, (uint16_t)(msix->vectors - 1));
	uvf_put32(cap + PCI_MSIX_TABLE, msix->table_offset | msix->table_bar);
	uvf_put32(cap + PCI_MSIX_PBA, msix->pba_offset | msix->pba_bar);
	uvf_put16(pci->hw_wmask + msix->offset + PCI_MSIX_FLAGS,
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
}

/* Behind a root port there are switches: a port up, and ports down. */
static uint16_t port_type(const struct uvf_pci *pci)
{
	const struct uvf_pci *above = uvf_bridge_of(pci);

	if (!above)
		return PCI_EXP_TYPE_ROOT_PORT;
	if (uvf_bridge_is_conventional(above))
		return PCI_EXP_TYPE_PCIE_BRIDGE;
	return port_type(above) == PCI_EXP_TYPE_UPSTREAM
		       ? PCI_EXP_TYPE_DOWNSTREAM
		       : PCI_EXP_TYPE_UPSTREAM;
}

static uint16_t express_type(const struct uvf_pci *pci)
{
	if (uvf_pci_is_bridge(pci))
		return port_type(pci);
	/* A VF is where its PF is, on whatever bus its number lies. */
	if (pci->physfn)
		return express_type(pci->physfn);
	return pci->address.bus ? PCI_EXP_TYPE_ENDPOINT : PCI_EXP_TYPE_RC_END;
}

/* What drivers may write, as far as the structure goes. */
static void init_express(struct uvf_pci *pci, uint8_t pos, unsigned int size)
{
	uint8_t *wmask = pci->hw_wmask + pos;

	pci->express_offset = pos;
	pci->express_size = (uint8_t)size;
	uvf_put16(wmask + PCI_EXP_DEVCTL, EXPRESS_DEVCTL_RW);
	if (size >= PCI_EXP_DEVCTL2 + 2u)
		uvf_put16(wmask + PCI_EXP_DEVCTL2, EXPRESS_DEVCTL2_RW);
}

static void init_express_status(struct uvf_pci *pci)
{
	uvf_put16(pci->hw_w1c + pci->express_offset + PCI_EXP_DEVSTA,
		  EXPRESS_DEVSTA_W1C);
}

static void build_express(struct uvf_pci *pci)
{
	uint8_t pos = pci->desc->express_offset;
	uint8_t *cap = claim(pci, pos, UVF_CAP_EXPRESS_SIZE, PCI_CAP_ID_EXP);
	uint16_t type = express_type(pci);
	uint32_t devcap = PCI_EXP_DEVCAP_RBER;

	if (pci->desc->features & UVFIO_PCI_FLR)
		devcap |= PCI_EXP_DEVCAP_FLR;
	uvf_put16(cap + PCI_EXP_FLAGS, (uint16_t)(type << 4 | EXPRESS_VERSION));
	uvf_put32(cap + PCI_EXP_DEVCAP, devcap);
	uvf_put16(cap + PCI_EXP_DEVCTL, EXPRESS_DEVCTL);
	uvf_put32(cap + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_COMP_TMOUT_DIS);
	init_express(pci, pos, UVF_CAP_EXPRESS_SIZE);
	init_express_status(pci);
	if (type == PCI_EXP_TYPE_ENDPOINT) {
		/* One lane at 2.5 GT/s, trained. */
		uvf_put32(cap + PCI_EXP_LNKCAP, 0x11);
		uvf_put16(cap + PCI_EXP_LNKSTA, 0x11);
		uvf_put16(pci->hw_wmask + pos + PCI_EXP_LNKCTL,
			  PCI_EXP_LNKCTL_CCC);
	}
}

/* Kinds that do something. */
static void init_kind(struct uvf_pci *pci, const struct uvfio_cap *cap)
{
	uint8_t pos = (uint8_t)cap->offset;

	switch (cap->id) {
	case PCI_CAP_ID_PM:
		init_pm(pci, pos);
		break;
	case PCI_CAP_ID_EXP:
		init_express(pci, pos, cap->size);
		init_express_status(pci);
		break;
	case PCI_CAP_ID_VPD:
		pci->vpd_offset = pos;
		memset(pci->hw_wmask + pos + PCI_VPD_ADDR, 0xff,
		       PCI_CAP_VPD_SIZEOF - PCI_VPD_ADDR);
		break;
	case PCI_CAP_ID_AF:
		pci->af_offset = pos;
		break;
	default:
		break;
	}
}

static void build_raw(struct uvf_pci *pci, const struct uvfio_cap *cap)
{
	uint8_t *hw = claim(pci, cap->offset, cap->size, (uint8_t)cap->id);
	size_t size = cap->size > 2u ? cap->size - 2u : 0;

	init_kind(pci, cap);
	if (cap->init)
		memcpy(hw + 2, cap->init + 2, size);
	if (cap->wmask)
		memcpy(pci->hw_wmask + cap->offset + 2, cap->wmask + 2, size);
	if (cap->w1c)
		memcpy(pci->hw_w1c + cap->offset + 2, cap->w1c + 2, size);
}

/* Chain the capabilities as the image does, or by their offsets. */
static void link_caps(struct uvf_pci *pci, const bool *starts)
{
	const uint8_t *image = pci->desc->image;
	uint8_t *link = pci->hw + PCI_CAPABILITY_LIST;

	*link = 0;
	pci->hw[PCI_STATUS] &= (uint8_t)~PCI_STATUS_CAP_LIST;
	for (unsigned int i = 0; i < 64; i++) {
		if (!starts[i])
			continue;
		pci->hw[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
		if (image) {
			*link = image[PCI_CAPABILITY_LIST];
			pci->hw[4 * i + PCI_CAP_LIST_NEXT] =
				image[4 * i + PCI_CAP_LIST_NEXT];
			continue;
		}
		*link = (uint8_t)(4 * i);
		link = pci->hw + 4 * i + PCI_CAP_LIST_NEXT;
	}
}

void uvf_caps_build(struct uvf_pci *pci)
{
	const struct uvfio_pci_model *desc = pci->desc;
	bool starts[64] = {false};

	if (desc->pm_offset) {
		starts[desc->pm_offset / 4] = true;
		build_pm(pci);
	}
	if (desc->msi.offset) {
		starts[desc->msi.offset / 4] = true;
		build_msi(pci);
	}
	if (desc->msix.offset) {
		starts[desc->msix.offset / 4] = true;
		build_msix(pci);
	}
	if (desc->express_offset) {
		starts[desc->express_offset / 4] = true;
		build_express(pci);
	}
	for (size_t i = 0; i < desc->cap_count; i++) {
		if (desc->caps[i].offset >= PCI_CFG_SPACE_SIZE)
			continue;
		starts[desc->caps[i].offset / 4] = true;
		build_raw(pci, &desc->caps[i]);
	}
	link_caps(pci, starts);
}

static unsigned int express_size(const struct uvf_pci *pci, unsigned int pos)
{
	uint16_t flags = uvf_get16(pci->hw + pos + PCI_EXP_FLAGS);
	bool is_integrated =
		(flags & PCI_EXP_FLAGS_TYPE) >> 4 == PCI_EXP_TYPE_RC_END;

	if ((flags & PCI_EXP_FLAGS_VERS) == 1)
		return is_integrated ? PCI_CAP_EXP_RC_ENDPOINT_SIZEOF_V1
				     : PCI_CAP_EXP_ENDPOINT_SIZEOF_V1;
	return is_integrated ? PCI_CAP_EXP_RC_ENDPOINT_SIZEOF_V2
			     : pci->profile->express_v2_size;
}

/* Bytes of a capability that the client may see, 0 when it may not. */
static unsigned int cap_size(const struct uvf_pci *pci, uint8_t id,
			     unsigned int pos)
{
	const uint8_t *cap = pci->hw + pos;

	if (id >= sizeof(cap_sizes) || cap_sizes[id] != VARIABLE)
		return id < sizeof(cap_sizes) ? cap_sizes[id] : 0;
	switch (id) {
	case PCI_CAP_ID_MSI:
		return uvf_cap_msi_size(&pci->desc->msi);
	case PCI_CAP_ID_PCIX:
		return PCI_X_CMD_VERSION(uvf_get16(cap + PCI_X_CMD))
			       ? PCI_CAP_PCIX_SIZEOF_V2
			       : PCI_CAP_PCIX_SIZEOF_V0;
	case PCI_CAP_ID_HT:
		return cap[3] & HT_3BIT_CAP_MASK ? HT_CAP_SIZEOF_SHORT
						 : HT_CAP_SIZEOF_LONG;
	case PCI_CAP_ID_VNDR:
		return cap[PCI_CAP_FLAGS];
	case PCI_CAP_ID_EXP:
		return express_size(pci, pos);
	default: /* SATA */
		return (cap[PCI_SATA_REGS] & PCI_SATA_REGS_MASK) ==
				       PCI_SATA_REGS_INLINE
			       ? PCI_SATA_SIZEOF_LONG
			       : PCI_SATA_SIZEOF_SHORT;
	}
}

void uvf_caps_claim_locked(struct uvf_pci *pci, unsigned int pos,
			   unsigned int len, uint8_t id)
{
	uvf_assert_held(&pci->model.lock);
	if (len > pci->config_size - pos)
		len = pci->config_size - pos;
	memset(pci->map + pos, id, len);
	memcpy(pci->vconfig + pos, pci->hw + pos, len);
}

bool uvf_caps_show_locked(struct uvf_pci *pci)
{
	uint8_t *link = pci->vconfig + PCI_CAPABILITY_LIST;
	unsigned int pos = pci->hw[PCI_CAPABILITY_LIST];
	bool is_any_visible = false, has_extended = false;

	uvf_assert_held(&pci->model.lock);
	for (int i = 0; pos && i < CAPS_MAX; i++) {
		uint8_t id = pci->hw[pos + PCI_CAP_LIST_ID];
		uint8_t next = pci->hw[pos + PCI_CAP_LIST_NEXT];
		unsigned int len = cap_size(pci, id, pos);

		if (!len) {
			*link = next;
			pos = next;
			continue;
		}
		uvf_caps_claim_locked(pci, pos, len, id);
		if (id == PCI_CAP_ID_PM) {
			pci->vconfig[pos + PCI_PM_PMC + 1] &=
				(uint8_t) ~(PCI_PM_CAP_PME_MASK >> 8);
			pci->vconfig[pos + PCI_PM_CTRL + 1] &=
				(uint8_t) ~((PCI_PM_CTRL_PME_ENABLE |
					     PCI_PM_CTRL_PME_STATUS) >>
					    8);
		}
		has_extended |=
			id == PCI_CAP_ID_EXP || (id == PCI_CAP_ID_PCIX &&
						 len == PCI_CAP_PCIX_SIZEOF_V2);
		link = pci->vconfig + pos + PCI_CAP_LIST_NEXT;
		pos = next;
		is_any_visible = true;
	}
	if (!is_any_visible)
		pci->vconfig[PCI_STATUS] &= (uint8_t)~PCI_STATUS_CAP_LIST;
	return has_extended;
}

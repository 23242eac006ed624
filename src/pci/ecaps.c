/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <linux/pci_regs.h>

#include "pci/caps.h"
#include "pci/sriov.h"

#define ECAPS_FIRST PCI_CFG_SPACE_SIZE
#define ECAPS_MAX   ((PCI_CFG_SPACE_EXP_SIZE - PCI_CFG_SPACE_SIZE) / 4)
#define NEXT_MASK   (0xffcu << 20)

/* Bytes of each capability a client may see; VARIABLE: see ecap_size(). */
#define VARIABLE 0xff
static const uint8_t ecap_sizes[] = {
	[PCI_EXT_CAP_ID_ERR] = PCI_ERR_ROOT_COMMAND,
	[PCI_EXT_CAP_ID_VC] = VARIABLE,
	[PCI_EXT_CAP_ID_DSN] = PCI_EXT_CAP_DSN_SIZEOF,
	[PCI_EXT_CAP_ID_PWR] = PCI_EXT_CAP_PWR_SIZEOF,
	[PCI_EXT_CAP_ID_MFVC] = VARIABLE,
	[PCI_EXT_CAP_ID_VC9] = VARIABLE,
	[PCI_EXT_CAP_ID_VNDR] = VARIABLE,
	[PCI_EXT_CAP_ID_ACS] = VARIABLE,
	[PCI_EXT_CAP_ID_ARI] = PCI_EXT_CAP_ARI_SIZEOF,
	[PCI_EXT_CAP_ID_ATS] = PCI_EXT_CAP_ATS_SIZEOF,
	[PCI_EXT_CAP_ID_SRIOV] = PCI_EXT_CAP_SRIOV_SIZEOF,
	[PCI_EXT_CAP_ID_MCAST] = PCI_EXT_CAP_MCAST_ENDPOINT_SIZEOF,
	[PCI_EXT_CAP_ID_PRI] = PCI_EXT_CAP_PRI_SIZEOF,
	[PCI_EXT_CAP_ID_REBAR] = VARIABLE,
	[PCI_EXT_CAP_ID_DPA] = VARIABLE,
	[PCI_EXT_CAP_ID_TPH] = VARIABLE,
	[PCI_EXT_CAP_ID_LTR] = PCI_EXT_CAP_LTR_SIZEOF,
	[PCI_EXT_CAP_ID_DVSEC] = VARIABLE,
};

/* Error status bits are cleared by writing 1. */
static void init_aer(struct uvf_pci *pci, unsigned int pos)
{
	static const unsigned int status[] = {PCI_ERR_UNCOR_STATUS,
					      PCI_ERR_COR_STATUS};

	pci->aer_offset = (uint16_t)pos;
	for (size_t i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
		memcpy(pci->hw_w1c + pos + status[i],
		       pci->hw_wmask + pos + status[i], 4);
		memset(pci->hw_wmask + pos + status[i], 0, 4);
	}
}

static void build_raw(struct uvf_pci *pci, const struct uvfio_cap *cap)
{
	unsigned int pos = cap->offset;
	size_t size = cap->size - 4u;

	memset(pci->hw_wmask + pos, 0, cap->size);
	uvf_put16(pci->hw + pos, cap->id);
	uvf_put16(pci->hw + pos + 2, cap->version & 0xf);
	if (cap->init)
		memcpy(pci->hw + pos + 4, cap->init + 4, size);
	if (cap->wmask)
		memcpy(pci->hw_wmask + pos + 4, cap->wmask + 4, size);
	if (cap->id == PCI_EXT_CAP_ID_ERR)
		init_aer(pci, pos);
	if (cap->w1c)
		memcpy(pci->hw_w1c + pos + 4, cap->w1c + 4, size);
}

/* Where the capability begins that follows @pos most closely; 0: none. */
static unsigned int cap_after(const struct uvfio_pci_model *desc,
			      unsigned int pos)
{
	unsigned int found = 0;

	for (size_t i = 0; i < desc->cap_count; i++) {
		unsigned int offset = desc->caps[i].offset;

		if (offset > pos && (!found || offset < found))
			found = offset;
	}
	if (desc->sriov.offset > pos && (!found || desc->sriov.offset < found))
		found = desc->sriov.offset;
	return found;
}

void uvf_ecaps_build(struct uvf_pci *pci)
{
	const struct uvfio_pci_model *desc = pci->desc;
	unsigned int pos = cap_after(desc, ECAPS_FIRST - 1), next;

	/* An empty list is a header that nobody can write. */
	if (!pos && pci->express_offset && pci->config_size > ECAPS_FIRST)
		memset(pci->hw_wmask + ECAPS_FIRST, 0, 4);
	for (size_t i = 0; i < desc->cap_count; i++)
		if (desc->caps[i].offset >= ECAPS_FIRST)
			build_raw(pci, &desc->caps[i]);
	if (desc->sriov.offset)
		uvf_sriov_build(pci);
	for (; pos; pos = next) {
		next = cap_after(desc, pos);
		uvf_put16(pci->hw + pos + 2,
			  (uint16_t)((pci->hw[pos + 2] & 0xf) |
				     (desc->image ? uvf_get16(desc->image +
							      pos + 2) &
							    0xffc0
						  : next << 4)));
	}
}

static unsigned int vc_size(const uint8_t *cap)
{
	uint32_t cap2 = uvf_get32(cap + PCI_VC_PORT_CAP2);
	unsigned int extended =
		uvf_get32(cap + PCI_VC_PORT_CAP1) & PCI_VC_CAP1_EVCC;
	unsigned int len = PCI_CAP_VC_BASE_SIZEOF +
			   (1 + extended) * PCI_CAP_VC_PER_VC_SIZEOF;
	unsigned int phases = 0;

	if (cap2 & PCI_VC_CAP2_128_PHASE)
		phases = 128;
	else if (cap2 & PCI_VC_CAP2_64_PHASE)
		phases = 64;
	else if (cap2 & PCI_VC_CAP2_32_PHASE)
		phases = 32;
	if (!phases)
		return len;
	return ((len + 15) & ~15u) + phases / 2;
}

static unsigned int acs_size(const uint8_t *cap)
{
	unsigned int bits = cap[PCI_ACS_EGRESS_BITS];

	if (!(cap[PCI_ACS_CAP] & PCI_ACS_EC))
		return 8;
	bits = bits ? (bits + 31) & ~31u : 256;
	return 8 + bits / 8;
}

static unsigned int tph_size(const uint8_t *cap)
{
	uint32_t word = uvf_get32(cap + PCI_TPH_CAP);
	unsigned int entries =
		(word & PCI_TPH_CAP_ST_MASK) >> PCI_TPH_CAP_ST_SHIFT;

	if ((word & PCI_TPH_CAP_LOC_MASK) != PCI_TPH_LOC_CAP)
		return PCI_TPH_BASE_SIZEOF;
	return PCI_TPH_BASE_SIZEOF + 2 * entries + 2;
}

/* Bytes of a capability that the client may see, 0 when it may not. */
static unsigned int ecap_size(const struct uvf_pci *pci, uint16_t id,
			      unsigned int pos)
{
	const uint8_t *cap = pci->hw + pos;

	if (id >= sizeof(ecap_sizes) || ecap_sizes[id] != VARIABLE)
		return id < sizeof(ecap_sizes) ? ecap_sizes[id] : 0;
	switch (id) {
	case PCI_EXT_CAP_ID_VC:
	case PCI_EXT_CAP_ID_VC9:
	case PCI_EXT_CAP_ID_MFVC:
		return vc_size(cap);
	case PCI_EXT_CAP_ID_ACS:
		return acs_size(cap);
	case PCI_EXT_CAP_ID_REBAR:
		return 4 +
		       8 * ((cap[PCI_REBAR_CTRL] & PCI_REBAR_CTRL_NBAR_MASK) >>
			    PCI_REBAR_CTRL_NBAR_SHIFT);
	case PCI_EXT_CAP_ID_DPA:
		return PCI_DPA_BASE_SIZEOF +
		       (cap[PCI_DPA_CAP] & PCI_DPA_CAP_SUBSTATE_MASK) + 1u;
	case PCI_EXT_CAP_ID_TPH:
		return tph_size(cap);
	case PCI_EXT_CAP_ID_VNDR:
		return uvf_get32(cap + PCI_VNDR_HEADER) >> 20;
	default: /* DVSEC */
		return uvf_get32(cap + PCI_DVSEC_HEADER1) >> 20;
	}
}

/* Room that every fixed field above can be read from. */
static bool has_room(const struct uvf_pci *pci, unsigned int pos)
{
	return pos >= ECAPS_FIRST && pos + 16 <= pci->config_size;
}

void uvf_ecaps_show_locked(struct uvf_pci *pci)
{
	uint8_t *prev = NULL;
	unsigned int pos = ECAPS_FIRST;
	bool is_any_visible = false;

	uvf_assert_held(&pci->model.lock);
	if (pci->config_size <= ECAPS_FIRST ||
	    !uvf_get32(pci->hw + ECAPS_FIRST))
		return;
	for (int i = 0; i < (int)ECAPS_MAX && has_room(pci, pos); i++) {
		uint32_t header = uvf_get32(pci->hw + pos);
		uint16_t id = PCI_EXT_CAP_ID(header);
		unsigned int len = ecap_size(pci, id, pos);
		unsigned int next = PCI_EXT_CAP_NEXT(header);

		if (!len && prev) {
			uvf_put32(prev,
				  (uvf_get32(prev) & ~NEXT_MASK) | next << 20);
			pos = next;
			continue;
		}
		/* A hidden one at the head stays as an anchor of 4 bytes. */
		uvf_caps_claim_locked(pci, pos, len ? len : 4, (uint8_t)id);
		prev = pci->vconfig + pos;
		if (len)
			is_any_visible = true;
		else
			uvf_put32(prev, uvf_get32(prev) & NEXT_MASK);
		pos = next;
	}
	if (!is_any_visible)
		uvf_put32(pci->vconfig + ECAPS_FIRST, 0);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/hw.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/alloc.h"
#include "pci/bar.h"
#include "pci/bridge.h"
#include "pci/caps.h"
#include "pci/descriptor.h"
#include "pci/irqs.h"
#include "pci/vpd.h"

/* What an emulated endpoint keeps of a write, and what PC firmware leaves. */
#define COMMAND_WMASK                                                          \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |            \
	 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)
#define COMMAND_FIRMWARE                                                       \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_SERR)
#define FIRMWARE_IRQ_LINE 11

#define STATUS_W1C           0xf900 /* errors */
#define HEADER_MULTIFUNCTION 0x80

static void build_bars(struct uvf_pci *pci)
{
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		const struct uvf_pci_bar *bar = &pci->bars[i];
		uint8_t *reg = pci->hw + PCI_BASE_ADDRESS_0 + 4 * i;

		if (!bar->size)
			continue;
		uvf_put32(reg,
			  (uint32_t)bar->address | uvf_bar_type(bar->desc));
		if (bar->desc->flags & UVFIO_BAR_64)
			uvf_put32(reg + 4, (uint32_t)(bar->address >> 32));
	}
}

/*
 * A VF is found by its PF alone: no ids, no decoders, BARs in the capability
 * of the PF.
 */
static void build_vf_header(struct uvf_pci *pci)
{
	uvf_put32(pci->hw + PCI_VENDOR_ID, 0xffffffff);
	uvf_put16(pci->hw + PCI_COMMAND, 0);
	uvf_put16(pci->hw_wmask + PCI_COMMAND, PCI_COMMAND_MASTER);
	uvf_put16(pci->hw_w1c + PCI_STATUS, STATUS_W1C);
}

static void build_header(struct uvf_pci *pci)
{
	const struct uvfio_pci_model *desc = pci->desc;
	uint8_t *hw = pci->hw;

	memset(hw + PCI_BASE_ADDRESS_0, 0, 4 * UVFIO_PCI_BARS);
	uvf_put16(hw + PCI_VENDOR_ID, desc->vendor);
	uvf_put16(hw + PCI_DEVICE_ID, desc->device);
	uvf_put16(hw + PCI_COMMAND, COMMAND_FIRMWARE);
	/* Of the image only what no error sets. */
	uvf_put16(hw + PCI_STATUS, uvf_get16(hw + PCI_STATUS) &
					   (uint16_t)~STATUS_W1C &
					   (uint16_t)~PCI_STATUS_INTERRUPT);
	hw[PCI_REVISION_ID] = desc->revision;
	hw[PCI_CLASS_PROG] = (uint8_t)desc->class_code;
	uvf_put16(hw + PCI_CLASS_DEVICE, (uint16_t)(desc->class_code >> 8));
	uvf_put16(hw + PCI_SUBSYSTEM_VENDOR_ID, desc->subvendor);
	uvf_put16(hw + PCI_SUBSYSTEM_ID, desc->subdevice);
	hw[PCI_HEADER_TYPE] &= HEADER_MULTIFUNCTION;
	/* It succeeds at once: neither start nor result are ever seen. */
	hw[PCI_BIST] = 0;
	if (desc->features & UVFIO_PCI_BIST)
		hw[PCI_BIST] = PCI_BIST_CAPABLE;
	if (uvf_pci_is_bridge(pci)) {
		memset(hw + PCI_SUBSYSTEM_VENDOR_ID, 0, 4);
		uvf_bridge_build_header(pci);
	}
	hw[PCI_INTERRUPT_PIN] = desc->intx_pin;
	hw[PCI_INTERRUPT_LINE] = desc->intx_pin ? FIRMWARE_IRQ_LINE : 0;
	if (pci->physfn) {
		build_vf_header(pci);
		return;
	}
	build_bars(pci);
	if (!uvf_pci_is_bridge(pci))
		uvf_put32(hw + PCI_ROM_ADDRESS, (uint32_t)pci->rom.address);

	uvf_put16(pci->hw_wmask + PCI_COMMAND, COMMAND_WMASK);
	uvf_put16(pci->hw_w1c + PCI_STATUS, STATUS_W1C);
	pci->hw_wmask[PCI_CACHE_LINE_SIZE] = 0xff;
	pci->hw_wmask[PCI_INTERRUPT_LINE] = 0xff;
}

int uvf_hw_init(struct uvf_pci *pci)
{
	const struct uvfio_pci_model *desc = pci->desc;

	pci->config_size = uvf_descriptor_config_size(desc);
	pci->hw = uvf_zalloc(pci->config_size);
	pci->hw_wmask = uvf_zalloc(pci->config_size);
	pci->hw_w1c = uvf_zalloc(pci->config_size);
	if (!pci->hw || !pci->hw_wmask || !pci->hw_w1c) {
		uvf_hw_fini(pci);
		return -ENOMEM;
	}
	if (desc->image)
		memcpy(pci->hw, desc->image, pci->config_size);
	build_header(pci);
	/* What no capability claims is storage. */
	memset(pci->hw_wmask + PCI_STD_HEADER_SIZEOF, 0xff,
	       pci->config_size - PCI_STD_HEADER_SIZEOF);
	uvf_caps_build(pci);
	uvf_ecaps_build(pci);
	return 0;
}

void uvf_hw_fini(struct uvf_pci *pci)
{
	uvf_free(pci->hw);
	uvf_free(pci->hw_wmask);
	uvf_free(pci->hw_w1c);
	pci->hw = NULL;
	pci->hw_wmask = NULL;
	pci->hw_w1c = NULL;
}

uint32_t uvf_hw_read_locked(struct uvf_pci *pci, unsigned int pos,
			    unsigned int len)
{
	uint32_t value = 0;

	uvf_assert_held(&pci->model.lock);
	for (unsigned int i = 0; i < len; i++)
		value |= (uint32_t)pci->hw[pos + i] << 8 * i;
	return value;
}

static bool overlaps(unsigned int pos, unsigned int len, unsigned int first,
		     unsigned int size)
{
	return pos < first + size && first < pos + len;
}

void uvf_hw_write_locked(struct uvf_pci *pci, unsigned int pos,
			 unsigned int len, uint32_t value)
{
	const struct uvfio_pci_model *desc = pci->desc;

	uvf_assert_held(&pci->model.lock);
	for (unsigned int i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i);
		uint8_t wmask = pci->hw_wmask[pos + i];
		uint8_t *reg = &pci->hw[pos + i];

		*reg &= (uint8_t) ~(byte & pci->hw_w1c[pos + i]);
		*reg = (uint8_t)((*reg & ~wmask) | (byte & wmask));
	}
	if (pci->vpd.size &&
	    overlaps(pos, len, pci->vpd_offset + PCI_VPD_ADDR + 1u, 1))
		uvf_vpd_register_locked(pci);
	if (overlaps(pos, len, PCI_COMMAND, 2))
		uvf_hw_update_bus_master_locked(pci);
	if (desc->msi.offset && overlaps(pos, len, desc->msi.offset,
					 uvf_cap_msi_size(&desc->msi))) {
		uvf_msi_flush_locked(pci);
		uvf_irqs_notify_locked(pci);
	}
	if (pci->msix.count &&
	    overlaps(pos, len, desc->msix.offset, UVF_CAP_MSIX_SIZE)) {
		uvf_msix_flush_locked(pci);
		uvf_irqs_notify_locked(pci);
	}
}

void uvf_hw_change16_locked(struct uvf_pci *pci, unsigned int pos,
			    uint16_t clear, uint16_t set)
{
	uint16_t value;

	uvf_assert_held(&pci->model.lock);
	value = (uint16_t)((uvf_get16(pci->hw + pos) & ~clear) | set);
	uvf_hw_write_locked(pci, pos, 2, value);
}

uint16_t uvf_hw_decode_bits(const struct uvf_pci *pci)
{
	uint16_t bits = 0;

	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++)
		if (pci->bars[i].size)
			bits |= pci->bars[i].desc->flags & UVFIO_BAR_IO
					? PCI_COMMAND_IO
					: PCI_COMMAND_MEMORY;
	return bits;
}

void uvf_hw_block_intx_locked(struct uvf_pci *pci, bool block)
{
	uvf_assert_held(&pci->model.lock);
	uvf_hw_change16_locked(pci, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE,
			       block ? PCI_COMMAND_INTX_DISABLE : 0);
}

void uvf_hw_update_bus_master_locked(struct uvf_pci *pci)
{
	bool on;

	uvf_assert_held(&pci->model.lock);
	on = uvf_get16(pci->hw + PCI_COMMAND) & PCI_COMMAND_MASTER &&
	     pci->power < 3;
	uvf_model_set_bus_master_locked(&pci->model, on);
	if (on) {
		uvf_msi_flush_locked(pci);
		uvf_msix_flush_locked(pci);
	}
}

void uvf_hw_reset_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	for (size_t i = 0; i < pci->desc->cap_count; i++) {
		const struct uvfio_cap *cap = &pci->desc->caps[i];
		unsigned int header = cap->offset < 0x100 ? 2 : 4;

		if (cap->init && cap->size > header)
			memcpy(pci->hw + cap->offset + header,
			       cap->init + header, cap->size - header);
	}
}

static bool has_devctl2(const struct uvf_pci *pci)
{
	return pci->express_size >= PCI_EXP_DEVCTL2 + 2u;
}

/* What Linux saves of Advanced Error Reporting. */
static const uint8_t aer_saved[] = {PCI_ERR_UNCOR_MASK, PCI_ERR_UNCOR_SEVER,
				    PCI_ERR_COR_MASK, PCI_ERR_CAP};

void uvf_hw_save_locked(struct uvf_pci *pci, struct uvf_pci_saved *saved)
{
	unsigned int express = pci->express_offset;

	uvf_assert_held(&pci->model.lock);
	memcpy(saved->header, pci->hw, sizeof(saved->header));
	if (express)
		saved->devctl = uvf_get16(pci->hw + express + PCI_EXP_DEVCTL);
	if (has_devctl2(pci))
		saved->devctl2 = uvf_get16(pci->hw + express + PCI_EXP_DEVCTL2);
	for (size_t i = 0; pci->aer_offset && i < sizeof(aer_saved); i++)
		saved->aer[i] =
			uvf_get32(pci->hw + pci->aer_offset + aer_saved[i]);
}

void uvf_hw_restore_locked(struct uvf_pci *pci,
			   const struct uvf_pci_saved *saved)
{
	unsigned int express = pci->express_offset;

	uvf_assert_held(&pci->model.lock);
	pci->hw[PCI_CACHE_LINE_SIZE] = saved->header[PCI_CACHE_LINE_SIZE];
	pci->hw[PCI_LATENCY_TIMER] = saved->header[PCI_LATENCY_TIMER];
	pci->hw[PCI_INTERRUPT_LINE] = saved->header[PCI_INTERRUPT_LINE];
	if (express)
		uvf_put16(pci->hw + express + PCI_EXP_DEVCTL, saved->devctl);
	if (has_devctl2(pci))
		uvf_put16(pci->hw + express + PCI_EXP_DEVCTL2, saved->devctl2);
	for (size_t i = 0; pci->aer_offset && i < sizeof(aer_saved); i++)
		uvf_put32(pci->hw + pci->aer_offset + aer_saved[i],
			  saved->aer[i]);
	uvf_put16(pci->hw + PCI_COMMAND,
		  uvf_get16(saved->header + PCI_COMMAND));
	uvf_hw_update_bus_master_locked(pci);
}

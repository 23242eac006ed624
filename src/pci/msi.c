/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MSI as hardware has it: one capability with ENABLE, the number of vectors
 * granted and, where the function has them, masks and pending bits.
 */
#include <errno.h>

#include <linux/pci_regs.h>

#include "pci/hw.h"
#include "pci/irqs.h"

static uint16_t control(const struct uvf_pci *pci)
{
	if (!pci->desc->msi.offset)
		return 0;
	return uvf_get16(pci->hw + pci->desc->msi.offset + PCI_MSI_FLAGS);
}

/* The register of masks; that of pending bits follows it. */
static uint8_t *masks(struct uvf_pci *pci)
{
	return pci->hw + pci->desc->msi.offset +
	       (pci->desc->msi.is_64bit ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
}

unsigned int uvf_msi_granted_locked(struct uvf_pci *pci)
{
	unsigned int log2 = (control(pci) & PCI_MSI_FLAGS_QSIZE) >> 4;

	uvf_assert_held(&pci->model.lock);
	return 1u << (log2 > 5 ? 5 : log2);
}

bool uvf_msi_is_enabled_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	return control(pci) & PCI_MSI_FLAGS_ENABLE;
}

static unsigned int log2_up(unsigned int count)
{
	unsigned int log2 = 0;

	while (1u << log2 < count)
		log2++;
	return log2;
}

/* What the host has there while it is on; clients see registers of VFIO. */
static void write_message(struct uvf_pci *pci, uint32_t address, uint16_t data)
{
	uint8_t *cap = pci->hw + pci->desc->msi.offset;

	uvf_put32(cap + PCI_MSI_ADDRESS_LO, address);
	if (pci->desc->msi.is_64bit)
		uvf_put32(cap + PCI_MSI_ADDRESS_HI, 0);
	uvf_put16(cap + (pci->desc->msi.is_64bit ? PCI_MSI_DATA_64
						 : PCI_MSI_DATA_32),
		  data);
}

/* The vectors that the function can have, granted or not. */
static uint32_t all_vectors(const struct uvf_pci *pci)
{
	return (uint32_t)((UINT64_C(1) << (1u << pci->desc->msi.log2_vectors)) -
			  1);
}

/* The host knows what it wrote last, not what a client made of that. */
static void write_masks(struct uvf_pci *pci, uint32_t clear, uint32_t set)
{
	pci->msi_mask = (pci->msi_mask & ~clear) | set;
	uvf_put32(masks(pci), pci->msi_mask);
}

void uvf_msi_enable_locked(struct uvf_pci *pci, unsigned int count)
{
	uvf_assert_held(&pci->model.lock);
	pci->msi_qmax = log2_up(count);
	write_message(pci, UVF_MESSAGE_ADDRESS, UVF_MESSAGE_DATA);
	if (pci->desc->msi.maskable) {
		pci->msi_mask = uvf_get32(masks(pci));
		write_masks(pci, 0, all_vectors(pci));
		uvf_put32(masks(pci) + 4, 0);
	}
	uvf_hw_change16_locked(
		pci, pci->desc->msi.offset + PCI_MSI_FLAGS, PCI_MSI_FLAGS_QSIZE,
		(uint16_t)(PCI_MSI_FLAGS_ENABLE | pci->msi_qmax << 4));
}

void uvf_msi_disable_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	uvf_hw_change16_locked(pci, pci->desc->msi.offset + PCI_MSI_FLAGS,
			       PCI_MSI_FLAGS_ENABLE, 0);
	write_message(pci, 0, 0);
	if (pci->desc->msi.maskable) {
		write_masks(pci, all_vectors(pci), 0);
		uvf_put32(masks(pci) + 4, 0);
	}
}

void uvf_msi_mask_locked(struct uvf_pci *pci, unsigned int vector, bool mask)
{
	uint32_t bit = UINT32_C(1) << vector;

	uvf_assert_held(&pci->model.lock);
	if (!pci->desc->msi.maskable)
		return;
	write_masks(pci, mask ? 0 : bit, mask ? bit : 0);
	uvf_msi_flush_locked(pci);
}

int uvf_msi_send_locked(struct uvf_pci *pci, unsigned int vector)
{
	uvf_assert_held(&pci->model.lock);
	vector &= uvf_msi_granted_locked(pci) - 1;
	if (pci->desc->msi.maskable && uvf_get32(masks(pci)) >> vector & 1) {
		uint8_t *pending = masks(pci) + 4;

		uvf_put32(pending, uvf_get32(pending) | UINT32_C(1) << vector);
		return 0;
	}
	if (!pci->model.is_bus_master)
		return -EPERM;
	uvf_vector_signal_locked(pci, vector);
	return 0;
}

void uvf_msi_flush_locked(struct uvf_pci *pci)
{
	uint32_t ready;

	uvf_assert_held(&pci->model.lock);
	if (!pci->desc->msi.maskable || !uvf_msi_is_enabled_locked(pci) ||
	    !pci->model.is_bus_master)
		return;
	ready = uvf_get32(masks(pci) + 4) & ~uvf_get32(masks(pci));
	uvf_put32(masks(pci) + 4, uvf_get32(masks(pci) + 4) & ~ready);
	for (unsigned int i = 0; ready; i++, ready >>= 1)
		if (ready & 1)
			uvf_vector_signal_locked(pci, i);
}

uint32_t uvf_msi_pending_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	return pci->desc->msi.maskable ? uvf_get32(masks(pci) + 4) : 0;
}

void uvf_msi_pend_locked(struct uvf_pci *pci, uint32_t bits)
{
	uvf_assert_held(&pci->model.lock);
	if (!pci->desc->msi.maskable)
		return;
	uvf_put32(masks(pci) + 4, uvf_get32(masks(pci) + 4) | bits);
	uvf_msi_flush_locked(pci);
}

void uvf_msi_reset_locked(struct uvf_pci *pci)
{
	bool is_active = pci->irq_type == UVF_PCI_IRQ_MSI;

	uvf_assert_held(&pci->model.lock);
	if (!pci->desc->msi.offset)
		return;
	if (pci->desc->msi.maskable) {
		uvf_put32(masks(pci) + 4, 0);
		uvf_put32(masks(pci), is_active ? pci->msi_mask : 0);
	}
	/* At once, so that the model sees no other kind in between. */
	uvf_hw_change16_locked(pci, pci->desc->msi.offset + PCI_MSI_FLAGS,
			       PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE,
			       is_active ? (uint16_t)(PCI_MSI_FLAGS_ENABLE |
						      pci->msi_qmax << 4)
					 : 0);
}

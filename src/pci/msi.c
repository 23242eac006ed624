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

void uvf_msi_enable_locked(struct uvf_pci *pci, unsigned int count)
{
	unsigned int log2 = log2_up(count);

	uvf_assert_held(&pci->model.lock);
	pci->msi_qmax = log2;
	write_message(pci, UVF_MESSAGE_ADDRESS, UVF_MESSAGE_DATA);
	if (pci->desc->msi.maskable) {
		uint64_t all = (UINT64_C(1) << (1u << log2)) - 1;

		uvf_put32(masks(pci), (uint32_t)all);
		uvf_put32(masks(pci) + 4, 0);
	}
	uvf_hw_change16_locked(pci, pci->desc->msi.offset + PCI_MSI_FLAGS,
			       PCI_MSI_FLAGS_QSIZE,
			       (uint16_t)(PCI_MSI_FLAGS_ENABLE | log2 << 4));
}

void uvf_msi_disable_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	uvf_hw_change16_locked(pci, pci->desc->msi.offset + PCI_MSI_FLAGS,
			       PCI_MSI_FLAGS_ENABLE, 0);
	write_message(pci, 0, 0);
	if (pci->desc->msi.maskable) {
		uvf_put32(masks(pci), 0);
		uvf_put32(masks(pci) + 4, 0);
	}
}

void uvf_msi_mask_locked(struct uvf_pci *pci, unsigned int vector, bool mask)
{
	uint32_t bit = UINT32_C(1) << vector;
	uint32_t value;

	uvf_assert_held(&pci->model.lock);
	if (!pci->desc->msi.maskable)
		return;
	value = uvf_get32(masks(pci));
	uvf_put32(masks(pci), mask ? value | bit : value & ~bit);
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
	uvf_assert_held(&pci->model.lock);
	if (!pci->desc->msi.maskable)
		return;
	uvf_put32(masks(pci) + 4, 0);
	uvf_put32(masks(pci), 0);
	if (pci->irq_type != UVF_PCI_IRQ_MSI)
		return;
	for (unsigned int i = 0; i < pci->vector_count; i++)
		uvf_msi_mask_locked(pci, i, pci->triggers[i] < 0);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MSI-X as hardware has it: a table of messages with a mask each, and bits
 * for messages that wait behind a mask.  The host writes the messages; what
 * a client stores through a mapping is kept, but only masks have an effect.
 * Where the model declares its pages RDIRECT, it lies in the BAR's memory.
 */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/alloc.h"
#include "pci/bar.h"
#include "pci/hw.h"
#include "pci/irqs.h"

/* Where a client reads it without a trap, or NULL. */
static void *mirror_at(struct uvf_pci *pci, unsigned int bar, uint64_t off)
{
	uint64_t first, size;

	if (uvf_bar_page_kind(pci, bar, off, &first, &size) !=
	    UVFIO_PAGE_RDIRECT)
		return NULL;
	return uvf_barmem_ptr(&pci->model, bar, off);
}

int uvf_msix_init(struct uvf_pci *pci)
{
	const struct uvfio_msix *msix = &pci->desc->msix;
	unsigned int count = msix->offset ? msix->vectors : 0;

	if (!count)
		return 0;
	pci->msix.table = mirror_at(pci, msix->table_bar, msix->table_offset);
	pci->msix.pending = mirror_at(pci, msix->pba_bar, msix->pba_offset);
	if (!pci->msix.table)
		pci->msix.table = pci->msix.own_table =
			uvf_calloc(count, PCI_MSIX_ENTRY_SIZE);
	if (!pci->msix.pending)
		pci->msix.pending = pci->msix.own_pending =
			uvf_calloc((count + 63) / 64, sizeof(uint64_t));
	if (!pci->msix.table || !pci->msix.pending) {
		uvf_msix_fini(pci);
		return -ENOMEM;
	}
	pci->msix.count = count;
	for (unsigned int i = 0; i < count; i++)
		pci->msix.table[i * PCI_MSIX_ENTRY_SIZE +
				PCI_MSIX_ENTRY_VECTOR_CTRL] = 1;
	return 0;
}

void uvf_msix_fini(struct uvf_pci *pci)
{
	uvf_free(pci->msix.own_table);
	uvf_free(pci->msix.own_pending);
	pci->msix.own_table = NULL;
	pci->msix.own_pending = NULL;
	pci->msix.table = NULL;
	pci->msix.pending = NULL;
	pci->msix.count = 0;
}

static uint16_t control(const struct uvf_pci *pci)
{
	if (!pci->msix.count)
		return 0;
	return uvf_get16(pci->hw + pci->desc->msix.offset + PCI_MSIX_FLAGS);
}

static uint8_t *mask_of(struct uvf_pci *pci, unsigned int vector)
{
	return pci->msix.table + vector * PCI_MSIX_ENTRY_SIZE +
	       PCI_MSIX_ENTRY_VECTOR_CTRL;
}

static bool is_masked(struct uvf_pci *pci, unsigned int vector)
{
	return control(pci) & PCI_MSIX_FLAGS_MASKALL ||
	       *mask_of(pci, vector) & PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

bool uvf_msix_is_enabled_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	return control(pci) & PCI_MSIX_FLAGS_ENABLE;
}

static void write_message(struct uvf_pci *pci, unsigned int vector)
{
	uint8_t *entry = pci->msix.table + vector * PCI_MSIX_ENTRY_SIZE;

	uvf_put32(entry + PCI_MSIX_ENTRY_LOWER_ADDR, UVF_MESSAGE_ADDRESS);
	uvf_put32(entry + PCI_MSIX_ENTRY_UPPER_ADDR, 0);
	uvf_put32(entry + PCI_MSIX_ENTRY_DATA, UVF_MESSAGE_DATA + vector);
}

/* All entries masked, bits of waiting messages gone. */
static void clear_locked(struct uvf_pci *pci)
{
	for (unsigned int i = 0; i < pci->msix.count; i++)
		*mask_of(pci, i) = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	for (unsigned int i = 0; i < (pci->msix.count + 63) / 64; i++)
		pci->msix.pending[i] = 0;
}

void uvf_msix_enable_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	clear_locked(pci);
	uvf_hw_change16_locked(pci, pci->desc->msix.offset + PCI_MSIX_FLAGS,
			       PCI_MSIX_FLAGS_MASKALL, PCI_MSIX_FLAGS_ENABLE);
}

void uvf_msix_disable_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	clear_locked(pci);
	uvf_hw_change16_locked(pci, pci->desc->msix.offset + PCI_MSIX_FLAGS,
			       PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL,
			       0);
}

void uvf_msix_mask_locked(struct uvf_pci *pci, unsigned int vector, bool mask)
{
	uvf_assert_held(&pci->model.lock);
	if (mask) {
		*mask_of(pci, vector) |= PCI_MSIX_ENTRY_CTRL_MASKBIT;
		return;
	}
	/* A client may have spoilt the message through a mapping. */
	write_message(pci, vector);
	*mask_of(pci, vector) &= (uint8_t)~PCI_MSIX_ENTRY_CTRL_MASKBIT;
	uvf_msix_flush_locked(pci);
}

int uvf_msix_send_locked(struct uvf_pci *pci, unsigned int vector)
{
	uvf_assert_held(&pci->model.lock);
	if (vector >= pci->msix.count)
		return -EINVAL;
	if (is_masked(pci, vector)) {
		pci->msix.pending[vector / 64] |= UINT64_C(1) << vector % 64;
		return 0;
	}
	if (!pci->model.is_bus_master)
		return -EPERM;
	uvf_vector_signal_locked(pci, vector);
	return 0;
}

void uvf_msix_flush_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	if (!uvf_msix_is_enabled_locked(pci) || !pci->model.is_bus_master)
		return;
	for (unsigned int i = 0; i < pci->msix.count; i++) {
		uint64_t bit = UINT64_C(1) << i % 64;

		if (!pci->msix.pending[i / 64]) {
			i |= 63;
			continue;
		}
		if (!(pci->msix.pending[i / 64] & bit) || is_masked(pci, i))
			continue;
		pci->msix.pending[i / 64] &= ~bit;
		uvf_vector_signal_locked(pci, i);
	}
}

void uvf_msix_reset_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	if (!pci->msix.count)
		return;
	clear_locked(pci);
	if (pci->irq_type != UVF_PCI_IRQ_MSIX)
		return;
	/* The host brings its own messages and masks back. */
	for (unsigned int i = 0; i < pci->vector_count; i++)
		if (pci->triggers[i] >= 0)
			uvf_msix_mask_locked(pci, i, false);
}

static bool is_in(uint64_t off, uint64_t first, uint64_t size)
{
	return off >= first && off - first < size;
}

bool uvf_msix_owns(const struct uvf_pci *pci, unsigned int bar, uint64_t off)
{
	const struct uvfio_msix *msix = &pci->desc->msix;
	uint64_t words = (pci->msix.count + 63) / 64;

	if (!pci->msix.count)
		return false;
	return (msix->table_bar == bar &&
		is_in(off, msix->table_offset,
		      pci->msix.count * (uint64_t)PCI_MSIX_ENTRY_SIZE)) ||
	       (msix->pba_bar == bar &&
		is_in(off, msix->pba_offset, 8 * words));
}

void uvf_msix_access_locked(struct uvf_pci *pci, unsigned int bar, uint64_t off,
			    void *buf, size_t len, bool is_write)
{
	const struct uvfio_msix *msix = &pci->desc->msix;
	uint64_t table_size = pci->msix.count * (uint64_t)PCI_MSIX_ENTRY_SIZE;

	uvf_assert_held(&pci->model.lock);
	if (msix->table_bar == bar &&
	    is_in(off, msix->table_offset, table_size)) {
		uint8_t *at = pci->msix.table + (off - msix->table_offset);

		if (!is_write) {
			memcpy(buf, at, len);
			return;
		}
		memcpy(at, buf, len);
		uvf_msix_flush_locked(pci);
		return;
	}
	/* Pending bits are read-only. */
	if (!is_write)
		memcpy(buf,
		       (uint8_t *)pci->msix.pending + (off - msix->pba_offset),
		       len);
}

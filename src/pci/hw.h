/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration registers of the function itself, as a driver without
 * VFIO would see them.
 */
#ifndef UVF_PCI_HW_H
#define UVF_PCI_HW_H

#include <stdint.h>

#include "pci/pci.h"

/**
 * uvf_hw_init() - build config space from the descriptor
 * @pci: desc, address, bars and profile are set
 * Return: 0 or -ENOMEM.
 */
int uvf_hw_init(struct uvf_pci *pci);
void uvf_hw_fini(struct uvf_pci *pci);

/*
 * One aligned access of 1, 2 or 4 bytes.  A write changes the writable bits
 * and does what the register does.
 */
uint32_t uvf_hw_read_locked(struct uvf_pci *pci, unsigned int pos,
			    unsigned int len) UVF_REQUIRES(pci->model.lock);
void uvf_hw_write_locked(struct uvf_pci *pci, unsigned int pos,
			 unsigned int len, uint32_t value)
	UVF_REQUIRES(pci->model.lock);

/* Read-modify-write of a word, as host software does it. */
void uvf_hw_change16_locked(struct uvf_pci *pci, unsigned int pos,
			    uint16_t clear, uint16_t set)
	UVF_REQUIRES(pci->model.lock);

/* The bits of COMMAND for the kinds of BAR that the function has. */
uint16_t uvf_hw_decode_bits(const struct uvf_pci *pci);

/* COMMAND's DisINTx, as the host sets it to block the line. */
void uvf_hw_block_intx_locked(struct uvf_pci *pci, bool block)
	UVF_REQUIRES(pci->model.lock);

/* Bus mastering follows COMMAND, and stops outside D0 to D2. */
void uvf_hw_update_bus_master_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock);

/* Registers that no host software saves, back to power-on. */
void uvf_hw_reset_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);

/* What host software keeps of config space over a reset. */
void uvf_hw_save_locked(struct uvf_pci *pci, struct uvf_pci_saved *saved)
	UVF_REQUIRES(pci->model.lock);
void uvf_hw_restore_locked(struct uvf_pci *pci,
			   const struct uvf_pci_saved *saved)
	UVF_REQUIRES(pci->model.lock);

#endif /* UVF_PCI_HW_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts: what the function sends and what clients receive.
 */
#ifndef UVF_PCI_IRQS_H
#define UVF_PCI_IRQS_H

#include "base/eventfd.h"
#include "core/set_irqs.h"
#include "mem/caller.h"
#include "pci/pci.h"

/* What GET_IRQ_INFO calls count; 0 also for an index out of range. */
unsigned int uvf_irq_count_locked(struct uvf_pci *pci, uint32_t index)
	UVF_REQUIRES(pci->model.lock);

/* Tell the model when another kind of interrupt is enabled now. */
void uvf_irqs_notify_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);

/* Everything off, as at last close. */
void uvf_irqs_close_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);

/* intx.c: one handler for each action. */
int uvf_intx_set_mask_locked(struct uvf_pci *pci, const struct uvf_irq_set *set)
	UVF_REQUIRES(pci->model.lock);
int uvf_intx_set_unmask_locked(struct uvf_pci *pci,
			       const struct uvf_irq_set *set)
	UVF_REQUIRES(pci->model.lock);
int uvf_intx_set_trigger_locked(struct uvf_pci *pci,
				const struct uvf_irq_set *set)
	UVF_REQUIRES(pci->model.lock);
void uvf_intx_disable_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);
/* True when this call masked it. */
bool uvf_intx_mask_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);
void uvf_intx_unmask_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);
/* The line follows the model. */
void uvf_intx_drive_locked(struct uvf_pci *pci, bool level)
	UVF_REQUIRES(pci->model.lock);

/* The message that the host gives the first vector; the others count on. */
#define UVF_MESSAGE_ADDRESS 0xfee00000u
#define UVF_MESSAGE_DATA    0x4000u

/* vectors.c: what MSI and MSI-X have in common. */
int uvf_vectors_set_trigger_locked(struct uvf_pci *pci,
				   const struct uvf_irq_set *set)
	UVF_REQUIRES(pci->model.lock);
void uvf_vectors_disable_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock);
/* Signal the client, if it listens. */
void uvf_vector_signal_locked(struct uvf_pci *pci, unsigned int vector)
	UVF_REQUIRES(pci->model.lock);

/**
 * uvf_vectors_message() - a function wrote an interrupt message by DMA
 * What the IOMMU lets through is what the host gave this function, whatever a
 * client stored in its registers; masks and pending bits do the same as for
 * uvfio_vector_send().
 * Context: under the model's lock.
 * Return: 0 or -EFAULT, the message is of no vector that is enabled.
 */
int uvf_vectors_message(struct uvfio_dev *dev, uint64_t address, uint32_t data);

/* msi.c, msix.c: the hardware side. */
bool uvf_msi_is_enabled_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock);
/* How many vectors it may send. */
unsigned int uvf_msi_granted_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock);
void uvf_msi_enable_locked(struct uvf_pci *pci, unsigned int count)
	UVF_REQUIRES(pci->model.lock);
void uvf_msi_disable_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);
/* The host masks a vector that nobody listens to. */
void uvf_msi_mask_locked(struct uvf_pci *pci, unsigned int vector, bool mask)
	UVF_REQUIRES(pci->model.lock);
int uvf_msi_send_locked(struct uvf_pci *pci, unsigned int vector)
	UVF_REQUIRES(pci->model.lock);
/* Send what is pending and not masked any more. */
void uvf_msi_flush_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);
/* Messages that wait behind a mask, and more of them. */
uint32_t uvf_msi_pending_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock);
void uvf_msi_pend_locked(struct uvf_pci *pci, uint32_t bits)
	UVF_REQUIRES(pci->model.lock);
/* Power-on state, then what the host has programmed. */
void uvf_msi_reset_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);

int uvf_msix_init(struct uvf_pci *pci);
void uvf_msix_fini(struct uvf_pci *pci);
bool uvf_msix_is_enabled_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock);
void uvf_msix_enable_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);
void uvf_msix_disable_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);
void uvf_msix_mask_locked(struct uvf_pci *pci, unsigned int vector, bool mask)
	UVF_REQUIRES(pci->model.lock);
int uvf_msix_send_locked(struct uvf_pci *pci, unsigned int vector)
	UVF_REQUIRES(pci->model.lock);
void uvf_msix_flush_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);
void uvf_msix_reset_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);
/* Whether these bytes of a BAR are table or pending bits. */
bool uvf_msix_owns(const struct uvf_pci *pci, unsigned int bar, uint64_t off);
/* An access to them: 1, 2, 4 or 8 bytes, aligned. */
void uvf_msix_access_locked(struct uvf_pci *pci, unsigned int bar, uint64_t off,
			    void *buf, size_t len, bool is_write)
	UVF_REQUIRES(pci->model.lock);

/* err_req.c: a removal that is asked for, an error that is reported. */
int uvf_err_req_set_trigger_locked(struct uvf_pci *pci,
				   const struct uvf_irq_set *set)
	UVF_REQUIRES(pci->model.lock);

#endif /* UVF_PCI_IRQS_H */

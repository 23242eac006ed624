/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets and power states of the function.
 */
#ifndef UVF_PCI_RESET_H
#define UVF_PCI_RESET_H

#include "pci/pci.h"

/*
 * Reset the function and bring back what host software saves.  Clients'
 * mappings fault afterwards.
 */
void uvf_reset_function_locked(struct uvf_pci *pci, enum uvfio_reset_kind kind)
	UVF_REQUIRES(pci->model.lock);

/**
 * uvf_reset_try_locked() - reset the function by the first method it has
 * @why: UVFIO_RESET_FLR: the model is told of the method
 * Return: 0, or, in the order they are tested:
 *   -ENOTTY  it has none
 *   -EAGAIN  somebody has it from the driver core: a driver comes or goes
 *   -ENOTTY  none is possible now
 */
int uvf_reset_try_locked(struct uvf_pci *pci, enum uvfio_reset_kind why)
	UVF_REQUIRES(pci->model.lock);

/* Whether D3hot to D0 resets the function. */
bool uvf_reset_by_power(const struct uvf_pci *pci);

/* Move to a D-state, 0 to 3; a transition PCI forbids does nothing. */
void uvf_reset_set_power_locked(struct uvf_pci *pci, unsigned int state)
	UVF_REQUIRES(pci->model.lock);

#endif /* UVF_PCI_RESET_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reset domain: the functions on one bus behind a bridge, and what is
 * behind bridges among them.  Resetting the bus resets them all.  The kernel
 * may call it a slot instead; a root port has one, which is its whole bus.
 */
#ifndef UVF_PCI_DOMAIN_H
#define UVF_PCI_DOMAIN_H

#include "pci/pci.h"

/* Whether the bus of a function can be reset: a root bus cannot. */
bool uvf_domain_is_resettable(const struct uvf_pci *pci);

/*
 * Whether a reset of its bus is a reset of this function: nothing else is
 * there.  Takes the machine's lock.
 */
bool uvf_domain_is_alone(const struct uvf_pci *pci);

/**
 * uvf_domain_functions() - what a reset of the bus of @pci resets
 * Return: @ret_count of them by address, with references, for
 * uvf_bus_devices_put(); NULL when there is no memory.
 */
struct uvf_bus_device **uvf_domain_functions(const struct uvf_pci *pci,
					     size_t *ret_count);

/**
 * uvf_domain_reset() - reset a bus
 * @functions: all that uvf_domain_functions() said, at least one
 *
 * None of them does DMA any more before the first is reset.
 *
 * Context: their locks of the driver core are tried, and may be held.
 * Return: 0, or -EAGAIN somebody has the lock of one of them, or of the
 * bridge; nothing was done.
 */
int uvf_domain_reset(struct uvf_bus_device *const *functions, size_t count);

#endif /* UVF_PCI_DOMAIN_H */

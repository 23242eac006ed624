/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Config space as vfio-pci shows it: hardware with some bits replaced by
 * the client's own (vconfig), and writes that are stored, passed on or
 * dropped, bit by bit.
 */
#ifndef UVF_PCI_CONFIG_H
#define UVF_PCI_CONFIG_H

#include <sys/types.h>

#include "mem/caller.h"
#include "pci/pci.h"

/**
 * uvf_config_open_locked() - build the client's view from hardware
 * Return: 0 or -ENOMEM.
 */
int uvf_config_open_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);
void uvf_config_close_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);

/**
 * uvf_config_rw() - read or write config space
 * @addr: client memory
 * @len:  bytes, not 0
 * @off:  bytes from the start of config space
 *
 * The access is cut into naturally aligned pieces of 4, 2 and 1 bytes, none
 * of which crosses the border of a capability.
 *
 * Return: @len, or
 *   -EFAULT  the access leaves config space, or client memory fails;
 *            earlier pieces took effect
 */
ssize_t uvf_config_rw(struct uvf_pci *pci, struct uvf_caller *caller,
		      uint64_t addr, size_t len, uint64_t off, bool is_write);

/* Whether memory BARs answer: COMMAND as the client wrote it, and D0-D2. */
bool uvf_config_has_memory_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock);

/* First byte of the capability that owns @pos. */
unsigned int uvf_config_cap_start_locked(struct uvf_pci *pci, unsigned int pos)
	UVF_REQUIRES(pci->model.lock);

#endif /* UVF_PCI_CONFIG_H */

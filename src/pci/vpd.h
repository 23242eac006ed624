/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Vital product data: a memory behind two registers, and how the host's
 * kernel reads and writes it on behalf of others.
 */
#ifndef UVF_PCI_VPD_H
#define UVF_PCI_VPD_H

#include <sys/types.h>

#include "pci/pci.h"

/**
 * uvf_vpd_init() - copy the data of the descriptor
 * Return: 0 or -ENOMEM.
 */
int uvf_vpd_init(struct uvf_pci *pci);
void uvf_vpd_fini(struct uvf_pci *pci);

/* The register of the address was written: move what is asked for. */
void uvf_vpd_register_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);

/**
 * uvf_vpd_read_locked() - read as the host's kernel does
 * Return: bytes read, 0 behind the end, or -ENODEV there is no data.
 */
ssize_t uvf_vpd_read_locked(struct uvf_pci *pci, uint64_t pos, void *buf,
			    size_t len) UVF_REQUIRES(pci->model.lock);

/**
 * uvf_vpd_write_locked() - the same for writing
 * Return: @len, or, in the order tested:
 *   -ENODEV  there is no data
 *   -EINVAL  not whole words, or beyond the end
 */
ssize_t uvf_vpd_write_locked(struct uvf_pci *pci, uint64_t pos, const void *buf,
			     size_t len) UVF_REQUIRES(pci->model.lock);

#endif /* UVF_PCI_VPD_H */

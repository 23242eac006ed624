/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions that only this device has, as its descriptor declares them.
 */
#ifndef UVF_PCI_SPECIAL_H
#define UVF_PCI_SPECIAL_H

#include <sys/types.h>

#include "mem/caller.h"
#include "pci/pci.h"

/**
 * uvf_special_rw() - pread and pwrite of such a region
 * @i:    index in the descriptor
 * @addr: client memory
 *
 * Return: bytes moved, fewer where the region ends, or, in the order tested:
 *   -EINVAL  @off lies behind it, or its flags do not allow it
 *   -EFAULT  client memory fails
 *   or what the region's access() returned
 */
ssize_t uvf_special_rw(struct uvf_pci *pci, struct uvf_caller *caller,
		       unsigned int i, uint64_t addr, size_t len, uint64_t off,
		       bool is_write);

#endif /* UVF_PCI_SPECIAL_H */

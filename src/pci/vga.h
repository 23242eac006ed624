/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The legacy ranges of VGA cards: memory at 0xa0000, ports at 0x3b0 and 0x3c0.
 */
#ifndef UVF_PCI_VGA_H
#define UVF_PCI_VGA_H

#include <sys/types.h>

#include "mem/caller.h"
#include "pci/pci.h"

/* Whether the function is of the class that has them. */
bool uvf_vga_is(const struct uvf_pci *pci);

/**
 * uvf_vga_rw() - pread and pwrite of the VGA region
 * @addr: client memory
 * @off:  the address on the host
 *
 * COMMAND is not looked at.
 *
 * Return: bytes moved, fewer where the range ends, or, in the order tested:
 *   -EINVAL  no VGA card, or @off is in none of the ranges
 *   -EFAULT  client memory fails
 */
ssize_t uvf_vga_rw(struct uvf_pci *pci, struct uvf_caller *caller,
		   uint64_t addr, size_t len, uint64_t off, bool is_write);

#endif /* UVF_PCI_VGA_H */

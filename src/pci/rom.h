/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The option ROM: images in a BAR of their own, which only the host's kernel
 * reads, for clients and for the file rom.
 */
#ifndef UVF_PCI_ROM_H
#define UVF_PCI_ROM_H

#include <sys/types.h>

#include "mem/caller.h"
#include "pci/pci.h"

/* Bytes of the images in a ROM that begins with @rom; 0: there is none. */
uint64_t uvf_rom_find_len(const uint8_t *rom, uint64_t rom_size,
			  uint64_t bar_size);

/* Bytes of the BAR around a ROM. */
uint64_t uvf_rom_bar_size(uint64_t rom_size);

/* Bytes from @off on; those behind what the descriptor has are ones. */
void uvf_rom_copy(const struct uvf_pci *pci, uint64_t off, void *buf,
		  size_t len);

/**
 * uvf_rom_is_readable_locked() - whether the host's kernel finds an image
 * It looks for it behind the function's own decoder.
 */
bool uvf_rom_is_readable_locked(struct uvf_pci *pci)
	UVF_REQUIRES(pci->model.lock);

/**
 * uvf_rom_read() - pread of the ROM region
 * @addr: client memory
 *
 * Return: bytes read, or, in the order they are tested:
 *   -EINVAL  no ROM, or @off lies behind it
 *   -ENOMEM  no image, or memory decode is off
 *   -EFAULT  client memory fails
 */
ssize_t uvf_rom_read(struct uvf_pci *pci, struct uvf_caller *caller,
		     uint64_t addr, size_t len, uint64_t off);

#endif /* UVF_PCI_ROM_H */

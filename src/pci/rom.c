/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source: drivers/pci/rom.c, Linux 6.12; PCI Firmware 3.3, section 5.1.
 */
#include "pci/rom.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "pci/config.h"
#include "pci/hw.h"

#define SECTOR      512u
#define HEADER_SIZE 0x1au
#define HEADER_PCIR 0x18u /* where the data structure is */
#define PCIR_LENGTH 0x0au /* of itself */
#define PCIR_IMAGE  0x10u /* length of the image, sectors */
#define PCIR_LAST   0x15u
#define PCIR_MIN    24u
#define BAR_MIN     2048u

static bool has_header(const uint8_t *rom, uint64_t size, uint64_t image)
{
	return image + HEADER_SIZE <= size && rom[image] == 0x55 &&
	       rom[image + 1] == 0xaa;
}

/* Where the data structure of an image is; 0: there is none. */
static uint64_t find_pcir(const uint8_t *rom, uint64_t size, uint64_t image)
{
	uint64_t at;
	unsigned int len;

	if (!has_header(rom, size, image))
		return 0;
	at = image + uvf_get16(rom + image + HEADER_PCIR);
	if (at % 4 || at + PCIR_MIN > size || memcmp(rom + at, "PCIR", 4))
		return 0;
	len = uvf_get16(rom + at + PCIR_LENGTH);
	return len < PCIR_MIN || len == UINT16_MAX || at + len > size ? 0 : at;
}

uint64_t uvf_rom_find_len(const uint8_t *rom, uint64_t rom_size,
			  uint64_t bar_size)
{
	uint64_t image = 0, at;
	unsigned int sectors;
	bool is_last;

	do {
		at = find_pcir(rom, rom_size, image);
		if (!at)
			break;
		is_last = rom[at + PCIR_LAST] & 0x80;
		sectors = uvf_get16(rom + at + PCIR_IMAGE);
		image += (uint64_t)sectors * SECTOR;
	} while (sectors && !is_last);
	return image < bar_size ? image : bar_size;
}

uint64_t uvf_rom_bar_size(uint64_t rom_size)
{
	uint64_t size = BAR_MIN;

	if (!rom_size)
		return 0;
	while (size < rom_size)
		size *= 2;
	return size;
}

void uvf_rom_copy(const struct uvf_pci *pci, uint64_t off, void *buf,
		  size_t len)
{
	uint64_t there = pci->desc->rom_size;

	there = off < there ? there - off : 0;
	if (there > len)
		there = len;
	if (there)
		memcpy(buf, pci->desc->rom + off, (size_t)there);
	memset((uint8_t *)buf + there, 0xff, len - (size_t)there);
}

bool uvf_rom_is_readable_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	return pci->rom.len && pci->power < 3 &&
	       pci->hw[PCI_COMMAND] & PCI_COMMAND_MEMORY;
}

ssize_t uvf_rom_read(struct uvf_pci *pci, struct uvf_caller *caller,
		     uint64_t addr, size_t len, uint64_t off)
{
	uint8_t bounce[1024];
	bool is_readable;
	size_t part;

	if (off >= pci->rom.size)
		return -EINVAL;
	if (len > pci->rom.size - off)
		len = (size_t)(pci->rom.size - off);
	uvf_lock(&pci->model.lock);
	is_readable = uvf_rom_is_readable_locked(pci);
	uvf_unlock(&pci->model.lock);
	if (!is_readable)
		return -ENOMEM;
	for (size_t done = 0; done < len; done += part) {
		part = len - done < sizeof(bounce) ? len - done
						   : sizeof(bounce);
		uvf_rom_copy(pci, off + done, bounce, part);
		/* Behind the images the kernel does not look. */
		for (size_t i = 0; i < part; i++)
			if (off + done + i >= pci->rom.len)
				bounce[i] = 0xff;
		if (uvf_copy_out(caller, addr + done, bounce, part))
			return -EFAULT;
	}
	return (ssize_t)len;
}

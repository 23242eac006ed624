/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/config.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/alloc.h"
#include "pci/caps.h"
#include "pci/hw.h"
#include "pci/perms.h"

/* What a VF's own registers do not say. */
static void show_vf_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock)
{
	uint8_t *vconfig = pci->vconfig;

	uvf_put16(vconfig + PCI_VENDOR_ID, pci->desc->vendor);
	uvf_put16(vconfig + PCI_DEVICE_ID, pci->desc->device);
	vconfig[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
}

int uvf_config_open_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	pci->vconfig = uvf_zalloc(pci->config_size);
	pci->map = uvf_zalloc(pci->config_size);
	if (!pci->vconfig || !pci->map) {
		uvf_config_close_locked(pci);
		return -ENOMEM;
	}
	memset(pci->map, UVF_CAP_NONE, pci->config_size);
	uvf_caps_claim_locked(pci, 0, PCI_STD_HEADER_SIZEOF, 0);
	pci->bars_are_dirty = true;
	if (pci->physfn)
		show_vf_locked(pci);
	if (uvf_caps_show_locked(pci))
		uvf_ecaps_show_locked(pci);
	return 0;
}

void uvf_config_close_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	uvf_free(pci->vconfig);
	uvf_free(pci->map);
	pci->vconfig = NULL;
	pci->map = NULL;
}

bool uvf_config_has_memory_locked(struct uvf_pci *pci)
{
	uvf_assert_held(&pci->model.lock);
	/* That of a VF is always on, whatever its client sees. */
	return pci->power < 3 && pci->vconfig &&
	       (pci->physfn || pci->vconfig[PCI_COMMAND] & PCI_COMMAND_MEMORY);
}

/*
 * Neighbours with the same id are one: the kernel cannot tell them apart
 * either.
 */
unsigned int uvf_config_cap_start_locked(struct uvf_pci *pci, unsigned int pos)
{
	unsigned int base = pos >= PCI_CFG_SPACE_SIZE ? PCI_CFG_SPACE_SIZE
						      : PCI_STD_HEADER_SIZEOF;
	uint8_t id;

	uvf_assert_held(&pci->model.lock);
	if (pos < PCI_STD_HEADER_SIZEOF)
		return 0;
	id = pci->map[pos];
	if (id == UVF_CAP_NONE)
		return pos;
	while (pos > base && pci->map[pos - 1] == id)
		pos--;
	return pos;
}

static uint32_t mask_at(const struct uvf_perm *perm, const uint8_t *mask,
			const struct uvf_piece *piece)
{
	uint32_t value = 0;

	for (unsigned int i = 0;
	     i < piece->len && piece->offset + i < perm->size; i++)
		value |= (uint32_t)mask[piece->offset + i] << 8 * i;
	return value;
}

static uint32_t virtual_value(const struct uvf_pci *pci,
			      const struct uvf_piece *piece)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < piece->len; i++)
		value |= (uint32_t)pci->vconfig[piece->pos + i] << 8 * i;
	return value;
}

/* The header of a capability comes from vconfig, all else from hardware. */
static uint32_t read_only_value(const struct uvf_pci *pci,
				const struct uvf_piece *piece, uint32_t value)
{
	bool is_extended = piece->pos >= PCI_CFG_SPACE_SIZE;
	uint32_t mask = 0;

	if (is_extended && piece->offset < 4)
		mask = UINT32_MAX;
	else if (!is_extended && piece->offset == PCI_CAP_LIST_ID)
		mask = piece->len > 1 ? 0xffff : 0;
	else if (!is_extended && piece->offset == PCI_CAP_LIST_NEXT)
		mask = 0xff;
	return (value & ~mask) | (virtual_value(pci, piece) & mask);
}

static uint32_t read_piece_locked(struct uvf_pci *pci,
				  const struct uvf_piece *piece)
	UVF_REQUIRES(pci->model.lock)
{
	const struct uvf_perm *perm = uvf_perm_find_locked(pci, piece->pos);
	uint32_t value, virt;

	if (perm->before_read)
		perm->before_read(pci, piece);
	value = uvf_hw_read_locked(pci, piece->pos, piece->len);
	switch (perm->access) {
	case UVF_PERM_RAW:
		return value;
	case UVF_PERM_READ_ONLY:
	case UVF_PERM_RAW_WRITE:
		return read_only_value(pci, piece, value);
	case UVF_PERM_MASKED:
		break;
	}
	virt = mask_at(perm, perm->virt, piece);
	/* The hardware of a VF has no such bit. */
	if (pci->physfn && piece->pos == PCI_COMMAND)
		value |= pci->vconfig[PCI_COMMAND] & PCI_COMMAND_MEMORY;
	return (value & ~virt) | (virtual_value(pci, piece) & virt);
}

static void write_masked_locked(struct uvf_pci *pci,
				const struct uvf_perm *perm,
				const struct uvf_piece *piece, uint32_t value)
	UVF_REQUIRES(pci->model.lock)
{
	uint32_t virt = mask_at(perm, perm->virt, piece);
	uint32_t write = mask_at(perm, perm->write, piece);
	uint32_t stored = write & virt;
	uint32_t passed = write & ~virt;
	uint32_t old;

	for (unsigned int i = 0; stored && i < piece->len; i++) {
		uint8_t bits = (uint8_t)(stored >> 8 * i);
		uint8_t *byte = &pci->vconfig[piece->pos + i];

		*byte = (uint8_t)((*byte & ~bits) | (value >> 8 * i & bits));
	}
	if (!passed)
		return;
	old = uvf_hw_read_locked(pci, piece->pos, piece->len);
	uvf_hw_write_locked(pci, piece->pos, piece->len,
			    (old & ~passed) | (value & passed));
}

static void write_piece_locked(struct uvf_pci *pci, const struct uvf_perm *perm,
			       const struct uvf_piece *piece, uint32_t value)
	UVF_REQUIRES(pci->model.lock)
{
	if (perm->access != UVF_PERM_MASKED) {
		uvf_hw_write_locked(pci, piece->pos, piece->len, value);
		return;
	}
	if (perm->before_write)
		perm->before_write(pci, piece, value);
	write_masked_locked(pci, perm, piece, value);
	if (perm->after_write)
		perm->after_write(pci, piece, value);
}

/* The largest aligned piece at @pos inside one capability and one dword. */
static struct uvf_piece cut_locked(struct uvf_pci *pci, unsigned int pos,
				   size_t left) UVF_REQUIRES(pci->model.lock)
{
	struct uvf_piece piece = {.pos = pos};
	unsigned int same = 1;

	while ((pos + same) % 4 && pci->map[pos + same] == pci->map[pos])
		same++;
	if (left > same)
		left = same;
	if (left >= 4 && !(pos % 4))
		piece.len = 4;
	else if (left >= 2 && !(pos % 2))
		piece.len = 2;
	else
		piece.len = 1;
	piece.offset = pos - uvf_config_cap_start_locked(pci, pos);
	return piece;
}

/* Client memory of a whole access is copied at once where that works. */
static ssize_t config_read(struct uvf_pci *pci, struct uvf_caller *caller,
			   uint64_t addr, size_t len, unsigned int pos)
{
	uint8_t bounce[256];
	size_t done = 0;

	while (done < len) {
		size_t filled = 0;

		uvf_lock(&pci->model.lock);
		while (done + filled < len && filled + 4 <= sizeof(bounce)) {
			struct uvf_piece piece =
				cut_locked(pci, pos, len - done - filled);
			uint32_t value = read_piece_locked(pci, &piece);

			for (unsigned int i = 0; i < piece.len; i++)
				bounce[filled + i] = (uint8_t)(value >> 8 * i);
			filled += piece.len;
			pos += piece.len;
		}
		uvf_unlock(&pci->model.lock);
		if (uvf_copy_out(caller, addr + done, bounce, filled))
			return -EFAULT;
		done += filled;
	}
	return (ssize_t)len;
}

/*
 * Piece by piece, because a piece nobody may write does not even look at
 * the client's memory.
 */
static ssize_t config_write(struct uvf_pci *pci, struct uvf_caller *caller,
			    uint64_t addr, size_t len, unsigned int pos)
{
	const struct uvf_perm *perm;
	struct uvf_piece piece;
	uint8_t bytes[4];
	uint32_t value;

	for (size_t done = 0; done < len; done += piece.len) {
		uvf_lock(&pci->model.lock);
		piece = cut_locked(pci, pos + (unsigned int)done, len - done);
		perm = uvf_perm_find_locked(pci, piece.pos);
		uvf_unlock(&pci->model.lock);
		if (perm->access == UVF_PERM_READ_ONLY)
			continue;
		memset(bytes, 0, sizeof(bytes));
		if (uvf_copy_in(caller, bytes, addr + done, piece.len))
			return -EFAULT;
		value = uvf_get32(bytes);
		uvf_lock(&pci->model.lock);
		write_piece_locked(pci, perm, &piece, value);
		uvf_unlock(&pci->model.lock);
	}
	return (ssize_t)len;
}

ssize_t uvf_config_rw(struct uvf_pci *pci, struct uvf_caller *caller,
		      uint64_t addr, size_t len, uint64_t off, bool is_write)
{
	if (off >= pci->config_size || len > pci->config_size - off)
		return -EFAULT;
	if (is_write)
		return config_write(pci, caller, addr, len, (unsigned int)off);
	return config_read(pci, caller, addr, len, (unsigned int)off);
}

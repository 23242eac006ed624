/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a client may do with the bits of each capability.
 */
#ifndef UVF_PCI_PERMS_H
#define UVF_PCI_PERMS_H

#include "pci/pci.h"

/* One piece of an access to config space: 1, 2 or 4 bytes, aligned. */
struct uvf_piece {
	unsigned int pos;    /* in config space */
	unsigned int offset; /* in the capability */
	unsigned int len;
};

enum uvf_perm_access {
	UVF_PERM_READ_ONLY, /* hardware; header of a capability from vconfig */
	UVF_PERM_RAW_WRITE, /* reads as above, writes go to hardware */
	UVF_PERM_RAW,       /* hardware, nothing in between */
	UVF_PERM_MASKED,    /* by virt and write */
};

struct uvf_perm {
	enum uvf_perm_access access;
	size_t size;          /* bytes of the masks; none beyond: read-only */
	const uint8_t *virt;  /* bits that live in vconfig; MASKED only */
	const uint8_t *write; /* bits that can be written; MASKED only */
	/* Side effects; NULL: none.  The model's lock is held. */
	void (*before_read)(struct uvf_pci *pci, const struct uvf_piece *piece);
	void (*before_write)(struct uvf_pci *pci, const struct uvf_piece *piece,
			     uint32_t value);
	void (*after_write)(struct uvf_pci *pci, const struct uvf_piece *piece,
			    uint32_t value);
};

/* The rules for the byte at @pos of an open function. */
const struct uvf_perm *uvf_perm_find_locked(struct uvf_pci *pci,
					    unsigned int pos)
	UVF_REQUIRES(pci->model.lock);

#endif /* UVF_PCI_PERMS_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The BARs: where they are, what is behind their pages, and the one path
 * that every access to them takes.
 */
#ifndef UVF_PCI_BAR_H
#define UVF_PCI_BAR_H

#include <sys/types.h>

#include "mem/caller.h"
#include "pci/pci.h"

/**
 * uvf_bars_assign() - find room on the bus
 * @pci: not in the machine yet; bars have desc and size
 * Return: 0, or -ENOSPC and a line in @err.
 */
int uvf_bars_assign(struct uvf_pci *pci, struct uvfio_error *err);

/**
 * uvf_windows_assign() - find room for what a bridge passes on
 * @sizes: bytes, powers of two; 0: no window
 * Behind another bridge without room for ports it has none.
 * Return: 0, or -ENOSPC and a line in @err.
 */
int uvf_windows_assign(struct uvf_pci *pci,
		       const uint64_t sizes[UVF_PCI_WINDOWS],
		       struct uvfio_error *err);

/* The type bits of a BAR's register. */
uint32_t uvf_bar_type(const struct uvfio_bar *bar);

/* Whether a client may map the BAR. */
bool uvf_bar_is_mappable(const struct uvf_pci *pci, unsigned int bar);

/* What kind of page lies at @off, and the run of such pages around it. */
enum uvfio_page_kind uvf_bar_page_kind(const struct uvf_pci *pci,
				       unsigned int bar, uint64_t off,
				       uint64_t *ret_first, uint64_t *ret_size);

/**
 * uvf_bar_access_locked() - one load or store of the function's registers
 * @off: bytes from the start of the BAR
 * @len: 1, 2, 4 or 8, and @off is a multiple of it
 *
 * Nothing is checked but what hardware checks: decoding of memory is the
 * business of the caller.
 */
void uvf_bar_access_locked(struct uvf_pci *pci, unsigned int bar, uint64_t off,
			   void *buf, size_t len, bool is_write)
	UVF_REQUIRES(pci->model.lock);

/**
 * uvf_bar_rw() - pread and pwrite of BAR 0 to 5
 * Return: bytes moved, cut at the end of the BAR, or, in the order tested:
 *   -EINVAL  no such BAR, or @off lies behind it
 *   -EIO     memory decode is off, or D3; earlier pieces took effect
 *   -EFAULT  client memory fails
 */
ssize_t uvf_bar_rw(struct uvf_pci *pci, struct uvf_caller *caller,
		   unsigned int bar, uint64_t addr, size_t len, uint64_t off,
		   bool is_write);

/**
 * uvf_barmem_init() - memory for the BARs that have RAM or POLL pages
 * Return: 0 or a negative errno of memfd_create(), ftruncate() or mmap().
 */
int uvf_barmem_init(struct uvf_pci *pci);
void uvf_barmem_fini(struct uvf_pci *pci);

/* struct uvfio_dev::mem */
void *uvf_barmem_ptr(struct uvfio_dev *dev, unsigned int bar, uint64_t offset);

/* Take clients' mappings away: the next touch of a page is a fault(). */
void uvf_barmem_hide_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);

/* Let clients map again, if decode and power allow it. */
void uvf_barmem_show_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);

#endif /* UVF_PCI_BAR_H */

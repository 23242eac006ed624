/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The capability lists: built into the hardware's config space from the
 * descriptor, and shown to clients without what they must not see.
 */
#ifndef UVF_PCI_CAPS_H
#define UVF_PCI_CAPS_H

#include "pci/pci.h"

#define UVF_CAP_NONE 0xffu /* in uvf_pci::map: no capability, raw access */

/* Sizes in bytes of the structures that uvfio builds itself. */
#define UVF_CAP_PM_SIZE      8u
#define UVF_CAP_MSIX_SIZE    12u
#define UVF_CAP_EXPRESS_SIZE 0x3cu

/* Bytes of the MSI capability of this shape. */
unsigned int uvf_cap_msi_size(const struct uvfio_msi *msi);

/* Put the lists into hw and hw_wmask; nothing is shared yet. */
void uvf_caps_build(struct uvf_pci *pci);
void uvf_ecaps_build(struct uvf_pci *pci);

/*
 * Fill map and vconfig for what is visible.  The lists of the hardware are
 * checked or our own making, so that they end and lie inside config space.
 * The first says whether there may be a list of extended ones.
 */
bool uvf_caps_show_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);
void uvf_ecaps_show_locked(struct uvf_pci *pci) UVF_REQUIRES(pci->model.lock);

/* Give the bytes of one capability to it and copy them from hardware. */
void uvf_caps_claim_locked(struct uvf_pci *pci, unsigned int pos,
			   unsigned int len, uint8_t id)
	UVF_REQUIRES(pci->model.lock);

#endif /* UVF_PCI_CAPS_H */

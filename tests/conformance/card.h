/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine of the device cases: cards of several kinds, each bound to
 * vfio-pci, which has none of the devices of the other cases.
 *
 * nic      e1000e: MSI, MSI-X, an option ROM, an I/O BAR, error reporting
 * fn0 fn1  the same, two functions of one slot and so of one group
 * test_a test_b  pci-testdev: no interrupt and no capability; one group
 * nvme     MSI-X with 65 vectors, a function-level reset, a BAR of 64 bits
 * net      virtio-net: capabilities of the vendor, a BAR of 64 bits
 */
#ifndef CONFORMANCE_CARD_H
#define CONFORMANCE_CARD_H

#include "lib.h"

#define CARDS    (CARDS_END - DEVICES)
#define MSI_CAP  0xd0 /* of the nic */
#define MSIX_CAP 0xa0
#define PM_CAP   0xc8
#define EXP_CAP  0xe0
#define ERRORS   0x100

struct card {
	const char *name;
	unsigned int config_size;
	struct {
		unsigned int size; /* bytes; 0: absent */
		int is_io;
	} bars[6];
};

extern const struct card cards[CARDS]; /* by device - DEVICES */

int has_cards(void);
const struct card *card_of(int dev);

/* "NAME_REST"; valid until the next call. */
const char *card_label(int dev, const char *rest);

/* The device in a container of its own, alone. */
struct session card_session(int dev);

/* Another device of the same group. */
int card_other(const struct session *s, int dev);

/* What an eventfd has now. */
long counted(int fd);

/* What was read from config space, without bits that hardware may lose. */
uint32_t cfg_kept(int dev, unsigned int off, unsigned int size, uint32_t v);

/* The same, without what the firmware chose. */
uint32_t cfg_stable(int dev, unsigned int off, unsigned int size, uint32_t v);

/* An access that may fail, whatever its size. */
long cfg_access(int device, unsigned int off, size_t size, void *data,
		int is_write);

#endif /* CONFORMANCE_CARD_H */

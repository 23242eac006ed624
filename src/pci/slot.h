/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a function is made of, which outlives the function: when somebody
 * writes to its file remove, only the kernel forgets it.  A rescan finds it
 * again under the same address.
 */
#ifndef UVF_PCI_SLOT_H
#define UVF_PCI_SLOT_H

#include "pci/pci.h"

struct uvf_bus;
struct uvf_worker;

struct uvf_pci_slot {
	struct uvf_list node; /* of struct uvf_pci_slots */
	struct uvf_worker *worker;
	const struct uvfio_pci_model *model; /* uvf_pci::given */
	struct uvf_options *options;         /* holds a reference */
	struct uvf_pci_address address;
};

/* The bus's own data; under the machine's rescan_lock. */
struct uvf_pci_slots {
	struct uvf_list removed; /* in the order in which they went */
};

/**
 * uvf_slots_create() - for a new bus
 * Return: NULL when there is no memory.
 */
struct uvf_pci_slots *uvf_slots_create(void);

/* struct uvf_bus_ops: at the end of the machine; nothing is in use. */
void uvf_slots_destroy(struct uvf_bus *bus);

/**
 * uvf_slot_create() - remember what a function is made of
 * Return: NULL when there is no memory.
 */
struct uvf_pci_slot *uvf_slot_create(const struct uvf_pci *pci,
				     struct uvf_worker *worker);
void uvf_slot_destroy(struct uvf_pci_slot *slot); /* takes NULL */

/* struct uvf_bus_device_ops: the kernel forgets a function. */
void uvf_slot_leave(struct uvf_bus_device *bus);

/* struct uvf_bus_ops: what was removed comes back, and is probed. */
void uvf_slots_rescan(struct uvf_bus *bus);

/* Something else is at this address from now on. */
void uvf_slots_forget(struct uvf_bus *bus, const struct uvf_pci_address *at);

#endif /* UVF_PCI_SLOT_H */

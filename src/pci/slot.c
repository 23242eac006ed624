/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/slot.h"

#include <uvfio/device.h>

#include "base/alloc.h"
#include "base/log.h"
#include "bus/bus.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "bus/options.h"
#include "pci/address.h"
#include "pci/device.h"

struct uvf_pci_slots *uvf_slots_create(void)
{
	struct uvf_pci_slots *slots = uvf_zalloc(sizeof(*slots));

	if (slots)
		uvf_list_init(&slots->removed);
	return slots;
}

void uvf_slots_destroy(struct uvf_bus *bus)
{
	struct uvf_pci_slots *slots = bus->data;
	struct uvf_list *node, *tmp;

	uvf_list_for_each_safe (node, tmp, &slots->removed)
		uvf_slot_destroy(
			uvf_list_entry(node, struct uvf_pci_slot, node));
	uvf_free(slots);
}

struct uvf_pci_slot *uvf_slot_create(const struct uvf_pci *pci,
				     struct uvf_worker *worker)
{
	struct uvf_pci_slot *slot = uvf_zalloc(sizeof(*slot));

	if (!slot)
		return NULL;
	uvf_list_init(&slot->node);
	slot->worker = worker;
	slot->model = pci->given;
	slot->options = uvf_options_get(pci->options);
	slot->address = pci->address;
	return slot;
}

void uvf_slot_destroy(struct uvf_pci_slot *slot)
{
	if (!slot)
		return;
	uvf_list_remove(&slot->node);
	uvf_options_put(slot->options);
	uvf_free(slot);
}

void uvf_slot_leave(struct uvf_bus_device *bus)
{
	struct uvf_pci_slots *slots = bus->bus->data;
	struct uvf_pci *pci = uvf_pci_of_bus(bus);

	uvf_list_append(&slots->removed, &pci->slot->node);
	pci->slot = NULL;
}

static bool is_at(const struct uvf_pci_slot *slot,
		  const struct uvf_pci_address *at)
{
	return slot->address.segment == at->segment &&
	       slot->address.bus == at->bus && slot->address.devfn == at->devfn;
}

void uvf_slots_forget(struct uvf_bus *bus, const struct uvf_pci_address *at)
{
	struct uvf_pci_slots *slots = bus->data;
	struct uvf_list *node, *tmp;

	uvf_list_for_each_safe (node, tmp, &slots->removed) {
		struct uvf_pci_slot *slot =
			uvf_list_entry(node, struct uvf_pci_slot, node);

		if (is_at(slot, at))
			uvf_slot_destroy(slot);
	}
}

/* Whether the function is back; what is behind a bridge waits for that. */
static bool bring_back(struct uvf_bus *bus, struct uvf_pci_slot *slot)
{
	struct uvf_bus_device *device;
	struct uvfio_error err = {""};
	char name[32];
	int ret;

	uvf_address_print(name, sizeof(name), &slot->address);
	ret = uvf_pci_create_at(bus->machine, slot->worker, slot->model,
				slot->options, &slot->address, &err);
	if (ret) {
		uvf_log(UVF_LOG_WARNING, "rescan: %s does not come back: %s",
			name, err.text);
		return false;
	}
	uvf_slot_destroy(slot);
	device = uvf_bus_find_device(bus, name);
	(void)uvf_device_attach(device);
	uvf_bus_device_put(device);
	return true;
}

/* Whether the bridge above is there, if there is to be one. */
static bool has_bridge(struct uvf_bus *bus, const struct uvf_pci_slot *slot)
{
	struct uvf_bus_device *bridge;

	if (!uvf_options_find(slot->options, "bridge"))
		return true;
	bridge = uvf_pci_find_bridge(bus->machine, slot->options);
	uvf_bus_device_put(bridge);
	return bridge;
}

void uvf_slots_rescan(struct uvf_bus *bus)
{
	struct uvf_pci_slots *slots = bus->data;
	struct uvf_list *node, *tmp;
	bool has_come;

	/* A bridge left after what was behind it. */
	do {
		has_come = false;
		uvf_list_for_each_safe (node, tmp, &slots->removed) {
			struct uvf_pci_slot *slot =
				uvf_list_entry(node, struct uvf_pci_slot, node);

			if (has_bridge(bus, slot))
				has_come |= bring_back(bus, slot);
		}
	} while (has_come);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/bridge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/pci_regs.h>
#include <uvfio/device.h>

#include "bus/bus.h"
#include "bus/machine.h"
#include "bus/options.h"
#include "pci/address.h"
#include "pci/bar.h"
#include "pci/device.h"

#define BUSES 256

struct uvf_bus_device *uvf_pci_find_bridge(struct uvf_machine *machine,
					   const struct uvf_options *options)
{
	const char *text = uvf_options_find(options, "bridge");
	struct uvf_pci_address address;
	struct uvf_bus_device *bus;
	char name[32];

	if (!text || uvf_address_parse(&address, text))
		return NULL;
	uvf_address_print(name, sizeof(name), &address);
	bus = uvf_bus_find_device(uvf_bus_find(machine, "pci"), name);
	if (bus && uvf_pci_is_bridge(uvf_pci_of_bus(bus)))
		return bus;
	uvf_bus_device_put(bus);
	return NULL;
}

int uvf_bridge_place(struct uvf_pci *pci, struct uvfio_error *err)
{
	const char *text = uvf_options_find(pci->options, "bridge");

	if (!text)
		return 0;
	if (uvf_pci_is_bridge(pci)) {
		uvfio_error_set(err,
				"bridge=%s: a bridge is not put behind "
				"another",
				text);
		return -EINVAL;
	}
	pci->bus.parent = uvf_pci_find_bridge(pci->machine, pci->options);
	if (pci->bus.parent)
		return 0;
	uvfio_error_set(err,
			"bridge=%s: no bridge is there; say -d bridge,addr=%s "
			"before",
			text, text);
	return -EINVAL;
}

struct uvf_pci *uvf_bridge_of(const struct uvf_pci *pci)
{
	return pci->bus.parent ? uvf_pci_of_bus(pci->bus.parent) : NULL;
}

/* Marks the buses that functions of a segment are on, or bridges lead to. */
static void mark_buses(const struct uvf_pci *pci, bool used[BUSES])
{
	struct uvf_list *node;

	used[pci->address.bus] = true;
	uvf_lock(&pci->machine->lock);
	uvf_list_for_each (node, &pci->machine->devices) {
		struct uvf_bus_device *bus = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);
		const struct uvf_pci *other;

		if (!uvf_pci_is(bus))
			continue;
		other = uvf_pci_of_bus(bus);
		if (other->address.segment != pci->address.segment)
			continue;
		used[other->address.bus] = true;
		if (uvf_pci_is_bridge(other))
			used[other->bridge.secondary] = true;
	}
	uvf_unlock(&pci->machine->lock);
}

int uvf_bridge_init(struct uvf_pci *pci, struct uvfio_error *err)
{
	bool used[BUSES] = {false};
	unsigned int number;

	mark_buses(pci, used);
	for (number = pci->address.bus; number < BUSES && used[number];
	     number++)
		;
	if (number == BUSES) {
		uvfio_error_set(err, "%s: no number is free for a bus",
				pci->bus.name);
		return -ENOSPC;
	}
	pci->bridge.secondary = (uint8_t)number;
	pci->bridge.subordinate = (uint8_t)number;
	(void)snprintf(pci->bus.behind, sizeof(pci->bus.behind), "%04x:%02x",
		       pci->address.segment, number);
	return uvf_windows_assign(pci, err);
}

void uvf_bridge_build_header(struct uvf_pci *pci)
{
	const struct uvf_pci_window *io = &pci->bridge.windows[0];
	const struct uvf_pci_window *mem = &pci->bridge.windows[1];
	uint64_t io_last = io->address + io->size - 1;
	uint64_t mem_last = mem->address + mem->size - 1;
	uint8_t *hw = pci->hw;

	hw[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	hw[PCI_PRIMARY_BUS] = pci->address.bus;
	hw[PCI_SECONDARY_BUS] = pci->bridge.secondary;
	hw[PCI_SUBORDINATE_BUS] = pci->bridge.subordinate;
	hw[PCI_IO_BASE] = (uint8_t)(io->address >> 8 & 0xf0);
	hw[PCI_IO_LIMIT] = (uint8_t)(io_last >> 8 & 0xf0);
	uvf_put16(hw + PCI_MEMORY_BASE, (uint16_t)(mem->address >> 16));
	uvf_put16(hw + PCI_MEMORY_LIMIT, (uint16_t)(mem_last >> 16));
	/* No window for what may be prefetched: base above limit. */
	uvf_put16(hw + PCI_PREF_MEMORY_BASE, 0xfff0);
	memset(pci->hw_wmask + PCI_PRIMARY_BUS, 0xff, 3);
	uvf_put16(pci->hw_wmask + PCI_BRIDGE_CONTROL, 0x0fff);
}

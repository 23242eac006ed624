/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/bridge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

bool uvf_bridge_is_conventional(const struct uvf_pci *bridge)
{
	return !bridge->express_offset;
}

/* Whether a function is a bridge, or behind it. */
static bool is_behind(const struct uvf_pci *pci, const struct uvf_pci *bridge)
{
	for (; pci; pci = uvf_bridge_of(pci))
		if (pci == bridge)
			return true;
	return false;
}

bool uvf_bridge_leads_to(const struct uvf_pci *bridge,
			 const struct uvf_pci *pci)
{
	return is_behind(uvf_bridge_of(pci), bridge);
}

/* Marks the buses that functions of a segment are on, or bridges lead to. */
static void mark_buses(const struct uvf_pci *pci, bool used[BUSES])
{
	const struct uvf_pci *above = uvf_bridge_of(pci);
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
		if (!uvf_pci_is_bridge(other))
			continue;
		used[other->bridge.secondary] = true;
		/* What a bridge has in reserve is for those behind it. */
		for (unsigned int i = other->bridge.secondary;
		     !is_behind(above, other) && i <= other->bridge.subordinate;
		     i++)
			used[i] = true;
	}
	uvf_unlock(&pci->machine->lock);
}

/* A number, perhaps with K, M, G or T behind it. */
static int parse_size(const struct uvf_pci *pci, const char *key,
		      uint64_t *size, uint64_t grain, struct uvfio_error *err)
{
	static const char units[] = "KMGT";
	const char *text = uvf_options_find(pci->options, key);
	const char *unit;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	*size = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit && !end[1] && *size < UINT64_C(1) << 23) {
		*size <<= 10 * (unit - units + 1);
		end++;
	}
	if (*text >= '0' && *text <= '9' && !*end && !errno && *size &&
	    !(*size & (*size - 1)) && *size >= grain &&
	    *size <= UINT64_C(1) << 40)
		return 0;
	uvfio_error_set(err,
			"%s=%s: write a power of two from %llu on, such as "
			"64M",
			key, text, (unsigned long long)grain);
	return -EINVAL;
}

static int parse_reserve(const struct uvf_pci *pci, unsigned int *ret_count,
			 struct uvfio_error *err)
{
	const char *text = uvf_options_find(pci->options, "bus-reserve");
	char *end;

	*ret_count = 0;
	if (!text)
		return 0;
	*ret_count = (unsigned int)strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && *ret_count < BUSES)
		return 0;
	uvfio_error_set(err, "bus-reserve=%s: write a number from 0 to 255",
			text);
	return -EINVAL;
}

/* A bus of its own, and as many as are to be kept for bridges behind it. */
static int number_buses(struct uvf_pci *pci, struct uvfio_error *err)
{
	const struct uvf_pci *above = uvf_bridge_of(pci);
	unsigned int last = above ? above->bridge.subordinate : BUSES - 1;
	unsigned int first = pci->address.bus;
	unsigned int reserve, free = 0;
	bool used[BUSES] = {false};
	int ret = parse_reserve(pci, &reserve, err);

	if (ret)
		return ret;
	mark_buses(pci, used);
	for (unsigned int i = first; i <= last && free <= reserve; i++) {
		free = used[i] ? 0 : free + 1;
		first = i;
	}
	if (free <= reserve && above) {
		uvfio_error_set(err,
				"%s: no number is free for a bus behind %s; "
				"that wants bus-reserve=N",
				pci->bus.name, above->bus.name);
		return -ENOSPC;
	}
	if (free <= reserve) {
		uvfio_error_set(err, "%s: no number is free for a bus",
				pci->bus.name);
		return -ENOSPC;
	}
	pci->bridge.subordinate = (uint8_t)first;
	pci->bridge.secondary = (uint8_t)(first - reserve);
	(void)snprintf(pci->bus.behind, sizeof(pci->bus.behind), "%04x:%02x",
		       pci->address.segment, pci->bridge.secondary);
	return 0;
}

/* How much a bridge passes on, unless its keys say otherwise. */
#define MEMORY_DEFAULT (16u << 20) /* of one on a root bus */
#define MEMORY_NESTED  (4u << 20)
#define IO_SIZE        0x1000u
#define MEMORY_GRAIN   (1u << 20)

int uvf_bridge_init(struct uvf_pci *pci, struct uvfio_error *err)
{
	uint64_t sizes[UVF_PCI_WINDOWS] = {
		IO_SIZE,
		uvf_bridge_of(pci) ? MEMORY_NESTED : MEMORY_DEFAULT,
		0,
	};
	int ret = number_buses(pci, err);

	if (!ret)
		ret = parse_size(pci, "io-reserve", &sizes[UVF_PCI_WINDOW_IO],
				 IO_SIZE, err);
	if (!ret)
		ret = parse_size(pci, "mem-reserve",
				 &sizes[UVF_PCI_WINDOW_MEMORY], MEMORY_GRAIN,
				 err);
	if (!ret)
		ret = parse_size(pci, "pref64-reserve",
				 &sizes[UVF_PCI_WINDOW_PREFETCH], MEMORY_GRAIN,
				 err);
	return ret ? ret : uvf_windows_assign(pci, sizes, err);
}

/* The end of a window as its register has it; 0 when there is none. */
static uint64_t last_of(const struct uvf_pci_window *window)
{
	return window->size ? window->address + window->size - 1 : 0;
}

void uvf_bridge_build_header(struct uvf_pci *pci)
{
	const struct uvf_pci_window *windows = pci->bridge.windows;
	const struct uvf_pci_window *io = &windows[UVF_PCI_WINDOW_IO];
	const struct uvf_pci_window *mem = &windows[UVF_PCI_WINDOW_MEMORY];
	const struct uvf_pci_window *pref = &windows[UVF_PCI_WINDOW_PREFETCH];
	uint8_t *hw = pci->hw;

	hw[PCI_HEADER_TYPE] |= PCI_HEADER_TYPE_BRIDGE;
	hw[PCI_PRIMARY_BUS] = pci->address.bus;
	hw[PCI_SECONDARY_BUS] = pci->bridge.secondary;
	hw[PCI_SUBORDINATE_BUS] = pci->bridge.subordinate;
	/* No window: base above limit. */
	hw[PCI_IO_BASE] = io->size ? (uint8_t)(io->address >> 8 & 0xf0) : 0xf0;
	hw[PCI_IO_LIMIT] = (uint8_t)(last_of(io) >> 8 & 0xf0);
	uvf_put16(hw + PCI_MEMORY_BASE, (uint16_t)(mem->address >> 16));
	uvf_put16(hw + PCI_MEMORY_LIMIT,
		  (uint16_t)(last_of(mem) >> 16 & 0xfff0));
	if (pref->size) {
		uvf_put16(hw + PCI_PREF_MEMORY_BASE,
			  (uint16_t)(pref->address >> 16) |
				  PCI_PREF_RANGE_TYPE_64);
		uvf_put16(hw + PCI_PREF_MEMORY_LIMIT,
			  (uint16_t)(last_of(pref) >> 16 & 0xfff0) |
				  PCI_PREF_RANGE_TYPE_64);
		uvf_put32(hw + PCI_PREF_BASE_UPPER32,
			  (uint32_t)(pref->address >> 32));
		uvf_put32(hw + PCI_PREF_LIMIT_UPPER32,
			  (uint32_t)(last_of(pref) >> 32));
	} else {
		uvf_put16(hw + PCI_PREF_MEMORY_BASE, 0xfff0);
	}
	memset(pci->hw_wmask + PCI_PRIMARY_BUS, 0xff, 3);
	uvf_put16(pci->hw_wmask + PCI_BRIDGE_CONTROL, 0x0fff);
}

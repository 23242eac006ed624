/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/machine.h"
#include "pci/bridge.h"

#define SLOTS      32u
#define BUSES      256u
#define FIRST_SLOT 3u

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Exactly @len hexadecimal digits; -1 when there are others. */
static int number(const char *text, size_t len)
{
	int value = 0;

	for (size_t i = 0; i < len; i++) {
		int d = digit(text[i]);

		if (d < 0)
			return -1;
		value = value << 4 | d;
	}
	return value;
}

int uvf_address_parse(struct uvf_pci_address *ret_address, const char *text)
{
	size_t len = strlen(text);
	int segment = 0;
	int bus, slot, function;

	if (len == 12) {
		segment = number(text, 4);
		if (text[4] != ':')
			return -EINVAL;
		text += 5;
	} else if (len != 7) {
		return -EINVAL;
	}
	bus = number(text, 2);
	slot = number(text + 3, 2);
	function = number(text + 6, 1);
	if (segment < 0 || bus < 0 || slot < 0 || slot >= (int)SLOTS ||
	    function < 0 || function > 7 || text[2] != ':' || text[5] != '.')
		return -EINVAL;
	ret_address->segment = (uint16_t)segment;
	ret_address->bus = (uint8_t)bus;
	ret_address->devfn = (uint8_t)(slot << 3 | function);
	return 0;
}

/* Which device numbers of segment 0, or of a bridge's, are taken. */
static void mark_used(struct uvf_machine *machine, uint16_t segment,
		      uint32_t used[BUSES])
{
	struct uvf_list *node;

	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &machine->devices) {
		struct uvf_bus_device *bus = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);
		const struct uvf_pci *pci;

		if (!uvf_pci_is(bus))
			continue;
		pci = uvf_pci_of_bus(bus);
		if (pci->address.segment != segment)
			continue;
		used[pci->address.bus] |= UINT32_C(1)
					  << (pci->address.devfn >> 3);
		/* What is behind a bridge is asked for by naming it. */
		for (unsigned int i = pci->bridge.secondary;
		     uvf_pci_is_bridge(pci) && i <= pci->bridge.subordinate;
		     i++)
			used[i] = UINT32_MAX;
	}
	uvf_unlock(&machine->lock);
}

/* Behind a bridge, from device 0 on. */
static int find_behind(struct uvf_pci_address *ret_address,
		       struct uvf_machine *machine,
		       const struct uvf_pci *bridge)
{
	const uint8_t number = bridge->bridge.secondary;
	char name[32];

	ret_address->segment = bridge->address.segment;
	ret_address->bus = number;
	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		struct uvf_bus_device *other;

		ret_address->devfn = (uint8_t)(slot << 3);
		uvf_address_print(name, sizeof(name), ret_address);
		other = uvf_machine_find(machine, name);
		if (!other)
			return 0;
		uvf_bus_device_put(other);
	}
	return -ENOSPC;
}

int uvf_address_find_free(struct uvf_pci_address *ret_address,
			  struct uvf_machine *machine,
			  const struct uvf_pci *bridge)
{
	uint32_t used[BUSES] = {0};

	if (bridge)
		return find_behind(ret_address, machine, bridge);
	mark_used(machine, 0, used);
	for (unsigned int i = FIRST_SLOT; i < BUSES * SLOTS; i++) {
		if (used[i / SLOTS] >> i % SLOTS & 1)
			continue;
		ret_address->segment = 0;
		ret_address->bus = (uint8_t)(i / SLOTS);
		ret_address->devfn = (uint8_t)(i % SLOTS << 3);
		return 0;
	}
	return -ENOSPC;
}

void uvf_address_print(char *buf, size_t size,
		       const struct uvf_pci_address *address)
{
	snprintf(buf, size, "%04x:%02x:%02x.%u", address->segment, address->bus,
		 address->devfn >> 3, address->devfn & 7u);
}

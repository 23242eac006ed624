/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/machine.h"

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

int uvf_address_find_free(struct uvf_pci_address *ret_address,
			  struct uvf_machine *machine)
{
	uint32_t used[BUSES] = {0};
	struct uvf_list *node;

	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &machine->devices) {
		struct uvf_bus_device *bus = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);
		const struct uvf_pci_address *at;

		if (!uvf_pci_is(bus))
			continue;
		at = &uvf_pci_of_bus(bus)->address;
		if (!at->segment)
			used[at->bus] |= UINT32_C(1) << (at->devfn >> 3);
	}
	uvf_unlock(&machine->lock);
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

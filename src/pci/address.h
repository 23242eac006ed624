/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a function sits: segment, bus, slot, function.
 */
#ifndef UVF_PCI_ADDRESS_H
#define UVF_PCI_ADDRESS_H

#include "pci/pci.h"

/**
 * uvf_address_parse() - read [DDDD:]BB:DD.F, hexadecimal
 * Return: 0, or -EINVAL and *ret_address untouched.
 */
int uvf_address_parse(struct uvf_pci_address *ret_address, const char *text);

/**
 * uvf_address_find_free() - the lowest slot nobody uses
 * @bridge: behind which; NULL: behind none, from 0000:00:03.0 on
 * Return: 0 or -ENOSPC.
 */
int uvf_address_find_free(struct uvf_pci_address *ret_address,
			  struct uvf_machine *machine,
			  const struct uvf_pci *bridge);

/* "0000:00:03.0" into a buffer of size bytes. */
void uvf_address_print(char *buf, size_t size,
		       const struct uvf_pci_address *address);

#endif /* UVF_PCI_ADDRESS_H */

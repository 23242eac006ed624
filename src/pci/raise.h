/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts that somebody else than the model asks for.
 */
#ifndef UVF_PCI_RAISE_H
#define UVF_PCI_RAISE_H

struct uvf_bus_device;
struct uvfio_error;

/**
 * uvf_pci_raise() - let a function interrupt, as its model would
 * @what: the number of a vector of MSI-X or MSI, or on or off for the line of
 *        INTx
 * @err:  says why not
 *
 * Return: 0, or, in the order they are tested:
 *   -ENODEV   it is no PCI function
 *   -EINVAL   @what is none of these, or of an interrupt that it has not
 *   -EPERM    bus mastering is off: the message is lost
 *   -ENXIO    neither MSI-X nor MSI is enabled: nothing is sent
 */
int uvf_pci_raise(struct uvf_bus_device *bus, const char *what,
		  struct uvfio_error *err);

#endif /* UVF_PCI_RAISE_H */

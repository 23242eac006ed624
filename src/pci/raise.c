/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/raise.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pci/device.h"
#include "pci/pci.h"

#define DIGITS 4 /* of the highest vector */

static unsigned int vectors_of(const struct uvf_pci *pci)
{
	unsigned int msi =
		pci->desc->msi.offset ? 1u << pci->desc->msi.log2_vectors : 0;

	return pci->msix.count > msi ? pci->msix.count : msi;
}

static int drive_line(struct uvf_pci *pci, bool level, struct uvfio_error *err)
{
	struct uvfio_dev *dev = &pci->model;

	if (!pci->desc->intx_pin) {
		uvfio_error_set(err, "%s has no INTx", pci->bus.name);
		return -EINVAL;
	}
	uvf_lock(&dev->lock);
	uvfio_intx_set(dev, level);
	uvf_unlock(&dev->lock);
	return 0;
}

static int send_message(struct uvf_pci *pci, unsigned int vector,
			struct uvfio_error *err)
{
	struct uvfio_dev *dev = &pci->model;
	int ret;

	uvf_lock(&dev->lock);
	ret = uvfio_vector_send(dev, vector);
	uvf_unlock(&dev->lock);
	if (ret == -EPERM) {
		uvfio_error_set(err,
				"%s is no bus master: its driver has not "
				"enabled it",
				pci->bus.name);
	} else if (ret) {
		ret = -ENXIO;
		uvfio_error_set(err, "%s has neither MSI-X nor MSI enabled",
				pci->bus.name);
	}
	return ret;
}

static int raise_vector(struct uvf_pci *pci, const char *what,
			struct uvfio_error *err)
{
	unsigned int count = vectors_of(pci);
	size_t len = strspn(what, "0123456789");
	unsigned long vector = strtoul(what, NULL, 10);

	if (len && len <= DIGITS && !what[len] && vector < count)
		return send_message(pci, (unsigned int)vector, err);
	if (count)
		uvfio_error_set(err,
				"'%.20s' is no interrupt of %s; write on, off "
				"or a vector from 0 to %u",
				what, pci->bus.name, count - 1);
	else
		uvfio_error_set(err,
				"'%.20s' is no interrupt of %s; write on or "
				"off",
				what, pci->bus.name);
	return -EINVAL;
}

int uvf_pci_raise(struct uvf_bus_device *bus, const char *what,
		  struct uvfio_error *err)
{
	struct uvf_pci *pci;

	if (!uvf_pci_is(bus)) {
		uvfio_error_set(err, "%s is no PCI function", bus->name);
		return -ENODEV;
	}
	pci = uvf_pci_of_bus(bus);
	if (!strcmp(what, "on") || !strcmp(what, "off"))
		return drive_line(pci, !strcmp(what, "on"), err);
	return raise_vector(pci, what, err);
}

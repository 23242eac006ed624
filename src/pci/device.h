/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PCI function of the machine, and what vfio-pci makes of it.
 */
#ifndef UVF_PCI_DEVICE_H
#define UVF_PCI_DEVICE_H

#include <uvfio/pci.h>

struct uvf_bus_device;
struct uvf_machine;
struct uvf_options;
struct uvf_pci;
struct uvf_vfio;
struct uvf_worker;

/**
 * uvf_pci_init() - give a machine its PCI bus
 * @vfio: with which the driver vfio-pci registers functions
 * Comes with the drivers pcieport, pci-stub and vfio-pci.
 * Return: 0 or -ENOMEM; then uvf_machine_fini() cleans up.
 */
int uvf_pci_init(struct uvf_machine *machine, struct uvf_vfio *vfio);

/**
 * uvf_pci_create() - build a function and add it to the machine
 * @machine: on success owns the function
 * @worker:  device thread of the machine
 * @model:   descriptor of the model
 * @options: on success owned by the function; generic keys addr and group
 *           are used here, all others are the model's
 * @err:     says what is wrong
 *
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  a key is unknown, or addr or group is malformed
 *   -EEXIST  two devices on one address
 *   -ENOMEM  out of memory
 *   or what the model's init() returned
 */
int uvf_pci_create(struct uvf_machine *machine, struct uvf_worker *worker,
		   const struct uvfio_pci_model *model,
		   struct uvf_options *options, struct uvfio_error *err);

/**
 * uvf_pci_bind() - let drivers take the functions of the machine
 * The driver key of each function decides: vfio-pci registers it with VFIO,
 * none leaves it alone, any other name is a driver of the host.
 * Return: 0 or a negative errno of a probe.
 */
int uvf_pci_bind(struct uvf_machine *machine);

/* The same for one function. */
int uvf_pci_bind_by_key(struct uvf_bus_device *bus);

#endif /* UVF_PCI_DEVICE_H */

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
struct uvf_pci_address;
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
 * @options: on success the function has a reference of its own; generic
 *           keys are used here, all others are the model's
 * @ret_device: written on success, a reference
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
		   struct uvf_options *options,
		   struct uvf_bus_device **ret_device, struct uvfio_error *err);

/**
 * uvf_pci_create_at() - the same, at an address that is free
 * @options: on success the function has a reference of its own
 * @at:      instead of what @options say
 */
int uvf_pci_create_at(struct uvf_machine *machine, struct uvf_worker *worker,
		      const struct uvfio_pci_model *model,
		      struct uvf_options *options,
		      const struct uvf_pci_address *at,
		      struct uvfio_error *err);

/**
 * uvf_pci_create_vf() - build a virtual function and add it to the machine
 * @index:      from 0; its address exists
 * @ret_device: written on success, a reference
 * No driver is asked yet.
 * Return: 0 or as uvf_pci_create().
 */
int uvf_pci_create_vf(struct uvf_pci *pf, unsigned int index,
		      struct uvf_bus_device **ret_device,
		      struct uvfio_error *err);

/* The bridge that the key bridge names, with a reference, or NULL. */
struct uvf_bus_device *uvf_pci_find_bridge(struct uvf_machine *machine,
					   const struct uvf_options *options);

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

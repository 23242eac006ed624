/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine: a pretended host with devices, and VFIO to reach them.
 */
#ifndef UVFIO_MACHINE_H
#define UVFIO_MACHINE_H

#include <uvfio/device.h>
#include <uvfio/pci.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvfio_machine;

struct uvfio_machine_params {
	/* Kernel profile, NAME[,SWITCH=VALUE]...; NULL: the default, 6.12. */
	const char *abi;
	const char *host; /* "aperture=48,iommu=intel"; NULL: the default */
	/* Device specifications, MODEL[,KEY=VALUE]...; ends with NULL. */
	const char *const *devices;
	bool may_spin; /* a processor is free for polling */
};

/**
 * uvfio_machine_create() - build a machine
 * @ret_machine: written on success; the caller destroys it
 * @params:      what it is made of; not used after the call
 * @err:         one line on what is wrong and what would be right
 *
 * Return: 0, or a negative errno: -EINVAL for what is wrong in @params,
 * -EEXIST for two devices on one address, or what a model's init() said.
 */
int uvfio_machine_create(struct uvfio_machine **ret_machine,
			 const struct uvfio_machine_params *params,
			 struct uvfio_error *err);

/**
 * uvfio_machine_plug() - put one more device into a machine in use
 * @spec: MODEL[,KEY=VALUE]..., as at the start; the key driver binds it
 * @err:  one line on what is wrong and what would be right
 *
 * Return: 0, or a negative errno as uvfio_machine_create(), or why the
 * driver does not take it: then the device is there without one.
 */
int uvfio_machine_plug(struct uvfio_machine *machine, const char *spec,
		       struct uvfio_error *err);

/**
 * uvfio_machine_unplug() - take a device out of a machine in use
 * @name: its address, "0000:00:03.0"
 *
 * Waits until nobody uses it.  It comes back with uvfio_machine_rescan(), as
 * after writing to its file remove.
 *
 * Return: 0 or -ENODEV.
 */
int uvfio_machine_unplug(struct uvfio_machine *machine, const char *name);

/** uvfio_machine_rescan() - bring back what was unplugged */
void uvfio_machine_rescan(struct uvfio_machine *machine);

/* Nothing of it is open any more.  Takes NULL. */
void uvfio_machine_destroy(struct uvfio_machine *machine);

/** uvfio_model_at() - the models by number, NULL after the last */
const struct uvfio_pci_model *uvfio_model_at(unsigned int index);

#ifdef __cplusplus
}
#endif

#endif /* UVFIO_MACHINE_H */

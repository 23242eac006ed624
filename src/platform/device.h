/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A platform device of the machine, and what vfio-platform makes of it.
 */
#ifndef UVF_PLATFORM_DEVICE_H
#define UVF_PLATFORM_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <uvfio/platform.h>

struct uvf_bus_device;
struct uvf_machine;
struct uvf_options;
struct uvf_vfio;
struct uvf_worker;

/**
 * uvf_platform_create() - build a device and add it to the machine
 * @machine: on success owns the device; it gets the bus with the first one
 * @vfio:    with which the driver vfio-platform registers devices
 * @worker:  device thread of the machine
 * @model:   descriptor of the model
 * @options: on success the device has a reference of its own; keys addr,
 *           group, iommu, driver and reset are handled here
 * @ret_device: written on success, with a reference: it has no driver yet
 * @err:     one line on what is wrong
 *
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  the profile's kernel has no vfio-platform, the descriptor or a
 *            key is wrong
 *   -ENOMEM  out of memory
 *   -EEXIST  another device is at this address
 *   -ENOSPC  no address is free
 *   or what the model's init() returned
 */
int uvf_platform_create(struct uvf_machine *machine, struct uvf_vfio *vfio,
			struct uvf_worker *worker,
			const struct uvfio_platform_model *model,
			struct uvf_options *options,
			struct uvf_bus_device **ret_device,
			struct uvfio_error *err);

/* Whether a device of the machine is one of ours. */
bool uvf_platform_is(const struct uvf_bus_device *bus);

/* The model of one of ours, and where it is. */
const struct uvfio_platform_model *
uvf_platform_model(struct uvf_bus_device *bus);
uint64_t uvf_platform_address(struct uvf_bus_device *bus);

/**
 * uvf_platform_bind() - give devices without a driver what driver= says
 * uvf_platform_bind_by_key() - the same for one device
 * Return: 0, -ENOMEM, or what the driver's probe said.
 */
int uvf_platform_bind(struct uvf_machine *machine);
int uvf_platform_bind_by_key(struct uvf_bus_device *bus);

#endif /* UVF_PLATFORM_DEVICE_H */

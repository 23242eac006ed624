/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The platform bus of a machine, and the drivers on it.
 */
#ifndef UVF_PLATFORM_DRIVER_H
#define UVF_PLATFORM_DRIVER_H

struct uvf_bus;
struct uvf_bus_device;
struct uvf_driver_ops;
struct uvf_machine;
struct uvf_vfio;

/**
 * uvf_platform_obtain_bus() - the bus, made when it is not there
 * @vfio: with which the driver vfio-platform registers devices
 * Return: 0 or -ENOMEM.
 */
int uvf_platform_obtain_bus(struct uvf_machine *machine, struct uvf_vfio *vfio,
			    struct uvf_bus **ret_bus);

/* v02.c: vfio-platform as the ABI of 2011 has it. */
extern const struct uvf_driver_ops uvf_platform_v02_driver_ops;
void uvf_platform_v02_added(struct uvf_bus_device *device);
void uvf_platform_v02_removed(struct uvf_bus_device *device);

#endif /* UVF_PLATFORM_DRIVER_H */

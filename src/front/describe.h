/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a machine holds, as JSON: devices, their drivers and IOMMU groups, and
 * what their configuration space says.
 */
#ifndef UVF_FRONT_DESCRIBE_H
#define UVF_FRONT_DESCRIBE_H

#include <jansson.h>

struct uvfio_machine;

/**
 * uvf_describe_machine() - all devices of a machine
 *
 * An object: "abi", the name of the profile, and "devices", an array in the
 * order of bus addresses, of objects with
 *   "address", "model" (or null), "group" (a number or null), "driver" (or
 *   null), "vendor", "device" and "class" (as in /sys), "bars" ("bar",
 *   "space", "address", "size" in bytes, "is_64bit", "is_prefetchable") and
 *   "capabilities" ("offset", "id", "name" or null, "is_extended").
 * Return: a new reference, or NULL when memory is short.
 */
json_t *uvf_describe_machine(struct uvfio_machine *machine);

#endif /* UVF_FRONT_DESCRIBE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device is, and which devices a driver takes: vendor and device,
 * those of the subsystem, and the class.
 */
#ifndef UVF_BUS_ID_H
#define UVF_BUS_ID_H

#include <stdbool.h>
#include <stdint.h>

#define UVF_ID_ANY UINT32_MAX /* any vendor, device, subvendor, subdevice */

struct uvf_bus_id {
	uint32_t vendor;
	uint32_t device;
	uint32_t subvendor;
	uint32_t subdevice;
	uint32_t class_code; /* 24 bits */
	uint32_t class_mask; /* of a driver's id; 0: any class */
	uint64_t data;       /* the driver's own */
};

/**
 * uvf_id_match() - whether an id of a driver means a device
 * @id:   may hold UVF_ID_ANY
 * @what: the device, or another id, as new_id compares them
 */
bool uvf_id_match(const struct uvf_bus_id *id, const struct uvf_bus_id *what);

/**
 * uvf_id_parse() - the fields of new_id and remove_id
 * @ret_id: fields that are not given mean any
 * @text:   "vendor device [subvendor subdevice class class_mask data]", hex
 * Return: the number of fields that were read.
 */
int uvf_id_parse(struct uvf_bus_id *ret_id, const char *text);

#endif /* UVF_BUS_ID_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device of the machine, with or without a driver.
 */
#ifndef UVF_BUS_DEVICE_H
#define UVF_BUS_DEVICE_H

#include "base/list.h"

struct uvf_bus_device;
struct uvf_iommu_group;

/* What sysfs shows of one file of a device; content is written to buf. */
struct uvf_bus_attr {
	const char *name;
	/* Bytes written, binary allowed; at most size. */
	size_t (*show)(struct uvf_bus_device *device, void *buf, size_t size);
	unsigned int mode; /* permission bits */
};

struct uvf_bus_device_ops {
	const struct uvf_bus_attr *attrs; /* ends with a NULL name */
	void (*destroy)(struct uvf_bus_device *device);
};

/* Embedded by the bus's device (struct uvf_pci). */
struct uvf_bus_device {
	const struct uvf_bus_device_ops *ops;
	char name[32];                 /* "0000:00:03.0" */
	struct uvf_iommu_group *group; /* NULL: none */
	struct uvf_list group_node;
	struct uvf_list machine_node;
	const char *driver; /* name, NULL: driverless; see bus/driver.h */
};

#endif /* UVF_BUS_DEVICE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/class.h"

#include <stdio.h>

#include "bus/device.h"
#include "core/device.h"
#include "core/vfio.h"

void uvf_class_group_pairs(char ret_pairs[UVF_CLASS_PAIRS], unsigned int minor,
			   const char *name)
{
	(void)snprintf(ret_pairs, UVF_CLASS_PAIRS,
		       "MAJOR=%u\nMINOR=%u\nDEVNAME=vfio/%s\n", UVF_GROUP_MAJOR,
		       minor, name);
}

void uvf_class_device_pairs(char ret_pairs[UVF_CLASS_PAIRS], unsigned int index,
			    bool has_cdev)
{
	ret_pairs[0] = '\0';
	if (has_cdev)
		(void)snprintf(ret_pairs, UVF_CLASS_PAIRS,
			       "MAJOR=%u\nMINOR=%u\n"
			       "DEVNAME=vfio/devices/vfio%u\n",
			       UVF_CDEV_MAJOR, index, index);
}

void uvf_class_emit_group(struct uvf_machine *machine,
			  enum uvf_uevent_action action, unsigned int minor,
			  const char *name)
{
	char path[64], pairs[UVF_CLASS_PAIRS];

	(void)snprintf(path, sizeof(path), "devices/virtual/vfio/%s", name);
	uvf_class_group_pairs(pairs, minor, name);
	uvf_uevent_emit(machine, action, path, "vfio", pairs);
}

void uvf_class_emit_device(struct uvf_device *device,
			   enum uvf_uevent_action action)
{
	char parent[UVF_BUS_PATH], path[UVF_BUS_PATH + 24];
	char pairs[UVF_CLASS_PAIRS];
	bool has_cdev;

	uvf_lock(&device->vfio->lock);
	has_cdev = device->has_cdev && device->vfio->has_cdev;
	uvf_unlock(&device->vfio->lock);
	uvf_bus_device_path(device->bus_device, parent);
	(void)snprintf(path, sizeof(path), "%s/vfio-dev/vfio%u", parent,
		       device->index);
	uvf_class_device_pairs(pairs, device->index, has_cdev);
	uvf_uevent_emit(device->vfio->machine, action, path, "vfio-dev", pairs);
}

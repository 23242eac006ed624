/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The class devices that VFIO makes, of groups and of devices: what their
 * files uevent say, and the uevents when they come and go.
 */
#ifndef UVF_CORE_CLASS_H
#define UVF_CORE_CLASS_H

#include <stdbool.h>

#include "bus/uevent.h"

struct uvf_device;
struct uvf_machine;

/* Dynamic on a real kernel; this is what Debian's gives with few modules. */
#define UVF_GROUP_MAJOR 245
#define UVF_CDEV_MAJOR  244

/* Bytes of the lines of a class device, final NUL included. */
#define UVF_CLASS_PAIRS 96

/* The lines of a group's, by the name of its node below /dev/vfio. */
void uvf_class_group_pairs(char ret_pairs[UVF_CLASS_PAIRS], unsigned int minor,
			   const char *name);

/* The lines of vfioN; none without a character device. */
void uvf_class_device_pairs(char ret_pairs[UVF_CLASS_PAIRS], unsigned int index,
			    bool has_cdev);

/* ADD or REMOVE of a group, as above. */
void uvf_class_emit_group(struct uvf_machine *machine,
			  enum uvf_uevent_action action, unsigned int minor,
			  const char *name);

/* ADD or REMOVE of vfioN of a device. */
void uvf_class_emit_device(struct uvf_device *device,
			   enum uvf_uevent_action action);

#endif /* UVF_CORE_CLASS_H */

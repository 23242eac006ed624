/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ioctl of a device file that the core answers itself; the others are
 * the bus driver's (struct uvf_device_ops).
 */
#ifndef UVF_CORE_IOCTL_H
#define UVF_CORE_IOCTL_H

#include <linux/vfio.h>

struct uvf_caller;
struct uvf_file;

/* VFIO_DEVICE_FEATURE; see uvf_device_feature(). */
long device_ioctl_feature(struct uvf_file *file, struct uvf_caller *caller,
			  unsigned int cmd, unsigned long arg);

#endif /* UVF_CORE_IOCTL_H */

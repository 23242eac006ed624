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

/*
 * What the core does not know: the driver's own, -ENOTTY, or -EINVAL of a
 * driver that knows no ioctl at all.
 */
long device_ioctl_other(struct uvf_file *file, struct uvf_caller *caller,
			unsigned int cmd, unsigned long arg);

/* VFIO_DEVICE_FEATURE; see uvf_device_feature(). */
long device_ioctl_feature(struct uvf_file *file, struct uvf_caller *caller,
			  unsigned int cmd, unsigned long arg);

/* In linux/vfio.h since 6.6. */
#ifndef VFIO_DEVICE_BIND_IOMMUFD
#define VFIO_DEVICE_BIND_IOMMUFD      _IO(VFIO_TYPE, VFIO_BASE + 18)
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
#define VFIO_DEVICE_DETACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 20)
#endif

/* Of a character device, in core/cdev.c. */
long device_ioctl_bind_iommufd(struct uvf_file *file, struct uvf_caller *caller,
			       unsigned int cmd, unsigned long arg);
long device_ioctl_attach_iommufd_pt(struct uvf_file *file,
				    struct uvf_caller *caller, unsigned int cmd,
				    unsigned long arg);
long device_ioctl_detach_iommufd_pt(struct uvf_file *file,
				    struct uvf_caller *caller, unsigned int cmd,
				    unsigned long arg);

#endif /* UVF_CORE_IOCTL_H */

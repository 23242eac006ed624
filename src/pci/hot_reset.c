/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets of a slot or bus.  Every function sits on a root bus, and a root
 * bus cannot be reset: both ioctls end there, after their checks.
 */
#include <errno.h>
#include <stddef.h>

#include "base/profile.h"
#include "pci/handlers.h"

#define INFO_SIZE  offsetof(struct vfio_pci_hot_reset_info, devices)
#define RESET_SIZE offsetof(struct vfio_pci_hot_reset, group_fds)

/*
 * VFIO_DEVICE_GET_PCI_HOT_RESET_INFO.
 *
 * Source: drivers/vfio/pci/vfio_pci_core.c, Linux 6.12.
 * Return: in the order they are tested:
 *   -EFAULT  the header cannot be read
 *   -EINVAL  argsz too small
 *   -ENODEV  neither slot nor bus can be reset
 */
long pci_ioctl_get_pci_hot_reset_info(struct uvf_device *device,
				      struct uvf_caller *caller,
				      unsigned long arg)
{
	struct vfio_pci_hot_reset_info hdr;

	if (uvf_copy_in(caller, &hdr, arg, INFO_SIZE))
		return -EFAULT;
	if (hdr.argsz < INFO_SIZE)
		return -EINVAL;
	uvf_low_power_resume(uvf_pci_of(device));
	uvf_low_power_suspend(uvf_pci_of(device));
	return -ENODEV;
}

/*
 * VFIO_DEVICE_PCI_HOT_RESET.
 *
 * Source: as above.
 * Return: in the order they are tested:
 *   -EFAULT  the header cannot be read
 *   -EINVAL  argsz too small, flags
 *   -EINVAL  no groups are given (before 6.3: after the next)
 *   -ENODEV  neither slot nor bus can be reset
 */
long pci_ioctl_pci_hot_reset(struct uvf_device *device,
			     struct uvf_caller *caller, unsigned long arg)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	struct vfio_pci_hot_reset hdr;

	if (uvf_copy_in(caller, &hdr, arg, RESET_SIZE))
		return -EFAULT;
	if (hdr.argsz < RESET_SIZE || hdr.flags)
		return -EINVAL;
	uvf_low_power_resume(pci);
	uvf_low_power_suspend(pci);
	if (!pci->profile->hot_reset_checks_bus_first && !hdr.count)
		return -EINVAL;
	return -ENODEV;
}

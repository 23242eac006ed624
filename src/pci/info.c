/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "base/profile.h"
#include "pci/handlers.h"

/* The struct of Linux 6.12, whatever the headers here know. */
struct device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
	uint32_t cap_offset;
	uint32_t pad;
};
static_assert(sizeof(struct device_info) == 24, "ABI");

#define MIN_SIZE offsetof(struct device_info, cap_offset)
#define OLD_SIZE offsetof(struct device_info, pad)

/*
 * VFIO_DEVICE_GET_INFO.
 *
 * Source: drivers/vfio/pci/vfio_pci_core.c, Linux 6.12.
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the first 16 bytes cannot be read
 *   -EINVAL  argsz too small
 *   -EFAULT  the struct cannot be written
 */
long pci_ioctl_get_info(struct uvf_device *device, struct uvf_caller *caller,
			unsigned long arg)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	struct device_info info = {0};
	size_t size;

	if (uvf_copy_in(caller, &info, arg, MIN_SIZE))
		return -EFAULT;
	if (info.argsz < MIN_SIZE)
		return -EINVAL;
	if (pci->profile->device_info_copies_any_length)
		size = info.argsz < sizeof(info) ? info.argsz : sizeof(info);
	else
		size = info.argsz < OLD_SIZE ? MIN_SIZE : OLD_SIZE;
	info.flags = VFIO_DEVICE_FLAGS_PCI;
	if (pci->has_reset)
		info.flags |= VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = uvf_regions_count(pci);
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return uvf_copy_out(caller, arg, &info, size) ? -EFAULT : 0;
}

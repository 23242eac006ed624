/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio-pci as the ABI of 2011 has it: other ioctls to the same function.
 *
 * Source: the vfio-pci driver that came with the proposal of VFIO v0.2.
 */
#include "pci/v02.h"

#include <errno.h>
#include <stddef.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "base/alloc.h"
#include "bus/driver.h"
#include "pci/bar.h"
#include "pci/driver.h"
#include "pci/handlers.h"
#include "pci/irqs.h"
#include "v02/abi.h"
#include "v02/bound.h"
#include "v02/v02.h"

/* Regions and interrupts have kept their numbers. */
static_assert((int)V02_PCI_CONFIG_REGION == (int)VFIO_PCI_CONFIG_REGION_INDEX &&
		      (int)V02_PCI_ROM_REGION ==
			      (int)VFIO_PCI_ROM_REGION_INDEX &&
		      (int)V02_PCI_MSIX_IRQ == (int)VFIO_PCI_MSIX_IRQ_INDEX,
	      "regions and interrupts are passed on as they come");

#define HEADER_KIND 0x7f /* without the bit for more functions */

/* What a region is like, behind its index; -EINVAL: there is none. */
static int describe_region(const struct uvf_pci *pci,
			   struct v02_region_info *info)
{
	if (info->index >= V02_PCI_NUM_REGIONS)
		return -EINVAL;
	info->size = 0;
	info->offset = (uint64_t)info->index << UVF_PCI_OFFSET_SHIFT;
	info->flags = 0;
	info->phys = 0;
	if (info->index == V02_PCI_CONFIG_REGION)
		info->size = pci->config_size;
	else if (info->index != V02_PCI_ROM_REGION)
		info->size = pci->bars[info->index].size;
	if (info->index < V02_PCI_ROM_REGION && info->size &&
	    uvf_bar_is_mappable(pci, info->index))
		info->flags = V02_REGION_MMAP;
	return 0;
}

/*
 * DEVICE_GET_REGION_INFO.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the length cannot be read
 *   -EINVAL  a length below 32 or above 40
 *   -EFAULT  the structure cannot be read
 *   -EINVAL  no such region
 *   -EFAULT  the structure cannot be written
 */
static long ioctl_get_region_info(struct uvf_pci *pci,
				  struct uvf_caller *caller, unsigned long arg)
{
	struct v02_region_info info = {0};
	uint32_t len;
	int ret;

	if (uvf_copy_in(caller, &len, arg, sizeof(len)))
		return -EFAULT;
	if (len < offsetof(struct v02_region_info, phys) || len > sizeof(info))
		return -EINVAL;
	if (uvf_copy_in(caller, &info, arg, len))
		return -EFAULT;
	ret = describe_region(pci, &info);
	return ret ? ret : uvf_copy_out(caller, arg, &info, len);
}

/*
 * DEVICE_GET_IRQ_INFO.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the length cannot be read
 *   -EINVAL  it is not 16
 *   -EFAULT  the structure cannot be read
 *   -EINVAL  no such index
 *   -EFAULT  the structure cannot be written
 */
static long ioctl_get_irq_info(struct uvf_pci *pci, struct uvf_caller *caller,
			       unsigned long arg)
{
	struct v02_irq_info info;
	uint32_t len;

	if (uvf_copy_in(caller, &len, arg, sizeof(len)))
		return -EFAULT;
	if (len != sizeof(info))
		return -EINVAL;
	if (uvf_copy_in(caller, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.index >= V02_PCI_NUM_IRQS)
		return -EINVAL;
	uvf_lock(&pci->model.lock);
	info.count = uvf_irq_count_locked(pci, info.index);
	uvf_unlock(&pci->model.lock);
	info.flags = info.index == V02_PCI_INTX_IRQ && info.count
			     ? V02_IRQ_LEVEL
			     : 0;
	return uvf_copy_out(caller, arg, &info, sizeof(info));
}

static int set_trigger(struct uvf_pci *pci, struct uvf_caller *caller,
		       uint32_t index, const int32_t *fds, uint32_t count)
	UVF_REQUIRES(pci->model.lock)
{
	struct uvf_irq_set set = {
		.caller = caller,
		.flags = count ? VFIO_IRQ_SET_DATA_EVENTFD
			       : VFIO_IRQ_SET_DATA_NONE,
		.index = index,
		.count = count,
		.data = (const uint8_t *)fds,
	};

	if (index == V02_PCI_INTX_IRQ)
		return uvf_intx_set_trigger_locked(pci, &set);
	return uvf_vectors_set_trigger_locked(pci, &set);
}

/* A trigger that is there goes first, whatever comes after it. */
static int set_intx_locked(struct uvf_pci *pci, struct uvf_caller *caller,
			   unsigned long arg, int32_t count)
	UVF_REQUIRES(pci->model.lock)
{
	int32_t fd;

	if (!uvf_irq_count_locked(pci, V02_PCI_INTX_IRQ) || count < 0 ||
	    count > 1)
		return -EINVAL;
	if (pci->irq_type == UVF_PCI_IRQ_INTX)
		uvf_intx_disable_locked(pci);
	if (!count)
		return 0;
	if (uvf_copy_in(caller, &fd, arg, sizeof(fd)))
		return -EFAULT;
	return fd < 0 ? -EINVAL
		      : set_trigger(pci, caller, V02_PCI_INTX_IRQ, &fd, 1);
}

/* All at once: switched on when they are off, and off when they are on. */
static int set_vectors_locked(struct uvf_pci *pci, struct uvf_caller *caller,
			      uint32_t index, unsigned long arg, int32_t count)
	UVF_REQUIRES(pci->model.lock)
{
	bool is_active = pci->irq_type == (enum uvf_pci_irq_type)index;
	int32_t *fds;
	int ret = 0;

	if (!is_active && pci->irq_type != UVF_PCI_IRQ_NONE)
		return -EINVAL;
	if (count < 0 || (count > 0) == is_active ||
	    (uint32_t)count > uvf_irq_count_locked(pci, index))
		return -EINVAL;
	if (!count)
		return set_trigger(pci, caller, index, NULL, 0);
	fds = uvf_calloc((size_t)count, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	if (uvf_copy_in(caller, fds, arg, (size_t)count * sizeof(*fds)))
		ret = -EFAULT;
	for (int32_t i = 0; i < count && !ret; i++)
		ret = fds[i] < 0 ? -EINVAL : 0;
	if (!ret)
		ret = set_trigger(pci, caller, index, fds, (uint32_t)count);
	uvf_free(fds);
	return ret;
}

/*
 * DEVICE_SET_IRQ_EVENTFDS: index, count, and that many descriptors.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  index or count cannot be read
 *   -EINVAL  no such index; INTx: no pin, or a count that is not 0 or 1;
 *            MSI and MSI-X: another kind is active, a count above 0 when it
 *            is active already, 0 when it is not, or more than there are
 *   -ENOMEM, -EFAULT  for the descriptors
 *   -EINVAL  a negative one; INTx: another kind is active
 *   -EBADF   one is not open
 *   -EINVAL  one is no eventfd
 */
static long ioctl_set_irq_eventfds(struct uvf_pci *pci,
				   struct uvf_caller *caller, unsigned long arg)
{
	int32_t index, count;
	int ret;

	if (uvf_copy_in(caller, &index, arg, sizeof(index)) ||
	    uvf_copy_in(caller, &count, arg + sizeof(index), sizeof(count)))
		return -EFAULT;
	if (index < 0 || index >= V02_PCI_NUM_IRQS)
		return -EINVAL;
	arg += sizeof(index) + sizeof(count);
	uvf_lock(&pci->model.lock);
	if (index == V02_PCI_INTX_IRQ)
		ret = set_intx_locked(pci, caller, arg, count);
	else
		ret = set_vectors_locked(pci, caller, (uint32_t)index, arg,
					 count);
	uvf_unlock(&pci->model.lock);
	return ret;
}

/* DEVICE_UNMASK_IRQ; -EFAULT, -EINVAL no INTx, or it is not enabled. */
static long ioctl_unmask_irq(struct uvf_pci *pci, struct uvf_caller *caller,
			     unsigned long arg)
{
	const struct uvf_irq_set set = {
		.caller = caller,
		.flags = VFIO_IRQ_SET_DATA_NONE,
		.count = 1,
	};
	int32_t index;
	int ret;

	if (uvf_copy_in(caller, &index, arg, sizeof(index)))
		return -EFAULT;
	if (index != V02_PCI_INTX_IRQ)
		return -EINVAL;
	uvf_lock(&pci->model.lock);
	ret = uvf_intx_set_unmask_locked(pci, &set);
	uvf_unlock(&pci->model.lock);
	return ret;
}

/*
 * DEVICE_SET_UNMASK_IRQ_EVENTFD: index and descriptor; a negative one takes
 * the eventfd away.
 *
 * Return: 0, or -EFAULT, -EINVAL as for DEVICE_UNMASK_IRQ, -EBADF, -EINVAL
 * no eventfd, -EBUSY there is one.
 */
static long ioctl_set_unmask_eventfd(struct uvf_pci *pci,
				     struct uvf_caller *caller,
				     unsigned long arg)
{
	int32_t args[2];
	struct uvf_irq_set set = {
		.caller = caller,
		.flags = VFIO_IRQ_SET_DATA_EVENTFD,
		.count = 1,
		.data = (const uint8_t *)&args[1],
	};
	int ret;

	if (uvf_copy_in(caller, args, arg, sizeof(args)))
		return -EFAULT;
	if (args[0] != V02_PCI_INTX_IRQ)
		return -EINVAL;
	uvf_lock(&pci->model.lock);
	ret = uvf_intx_set_unmask_locked(pci, &set);
	uvf_unlock(&pci->model.lock);
	return ret;
}

static long put_int(struct uvf_caller *caller, unsigned long arg, int32_t value)
{
	return uvf_copy_out(caller, arg, &value, sizeof(value));
}

static long ioctl_get_flags(const struct uvf_pci *pci,
			    struct uvf_caller *caller, unsigned long arg)
{
	uint64_t flags = V02_DEVICE_PCI;

	if (pci->has_reset)
		flags |= V02_DEVICE_CAN_RESET;
	return uvf_copy_out(caller, arg, &flags, sizeof(flags));
}

/* A function is no node of a device tree: GET_DTPATH is unknown to it. */
static long v02_ioctl(void *data, struct uvf_caller *caller, unsigned int cmd,
		      unsigned long arg)
{
	struct uvf_pci *pci = uvf_pci_of(data);

	switch (cmd) {
	case V02_DEVICE_GET_FLAGS:
		return ioctl_get_flags(pci, caller, arg);
	case V02_DEVICE_GET_NUM_REGIONS:
		return put_int(caller, arg, V02_PCI_NUM_REGIONS);
	case V02_DEVICE_GET_REGION_INFO:
		return ioctl_get_region_info(pci, caller, arg);
	case V02_DEVICE_GET_NUM_IRQS:
		return put_int(caller, arg, V02_PCI_NUM_IRQS);
	case V02_DEVICE_GET_IRQ_INFO:
		return ioctl_get_irq_info(pci, caller, arg);
	case V02_DEVICE_SET_IRQ_EVENTFDS:
		return ioctl_set_irq_eventfds(pci, caller, arg);
	case V02_DEVICE_UNMASK_IRQ:
		return ioctl_unmask_irq(pci, caller, arg);
	case V02_DEVICE_SET_UNMASK_EVENTFD:
		return ioctl_set_unmask_eventfd(pci, caller, arg);
	case V02_DEVICE_RESET:
		return pci_ioctl_reset(&pci->vfio, caller, arg);
	default:
		return -ENOSYS;
	}
}

static void v02_claim(struct uvf_bus_device *device)
{
	uvf_v02_bound_claim(device, UVF_PCI_DRIVER_NAME);
}

static const struct uvf_v02_device_ops device_ops = {
	UVF_V02_BOUND_OPS,
	.ioctl = v02_ioctl,
	.claim = v02_claim,
};

/* Bridges are nobody's to open, and do not count in a group. */
static bool is_endpoint(struct uvf_bus_device *device)
{
	return !(uvf_pci_of_bus(device)->hw[PCI_HEADER_TYPE] & HEADER_KIND);
}

static int v02_probe(struct uvf_driver *driver, struct uvf_bus_device *device)
{
	struct uvf_v02 *v02 = uvf_v02_of_driver(driver);
	int ret;

	if (!is_endpoint(device))
		return -EINVAL;
	/* It may come before the bus has told of the device. */
	ret = uvf_v02_group_add_dev(v02, device, &device_ops);
	return ret ? ret
		   : uvf_v02_bind_dev(v02, device,
				      &uvf_pci_of_bus(device)->vfio);
}

const struct uvf_driver_ops uvf_pci_v02_driver_ops = {
	.probe = v02_probe,
	.remove = uvf_v02_bound_remove,
};

void uvf_pci_v02_added(struct uvf_bus_device *device)
{
	if (is_endpoint(device))
		uvf_v02_bound_added(device, UVF_PCI_DRIVER_NAME, &device_ops);
}

void uvf_pci_v02_removed(struct uvf_bus_device *device)
{
	if (is_endpoint(device))
		uvf_v02_bound_removed(device, UVF_PCI_DRIVER_NAME);
}

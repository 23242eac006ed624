/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio-platform as the ABI of 2011 has it: other ioctls to the same device.
 * The proposal names what a node of the device tree is asked, and had no
 * driver for one; what is left open follows its driver for PCI.
 */
#include <errno.h>
#include <stddef.h>

#include "bus/driver.h"
#include "mem/caller.h"
#include "platform/driver.h"
#include "platform/platform.h"
#include "v02/abi.h"
#include "v02/bound.h"
#include "v02/v02.h"

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
static long ioctl_get_region_info(struct uvf_platform *platform,
				  struct uvf_caller *caller, unsigned long arg)
{
	const struct uvfio_platform_region *region;
	struct v02_region_info info = {0};
	uint32_t len, flags;

	if (uvf_copy_in(caller, &len, arg, sizeof(len)))
		return -EFAULT;
	if (len < offsetof(struct v02_region_info, phys) || len > sizeof(info))
		return -EINVAL;
	if (uvf_copy_in(caller, &info, arg, len))
		return -EFAULT;
	if (info.index >= platform->desc->region_count)
		return -EINVAL;
	region = &platform->desc->regions[info.index];
	flags = uvf_platform_region_flags(platform, info.index);
	info.size = region->size;
	info.offset = (uint64_t)info.index << UVF_PLATFORM_OFFSET_SHIFT;
	info.flags = flags & VFIO_REGION_INFO_FLAG_MMAP ? V02_REGION_MMAP : 0;
	if (region->flags & UVFIO_REGION_READ_ONLY)
		info.flags |= V02_REGION_RO;
	info.phys = 0;
	if (!(region->flags & UVFIO_REGION_IO) && len == sizeof(info)) {
		info.flags |= V02_REGION_PHYS_VALID;
		info.phys = platform->address + region->offset;
	}
	return uvf_copy_out(caller, arg, &info, len);
}

/* DEVICE_GET_IRQ_INFO: as for PCI. */
static long ioctl_get_irq_info(struct uvf_platform *platform,
			       struct uvf_caller *caller, unsigned long arg)
{
	struct v02_irq_info info;
	uint32_t len;

	if (uvf_copy_in(caller, &len, arg, sizeof(len)))
		return -EFAULT;
	if (len != sizeof(info))
		return -EINVAL;
	if (uvf_copy_in(caller, &info, arg, sizeof(info)))
		return -EFAULT;
	if (info.index >= platform->desc->line_count)
		return -EINVAL;
	info.count = 1;
	info.flags = platform->irqs[info.index].line == UVFIO_LINE_LEVEL
			     ? V02_IRQ_LEVEL
			     : 0;
	return uvf_copy_out(caller, arg, &info, sizeof(info));
}

/* One request for one interrupt; -EINVAL: there is none of this index. */
static long set_irq(struct uvf_platform *platform, struct uvf_caller *caller,
		    int32_t index, uint32_t flags, const int32_t *fd)
{
	const struct uvf_irq_set set = {
		.caller = caller,
		.flags = flags | (fd ? VFIO_IRQ_SET_DATA_EVENTFD
				     : VFIO_IRQ_SET_DATA_NONE),
		.index = (uint32_t)index,
		.count = 1,
		.data = (const uint8_t *)fd,
	};
	long ret;

	if (index < 0 || (size_t)index >= platform->desc->line_count)
		return -EINVAL;
	uvf_lock(&platform->model.lock);
	ret = uvf_platform_set_irq_locked(platform, &set);
	uvf_unlock(&platform->model.lock);
	return ret;
}

/*
 * DEVICE_SET_IRQ_EVENTFDS: index, count of 0 or 1, and a descriptor.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  index or count cannot be read
 *   -EINVAL  no such index; a count that is not 0 or 1
 *   -EFAULT  the descriptor cannot be read
 *   -EINVAL  it is negative
 *   -EBADF, -EINVAL  it is not open, or no eventfd
 */
static long ioctl_set_irq_eventfds(struct uvf_platform *platform,
				   struct uvf_caller *caller, unsigned long arg)
{
	const int32_t none = -1;
	int32_t args[2], fd;
	long ret;

	if (uvf_copy_in(caller, args, arg, sizeof(args)))
		return -EFAULT;
	if (args[1] < 0 || args[1] > 1)
		return -EINVAL;
	/* A trigger that is there goes first, whatever comes after it. */
	ret = set_irq(platform, caller, args[0], VFIO_IRQ_SET_ACTION_TRIGGER,
		      &none);
	if (ret || !args[1])
		return ret;
	if (uvf_copy_in(caller, &fd, arg + sizeof(args), sizeof(fd)))
		return -EFAULT;
	return fd < 0 ? -EINVAL
		      : set_irq(platform, caller, args[0],
				VFIO_IRQ_SET_ACTION_TRIGGER, &fd);
}

/* DEVICE_UNMASK_IRQ; -EFAULT, -EINVAL no interrupt, or none of a level. */
static long ioctl_unmask_irq(struct uvf_platform *platform,
			     struct uvf_caller *caller, unsigned long arg)
{
	int32_t index;

	if (uvf_copy_in(caller, &index, arg, sizeof(index)))
		return -EFAULT;
	return set_irq(platform, caller, index, VFIO_IRQ_SET_ACTION_UNMASK,
		       NULL);
}

/* The same when an eventfd is signalled; a negative one takes it away. */
static long ioctl_set_unmask_eventfd(struct uvf_platform *platform,
				     struct uvf_caller *caller,
				     unsigned long arg)
{
	int32_t args[2];

	if (uvf_copy_in(caller, args, arg, sizeof(args)))
		return -EFAULT;
	return set_irq(platform, caller, args[0], VFIO_IRQ_SET_ACTION_UNMASK,
		       &args[1]);
}

static long v02_ioctl(void *data, struct uvf_caller *caller, unsigned int cmd,
		      unsigned long arg)
{
	struct uvf_platform *platform = uvf_platform_of(data);
	int32_t number;
	uint64_t flags;

	switch (cmd) {
	case V02_DEVICE_GET_FLAGS:
		flags = V02_DEVICE_DT |
			(platform->can_reset ? V02_DEVICE_CAN_RESET : 0);
		return uvf_copy_out(caller, arg, &flags, sizeof(flags));
	case V02_DEVICE_GET_NUM_REGIONS:
		number = (int32_t)platform->desc->region_count;
		return uvf_copy_out(caller, arg, &number, sizeof(number));
	case V02_DEVICE_GET_REGION_INFO:
		return ioctl_get_region_info(platform, caller, arg);
	case V02_DEVICE_GET_NUM_IRQS:
		number = (int32_t)platform->desc->line_count;
		return uvf_copy_out(caller, arg, &number, sizeof(number));
	case V02_DEVICE_GET_IRQ_INFO:
		return ioctl_get_irq_info(platform, caller, arg);
	case V02_DEVICE_SET_IRQ_EVENTFDS:
		return ioctl_set_irq_eventfds(platform, caller, arg);
	case V02_DEVICE_UNMASK_IRQ:
		return ioctl_unmask_irq(platform, caller, arg);
	case V02_DEVICE_SET_UNMASK_EVENTFD:
		return ioctl_set_unmask_eventfd(platform, caller, arg);
	case V02_DEVICE_RESET:
		return uvf_platform_reset(platform, UVFIO_RESET_IOCTL);
	case V02_DEVICE_GET_DTPATH:
		return uvf_v02_dt_get_path(&platform->dt, caller, arg);
	case V02_DEVICE_GET_DTINDEX:
		return uvf_v02_dt_get_index(&platform->dt, caller, arg);
	default:
		return -ENOSYS;
	}
}

static void v02_claim(struct uvf_bus_device *device)
{
	uvf_v02_bound_claim(device, UVF_PLATFORM_DRIVER);
}

static const struct uvf_v02_device_ops device_ops = {
	UVF_V02_BOUND_OPS,
	.ioctl = v02_ioctl,
	.claim = v02_claim,
};

static int v02_probe(struct uvf_driver *driver, struct uvf_bus_device *device)
{
	struct uvf_v02 *v02 = uvf_v02_of_driver(driver);
	/* It may come before the bus has told of the device. */
	int ret = uvf_v02_group_add_dev(v02, device, &device_ops);

	return ret ? ret
		   : uvf_v02_bind_dev(v02, device,
				      &uvf_platform_of_bus(device)->vfio);
}

const struct uvf_driver_ops uvf_platform_v02_driver_ops = {
	.probe = v02_probe,
	.remove = uvf_v02_bound_remove,
};

void uvf_platform_v02_added(struct uvf_bus_device *device)
{
	uvf_v02_bound_added(device, UVF_PLATFORM_DRIVER, &device_ops);
}

void uvf_platform_v02_removed(struct uvf_bus_device *device)
{
	uvf_v02_bound_removed(device, UVF_PLATFORM_DRIVER);
}

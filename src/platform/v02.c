/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio-platform as the ABI of 2011 has it: other ioctls to the same device.
 * The proposal names what a node of the device tree is asked, and had no
 * driver for one; what is left open follows its driver for PCI.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/log.h"
#include "bus/bus.h"
#include "bus/driver.h"
#include "core/vfio.h"
#include "core/worker.h"
#include "mem/caller.h"
#include "platform/driver.h"
#include "platform/platform.h"
#include "v02/abi.h"
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
	struct uvf_platform *platform = data;
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

static bool v02_match(struct uvf_bus_device *device, const char *name)
{
	return !strcmp(device->name, name);
}

static int v02_get(void *data)
{
	struct uvf_platform *platform = data;
	int ret = 0;

	if (!platform->v02_opens)
		ret = uvf_worker_start(platform->model.worker);
	if (!ret && !platform->v02_opens)
		ret = uvf_platform_device_ops.open(&platform->vfio);
	if (!ret)
		platform->v02_opens++;
	return ret;
}

static void v02_put(void *data)
{
	struct uvf_platform *platform = data;

	if (!--platform->v02_opens)
		uvf_platform_device_ops.close(&platform->vfio);
}

static ssize_t v02_read(void *data, struct uvf_caller *caller, uint64_t addr,
			size_t len, uint64_t pos)
{
	struct uvf_platform *platform = data;

	return platform_read(&platform->vfio, caller, addr, len, pos);
}

static ssize_t v02_write(void *data, struct uvf_caller *caller, uint64_t addr,
			 size_t len, uint64_t pos)
{
	struct uvf_platform *platform = data;

	return platform_write(&platform->vfio, caller, addr, len, pos);
}

static int v02_mmap(void *data, uint64_t pos, uint64_t len, int prot, int flags)
{
	struct uvf_platform *platform = data;

	return platform_mmap(&platform->vfio, pos, len, prot, flags);
}

static void v02_fault(void *data, uint64_t pos, struct uvf_page *ret_page)
{
	struct uvf_platform *platform = data;

	platform_fault(&platform->vfio, pos, ret_page);
}

static bool v02_mmio(void *data, uint64_t pos, void *buf, size_t len,
		     bool is_write)
{
	struct uvf_platform *platform = data;

	return platform_mmio(&platform->vfio, pos, buf, len, is_write);
}

static void v02_request(void *data, unsigned int count)
{
	const struct uvf_platform *platform = data;

	if (count % 10 == 0)
		uvf_log(UVF_LOG_WARNING,
			"%s is in use; unbinding it waits for its users",
			platform->bus.name);
}

static void v02_claim(struct uvf_bus_device *device)
{
	struct uvf_driver *driver =
		uvf_driver_find(device->bus, UVF_PLATFORM_DRIVER);

	if (driver && uvf_device_attach_driver(device, driver))
		uvf_log(UVF_LOG_WARNING, "%s cannot be bound to %s",
			device->name, driver->name);
}

static const struct uvf_v02_device_ops device_ops = {
	.match = v02_match,
	.get = v02_get,
	.put = v02_put,
	.ioctl = v02_ioctl,
	.read = v02_read,
	.write = v02_write,
	.mmap = v02_mmap,
	.fault = v02_fault,
	.mmio = v02_mmio,
	.request = v02_request,
	.claim = v02_claim,
};

static struct uvf_v02 *v02_of(struct uvf_driver *driver)
{
	const struct uvf_vfio *vfio = driver->data;

	return vfio->v02;
}

static int v02_probe(struct uvf_driver *driver, struct uvf_bus_device *device)
{
	struct uvf_v02 *v02 = v02_of(driver);
	/* It may come before the bus has told of the device. */
	int ret = uvf_v02_group_add_dev(v02, device, &device_ops);

	return ret ? ret
		   : uvf_v02_bind_dev(v02, device, uvf_platform_of_bus(device));
}

static void v02_remove(struct uvf_driver *driver, struct uvf_bus_device *device,
		       struct uvf_task *task)
{
	(void)uvf_v02_unbind_dev(v02_of(driver), device, task);
}

const struct uvf_driver_ops uvf_platform_v02_driver_ops = {
	.probe = v02_probe,
	.remove = v02_remove,
};

/* NULL: the machine speaks today's ABI. */
static struct uvf_v02 *v02_of_bus(const struct uvf_bus_device *device)
{
	struct uvf_driver *driver =
		uvf_driver_find(device->bus, UVF_PLATFORM_DRIVER);

	return driver ? v02_of(driver) : NULL;
}

void uvf_platform_v02_added(struct uvf_bus_device *device)
{
	struct uvf_v02 *v02 = v02_of_bus(device);
	int ret;

	if (!v02)
		return;
	ret = uvf_v02_group_add_dev(v02, device, &device_ops);
	/* What is behind no IOMMU is no business of VFIO. */
	if (ret && ret != -ENODEV)
		uvf_log(UVF_LOG_WARNING, "%s cannot join its group: %s",
			device->name, strerror(-ret));
}

void uvf_platform_v02_removed(struct uvf_bus_device *device)
{
	struct uvf_v02 *v02 = v02_of_bus(device);
	unsigned int id;

	if (v02 && uvf_bus_device_group_id(device, &id))
		uvf_v02_group_del_dev(v02, device);
}

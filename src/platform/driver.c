/* SPDX-License-Identifier: BSD-3-Clause */
#include "platform/driver.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "bus/options.h"
#include "core/vfio.h"
#include "platform/device.h"
#include "platform/platform.h"

int uvf_platform_reset(struct uvf_platform *platform,
		       enum uvfio_reset_kind kind)
{
	const struct uvfio_device_ops *ops = platform->model.ops;

	if (!platform->can_reset)
		return -EINVAL;
	uvf_lock(&platform->model.lock);
	if (ops->reset)
		ops->reset(&platform->model, kind);
	uvf_unlock(&platform->model.lock);
	return 0;
}

bool uvf_platform_requires_reset(const struct uvf_platform *platform)
{
	return platform->profile->platform_can_reset &&
	       atomic_load(&platform->machine->params.reset_required);
}

/* Who asks for a device is told at once that it could not be reset. */
static int platform_init(struct uvf_device *device)
{
	struct uvf_platform *platform = uvf_platform_of(device);

	return platform->can_reset || !uvf_platform_requires_reset(platform)
		       ? 0
		       : -ENOENT;
}

static int platform_open(struct uvf_device *device)
{
	struct uvf_platform *platform = uvf_platform_of(device);

	/* One open of many, up to Linux 4.1. */
	if (device->open_count)
		return 0;
	uvf_lock(&platform->model.lock);
	uvf_platform_irqs_open_locked(platform);
	uvf_unlock(&platform->model.lock);
	(void)uvf_platform_reset(platform, UVFIO_RESET_OPEN);
	return 0;
}

static void platform_close(struct uvf_device *device)
{
	struct uvf_platform *platform = uvf_platform_of(device);

	if (device->open_count)
		return;
	(void)uvf_platform_reset(platform, UVFIO_RESET_CLOSE);
	uvf_lock(&platform->model.lock);
	uvf_platform_irqs_close_locked(platform);
	uvf_unlock(&platform->model.lock);
}

/* VFIO_DEVICE_RESET; -EINVAL: the host has no handler. */
static long platform_ioctl_reset(struct uvf_device *device,
				 struct uvf_caller *caller, unsigned long arg)
{
	(void)caller;
	(void)arg;
	return uvf_platform_reset(uvf_platform_of(device), UVFIO_RESET_IOCTL);
}

const struct uvf_device_ops uvf_platform_device_ops = {
	.init = platform_init,
	.open = platform_open,
	.close = platform_close,
	.get_info = platform_ioctl_get_info,
	.get_region_info = platform_ioctl_get_region_info,
	.get_irq_info = platform_ioctl_get_irq_info,
	.set_irqs = platform_ioctl_set_irqs,
	.reset = platform_ioctl_reset,
	.stays_put = true,
	.read = platform_read,
	.write = platform_write,
	.mmap = platform_mmap,
	.fault = platform_fault,
	.mmio = platform_mmio,
};

static int vfio_probe(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	struct uvf_platform *platform = uvf_platform_of_bus(bus);
	int ret = uvf_device_init(driver->data, &platform->vfio);

	if (ret)
		return ret;
	ret = uvf_device_register(&platform->vfio);
	if (ret)
		uvf_device_put(&platform->vfio);
	return ret;
}

static void vfio_remove(struct uvf_driver *driver, struct uvf_bus_device *bus,
			struct uvf_task *task)
{
	struct uvf_platform *platform = uvf_platform_of_bus(bus);

	(void)driver;
	uvf_device_unregister(&platform->vfio, task);
	uvf_device_put(&platform->vfio);
}

static const struct uvf_driver_ops vfio_ops = {
	.probe = vfio_probe,
	.remove = vfio_remove,
};

/* A driver of the host, for devices that it knows. */
static int host_probe(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	return uvf_driver_knows(driver, bus) ? 0 : -ENODEV;
}

static void host_remove(struct uvf_driver *driver, struct uvf_bus_device *bus,
			struct uvf_task *task)
{
	(void)driver;
	(void)bus;
	(void)task;
}

static const struct uvf_driver_ops host_ops = {
	.probe = host_probe,
	.remove = host_remove,
};

static const struct uvf_bus_ops bus_ops = {
	.has_override = true,
	.added = uvf_platform_v02_added,
	.removed = uvf_platform_v02_removed,
};

int uvf_platform_obtain_bus(struct uvf_machine *machine, struct uvf_vfio *vfio,
			    struct uvf_bus **ret_bus)
{
	struct uvf_driver vfio_driver = {
		.name = UVF_PLATFORM_DRIVER,
		.ops = vfio->v02 ? &uvf_platform_v02_driver_ops : &vfio_ops,
		.manages_dma = true,
		.module = "vfio_platform",
		.data = vfio,
	};
	struct uvf_bus *bus = uvf_bus_find(machine, UVF_PLATFORM_BUS);
	int ret;

	if (!bus) {
		ret = uvf_bus_register(machine, UVF_PLATFORM_BUS, &bus_ops,
				       NULL, &bus);
		if (ret)
			return ret;
	}
	*ret_bus = bus;
	if (uvf_driver_find(bus, UVF_PLATFORM_DRIVER))
		return 0;
	return uvf_driver_add(bus, &vfio_driver, NULL);
}

/* The driver of the host with this name; it takes devices like this one. */
static int obtain_host_driver(struct uvf_bus_device *bus, const char *name,
			      struct uvf_driver **ret_driver)
{
	struct uvf_bus_id id = {
		.vendor = UVF_ID_ANY,
		.device = bus->id.device,
		.subvendor = UVF_ID_ANY,
		.subdevice = UVF_ID_ANY,
	};

	return uvf_driver_obtain(bus, name, &host_ops, &id, ret_driver);
}

int uvf_platform_bind_by_key(struct uvf_bus_device *bus)
{
	struct uvf_platform *platform = uvf_platform_of_bus(bus);
	const char *name = uvf_options_find(platform->options, "driver");
	struct uvf_driver *driver;
	int ret;

	if (!name)
		name = UVF_PLATFORM_DRIVER;
	if (!strcmp(name, "none"))
		return 0;
	ret = obtain_host_driver(bus, name, &driver);
	/* vfio-platform knows no device: so do users give it one. */
	if (!ret && !uvf_driver_match(driver, bus) &&
	    uvf_bus_device_has_override(bus))
		ret = uvf_bus_device_set_override(bus, name, strlen(name));
	if (!ret)
		ret = uvf_device_attach_driver(bus, driver);
	/* As such a host boots: it stays free until no-IOMMU mode is on. */
	if (ret && ret != -ENOMEM && !platform->machine->has_iommu)
		return 0;
	return ret;
}

int uvf_platform_bind(struct uvf_machine *machine)
{
	struct uvf_bus *bus = uvf_bus_find(machine, UVF_PLATFORM_BUS);
	struct uvf_bus_device **devices;
	size_t count;
	int ret = 0;

	if (!bus)
		return 0;
	devices = uvf_machine_devices(machine, bus, &count);
	if (!devices)
		return -ENOMEM;
	for (size_t i = 0; i < count && !ret; i++)
		if (!uvf_bus_device_driver(devices[i]))
			ret = uvf_platform_bind_by_key(devices[i]);
	uvf_bus_devices_put(devices, count);
	return ret;
}

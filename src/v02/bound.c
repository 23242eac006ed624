/* SPDX-License-Identifier: BSD-3-Clause */
#include "v02/bound.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "bus/bus.h"
#include "bus/device.h"
#include "bus/driver.h"
#include "core/device.h"
#include "core/model.h"
#include "core/vfio.h"
#include "core/worker.h"
#include "v02/v02.h"

bool uvf_v02_bound_match(struct uvf_bus_device *device, const char *name)
{
	return !strcmp(device->name, name);
}

/* The device is made ready for the first of its users. */
int uvf_v02_bound_get(void *data)
{
	struct uvf_device *device = data;
	int ret = 0;

	if (!device->v02_opens)
		ret = uvf_worker_start(device->model->worker);
	if (!ret && !device->v02_opens)
		ret = device->ops->open(device);
	if (!ret)
		device->v02_opens++;
	return ret;
}

void uvf_v02_bound_put(void *data)
{
	struct uvf_device *device = data;

	if (!--device->v02_opens)
		device->ops->close(device);
}

ssize_t uvf_v02_bound_read(void *data, struct uvf_caller *caller, uint64_t addr,
			   size_t len, uint64_t pos)
{
	struct uvf_device *device = data;

	return device->ops->read(device, caller, addr, len, pos);
}

ssize_t uvf_v02_bound_write(void *data, struct uvf_caller *caller,
			    uint64_t addr, size_t len, uint64_t pos)
{
	struct uvf_device *device = data;

	return device->ops->write(device, caller, addr, len, pos);
}

int uvf_v02_bound_mmap(void *data, uint64_t pos, uint64_t len, int prot,
		       int flags)
{
	struct uvf_device *device = data;

	return device->ops->mmap(device, pos, len, prot, flags);
}

void uvf_v02_bound_fault(void *data, uint64_t pos, struct uvf_page *ret_page)
{
	struct uvf_device *device = data;

	device->ops->fault(device, pos, ret_page);
}

bool uvf_v02_bound_mmio(void *data, uint64_t pos, void *buf, size_t len,
			bool is_write)
{
	struct uvf_device *device = data;

	return device->ops->mmio(device, pos, buf, len, is_write);
}

/* This ABI has no interrupt that asks a user to let go. */
void uvf_v02_bound_request(void *data, unsigned int count)
{
	const struct uvf_device *device = data;

	if (count % 10 == 0)
		uvf_log(UVF_LOG_WARNING,
			"%s is in use; unbinding it waits for its users",
			device->bus_device->name);
}

void uvf_v02_bound_claim(struct uvf_bus_device *device, const char *name)
{
	struct uvf_driver *driver = uvf_driver_find(device->bus, name);

	if (driver && uvf_device_attach_driver(device, driver))
		uvf_log(UVF_LOG_WARNING, "%s cannot be bound to %s",
			device->name, driver->name);
}

struct uvf_v02 *uvf_v02_of_driver(const struct uvf_driver *driver)
{
	const struct uvf_vfio *vfio = driver->data;

	return vfio->v02;
}

void uvf_v02_bound_remove(struct uvf_driver *driver,
			  struct uvf_bus_device *device, struct uvf_task *task)
{
	(void)uvf_v02_unbind_dev(uvf_v02_of_driver(driver), device, task);
}

/* NULL: the machine speaks today's ABI. */
static struct uvf_v02 *v02_of_bus(const struct uvf_bus_device *device,
				  const char *name)
{
	struct uvf_driver *driver = uvf_driver_find(device->bus, name);

	return driver && driver->data ? uvf_v02_of_driver(driver) : NULL;
}

void uvf_v02_bound_added(struct uvf_bus_device *device, const char *driver,
			 const struct uvf_v02_device_ops *ops)
{
	struct uvf_v02 *v02 = v02_of_bus(device, driver);
	int ret;

	if (!v02)
		return;
	ret = uvf_v02_group_add_dev(v02, device, ops);
	/* What is behind no IOMMU is no business of VFIO. */
	if (ret && ret != -ENODEV)
		uvf_log(UVF_LOG_WARNING, "%s cannot join its group: %s",
			device->name, strerror(-ret));
}

void uvf_v02_bound_removed(struct uvf_bus_device *device, const char *driver)
{
	struct uvf_v02 *v02 = v02_of_bus(device, driver);
	unsigned int id;

	if (v02 && uvf_bus_device_group_id(device, &id))
		uvf_v02_group_del_dev(v02, device);
}

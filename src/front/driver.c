/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver interface (uvfio/driver.h) on top of the core.
 *
 * A device of the machine is registered by a driver of its bus, which bears
 * the name that the ops have, so that sysfs shows and unbinds it like any
 * other.  An emulated device has a bus device of its own, on a bus that is
 * seen nowhere.
 */
#include "front/driver.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <uvfio/driver.h>

#include "base/alloc.h"
#include "base/eventfd.h"
#include "base/profile.h"
#include "bus/bus.h"
#include "bus/device.h"
#include "bus/driver.h"
#include "bus/group.h"
#include "core/device.h"
#include "core/device_set.h"
#include "core/file.h"
#include "core/group.h"
#include "core/migration.h"
#include "core/pin.h"
#include "core/set_irqs.h"
#include "front/driver_migration.h"
#include "front/machine.h"
#include "mem/caller.h"

struct uvfio_vfio_device {
	struct uvf_device core;
	struct uvf_device_ops core_ops; /* only what the driver has */
	const struct uvfio_vfio_ops *ops;
	struct uvf_driver_migration migration;
	void *data;
	struct uvfio_machine *machine;
	struct uvf_bus_device *found; /* of the machine, with a reference */
	struct uvf_bus_device own;    /* when there is none of this name */
	struct uvf_list node;         /* machine->drivers, under its lock */
};

void uvf_drivers_init(struct uvf_drivers *drivers, struct uvf_machine *machine)
{
	drivers->nowhere = (struct uvf_bus){
		.name = "nowhere",
		.machine = machine,
	};
	uvf_mutex_init(&drivers->lock);
	uvf_list_init(&drivers->devices);
}

void uvf_drivers_fini(struct uvf_drivers *drivers)
{
	uvf_mutex_fini(&drivers->lock);
}

static struct uvfio_vfio_device *device_of(struct uvf_device *core)
{
	return uvf_container_of(core, struct uvfio_vfio_device, core);
}

/* A client is a caller whose insides drivers do not see. */
static struct uvfio_client *client_of(struct uvf_caller *caller)
{
	return (struct uvfio_client *)(void *)caller;
}

static struct uvf_caller *caller_of(struct uvfio_client *client)
{
	return (struct uvf_caller *)(void *)client;
}

int uvfio_copy_from_client(struct uvfio_client *client, void *dst,
			   uint64_t addr, size_t len)
{
	return uvf_copy_in(caller_of(client), dst, addr, len);
}

int uvfio_eventfd_get(struct uvfio_client *client, int fd)
{
	struct uvf_caller *caller = caller_of(client);

	return caller->ops->eventfd_lookup(caller, fd);
}

void uvfio_eventfd_signal(int eventfd)
{
	uvf_eventfd_signal(eventfd);
}

int uvfio_set_irqs_check(const struct vfio_irq_set *hdr, unsigned int num_irqs,
			 unsigned int indexes, size_t *ret_size)
{
	return uvf_set_irqs_check(hdr, num_irqs, indexes, ret_size);
}

int uvfio_copy_to_client(struct uvfio_client *client, uint64_t addr,
			 const void *src, size_t len)
{
	return uvf_copy_out(caller_of(client), addr, src, len);
}

static int driver_init(struct uvf_device *core)
{
	struct uvfio_vfio_device *device = device_of(core);

	return device->ops->init ? device->ops->init(device) : 0;
}

static void free_device(struct uvfio_vfio_device *device)
{
	uvf_driver_migration_fini(&device->migration);
	if (device->found)
		uvf_bus_device_put(device->found);
	else
		uvf_bus_device_fini(&device->own);
	uvf_free(device);
}

static void driver_release(struct uvf_device *core)
{
	struct uvfio_vfio_device *device = device_of(core);

	if (device->ops->release)
		device->ops->release(device);
	free_device(device);
}

static int driver_match(struct uvf_device *core, const char *name)
{
	struct uvfio_vfio_device *device = device_of(core);

	return device->ops->match(device, name);
}

static int driver_open(struct uvf_device *core)
{
	struct uvfio_vfio_device *device = device_of(core);

	return device->ops->open_device ? device->ops->open_device(device) : 0;
}

static void driver_close(struct uvf_device *core)
{
	struct uvfio_vfio_device *device = device_of(core);

	if (device->ops->close_device)
		device->ops->close_device(device);
}

static void driver_request(struct uvf_device *core, unsigned int count)
{
	struct uvfio_vfio_device *device = device_of(core);

	device->ops->request(device, count);
}

static void driver_dma_unmap(struct uvf_device *core, struct uvf_range iova)
{
	struct uvfio_vfio_device *device = device_of(core);
	uint64_t len = uvf_range_size(iova);

	/* All there is has no size that fits. */
	device->ops->dma_unmap(device, iova.first, len ? len : UINT64_MAX);
}

static ssize_t driver_read(struct uvf_device *core, struct uvf_caller *caller,
			   uint64_t addr, size_t len, uint64_t pos)
{
	struct uvfio_vfio_device *device = device_of(core);

	return device->ops->read(device, client_of(caller), addr, len, pos);
}

static ssize_t driver_write(struct uvf_device *core, struct uvf_caller *caller,
			    uint64_t addr, size_t len, uint64_t pos)
{
	struct uvfio_vfio_device *device = device_of(core);

	return device->ops->write(device, client_of(caller), addr, len, pos);
}

static int driver_mmap(struct uvf_device *core, uint64_t pos, uint64_t len,
		       int prot, int flags)
{
	struct uvfio_vfio_device *device = device_of(core);
	uint64_t offset;
	int fd = device->ops->mmap(device, pos, len, prot, flags, &offset);

	return fd < 0 ? fd : 0;
}

static void driver_fault(struct uvf_device *core, uint64_t pos,
			 struct uvf_page *ret_page)
{
	struct uvfio_vfio_device *device = device_of(core);
	const uint64_t first = pos & ~(uint64_t)(UVFIO_PAGE_SIZE - 1);
	uint64_t offset = 0;
	int fd = device->ops->mmap(device, first, UVFIO_PAGE_SIZE, PROT_READ,
				   MAP_SHARED, &offset);

	*ret_page = (struct uvf_page){
		.kind = fd < 0 ? UVF_PAGE_SIGBUS : UVF_PAGE_MEMORY,
		.fd = fd,
		.fd_offset = offset,
		.first = first,
		.size = UVFIO_PAGE_SIZE,
	};
}

static long driver_ioctl(struct uvf_device *core, struct uvf_caller *caller,
			 unsigned int cmd, unsigned long arg)
{
	struct uvfio_vfio_device *device = device_of(core);

	return device->ops->ioctl(device, client_of(caller), cmd, arg);
}

static long driver_feature(struct uvf_device *core, struct uvf_caller *caller,
			   uint32_t flags, uint64_t data, size_t size)
{
	struct uvfio_vfio_device *device = device_of(core);

	return device->ops->device_feature(device, client_of(caller), flags,
					   data, size);
}

/* What the driver has not, the core must not believe that it has. */
static void fill_core_ops(struct uvfio_vfio_device *device)
{
	const struct uvfio_vfio_ops *ops = device->ops;

	device->core_ops = (struct uvf_device_ops){
		.init = driver_init,
		.release = driver_release,
		.open = driver_open,
		.close = driver_close,
		.match = ops->match ? driver_match : NULL,
		.request = ops->request ? driver_request : NULL,
		.dma_unmap = ops->dma_unmap ? driver_dma_unmap : NULL,
		.read = ops->read ? driver_read : NULL,
		.write = ops->write ? driver_write : NULL,
		.mmap = ops->mmap ? driver_mmap : NULL,
		.fault = ops->mmap ? driver_fault : NULL,
		.ioctl = ops->ioctl ? driver_ioctl : NULL,
		.feature = ops->device_feature ? driver_feature : NULL,
	};
}

/* The device's own is embedded: nobody frees it by itself. */
static void own_destroy(struct uvf_bus_device *bus)
{
	(void)bus;
}

static const struct uvf_bus_attr no_attrs[] = {{.name = NULL}};

static const struct uvf_bus_device_ops own_ops = {
	.attrs = no_attrs,
	.destroy = own_destroy,
};

static struct uvf_bus_device *find_bus_device(struct uvfio_vfio_device *device,
					      const char *name)
{
	device->found = uvf_machine_find(&device->machine->bus, name);
	if (device->found)
		return device->found;
	memcpy(device->own.name, name, strlen(name) + 1);
	device->own.ops = &own_ops;
	device->own.bus = &device->machine->drivers.nowhere;
	uvf_bus_device_init(&device->own);
	return &device->own;
}

static int init_migration(struct uvfio_vfio_device *device)
{
	const struct uvfio_vfio_migration_ops *ops = device->ops->migration;

	if (!ops ||
	    (ops->is_sample && !device->machine->bus.profile->sample_migrates))
		return 0;
	return uvf_driver_migration_init(&device->migration, device,
					 &device->core, ops);
}

void uvfio_migration_reset(struct uvfio_vfio_device *device)
{
	if (device->core.migration)
		uvf_migration_reset(device->core.migration);
}

void uvfio_migration_end(struct uvfio_vfio_device *device)
{
	if (device->core.migration)
		uvf_migration_end(device->core.migration);
}

int uvfio_alloc_device(struct uvfio_machine *machine,
		       struct uvfio_vfio_device **ret_device, const char *name,
		       const struct uvfio_vfio_ops *ops, void *data)
{
	struct uvf_drivers *drivers = &machine->drivers;
	struct uvfio_vfio_device *device;
	int ret;

	if (!ops || !ops->name || !name || !*name ||
	    strlen(name) >= sizeof(device->own.name))
		return -EINVAL;
	device = uvf_zalloc(sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->machine = machine;
	device->ops = ops;
	device->data = data;
	fill_core_ops(device);
	device->core.ops = &device->core_ops;
	device->core.bus_device = find_bus_device(device, name);
	ret = init_migration(device);
	if (!ret)
		ret = uvf_device_init(&machine->vfio, &device->core);
	if (ret) {
		free_device(device);
		return ret;
	}
	uvf_lock(&drivers->lock);
	uvf_list_append(&drivers->devices, &device->node);
	uvf_unlock(&drivers->lock);
	*ret_device = device;
	return 0;
}

void uvfio_put_device(struct uvfio_vfio_device *device)
{
	struct uvf_drivers *drivers;

	if (!device)
		return;
	drivers = &device->machine->drivers;
	uvf_lock(&drivers->lock);
	uvf_list_remove(&device->node);
	uvf_unlock(&drivers->lock);
	uvf_device_put(&device->core);
}

void *uvfio_device_data(const struct uvfio_vfio_device *device)
{
	return device->data;
}

const char *uvfio_device_name(const struct uvfio_vfio_device *device)
{
	return device->core.bus_device->name;
}

/* The device that was allocated for a device of a bus, by this driver. */
static struct uvfio_vfio_device *
find_allocated(const struct uvf_driver *driver,
	       const struct uvf_bus_device *bus)
{
	struct uvf_drivers *drivers = driver->data;
	struct uvfio_vfio_device *found = NULL;
	struct uvf_list *node;

	uvf_lock(&drivers->lock);
	uvf_list_for_each (node, &drivers->devices) {
		struct uvfio_vfio_device *device =
			uvf_list_entry(node, struct uvfio_vfio_device, node);

		if (device->found == bus &&
		    !strcmp(device->ops->name, driver->name))
			found = device;
	}
	uvf_unlock(&drivers->lock);
	return found;
}

static int bus_probe(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	struct uvfio_vfio_device *device = find_allocated(driver, bus);

	return device ? uvf_device_register(&device->core) : -ENODEV;
}

static void bus_remove(struct uvf_driver *driver, struct uvf_bus_device *bus,
		       struct uvf_task *task)
{
	struct uvfio_vfio_device *device = find_allocated(driver, bus);

	if (device)
		uvf_device_unregister(&device->core, task);
}

static const struct uvf_driver_ops bus_ops = {
	.probe = bus_probe,
	.remove = bus_remove,
};

static int obtain_driver(struct uvfio_vfio_device *device,
			 struct uvf_driver **ret_driver)
{
	struct uvf_bus *bus = device->found->bus;
	struct uvf_driver *driver = uvf_driver_find(bus, device->ops->name);
	int ret;

	if (driver) {
		*ret_driver = driver;
		return driver->ops == &bus_ops ? 0 : -EEXIST;
	}
	if (strlen(device->ops->name) >= sizeof(driver->name))
		return -EINVAL;
	driver = uvf_zalloc(sizeof(*driver));
	if (!driver)
		return -ENOMEM;
	memcpy(driver->name, device->ops->name, strlen(device->ops->name) + 1);
	driver->ops = &bus_ops;
	driver->manages_dma = true;
	driver->data = &device->machine->drivers;
	ret = uvf_driver_register(bus, driver);
	if (ret)
		uvf_free(driver);
	*ret_driver = driver;
	return ret;
}

int uvfio_register_group_dev(struct uvfio_vfio_device *device)
{
	struct uvf_driver *driver;
	int ret;

	if (!device->found)
		return -ENODEV;
	ret = obtain_driver(device, &driver);
	return ret ? ret : uvf_device_attach_driver(device->found, driver);
}

int uvfio_register_emulated_iommu_dev(struct uvfio_vfio_device *device)
{
	return uvf_device_register_emulated(&device->core);
}

void uvfio_unregister_group_dev(struct uvfio_vfio_device *device)
{
	if (device->core.kind == UVF_DEVICE_EMULATED)
		/* From remove() of a driver of mediated devices, for whom. */
		uvf_device_unregister(&device->core,
				      device->core.bus_device->unbinding_task);
	else
		uvf_device_detach(device->found, NULL);
}

struct uvfio_vfio_device *
uvfio_device_get_from_dev(struct uvfio_machine *machine, const char *name)
{
	struct uvf_drivers *drivers = &machine->drivers;
	struct uvfio_vfio_device *found = NULL;
	struct uvf_list *node;

	uvf_lock(&drivers->lock);
	uvf_list_for_each (node, &drivers->devices) {
		struct uvfio_vfio_device *device =
			uvf_list_entry(node, struct uvfio_vfio_device, node);

		if (!found && !strcmp(uvfio_device_name(device), name) &&
		    uvf_device_try_get(&device->core))
			found = device;
	}
	uvf_unlock(&drivers->lock);
	return found;
}

void uvfio_device_put_registration(struct uvfio_vfio_device *device)
{
	uvf_device_put_user(&device->core);
}

int uvfio_device_group_id(struct uvfio_vfio_device *device)
{
	struct uvf_vfio *vfio = &device->machine->vfio;
	int id = -1;

	uvf_lock(&vfio->lock);
	if (device->core.group)
		id = (int)device->core.group->id;
	uvf_unlock(&vfio->lock);
	return id;
}

int uvfio_assign_device_set(struct uvfio_vfio_device *device, const void *key)
{
	return uvf_device_assign_set(&device->core, key);
}

unsigned int uvfio_device_set_open_count(struct uvfio_vfio_device *device)
{
	struct uvf_device_set *set = device->core.set;
	unsigned int count;

	if (!set)
		return 0;
	/* By a callback of a member, which runs under it. */
	if (uvf_is_held(&set->lock))
		return uvf_device_set_open_count(set);
	uvf_lock(&set->lock);
	count = uvf_device_set_open_count(set);
	uvf_unlock(&set->lock);
	return count;
}

int uvfio_pin_pages(struct uvfio_vfio_device *device, uint64_t iova,
		    size_t count, uint32_t prot, void **pages)
{
	return uvf_device_pin_pages(&device->core, iova, count, prot, pages);
}

void uvfio_unpin_pages(struct uvfio_vfio_device *device, uint64_t iova,
		       size_t count)
{
	uvf_device_unpin_pages(&device->core, iova, count);
}

int uvfio_dma_rw(struct uvfio_vfio_device *device, uint64_t iova, void *buf,
		 size_t len, bool is_write)
{
	return uvf_device_dma_rw(&device->core, iova, buf, len, is_write);
}

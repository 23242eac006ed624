/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver comes to a device and leaves it, under the device's lock.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/profile.h"
#include "bus/bus.h"
#include "bus/driver.h"
#include "bus/machine.h"

/* In the kernel "later" is an errno of its own that no client sees. */
#define EPROBE_DEFER 517

static void set_driver_locked(struct uvf_bus_device *device,
			      struct uvf_driver *driver)
	UVF_REQUIRES(device->lock)
{
	struct uvf_machine *machine = device->bus->machine;

	uvf_assert_held(&device->lock);
	uvf_lock(&machine->lock);
	device->driver = driver;
	device->is_unbinding = false;
	uvf_unlock(&machine->lock);
	uvf_machine_touch(machine);
}

static bool matches(struct uvf_driver *driver, struct uvf_bus_device *device)
{
	const struct uvf_bus_ops *ops = driver->bus->ops;

	return ops->match ? ops->match(driver, device)
			  : uvf_driver_match(driver, device);
}

static int use_dma(struct uvf_driver *driver, struct uvf_bus_device *device)
{
	if (driver->manages_dma || !device->group)
		return 0;
	return uvf_iommu_group_use_default(device->group);
}

static void unuse_dma(struct uvf_driver *driver, struct uvf_bus_device *device)
{
	if (!driver->manages_dma && device->group)
		uvf_iommu_group_unuse_default(device->group);
}

/*
 * What probe() itself says becomes positive: who looks for any driver goes
 * on after that, and stops at what came before.
 */
static int probe_locked(struct uvf_driver *driver,
			struct uvf_bus_device *device)
	UVF_REQUIRES(device->lock)
{
	int ret;

	uvf_assert_held(&device->lock);
	if (device->is_dead)
		return -ENODEV;
	if (device->driver)
		return -EBUSY;
	set_driver_locked(device, driver);
	ret = use_dma(driver, device);
	if (ret) {
		set_driver_locked(device, NULL);
		return ret;
	}
	uvf_iommu_group_notify(device, UVF_NOTIFY_BIND);
	ret = driver->ops->probe(driver, device);
	if (ret) {
		unuse_dma(driver, device);
		set_driver_locked(device, NULL);
		return -ret;
	}
	uvf_iommu_group_notify(device, UVF_NOTIFY_BOUND);
	uvf_machine_touch(device->bus->machine);
	uvf_uevent_emit_device(device, UVF_UEVENT_BIND, "");
	return 0;
}

static void release_locked(struct uvf_bus_device *device, struct uvf_task *task)
	UVF_REQUIRES(device->lock)
{
	struct uvf_machine *machine = device->bus->machine;
	struct uvf_driver *driver = device->driver;

	uvf_assert_held(&device->lock);
	if (!driver)
		return;
	uvf_lock(&machine->lock);
	device->is_unbinding = true;
	uvf_unlock(&machine->lock);
	uvf_machine_touch(machine);
	uvf_iommu_group_notify(device, UVF_NOTIFY_UNBIND);
	device->unbinding_task = task;
	driver->ops->remove(driver, device, task);
	device->unbinding_task = NULL;
	unuse_dma(driver, device);
	set_driver_locked(device, NULL);
	uvf_iommu_group_notify(device, UVF_NOTIFY_UNBOUND);
	uvf_uevent_emit_device(device, UVF_UEVENT_UNBIND, "");
}

/* Up to 4.12 whoever binds by sysfs holds the bridge above, too. */
static struct uvf_mutex *parent_lock(struct uvf_bus_device *device)
{
	const struct uvf_profile *profile = device->bus->machine->profile;

	return profile->bind_locks_parent && device->parent
		       ? &device->parent->lock
		       : NULL;
}

static void lock_both(struct uvf_bus_device *device) UVF_NO_ANALYSIS
{
	struct uvf_mutex *parent = parent_lock(device);

	if (parent)
		uvf_lock(parent);
	uvf_lock(&device->lock);
}

static void unlock_both(struct uvf_bus_device *device) UVF_NO_ANALYSIS
{
	struct uvf_mutex *parent = parent_lock(device);

	uvf_unlock(&device->lock);
	if (parent)
		uvf_unlock(parent);
}

int uvf_device_attach_driver(struct uvf_bus_device *device,
			     struct uvf_driver *driver) UVF_NO_ANALYSIS
{
	int ret;

	lock_both(device);
	ret = probe_locked(driver, device);
	unlock_both(device);
	if (ret > 0 && device->bus->machine->profile->bind_hides_probe_errno)
		return -ENODEV;
	if (ret > 0)
		ret = -ret;
	return ret == -EPROBE_DEFER ? -EAGAIN : ret;
}

static int attach_locked(struct uvf_bus_device *device)
	UVF_REQUIRES(device->lock)
{
	struct uvf_driver *driver;
	int ret;

	if (device->is_dead)
		return 0;
	if (device->driver)
		return 1;
	for (size_t i = 0; (driver = uvf_driver_at(device->bus, i)); i++) {
		if (!matches(driver, device))
			continue;
		ret = probe_locked(driver, device);
		if (ret <= 0)
			return ret ? ret : 1;
	}
	return 0;
}

int uvf_device_attach(struct uvf_bus_device *device)
{
	int ret;

	uvf_lock(&device->lock);
	ret = attach_locked(device);
	uvf_unlock(&device->lock);
	return ret;
}

/* What is asked of a bound device before its lock is waited for. */
static bool is_refused_at_once(struct uvf_bus_device *device, int bound_errno)
{
	struct uvf_machine *machine = device->bus->machine;
	bool is_bound;

	if (bound_errno != ENODEV)
		return false;
	uvf_lock(&machine->lock);
	is_bound = device->driver;
	uvf_unlock(&machine->lock);
	return is_bound;
}

int uvf_driver_bind(struct uvf_driver *driver, const char *name,
		    struct uvf_task *task)
{
	struct uvf_bus *bus = driver->bus;
	const int bound_errno = bus->machine->profile->bind_bound_errno;
	struct uvf_bus_device *device = uvf_bus_find_device(bus, name);
	int ret = -ENODEV;

	(void)task;
	if (!device)
		return -ENODEV;
	if (matches(driver, device) && !is_refused_at_once(device, bound_errno))
		ret = uvf_device_attach_driver(device, driver);
	uvf_bus_device_put(device);
	return ret;
}

int uvf_driver_unbind(struct uvf_driver *driver, const char *name,
		      struct uvf_task *task) UVF_NO_ANALYSIS
{
	struct uvf_bus_device *device = uvf_bus_find_device(driver->bus, name);
	bool is_ours;

	if (!device)
		return -ENODEV;
	/* Compared before the wait: hence a second writer succeeds, too. */
	uvf_lock(&driver->bus->machine->lock);
	is_ours = device->driver == driver;
	uvf_unlock(&driver->bus->machine->lock);
	if (is_ours) {
		lock_both(device);
		release_locked(device, task);
		unlock_both(device);
	}
	uvf_bus_device_put(device);
	return is_ours ? 0 : -ENODEV;
}

void uvf_device_detach(struct uvf_bus_device *device, struct uvf_task *task)
{
	uvf_lock(&device->lock);
	release_locked(device, task);
	uvf_unlock(&device->lock);
}

void uvf_device_kill(struct uvf_bus_device *device, struct uvf_task *task)
{
	uvf_lock(&device->lock);
	release_locked(device, task);
	device->is_dead = true;
	uvf_unlock(&device->lock);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "base/alloc.h"
#include "front/machine.h"

static struct fake *fake_of(struct uvf_device *device)
{
	return uvf_container_of(device, struct fake, vfio);
}

static int fake_open(struct uvf_device *device)
{
	struct fake *fake = fake_of(device);

	if (fake->open_errno)
		return fake->open_errno;
	atomic_fetch_add(&fake->opens, 1);
	return 0;
}

static void fake_close(struct uvf_device *device)
{
	atomic_fetch_add(&fake_of(device)->closes, 1);
}

static void fake_request(struct uvf_device *device, unsigned int count)
{
	struct fake *fake = fake_of(device);

	atomic_store(&fake->last_request, (int)count);
	atomic_fetch_add(&fake->requests, 1);
}

static int fake_probe(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	struct fake *fake = uvf_container_of(bus, struct fake, bus);
	int ret = uvf_device_init(driver->data, &fake->vfio);

	if (ret)
		return ret;
	ret = fake->is_emulated ? uvf_device_register_emulated(&fake->vfio)
				: uvf_device_register(&fake->vfio);
	if (ret)
		uvf_device_put(&fake->vfio);
	return ret;
}

static void fake_remove(struct uvf_driver *driver, struct uvf_bus_device *bus,
			struct uvf_task *task)
{
	struct fake *fake = uvf_container_of(bus, struct fake, bus);

	(void)driver;
	uvf_device_unregister(&fake->vfio, task);
	uvf_device_put(&fake->vfio);
	atomic_fetch_add(&fake->removes, 1);
}

static int host_probe(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	(void)driver;
	(void)bus;
	return 0;
}

static void host_remove(struct uvf_driver *driver, struct uvf_bus_device *bus,
			struct uvf_task *task)
{
	(void)driver;
	(void)bus;
	(void)task;
}

static bool match_all(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	(void)driver;
	(void)bus;
	return true;
}

static void destroy(struct uvf_bus_device *bus)
{
	uvf_free(uvf_container_of(bus, struct fake, bus));
}

static const struct uvf_driver_ops vfio_ops = {
	.probe = fake_probe,
	.remove = fake_remove,
};
static const struct uvf_driver_ops host_ops = {
	.probe = host_probe,
	.remove = host_remove,
};
static const struct uvf_bus_ops bus_ops = {.match = match_all};
static const struct uvf_bus_device_ops device_ops = {.destroy = destroy};

static struct uvf_driver *add_driver(struct rig *rig, const char *name,
				     const struct uvf_driver_ops *ops,
				     bool manages_dma)
{
	struct uvf_driver *driver = uvf_zalloc(sizeof(*driver));

	(void)snprintf(driver->name, sizeof(driver->name), "%s", name);
	driver->ops = ops;
	driver->manages_dma = manages_dma;
	driver->data = rig->vfio;
	assert_int_equal(uvf_driver_register(rig->bus, driver), 0);
	return driver;
}

struct rig rig_create(const char *abi)
{
	return rig_create_on(abi, NULL);
}

struct rig rig_create_on(const char *abi, const char *host)
{
	struct rig rig = {.machine = machine_create_as(abi, host)};

	rig.bus_machine = &rig.machine->bus;
	rig.vfio = &rig.machine->vfio;
	rig.ops = (struct uvf_device_ops){
		.open = fake_open,
		.close = fake_close,
		.request = fake_request,
	};
	return rig;
}

void rig_fill(struct rig *rig)
{
	assert_int_equal(uvf_bus_register(rig->bus_machine, "fake", &bus_ops,
					  NULL, &rig->bus),
			 0);
	rig->vfio_driver = add_driver(rig, "vfio-fake", &vfio_ops, true);
	rig->host_driver = add_driver(rig, "fake-host", &host_ops, false);
	rig->stub_driver = add_driver(rig, "pci-stub", &host_ops, true);
	rig->client = client_create(rig->machine);
}

void rig_destroy(struct rig *rig)
{
	client_destroy(rig->client);
	uvfio_machine_destroy(rig->machine);
}

struct fake *fake_add(struct rig *rig, const char *name, int group)
{
	struct fake *fake = uvf_zalloc(sizeof(*fake));

	fake->rig = rig;
	fake->is_emulated = group == EMULATED;
	fake->bus.ops = &device_ops;
	fake->bus.bus = rig->bus;
	(void)snprintf(fake->bus.name, sizeof(fake->bus.name), "%s", name);
	(void)snprintf(fake->bus.root, sizeof(fake->bus.root), "fake");
	uvf_bus_device_init(&fake->bus);
	fake->vfio.ops = &rig->ops;
	fake->vfio.bus_device = &fake->bus;
	assert_int_equal(
		uvf_machine_add(rig->bus_machine, &fake->bus,
				group == EMULATED ? UVF_GROUP_NONE : group),
		0);
	return fake;
}

void fake_bind(struct fake *fake, struct uvf_driver *driver)
{
	assert_int_equal(uvf_device_attach_driver(&fake->bus, driver), 0);
}

static void *unbind_main(void *arg)
{
	struct unbind *unbind = arg;

	uvf_device_detach(&unbind->fake->bus, &unbind->task);
	atomic_store(&unbind->is_done, true);
	return NULL;
}

void unbind_start(struct unbind *unbind, struct fake *fake)
{
	unbind->fake = fake;
	atomic_init(&unbind->is_done, false);
	uvf_task_init(&unbind->task, "unbinder", 4711);
	assert_int_equal(
		pthread_create(&unbind->thread, NULL, unbind_main, unbind), 0);
}

void unbind_join(struct unbind *unbind)
{
	pthread_join(unbind->thread, NULL);
	uvf_task_fini(&unbind->task);
}

void wait_for(atomic_int *count, int value)
{
	while (atomic_load(count) < value)
		sched_yield();
}

int set_container(struct rig *rig, int group, int container)
{
	return (int)client_ioctl(rig->client, group, VFIO_GROUP_SET_CONTAINER,
				 (uintptr_t)&container);
}

int get_device(struct rig *rig, int group, const char *name)
{
	return (int)client_ioctl(rig->client, group, VFIO_GROUP_GET_DEVICE_FD,
				 (uintptr_t)name);
}

int status_of(struct rig *rig, int group)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	long ret = client_ioctl(rig->client, group, VFIO_GROUP_GET_STATUS,
				(uintptr_t)&status);

	return ret ? (int)ret : (int)status.flags;
}

int unset_container(struct rig *rig, int group)
{
	return (int)client_ioctl(rig->client, group, VFIO_GROUP_UNSET_CONTAINER,
				 0);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/driver.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/alloc.h"
#include "base/eventfd.h"
#include "base/log.h"
#include "bus/bus.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "bus/options.h"
#include "core/device_set.h"
#include "core/vfio.h"
#include "pci/bar.h"
#include "pci/bridge.h"
#include "pci/config.h"
#include "pci/device.h"
#include "pci/handlers.h"
#include "pci/hw.h"
#include "pci/irqs.h"
#include "pci/migrate.h"
#include "pci/reset.h"
#include "pci/slot.h"
#include "pci/sriov.h"
#include "pci/v02.h"
#include "pci/vf_token.h"

#define PORT_DRIVER  "pcieport"
#define CLASS_BRIDGE 0x060400 /* PCI to PCI, normal decode */

static int pci_match(struct uvf_device *device, const char *name)
{
	return uvf_vf_token_match(uvf_pci_of(device), name);
}

static int pci_match_token(struct uvf_device *device, const uint8_t *uuid)
{
	return uvf_vf_token_check(uvf_pci_of(device), uuid);
}

/* A function that is on its way out of its driver: -EAGAIN. */
static int pci_open(struct uvf_device *device)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	int ret;

	/* One open of many, up to Linux 4.1. */
	if (device->open_count)
		return 0;
	uvf_lock(&pci->model.lock);
	uvf_reset_set_power_locked(pci, 0);
	uvf_hw_change16_locked(pci, PCI_COMMAND, PCI_COMMAND_MASTER,
			       uvf_hw_decode_bits(pci));
	ret = uvf_reset_try_locked(pci, UVFIO_RESET_OPEN);
	if (ret == -EAGAIN)
		goto out;
	pci->has_reset = !ret;
	uvf_hw_save_locked(pci, &pci->saved);
	uvf_hw_block_intx_locked(pci, false);
	ret = uvf_config_open_locked(pci);
	uvf_barmem_show_locked(pci);
out:
	uvf_unlock(&pci->model.lock);
	if (!ret)
		uvf_vf_token_use(pci);
	return ret;
}

static void pci_close(struct uvf_device *device)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	bool is_reset;

	if (device->open_count)
		return;
	uvf_vf_token_unuse(pci);
	uvf_migrate_close(pci);
	uvf_lock(&pci->model.lock);
	uvf_low_power_exit_locked(pci);
	pci->low_power_masked_intx = false;
	uvf_reset_set_power_locked(pci, 0);
	uvf_hw_change16_locked(pci, PCI_COMMAND, PCI_COMMAND_MASTER, 0);
	uvf_irqs_close_locked(pci);
	uvf_ioeventfds_close_locked(pci);
	pci->intx.is_disabled = false;
	uvf_barmem_hide_locked(pci);
	uvf_config_close_locked(pci);
	is_reset =
		pci->has_reset && !uvf_reset_try_locked(pci, UVFIO_RESET_CLOSE);
	uvf_hw_restore_locked(pci, &pci->saved);
	uvf_unlock(&pci->model.lock);
	pci->needs_reset = !is_reset;
	if (!device->set)
		return;
	uvf_assert_held(&device->set->lock);
	uvf_hot_reset_unused(device->set);
}

/*
 * Source: vfio_pci_core_request(); Linux 6.12: a user without an eventfd is
 * told of once, to whom it may concern.
 */
static void pci_request(struct uvf_device *device, unsigned int count)
{
	struct uvf_pci *pci = uvf_pci_of(device);

	uvf_lock(&pci->model.lock);
	if (pci->req_trigger >= 0) {
		if (!(count % 10))
			uvf_log(UVF_LOG_INFO,
				"%s: relaying a device request to the user "
				"(#%u)",
				pci->bus.name, count);
		uvf_eventfd_signal(pci->req_trigger);
	} else if (!count) {
		uvf_log(UVF_LOG_WARNING,
			"%s: no eventfd for device requests is set, blocked "
			"until the user lets go",
			pci->bus.name);
	}
	uvf_unlock(&pci->model.lock);
}

static void pci_wake(struct uvf_device *device)
{
	uvf_low_power_resume(uvf_pci_of(device));
}

static void pci_rest(struct uvf_device *device)
{
	uvf_low_power_suspend(uvf_pci_of(device));
}

const struct uvf_device_ops uvf_pci_device_ops = {
	.match = pci_match,
	.match_token = pci_match_token,
	.open = pci_open,
	.close = pci_close,
	.request = pci_request,
	.wake = pci_wake,
	.rest = pci_rest,
	.get_info = pci_ioctl_get_info,
	.get_region_info = pci_ioctl_get_region_info,
	.get_irq_info = pci_ioctl_get_irq_info,
	.set_irqs = pci_ioctl_set_irqs,
	.reset = pci_ioctl_reset,
	.get_pci_hot_reset_info = pci_ioctl_get_pci_hot_reset_info,
	.pci_hot_reset = pci_ioctl_pci_hot_reset,
	.ioeventfd = pci_ioctl_ioeventfd,
	.feature = pci_ioctl_feature,
	.read = pci_read,
	.write = pci_write,
	.mmap = pci_mmap,
	.fault = pci_fault,
	.mmio = pci_mmio,
	.dma_target = pci_dma_target,
};

static int vfio_probe(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	int ret;

	if (!uvf_sriov_may_probe(pci))
		return -ENODEV;
	if (uvf_pci_is_bridge(pci))
		return -EINVAL;
	ret = uvf_device_init(driver->data, &pci->vfio);
	if (ret)
		return ret;
	/* Functions behind one bridge are reset together, but for VFs. */
	if (bus->parent && !pci->physfn)
		ret = uvf_device_assign_set(&pci->vfio, bus->parent);
	uvf_vf_token_init(pci);
	if (!ret)
		ret = uvf_device_register(&pci->vfio);
	if (ret) {
		uvf_device_put(&pci->vfio);
		return ret;
	}
	atomic_store(&pci->is_registered, true);
	atomic_store(&pci->is_pm_auto, true);
	return 0;
}

/* No VF stays behind: its PF's driver is needed for what it does. */
static void disable_vfs(struct uvf_pci *pci, struct uvf_task *task)
{
	/* The driver core holds it while it takes a driver away. */
	uvf_assert_held(&pci->bus.lock);
	uvf_sriov_disable(pci, task);
}

static void vfio_remove(struct uvf_driver *driver, struct uvf_bus_device *bus,
			struct uvf_task *task)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);

	(void)driver;
	disable_vfs(pci, task);
	uvf_device_unregister(&pci->vfio, task);
	uvf_device_put(&pci->vfio);
	atomic_store(&pci->is_registered, false);
	atomic_store(&pci->is_pm_auto, false);
}

static const struct uvf_driver_ops vfio_ops = {
	.probe = vfio_probe,
	.remove = vfio_remove,
};

/*
 * A driver of the host, which enables the function and is never seen.  An
 * override may bring it a function that it knows nothing about.
 */
static int host_probe(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	if (!uvf_sriov_may_probe(uvf_pci_of_bus(bus)) ||
	    !uvf_driver_knows(driver, bus))
		return -ENODEV;
	atomic_store(&uvf_pci_of_bus(bus)->is_host_driven, true);
	return 0;
}

static void host_remove(struct uvf_driver *driver, struct uvf_bus_device *bus,
			struct uvf_task *task)
{
	(void)driver;
	disable_vfs(uvf_pci_of_bus(bus), task);
	atomic_store(&uvf_pci_of_bus(bus)->is_host_driven, false);
}

static const struct uvf_driver_ops host_ops = {
	.probe = host_probe,
	.remove = host_remove,
};

/* Ports of PCI Express; a conventional bridge has no driver. */
static int port_probe(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	const struct uvf_pci *pci = uvf_pci_of_bus(bus);

	if (!uvf_pci_is_bridge(pci) || uvf_bridge_is_conventional(pci))
		return -ENODEV;
	return host_probe(driver, bus);
}

static const struct uvf_driver_ops port_ops = {
	.probe = port_probe,
	.remove = host_remove,
};

/* pci-stub holds a function and leaves it alone. */
static int stub_probe(struct uvf_driver *driver, struct uvf_bus_device *bus)
{
	(void)driver;
	return uvf_sriov_may_probe(uvf_pci_of_bus(bus)) ? 0 : -ENODEV;
}

static void stub_remove(struct uvf_driver *driver, struct uvf_bus_device *bus,
			struct uvf_task *task)
{
	(void)driver;
	(void)bus;
	(void)task;
}

static const struct uvf_driver_ops stub_ops = {
	.probe = stub_probe,
	.remove = stub_remove,
};

int uvf_pci_driver_set_vfs(struct uvf_pci *pci, unsigned int count,
			   struct uvf_task *task)
{
	const struct uvf_driver *driver = pci->bus.driver;
	bool is_vfio = driver && driver->ops == &vfio_ops;

	uvf_assert_held(&pci->bus.lock);
	if (is_vfio ? !uvf_vf_token_is_known(pci)
		    : !driver || driver->ops != &host_ops)
		return -ENOENT;
	if (count && uvf_sriov_count(pci))
		return -EBUSY;
	if (is_vfio && !atomic_load(&pci->machine->params.enable_sriov))
		return -ENOENT;
	if (!count) {
		uvf_sriov_disable(pci, task);
		return 0;
	}
	if (is_vfio) {
		uvf_lock(&pci->model.lock);
		uvf_reset_set_power_locked(pci, 0);
		uvf_unlock(&pci->model.lock);
	}
	/* Its VFs are for users, too, unless somebody says otherwise. */
	return uvf_sriov_enable(pci, count,
				is_vfio ? UVF_PCI_DRIVER_NAME : NULL);
}

/* Those that are there before any device. */
static int add_drivers(struct uvf_bus *bus, struct uvf_vfio *vfio)
{
	const struct uvf_bus_id bridges = {
		.vendor = UVF_ID_ANY,
		.device = UVF_ID_ANY,
		.subvendor = UVF_ID_ANY,
		.subdevice = UVF_ID_ANY,
		.class_code = CLASS_BRIDGE,
		.class_mask = UINT32_MAX,
	};
	bool speaks_v02 = vfio && vfio->v02;
	const struct uvf_driver drivers[] = {
		{
			.name = "pci-stub",
			.ops = &stub_ops,
			.manages_dma = true,
		},
		{
			.name = UVF_PCI_DRIVER_NAME,
			.ops = speaks_v02 ? &uvf_pci_v02_driver_ops : &vfio_ops,
			.manages_dma = true,
			.has_any_id = true,
			.module = "vfio_pci",
			.data = vfio,
		},
	};
	const struct uvf_driver port = {
		.name = PORT_DRIVER,
		.ops = &port_ops,
		.manages_dma = true,
	};
	struct uvf_driver *driver;
	int ret = uvf_driver_add(bus, &port, &driver);

	if (!ret)
		ret = uvf_driver_add_id(driver, &bridges);
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]) && !ret;
	     i++)
		ret = uvf_driver_add(bus, &drivers[i], NULL);
	return ret;
}

static const struct uvf_bus_ops pci_bus_ops = {
	.has_override = true,
	.has_new_id = true,
	.added = uvf_pci_v02_added,
	.removed = uvf_pci_v02_removed,
	.rescan = uvf_slots_rescan,
	.fini = uvf_slots_destroy,
};

int uvf_pci_init(struct uvf_machine *machine, struct uvf_vfio *vfio)
{
	struct uvf_pci_slots *slots = uvf_slots_create();
	struct uvf_bus *bus;
	int ret;

	if (!slots)
		return -ENOMEM;
	ret = uvf_bus_register(machine, "pci", &pci_bus_ops, slots, &bus);
	if (ret) {
		uvf_free(slots);
		return ret;
	}
	return add_drivers(bus, vfio);
}

/* The driver of the host with this name; it takes functions like this one. */
static int obtain_host_driver(struct uvf_pci *pci, const char *name,
			      struct uvf_driver **ret_driver)
{
	const struct uvf_bus_id id = {
		.vendor = pci->desc->vendor,
		.device = pci->desc->device,
		.subvendor = UVF_ID_ANY,
		.subdevice = UVF_ID_ANY,
	};

	return uvf_driver_obtain(&pci->bus, name, &host_ops, &id, ret_driver);
}

int uvf_pci_bind_by_key(struct uvf_bus_device *bus)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	const char *name = uvf_options_find(pci->options, "driver");
	struct uvf_driver *driver;
	int ret;

	if (!name && !uvf_pci_is_bridge(pci))
		name = UVF_PCI_DRIVER_NAME;
	else if (!name)
		name = uvf_bridge_is_conventional(pci) ? "none" : PORT_DRIVER;
	if (!strcmp(name, "none"))
		return 0;
	ret = obtain_host_driver(pci, name, &driver);
	if (ret)
		return ret;
	/* These have no ids of their own: so do users give them functions. */
	if (!uvf_driver_match(driver, bus))
		ret = uvf_bus_device_has_override(bus)
			      ? uvf_bus_device_set_override(bus, name,
							    strlen(name))
			      : uvf_driver_give_id(driver, &bus->id);
	if (!ret)
		ret = uvf_device_attach_driver(bus, driver);
	/* As such a host boots: it stays free until no-IOMMU mode is on. */
	if (ret && ret != -ENOMEM && !pci->machine->has_iommu)
		return 0;
	return ret;
}

int uvf_pci_bind(struct uvf_machine *machine)
{
	struct uvf_bus *bus = uvf_bus_find(machine, "pci");
	struct uvf_bus_device **devices;
	size_t count;
	int ret = 0;

	devices = uvf_machine_devices(machine, bus, &count);
	if (!devices)
		return -ENOMEM;
	for (size_t i = 0; i < count && !ret; i++)
		if (!uvf_bus_device_driver(devices[i]))
			ret = uvf_pci_bind_by_key(devices[i]);
	uvf_bus_devices_put(devices, count);
	return ret;
}

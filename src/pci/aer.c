/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source: pcie_do_recovery(), Linux 6.12, for a channel that works.  The host
 * clears the status that the function has set, so that nobody sees it.
 */
#include "pci/aer.h"

#include <errno.h>

#include "base/eventfd.h"
#include "bus/machine.h"
#include "bus/uevent.h"
#include "pci/device.h"
#include "pci/domain.h"
#include "pci/handlers.h"

/* vfio-pci answers that the function can recover, and does no more. */
static void detected(struct uvf_bus_device *bus)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);

	uvf_lock(&bus->lock);
	uvf_lock(&pci->model.lock);
	uvf_eventfd_signal(pci->err_trigger);
	uvf_unlock(&pci->model.lock);
	uvf_uevent_emit_device(bus, UVF_UEVENT_CHANGE,
			       "ERROR_EVENT=BEGIN_RECOVERY\n"
			       "DEVICE_ONLINE=0\n");
	uvf_unlock(&bus->lock);
}

static void resumed(struct uvf_bus_device *bus)
{
	uvf_lock(&bus->lock);
	uvf_uevent_emit_device(bus, UVF_UEVENT_CHANGE,
			       "ERROR_EVENT=SUCCESSFUL_RECOVERY\n"
			       "DEVICE_ONLINE=1\n");
	uvf_unlock(&bus->lock);
}

static void tell_model(struct uvf_pci *pci)
{
	struct uvfio_dev *dev = &pci->model;

	uvf_lock(&dev->lock);
	if (dev->ops->event)
		dev->ops->event(dev, UVFIO_EVENT_ERROR, 0);
	uvf_unlock(&dev->lock);
}

/* On a root bus the function recovers alone. */
static void recover(struct uvf_bus_device *const *functions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		uvf_low_power_resume(uvf_pci_of_bus(functions[i]));
	for (size_t i = 0; i < count; i++)
		detected(functions[i]);
	for (size_t i = 0; i < count; i++)
		resumed(functions[i]);
	for (size_t i = 0; i < count; i++)
		uvf_low_power_suspend(uvf_pci_of_bus(functions[i]));
}

int uvf_pci_report_error(struct uvf_bus_device *bus)
{
	struct uvf_bus_device **functions;
	struct uvf_pci *pci;
	size_t count;

	if (!uvf_pci_is(bus))
		return -ENODEV;
	pci = uvf_pci_of_bus(bus);
	if (!pci->aer_offset)
		return -EOPNOTSUPP;
	if (!uvf_domain_is_resettable(pci)) {
		tell_model(pci);
		recover(&bus, 1);
		return 0;
	}
	functions = uvf_domain_functions(pci, &count);
	if (!functions)
		return -ENOMEM;
	tell_model(pci);
	recover(functions, count);
	uvf_bus_devices_put(functions, count);
	return 0;
}

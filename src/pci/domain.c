/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/domain.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/bus.h"
#include "bus/machine.h"
#include "pci/bar.h"
#include "pci/bridge.h"
#include "pci/device.h"
#include "pci/reset.h"

bool uvf_domain_is_resettable(const struct uvf_pci *pci)
{
	/* A VF that is not on the bus of its PF is on one without a bridge. */
	if (pci->physfn && pci->address.bus != pci->physfn->address.bus)
		return false;
	return pci->bus.parent;
}

/* Whether it is on the bus, or on one that begins there. */
static bool is_on_bus(const struct uvf_bus_device *device,
		      const struct uvf_bus_device *bridge)
{
	for (; device; device = device->parent)
		if (device->parent == bridge)
			return true;
	return false;
}

bool uvf_domain_is_alone(const struct uvf_pci *pci)
{
	struct uvf_machine *machine = pci->machine;
	struct uvf_list *node;
	bool is_alone = pci->bus.parent && !uvf_pci_is_bridge(pci);

	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &machine->devices) {
		const struct uvf_bus_device *other = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);

		if (other != &pci->bus && uvf_pci_is(other) &&
		    other->parent == pci->bus.parent)
			is_alone = false;
	}
	uvf_unlock(&machine->lock);
	return is_alone;
}

static uint32_t place_of(const struct uvf_bus_device *device)
{
	const struct uvf_pci *pci =
		uvf_container_of(device, const struct uvf_pci, bus);

	return (uint32_t)pci->address.segment << 16 |
	       (uint32_t)pci->address.bus << 8 | pci->address.devfn;
}

static int by_place(const void *a, const void *b)
{
	uint32_t first = place_of(*(struct uvf_bus_device *const *)a);
	uint32_t second = place_of(*(struct uvf_bus_device *const *)b);

	return first < second ? -1 : first > second;
}

struct uvf_bus_device **uvf_domain_functions(const struct uvf_pci *pci,
					     size_t *ret_count)
{
	size_t count, kept = 0;
	struct uvf_bus_device **devices =
		uvf_machine_devices(pci->machine, pci->bus.bus, &count);

	if (!devices)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (is_on_bus(devices[i], pci->bus.parent))
			devices[kept++] = devices[i];
		else
			uvf_bus_device_put(devices[i]);
	}
	qsort(devices, kept, sizeof(*devices), by_place);
	*ret_count = kept;
	return devices;
}

/* From the top down; what is held when one is not free is let go again. */
static bool lock_all(struct uvf_bus_device *const *functions,
		     size_t count) UVF_NO_ANALYSIS
{
	struct uvf_bus_device *bridge = functions[0]->parent;

	if (!uvf_trylock(&bridge->lock))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (uvf_trylock(&functions[i]->lock))
			continue;
		while (i--)
			uvf_unlock(&functions[i]->lock);
		uvf_unlock(&bridge->lock);
		return false;
	}
	return true;
}

static void unlock_all(struct uvf_bus_device *const *functions,
		       size_t count) UVF_NO_ANALYSIS
{
	struct uvf_bus_device *bridge = functions[0]->parent;

	while (count--)
		uvf_unlock(&functions[count]->lock);
	uvf_unlock(&bridge->lock);
}

int uvf_domain_reset(struct uvf_bus_device *const *functions, size_t count)
{
	if (!lock_all(functions, count))
		return -EAGAIN;
	for (size_t i = 0; i < count; i++) {
		struct uvf_pci *pci = uvf_pci_of_bus(functions[i]);

		uvf_lock(&pci->model.lock);
		uvf_barmem_hide_locked(pci);
		uvf_reset_set_power_locked(pci, 0);
		uvf_model_set_bus_master_locked(&pci->model, false);
		uvf_unlock(&pci->model.lock);
	}
	for (size_t i = 0; i < count; i++) {
		struct uvf_pci *pci = uvf_pci_of_bus(functions[i]);

		uvf_lock(&pci->model.lock);
		uvf_reset_function_locked(pci, UVFIO_RESET_HOT);
		uvf_unlock(&pci->model.lock);
	}
	unlock_all(functions, count);
	return 0;
}

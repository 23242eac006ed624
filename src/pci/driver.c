/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/driver.h"

#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "bus/group.h"
#include "bus/machine.h"
#include "bus/options.h"
#include "pci/bar.h"
#include "pci/config.h"
#include "pci/device.h"
#include "pci/handlers.h"
#include "pci/hw.h"
#include "pci/irqs.h"
#include "pci/reset.h"

#define DRIVER    "vfio-pci"
#define VF_TOKEN  "vf_token="
#define UUID_LEN  36
#define UUID_DASH "\x08\x0d\x12\x17" /* places of the dashes */

static bool is_uuid(const char *text)
{
	for (int i = 0; i < UUID_LEN; i++) {
		bool is_dash = memchr(UUID_DASH, i, 4);
		char c = text[i];

		if (is_dash ? c != '-'
			    : !((c >= '0' && c <= '9') ||
				((c | 0x20) >= 'a' && (c | 0x20) <= 'f')))
			return false;
	}
	return true;
}

/*
 * "0000:00:03.0", and options behind a space.  No function here has to do
 * with SR-IOV, so that a token is always one too many.
 */
static int pci_match(struct uvf_device *device, const char *name)
{
	const char *own = device->bus_device->name;
	size_t len = strlen(own);
	bool has_token = false;

	if (strncmp(name, own, len))
		return 0;
	name += len;
	if (*name && *name != ' ')
		return 0;
	while (*name) {
		if (*name == ' ') {
			name++;
			continue;
		}
		if (has_token || strncmp(name, VF_TOKEN, strlen(VF_TOKEN)))
			return -EINVAL;
		name += strlen(VF_TOKEN);
		if (strlen(name) < UUID_LEN || !is_uuid(name))
			return -EINVAL;
		name += UUID_LEN;
		has_token = true;
	}
	return has_token ? -EINVAL : 1;
}

/* The bits of COMMAND for the kinds of BAR that the function has. */
static uint16_t decode_bits(const struct uvf_pci *pci)
{
	uint16_t bits = 0;

	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++)
		if (pci->bars[i].size)
			bits |= pci->bars[i].desc->flags & UVFIO_BAR_IO
					? PCI_COMMAND_IO
					: PCI_COMMAND_MEMORY;
	return bits;
}

static int pci_open(struct uvf_device *device)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	int ret;

	uvf_lock(&pci->model.lock);
	uvf_reset_set_power_locked(pci, 0);
	uvf_hw_change16_locked(pci, PCI_COMMAND, PCI_COMMAND_MASTER,
			       decode_bits(pci));
	if (pci->has_reset)
		uvf_reset_function_locked(pci, UVFIO_RESET_OPEN);
	uvf_hw_save_locked(pci, &pci->saved);
	uvf_hw_block_intx_locked(pci, false);
	ret = uvf_config_open_locked(pci);
	uvf_barmem_show_locked(pci);
	uvf_unlock(&pci->model.lock);
	return ret;
}

static void pci_close(struct uvf_device *device)
{
	struct uvf_pci *pci = uvf_pci_of(device);

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
	if (pci->has_reset)
		uvf_reset_function_locked(pci, UVFIO_RESET_CLOSE);
	uvf_hw_restore_locked(pci, &pci->saved);
	uvf_unlock(&pci->model.lock);
}

const struct uvf_device_ops uvf_pci_device_ops = {
	.match = pci_match,
	.open = pci_open,
	.close = pci_close,
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
};

static int bind_one(struct uvf_pci *pci, struct uvf_vfio *vfio)
{
	const char *driver = uvf_options_find(pci->options, "driver");
	int ret;

	if (driver && !strcmp(driver, "none"))
		return 0;
	if (driver && strcmp(driver, DRIVER)) {
		ret = pci->bus.group
			      ? uvf_iommu_group_use_by_host(pci->bus.group)
			      : 0;
		if (ret)
			return ret;
		pci->is_host_driven = true;
		pci->bus.driver = driver;
		return 0;
	}
	ret = uvf_device_register(vfio, &pci->vfio);
	if (ret)
		return ret;
	pci->is_registered = true;
	pci->bus.driver = DRIVER;
	return 0;
}

int uvf_pci_bind(struct uvf_machine *machine, struct uvf_vfio *vfio)
{
	struct uvf_list *node;
	int ret;

	uvf_list_for_each (node, &machine->devices) {
		struct uvf_bus_device *bus = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);

		if (!uvf_pci_is(bus) || bus->driver)
			continue;
		ret = bind_one(uvf_pci_of_bus(bus), vfio);
		if (ret)
			return ret;
	}
	return 0;
}

static void unbind_one(struct uvf_pci *pci)
{
	struct uvf_iommu_group *group = pci->bus.group;

	if (pci->is_registered)
		uvf_device_unregister(&pci->vfio);
	if (pci->is_host_driven && group) {
		uvf_lock(&group->lock);
		group->host_users--;
		uvf_unlock(&group->lock);
	}
	pci->is_registered = false;
	pci->is_host_driven = false;
	pci->bus.driver = NULL;
}

void uvf_pci_unbind(struct uvf_machine *machine)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &machine->devices) {
		struct uvf_bus_device *bus = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);

		if (uvf_pci_is(bus))
			unbind_one(uvf_pci_of_bus(bus));
	}
}

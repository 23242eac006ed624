/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Order of errors from drivers/pci/iov.c, Linux 6.12.
 */
#include "pci/sriov.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/log.h"
#include "bus/bus.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "bus/uevent.h"
#include "pci/address.h"
#include "pci/bar.h"
#include "pci/bridge.h"
#include "pci/device.h"
#include "pci/hw.h"

/* Pages of 4 KiB and those that every function supports. */
#define PAGES_SUPPORTED 0x553
#define PAGES_4K        1

#define CTRL_RW (PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | PCI_SRIOV_CTRL_ARI)

static void build_bars(struct uvf_pci *pci, uint8_t *cap)
{
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		const struct uvfio_bar *bar = &pci->desc->sriov.vf->bars[i];
		uint64_t address = pci->sriov.bars[i].address;
		uint8_t *reg = cap + PCI_SRIOV_BAR + 4 * i;

		if (!bar->size)
			continue;
		uvf_put32(reg, (uint32_t)address | uvf_bar_type(bar));
		if (bar->flags & UVFIO_BAR_64)
			uvf_put32(reg + 4, (uint32_t)(address >> 32));
	}
}

void uvf_sriov_build(struct uvf_pci *pci)
{
	const struct uvfio_sriov *sriov = &pci->desc->sriov;
	uint8_t *cap = pci->hw + sriov->offset;
	uint8_t *wmask = pci->hw_wmask + sriov->offset;

	memset(cap, 0, PCI_EXT_CAP_SRIOV_SIZEOF);
	memset(wmask, 0, PCI_EXT_CAP_SRIOV_SIZEOF);
	uvf_put16(cap, PCI_EXT_CAP_ID_SRIOV);
	uvf_put16(cap + 2, 1);
	uvf_put16(cap + PCI_SRIOV_INITIAL_VF, sriov->total_vfs);
	uvf_put16(cap + PCI_SRIOV_TOTAL_VF, sriov->total_vfs);
	cap[PCI_SRIOV_FUNC_LINK] = pci->address.devfn & 7;
	uvf_put16(cap + PCI_SRIOV_VF_OFFSET, sriov->first);
	uvf_put16(cap + PCI_SRIOV_VF_STRIDE, sriov->stride);
	uvf_put16(cap + PCI_SRIOV_VF_DID, sriov->vf->device);
	uvf_put32(cap + PCI_SRIOV_SUP_PGSIZE, PAGES_SUPPORTED);
	uvf_put32(cap + PCI_SRIOV_SYS_PGSIZE, PAGES_4K);
	build_bars(pci, cap);
	uvf_put16(wmask + PCI_SRIOV_CTRL, CTRL_RW);
	uvf_put16(wmask + PCI_SRIOV_NUM_VF, 0xffff);
	uvf_put32(wmask + PCI_SRIOV_SYS_PGSIZE, PAGES_SUPPORTED);
}

bool uvf_sriov_address(const struct uvf_pci *pf, unsigned int index,
		       struct uvf_pci_address *ret_address)
{
	const struct uvfio_sriov *sriov = &pf->desc->sriov;
	unsigned int id =
		(unsigned int)pf->address.bus << 8 | pf->address.devfn;

	id += sriov->first + sriov->stride * index;
	ret_address->segment = pf->address.segment;
	ret_address->bus = (uint8_t)(id >> 8);
	ret_address->devfn = (uint8_t)id;
	return id <= UINT16_MAX;
}

unsigned int uvf_sriov_count(const struct uvf_pci *pf)
{
	return atomic_load(&pf->sriov.count);
}

/* The last bus number that leads to the PF: VFs may be on any up to it. */
static unsigned int last_bus(const struct uvf_pci *pf)
{
	const struct uvf_pci *bridge = uvf_bridge_of(pf);

	return bridge ? bridge->bridge.subordinate : UINT8_MAX;
}

/* A VF of this PF by its number, with a reference, or NULL. */
static struct uvf_bus_device *find_vf(const struct uvf_pci *pf,
				      unsigned int index)
{
	struct uvf_pci_address address;
	struct uvf_bus_device *vf;
	char name[32];

	if (!uvf_sriov_address(pf, index, &address))
		return NULL;
	uvf_address_print(name, sizeof(name), &address);
	vf = uvf_bus_find_device(pf->bus.bus, name);
	if (!vf || uvf_pci_of_bus(vf)->physfn == pf)
		return vf;
	uvf_bus_device_put(vf);
	return NULL;
}

/* What the registers of the capability say while there are VFs. */
static void show_count(struct uvf_pci *pf, unsigned int count)
{
	const unsigned int pos = pf->desc->sriov.offset;
	const uint16_t on = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;

	uvf_lock(&pf->model.lock);
	uvf_hw_write_locked(pf, pos + PCI_SRIOV_NUM_VF, 2, count);
	uvf_hw_change16_locked(pf, pos + PCI_SRIOV_CTRL, on, count ? on : 0);
	uvf_unlock(&pf->model.lock);
}

/* Drivers may take it, as any function that comes. */
static void offer(struct uvf_bus_device *vf)
{
	uvf_uevent_emit_device(vf, UVF_UEVENT_CHANGE, "");
	if (atomic_load(&vf->bus->is_autoprobe))
		(void)uvf_device_attach(vf);
}

/* All that have come. */
static void take_out(struct uvf_pci *pf, struct uvf_task *task)
{
	for (unsigned int i = 0; i < atomic_load(&pf->sriov.linked); i++) {
		struct uvf_bus_device *vf = find_vf(pf, i);

		if (vf)
			uvf_machine_take_out(pf->machine, vf, task);
		uvf_bus_device_put(vf);
	}
	atomic_store(&pf->sriov.linked, 0);
	show_count(pf, 0);
}

static int add(struct uvf_pci *pf, unsigned int index, const char *override)
{
	struct uvf_bus_device *vf;
	struct uvfio_error err = {""};
	int ret = uvf_pci_create_vf(pf, index, &vf, &err);

	if (ret) {
		uvf_log(UVF_LOG_WARNING, "%s: VF %u does not come: %s",
			pf->bus.name, index, err.text);
		return ret;
	}
	atomic_store(&pf->sriov.linked, index + 1);
	if (override)
		ret = uvf_bus_device_set_override(vf, override,
						  strlen(override));
	if (!ret)
		offer(vf);
	uvf_bus_device_put(vf);
	return ret;
}

int uvf_sriov_enable(struct uvf_pci *pf, unsigned int count,
		     const char *override)
{
	struct uvf_pci_address last;
	int ret = 0;

	uvf_assert_held(&pf->bus.lock);
	if (!uvf_sriov_address(pf, count - 1, &last) || last.bus > last_bus(pf))
		return -ENOMEM;
	show_count(pf, count);
	for (unsigned int i = 0; i < count && !ret; i++)
		ret = add(pf, i, override);
	if (ret) {
		take_out(pf, NULL);
		return ret;
	}
	atomic_store(&pf->sriov.count, count);
	uvf_machine_touch(pf->machine);
	uvf_uevent_emit_device(&pf->bus, UVF_UEVENT_CHANGE, "");
	return 0;
}

void uvf_sriov_disable(struct uvf_pci *pf, struct uvf_task *task)
{
	uvf_assert_held(&pf->bus.lock);
	if (!uvf_sriov_count(pf))
		return;
	take_out(pf, task);
	atomic_store(&pf->sriov.count, 0);
	uvf_machine_touch(pf->machine);
}

bool uvf_sriov_may_probe(struct uvf_pci *pci)
{
	bool has_override;

	if (!pci->physfn || atomic_load(&pci->physfn->sriov.is_autoprobe))
		return true;
	uvf_lock(&pci->machine->lock);
	has_override = pci->bus.driver_override;
	uvf_unlock(&pci->machine->lock);
	return has_override;
}

void uvf_sriov_each_link(struct uvf_bus_device *bus, uvf_bus_link_fn *link,
			 void *arg)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	char name[20];

	if (pci->physfn)
		link(arg, "physfn", &pci->physfn->bus);
	if (!uvf_sriov_is_pf(pci))
		return;
	for (unsigned int i = 0; i < atomic_load(&pci->sriov.linked); i++) {
		struct uvf_bus_device *vf = find_vf(pci, i);

		(void)snprintf(name, sizeof(name), "virtfn%u", i);
		if (vf)
			link(arg, name, vf);
		uvf_bus_device_put(vf);
	}
}

struct uvfio_dev *uvfio_physfn(struct uvfio_dev *dev)
{
	struct uvf_pci *pci = uvf_pci_of_model(dev);

	return pci->physfn ? &pci->physfn->model : NULL;
}

unsigned int uvfio_vf_index(struct uvfio_dev *dev)
{
	return uvf_pci_of_model(dev)->vf_index;
}

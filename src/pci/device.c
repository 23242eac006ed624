/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/alloc.h"
#include "bus/bus.h"
#include "bus/machine.h"
#include "bus/options.h"
#include "pci/address.h"
#include "pci/bar.h"
#include "pci/bridge.h"
#include "pci/descriptor.h"
#include "pci/driver.h"
#include "core/keys.h"
#include "pci/handlers.h"
#include "pci/hw.h"
#include "pci/irqs.h"
#include "pci/migrate.h"
#include "pci/pci.h"
#include "pci/reset.h"
#include "pci/slot.h"
#include "pci/sriov.h"
#include "pci/vpd.h"

#define MULTIFUNCTION 0x80 /* header type */

/* Keys that every model has; the others are its own. */
static const char *const generic[] = {"addr",   "group",  "iommu",
				      "driver", "bridge", NULL};

/* What the keys say, or the first place that is free. */
static int choose_address(struct uvf_pci *pci, struct uvfio_error *err)
{
	const char *text = uvf_options_find(pci->options, "addr");
	const struct uvf_pci *bridge = uvf_bridge_of(pci);
	int ret;

	if (!text) {
		ret = uvf_address_find_free(&pci->address, pci->machine,
					    bridge);
		if (ret)
			uvfio_error_set(err,
					bridge ? "no address is free behind "
						 "the bridge; say addr="
					       : "no address is free below "
						 "0001:00:00.0; say addr=");
		return ret;
	}
	ret = uvf_address_parse(&pci->address, text);
	if (ret) {
		uvfio_error_set(err,
				"addr=%s is no bus address; write "
				"[DDDD:]BB:DD.F in hex, up to "
				"ffff:ff:1f.7, such as 00:04.0",
				text);
	} else if (bridge && (pci->address.segment != bridge->address.segment ||
			      pci->address.bus != bridge->bridge.secondary)) {
		ret = -EINVAL;
		uvfio_error_set(err,
				"addr=%s is not behind the bridge; the bus "
				"there is %02x",
				text, bridge->bridge.secondary);
	}
	return ret;
}

/* Its name, and where it is in sysfs. */
static int take_address(struct uvf_pci *pci, struct uvfio_error *err)
{
	struct uvf_bus_device *other;

	/* VFs have numbers of other buses, but no other bus. */
	(void)snprintf(pci->bus.root, sizeof(pci->bus.root), "pci%04x:%02x",
		       pci->address.segment,
		       pci->physfn ? pci->physfn->address.bus
				   : pci->address.bus);
	uvf_address_print(pci->bus.name, sizeof(pci->bus.name), &pci->address);
	other = uvf_machine_find(pci->machine, pci->bus.name);
	if (!other)
		return 0;
	uvf_bus_device_put(other);
	uvfio_error_set(err,
			"addr=%s: another device is there; "
			"name another or leave addr= out",
			pci->bus.name);
	return -EEXIST;
}

static void destroy(struct uvf_bus_device *bus);

bool uvf_pci_is(const struct uvf_bus_device *bus)
{
	return bus->ops->destroy == destroy;
}

/* The parts that a model does not take part in. */
static int init_hardware(struct uvf_pci *pci, struct uvfio_error *err)
{
	int ret;

	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		if (!pci->desc->bars[i].size)
			continue;
		pci->bars[i].desc = &pci->desc->bars[i];
		pci->bars[i].size = pci->desc->bars[i].size;
	}
	ret = uvf_bars_assign(pci, err);
	if (!ret && uvf_pci_is_bridge(pci))
		ret = uvf_bridge_init(pci, err);
	if (ret)
		return ret;
	ret = uvf_hw_init(pci);
	if (ret)
		return ret;
	ret = uvf_barmem_init(pci);
	if (ret)
		goto err_hw;
	ret = uvf_msix_init(pci);
	if (ret)
		goto err_barmem;
	ret = uvf_vpd_init(pci);
	if (ret)
		goto err_msix;
	return 0;

err_msix:
	uvf_msix_fini(pci);
err_barmem:
	uvf_barmem_fini(pci);
err_hw:
	uvf_hw_fini(pci);
	return ret;
}

static void fini_hardware(struct uvf_pci *pci)
{
	uvf_vpd_fini(pci);
	uvf_msix_fini(pci);
	uvf_barmem_fini(pci);
	uvf_hw_fini(pci);
}

/* What the capabilities say, whoever made them. */
static unsigned int find_resets(const struct uvf_pci *pci)
{
	const uint8_t needed = PCI_AF_CAP_FLR | PCI_AF_CAP_TP;
	const uint8_t *hw = pci->hw;
	unsigned int bits = 0;

	if (pci->express_offset &&
	    uvf_get32(hw + pci->express_offset + PCI_EXP_DEVCAP) &
		    PCI_EXP_DEVCAP_FLR)
		bits |= UVF_PCI_RESET_FLR;
	if (uvf_reset_by_power(pci))
		bits |= UVF_PCI_RESET_PM;
	if (pci->af_offset &&
	    (hw[pci->af_offset + PCI_AF_CAP] & needed) == needed)
		bits |= UVF_PCI_RESET_AF_FLR;
	return bits;
}

static void fini_model(struct uvf_pci *pci)
{
	uvf_model_stop(&pci->model);
	uvf_migrate_fini(pci);
}

/* The model's part; on failure it is as if it had never been called. */
static int init_model(struct uvf_pci *pci, struct uvf_worker *worker,
		      struct uvfio_error *err)
{
	struct uvfio_dev *dev = &pci->model;
	int ret;

	dev->ops = pci->desc->ops;
	dev->name = pci->bus.name;
	dev->options = pci->options;
	dev->mem = uvf_barmem_ptr;
	dev->msi_window = pci->machine->msi_window;
	dev->message = uvf_vectors_message;
	ret = uvf_model_start(dev, pci->desc->priv_size, worker, err);
	if (ret || !pci->desc->migration)
		return ret;
	ret = uvf_migrate_init(pci, err);
	if (ret)
		fini_model(pci);
	return ret;
}

static void unconfigure(struct uvf_pci *pci)
{
	if (pci->own_desc && pci->own_desc->unconfigure)
		pci->own_desc->unconfigure(pci->own_desc);
	uvf_free(pci->own_desc);
	pci->own_desc = NULL;
}

/* The descriptor of this function, which its keys may have a part in. */
static int configure_by_keys(struct uvf_pci *pci,
			     const struct uvfio_pci_model *model,
			     const struct uvf_options *options,
			     struct uvfio_error *err)
{
	const struct uvfio_spec spec = {.options = options};
	int ret;

	pci->given = model;
	pci->desc = model;
	if (model->abi != UVFIO_DEVICE_ABI || !model->configure)
		return uvf_descriptor_check(model, err);
	pci->own_desc = uvf_zalloc(sizeof(*pci->own_desc));
	if (!pci->own_desc)
		return -ENOMEM;
	*pci->own_desc = *model;
	ret = model->configure(pci->own_desc, &spec, err);
	if (ret) {
		uvf_free(pci->own_desc);
		return ret;
	}
	pci->desc = pci->own_desc;
	ret = uvf_descriptor_check(pci->desc, err);
	if (ret)
		unconfigure(pci);
	return ret;
}

/* The descriptor of a VF has some of its PF's identity. */
static int configure_vf(struct uvf_pci *pci,
			const struct uvfio_pci_model *model)
{
	const struct uvfio_pci_model *pf = pci->physfn->desc;

	pci->given = model;
	pci->own_desc = uvf_zalloc(sizeof(*pci->own_desc));
	if (!pci->own_desc)
		return -ENOMEM;
	*pci->own_desc = *model;
	pci->own_desc->vendor = pf->vendor;
	pci->own_desc->revision = pf->revision;
	pci->desc = pci->own_desc;
	return 0;
}

static void destroy(struct uvf_bus_device *bus)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);

	fini_model(pci);
	fini_hardware(pci);
	uvf_slot_destroy(pci->slot);
	uvf_options_put(pci->options);
	if (pci->physfn)
		uvf_bus_device_put(&pci->physfn->bus);
	unconfigure(pci);
	uvf_mutex_fini(&pci->vf_token.lock);
	uvf_free(pci);
}

static bool is_same_slot(const struct uvf_pci *a, const struct uvf_pci *b)
{
	return a->address.segment == b->address.segment &&
	       a->address.bus == b->address.bus &&
	       a->address.devfn >> 3 == b->address.devfn >> 3;
}

static void mark_one(struct uvf_pci *pci)
{
	uvf_lock(&pci->model.lock);
	pci->hw[PCI_HEADER_TYPE] |= MULTIFUNCTION;
	uvf_unlock(&pci->model.lock);
}

/* Functions of one slot say so in their header type. */
static void mark_multifunction(struct uvf_pci *pci,
			       struct uvf_bus_device **others, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct uvf_pci *other = uvf_pci_of_bus(others[i]);

		/* Linux does not look at the bit of VFs. */
		if (!is_same_slot(pci, other) || pci->physfn || other->physfn)
			continue;
		mark_one(other);
		mark_one(pci);
	}
}

/* Into the machine, when nothing else can fail any more. */
static int add(struct uvf_pci *pci, int group)
{
	struct uvf_bus_device **others;
	size_t count;
	int ret;

	others = uvf_machine_devices(pci->machine, pci->bus.bus, &count);
	if (!others)
		return -ENOMEM;
	ret = uvf_machine_add(pci->machine, &pci->bus, group);
	if (!ret)
		mark_multifunction(pci, others, count);
	uvf_bus_devices_put(others, count);
	return ret;
}

static void set_domain(struct uvf_bus_device *bus, struct uvf_aspace *as)
{
	uvf_model_set_aspace(&uvf_pci_of_bus(bus)->model, as);
}

static void init_fields(struct uvf_pci *pci, struct uvf_machine *machine,
			struct uvf_options *options)
{
	const struct uvfio_pci_model *model = pci->desc;

	pci->bus_ops.attrs = pci->attrs;
	pci->bus_ops.destroy = destroy;
	/* A VF does not come back by itself. */
	pci->bus_ops.removed = pci->physfn ? NULL : uvf_slot_leave;
	pci->bus_ops.each_link = uvf_sriov_each_link;
	pci->bus_ops.set_domain = set_domain;
	pci->bus_ops.show_pairs = uvf_sysfs_show_pairs;
	pci->bus.bus = uvf_bus_find(machine, "pci");
	pci->bus.id = (struct uvf_bus_id){
		.vendor = model->vendor,
		.device = model->device,
		.subvendor = model->subvendor,
		.subdevice = model->subdevice,
		.class_code = model->class_code,
	};
	uvf_bus_device_init(&pci->bus);
	pci->bus.ops = &pci->bus_ops;
	pci->vfio.ops = &uvf_pci_device_ops;
	pci->vfio.bus_device = &pci->bus;
	pci->vfio.model = &pci->model;
	pci->profile = machine->profile;
	pci->machine = machine;
	pci->options = options;
	pci->irq_type = UVF_PCI_IRQ_NONE;
	pci->irq_mode = model->intx_pin ? UVFIO_IRQ_INTX : UVFIO_IRQ_NONE;
	pci->intx.trigger = -1;
	pci->err_trigger = -1;
	pci->req_trigger = -1;
	pci->wakeup = -1;
	pci->user.numa_node = -1;
	atomic_init(&pci->sriov.is_autoprobe, true);
	uvf_list_init(&pci->ioeventfds);
	uvf_mutex_init(&pci->vf_token.lock);
}

/* To an IOMMU all that is behind a conventional bridge is that bridge. */
static int choose_group(const struct uvf_pci *pci, int group)
{
	const struct uvf_pci *bridge = uvf_bridge_of(pci);
	unsigned int id;

	if (group == UVF_GROUP_OWN && bridge &&
	    uvf_bridge_is_conventional(bridge) &&
	    uvf_bus_device_group_id(pci->bus.parent, &id))
		return (int)id;
	return group;
}

/* The parts of a function, in the order in which they need each other. */
static int build(struct uvf_pci *pci, struct uvf_worker *worker, int group,
		 const struct uvf_pci_address *at, struct uvfio_error *err)
{
	int ret = 0;

	if (!pci->physfn)
		ret = uvf_bridge_place(pci, err);
	else
		pci->bus.parent = pci->physfn->bus.parent;
	if (pci->physfn && pci->bus.parent)
		uvf_bus_device_get(pci->bus.parent);
	if (!ret && at)
		pci->address = *at;
	else if (!ret)
		ret = choose_address(pci, err);
	if (!ret)
		ret = take_address(pci, err);
	if (ret)
		return ret;
	ret = init_hardware(pci, err);
	if (ret)
		return ret;
	pci->reset_bits = find_resets(pci);
	/* Said of functions with the PM capability only. */
	pci->user.d3cold_allowed = pci->pm_offset;
	uvf_sysfs_init(pci);
	if (!pci->physfn)
		pci->slot = uvf_slot_create(pci, worker);
	ret = pci->slot || pci->physfn ? init_model(pci, worker, err) : -ENOMEM;
	if (ret)
		goto err_hardware;
	ret = add(pci, choose_group(pci, group));
	if (ret)
		goto err_model;
	return 0;

err_model:
	fini_model(pci);
err_hardware:
	uvf_slot_destroy(pci->slot);
	fini_hardware(pci);
	return ret;
}

/* What a function is made of, and where it is to be. */
struct request {
	struct uvf_machine *machine;
	struct uvf_worker *worker;
	const struct uvfio_pci_model *model;
	struct uvf_options *options;
	const struct uvf_pci_address *at; /* NULL: as the options say */
	struct uvf_pci *physfn;           /* of a VF */
	unsigned int vf_index;
};

static void destroy_unborn(struct uvf_pci *pci)
{
	uvf_options_put(pci->options);
	uvf_bus_device_fini(&pci->bus);
	if (pci->physfn)
		uvf_bus_device_put(&pci->physfn->bus);
	unconfigure(pci);
	uvf_mutex_fini(&pci->vf_token.lock);
	uvf_free(pci);
}

static int create_parsed(const struct request *request, int group,
			 const char *iommu, unsigned int iommu_bits,
			 struct uvfio_error *err, struct uvf_pci **ret_pci)
{
	struct uvf_pci *pci = uvf_zalloc(sizeof(*pci));
	int ret;

	if (!pci)
		return -ENOMEM;
	pci->physfn = request->physfn;
	pci->vf_index = request->vf_index;
	ret = pci->physfn ? configure_vf(pci, request->model)
			  : configure_by_keys(pci, request->model,
					      request->options, err);
	if (ret) {
		uvf_free(pci);
		return ret;
	}
	init_fields(pci, request->machine, uvf_options_get(request->options));
	pci->bus.iommu = iommu;
	pci->bus.iommu_bits = iommu_bits;
	if (pci->physfn)
		uvf_bus_device_get(&pci->physfn->bus);
	/* Before anybody else can find it and take it out again. */
	uvf_bus_device_get(&pci->bus);
	ret = build(pci, request->worker, group, request->at, err);
	if (ret) {
		destroy_unborn(pci);
		return ret;
	}
	*ret_pci = pci;
	return 0;
}

static int create(const struct request *request, struct uvfio_error *err,
		  struct uvf_pci **ret_pci)
{
	const struct uvf_options *options = request->options;
	const struct uvf_machine *machine = request->machine;
	const char *iommu = NULL;
	unsigned int bits = 0;
	int group;
	int ret;

	ret = uvf_keys_check(options, request->model->name,
			     request->model->keys, generic, err);
	if (!ret)
		ret = uvf_key_group(&group, machine, options, err);
	if (!ret)
		ret = uvf_key_iommu(&iommu, &bits, machine, options, err);
	if (!ret)
		ret = uvf_key_driver(options, UVF_PCI_DRIVER_NAME, err);
	return ret ? ret
		   : create_parsed(request, group, iommu, bits, err, ret_pci);
}

int uvf_pci_create_at(struct uvf_machine *machine, struct uvf_worker *worker,
		      const struct uvfio_pci_model *model,
		      struct uvf_options *options,
		      const struct uvf_pci_address *at, struct uvfio_error *err)
{
	const struct request request = {
		.machine = machine,
		.worker = worker,
		.model = model,
		.options = options,
		.at = at,
	};
	struct uvf_pci *pci;
	int ret = create(&request, err, &pci);

	if (!ret)
		uvf_bus_device_put(&pci->bus);
	return ret;
}

int uvf_pci_create_vf(struct uvf_pci *pf, unsigned int index,
		      struct uvf_bus_device **ret_device,
		      struct uvfio_error *err)
{
	const struct uvfio_pci_model *model = pf->desc->sriov.vf;
	struct uvf_options *options;
	struct uvf_pci_address at;
	struct request request = {
		.machine = pf->machine,
		.worker = pf->model.worker,
		.model = model,
		.at = &at,
		.physfn = pf,
		.vf_index = index,
	};
	struct uvf_pci *pci;
	int ret;

	(void)uvf_sriov_address(pf, index, &at);
	ret = uvf_options_parse(&options, model->name, err);
	if (ret)
		return ret;
	request.options = options;
	ret = create(&request, err, &pci);
	uvf_options_put(options);
	if (!ret)
		*ret_device = &pci->bus;
	return ret;
}

int uvf_pci_create(struct uvf_machine *machine, struct uvf_worker *worker,
		   const struct uvfio_pci_model *model,
		   struct uvf_options *options,
		   struct uvf_bus_device **ret_device, struct uvfio_error *err)
{
	const struct request request = {
		.machine = machine,
		.worker = worker,
		.model = model,
		.options = options,
	};
	struct uvf_pci *pci;
	int ret = create(&request, err, &pci);

	if (ret)
		return ret;
	/* What was removed from there cannot come back. */
	uvf_slots_forget(pci->bus.bus, &pci->address);
	*ret_device = &pci->bus;
	return 0;
}

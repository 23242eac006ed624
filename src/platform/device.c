/* SPDX-License-Identifier: BSD-3-Clause */
#include "platform/device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/profile.h"
#include "bus/bus.h"
#include "bus/machine.h"
#include "bus/options.h"
#include "core/keys.h"
#include "platform/driver.h"
#include "platform/platform.h"
#include "v02/abi.h"

/* Where devices are that name no address. */
#define ADDRESS_FIRST UINT64_C(0x0c000000)
#define ADDRESS_STEP  UINT64_C(0x10000)
#define ADDRESS_MAX   UINT64_C(0xfffffff0000) /* of a bus with 44 lines */
#define PLACES        4096

/* Keys that every model has; the others are its own. */
static const char *const generic[] = {"addr",   "group", "iommu",
				      "driver", "reset", NULL};

static void destroy(struct uvf_bus_device *bus);

bool uvf_platform_is(const struct uvf_bus_device *bus)
{
	return bus->ops->destroy == destroy;
}

const struct uvfio_platform_model *
uvf_platform_model(struct uvf_bus_device *bus)
{
	return uvf_platform_of_bus(bus)->desc;
}

uint64_t uvf_platform_address(struct uvf_bus_device *bus)
{
	return uvf_platform_of_bus(bus)->address;
}

/* Bytes from a device's address to the end of its last region of memory. */
static uint64_t span_of(const struct uvfio_platform_model *model)
{
	uint64_t end = 1;

	for (size_t i = 0; i < model->region_count; i++) {
		const struct uvfio_platform_region *region = &model->regions[i];

		if (!(region->flags & UVFIO_REGION_IO) &&
		    region->offset + region->size > end)
			end = region->offset + region->size;
	}
	return end;
}

static int check_model(const struct uvfio_platform_model *model,
		       struct uvfio_error *err)
{
	const uint64_t limit = UINT64_C(1) << UVF_PLATFORM_OFFSET_SHIFT;

	if (model->abi != UVFIO_DEVICE_ABI || !model->compatible ||
	    !model->ops) {
		uvfio_error_set(err, "%s: the descriptor is not of this uvfio",
				model->name);
		return -EINVAL;
	}
	for (size_t i = 0; i < model->region_count; i++) {
		const struct uvfio_platform_region *region = &model->regions[i];

		if (region->size && region->size <= limit &&
		    region->offset <= limit && !(region->widths & ~15u))
			continue;
		uvfio_error_set(err, "%s: region %zu has no size or no widths",
				model->name, i);
		return -EINVAL;
	}
	return 0;
}

/* Where a device ends that meets an interval, or the interval's start. */
static uint64_t end_of_other(struct uvf_bus *bus, uint64_t at, uint64_t size)
{
	struct uvf_machine *machine = bus->machine;
	struct uvf_list *node;
	uint64_t end = at;

	uvf_lock(&machine->lock);
	uvf_list_for_each (node, &machine->devices) {
		struct uvf_bus_device *other = uvf_list_entry(
			node, struct uvf_bus_device, machine_node);
		const struct uvf_platform *platform;
		uint64_t span;

		if (!uvf_platform_is(other))
			continue;
		platform = uvf_platform_of_bus(other);
		span = span_of(platform->desc);
		if (at < platform->address + span &&
		    platform->address < at + size)
			end = platform->address + span;
	}
	uvf_unlock(&machine->lock);
	return end;
}

static int find_address(struct uvf_platform *platform, struct uvfio_error *err)
{
	const uint64_t size = span_of(platform->desc);
	uint64_t at = ADDRESS_FIRST;

	for (int i = 0; i < PLACES; i++) {
		uint64_t end = end_of_other(platform->bus.bus, at, size);

		if (end == at) {
			platform->address = at;
			return 0;
		}
		at = (end + ADDRESS_STEP - 1) & ~(ADDRESS_STEP - 1);
	}
	uvfio_error_set(err, "no address is free; say addr=");
	return -ENOSPC;
}

/* What the key says, or the first place that is free; and the name. */
static int take_address(struct uvf_platform *platform, struct uvfio_error *err)
{
	const char *text = uvf_options_find(platform->options, "addr");
	char *end;
	int ret;

	if (!text) {
		ret = find_address(platform, err);
		if (ret)
			return ret;
	} else {
		platform->address = strtoull(text, &end, 16);
		if (!*text || *end || *text == '-' ||
		    platform->address > ADDRESS_MAX ||
		    platform->address % UVF_PLATFORM_PAGE) {
			uvfio_error_set(err,
					"addr=%s is no address; write a "
					"multiple of 1000 in hex, such as "
					"c010000",
					text);
			return -EINVAL;
		}
	}
	(void)snprintf(platform->bus.name, sizeof(platform->bus.name),
		       "%" PRIx64 ".%.20s", platform->address,
		       platform->desc->name);
	(void)snprintf(platform->dt_path, sizeof(platform->dt_path),
		       "/%.20s@%" PRIx64, platform->desc->name,
		       platform->address);
	if (end_of_other(platform->bus.bus, platform->address,
			 span_of(platform->desc)) == platform->address)
		return 0;
	uvfio_error_set(err,
			"addr=%" PRIx64 ": another device is there; name "
			"another or leave addr= out",
			platform->address);
	return -EEXIST;
}

static int parse_reset(struct uvf_platform *platform, struct uvfio_error *err)
{
	const char *text = uvf_options_find(platform->options, "reset");

	platform->can_reset = platform->profile->platform_can_reset &&
			      (!text || !strcmp(text, "on"));
	if (text && strcmp(text, "on") && strcmp(text, "off")) {
		uvfio_error_set(err, "reset=%s: write on or off", text);
		return -EINVAL;
	}
	if (platform->can_reset ||
	    uvf_options_find(platform->options, "driver") ||
	    !uvf_platform_requires_reset(platform))
		return 0;
	uvfio_error_set(err, "reset=off: vfio-platform takes no device that it "
			     "cannot reset; say --host=reset_required=off, or "
			     "driver=none");
	return -EINVAL;
}

/* Such a device has no window for messages: its interrupts are lines. */
static int refuse_message(struct uvfio_dev *dev, uint64_t address,
			  uint32_t data)
{
	(void)dev;
	(void)address;
	(void)data;
	return -EFAULT;
}

static void *no_memory(struct uvfio_dev *dev, unsigned int region,
		       uint64_t offset)
{
	(void)dev;
	(void)region;
	(void)offset;
	return NULL;
}

static int start_model(struct uvf_platform *platform, struct uvf_worker *worker,
		       struct uvfio_error *err)
{
	struct uvfio_dev *dev = &platform->model;

	dev->ops = platform->desc->ops;
	dev->name = platform->bus.name;
	dev->options = platform->options;
	dev->mem = no_memory;
	dev->msi_window = platform->machine->msi_window;
	dev->message = refuse_message;
	/* Nothing but its IOMMU is between it and memory. */
	dev->is_bus_master = true;
	return uvf_model_start(dev, platform->desc->priv_size, worker, err);
}

static void release(struct uvf_platform *platform)
{
	uvf_options_put(platform->options);
	uvf_free(platform->irqs);
	uvf_free(platform->dt_entries);
	uvf_free(platform);
}

static void destroy(struct uvf_bus_device *bus)
{
	struct uvf_platform *platform = uvf_platform_of_bus(bus);

	uvf_model_stop(&platform->model);
	release(platform);
}

static void set_domain(struct uvf_bus_device *bus, struct uvf_aspace *as)
{
	uvf_model_set_aspace(&uvf_platform_of_bus(bus)->model, as);
}

/* The node has all that the device has, in the same order. */
static int init_lists(struct uvf_platform *platform)
{
	const struct uvfio_platform_model *desc = platform->desc;
	struct uvf_v02_dt_entry *entry;

	platform->irqs =
		uvf_calloc(desc->line_count + 1, sizeof(*platform->irqs));
	platform->dt_entries =
		uvf_calloc(desc->region_count + desc->line_count + 1,
			   sizeof(*platform->dt_entries));
	if (!platform->irqs || !platform->dt_entries)
		return -ENOMEM;
	entry = platform->dt_entries;
	for (uint32_t i = 0; i < desc->region_count; i++, entry++) {
		entry->path = platform->dt_path;
		entry->prop_type = V02_DT_REG;
		entry->prop_index = i;
	}
	for (uint32_t i = 0; i < desc->line_count; i++, entry++) {
		platform->irqs[i].owner = platform;
		platform->irqs[i].line = desc->lines[i];
		platform->irqs[i].trigger = -1;
		entry->path = platform->dt_path;
		entry->prop_type = V02_DT_INTERRUPTS;
		entry->prop_index = i;
	}
	platform->dt = (struct uvf_v02_dt){
		.regions = platform->dt_entries,
		.region_count = desc->region_count,
		.irqs = platform->dt_entries + desc->region_count,
		.irq_count = desc->line_count,
	};
	return 0;
}

/* Drivers of the host know devices by what they are compatible with. */
static uint32_t number_of(const char *compatible)
{
	uint32_t number = 2166136261u;

	for (; *compatible; compatible++)
		number = (number ^ (uint8_t)*compatible) * 16777619u;
	return number;
}

static void init_fields(struct uvf_platform *platform, struct uvf_bus *bus,
			const struct uvfio_platform_model *model,
			struct uvf_options *options)
{
	platform->bus_ops.destroy = destroy;
	platform->bus_ops.set_domain = set_domain;
	platform->bus_ops.show_pairs = uvf_platform_show_pairs;
	platform->bus.bus = bus;
	platform->bus.id.device = number_of(model->compatible);
	(void)snprintf(platform->bus.root, sizeof(platform->bus.root),
		       UVF_PLATFORM_BUS);
	uvf_bus_device_init(&platform->bus);
	platform->bus.ops = &platform->bus_ops;
	platform->vfio.ops = &uvf_platform_device_ops;
	platform->vfio.bus_device = &platform->bus;
	platform->vfio.model = &platform->model;
	platform->desc = model;
	platform->profile = bus->machine->profile;
	platform->machine = bus->machine;
	platform->options = uvf_options_get(options);
}

/* The parts of a device, in the order in which they need each other. */
static int build(struct uvf_platform *platform, struct uvf_worker *worker,
		 struct uvfio_error *err)
{
	int group;
	int ret = uvf_key_group(&group, platform->machine, platform->options,
				err);

	if (!ret)
		ret = uvf_key_iommu(&platform->bus.iommu,
				    &platform->bus.iommu_bits,
				    platform->machine, platform->options, err);
	if (!ret)
		ret = uvf_key_driver(platform->options, UVF_PLATFORM_DRIVER,
				     err);
	if (!ret)
		ret = parse_reset(platform, err);
	if (!ret)
		ret = take_address(platform, err);
	if (!ret)
		ret = init_lists(platform);
	if (ret)
		return ret;
	uvf_platform_sysfs_init(platform);
	ret = start_model(platform, worker, err);
	if (ret)
		return ret;
	ret = uvf_machine_add(platform->machine, &platform->bus, group);
	if (ret)
		uvf_model_stop(&platform->model);
	return ret;
}

int uvf_platform_create(struct uvf_machine *machine, struct uvf_vfio *vfio,
			struct uvf_worker *worker,
			const struct uvfio_platform_model *model,
			struct uvf_options *options,
			struct uvf_bus_device **ret_device,
			struct uvfio_error *err)
{
	struct uvf_platform *platform;
	struct uvf_bus *bus;
	int ret;

	if (!machine->profile->has_platform) {
		uvfio_error_set(err, "%s: there is no vfio-platform in %s",
				model->name, machine->profile->name);
		return -EINVAL;
	}
	ret = check_model(model, err);
	if (!ret)
		ret = uvf_keys_check(options, model->name, model->keys, generic,
				     err);
	if (!ret)
		ret = uvf_platform_obtain_bus(machine, vfio, &bus);
	if (ret)
		return ret;
	platform = uvf_zalloc(sizeof(*platform));
	if (!platform)
		return -ENOMEM;
	init_fields(platform, bus, model, options);
	/* Before anybody else can find it and take it out again. */
	uvf_bus_device_get(&platform->bus);
	ret = build(platform, worker, err);
	if (!ret) {
		*ret_device = &platform->bus;
		return 0;
	}
	uvf_bus_device_fini(&platform->bus);
	release(platform);
	return ret;
}

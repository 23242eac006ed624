/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/describe.h"

#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#include "bus/device.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "front/machine.h"
#include "pci/pci.h"
#include "platform/device.h"

#define TEXT_MAX 2048 /* bytes of a file of /sys that is read here */
#define BAR_ROWS 6    /* of the file resource; the rest are not BARs */

/* Bits of the third column of that file. */
#define RESOURCE_IO       UINT64_C(0x100)
#define RESOURCE_PREFETCH UINT64_C(0x2000)
#define RESOURCE_64       UINT64_C(0x100000)

struct cap_name {
	uint16_t id;
	const char *name;
};

static const struct cap_name caps[] = {
	{PCI_CAP_ID_PM, "Power Management"},
	{PCI_CAP_ID_VPD, "Vital Product Data"},
	{PCI_CAP_ID_MSI, "MSI"},
	{PCI_CAP_ID_PCIX, "PCI-X"},
	{PCI_CAP_ID_VNDR, "Vendor Specific"},
	{PCI_CAP_ID_SSVID, "Subsystem"},
	{PCI_CAP_ID_EXP, "PCI Express"},
	{PCI_CAP_ID_MSIX, "MSI-X"},
	{PCI_CAP_ID_AF, "Advanced Features"},
	{0, NULL},
};

static const struct cap_name extended_caps[] = {
	{PCI_EXT_CAP_ID_ERR, "Advanced Error Reporting"},
	{PCI_EXT_CAP_ID_VC, "Virtual Channel"},
	{PCI_EXT_CAP_ID_DSN, "Device Serial Number"},
	{PCI_EXT_CAP_ID_VNDR, "Vendor Specific"},
	{PCI_EXT_CAP_ID_ACS, "Access Control Services"},
	{PCI_EXT_CAP_ID_ARI, "Alternative Routing-ID"},
	{PCI_EXT_CAP_ID_ATS, "Address Translation Services"},
	{PCI_EXT_CAP_ID_SRIOV, "Single Root I/O Virtualization"},
	{PCI_EXT_CAP_ID_PRI, "Page Request Interface"},
	{PCI_EXT_CAP_ID_TPH, "Transaction Processing Hints"},
	{PCI_EXT_CAP_ID_LTR, "Latency Tolerance Reporting"},
	{PCI_EXT_CAP_ID_PASID, "Process Address Space ID"},
	{0, NULL},
};

static const struct uvf_bus_attr *find_attr(struct uvf_bus_device *device,
					    const char *name)
{
	const struct uvf_bus_attr *attr = device->ops->attrs;

	while (attr->name && strcmp(attr->name, name) != 0)
		attr++;
	return attr->name && attr->show ? attr : NULL;
}

/* The content of one of its files, without the last newline; or empty. */
static const char *read_text(struct uvf_bus_device *device, const char *name,
			     char text[TEXT_MAX])
{
	const struct uvf_bus_attr *attr = find_attr(device, name);
	size_t len = attr ? attr->show(device, text, TEXT_MAX - 1) : 0;

	if (len && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	return text;
}

static int add_bar(json_t *bars, int bar, uint64_t start, uint64_t end,
		   uint64_t flags)
{
	char address[24];

	(void)snprintf(address, sizeof(address), "0x%" PRIx64, start);
	return json_array_append_new(
		bars,
		json_pack("{s:i, s:s, s:s, s:I, s:b, s:b}", "bar", bar, "space",
			  flags & RESOURCE_IO ? "io" : "memory", "address",
			  address, "size", (json_int_t)(end - start + 1),
			  "is_64bit", (flags & RESOURCE_64) != 0,
			  "is_prefetchable", (flags & RESOURCE_PREFETCH) != 0));
}

/* From the file resource, which has a row for each. */
static json_t *describe_bars(struct uvf_bus_device *device)
{
	json_t *bars = json_array();
	char text[TEXT_MAX];
	const char *row = read_text(device, "resource", text);
	int ret = bars ? 0 : -1;

	for (int bar = 0; row && bar < BAR_ROWS && !ret; bar++) {
		uint64_t start, end, flags;

		if (sscanf(row, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start,
			   &end, &flags) != 3)
			break;
		if (flags)
			ret = add_bar(bars, bar, start, end, flags);
		row = strchr(row, '\n');
		row = row ? row + 1 : NULL;
	}
	if (!ret)
		return bars;
	json_decref(bars);
	return NULL;
}

static int add_cap(json_t *array, const struct cap_name *names,
		   unsigned int offset, unsigned int id, bool is_extended)
{
	while (names->name && names->id != id)
		names++;
	return json_array_append_new(
		array, json_pack("{s:i, s:i, s:s?, s:b}", "offset", (int)offset,
				 "id", (int)id, "name", names->name,
				 "is_extended", is_extended));
}

/*
 * Both lists of configuration space.  They are the model's own; a list that
 * does not end is cut where it has more members than space.
 */
static int add_caps(json_t *array, const uint8_t *config, size_t size)
{
	unsigned int pos, left, header;

	if (size < PCI_STD_HEADER_SIZEOF)
		return 0;
	pos = config[PCI_STATUS] & PCI_STATUS_CAP_LIST
		      ? config[PCI_CAPABILITY_LIST] & ~3u
		      : 0;
	for (left = 48; pos && pos + 2 <= size && left; left--) {
		if (add_cap(array, caps, pos, config[pos], false))
			return -1;
		pos = config[pos + 1] & ~3u;
	}
	pos = PCI_CFG_SPACE_SIZE;
	for (left = 480; pos && pos + 4 <= size && left; left--) {
		header = uvf_get32(config + pos);
		if (!header)
			break;
		if (add_cap(array, extended_caps, pos, PCI_EXT_CAP_ID(header),
			    true))
			return -1;
		pos = PCI_EXT_CAP_NEXT(header);
	}
	return 0;
}

static json_t *describe_caps(struct uvf_bus_device *device)
{
	const struct uvf_bus_attr *attr = find_attr(device, "config");
	json_t *array = json_array();
	uint8_t config[UVF_PCI_CONFIG_MAX];
	size_t size = attr ? attr->show(device, config, sizeof(config)) : 0;

	if (array && add_caps(array, config, size)) {
		json_decref(array);
		return NULL;
	}
	return array;
}

static int add_region(json_t *regions,
		      const struct uvfio_platform_region *region,
		      uint64_t address)
{
	bool is_io = region->flags & UVFIO_REGION_IO;
	char text[24];

	(void)snprintf(text, sizeof(text), "0x%" PRIx64,
		       region->offset + (is_io ? 0 : address));
	return json_array_append_new(
		regions,
		json_pack("{s:I, s:s, s:s, s:I, s:b}", "region",
			  (json_int_t)json_array_size(regions), "space",
			  is_io ? "io" : "memory", "address", text, "size",
			  (json_int_t)region->size, "is_read_only",
			  (region->flags & UVFIO_REGION_READ_ONLY) != 0));
}

/* What a platform device has in place of BARs and capabilities. */
static int add_platform(json_t *object, struct uvf_bus_device *device)
{
	const struct uvfio_platform_model *model = uvf_platform_model(device);
	uint64_t address = uvf_platform_address(device);
	json_t *regions = json_array();
	json_t *lines = json_array();
	int ret = 0;

	for (size_t i = 0; i < model->region_count && !ret; i++)
		ret = add_region(regions, &model->regions[i], address);
	for (size_t i = 0; i < model->line_count && !ret; i++)
		ret = json_array_append_new(
			lines, json_string(model->lines[i] == UVFIO_LINE_EDGE
						   ? "edge"
						   : "level"));
	ret |= json_object_set_new(object, "compatible",
				   json_string(model->compatible));
	ret |= json_object_set_new(object, "regions", regions);
	ret |= json_object_set_new(object, "interrupts", lines);
	return ret;
}

static const char *model_of(struct uvf_bus_device *device)
{
	if (uvf_pci_is(device))
		return uvf_pci_of_bus(device)->desc->name;
	return uvf_platform_is(device) ? uvf_platform_model(device)->name
				       : NULL;
}

static json_t *describe_device(struct uvf_bus_device *device)
{
	const struct uvf_driver *driver = uvf_bus_device_driver(device);
	char vendor[TEXT_MAX], id[TEXT_MAX], class_code[TEXT_MAX];
	unsigned int group;
	json_t *number = uvf_bus_device_group_id(device, &group)
				 ? json_integer((json_int_t)group)
				 : json_null();
	json_t *object;

	object = json_pack(
		"{s:s, s:s?, s:o, s:s?, s:s, s:s, s:s, s:o, s:o}", "address",
		device->name, "model", model_of(device), "group", number,
		"driver", driver ? driver->name : NULL, "vendor",
		read_text(device, "vendor", vendor), "device",
		read_text(device, "device", id), "class",
		read_text(device, "class", class_code), "bars",
		describe_bars(device), "capabilities", describe_caps(device));
	if (!object || !uvf_platform_is(device) ||
	    !add_platform(object, device))
		return object;
	json_decref(object);
	return NULL;
}

json_t *uvf_describe_machine(struct uvfio_machine *machine)
{
	size_t count;
	struct uvf_bus_device **devices =
		uvf_machine_devices(&machine->bus, NULL, &count);
	json_t *array = json_array();
	bool is_whole = devices && array;

	for (size_t i = 0; is_whole && i < count; i++)
		is_whole = !json_array_append_new(array,
						  describe_device(devices[i]));
	if (devices)
		uvf_bus_devices_put(devices, count);
	if (!is_whole) {
		json_decref(array);
		return NULL;
	}
	return json_pack("{s:s, s:o}", "abi", machine->profile.name, "devices",
			 array);
}

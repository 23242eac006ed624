/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files of the function's directory in sysfs, as Linux 6.12 shows them
 * on a PC with one node.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "pci/handlers.h"
#include "pci/irqs.h"

/* struct resource::flags of Linux, as the resource file prints them. */
#define RESOURCE_IO       0x00040101ull
#define RESOURCE_MEM      0x00040200ull
#define RESOURCE_PREFETCH 0x00002008ull
#define RESOURCE_MEM_64   0x00100000ull

#define RESOURCE_LINES 13 /* BARs, ROM, bridge windows */
#define GSI_FIRST      16

static size_t emit(void *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static size_t emit(void *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	if (n < 0)
		return 0;
	return (size_t)n < size ? (size_t)n : size;
}

static size_t show_vendor(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, "0x%04x\n", uvf_pci_of_bus(bus)->desc->vendor);
}

static size_t show_device(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, "0x%04x\n", uvf_pci_of_bus(bus)->desc->device);
}

static size_t show_subvendor(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, "0x%04x\n",
		    uvf_pci_of_bus(bus)->desc->subvendor);
}

static size_t show_subdevice(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, "0x%04x\n",
		    uvf_pci_of_bus(bus)->desc->subdevice);
}

static size_t show_class(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, "0x%06x\n",
		    uvf_pci_of_bus(bus)->desc->class_code);
}

static size_t show_revision(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, "0x%02x\n", uvf_pci_of_bus(bus)->desc->revision);
}

static size_t show_irq(struct uvf_bus_device *bus, void *buf, size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	unsigned int slot = pci->address.devfn >> 3;
	unsigned int pin = pci->desc->intx_pin;

	return emit(buf, size, "%u\n",
		    pin ? GSI_FIRST + (slot + pin - 1) % 8 : 0);
}

static uint64_t resource_flags(const struct uvf_pci_bar *bar)
{
	uint64_t flags = RESOURCE_MEM;

	if (bar->desc->flags & UVFIO_BAR_IO)
		return RESOURCE_IO;
	if (bar->desc->flags & UVFIO_BAR_PREFETCH)
		flags |= RESOURCE_PREFETCH;
	if (bar->desc->flags & UVFIO_BAR_64)
		flags |= RESOURCE_MEM_64 | PCI_BASE_ADDRESS_MEM_TYPE_64;
	return flags;
}

static size_t show_resource(struct uvf_bus_device *bus, void *buf, size_t size)
{
	const struct uvf_pci *pci = uvf_pci_of_bus(bus);
	size_t done = 0;

	for (unsigned int i = 0; i < RESOURCE_LINES; i++) {
		uint64_t first = 0, last = 0, flags = 0;

		if (i < UVFIO_PCI_BARS && pci->bars[i].size) {
			first = pci->bars[i].address;
			last = first + pci->bars[i].size - 1;
			flags = resource_flags(&pci->bars[i]);
		}
		done += emit((char *)buf + done, size - done,
			     "0x%016llx 0x%016llx 0x%016llx\n",
			     (unsigned long long)first,
			     (unsigned long long)last,
			     (unsigned long long)flags);
	}
	return done;
}

static size_t show_config(struct uvf_bus_device *bus, void *buf, size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	size_t n = pci->config_size < size ? pci->config_size : size;

	uvf_lock(&pci->model.lock);
	memcpy(buf, pci->hw, n);
	uvf_unlock(&pci->model.lock);
	return n;
}

static size_t show_enable(struct uvf_bus_device *bus, void *buf, size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	bool is_open;

	uvf_lock(&pci->model.lock);
	is_open = pci->vconfig;
	uvf_unlock(&pci->model.lock);
	return emit(buf, size, "%d\n", is_open || pci->is_host_driven);
}

static size_t show_modalias(struct uvf_bus_device *bus, void *buf, size_t size)
{
	const struct uvfio_pci_model *desc = uvf_pci_of_bus(bus)->desc;

	return emit(buf, size, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n",
		    desc->vendor, desc->device, desc->subvendor,
		    desc->subdevice, desc->class_code >> 16 & 0xff,
		    desc->class_code >> 8 & 0xff, desc->class_code & 0xff);
}

size_t uvf_sysfs_show_pairs(struct uvf_bus_device *bus, char *buf, size_t size)
{
	const struct uvfio_pci_model *desc = uvf_pci_of_bus(bus)->desc;
	size_t done;

	done = emit(buf, size,
		    "PCI_CLASS=%04X\nPCI_ID=%04X:%04X\n"
		    "PCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\nMODALIAS=",
		    desc->class_code, desc->vendor, desc->device,
		    desc->subvendor, desc->subdevice, bus->name);
	return done + show_modalias(bus, buf + done, size - done);
}

static size_t show_uevent(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return uvf_bus_device_pairs(bus, buf, size);
}

static size_t show_power_state(struct uvf_bus_device *bus, void *buf,
			       size_t size)
{
	static const char *const names[] = {"D0", "D1", "D2", "D3hot"};
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	unsigned int power;

	uvf_lock(&pci->model.lock);
	power = pci->power;
	/* vfio-pci lets an unused function rest in D3. */
	if (pci->is_registered && !pci->vconfig && pci->desc->pm_offset)
		power = 3;
	uvf_unlock(&pci->model.lock);
	return emit(buf, size, "%s\n",
		    uvf_bus_device_driver(bus) || power ? names[power]
							: "unknown");
}

static size_t show_driver_override(struct uvf_bus_device *bus, void *buf,
				   size_t size)
{
	return uvf_bus_device_show_override(bus, buf, size);
}

static size_t show_numa_node(struct uvf_bus_device *bus, void *buf, size_t size)
{
	(void)bus;
	return emit(buf, size, "-1\n");
}

/* All processors are near: there is one node. */
static size_t show_local_cpulist(struct uvf_bus_device *bus, void *buf,
				 size_t size)
{
	long last = sysconf(_SC_NPROCESSORS_CONF) - 1;

	(void)bus;
	return last > 0 ? emit(buf, size, "0-%ld\n", last)
			: emit(buf, size, "0\n");
}

static size_t show_local_cpus(struct uvf_bus_device *bus, void *buf,
			      size_t size)
{
	long left = sysconf(_SC_NPROCESSORS_CONF);
	size_t done = 0;

	(void)bus;
	/* Words of 32 bits; the first one holds the odd bits. */
	for (long n = left % 32 ? left % 32 : 32; left > 0; left -= n, n = 32) {
		uint32_t mask = n < 32 ? (UINT32_C(1) << n) - 1 : UINT32_MAX;

		done += emit((char *)buf + done, size - done, "%s%0*x",
			     done ? "," : "", (int)(n + 3) / 4, mask);
		if (left == n)
			break;
	}
	return done + emit((char *)buf + done, size - done, "\n");
}

static size_t show_zero(struct uvf_bus_device *bus, void *buf, size_t size)
{
	(void)bus;
	return emit(buf, size, "0\n");
}

static size_t show_one(struct uvf_bus_device *bus, void *buf, size_t size)
{
	(void)bus;
	return emit(buf, size, "1\n");
}

static size_t show_dma_mask(struct uvf_bus_device *bus, void *buf, size_t size)
{
	(void)bus;
	return emit(buf, size, "32\n");
}

static size_t show_d3cold_allowed(struct uvf_bus_device *bus, void *buf,
				  size_t size)
{
	/* Said of functions with the PM capability only. */
	return emit(buf, size, "%d\n",
		    uvf_pci_of_bus(bus)->desc->pm_offset > 0);
}

static size_t show_reset_method(struct uvf_bus_device *bus, void *buf,
				size_t size)
{
	const struct uvf_pci *pci = uvf_pci_of_bus(bus);
	const char *space = "";
	size_t done = 0;

	if (pci->desc->features & UVFIO_PCI_FLR) {
		done += emit(buf, size, "flr");
		space = " ";
	}
	if (pci->desc->features & UVFIO_PCI_PM_RESET)
		done += emit((char *)buf + done, size - done, "%spm", space);
	if (!done)
		done = emit(buf, size, "af_flr");
	return done + emit((char *)buf + done, size - done, "\n");
}

/* Files that are there to be mapped or written. */
static size_t show_nothing(struct uvf_bus_device *bus, void *buf, size_t size)
{
	(void)bus;
	(void)buf;
	(void)size;
	return 0;
}

#define CHANGED_BY_WRITING 0644
#define READ_ONLY          0444
#define WRITE_ONLY         0200
#define FOR_ROOT           0600

static const struct uvf_bus_attr attrs[] = {
	{"ari_enabled", show_zero, READ_ONLY, NULL, NULL},
	{"broken_parity_status", show_zero, CHANGED_BY_WRITING, NULL, NULL},
	{"class", show_class, READ_ONLY, NULL, NULL},
	{"config", show_config, CHANGED_BY_WRITING, NULL, NULL},
	{"consistent_dma_mask_bits", show_dma_mask, READ_ONLY, NULL, NULL},
	{"d3cold_allowed", show_d3cold_allowed, CHANGED_BY_WRITING, NULL, NULL},
	{"device", show_device, READ_ONLY, NULL, NULL},
	{"dma_mask_bits", show_dma_mask, READ_ONLY, NULL, NULL},
	{"driver_override", show_driver_override, CHANGED_BY_WRITING, NULL,
	 NULL},
	{"enable", show_enable, CHANGED_BY_WRITING, NULL, NULL},
	{"irq", show_irq, READ_ONLY, NULL, NULL},
	{"local_cpulist", show_local_cpulist, READ_ONLY, NULL, NULL},
	{"local_cpus", show_local_cpus, READ_ONLY, NULL, NULL},
	{"modalias", show_modalias, READ_ONLY, NULL, NULL},
	{"msi_bus", show_one, CHANGED_BY_WRITING, NULL, NULL},
	{"numa_node", show_numa_node, CHANGED_BY_WRITING, NULL, NULL},
	{"power_state", show_power_state, READ_ONLY, NULL, NULL},
	{"resource", show_resource, READ_ONLY, NULL, NULL},
	{"revision", show_revision, READ_ONLY, NULL, NULL},
	{"subsystem_device", show_subdevice, READ_ONLY, NULL, NULL},
	{"subsystem_vendor", show_subvendor, READ_ONLY, NULL, NULL},
	{"uevent", show_uevent, CHANGED_BY_WRITING, NULL, NULL},
	{"vendor", show_vendor, READ_ONLY, NULL, NULL},
};
static_assert(sizeof(attrs) / sizeof(attrs[0]) + 2 * UVFIO_PCI_BARS + 3 <=
		      UVF_PCI_ATTRS_MAX,
	      "no room for files of a function");

static const char *const bar_names[] = {"resource0", "resource1", "resource2",
					"resource3", "resource4", "resource5"};
static const char *const bar_wc_names[] = {"resource0_wc", "resource1_wc",
					   "resource2_wc", "resource3_wc",
					   "resource4_wc", "resource5_wc"};

void uvf_sysfs_init(struct uvf_pci *pci)
{
	const struct uvf_bus_attr reset = {"reset", show_nothing, WRITE_ONLY,
					   NULL, NULL};
	const struct uvf_bus_attr method = {"reset_method", show_reset_method,
					    CHANGED_BY_WRITING, NULL, NULL};
	struct uvf_bus_attr *at = pci->attrs;

	memcpy(at, attrs, sizeof(attrs));
	at += sizeof(attrs) / sizeof(attrs[0]);
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		if (!pci->bars[i].size)
			continue;
		*at++ = (struct uvf_bus_attr){bar_names[i], show_nothing,
					      FOR_ROOT, NULL, NULL};
		if (pci->bars[i].desc->flags & UVFIO_BAR_PREFETCH)
			*at++ = (struct uvf_bus_attr){bar_wc_names[i],
						      show_nothing, FOR_ROOT,
						      NULL, NULL};
	}
	if (pci->has_reset) {
		*at++ = reset;
		*at++ = method;
	}
	*at = (struct uvf_bus_attr){NULL, NULL, 0, NULL, NULL};
}

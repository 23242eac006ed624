/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files of the function's directory in sysfs, as Linux 6.12 shows them
 * on a PC with one node.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "base/parse.h"
#include "pci/bridge.h"
#include "pci/handlers.h"
#include "pci/irqs.h"
#include "pci/rom.h"
#include "pci/sriov.h"
#include "pci/vpd.h"
#include "pci/reset_method.h"
#include "pci/sysfs_store.h"

/* struct resource::flags of Linux, as the resource file prints them. */
#define RESOURCE_IO       0x00040101ull
#define RESOURCE_MEM      0x00040200ull
#define RESOURCE_PREFETCH 0x00002008ull
#define RESOURCE_MEM_64   0x00100000ull

/* With the bits of its register that Linux has: read-only, prefetchable. */
#define RESOURCE_ROM 0x00046200ull

#define RESOURCE_BRIDGE_LINES 4 /* windows: I/O, memory, prefetched */
#define RESOURCE_WINDOW       0x00200000ull
#define GSI_FIRST             16

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

static uint64_t resource_flags(const struct uvfio_bar *bar)
{
	uint64_t flags = RESOURCE_MEM;

	if (bar->flags & UVFIO_BAR_IO)
		return RESOURCE_IO;
	if (bar->flags & UVFIO_BAR_PREFETCH)
		flags |= RESOURCE_PREFETCH;
	if (bar->flags & UVFIO_BAR_64)
		flags |= RESOURCE_MEM_64 | PCI_BASE_ADDRESS_MEM_TYPE_64;
	return flags;
}

static size_t emit_line(void *buf, size_t size, uint64_t first, uint64_t bytes,
			uint64_t flags)
{
	uint64_t last = bytes ? first + bytes - 1 : 0;

	return emit(buf, size, "0x%016llx 0x%016llx 0x%016llx\n",
		    (unsigned long long)first, (unsigned long long)last,
		    (unsigned long long)flags);
}

static size_t show_resource(struct uvf_bus_device *bus, void *buf, size_t size)
{
	static const uint64_t window_flags[UVF_PCI_WINDOWS] = {
		RESOURCE_IO & ~0x00040000ull, RESOURCE_MEM & ~0x00040000ull,
		0x00102201ull};
	const struct uvf_pci *pci = uvf_pci_of_bus(bus);
	char *at = buf, *end = at + size;

	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		const struct uvf_pci_bar *bar = &pci->bars[i];

		at += emit_line(at, (size_t)(end - at), bar->address, bar->size,
				bar->size ? resource_flags(bar->desc) : 0);
	}
	at += emit_line(at, (size_t)(end - at), pci->rom.address, pci->rom.size,
			pci->rom.size ? RESOURCE_ROM : 0);
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		const struct uvf_pci_window *all = &pci->sriov.bars[i];

		at += emit_line(
			at, (size_t)(end - at), all->address, all->size,
			all->size
				? resource_flags(&pci->desc->sriov.vf->bars[i])
				: 0);
	}
	for (unsigned int i = 0;
	     uvf_pci_is_bridge(pci) && i < RESOURCE_BRIDGE_LINES; i++) {
		const struct uvf_pci_window *window =
			i < UVF_PCI_WINDOWS ? &pci->bridge.windows[i] : NULL;

		if (window)
			at += emit_line(at, (size_t)(end - at), window->address,
					window->size,
					window_flags[i] | RESOURCE_WINDOW);
		else
			at += emit_line(at, (size_t)(end - at), 0, 0, 0);
	}
	return (size_t)(at - (char *)buf);
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
	unsigned int count;

	uvf_lock(&pci->model.lock);
	count = pci->user.enables + (pci->vconfig != NULL);
	uvf_unlock(&pci->model.lock);
	count += atomic_load(&pci->is_host_driven);
	return emit(buf, size, "%u\n", count);
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

/* vfio-pci lets an unused function rest in D3. */
static bool is_resting(struct uvf_pci *pci)
{
	bool is_used, is_low;

	uvf_lock(&pci->model.lock);
	is_used = pci->vconfig || !pci->pm_offset;
	is_low = pci->is_low_power && pci->power == 3;
	uvf_unlock(&pci->model.lock);
	return is_low || (!is_used && atomic_load(&pci->is_registered) &&
			  atomic_load(&pci->is_pm_auto));
}

static size_t show_power_state(struct uvf_bus_device *bus, void *buf,
			       size_t size)
{
	static const char *const names[] = {"D0", "D1", "D2", "D3hot"};
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	unsigned int power;

	uvf_lock(&pci->model.lock);
	power = pci->power;
	uvf_unlock(&pci->model.lock);
	if (is_resting(pci))
		power = 3;
	return emit(buf, size, "%s\n",
		    uvf_bus_device_driver(bus) || power ? names[power]
							: "unknown");
}

static size_t show_numa_node(struct uvf_bus_device *bus, void *buf, size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	int node;

	uvf_lock(&pci->model.lock);
	node = pci->user.numa_node;
	uvf_unlock(&pci->model.lock);
	return emit(buf, size, "%d\n", node);
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

static size_t show_behind(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, "%u\n", uvf_pci_of_bus(bus)->bridge.secondary);
}

static size_t show_last_behind(struct uvf_bus_device *bus, void *buf,
			       size_t size)
{
	return emit(buf, size, "%u\n", uvf_pci_of_bus(bus)->bridge.subordinate);
}

static size_t show_zero(struct uvf_bus_device *bus, void *buf, size_t size)
{
	(void)bus;
	return emit(buf, size, "0\n");
}

static size_t show_dma_mask(struct uvf_bus_device *bus, void *buf, size_t size)
{
	(void)bus;
	return emit(buf, size, "32\n");
}

/* A flag that a user of the host may have changed. */
static size_t show_flag(struct uvf_bus_device *bus, const bool *flag, void *buf,
			size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	bool is_set;

	uvf_lock(&pci->model.lock);
	is_set = *flag;
	uvf_unlock(&pci->model.lock);
	return emit(buf, size, "%d\n", is_set);
}

static size_t show_d3cold_allowed(struct uvf_bus_device *bus, void *buf,
				  size_t size)
{
	return show_flag(bus, &uvf_pci_of_bus(bus)->user.d3cold_allowed, buf,
			 size);
}

static size_t show_parity(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return show_flag(bus, &uvf_pci_of_bus(bus)->user.broken_parity, buf,
			 size);
}

static size_t show_msi_bus(struct uvf_bus_device *bus, void *buf, size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	bool no_msi;

	uvf_lock(&pci->model.lock);
	no_msi = pci->user.no_msi;
	uvf_unlock(&pci->model.lock);
	return emit(buf, size, "%d\n", !no_msi);
}

static size_t show_reset_method(struct uvf_bus_device *bus, void *buf,
				size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	const uint8_t *methods = pci->user.reset_methods;
	size_t done = 0;

	uvf_lock(&pci->model.lock);
	for (; *methods; methods++)
		done += emit((char *)buf + done, size - done, "%s%s",
			     done ? " " : "", uvf_reset_method_name(*methods));
	uvf_unlock(&pci->model.lock);
	if (done)
		done += emit((char *)buf + done, size - done, "\n");
	return done;
}

static size_t show_pm_control(struct uvf_bus_device *bus, void *buf,
			      size_t size)
{
	return emit(buf, size, "%s\n",
		    atomic_load(&uvf_pci_of_bus(bus)->is_pm_auto) ? "auto"
								  : "on");
}

static size_t show_pm_async(struct uvf_bus_device *bus, void *buf, size_t size)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	bool is_sync;

	uvf_lock(&pci->model.lock);
	is_sync = pci->user.is_pm_sync;
	uvf_unlock(&pci->model.lock);
	return emit(buf, size, "%s\n", is_sync ? "disabled" : "enabled");
}

static size_t show_pm_enabled(struct uvf_bus_device *bus, void *buf,
			      size_t size)
{
	return emit(buf, size, "%s\n",
		    atomic_load(&uvf_pci_of_bus(bus)->is_pm_auto)
			    ? "enabled"
			    : "forbidden");
}

static size_t show_pm_status(struct uvf_bus_device *bus, void *buf, size_t size)
{
	return emit(buf, size, "%s\n",
		    is_resting(uvf_pci_of_bus(bus)) ? "suspended" : "active");
}

#define CHANGED_BY_WRITING 0644
#define READ_ONLY          0444
#define WRITE_ONLY         0200
#define WRITE_GROUP        0220
#define FOR_ROOT           0600

#define SHOWN(name, show)                                                      \
	{                                                                      \
		name, show, READ_ONLY, NULL, NULL, NULL, 0                     \
	}
#define STORED(name, show, store)                                              \
	{                                                                      \
		name, show, CHANGED_BY_WRITING, store, NULL, NULL, 0           \
	}

static const struct uvf_bus_attr attrs[] = {
	SHOWN("ari_enabled", show_zero),
	STORED("broken_parity_status", show_parity, uvf_sysfs_store_parity),
	SHOWN("class", show_class),
	{"config", show_config, CHANGED_BY_WRITING, NULL, NULL,
	 uvf_sysfs_pwrite_config, 0},
	SHOWN("consistent_dma_mask_bits", show_dma_mask),
	STORED("d3cold_allowed", show_d3cold_allowed, uvf_sysfs_store_d3cold),
	SHOWN("device", show_device),
	SHOWN("dma_mask_bits", show_dma_mask),
	STORED("enable", show_enable, uvf_sysfs_store_enable),
	SHOWN("irq", show_irq),
	SHOWN("local_cpulist", show_local_cpulist),
	SHOWN("local_cpus", show_local_cpus),
	SHOWN("modalias", show_modalias),
	STORED("msi_bus", show_msi_bus, uvf_sysfs_store_msi_bus),
	STORED("numa_node", show_numa_node, uvf_sysfs_store_numa_node),
	STORED("power/async", show_pm_async, uvf_sysfs_store_pm_async),
	/* Of drivers that use it only: nothing to read or write. */
	STORED("power/autosuspend_delay_ms", NULL, NULL),
	STORED("power/control", show_pm_control, uvf_sysfs_store_pm_control),
	SHOWN("power/runtime_active_kids", show_zero),
	SHOWN("power/runtime_active_time", show_zero),
	SHOWN("power/runtime_enabled", show_pm_enabled),
	SHOWN("power/runtime_status", show_pm_status),
	SHOWN("power/runtime_suspended_time", show_zero),
	SHOWN("power/runtime_usage", show_zero),
	SHOWN("power_state", show_power_state),
	{"remove", NULL, WRITE_GROUP, uvf_sysfs_store_remove, NULL, NULL, 0},
	{"rescan", NULL, WRITE_ONLY, uvf_sysfs_store_rescan, NULL, NULL, 0},
	SHOWN("resource", show_resource),
	SHOWN("revision", show_revision),
	SHOWN("subsystem_device", show_subdevice),
	SHOWN("subsystem_vendor", show_subvendor),
	SHOWN("vendor", show_vendor),
};
static_assert(sizeof(attrs) / sizeof(attrs[0]) + 2 * UVFIO_PCI_BARS + 7 +
			      UVF_SRIOV_FILES <=
		      UVF_PCI_ATTRS_MAX,
	      "no room for files of a function");

static const char *const bar_names[] = {"resource0", "resource1", "resource2",
					"resource3", "resource4", "resource5"};
static const char *const bar_wc_names[] = {"resource0_wc", "resource1_wc",
					   "resource2_wc", "resource3_wc",
					   "resource4_wc", "resource5_wc"};

/* Memory can be mapped, ports be read and written. */
static struct uvf_bus_attr bar_attr(const struct uvf_pci *pci, unsigned int bar,
				    const char *name)
{
	struct uvf_bus_attr attr = {
		.name = name,
		.mode = FOR_ROOT,
		.arg = bar,
	};

	if (pci->bars[bar].desc->flags & UVFIO_BAR_IO) {
		attr.pread = uvf_sysfs_pread_ports;
		attr.pwrite = uvf_sysfs_pwrite_ports;
	}
	return attr;
}

static ssize_t pread_vpd(struct uvf_bus_device *bus,
			 const struct uvf_bus_attr *attr, void *buf,
			 size_t size, uint64_t pos)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	ssize_t ret;

	(void)attr;
	uvf_lock(&pci->model.lock);
	ret = uvf_vpd_read_locked(pci, pos, buf, size);
	uvf_unlock(&pci->model.lock);
	return ret;
}

static ssize_t pwrite_vpd(struct uvf_bus_device *bus,
			  const struct uvf_bus_attr *attr, const void *buf,
			  size_t size, uint64_t pos)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	ssize_t ret;

	(void)attr;
	uvf_lock(&pci->model.lock);
	ret = uvf_vpd_write_locked(pci, pos, buf, size);
	uvf_unlock(&pci->model.lock);
	return ret;
}

/* Somebody has to switch it on before, by writing to it. */
static ssize_t pread_rom(struct uvf_bus_device *bus,
			 const struct uvf_bus_attr *attr, void *buf,
			 size_t size, uint64_t pos)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	ssize_t ret = 0;

	(void)attr;
	uvf_lock(&pci->model.lock);
	if (!pci->user.reads_rom)
		ret = -EINVAL;
	else if (!uvf_rom_is_readable_locked(pci))
		ret = -EIO;
	uvf_unlock(&pci->model.lock);
	if (ret || pos >= pci->rom.len)
		return ret;
	if (size > pci->rom.len - pos)
		size = (size_t)(pci->rom.len - pos);
	uvf_rom_copy(pci, pos, buf, size);
	return (ssize_t)size;
}

static ssize_t pwrite_rom(struct uvf_bus_device *bus,
			  const struct uvf_bus_attr *attr, const void *buf,
			  size_t size, uint64_t pos)
{
	struct uvf_pci *pci = uvf_pci_of_bus(bus);
	char text[8] = "";
	bool value;

	(void)attr;
	(void)pos;
	memcpy(text, buf, size < sizeof(text) ? size : sizeof(text) - 1);
	if (uvf_parse_bool(text, &value))
		return -EINVAL;
	uvf_lock(&pci->model.lock);
	pci->user.reads_rom = value;
	uvf_unlock(&pci->model.lock);
	return (ssize_t)size;
}

static struct uvf_bus_attr *list_memories(const struct uvf_pci *pci,
					  struct uvf_bus_attr *at)
{
	static const struct uvf_bus_attr rom = {.name = "rom",
						.mode = FOR_ROOT,
						.pread = pread_rom,
						.pwrite = pwrite_rom};
	static const struct uvf_bus_attr vpd = {.name = "vpd",
						.mode = FOR_ROOT,
						.pread = pread_vpd,
						.pwrite = pwrite_vpd};

	if (pci->rom.size)
		*at++ = rom;
	if (pci->vpd_offset)
		*at++ = vpd;
	return at;
}

void uvf_sysfs_init(struct uvf_pci *pci)
{
	const struct uvf_bus_attr reset = {
		.name = "reset",
		.mode = WRITE_ONLY,
		.store = uvf_sysfs_store_reset,
	};
	const struct uvf_bus_attr method =
		STORED("reset_method", show_reset_method,
		       uvf_sysfs_store_reset_method);
	struct uvf_bus_attr *at = pci->attrs;

	memcpy(at, attrs, sizeof(attrs));
	at += sizeof(attrs) / sizeof(attrs[0]);
	for (unsigned int i = 0; i < UVFIO_PCI_BARS; i++) {
		if (!pci->bars[i].size)
			continue;
		*at++ = bar_attr(pci, i, bar_names[i]);
		if (pci->bars[i].desc->flags & UVFIO_BAR_PREFETCH)
			*at++ = bar_attr(pci, i, bar_wc_names[i]);
	}
	uvf_reset_methods_init(pci);
	if (pci->user.reset_methods[0]) {
		*at++ = reset;
		*at++ = method;
	}
	if (uvf_pci_is_bridge(pci)) {
		*at++ = (struct uvf_bus_attr)SHOWN("secondary_bus_number",
						   show_behind);
		*at++ = (struct uvf_bus_attr)SHOWN("subordinate_bus_number",
						   show_last_behind);
	}
	at = list_memories(pci, at);
	at = uvf_sriov_list_files(pci, at);
	*at = (struct uvf_bus_attr){.name = NULL};
}

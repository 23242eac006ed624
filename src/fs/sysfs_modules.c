/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /sys/module, as far as VFIO has a part in it.
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "bus/bus.h"
#include "bus/driver.h"
#include "bus/machine.h"
#include "core/vfio.h"
#include "fs/sysfs_walk.h"

struct parameter {
	const char *name;
	enum {
		CONSTANT, /* N, and for reading only */
		FIXED,    /* a bool, for reading only */
		BOOL,
		UINT,
	} kind;
	size_t offset; /* in struct uvf_params */
};

#define PARAMETER(name, kind)                                                  \
	{                                                                      \
#name, kind, offsetof(struct uvf_params, name)                 \
	}

struct module {
	const char *name;
	const char *coresize;
	const char *refcnt;
	const char *version;  /* NULL: none */
	const char *users[4]; /* modules that need this one */
	const char *bus;      /* it is there with this bus; NULL: always */
	struct parameter parameters[6];
	bool is_noiommu; /* these parameters come with no-IOMMU mode */
};

/* Source: Debian's 6.12 kernel, which is built without no-IOMMU mode. */
static const struct module modules[] = {
	{
		.name = "vfio",
		.coresize = "61440\n",
		.refcnt = "4\n",
		.version = "0.3\n",
		.users = {"vfio_iommu_type1", "vfio_pci", "vfio_pci_core"},
		.parameters = {PARAMETER(enable_unsafe_noiommu_mode, BOOL)},
		.is_noiommu = true,
	},
	{
		.name = "vfio_iommu_type1",
		.coresize = "45056\n",
		.refcnt = "0\n",
		.version = "0.2\n",
		.parameters = {PARAMETER(allow_unsafe_interrupts, BOOL),
			       PARAMETER(disable_hugepages, BOOL),
			       PARAMETER(dma_entry_limit, UINT)},
	},
	{
		.name = "vfio_pci",
		.coresize = "16384\n",
		.refcnt = "0\n",
		.parameters = {{"disable_denylist", CONSTANT, 0},
			       {"disable_idle_d3", CONSTANT, 0},
			       {"disable_vga", CONSTANT, 0},
			       PARAMETER(enable_sriov, BOOL),
			       {"nointxmask", CONSTANT, 0}},
	},
	{
		.name = "vfio_pci_core",
		.coresize = "94208\n",
		.refcnt = "1\n",
		.users = {"vfio_pci"},
	},
	{
		.name = "vfio_platform",
		.coresize = "16384\n",
		.refcnt = "0\n",
		.version = "0.10\n",
		.bus = "platform",
		.parameters = {PARAMETER(reset_required, FIXED)},
	},
	{
		.name = "vfio_platform_base",
		.coresize = "28672\n",
		.refcnt = "1\n",
		.version = "0.10\n",
		.users = {"vfio_platform"},
		.bus = "platform",
	},
	{
		.name = "mdev",
		.coresize = "20480\n",
		.refcnt = "1\n",
		.version = "0.1\n",
		.bus = "mdev",
	},
};

static ssize_t store_bool(const struct uvf_walk_file *file,
			  struct uvf_task *task, const char *text, size_t size)
{
	bool value;

	(void)task;
	if (uvf_parse_bool(text, &value))
		return -EINVAL;
	atomic_store((atomic_bool *)file->object, value);
	uvf_machine_touch(file->machine);
	return (ssize_t)size;
}

static ssize_t store_uint(const struct uvf_walk_file *file,
			  struct uvf_task *task, const char *text, size_t size)
{
	uint64_t value;
	int ret = uvf_parse_ulong(text, &value);

	(void)task;
	if (ret)
		return ret;
	if (value > UINT_MAX)
		return -ERANGE;
	atomic_store((atomic_uint *)file->object, (unsigned int)value);
	uvf_machine_touch(file->machine);
	return (ssize_t)size;
}

static void walk_parameter(struct uvf_walk *walk, const struct module *module,
			   const struct parameter *parameter)
{
	char *params = (char *)&walk->machine->params;
	struct uvf_walk_file file = {.mode = 0444, .text = "N\n"};
	char text[16];

	if (parameter->kind != CONSTANT)
		file.object = params + parameter->offset;
	if (parameter->kind == BOOL || parameter->kind == UINT)
		file.mode = 0644;
	if (parameter->kind == BOOL)
		file.store = store_bool;
	if ((parameter->kind == BOOL || parameter->kind == FIXED) &&
	    atomic_load((atomic_bool *)file.object))
		file.text = "Y\n";
	if (parameter->kind == UINT) {
		file.store = store_uint;
		(void)snprintf(text, sizeof(text), "%u\n",
			       atomic_load((atomic_uint *)file.object));
		file.text = text;
	}
	uvf_walk_file(walk, &file, "module/%s/parameters/%s", module->name,
		      parameter->name);
}

static void walk_module(struct uvf_walk *walk, const struct module *module)
{
	const struct uvf_walk_text files[] = {
		{"coresize", 0444, module->coresize, NULL},
		{"initsize", 0444, "0\n", NULL},
		{"initstate", 0444, "live\n", NULL},
		{"refcnt", 0444, module->refcnt, NULL},
		{"taint", 0444, "\n", NULL},
		{"uevent", 0200, NULL, uvf_walk_store_uevent},
		{NULL, 0, NULL, NULL},
	};
	const struct uvf_walk_file about = {.subsystem = "module"};
	char dir[UVF_WALK_PATH];

	uvf_walk_path(walk, dir, "module/%s", module->name);
	if (!uvf_walk_wants(walk, dir))
		return;
	uvf_walk_dir(walk, "%s", dir);
	uvf_walk_texts(walk, files, &about, "%s", dir);
	if (module->version)
		uvf_walk_text(walk, 0444, module->version, "%s/version", dir);
	uvf_walk_dir(walk, "%s/holders", dir);
	for (size_t i = 0; module->users[i]; i++) {
		char target[UVF_WALK_PATH];

		uvf_walk_path(walk, target, "module/%s", module->users[i]);
		uvf_walk_link(walk, target, "%s/holders/%s", dir,
			      module->users[i]);
	}
	if (!module->parameters[0].name ||
	    (module->is_noiommu && !walk->vfio->host.noiommu))
		return;
	uvf_walk_dir(walk, "%s/parameters", dir);
	for (const struct parameter *p = module->parameters; p->name; p++)
		walk_parameter(walk, module, p);
}

bool uvf_walk_module_of(const struct uvf_driver *driver,
			char ret_name[UVF_WALK_MODULE])
{
	if (!driver->module && driver->manages_dma)
		return false;
	(void)snprintf(ret_name, UVF_WALK_MODULE, "%s",
		       driver->module ? driver->module : driver->name);
	for (char *at = ret_name; (at = strchr(at, '-')); at++)
		*at = '_';
	return true;
}

static bool is_in_table(const char *name)
{
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (!strcmp(modules[i].name, name))
			return true;
	return false;
}

static void walk_table(struct uvf_walk *walk)
{
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (!modules[i].bus ||
		    uvf_bus_find(walk->machine, modules[i].bus))
			walk_module(walk, &modules[i]);
}

/* The drivers of the host that are there, as somebody loaded them. */
static void walk_others(struct uvf_walk *walk, struct uvf_bus *bus)
{
	struct uvf_driver *driver;

	for (size_t i = 0; (driver = uvf_driver_at(bus, i)); i++) {
		char name[UVF_WALK_MODULE], target[UVF_WALK_PATH];
		const struct module module = {
			.name = name,
			.coresize = "65536\n",
			.refcnt = "0\n",
		};

		if (!uvf_walk_module_of(driver, name) || is_in_table(name))
			continue;
		walk_module(walk, &module);
		uvf_walk_dir(walk, "module/%s/drivers", name);
		uvf_walk_path(walk, target, "bus/%s/drivers/%s", bus->name,
			      driver->name);
		uvf_walk_link(walk, target, "module/%s/drivers/%s:%s", name,
			      bus->name, driver->name);
	}
}

void uvf_sysfs_walk_modules(struct uvf_walk *walk)
{
	struct uvf_bus *bus;

	uvf_walk_dir(walk, "module");
	walk_table(walk);
	uvf_walk_dir(walk, "module/vfio_pci/drivers");
	uvf_walk_link(walk, "bus/pci/drivers/vfio-pci",
		      "module/vfio_pci/drivers/pci:vfio-pci");
	if (uvf_bus_find(walk->machine, "platform")) {
		uvf_walk_dir(walk, "module/vfio_platform/drivers");
		uvf_walk_link(walk, "bus/platform/drivers/vfio-platform",
			      "module/vfio_platform/drivers/"
			      "platform:vfio-platform");
	}
	for (size_t i = 0; (bus = uvf_bus_at(walk->machine, i)); i++)
		walk_others(walk, bus);
}

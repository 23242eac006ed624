/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /sys/module, as far as VFIO has a part in it.
 */
#include <string.h>

#include "fs/sysfs_walk.h"

struct module {
	const char *name;
	const char *coresize;
	const char *refcnt;
	const char *version;  /* NULL: none */
	const char *users[4]; /* modules that need this one */
	struct uvf_walk_text parameters[6];
};

/*
 * Source: Debian's 6.12 kernel.  It is built without no-IOMMU mode, hence
 * no enable_unsafe_noiommu_mode.
 */
static const struct module modules[] = {
	{
		.name = "vfio",
		.coresize = "61440\n",
		.refcnt = "4\n",
		.version = "0.3\n",
		.users = {"vfio_iommu_type1", "vfio_pci", "vfio_pci_core"},
	},
	{
		.name = "vfio_iommu_type1",
		.coresize = "45056\n",
		.refcnt = "0\n",
		.version = "0.2\n",
		.parameters = {{"allow_unsafe_interrupts", 0644, "N\n"},
			       {"disable_hugepages", 0644, "N\n"},
			       {"dma_entry_limit", 0644, "65535\n"}},
	},
	{
		.name = "vfio_pci",
		.coresize = "16384\n",
		.refcnt = "0\n",
		.parameters = {{"disable_denylist", 0444, "N\n"},
			       {"disable_idle_d3", 0444, "N\n"},
			       {"disable_vga", 0444, "N\n"},
			       {"enable_sriov", 0644, "N\n"},
			       {"nointxmask", 0444, "N\n"}},
	},
	{
		.name = "vfio_pci_core",
		.coresize = "94208\n",
		.refcnt = "1\n",
		.users = {"vfio_pci"},
	},
};

static void walk_module(struct uvf_walk *walk, const struct module *module)
{
	const struct uvf_walk_text files[] = {
		{"coresize", 0444, module->coresize},
		{"initsize", 0444, "0\n"},
		{"initstate", 0444, "live\n"},
		{"refcnt", 0444, module->refcnt},
		{"taint", 0444, "\n"},
		{"uevent", 0200, ""},
		{NULL, 0, NULL},
	};

	uvf_walk_dir(walk, "module/%s", module->name);
	uvf_walk_texts(walk, files, "module/%s", module->name);
	if (module->version)
		uvf_walk_text(walk, 0444, module->version, "module/%s/version",
			      module->name);
	uvf_walk_dir(walk, "module/%s/holders", module->name);
	for (size_t i = 0; module->users[i]; i++) {
		char target[UVF_WALK_PATH];

		uvf_walk_path(walk, target, "module/%s", module->users[i]);
		uvf_walk_link(walk, target, "module/%s/holders/%s",
			      module->name, module->users[i]);
	}
	if (!module->parameters[0].name)
		return;
	uvf_walk_dir(walk, "module/%s/parameters", module->name);
	uvf_walk_texts(walk, module->parameters, "module/%s/parameters",
		       module->name);
}

void uvf_sysfs_walk_modules(struct uvf_walk *walk)
{
	uvf_walk_dir(walk, "module");
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		walk_module(walk, &modules[i]);
	uvf_walk_dir(walk, "module/vfio_pci/drivers");
	uvf_walk_link(walk, "bus/pci/drivers/vfio-pci",
		      "module/vfio_pci/drivers/pci:vfio-pci");
}

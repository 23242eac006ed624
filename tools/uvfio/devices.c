/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options that describe the machine, common to all commands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvfio/mdev.h>
#include <uvfio/platform.h>

#include "cmd.h"

#include "front/host.h"
#include "front/mdev.h"
#include "front/models.h"

bool add_device_option(struct machine_options *options, const char *spec)
{
	const char **grown =
		realloc(options->devices, (options->device_count + 2) *
						  sizeof(*options->devices));

	if (!grown) {
		complain("out of memory");
		return false;
	}
	grown[options->device_count++] = spec;
	grown[options->device_count] = NULL;
	options->devices = grown;
	return true;
}

static void print_keys(const char *name, const char *summary,
		       const struct uvfio_key *common,
		       const struct uvfio_key *own)
{
	const struct uvfio_key *const lists[] = {common, own};

	printf("%s: %s\n", name, summary);
	for (size_t i = 0; i < 2; i++)
		for (const struct uvfio_key *key = lists[i]; key && key->name;
		     key++)
			printf("  %s=%s\n        %s\n", key->name, key->value,
			       key->help);
}

static void print_pci_keys(const struct uvfio_pci_model *model)
{
	static const struct uvfio_key common[] = {
		{"addr", "[DDDD:]BB:DD.F", "bus address (0000:00:03.0 upward)"},
		{"group", "N", "IOMMU group (one of its own)"},
		{"iommu", "intel|amd[:39|48|57]",
		 "the IOMMU before its group (the host's)"},
		{"bridge", "[DDDD:]BB:DD.F", "the bridge it is behind (none)"},
		{"driver", "vfio-pci|none|NAME",
		 "what it is bound to "
		 "(vfio-pci)"},
		{NULL, NULL, NULL},
	};

	print_keys(model->name, model->summary, common, model->keys);
}

static void print_platform_keys(const struct uvfio_platform_model *model)
{
	static const struct uvfio_key common[] = {
		{"addr", "HEX", "address of its registers (c000000 upward)"},
		{"group", "N", "IOMMU group (one of its own)"},
		{"iommu", "intel|amd[:39|48|57]",
		 "the IOMMU before its group (the host's)"},
		{"driver", "vfio-platform|none|NAME",
		 "what it is bound to (vfio-platform)"},
		{"reset", "on|off",
		 "the host has a handler that resets it (on)"},
		{NULL, NULL, NULL},
	};

	print_keys(model->name, model->summary, common, model->keys);
}

static void list_models(void)
{
	const struct uvfio_mdev_driver *driver;
	const struct uvfio_platform_model *platform;
	const struct uvfio_pci_model *model;

	for (unsigned int i = 0; (model = uvfio_model_at(i)); i++)
		printf("%-8s %s\n", model->name, model->summary);
	for (unsigned int i = 0; (platform = uvfio_platform_model_at(i)); i++)
		printf("%-8s %s\n", platform->name, platform->summary);
	for (unsigned int i = 0; (driver = uvfio_mdev_driver_at(i)); i++)
		printf("%-8s %s\n", driver->name, driver->summary);
}

/* Mediated devices have the same keys in every driver. */
static void print_mdev_keys(const struct uvfio_mdev_driver *driver)
{
	printf("%s: %s\n", driver->name, driver->summary);
	printf("  uuid=UUID\n        create a device of this name (none)\n");
	printf("  type=TYPE\n        of this type, which is one of");
	for (unsigned int i = 0; driver->types[i].name; i++)
		printf("%s %s-%s", i ? "," : "", driver->name,
		       driver->types[i].name);
	printf(" (the first)\n");
}

/* The keys of the model of this name; the status for the shell. */
static int print_model_help(const char *name)
{
	const struct uvfio_mdev_driver *driver = uvf_mdev_driver_find(name);
	const struct uvfio_platform_model *platform =
		uvf_platform_model_find(name);
	const struct uvfio_pci_model *model;
	struct uvfio_error err = {""};

	if (uvf_model_get(name, &model, &err)) {
		complain("%s", err.text);
		return STATUS_USAGE;
	}
	if (model) {
		print_pci_keys(model);
	} else if (platform) {
		print_platform_keys(platform);
	} else if (driver) {
		print_mdev_keys(driver);
	} else {
		complain("no device model '%s'; -d help lists them", name);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

bool print_device_help(const char *spec, int *ret_status)
{
	const char *comma = strchr(spec, ',');
	char *name;

	*ret_status = STATUS_OK;
	if (!strcmp(spec, "help")) {
		list_models();
		return true;
	}
	if (!comma || strcmp(comma, ",help") != 0)
		return false;
	name = strndup(spec, (size_t)(comma - spec));
	if (!name) {
		complain("out of memory");
		*ret_status = STATUS_USAGE;
		return true;
	}
	*ret_status = print_model_help(name);
	free(name);
	return true;
}

/* The value without the key stands in brackets. */
static void print_host_key(const struct uvf_host_key *key)
{
	printf("%s=", key->name);
	for (size_t i = 0; i < UVF_HOST_VALUES && key->values[i]; i++)
		printf("%s%s", i ? "|" : "", key->values[i]);
	printf(" (%s)\n        %s\n", key->values[key->initial], key->summary);
}

bool print_host_help(const char *text)
{
	const struct uvf_host_key *key;

	if (strcmp(text, "help") != 0)
		return false;
	for (size_t i = 0; (key = uvf_host_key_at(i)); i++)
		print_host_key(key);
	return true;
}

struct uvfio_machine *build_machine(const struct machine_options *options,
				    bool may_spin)
{
	const struct uvfio_machine_params params = {
		.abi = options->abi,
		.host = options->host,
		.devices = options->devices,
		.may_spin = may_spin,
	};
	struct uvfio_machine *machine;
	struct uvfio_error err = {""};
	int ret = uvfio_machine_create(&machine, &params, &err);

	if (!ret)
		return machine;
	complain("%s", err.text[0] ? err.text : strerror(-ret));
	return NULL;
}

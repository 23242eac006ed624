/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uvfio ls: what the machine holds.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#include "front/machine.h"

#define KEY_ABI  1
#define KEY_HOST 2

static const struct argp_option option_table[] = {
	{"device", 'd', "SPEC", 0,
	 "add a device, as for uvfio run; may be repeated", 0},
	{"abi", KEY_ABI, "PROFILE", 0, "as for uvfio run", 0},
	{"host", KEY_HOST, "KEY=VALUE,...", 0, "as for uvfio run", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct machine_options *options = state->input;
	int status;

	switch (key) {
	case 'd':
		if (print_device_help(arg, &status))
			exit(status);
		if (!add_device_option(options, arg))
			exit(STATUS_USAGE);
		return 0;
	case KEY_ABI:
		options->abi = arg;
		return 0;
	case KEY_HOST:
		options->host = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A text attribute without its newline. */
static void print_attr(struct uvf_bus_device *device, const char *label,
		       const char *name)
{
	const struct uvf_bus_attr *attr;
	char text[256];
	size_t len;

	for (attr = device->ops->attrs; attr->name; attr++)
		if (!strcmp(attr->name, name))
			break;
	if (!attr->name)
		return;
	len = attr->show(device, text, sizeof(text) - 1);
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	printf(" %s %s", label, text);
}

static void print_device(struct uvf_bus_device *device)
{
	const char *driver;

	printf("%s", device->name);
	print_attr(device, "vendor", "vendor");
	print_attr(device, "device", "device");
	print_attr(device, "class", "class");
	if (device->group)
		printf(" group %u", device->group->id);
	driver = uvf_bus_device_driver_name(device);
	printf(" driver %s\n", driver);
}

int cmd_ls(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.doc = "Show the devices of a machine.",
	};
	struct machine_options options = {NULL, NULL, NULL, 0};
	struct uvfio_machine *machine;
	struct uvf_list *node;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	machine = build_machine(&options, false);
	free(options.devices);
	if (!machine)
		return STATUS_USAGE;
	uvf_list_for_each (node, &machine->bus.devices)
		print_device(uvf_list_entry(node, struct uvf_bus_device,
					    machine_node));
	uvfio_machine_destroy(machine);
	return STATUS_OK;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uvfio ls: what the machine holds.
 */
#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#include "front/describe.h"

#define KEY_ABI  1
#define KEY_HOST 2
#define KEY_JSON 3

static const struct argp_option option_table[] = {
	{"device", 'd', "SPEC", 0,
	 "add a device, as for uvfio run; may be repeated", 0},
	{"abi", KEY_ABI, "PROFILE", 0, "as for uvfio run", 0},
	{"host", KEY_HOST, "KEY=VALUE,...", 0, "as for uvfio run", 0},
	{"json", KEY_JSON, NULL, 0, "print one JSON object", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

struct ls_options {
	struct machine_options machine;
	bool is_json;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct ls_options *options = state->input;
	int status;

	switch (key) {
	case 'd':
		if (print_device_help(arg, &status))
			exit(status);
		if (!add_device_option(&options->machine, arg))
			exit(STATUS_USAGE);
		return 0;
	case KEY_ABI:
		options->machine.abi = arg;
		return 0;
	case KEY_HOST:
		if (print_host_help(arg))
			exit(STATUS_OK);
		options->machine.host = arg;
		return 0;
	case KEY_JSON:
		options->is_json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The largest of K, M, G and T that says it without a fraction. */
static void print_size(json_int_t bytes)
{
	static const char units[] = " KMGT";
	int unit = 0;

	while (bytes % 1024 == 0 && bytes && units[unit + 1]) {
		bytes /= 1024;
		unit++;
	}
	printf("%lld", (long long)bytes);
	if (unit)
		printf(" %ciB", units[unit]);
	else
		printf(" bytes");
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void print_bar(const json_t *bar)
{
	printf("\tBAR %lld: %s at %s, ", number_of(bar, "bar"),
	       strcmp(text_of(bar, "space"), "io") == 0 ? "I/O ports"
							: "memory",
	       text_of(bar, "address"));
	print_size(number_of(bar, "size"));
	if (is_true(bar, "is_64bit"))
		printf(", 64-bit");
	if (is_true(bar, "is_prefetchable"))
		printf(", prefetchable");
	printf("\n");
}

static void print_region(const json_t *region)
{
	printf("\tregion %lld: %s at %s, ", number_of(region, "region"),
	       strcmp(text_of(region, "space"), "io") == 0 ? "I/O ports"
							   : "memory",
	       text_of(region, "address"));
	print_size(number_of(region, "size"));
	printf("%s\n", is_true(region, "is_read_only") ? ", read-only" : "");
}

static void print_cap(const json_t *cap)
{
	const char *name = text_of(cap, "name");
	int width = is_true(cap, "is_extended") ? 3 : 2;

	printf("\t[%0*llx] ", width, number_of(cap, "offset"));
	if (name)
		printf("%s\n", name);
	else
		printf("capability 0x%02llx\n", number_of(cap, "id"));
}

/* A word and its value, if it has one. */
static void print_field(const json_t *device, const char *key)
{
	const char *text = text_of(device, key);

	if (text && text[0])
		printf(" %s %s", key, text);
}

static void print_device(const json_t *device)
{
	const json_t *group = json_object_get(device, "group");
	const char *driver = text_of(device, "driver");
	const json_t *element;
	size_t i;

	printf("%s", text_of(device, "address"));
	print_field(device, "model");
	print_field(device, "compatible");
	print_field(device, "vendor");
	print_field(device, "device");
	print_field(device, "class");
	if (json_is_integer(group))
		printf(" group %lld", json_integer_value(group));
	printf(" driver %s\n", driver ? driver : "none");
	json_array_foreach(json_object_get(device, "bars"), i, element)
		print_bar(element);
	json_array_foreach(json_object_get(device, "capabilities"), i, element)
		print_cap(element);
	json_array_foreach(json_object_get(device, "regions"), i, element)
		print_region(element);
	json_array_foreach(json_object_get(device, "interrupts"), i, element)
		printf("\tinterrupt %zu: %s\n", i, json_string_value(element));
}

static int print_machine(struct uvfio_machine *machine, bool is_json)
{
	json_t *description = uvf_describe_machine(machine);
	const json_t *device;
	size_t i;

	if (!description) {
		complain("out of memory");
		return STATUS_USAGE;
	}
	if (is_json) {
		(void)json_dumpf(description, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		json_array_foreach(json_object_get(description, "devices"), i,
				   device) print_device(device);
	}
	json_decref(description);
	return STATUS_OK;
}

int cmd_ls(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.doc = "Show the devices of a machine.",
	};
	struct ls_options options = {{NULL, NULL, NULL, 0}, false};
	struct uvfio_machine *machine;
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	machine = build_machine(&options.machine, false);
	free(options.machine.devices);
	if (!machine)
		return STATUS_USAGE;
	status = print_machine(machine, options.is_json);
	uvfio_machine_destroy(machine);
	return status;
}

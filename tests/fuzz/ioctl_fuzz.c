/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any system call of a client on any file of a machine, in any order: each
 * answers a result or an errno, and after the last close all is as before.
 *
 * An input is a profile's number, then operations; see run().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/vfio.h>
#include <uvfio/uvfio.h>

#include "base/log.h"
#include "base/profile.h"
#include "client.h"
#include "core/file.h"
#include "fs/devfs.h"
#include "front/machine.h"
#include "history.h"
#include "iommu/iommu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PROFILES_MAX   8
#define OPERATIONS_MAX 64
#define REGION_SHIFT   40
#define INPUTS_MAX     4096 /* for which machines serve */

static const char *const devices[] = {
	"edu,group=1",
	"igb,group=1",
	"edu,group=2",
	NULL,
};

static const char *const nodes[] = {
	"vfio/vfio",
	"vfio/vfio",
	"vfio/1",
	"vfio/2",
	"vfio/3",
	"iommu",
	"vfio/devices/vfio0",
	"vfio/devices/vfio1",
	"vfio/devices/vfio2",
	"vfio/noiommu-0",
	"kvm",
	"vfio/devices/vfio9",
};

/* Numbers that some file of some profile knows: types ';' and 0xae. */
static unsigned int command(struct input *input)
{
	static const unsigned int kvm[] = {0xae00,     0xae01,     0xae03,
					   0xc00caee0, 0x4018aee1, 0x4018aee2,
					   0x4018aee3, 0x4010aea8, 0x4020aea8};
	static const unsigned int rfc[] = {
		0x80083b64, 0x40043b65, 0x40043b66, 0x40083b68, 0x80083b69,
		0xc0283b6a, 0xc0283b6b, 0x80083b6c, 0x80043b6d, 0xc0283b6e,
		0x80043b6f, 0xc0103b70, 0x40043b71, 0x40043b72, 0x40043b73,
		0xc0183b75, 0xc0183b76,
	};
	uint8_t choice = take8(input);

	if (choice < 0xc0)
		return 0x3b64 + choice % 0x30;
	if (choice < 0xd0)
		return 0x3b80 + choice % 16;
	if (choice < 0xe0)
		return kvm[choice % (sizeof(kvm) / sizeof(kvm[0]))];
	if (choice < 0xf8)
		return rfc[choice % (sizeof(rfc) / sizeof(rfc[0]))];
	return take32(input);
}

/* A value, or an address of client memory that was filled from the input. */
static unsigned long argument(struct client *client, struct input *input)
{
	uint8_t mode = take8(input);
	uint32_t at = take16(input);
	uint8_t len = take8(input);

	if (mode < 32)
		return mode;
	if (mode < 48)
		return (unsigned long)take64(input);
	if (mode < 64)
		at = CLIENT_SIZE - at % 64; /* across the end */
	if (at < CLIENT_SIZE) {
		size_t room = CLIENT_SIZE - at;

		(void)take_bytes(input, client->memory + at,
				 len < room ? len : room);
	}
	return CLIENT_FIRST + at;
}

static void open_node(struct uvfio_machine *machine, struct client *client,
		      struct input *input)
{
	const char *node =
		nodes[take8(input) % (sizeof(nodes) / sizeof(nodes[0]))];
	const struct uvf_caller caller = {.has_rawio = true};
	struct uvf_file *file;

	if (uvf_devfs_open(&machine->vfio, &caller, node, &file))
		return;
	if (client_install(client, file) < 0)
		uvf_file_put(file);
}

static void transfer(struct client *client, struct uvf_file *file,
		     struct input *input)
{
	uint8_t how = take8(input);
	uint64_t pos = ((uint64_t)(how & 15) << REGION_SHIFT) + take32(input);
	uint64_t addr = CLIENT_FIRST + take16(input);
	size_t len = take8(input);

	if (how & 16)
		pos = take64(input);
	if (how & 32)
		(void)uvf_file_write(file, &client->caller, addr, len, pos);
	else
		(void)uvf_file_read(file, &client->caller, addr, len, pos);
}

static void map(struct uvf_file *file, struct input *input)
{
	uint8_t how = take8(input);
	uint64_t pos = ((uint64_t)(how & 15) << REGION_SHIFT) +
		       ((uint64_t)take16(input) << 12);
	uint64_t len = (uint64_t)take8(input) << 12;
	struct uvf_page page;
	uint64_t value = 0;

	if (uvf_file_mmap(file, pos, len, how >> 4 & 7, 1))
		return;
	uvf_file_fault(file, pos, &page);
	if (page.kind == UVF_PAGE_TRAP)
		(void)uvf_file_mmio(file, pos + (how & 0xff8), &value,
				    how & 8 ? 8 : 4, how & 128);
}

static void run(struct uvfio_machine *machine, struct client *client,
		struct input *input)
{
	for (int i = 0; i < OPERATIONS_MAX && input->size; i++) {
		uint8_t operation = take8(input) % 16;
		unsigned int fd = take8(input) % CLIENT_FDS;
		struct uvf_file *file = client->fds[fd].file;

		if (operation < 3)
			open_node(machine, client, input);
		else if (operation == 3)
			(void)client_eventfd(client);
		else if (operation == 4)
			client_close(client, fd);
		else if (!file)
			continue;
		else if (operation < 7)
			transfer(client, file, input);
		else if (operation == 7)
			map(file, input);
		else {
			unsigned int cmd = command(input);

			(void)uvf_file_ioctl(file, &client->caller, cmd,
					     argument(client, input));
		}
	}
}

static struct uvfio_machine *machines[PROFILES_MAX];

static struct uvfio_machine *machine_of(unsigned int number)
{
	struct uvfio_machine_params params = {
		.abi = uvf_profile_name_at(number),
		.devices = devices,
	};
	struct uvfio_error err = {""};

	if (machines[number])
		return machines[number];
	if (uvfio_machine_create(&machines[number], &params, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	return machines[number];
}

/* What they did not give back has no owner after it. */
static void destroy_machines(void)
{
	for (unsigned int i = 0; i < PROFILES_MAX; i++) {
		uvfio_machine_destroy(machines[i]);
		machines[i] = NULL;
	}
	history_clear();
}

static unsigned int count_profiles(void)
{
	unsigned int count = 0;

	while (uvf_profile_name_at(count))
		count++;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct client *client;
	static unsigned int inputs;
	struct input input = {data, size};
	unsigned int number = take8(&input) % count_profiles();

	if (!client) {
		client = calloc(1, sizeof(*client));
		if (!client)
			abort();
		client_init(client);
		uvf_reader_register();
	}
	history_add(data, size);
	run(machine_of(number), client, &input);
	client_reset(client);
	if (++inputs % INPUTS_MAX == 0)
		destroy_machines();
	return 0;
}

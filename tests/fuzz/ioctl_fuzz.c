/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any system call of a client on any file of a machine, in any order: each
 * answers a result or an errno, and after the last close all is as before.
 *
 * An input is a profile's number, then operations; see run().
 */
#include "client.h"
#include "core/file.h"
#include "machines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS_MAX 64
#define REGION_SHIFT   40

static const char *const devices[] = {
	"edu,group=1",
	"igb,group=1",
	"edu,group=2",
	NULL,
};
static const char mdev[] =
	"mtty,uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001,type=mtty-2";

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
	"vfio/devices/vfio3",
	"vfio/noiommu-0",
	"kvm",
	"vfio/devices/vfio9",
};
#define NODE_COUNT (sizeof(nodes) / sizeof(nodes[0]))

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
			(void)machine_open(machine, client,
					   nodes[take8(input) % NODE_COUNT]);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct machines_params params = {
		.devices = devices,
		.mdev = mdev,
	};
	struct input input = {data, size};
	struct client *client;
	struct uvfio_machine *machine =
		machines_begin(&params, data, &input, &client);

	run(machine, client, &input);
	machines_end();
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /dev/iommu, by all of its calls, with devices that are bound to it, one of
 * which pins pages.
 *
 * A call that writes behind its argsz, or gets an errno that is not among its
 * own, ends the run, and so does the replay of the corpus in the test suite.
 * Shows M90.
 *
 * An input is a profile's number, what to prepare, then operations; see
 * run().
 */
#include <string.h>

#include "cdev_calls.h"
#include "core/file.h"
#include "iommufd_calls.h"
#include "machines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS_MAX 48

/* Descriptors; what calls open comes behind them. */
enum {
	FD_IOMMU,
	FD_DEVICE, /* and those of the next devices */
	FD_COUNT = FD_DEVICE + 3,
};

static const char *const devices[] = {"edu,group=1", "edu,group=2", NULL};
static const char *const abis[] = {"6.12", "6.6", NULL};

static const struct machines_params params = {
	.devices = devices,
	.abis = abis,
	.has_emulated = true,
};

/*
 * A page table that a guest's can be put upon, such a one with a queue for
 * its faults, and one whose dirty bits are noted, for a device.
 */
static void make_tables(struct client *client, uint32_t device)
{
	const uint64_t guest[3] = {0, 0x1000, 48};
	uint32_t arg[12] = {48, 1, device, 1}, fault, table;

	(void)client_call(client, FD_IOMMU, 0x3b8e, (uint32_t[]){16, 0, 0, 0},
			  16);
	fault = client_answer(client, 8);
	(void)client_call(client, FD_IOMMU, 0x3b89, arg, sizeof(arg));
	memcpy(client->memory + CLIENT_SIZE / 2, guest, sizeof(guest));
	arg[1] = 4;
	arg[3] = client_answer(client, 16);
	arg[6] = 1;
	arg[7] = sizeof(guest);
	arg[8] = (uint32_t)(CLIENT_FIRST + CLIENT_SIZE / 2);
	arg[10] = fault;
	(void)client_call(client, FD_IOMMU, 0x3b89, arg, sizeof(arg));
	memset(arg + 6, 0, 6 * sizeof(arg[0]));
	arg[1] = 2;
	arg[3] = 1;
	(void)client_call(client, FD_IOMMU, 0x3b89, arg, sizeof(arg));
	table = client_answer(client, 16);
	(void)client_call(client, FD_IOMMU, 0x3b8b,
			  (uint32_t[]){16, 1, table, 0}, 16);
	(void)client_call(client, FD_DEVICE, 0x3b77, (uint32_t[]){12, 0, table},
			  12);
}

/* Two address spaces; devices that are bound, and attached to the first. */
static void prepare(struct uvfio_machine *machine, struct client *client,
		    struct input *input)
{
	static const char *const nodes[FD_COUNT] = {
		"iommu", "vfio/devices/vfio0", "vfio/devices/vfio1",
		"vfio/devices/vfio2"};
	uint8_t how = take8(input);
	uint32_t arg[4];

	for (unsigned int fd = 0; fd < FD_COUNT; fd++)
		if (machine_open(machine, client, nodes[fd]) < 0)
			(void)client_eventfd(client);
	for (unsigned int i = 0; i < (how & 3u); i++)
		(void)client_call(client, FD_IOMMU, 0x3b81,
				  (uint32_t[]){12, 0, 0}, 12);
	for (unsigned int i = 0; i < 3; i++) {
		if (how & 4u << i)
			continue;
		arg[0] = 16;
		arg[1] = arg[3] = 0;
		arg[2] = FD_IOMMU;
		(void)client_call(client, FD_DEVICE + i, 0x3b76, arg, 16);
		arg[0] = 12;
		arg[2] = 1;
		if (how & 32)
			(void)client_call(client, FD_DEVICE + i, 0x3b77, arg,
					  12);
	}
	if (how & 64)
		make_tables(client, (how & 3u) + 1);
}

/* Descriptors of queues are read and written. */
static void transfer(struct client *client, struct input *input)
{
	uint8_t how = take8(input);
	struct uvf_file *file = client->fds[how % 8].file;
	uint64_t addr = CLIENT_FIRST + take16(input);

	if (!file)
		return;
	if (how & 64)
		(void)uvf_file_write(file, &client->caller, addr, how & 56, 0);
	else
		(void)uvf_file_read(file, &client->caller, addr,
				    how & 56 ? 40 : 100, 0);
}

static void use_device(struct client *client, struct input *input)
{
	uint8_t choice = take8(input);
	unsigned int fd = FD_DEVICE + choice % 3;
	struct uvf_file *file = client->fds[fd].file;

	if (choice >= 240)
		client_close(client, choice % 8);
	else if (file && choice < 60)
		(void)call_make(&call_bind, client, file, input);
	else if (file && choice < 180)
		(void)call_make(&call_attach, client, file, input);
	else if (file)
		(void)call_make(&call_detach, client, file, input);
}

static void run(struct uvfio_machine *machine, struct client *client,
		struct input *input)
{
	/* The calls that move most. */
	static const uint8_t often[] = {5, 5, 5, 6, 3, 2, 9, 0};

	for (int i = 0; i < OPERATIONS_MAX && input->size; i++) {
		uint8_t operation = take8(input);
		struct uvf_file *file = client->fds[FD_IOMMU].file;
		size_t number = operation % 16 < 4
					? often[operation / 16 % 8]
					: take8(input) % IOMMUFD_CALLS;

		if (operation >= 252 && file)
			call_make_raw(client, file, input);
		else if (operation % 16 == 15)
			use_device(client, input);
		else if (operation % 16 == 14)
			machine_emulated_dma(input);
		else if (operation % 16 == 13)
			machine_dma(machine, operation / 16 & 1, input);
		else if (operation % 16 == 12)
			transfer(client, input);
		else if (file)
			(void)call_make(&iommufd_calls[number], client, file,
					input);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct client *client;
	struct uvfio_machine *machine =
		machines_begin(&params, data, &input, &client);

	prepare(machine, client, &input);
	run(machine, client, &input);
	machines_end();
	return 0;
}

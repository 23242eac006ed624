/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Character devices of VFIO: bound to an iommufd, attached and detached, and
 * all calls of a device on them.
 *
 * An input is a profile's number, then operations; see run().
 */
#include "cdev_calls.h"
#include "core/file.h"
#include "iommufd_calls.h"
#include "machines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS_MAX 48
#define REGION_SHIFT   40

#define DEVICES 5

/* Descriptors; eventfds, and what calls open, come behind them. */
enum {
	FD_IOMMU,
	FD_IOMMU2,
	FD_DEVICE, /* and those of the next devices */
	FD_COUNT = FD_DEVICE + DEVICES,
};

static const char *const nodes[FD_COUNT] = {
	"iommu",
	"iommu",
	"vfio/devices/vfio0",
	"vfio/devices/vfio1",
	"vfio/devices/vfio2",
	"vfio/devices/vfio3",
	"vfio/devices/vfio4",
};

static const char *const devices[] = {
	"edu,group=1",
	"edu,group=1",
	"edu,group=2",
	NULL,
};
static const char mdev[] =
	"mtty,uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001,type=mtty-2";
static const char *const abis[] = {"6.12", "6.6", NULL};

static const struct machines_params params = {
	.devices = devices,
	.mdev = mdev,
	.abis = abis,
	.has_emulated = true,
};

static void prepare(struct uvfio_machine *machine, struct client *client,
		    struct input *input)
{
	uint8_t how = take8(input);
	uint32_t arg[4] = {16, 0, FD_IOMMU, 0};

	for (unsigned int fd = 0; fd < FD_COUNT; fd++)
		if (machine_open(machine, client, nodes[fd]) < 0)
			(void)client_eventfd(client);
	(void)client_eventfd(client);
	(void)client_eventfd(client);
	(void)client_call(client, FD_IOMMU, 0x3b81, (uint32_t[]){12, 0, 0}, 12);
	for (unsigned int i = 0; i < DEVICES; i++)
		if (!(how & 1u << i))
			(void)client_call(client, FD_DEVICE + i, 0x3b76, arg,
					  16);
}

static void transfer(struct client *client, struct uvf_file *file,
		     struct input *input)
{
	uint8_t how = take8(input);
	uint64_t pos = ((uint64_t)(how & 15) << REGION_SHIFT) +
		       (how & 16 ? take64(input) : take8(input));
	uint64_t addr = CLIENT_FIRST + take16(input);
	size_t len = how & 32 ? take8(input) : 1u << (how >> 6 & 3);

	if (take8(input) & 1)
		(void)uvf_file_write(file, &client->caller, addr, len, pos);
	else
		(void)uvf_file_read(file, &client->caller, addr, len, pos);
}

static void map(struct uvf_file *file, struct input *input)
{
	uint8_t how = take8(input);
	uint64_t pos = ((uint64_t)(how & 15) << REGION_SHIFT) +
		       ((uint64_t)take8(input) << 12);
	struct uvf_page page;
	uint64_t value = 0;

	if (uvf_file_mmap(file, pos, 4096, how >> 4 & 7, 1))
		return;
	uvf_file_fault(file, pos, &page);
	if (page.kind == UVF_PAGE_TRAP)
		(void)uvf_file_mmio(file, pos + (how & 0xf8), &value,
				    how & 8 ? 8 : 4, how & 128);
}

static const struct call *choose(struct input *input)
{
	uint8_t choice = take8(input);

	if (choice < 48)
		return &call_attach;
	if (choice < 64)
		return &call_detach;
	if (choice < 80)
		return &call_bind;
	return &device_calls[choice % DEVICE_CALLS];
}

static void run(struct uvfio_machine *machine, struct client *client,
		struct input *input)
{
	for (int i = 0; i < OPERATIONS_MAX && input->size; i++) {
		uint8_t operation = take8(input);
		unsigned int fd = FD_DEVICE + (operation >> 4) % DEVICES;
		struct uvf_file *file = client->fds[fd].file;
		struct uvf_file *iommu = client->fds[FD_IOMMU].file;

		operation %= 16;
		if (operation == 15)
			client_close(client, take8(input) % 8);
		else if (operation == 14)
			(void)machine_open(machine, client,
					   nodes[take8(input) % FD_COUNT]);
		else if (operation == 13)
			machine_dma(machine, fd & 1, input);
		else if (operation == 12)
			machine_emulated_dma(input);
		else if (operation == 11 && iommu)
			(void)call_make(
				&iommufd_calls[take8(input) % IOMMUFD_CALLS],
				client, iommu, input);
		else if (!file)
			continue;
		else if (operation >= 9)
			transfer(client, file, input);
		else if (operation == 8)
			map(file, input);
		else if (operation == 7)
			call_make_raw(client, file, input);
		else
			(void)call_make(choose(input), client, file, input);
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

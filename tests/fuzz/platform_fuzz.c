/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Platform devices and a hostile driver: all calls of their files, registers
 * in any width, eventfds that mask, unmask and go away, while timers tick and
 * write to memory.
 *
 * An input is a profile's number, then operations; see run().
 */
#include <unistd.h>

#include "cdev_calls.h"
#include "core/file.h"
#include "machines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS_MAX 64
#define REGION_SHIFT   40
#define REGION_COUNT   5 /* one more than there is */

#define GROUP_SET_CONTAINER 0x3b68
#define GROUP_GET_DEVICE_FD 0x3b6a
#define SET_IOMMU           0x3b66
#define MAP_DMA             0x3b71
#define DEVICE_SET_IRQS     0x3b6e

/* Descriptors, in the order in which they are opened. */
enum {
	FD_CONTAINER,
	FD_GROUP,
	FD_DEVICE,
	FD_EVENT, /* and three more */
	FD_EVENTS = 4,
	FD_COUNT = FD_EVENT + FD_EVENTS,
};

static const char *const devices[] = {"ticker,group=1", NULL};
static const char *const abis[] = {"6.12", "4.1", NULL};

static const struct machines_params params = {
	.devices = devices,
	.abis = abis,
};

static void open_device(struct client *client)
{
	(void)client_call(client, FD_GROUP, GROUP_GET_DEVICE_FD,
			  "c000000.ticker", sizeof("c000000.ticker"));
}

/* As a driver does it, with its memory mapped for DMA. */
static void prepare(struct uvfio_machine *machine, struct client *client)
{
	const uint32_t container = FD_CONTAINER;
	const struct {
		uint32_t argsz, flags;
		uint64_t vaddr, iova, size;
	} map = {32, 3, CLIENT_FIRST, 0, CLIENT_SIZE};

	(void)machine_open(machine, client, "vfio/vfio");
	(void)machine_open(machine, client, "vfio/1");
	(void)client_call(client, FD_GROUP, GROUP_SET_CONTAINER, &container,
			  sizeof(container));
	(void)client_ioctl(client, FD_CONTAINER, SET_IOMMU, 3);
	(void)client_call(client, FD_CONTAINER, MAP_DMA, &map, sizeof(map));
	open_device(client);
	for (int i = 0; i < FD_EVENTS; i++)
		(void)client_eventfd(client);
}

static void transfer(struct client *client, struct uvf_file *file,
		     struct input *input)
{
	uint8_t how = take8(input);
	uint64_t pos = ((uint64_t)(how % REGION_COUNT) << REGION_SHIFT) +
		       (how & 128 ? take16(input) : 4 * (take8(input) % 9));
	size_t len = how & 64 ? take8(input) : 4;
	uint64_t addr = CLIENT_FIRST + take16(input);
	uint8_t value = take8(input);

	if (value & 1) {
		client->memory[(addr - CLIENT_FIRST) % CLIENT_SIZE] = value;
		(void)uvf_file_write(file, &client->caller, addr, len, pos);
	} else {
		(void)uvf_file_read(file, &client->caller, addr, len, pos);
	}
}

static void map(struct uvf_file *file, struct input *input)
{
	uint8_t how = take8(input);
	uint64_t pos = ((uint64_t)(how % REGION_COUNT) << REGION_SHIFT) +
		       ((uint64_t)(take8(input) % 3) << 12);
	struct uvf_page page;
	uint64_t value = take8(input);

	if (uvf_file_mmap(file, pos, 4096, how >> 5, 1))
		return;
	uvf_file_fault(file, pos, &page);
	if (page.kind == UVF_PAGE_TRAP)
		(void)uvf_file_mmio(file, pos + take8(input) % 64 * 4, &value,
				    (size_t)1 << (how & 3), how & 128);
}

/* Of one interrupt, mostly as it should be. */
static void set_irqs(struct client *client, struct input *input)
{
	uint8_t how = take8(input);
	const uint32_t arg[6] = {
		24,
		1u << (how & 3) % 3 | 8u << (how >> 2 & 3) % 3,
		how >> 4 & 1,
		0,
		how >> 5 & 1 ? 0 : 1,
		how & 128 ? UINT32_MAX : FD_EVENT + (how >> 6 & 1u),
	};

	(void)client_call(client, FD_DEVICE, DEVICE_SET_IRQS, arg, sizeof(arg));
}

static void signal_one(struct client *client, struct input *input)
{
	const uint64_t one = 1;
	int fd = client->fds[FD_EVENT + take8(input) % FD_EVENTS].eventfd;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

static void run(struct uvfio_machine *machine, struct client *client,
		struct input *input)
{
	for (int i = 0; i < OPERATIONS_MAX && input->size; i++) {
		uint8_t operation = take8(input);
		struct uvf_file *file = client->fds[FD_DEVICE].file;

		if (operation < 8)
			client_close(client, operation % FD_COUNT);
		else if (operation < 16)
			open_device(client);
		else if (operation < 32)
			signal_one(client, input);
		else if (operation < 80)
			set_irqs(client, input);
		else if (operation < 88)
			(void)machine_open(machine, client, "vfio/1");
		else if (!file)
			continue;
		else if (operation < 160)
			transfer(client, file, input);
		else if (operation < 192)
			map(file, input);
		else if (operation < 200)
			call_make_raw(client, file, input);
		else
			(void)call_make(
				&device_calls[take8(input) % DEVICE_CALLS],
				client, file, input);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.data = data, .size = size};
	struct client *client;
	struct uvfio_machine *machine =
		machines_begin(&params, data, &input, &client);

	prepare(machine, client);
	run(machine, client, &input);
	machines_end();
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An iommufd that stands for a container: the calls of type1 on it, and
 * those of iommufd between them.
 *
 * A call that writes behind its argsz, or gets an errno that is not among its
 * own, ends the run, and so does the replay of the corpus in the test suite.
 * Shows M90.
 *
 * An input is a profile's number, what to prepare, then operations; see
 * run().
 */
#include <linux/vfio.h>

#include "container.h"
#include "iommufd_calls.h"
#include "machines.h"
#include "type1_calls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS_MAX 48

static const char *const devices[] = {"edu,group=1", "edu,group=2", NULL};
static const char *const abis[] = {"6.12", "6.6", NULL};

static const struct machines_params params = {
	.devices = devices,
	.abis = abis,
	.has_emulated = true,
};

static void prepare(struct uvfio_machine *machine, struct client *client,
		    struct input *input)
{
	uint8_t how = take8(input);

	container_open(machine, client, "iommu");
	if (how & 1)
		(void)group_set_container(client, FD_EMULATED, FD_CONTAINER);
	if (how & 2 || !(how & 1))
		(void)group_set_container(client, FD_GROUP, FD_CONTAINER);
	(void)client_ioctl(client, FD_CONTAINER, VFIO_SET_IOMMU,
			   how & 4 ? VFIO_TYPE1_IOMMU : VFIO_TYPE1v2_IOMMU);
	if (how & 8)
		(void)group_set_container(client, FD_GROUP2, FD_CONTAINER);
	/* Here a device gets its address space when it is opened. */
	if (!(how & 16))
		(void)group_get_device(client, FD_GROUP, "0000:00:03.0");
	if (how & 32)
		(void)group_get_device(client, FD_EMULATED, "emulated");
}

static void run(struct uvfio_machine *machine, struct client *client,
		struct input *input)
{
	for (int i = 0; i < OPERATIONS_MAX && input->size; i++) {
		uint8_t operation = take8(input);
		unsigned int fd = operation & 64 ? FD_OTHER : FD_CONTAINER;
		struct uvf_file *file = client->fds[fd].file;

		if (operation >= 252 && file)
			call_make_raw(client, file, input);
		else if (operation % 16 == 15)
			container_step(client, input);
		else if (operation % 16 == 14)
			machine_emulated_dma(input);
		else if (operation % 16 == 13)
			machine_dma(machine, operation / 16 & 1, input);
		else if (operation % 16 >= 11 && file)
			(void)call_make(
				&iommufd_calls[take8(input) % IOMMUFD_CALLS],
				client, file, input);
		else if (file)
			(void)call_make(type1_calls[operation % TYPE1_CALLS],
					client, file, input);
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

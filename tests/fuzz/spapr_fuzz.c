/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Containers with the IOMMU of a POWER host, v1 and v2, by all of its calls,
 * while devices do DMA and groups come and go.
 *
 * A call that writes behind its argsz, or gets an errno that is not among its
 * own, ends the run, and so does the replay of the corpus in the test suite.
 * Shows M90.
 *
 * An input is a profile's number, what to prepare, then operations; see
 * run().
 */
#include <errno.h>
#include <linux/vfio.h>

#include "calls.h"
#include "container.h"
#include "machines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS_MAX 48

static const char *const devices[] = {"edu,group=1", "edu,group=2", NULL};
static const char *const abis[] = {"6.12", "6.1", "4.1", NULL};

static const struct machines_params params = {
	.devices = devices,
	.abis = abis,
	.host = "iommu=spapr",
	.has_emulated = true,
};

/*
 * Those at the start are made more often.  A container with nothing but the
 * emulated device may have type1, and says what that does.
 */
static const struct call calls[] = {
	{.cmd = VFIO_IOMMU_MAP_DMA,
	 .size = 32,
	 .fields = {{4, FIELD_FLAGS, 3},
		    {8, FIELD_VADDR, 0},
		    {16, FIELD_IOVA, 0},
		    {24, FIELD_SIZE, 0}},
	 .errors = {EFAULT, EINVAL, EPERM, ENXIO, ENOMEM, ENODEV, EEXIST,
		    ENOSPC, EBUSY}},
	{.cmd = VFIO_IOMMU_UNMAP_DMA,
	 .size = 24,
	 .fields = {{4, FIELD_FLAGS, 0},
		    {8, FIELD_IOVA, 0},
		    {16, FIELD_SIZE, 0}},
	 .errors = {EFAULT, EINVAL, EPERM, ENXIO, ENOMEM, ENODEV, EBUSY}},
	{.cmd = VFIO_IOMMU_SPAPR_REGISTER_MEMORY,
	 .size = 24,
	 .fields = {{4, FIELD_FLAGS, 0},
		    {8, FIELD_VADDR, 0},
		    {16, FIELD_SIZE, 0}},
	 .errors = {EFAULT, EINVAL, EPERM, EBUSY, ENOMEM, ENOTTY}},
	{.cmd = VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY,
	 .size = 24,
	 .fields = {{4, FIELD_FLAGS, 0},
		    {8, FIELD_VADDR, 0},
		    {16, FIELD_SIZE, 0}},
	 .errors = {EFAULT, EINVAL, EPERM, EBUSY, ENOENT, ENOTTY}},
	{.cmd = VFIO_IOMMU_SPAPR_TCE_CREATE,
	 .size = 40,
	 .fields = {{4, FIELD_FLAGS, 0},
		    {8, FIELD_U32, 26},
		    {16, FIELD_SIZE, 0},
		    {24, FIELD_U32, 6}},
	 .errors = {EFAULT, EINVAL, EPERM, ENXIO, ENOSPC, ENOMEM, ENOTTY,
		    ENODEV}},
	{.cmd = VFIO_IOMMU_SPAPR_TCE_REMOVE,
	 .size = 16,
	 .fields = {{4, FIELD_FLAGS, 0}, {8, FIELD_IOVA, 0}},
	 .errors = {EFAULT, EINVAL, EPERM, ENXIO, ENOTTY}},
	{.cmd = VFIO_IOMMU_SPAPR_TCE_GET_INFO,
	 .size = 32,
	 .fields = {{4, FIELD_FLAGS, 1}},
	 .errors = {EFAULT, EINVAL, EPERM, ENXIO, ENOTTY}},
	{.cmd = VFIO_EEH_PE_OP,
	 .size = 40,
	 .fields = {{4, FIELD_FLAGS, 0},
		    {8, FIELD_U32, 11},
		    {16, FIELD_U32, 3},
		    {20, FIELD_U32, 22},
		    {24, FIELD_IOVA, 0},
		    {32, FIELD_IOVA, 0}},
	 .errors = {EFAULT, EINVAL, EPERM, ENODEV, EIO, ENOTTY, ERANGE}},
	{.cmd = VFIO_IOMMU_ENABLE,
	 .size = 8,
	 .errors = {EINVAL, EPERM, EBUSY, ENODEV, ENOMEM, ENOTTY}},
	{.cmd = VFIO_IOMMU_DISABLE,
	 .size = 8,
	 .errors = {EINVAL, EPERM, ENOTTY}},
};
#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))

/* Groups, a version, and memory that is registered. */
static void prepare(struct uvfio_machine *machine, struct client *client,
		    struct input *input)
{
	uint8_t how = take8(input);
	static const uint32_t none[2] = {8, 0};

	container_open(machine, client, "vfio/vfio");
	if (!(how & 1))
		(void)group_set_container(client, FD_GROUP, FD_CONTAINER);
	(void)client_ioctl(client, FD_CONTAINER, VFIO_SET_IOMMU,
			   how & 4 ? VFIO_SPAPR_TCE_IOMMU
				   : VFIO_SPAPR_TCE_v2_IOMMU);
	if (how & 8)
		(void)group_set_container(client, FD_GROUP2, FD_CONTAINER);
	if (how & 16) {
		(void)group_set_container(client, FD_GROUP2, FD_OTHER);
		(void)client_ioctl(client, FD_OTHER, VFIO_SET_IOMMU,
				   VFIO_SPAPR_TCE_v2_IOMMU);
	}
	if (how & 4)
		(void)client_call(client, FD_CONTAINER, VFIO_IOMMU_ENABLE, none,
				  sizeof(none));
	else if (how & 32)
		(void)client_call(
			client, FD_CONTAINER, VFIO_IOMMU_SPAPR_REGISTER_MEMORY,
			(uint64_t[]){24, CLIENT_FIRST, CLIENT_SIZE}, 24);
}

static void run(struct uvfio_machine *machine, struct client *client,
		struct input *input)
{
	for (int i = 0; i < OPERATIONS_MAX && input->size; i++) {
		uint8_t operation = take8(input);
		unsigned int fd = operation & 64 ? FD_OTHER : FD_CONTAINER;
		struct uvf_file *file = client->fds[fd].file;
		size_t number = operation % 16;

		if (operation >= 252 && file)
			call_make_raw(client, file, input);
		else if (number == 15)
			container_step(client, input);
		else if (number >= 13)
			machine_dma(machine, operation / 16 & 1, input);
		else if (file)
			(void)call_make(&calls[number < CALL_COUNT
						       ? number
						       : number - CALL_COUNT],
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

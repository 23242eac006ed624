/* SPDX-License-Identifier: BSD-3-Clause */
#include "container.h"

#include <linux/vfio.h>
#include <string.h>

#include "machines.h"

static const char *const names[] = {"0000:00:03.0", "0000:00:04.0", "emulated"};

void container_open(struct uvfio_machine *machine, struct client *client,
		    const char *node)
{
	const char *const nodes[FD_COUNT] = {
		[FD_CONTAINER] = node,
		[FD_OTHER] = node,
		[FD_GROUP] = "vfio/1",
		[FD_GROUP2] = "vfio/2",
		[FD_EMULATED] = machine_emulated_node(),
	};

	/* What is not there leaves its number to an eventfd. */
	for (unsigned int fd = 0; fd < FD_COUNT; fd++)
		if (machine_open(machine, client, nodes[fd]) < 0)
			(void)client_eventfd(client);
}

long group_set_container(struct client *client, unsigned int group,
			 int32_t container)
{
	return client_call(client, group, VFIO_GROUP_SET_CONTAINER, &container,
			   sizeof(container));
}

long group_get_device(struct client *client, unsigned int group,
		      const char *name)
{
	return client_call(client, group, VFIO_GROUP_GET_DEVICE_FD, name,
			   strlen(name) + 1);
}

void container_step(struct client *client, struct input *input)
{
	uint8_t choice = take8(input), which = take8(input);
	unsigned int group = FD_GROUP + choice % 3;
	unsigned int container = which & 1 ? FD_OTHER : FD_CONTAINER;

	switch (choice / 3 % 8) {
	case 0:
		(void)client_ioctl(client, group, VFIO_GROUP_UNSET_CONTAINER,
				   0);
		break;
	case 1:
	case 2:
		(void)group_set_container(client, group, (int32_t)container);
		break;
	case 3:
		(void)client_ioctl(client, container, VFIO_SET_IOMMU,
				   which / 2 % 10);
		break;
	case 4:
		(void)client_ioctl(client, container, VFIO_CHECK_EXTENSION,
				   which / 2 % 16);
		break;
	case 5:
		(void)group_get_device(client, group, names[group - FD_GROUP]);
		break;
	case 6:
		/*
		 * Of a device, of a group, or of the container.  An eventfd
		 * takes the number: none of them becomes another.
		 */
		client_close(client, which % 8);
		(void)client_eventfd(client);
		break;
	default:
		(void)client_call(client, group, VFIO_GROUP_GET_STATUS,
				  (uint32_t[]){8, 0}, 8);
		break;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Containers, or what stands for them, and the groups that come and go.
 */
#ifndef TESTS_FUZZ_CONTAINER_H
#define TESTS_FUZZ_CONTAINER_H

#include "client.h"

struct uvfio_machine;

/* Descriptors by what they are; they come in this order. */
enum {
	FD_CONTAINER,
	FD_OTHER, /* another container */
	FD_GROUP, /* of the first device, and those of the next */
	FD_GROUP2,
	FD_EMULATED,
	FD_COUNT,
};

/* Opens all of them; node is that of a container. */
void container_open(struct uvfio_machine *machine, struct client *client,
		    const char *node);

/* ioctls of groups; nothing happens when one is not open. */
long group_set_container(struct client *client, unsigned int group,
			 int32_t container);
/* Opens the device of a name; a descriptor or a negative errno. */
long group_get_device(struct client *client, unsigned int group,
		      const char *name);

/* A group leaves, joins, or its device is opened; or an IOMMU is set. */
void container_step(struct client *client, struct input *input);

#endif /* TESTS_FUZZ_CONTAINER_H */

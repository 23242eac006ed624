/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machines of a target, one for each profile.  They serve many inputs,
 * each of which closes what it opened.
 */
#ifndef TESTS_FUZZ_MACHINES_H
#define TESTS_FUZZ_MACHINES_H

#include <stddef.h>
#include <stdint.h>

#include "client.h"

struct uvfio_machine;

/* What they are made of. */
struct machines_params {
	const char *const *devices;
	const char *mdev;        /* where the profile knows them, or NULL */
	const char *const *abis; /* NULL: all; else as many as are named */
	const char *host;        /* for --host, or NULL */
	bool has_emulated;       /* a device of no bus that pins pages, too */
};

/*
 * Starts an input: takes the number of a profile from it.  Returns the
 * machine and a client with nothing open, until machines_end().
 */
struct uvfio_machine *machines_begin(const struct machines_params *params,
				     const uint8_t *data, struct input *input,
				     struct client **ret_client);
void machines_end(void);

#define MACHINE_DEVICES 8

/* A machine of these devices, and the mediated one if the profile has it. */
struct uvfio_machine *machine_create(const char *abi, const char *host,
				     const char *const *devices,
				     const char *mdev);

/* Opens a file below /dev; its descriptor, or -1. */
int machine_open(struct uvfio_machine *machine, struct client *client,
		 const char *node);

/* A device reads or writes by DMA; number 0 is the first of the machine. */
void machine_dma(struct uvfio_machine *machine, unsigned int number,
		 struct input *input);

/* The emulated one pins, unpins or copies. */
void machine_emulated_dma(struct input *input);

/* The node of its group in /dev/vfio, or a text that is none. */
const char *machine_emulated_node(void);

#endif /* TESTS_FUZZ_MACHINES_H */

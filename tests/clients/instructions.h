/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random instructions, made by one program and carried out by others.
 */
#ifndef TESTS_CLIENTS_INSTRUCTIONS_H
#define TESTS_CLIENTS_INSTRUCTIONS_H

#include <stdint.h>

#include "emulate_native.h"

/* Where the operands are, in all of these programs: two pages. */
#define MEMORY_AT   0x10000000UL
#define MEMORY_SIZE NATIVE_NEAR_SIZE

struct instruction_case {
	uint8_t bytes[15];
	uint8_t len;
	uint32_t flags; /* that are defined behind it */
	uint32_t pages; /* a bit for each that shall be of the device */
	char text[96];  /* for a person */
	struct native before;
	uint8_t memory[MEMORY_SIZE];
};

#endif /* TESTS_CLIENTS_INSTRUCTIONS_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One instruction on the processor itself, from chosen registers.
 */
#ifndef UVF_TESTS_UNIT_FRONT_EMULATE_NATIVE_H
#define UVF_TESTS_UNIT_FRONT_EMULATE_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Registers in the order of the instruction set. */
struct native {
	uint64_t gpr[16];
	uint64_t flags; /* arithmetic ones and DF */
	uint64_t mask[8];
	uint8_t vector[32][64];
};

enum native_level {
	NATIVE_SSE,
	NATIVE_AVX,
	NATIVE_AVX512
};

/* What this machine has; once, before the others. */
enum native_level native_init(void);

/* Where the instruction will be. */
uint64_t native_rip(void);

/* Memory within 2 GiB of it. */
#define NATIVE_NEAR_SIZE 8192U
extern uint8_t native_near[NATIVE_NEAR_SIZE];

/* Do one instruction, at most 15 bytes; @state is in and out. */
void native_run(struct native *state, const uint8_t *bytes, size_t len);

#endif /* UVF_TESTS_UNIT_FRONT_EMULATE_NATIVE_H */

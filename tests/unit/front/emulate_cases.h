/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random instructions, for the emulator and for the processor.
 */
#ifndef UVF_TESTS_UNIT_FRONT_EMULATE_CASES_H
#define UVF_TESTS_UNIT_FRONT_EMULATE_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

#include "emulate_native.h"

#define MEMORY_SIZE NATIVE_NEAR_SIZE

#define CF    0x001U
#define PF    0x004U
#define AF    0x010U
#define ZF    0x040U
#define SF    0x080U
#define DF    0x400U
#define OF    0x800U
#define ARITH (CF | PF | AF | ZF | SF | OF)

/* Operands of a form; M memory, R register, I immediate, V vector. */
enum shape {
	MR,
	RM,
	MI,
	M,
	RMI,    /* three operands */
	EXTEND, /* a register wider than memory */
	MC,     /* and CL */
	STRING,
	VM, /* of whole registers, sizes of form->widths */
	MV,
	SCALAR_VM, /* a part of XMM, form->widths is its size */
	SCALAR_MV,
	LANE_VM, /* legacy: one register */
	LANE_VVM,
	EXTRACT, /* form->widths of the part, form->arg of the register */
	BROADCAST,
	DIR64B,
};

struct form {
	ZydisMnemonic mnemonic;
	enum shape shape;
	unsigned int widths; /* OR of sizes */
	enum native_level level;
	unsigned int undefined; /* flags */
	unsigned int arg;
};

/* One case: what is common to both runs. */
struct test_case {
	const struct form *form;
	unsigned int width;
	uint8_t bytes[15];
	size_t len;
	uint8_t *memory; /* that the processor uses */
	struct native before;
	unsigned int device_mask; /* halves of memory that are devices */
	bool is_locked;
};

extern const struct form forms[];
extern const size_t n_forms;

/* Which cases come; before cases_init(). */
void cases_seed(uint64_t value);

/* @memory: below 4 GiB; NULL: anywhere.  Return: 0, or -1: no memory. */
int cases_init(void *memory);

/* What this machine has. */
extern enum native_level level;

/* Whether this machine can do it. */
bool is_supported(const struct form *form);

/* False: this combination has no encoding, or does not fit. */
bool make(struct test_case *t, const struct form *form);

/* Flags that an instruction leaves as it likes. */
unsigned int undefined_flags(const struct test_case *t);

#endif /* UVF_TESTS_UNIT_FRONT_EMULATE_CASES_H */

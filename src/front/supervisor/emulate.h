/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Doing what an instruction would have done, on registers and a memory that
 * the caller provides.
 */
#ifndef UVF_FRONT_SUPERVISOR_EMULATE_H
#define UVF_FRONT_SUPERVISOR_EMULATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "front/supervisor/decode.h"

/* In the order of the instruction set, UVF_REG_*. */
struct uvf_cpu {
	uint64_t gpr[16];
	uint64_t rip;
	uint64_t flags;
};

#define UVF_VECTOR_SIZE 64U

struct uvf_emulate_ops {
	/*
	 * Transfer len bytes, in ascending order, in accesses of unit bytes;
	 * unit 0: one access of up to 8 bytes, or naturally aligned ones of
	 * at most 8.  Return the bytes done: fewer than len after a fault.
	 */
	size_t (*load)(void *context, uint64_t addr, void *buf, size_t len,
		       size_t unit);
	size_t (*store)(void *context, uint64_t addr, const void *buf,
			size_t len, size_t unit);
	/* Whether a page notices each access; others may be transferred ahead.
	 */
	bool (*is_device)(void *context, uint64_t addr);
	/* All 64 bytes of vector register 0..31, zero where there are none. */
	bool (*vector_get)(void *context, unsigned int reg, void *value);
	bool (*vector_set)(void *context, unsigned int reg, const void *value);
	/* Mask register 1..7. */
	bool (*mask_get)(void *context, unsigned int reg, uint64_t *ret_value);
	/* Around the load and the store of a LOCKed instruction. */
	void (*lock)(void *context);
	void (*unlock)(void *context);
};

enum uvf_emulate_result {
	UVF_EMULATE_DONE,      /* cpu is behind the instruction */
	UVF_EMULATE_AGAIN,     /* cpu is on it, some repetitions are done */
	UVF_EMULATE_FAULT,     /* likewise; the next access found no memory */
	UVF_EMULATE_NO_VECTOR, /* the vector registers cannot be reached */
};

/**
 * uvf_emulate() - carry out one instruction
 * @insn:    as uvf_decode() left it
 * @cpu:     changed as the processor would; after a fault only as far as
 *           repetitions were done
 * @ops:     memory and vector registers
 * @context: for @ops
 *
 * Flags that the instruction leaves undefined become 0 or stay.
 */
enum uvf_emulate_result uvf_emulate(const struct uvf_insn *insn,
				    struct uvf_cpu *cpu,
				    const struct uvf_emulate_ops *ops,
				    void *context);

/**
 * uvf_emulate_address() - the memory operand of an instruction
 * @ret_addr: written on success
 *
 * Return: false when there is more than one, or none in the usual form.
 */
bool uvf_emulate_address(const struct uvf_insn *insn, const struct uvf_cpu *cpu,
			 uint64_t *ret_addr);

#endif /* UVF_FRONT_SUPERVISOR_EMULATE_H */

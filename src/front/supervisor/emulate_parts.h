/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between emulate.c and its parts, emulate_*.c, only.
 */
#ifndef UVF_FRONT_SUPERVISOR_EMULATE_PARTS_H
#define UVF_FRONT_SUPERVISOR_EMULATE_PARTS_H

#include "front/supervisor/emulate.h"

#define UVF_FLAG_CF 0x0001ULL
#define UVF_FLAG_PF 0x0004ULL
#define UVF_FLAG_AF 0x0010ULL
#define UVF_FLAG_ZF 0x0040ULL
#define UVF_FLAG_SF 0x0080ULL
#define UVF_FLAG_DF 0x0400ULL
#define UVF_FLAG_OF 0x0800ULL
#define UVF_FLAGS_ARITH                                                        \
	(UVF_FLAG_CF | UVF_FLAG_PF | UVF_FLAG_AF | UVF_FLAG_ZF | UVF_FLAG_SF | \
	 UVF_FLAG_OF)

struct uvf_emu {
	const struct uvf_insn *insn;
	struct uvf_cpu *cpu;
	const struct uvf_emulate_ops *ops;
	void *context;
	uint64_t addr; /* of the memory operand, if it has a usual one */
};

/* All bits of a value of 1 to 8 bytes. */
static inline uint64_t uvf_emu_ones(unsigned int width)
{
	return ~0ULL >> (64 - 8 * width);
}

static inline uint64_t uvf_emu_get(const struct uvf_cpu *cpu, uint8_t reg,
				   unsigned int width)
{
	return cpu->gpr[reg & 15] & uvf_emu_ones(width);
}

/* 4 bytes clear the upper half of the register, fewer keep the rest. */
static inline void uvf_emu_set(struct uvf_cpu *cpu, uint8_t reg,
			       unsigned int width, uint64_t value)
{
	uint64_t ones = uvf_emu_ones(width);
	uint64_t *gpr = &cpu->gpr[reg & 15];

	*gpr = width >= 4 ? value & ones : (*gpr & ~ones) | (value & ones);
}

/* What an operation does with two operands, and to the flags. */
uint64_t uvf_emu_alu(uint8_t op, uint64_t a, uint64_t b, unsigned int width,
		     uint64_t *flags);

enum uvf_emulate_result uvf_emu_rotate(struct uvf_emu *emu);
enum uvf_emulate_result uvf_emu_multiply(struct uvf_emu *emu);
enum uvf_emulate_result uvf_emu_string(struct uvf_emu *emu);
enum uvf_emulate_result uvf_emu_vector(struct uvf_emu *emu);
enum uvf_emulate_result uvf_emu_lane(struct uvf_emu *emu);
enum uvf_emulate_result uvf_emu_extract(struct uvf_emu *emu);
enum uvf_emulate_result uvf_emu_broadcast(struct uvf_emu *emu);

#endif /* UVF_FRONT_SUPERVISOR_EMULATE_PARTS_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rotations of memory, and products of it that take two registers.
 *
 * Source: Intel SDM volume 2, RCL/RCR/ROL/ROR, MUL and IMUL.
 */
#include "front/supervisor/emulate_parts.h"

static bool load(struct uvf_emu *emu, uint64_t *ret_value)
{
	size_t width = emu->insn->width;

	*ret_value = 0;
	return emu->ops->load(emu->context, emu->addr, ret_value, width, 0) ==
	       width;
}

/* One bit at a time: the carry takes part in two of the four. */
static uint64_t rotate_one(uint8_t op, uint64_t value, unsigned int bits,
			   bool *carry)
{
	bool low = value & 1;
	bool high = value >> (bits - 1) & 1;
	bool in;

	if (op == UVF_ROTATE_LEFT || op == UVF_ROTATE_CARRY_LEFT) {
		in = op == UVF_ROTATE_LEFT ? high : *carry;
		*carry = high;
		return value << 1 | in;
	}
	in = op == UVF_ROTATE_RIGHT ? low : *carry;
	*carry = low;
	return value >> 1 | (uint64_t)in << (bits - 1);
}

enum uvf_emulate_result uvf_emu_rotate(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	unsigned int bits = 8U * insn->width;
	uint64_t ones = uvf_emu_ones(insn->width);
	uint64_t flags = emu->cpu->flags;
	bool carry = flags & UVF_FLAG_CF;
	unsigned int count;
	bool high, next;
	uint64_t value;

	count = (unsigned int)emu->cpu->gpr[UVF_REG_RCX];
	if (insn->has_imm)
		count = (unsigned int)insn->imm;
	count &= insn->width == 8 ? 63 : 31;
	if (!load(emu, &value))
		return UVF_EMULATE_FAULT;
	for (unsigned int i = 0; i < count; i++)
		value = rotate_one(insn->op, value, bits, &carry) & ones;
	if (emu->ops->store(emu->context, emu->addr, &value, insn->width, 0) !=
	    insn->width)
		return UVF_EMULATE_FAULT;
	if (!count)
		return UVF_EMULATE_DONE;
	/* OF is defined for a count of 1 only: then this is it. */
	high = value >> (bits - 1) & 1;
	next = value >> (bits - 2) & 1;
	if (insn->op == UVF_ROTATE_LEFT || insn->op == UVF_ROTATE_CARRY_LEFT)
		next = carry;
	flags &= ~(UVF_FLAG_CF | UVF_FLAG_OF);
	flags |= (carry ? UVF_FLAG_CF : 0) | (high != next ? UVF_FLAG_OF : 0);
	emu->cpu->flags = flags;
	return UVF_EMULATE_DONE;
}

static __int128 signed_value(uint64_t value, unsigned int width)
{
	uint64_t sign = 1ULL << (8 * width - 1);

	return (int64_t)((value ^ sign) - sign);
}

/* The high half goes to DX, or of bytes to AH. */
enum uvf_emulate_result uvf_emu_multiply(struct uvf_emu *emu)
{
	unsigned int width = emu->insn->width;
	struct uvf_cpu *cpu = emu->cpu;
	uint64_t a = uvf_emu_get(cpu, UVF_REG_RAX, width), b, low, high;
	unsigned __int128 product;
	bool is_wide;

	if (!load(emu, &b))
		return UVF_EMULATE_FAULT;
	if (emu->insn->op)
		product = (unsigned __int128)(signed_value(a, width) *
					      signed_value(b, width));
	else
		product = (unsigned __int128)a * b;
	low = (uint64_t)product & uvf_emu_ones(width);
	high = (uint64_t)(product >> (8 * width)) & uvf_emu_ones(width);
	if (emu->insn->op)
		is_wide = (__int128)product != signed_value(low, width);
	else
		is_wide = high;
	if (width == 1) {
		uvf_emu_set(cpu, UVF_REG_RAX, 2, high << 8 | low);
	} else {
		uvf_emu_set(cpu, UVF_REG_RAX, width, low);
		uvf_emu_set(cpu, UVF_REG_RDX, width, high);
	}
	cpu->flags &= ~UVF_FLAGS_ARITH;
	if (is_wide)
		cpu->flags |= UVF_FLAG_CF | UVF_FLAG_OF;
	return UVF_EMULATE_DONE;
}

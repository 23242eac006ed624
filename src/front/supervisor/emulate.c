/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Instructions on general registers.
 *
 * Each handler loads, computes, stores, and only then changes registers and
 * flags, so that a fault leaves them as they were.
 *
 * Source: Intel SDM volume 2, the pages of the instructions.
 */
#include "front/supervisor/emulate.h"

#include <string.h>

#include "front/supervisor/emulate_parts.h"

static bool load(struct uvf_emu *emu, uint64_t addr, uint64_t *ret_value,
		 unsigned int width)
{
	*ret_value = 0;
	return emu->ops->load(emu->context, addr, ret_value, width, 0) == width;
}

static bool store(struct uvf_emu *emu, uint64_t addr, uint64_t value,
		  unsigned int width)
{
	return emu->ops->store(emu->context, addr, &value, width, 0) == width;
}

/* The operand that is not in memory. */
static uint64_t source(const struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;

	if (insn->has_imm)
		return (uint64_t)insn->imm & uvf_emu_ones(insn->width);
	if (insn->is_high)
		return emu->cpu->gpr[insn->reg & 15] >> 8 & 0xff;
	return uvf_emu_get(emu->cpu, insn->reg, insn->width);
}

static void set_reg(const struct uvf_emu *emu, unsigned int width,
		    uint64_t value)
{
	uint64_t *gpr = &emu->cpu->gpr[emu->insn->reg & 15];

	if (emu->insn->is_high)
		*gpr = (*gpr & ~0xff00ULL) | (value & 0xff) << 8;
	else
		uvf_emu_set(emu->cpu, emu->insn->reg, width, value);
}

static uint64_t sign_extend(uint64_t value, unsigned int width)
{
	uint64_t sign = 1ULL << (8 * width - 1);

	return (value ^ sign) - sign;
}

/* SF, ZF and PF, that all operations derive from their result alike. */
static uint64_t result_flags(uint64_t result, unsigned int width)
{
	uint64_t flags = 0;

	result &= uvf_emu_ones(width);
	if (!result)
		flags |= UVF_FLAG_ZF;
	if (result >> (8 * width - 1))
		flags |= UVF_FLAG_SF;
	if (!__builtin_parity((unsigned int)(result & 0xff)))
		flags |= UVF_FLAG_PF;
	return flags;
}

/* a + b + carry, with all flags. */
static uint64_t add(uint64_t a, uint64_t b, uint64_t carry, unsigned int width,
		    uint64_t *flags)
{
	uint64_t ones = uvf_emu_ones(width);
	uint64_t sum = (a + b + carry) & ones;
	uint64_t out = result_flags(sum, width);
	unsigned int top = 8 * width - 1;

	if (((a & b) | ((a | b) & ~sum)) >> top & 1)
		out |= UVF_FLAG_CF;
	if ((~(a ^ b) & (a ^ sum)) >> top & 1)
		out |= UVF_FLAG_OF;
	out |= (a ^ b ^ sum) & UVF_FLAG_AF;
	*flags = (*flags & ~UVF_FLAGS_ARITH) | out;
	return sum;
}

/* a - b - borrow, with all flags. */
static uint64_t sub(uint64_t a, uint64_t b, uint64_t borrow, unsigned int width,
		    uint64_t *flags)
{
	uint64_t ones = uvf_emu_ones(width);
	uint64_t diff = (a - b - borrow) & ones;
	uint64_t out = result_flags(diff, width);
	unsigned int top = 8 * width - 1;

	if (((~a & b) | ((~a | b) & diff)) >> top & 1)
		out |= UVF_FLAG_CF;
	if (((a ^ b) & (a ^ diff)) >> top & 1)
		out |= UVF_FLAG_OF;
	out |= (a ^ b ^ diff) & UVF_FLAG_AF;
	*flags = (*flags & ~UVF_FLAGS_ARITH) | out;
	return diff;
}

static uint64_t logic(uint64_t result, unsigned int width, uint64_t *flags)
{
	*flags = (*flags & ~UVF_FLAGS_ARITH) | result_flags(result, width);
	return result;
}

uint64_t uvf_emu_alu(uint8_t op, uint64_t a, uint64_t b, unsigned int width,
		     uint64_t *flags)
{
	uint64_t carry = *flags & UVF_FLAG_CF;
	uint64_t result;

	switch ((enum uvf_alu)op) {
	case UVF_ALU_ADD:
		return add(a, b, 0, width, flags);
	case UVF_ALU_ADC:
		return add(a, b, carry, width, flags);
	case UVF_ALU_SBB:
		return sub(a, b, carry, width, flags);
	case UVF_ALU_SUB:
	case UVF_ALU_CMP:
		return sub(a, b, 0, width, flags);
	case UVF_ALU_OR:
		return logic(a | b, width, flags);
	case UVF_ALU_AND:
	case UVF_ALU_TEST:
		return logic(a & b, width, flags);
	case UVF_ALU_XOR:
		return logic(a ^ b, width, flags);
	case UVF_ALU_INC:
	case UVF_ALU_DEC:
		result = op == UVF_ALU_INC ? add(a, 1, 0, width, flags)
					   : sub(a, 1, 0, width, flags);
		*flags = (*flags & ~UVF_FLAG_CF) | carry;
		return result;
	case UVF_ALU_NEG:
		return sub(0, a, 0, width, flags);
	case UVF_ALU_NOT:
		return ~a & uvf_emu_ones(width);
	}
	return a;
}

static bool condition(uint8_t code, uint64_t flags)
{
	bool cf = flags & UVF_FLAG_CF;
	bool zf = flags & UVF_FLAG_ZF;
	bool sf = flags & UVF_FLAG_SF;
	bool of = flags & UVF_FLAG_OF;
	bool is_met = false;

	switch (code >> 1) {
	case 0:
		is_met = of;
		break;
	case 1:
		is_met = cf;
		break;
	case 2:
		is_met = zf;
		break;
	case 3:
		is_met = cf || zf;
		break;
	case 4:
		is_met = sf;
		break;
	case 5:
		is_met = flags & UVF_FLAG_PF;
		break;
	case 6:
		is_met = sf != of;
		break;
	default:
		is_met = zf || sf != of;
		break;
	}
	return is_met != (bool)(code & 1);
}

static enum uvf_emulate_result do_mov(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint64_t value;

	if (insn->is_store) {
		value = source(emu);
		return store(emu, emu->addr, value, insn->width)
			       ? UVF_EMULATE_DONE
			       : UVF_EMULATE_FAULT;
	}
	if (!load(emu, emu->addr, &value, insn->width))
		return UVF_EMULATE_FAULT;
	if (insn->is_signed)
		value = sign_extend(value, insn->width);
	set_reg(emu, insn->reg_width, value);
	return UVF_EMULATE_DONE;
}

static enum uvf_emulate_result do_movbe(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	unsigned int shift = 64 - 8U * insn->width;
	uint64_t value;

	if (insn->is_store) {
		value = __builtin_bswap64(source(emu)) >> shift;
		return store(emu, emu->addr, value, insn->width)
			       ? UVF_EMULATE_DONE
			       : UVF_EMULATE_FAULT;
	}
	if (!load(emu, emu->addr, &value, insn->width))
		return UVF_EMULATE_FAULT;
	set_reg(emu, insn->reg_width, __builtin_bswap64(value) >> shift);
	return UVF_EMULATE_DONE;
}

static enum uvf_emulate_result do_alu(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint64_t flags = emu->cpu->flags;
	uint64_t mem, result;

	if (!load(emu, emu->addr, &mem, insn->width))
		return UVF_EMULATE_FAULT;
	if (insn->is_memory_first) {
		result = uvf_emu_alu(insn->op, mem, source(emu), insn->width,
				     &flags);
		if (insn->is_store &&
		    !store(emu, emu->addr, result, insn->width))
			return UVF_EMULATE_FAULT;
	} else {
		result = uvf_emu_alu(insn->op, source(emu), mem, insn->width,
				     &flags);
		if (insn->op != UVF_ALU_CMP && insn->op != UVF_ALU_TEST)
			set_reg(emu, insn->width, result);
	}
	emu->cpu->flags = flags;
	return UVF_EMULATE_DONE;
}

/* count is not 0.  OF is defined for a count of 1 only: then this is it. */
static uint64_t shift(uint8_t op, uint64_t value, unsigned int count,
		      unsigned int width, uint64_t *flags)
{
	unsigned int bits = 8 * width;
	uint64_t top = 1ULL << (bits - 1);
	bool cf = false, of = false;
	uint64_t result = 0;

	switch ((enum uvf_shift)op) {
	case UVF_SHIFT_LEFT:
		if (count <= bits)
			cf = value >> (bits - count) & 1;
		if (count < bits)
			result = value << count & uvf_emu_ones(width);
		of = (bool)(result & top) != cf;
		break;
	case UVF_SHIFT_RIGHT:
		if (count <= bits)
			cf = value >> (count - 1) & 1;
		if (count < bits)
			result = value >> count;
		of = value & top;
		break;
	case UVF_SHIFT_SIGNED:
		value = sign_extend(value, width);
		if (count > 63)
			count = 63;
		cf = (uint64_t)((int64_t)value >> (count - 1)) & 1;
		result = (uint64_t)((int64_t)value >> count) &
			 uvf_emu_ones(width);
		break;
	}
	*flags = (*flags & ~UVF_FLAGS_ARITH) | result_flags(result, width) |
		 (cf ? UVF_FLAG_CF : 0) | (of ? UVF_FLAG_OF : 0);
	return result;
}

static enum uvf_emulate_result do_shift(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint64_t flags = emu->cpu->flags;
	unsigned int count;
	uint64_t mem;

	count = (unsigned int)emu->cpu->gpr[UVF_REG_RCX];
	if (insn->has_imm)
		count = (unsigned int)insn->imm;
	count &= insn->width == 8 ? 63 : 31;
	if (!load(emu, emu->addr, &mem, insn->width))
		return UVF_EMULATE_FAULT;
	if (count)
		mem = shift(insn->op, mem, count, insn->width, &flags);
	if (!store(emu, emu->addr, mem, insn->width))
		return UVF_EMULATE_FAULT;
	emu->cpu->flags = flags;
	return UVF_EMULATE_DONE;
}

static enum uvf_emulate_result do_imul(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint64_t mem, flags;
	__int128 product;
	int64_t low;

	if (!load(emu, emu->addr, &mem, insn->width))
		return UVF_EMULATE_FAULT;
	product = (__int128)(int64_t)sign_extend(mem, insn->width) *
		  (int64_t)sign_extend(source(emu), insn->width);
	low = (int64_t)sign_extend(
		(uint64_t)product & uvf_emu_ones(insn->width), insn->width);
	flags = result_flags((uint64_t)low, insn->width);
	if (low != product)
		flags |= UVF_FLAG_CF | UVF_FLAG_OF;
	set_reg(emu, insn->width, (uint64_t)low);
	emu->cpu->flags = (emu->cpu->flags & ~UVF_FLAGS_ARITH) | flags;
	return UVF_EMULATE_DONE;
}

static enum uvf_emulate_result do_xchg(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint64_t mem;

	if (!load(emu, emu->addr, &mem, insn->width) ||
	    !store(emu, emu->addr, source(emu), insn->width))
		return UVF_EMULATE_FAULT;
	set_reg(emu, insn->width, mem);
	return UVF_EMULATE_DONE;
}

static enum uvf_emulate_result do_xadd(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint64_t flags = emu->cpu->flags;
	uint64_t mem, sum;

	if (!load(emu, emu->addr, &mem, insn->width))
		return UVF_EMULATE_FAULT;
	sum = add(mem, source(emu), 0, insn->width, &flags);
	if (!store(emu, emu->addr, sum, insn->width))
		return UVF_EMULATE_FAULT;
	set_reg(emu, insn->width, mem);
	emu->cpu->flags = flags;
	return UVF_EMULATE_DONE;
}

/* Memory is written in either case, as the processor does. */
static enum uvf_emulate_result do_cmpxchg(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	struct uvf_cpu *cpu = emu->cpu;
	uint64_t flags = cpu->flags;
	uint64_t mem, accu, next;

	if (!load(emu, emu->addr, &mem, insn->width))
		return UVF_EMULATE_FAULT;
	accu = uvf_emu_get(cpu, UVF_REG_RAX, insn->width);
	next = accu == mem ? source(emu) : mem;
	if (!store(emu, emu->addr, next, insn->width))
		return UVF_EMULATE_FAULT;
	(void)sub(accu, mem, 0, insn->width, &flags);
	if (accu != mem)
		uvf_emu_set(cpu, UVF_REG_RAX, insn->width, mem);
	cpu->flags = flags;
	return UVF_EMULATE_DONE;
}

static enum uvf_emulate_result do_cmpxchg_pair(struct uvf_emu *emu)
{
	struct uvf_cpu *cpu = emu->cpu;
	unsigned int half = emu->insn->width / 2U;
	uint64_t low, high, new_low, new_high;
	uint8_t mem[16];
	bool is_same;

	if (emu->ops->load(emu->context, emu->addr, mem, 2 * half, 0) !=
	    2 * half)
		return UVF_EMULATE_FAULT;
	low = high = 0;
	memcpy(&low, mem, half);
	memcpy(&high, mem + half, half);
	is_same = low == uvf_emu_get(cpu, UVF_REG_RAX, half) &&
		  high == uvf_emu_get(cpu, UVF_REG_RDX, half);
	new_low = is_same ? cpu->gpr[UVF_REG_RBX] : low;
	new_high = is_same ? cpu->gpr[UVF_REG_RCX] : high;
	memcpy(mem, &new_low, half);
	memcpy(mem + half, &new_high, half);
	if (emu->ops->store(emu->context, emu->addr, mem, 2 * half, 0) !=
	    2 * half)
		return UVF_EMULATE_FAULT;
	cpu->flags &= ~UVF_FLAG_ZF;
	if (is_same) {
		cpu->flags |= UVF_FLAG_ZF;
	} else {
		uvf_emu_set(cpu, UVF_REG_RAX, half, low);
		uvf_emu_set(cpu, UVF_REG_RDX, half, high);
	}
	return UVF_EMULATE_DONE;
}

/* emu->addr already is that of the word with the bit. */
static enum uvf_emulate_result do_bit(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint64_t mem, bit;

	bit = 1ULL << (source(emu) & (8 * insn->width - 1U));
	if (!load(emu, emu->addr, &mem, insn->width))
		return UVF_EMULATE_FAULT;
	emu->cpu->flags &= ~UVF_FLAG_CF;
	if (mem & bit)
		emu->cpu->flags |= UVF_FLAG_CF;
	switch ((enum uvf_bit)insn->op) {
	case UVF_BIT_TEST:
		return UVF_EMULATE_DONE;
	case UVF_BIT_SET:
		mem |= bit;
		break;
	case UVF_BIT_RESET:
		mem &= ~bit;
		break;
	case UVF_BIT_COMPLEMENT:
		mem ^= bit;
		break;
	}
	return store(emu, emu->addr, mem, insn->width) ? UVF_EMULATE_DONE
						       : UVF_EMULATE_FAULT;
}

static enum uvf_emulate_result do_push(struct uvf_emu *emu)
{
	uint64_t top = emu->cpu->gpr[UVF_REG_RSP] - emu->insn->width;
	uint64_t value;

	if (!load(emu, emu->addr, &value, emu->insn->width) ||
	    !store(emu, top, value, emu->insn->width))
		return UVF_EMULATE_FAULT;
	emu->cpu->gpr[UVF_REG_RSP] = top;
	return UVF_EMULATE_DONE;
}

static enum uvf_emulate_result do_pop(struct uvf_emu *emu)
{
	uint64_t top = emu->cpu->gpr[UVF_REG_RSP];
	uint64_t value;

	if (!load(emu, top, &value, emu->insn->width) ||
	    !store(emu, emu->addr, value, emu->insn->width))
		return UVF_EMULATE_FAULT;
	emu->cpu->gpr[UVF_REG_RSP] = top + emu->insn->width;
	return UVF_EMULATE_DONE;
}

static enum uvf_emulate_result do_setcc(struct uvf_emu *emu)
{
	return store(emu, emu->addr, condition(emu->insn->op, emu->cpu->flags),
		     1)
		       ? UVF_EMULATE_DONE
		       : UVF_EMULATE_FAULT;
}

/* Memory is read in either case; 4 bytes clear the upper half likewise. */
static enum uvf_emulate_result do_cmovcc(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	uint64_t value;

	if (!load(emu, emu->addr, &value, insn->width))
		return UVF_EMULATE_FAULT;
	if (!condition(insn->op, emu->cpu->flags))
		value = uvf_emu_get(emu->cpu, insn->reg, insn->width);
	set_reg(emu, insn->width, value);
	return UVF_EMULATE_DONE;
}

static enum uvf_emulate_result do_movdir64b(struct uvf_emu *emu)
{
	uint64_t to = emu->cpu->gpr[emu->insn->reg & 15];
	uint8_t value[64];

	if (emu->insn->is_addr32)
		to &= 0xffffffff;
	if (emu->ops->load(emu->context, emu->addr, value, 64, 0) != 64 ||
	    emu->ops->store(emu->context, to, value, 64, 0) != 64)
		return UVF_EMULATE_FAULT;
	return UVF_EMULATE_DONE;
}

static enum uvf_emulate_result dispatch(struct uvf_emu *emu)
{
	static enum uvf_emulate_result (*const handlers[])(struct uvf_emu *) = {
		[UVF_INSN_MOV] = do_mov,
		[UVF_INSN_MOVBE] = do_movbe,
		[UVF_INSN_ALU] = do_alu,
		[UVF_INSN_SHIFT] = do_shift,
		[UVF_INSN_ROTATE] = uvf_emu_rotate,
		[UVF_INSN_MULTIPLY] = uvf_emu_multiply,
		[UVF_INSN_XCHG] = do_xchg,
		[UVF_INSN_XADD] = do_xadd,
		[UVF_INSN_CMPXCHG] = do_cmpxchg,
		[UVF_INSN_CMPXCHG_PAIR] = do_cmpxchg_pair,
		[UVF_INSN_BIT] = do_bit,
		[UVF_INSN_PUSH] = do_push,
		[UVF_INSN_POP] = do_pop,
		[UVF_INSN_SETCC] = do_setcc,
		[UVF_INSN_CMOVCC] = do_cmovcc,
		[UVF_INSN_IMUL] = do_imul,
		[UVF_INSN_MOVS] = uvf_emu_string,
		[UVF_INSN_STOS] = uvf_emu_string,
		[UVF_INSN_LODS] = uvf_emu_string,
		[UVF_INSN_CMPS] = uvf_emu_string,
		[UVF_INSN_SCAS] = uvf_emu_string,
		[UVF_INSN_VECTOR] = uvf_emu_vector,
		[UVF_INSN_LANE] = uvf_emu_lane,
		[UVF_INSN_EXTRACT] = uvf_emu_extract,
		[UVF_INSN_BROADCAST] = uvf_emu_broadcast,
		[UVF_INSN_MOVDIR64B] = do_movdir64b,
	};
	uint8_t kind = emu->insn->kind;

	if (kind >= sizeof(handlers) / sizeof(handlers[0]) || !handlers[kind])
		return UVF_EMULATE_FAULT;
	return handlers[kind](emu);
}

bool uvf_emulate_address(const struct uvf_insn *insn, const struct uvf_cpu *cpu,
			 uint64_t *ret_addr)
{
	uint64_t addr = (uint64_t)insn->disp;
	int64_t bit;

	if (insn->kind >= UVF_INSN_MOVS && insn->kind <= UVF_INSN_SCAS)
		return false;
	if (insn->base == UVF_REG_RIP)
		addr += cpu->rip + insn->length;
	else if (insn->base != UVF_REG_NONE)
		addr += cpu->gpr[insn->base & 15];
	if (insn->index != UVF_REG_NONE)
		addr += cpu->gpr[insn->index & 15] * insn->scale;
	/* POP computes an address on the stack after it took the value. */
	if (insn->kind == UVF_INSN_POP && insn->base == UVF_REG_RSP)
		addr += insn->width;
	/* A bit's number in a register reaches beyond the operand. */
	if (insn->kind == UVF_INSN_BIT && insn->has_reg) {
		bit = (int64_t)sign_extend(
			uvf_emu_get(cpu, insn->reg, insn->width), insn->width);
		addr += (uint64_t)(bit >> (__builtin_ctz(insn->width) + 3)) *
			insn->width;
	}
	if (insn->is_addr32)
		addr &= 0xffffffff;
	*ret_addr = addr;
	return insn->kind != UVF_INSN_PUSH && insn->kind != UVF_INSN_POP &&
	       insn->kind != UVF_INSN_MOVDIR64B;
}

enum uvf_emulate_result uvf_emulate(const struct uvf_insn *insn,
				    struct uvf_cpu *cpu,
				    const struct uvf_emulate_ops *ops,
				    void *context)
{
	struct uvf_emu emu = {
		.insn = insn, .cpu = cpu, .ops = ops, .context = context};
	enum uvf_emulate_result result;

	(void)uvf_emulate_address(insn, cpu, &emu.addr);
	if (insn->is_locked)
		ops->lock(context);
	result = dispatch(&emu);
	if (insn->is_locked)
		ops->unlock(context);
	if (result == UVF_EMULATE_DONE)
		cpu->rip += insn->length;
	return result;
}

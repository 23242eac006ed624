/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MOVS, STOS, LODS, CMPS and SCAS, alone and repeated.
 *
 * Repetitions are done in pieces, with RCX, RSI and RDI up to date after
 * each, so that a signal or a fault finds the client as the processor would
 * have left it.  Ordinary memory on one side is transferred ahead in larger
 * pieces; a device sees each element as an access of its own.
 */
#include <string.h>

#include "front/supervisor/emulate_parts.h"

/* Bytes that are transferred at a time, and in one call. */
#define PIECE     512U
#define LIMIT     4096U
#define PAGE_MASK 4095U

/* State of one call; registers are written back as it goes. */
struct string {
	struct uvf_emu *emu;
	unsigned int width;
	unsigned int addr_width; /* of RCX, RSI and RDI */
	bool is_down;
	bool is_repeated;
	uint64_t left; /* repetitions */
};

static uint64_t addr_of(const struct string *s, uint8_t reg)
{
	return uvf_emu_get(s->emu->cpu, reg, s->addr_width);
}

static void advance(const struct string *s, uint8_t reg, uint64_t count)
{
	uint64_t by = count * s->width;

	uvf_emu_set(s->emu->cpu, reg, s->addr_width,
		    addr_of(s, reg) + (s->is_down ? -by : by));
}

static void count_down(struct string *s, uint64_t count)
{
	s->left -= count;
	if (s->is_repeated)
		uvf_emu_set(s->emu->cpu, UVF_REG_RCX, s->addr_width, s->left);
}

static size_t load(struct string *s, uint64_t addr, void *buf, size_t count)
{
	const struct uvf_emu *emu = s->emu;

	return emu->ops->load(emu->context, addr, buf, count * s->width,
			      s->width) /
	       s->width;
}

static size_t store(struct string *s, uint64_t addr, const void *buf,
		    size_t count)
{
	const struct uvf_emu *emu = s->emu;

	return emu->ops->store(emu->context, addr, buf, count * s->width,
			       s->width) /
	       s->width;
}

/* Elements from @addr on that can go in one piece. */
static uint64_t piece(const struct string *s, uint64_t addr)
{
	uint64_t max = s->left;

	if (s->is_down)
		return 1;
	if (max > PIECE / s->width)
		max = PIECE / s->width;
	/* Never into a page about which nobody asked. */
	if (max > (PAGE_MASK + 1 - (addr & PAGE_MASK)) / s->width)
		max = (PAGE_MASK + 1 - (addr & PAGE_MASK)) / s->width;
	return max ? max : 1;
}

static bool movs_piece(struct string *s)
{
	const struct uvf_emu *emu = s->emu;
	uint64_t from = addr_of(s, UVF_REG_RSI);
	uint64_t to = addr_of(s, UVF_REG_RDI);
	uint64_t count = 1, more;
	uint8_t buf[PIECE];
	size_t done;

	/*
	 * Ahead only when the sides cannot be the same memory, nor the loads
	 * and the stores of two devices change places.
	 */
	if (emu->ops->is_device(emu->context, from) !=
	    emu->ops->is_device(emu->context, to)) {
		count = piece(s, from);
		more = piece(s, to);
		if (count > more)
			count = more;
	}
	done = load(s, from, buf, count);
	if (done)
		done = store(s, to, buf, done);
	advance(s, UVF_REG_RSI, done);
	advance(s, UVF_REG_RDI, done);
	count_down(s, done);
	return done == count;
}

static bool stos_piece(struct string *s)
{
	uint64_t to = addr_of(s, UVF_REG_RDI);
	uint64_t count = piece(s, to);
	uint8_t buf[PIECE];
	size_t done, i;

	for (i = 0; i < count; i++)
		memcpy(buf + i * s->width, &s->emu->cpu->gpr[UVF_REG_RAX],
		       s->width);
	done = store(s, to, buf, count);
	advance(s, UVF_REG_RDI, done);
	count_down(s, done);
	return done == count;
}

static bool lods_piece(struct string *s)
{
	uint64_t value = 0;

	if (!load(s, addr_of(s, UVF_REG_RSI), &value, 1))
		return false;
	uvf_emu_set(s->emu->cpu, UVF_REG_RAX, s->width, value);
	advance(s, UVF_REG_RSI, 1);
	count_down(s, 1);
	return true;
}

/* CMPS: [rsi] - [rdi]; SCAS: rax - [rdi]. */
static bool compare_piece(struct string *s)
{
	struct uvf_cpu *cpu = s->emu->cpu;
	bool is_cmps = s->emu->insn->kind == UVF_INSN_CMPS;
	uint64_t a = 0, b = 0;

	if (is_cmps) {
		if (!load(s, addr_of(s, UVF_REG_RSI), &a, 1))
			return false;
	} else {
		a = uvf_emu_get(cpu, UVF_REG_RAX, s->width);
	}
	if (!load(s, addr_of(s, UVF_REG_RDI), &b, 1))
		return false;
	(void)uvf_emu_alu(UVF_ALU_CMP, a, b, s->width, &cpu->flags);
	if (is_cmps)
		advance(s, UVF_REG_RSI, 1);
	advance(s, UVF_REG_RDI, 1);
	count_down(s, 1);
	return true;
}

/* Whether REPE or REPNE ends here whatever is left. */
static bool is_decided(const struct string *s)
{
	const struct uvf_insn *insn = s->emu->insn;
	bool is_equal = s->emu->cpu->flags & UVF_FLAG_ZF;

	if (insn->kind != UVF_INSN_CMPS && insn->kind != UVF_INSN_SCAS)
		return false;
	return insn->is_rep ? !is_equal : insn->is_repne && is_equal;
}

static bool do_piece(struct string *s)
{
	switch ((enum uvf_insn_kind)s->emu->insn->kind) {
	case UVF_INSN_MOVS:
		return movs_piece(s);
	case UVF_INSN_STOS:
		return stos_piece(s);
	case UVF_INSN_LODS:
		return lods_piece(s);
	default:
		return compare_piece(s);
	}
}

enum uvf_emulate_result uvf_emu_string(struct uvf_emu *emu)
{
	const struct uvf_insn *insn = emu->insn;
	struct string s = {
		.emu = emu,
		.width = insn->width,
		.addr_width = insn->is_addr32 ? 4 : 8,
		.is_down = emu->cpu->flags & UVF_FLAG_DF,
		.is_repeated = insn->is_rep || insn->is_repne,
		.left = 1,
	};
	uint64_t start;

	if (s.is_repeated)
		s.left = addr_of(&s, UVF_REG_RCX);
	start = s.left;
	while (s.left) {
		if (!do_piece(&s))
			return UVF_EMULATE_FAULT;
		if (is_decided(&s))
			break;
		if (s.left && (start - s.left) * s.width >= LIMIT)
			return UVF_EMULATE_AGAIN;
	}
	return UVF_EMULATE_DONE;
}

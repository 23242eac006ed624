/* SPDX-License-Identifier: BSD-3-Clause */
#include "emulate_cases.h"

#include <cpuid.h>
#include <string.h>
#include <sys/mman.h>

#include "front/supervisor/emulate.h"

#define W1   1U
#define W2   2U
#define W4   4U
#define W8   8U
#define W16  16U
#define W32  32U
#define W64  64U
#define WALL (W1 | W2 | W4 | W8)
#define W248 (W2 | W4 | W8)

#define F(name, ...)                                                           \
	{                                                                      \
		.mnemonic = ZYDIS_MNEMONIC_##name, __VA_ARGS__                 \
	}
#define ALU(name, undef)                                                       \
	F(name, .shape = MR, .widths = WALL, .undefined = (undef)),            \
		F(name, .shape = MI, .widths = WALL, .undefined = (undef)),    \
		F(name, .shape = RM, .widths = WALL, .undefined = (undef))
#define BIT(name)                                                              \
	F(name, .shape = MR, .widths = W248, .undefined = OF | SF | AF | PF),  \
		F(name, .shape = MI, .widths = W248,                           \
		  .undefined = OF | SF | AF | PF)
#define SHIFT(name)                                                            \
	F(name, .shape = MI, .widths = WALL, .undefined = AF, .arg = 1),       \
		F(name, .shape = MC, .widths = WALL, .undefined = AF,          \
		  .arg = 1)
#define ROTATE(name)                                                           \
	F(name, .shape = MI, .widths = WALL, .arg = 1),                        \
		F(name, .shape = MC, .widths = WALL, .arg = 1)
#define CONDITION(cc)                                                          \
	F(SET##cc, .shape = M, .widths = W1),                                  \
		F(CMOV##cc, .shape = RM, .widths = W248)
#define STRINGS(name)                                                          \
	F(name##B, .shape = STRING, .widths = W1),                             \
		F(name##W, .shape = STRING, .widths = W2),                     \
		F(name##D, .shape = STRING, .widths = W4),                     \
		F(name##Q, .shape = STRING, .widths = W8)
#define SSE_BOTH(name)                                                         \
	F(name, .shape = VM, .widths = W16), F(name, .shape = MV, .widths = W16)
#define AVX_BOTH(name)                                                         \
	F(name, .shape = VM, .widths = W16 | W32, .level = NATIVE_AVX),        \
		F(name, .shape = MV, .widths = W16 | W32, .level = NATIVE_AVX)
#define AVX512_BOTH(name)                                                      \
	F(name, .shape = VM, .widths = W16 | W32 | W64,                        \
	  .level = NATIVE_AVX512, .arg = 1),                                   \
		F(name, .shape = MV, .widths = W16 | W32 | W64,                \
		  .level = NATIVE_AVX512, .arg = 1)
#define SCALAR(name, width, lvl)                                               \
	F(name, .shape = SCALAR_VM, .widths = (width), .level = (lvl)),        \
		F(name, .shape = SCALAR_MV, .widths = (width), .level = (lvl))
#define LANE(name)                                                             \
	F(name, .shape = LANE_VM, .widths = W8),                               \
		F(name, .shape = SCALAR_MV, .widths = W8),                     \
		F(V##name, .shape = LANE_VVM, .widths = W8,                    \
		  .level = NATIVE_AVX),                                        \
		F(V##name, .shape = SCALAR_MV, .widths = W8,                   \
		  .level = NATIVE_AVX)

const struct form forms[] = {
	F(MOV, .shape = MR, .widths = WALL),
	F(MOV, .shape = RM, .widths = WALL),
	F(MOV, .shape = MI, .widths = WALL),
	F(MOVDIRI, .shape = MR, .widths = W4 | W8),
	F(MOVDIR64B, .shape = DIR64B, .widths = W64),
	F(MOVNTI, .shape = MR, .widths = W4 | W8),
	F(MOVBE, .shape = MR, .widths = W248),
	F(MOVBE, .shape = RM, .widths = W248),
	F(MOVZX, .shape = EXTEND, .widths = W1 | W2),
	F(MOVSX, .shape = EXTEND, .widths = W1 | W2),
	F(MOVSXD, .shape = EXTEND, .widths = W4),
	ALU(ADD, 0),
	ALU(ADC, 0),
	ALU(SBB, 0),
	ALU(SUB, 0),
	ALU(CMP, 0),
	ALU(AND, AF),
	ALU(OR, AF),
	ALU(XOR, AF),
	F(TEST, .shape = MR, .widths = WALL, .undefined = AF),
	F(TEST, .shape = MI, .widths = WALL, .undefined = AF),
	F(INC, .shape = M, .widths = WALL),
	F(DEC, .shape = M, .widths = WALL),
	F(NEG, .shape = M, .widths = WALL),
	F(NOT, .shape = M, .widths = WALL),
	F(IMUL, .shape = RM, .widths = W248, .undefined = SF | ZF | AF | PF),
	F(IMUL, .shape = RMI, .widths = W248, .undefined = SF | ZF | AF | PF),
	SHIFT(SHL),
	SHIFT(SHR),
	SHIFT(SAR),
	ROTATE(ROL),
	ROTATE(ROR),
	ROTATE(RCL),
	ROTATE(RCR),
	F(MUL, .shape = M, .widths = WALL, .undefined = SF | ZF | AF | PF),
	F(IMUL, .shape = M, .widths = WALL, .undefined = SF | ZF | AF | PF),
	F(XCHG, .shape = MR, .widths = WALL),
	F(XADD, .shape = MR, .widths = WALL),
	F(CMPXCHG, .shape = MR, .widths = WALL),
	F(CMPXCHG8B, .shape = M, .widths = W8),
	F(CMPXCHG16B, .shape = M, .widths = W16),
	BIT(BT),
	BIT(BTS),
	BIT(BTR),
	BIT(BTC),
	F(PUSH, .shape = M, .widths = W2 | W8),
	F(POP, .shape = M, .widths = W2 | W8),
	CONDITION(O),
	CONDITION(NO),
	CONDITION(B),
	CONDITION(NB),
	CONDITION(Z),
	CONDITION(NZ),
	CONDITION(BE),
	CONDITION(NBE),
	CONDITION(S),
	CONDITION(NS),
	CONDITION(P),
	CONDITION(NP),
	CONDITION(L),
	CONDITION(NL),
	CONDITION(LE),
	CONDITION(NLE),
	STRINGS(MOVS),
	STRINGS(STOS),
	STRINGS(LODS),
	STRINGS(CMPS),
	STRINGS(SCAS),
	SSE_BOTH(MOVUPS),
	SSE_BOTH(MOVUPD),
	SSE_BOTH(MOVAPS),
	SSE_BOTH(MOVAPD),
	SSE_BOTH(MOVDQU),
	SSE_BOTH(MOVDQA),
	F(LDDQU, .shape = VM, .widths = W16),
	F(MOVNTDQA, .shape = VM, .widths = W16),
	F(MOVNTDQ, .shape = MV, .widths = W16),
	F(MOVNTPS, .shape = MV, .widths = W16),
	F(MOVNTPD, .shape = MV, .widths = W16),
	SCALAR(MOVD, W4, NATIVE_SSE),
	SCALAR(MOVQ, W8, NATIVE_SSE),
	SCALAR(MOVSS, W4, NATIVE_SSE),
	SCALAR(MOVSD, W8, NATIVE_SSE),
	LANE(MOVLPS),
	LANE(MOVLPD),
	LANE(MOVHPS),
	LANE(MOVHPD),
	F(PEXTRB, .shape = EXTRACT, .widths = W1, .arg = 16),
	F(PEXTRW, .shape = EXTRACT, .widths = W2, .arg = 16),
	F(PEXTRD, .shape = EXTRACT, .widths = W4, .arg = 16),
	F(PEXTRQ, .shape = EXTRACT, .widths = W8, .arg = 16),
	F(EXTRACTPS, .shape = EXTRACT, .widths = W4, .arg = 16),
	AVX_BOTH(VMOVUPS),
	AVX_BOTH(VMOVUPD),
	AVX_BOTH(VMOVAPS),
	AVX_BOTH(VMOVAPD),
	AVX_BOTH(VMOVDQU),
	AVX_BOTH(VMOVDQA),
	F(VLDDQU, .shape = VM, .widths = W16 | W32, .level = NATIVE_AVX),
	F(VMOVNTDQA, .shape = VM, .widths = W16 | W32, .level = NATIVE_AVX),
	F(VMOVNTDQ, .shape = MV, .widths = W16 | W32, .level = NATIVE_AVX),
	F(VMOVNTPS, .shape = MV, .widths = W16 | W32, .level = NATIVE_AVX),
	F(VMOVNTPD, .shape = MV, .widths = W16 | W32, .level = NATIVE_AVX),
	SCALAR(VMOVD, W4, NATIVE_AVX),
	SCALAR(VMOVQ, W8, NATIVE_AVX),
	SCALAR(VMOVSS, W4, NATIVE_AVX),
	SCALAR(VMOVSD, W8, NATIVE_AVX),
	F(VPEXTRB, .shape = EXTRACT, .widths = W1, .level = NATIVE_AVX,
	  .arg = 16),
	F(VPEXTRW, .shape = EXTRACT, .widths = W2, .level = NATIVE_AVX,
	  .arg = 16),
	F(VPEXTRD, .shape = EXTRACT, .widths = W4, .level = NATIVE_AVX,
	  .arg = 16),
	F(VPEXTRQ, .shape = EXTRACT, .widths = W8, .level = NATIVE_AVX,
	  .arg = 16),
	F(VEXTRACTF128, .shape = EXTRACT, .widths = W16, .level = NATIVE_AVX,
	  .arg = 32),
	F(VEXTRACTI128, .shape = EXTRACT, .widths = W16, .level = NATIVE_AVX,
	  .arg = 32),
	F(VBROADCASTSS, .shape = BROADCAST, .widths = W4, .level = NATIVE_AVX),
	F(VPBROADCASTB, .shape = BROADCAST, .widths = W1, .level = NATIVE_AVX),
	F(VPBROADCASTW, .shape = BROADCAST, .widths = W2, .level = NATIVE_AVX),
	F(VPBROADCASTD, .shape = BROADCAST, .widths = W4, .level = NATIVE_AVX),
	F(VPBROADCASTQ, .shape = BROADCAST, .widths = W8, .level = NATIVE_AVX),
	AVX512_BOTH(VMOVDQU8),
	AVX512_BOTH(VMOVDQU16),
	AVX512_BOTH(VMOVDQU32),
	AVX512_BOTH(VMOVDQU64),
	AVX512_BOTH(VMOVDQA32),
	AVX512_BOTH(VMOVDQA64),
	AVX512_BOTH(VMOVUPS),
	AVX512_BOTH(VMOVUPD),
	AVX512_BOTH(VMOVAPS),
	AVX512_BOTH(VMOVAPD),
	F(VMOVNTDQ, .shape = MV, .widths = W64, .level = NATIVE_AVX512),
	F(VEXTRACTI64X4, .shape = EXTRACT, .widths = W32,
	  .level = NATIVE_AVX512, .arg = 64),
	F(VEXTRACTF32X8, .shape = EXTRACT, .widths = W32,
	  .level = NATIVE_AVX512, .arg = 64),
};

const size_t n_forms = sizeof(forms) / sizeof(forms[0]);

enum native_level level;
static uint8_t *low_memory; /* below 4 GiB */
static uint64_t seed = 0x243f6a8885a308d3ULL;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dULL;
}

static uint64_t below(uint64_t n)
{
	return (rnd() >> 11) % n;
}

/* Values at which carries and signs change. */
static uint64_t interesting(void)
{
	static const uint64_t values[] = {
		0,          1,          0x7f,       0x80,       0xff,
		0x7fff,     0x8000,     0xffff,     0x7fffffff, 0x80000000,
		0xffffffff, ~0ULL >> 1, 1ULL << 63, ~0ULL};

	if (below(3))
		return rnd();
	return values[below(sizeof(values) / sizeof(values[0]))];
}

/* Making instructions. */

static ZydisRegister gpr(unsigned int number, unsigned int width)
{
	static const ZydisRegister low[] = {
		ZYDIS_REGISTER_AL,  ZYDIS_REGISTER_CL,  ZYDIS_REGISTER_DL,
		ZYDIS_REGISTER_BL,  ZYDIS_REGISTER_SPL, ZYDIS_REGISTER_BPL,
		ZYDIS_REGISTER_SIL, ZYDIS_REGISTER_DIL};

	switch (width) {
	case 1:
		return number < 8 ? low[number]
				  : (ZydisRegister)(ZYDIS_REGISTER_R8B +
						    (int)number - 8);
	case 2:
		return (ZydisRegister)(ZYDIS_REGISTER_AX + (int)number);
	case 4:
		return (ZydisRegister)(ZYDIS_REGISTER_EAX + (int)number);
	default:
		return (ZydisRegister)(ZYDIS_REGISTER_RAX + (int)number);
	}
}

/* RSP is an operand of nothing here but PUSH and POP. */
static unsigned int any_gpr(void)
{
	unsigned int number;

	do
		number = (unsigned int)below(16);
	while (number == UVF_REG_RSP);
	return number;
}

static ZydisEncoderOperand operand_gpr(unsigned int width)
{
	ZydisEncoderOperand op = {.type = ZYDIS_OPERAND_TYPE_REGISTER};

	op.reg.value = gpr(any_gpr(), width);
	if (width == 1 && !below(4))
		op.reg.value =
			(ZydisRegister)(ZYDIS_REGISTER_AH + (int)below(4));
	return op;
}

static ZydisEncoderOperand operand_vector(unsigned int width, bool is_evex)
{
	ZydisEncoderOperand op = {.type = ZYDIS_OPERAND_TYPE_REGISTER};
	int number = (int)below(is_evex ? 32 : 16);
	int first = width == 64   ? ZYDIS_REGISTER_ZMM0
		    : width == 32 ? ZYDIS_REGISTER_YMM0
				  : ZYDIS_REGISTER_XMM0;

	op.reg.value = (ZydisRegister)(first + number);
	return op;
}

static ZydisEncoderOperand operand_imm(unsigned int width)
{
	ZydisEncoderOperand op = {.type = ZYDIS_OPERAND_TYPE_IMMEDIATE};
	uint64_t value = interesting();

	if (width == 1 || below(2))
		op.imm.s = (int8_t)value;
	else if (width == 2)
		op.imm.s = (int16_t)value;
	else
		op.imm.s = (int32_t)value;
	return op;
}

/* Where the operand shall be; the vector forms may need it aligned. */
static uint64_t target(const struct test_case *t)
{
	uint64_t at = MEMORY_SIZE / 4 + below(MEMORY_SIZE / 2);

	switch (t->form->mnemonic) {
	case ZYDIS_MNEMONIC_CMPXCHG16B:
	case ZYDIS_MNEMONIC_MOVAPS:
	case ZYDIS_MNEMONIC_MOVAPD:
	case ZYDIS_MNEMONIC_MOVDQA:
	case ZYDIS_MNEMONIC_MOVNTDQ:
	case ZYDIS_MNEMONIC_MOVNTDQA:
	case ZYDIS_MNEMONIC_MOVNTPS:
	case ZYDIS_MNEMONIC_MOVNTPD:
	case ZYDIS_MNEMONIC_VMOVAPS:
	case ZYDIS_MNEMONIC_VMOVAPD:
	case ZYDIS_MNEMONIC_VMOVDQA:
	case ZYDIS_MNEMONIC_VMOVDQA32:
	case ZYDIS_MNEMONIC_VMOVDQA64:
	case ZYDIS_MNEMONIC_VMOVNTDQ:
	case ZYDIS_MNEMONIC_VMOVNTDQA:
	case ZYDIS_MNEMONIC_VMOVNTPS:
	case ZYDIS_MNEMONIC_VMOVNTPD:
		at &= ~63ULL;
		break;
	default:
		break;
	}
	return (uint64_t)(uintptr_t)t->memory + at;
}

/* A memory operand, and registers with which it means the target. */
static ZydisEncoderOperand operand_memory(struct test_case *t,
					  unsigned int size, uint64_t to)
{
	ZydisEncoderOperand op = {.type = ZYDIS_OPERAND_TYPE_MEMORY};
	unsigned int base = (unsigned int)below(16), index, width = 8;
	int64_t disp = below(2) ? (int8_t)rnd() : (int32_t)rnd();

	op.mem.size = (uint16_t)size;
	if (t->memory == native_near) {
		op.mem.base = ZYDIS_REGISTER_RIP;
		op.mem.displacement = (int64_t)to;
		return op;
	}
	if (t->form->mnemonic == ZYDIS_MNEMONIC_PUSH ||
	    t->form->mnemonic == ZYDIS_MNEMONIC_POP || below(8))
		base = any_gpr();
	do
		index = any_gpr();
	while (index == base);
	if (!below(6))
		width = 4;
	op.mem.base = gpr(base, width);
	op.mem.displacement = disp;
	to -= (uint64_t)disp;
	if (below(2)) {
		op.mem.index = gpr(index, width);
		op.mem.scale = (uint8_t)(1U << below(4));
		to -= t->before.gpr[index] * op.mem.scale;
	}
	t->before.gpr[base] = to;
	if (width == 4)
		t->before.gpr[base] = (to & 0xffffffff) | rnd() << 32;
	return op;
}

static void operands_vector(struct test_case *t, ZydisEncoderRequest *req,
			    ZydisEncoderOperand memory)
{
	bool is_evex = t->form->level == NATIVE_AVX512;
	unsigned int n = 0, mask = 0;

	if (t->form->arg && below(2))
		mask = 1 + (unsigned int)below(7);
	if (t->form->shape == VM)
		req->operands[n++] = operand_vector(t->width, is_evex);
	else
		req->operands[n++] = memory;
	if (t->form->arg) {
		req->operands[n].type = ZYDIS_OPERAND_TYPE_REGISTER;
		req->operands[n++].reg.value =
			(ZydisRegister)(ZYDIS_REGISTER_K0 + (int)mask);
	}
	if (t->form->shape == VM)
		req->operands[n++] = memory;
	else
		req->operands[n++] = operand_vector(t->width, is_evex);
	req->evex.zeroing_mask = mask && t->form->shape == VM && below(2);
	req->operand_count = (uint8_t)n;
	if (is_evex)
		req->allowed_encodings = ZYDIS_ENCODABLE_ENCODING_EVEX;
	else if (t->form->level == NATIVE_AVX)
		req->allowed_encodings = ZYDIS_ENCODABLE_ENCODING_VEX;
}

/* Of the shapes with registers of vectors. */
static void set_vector_operands(struct test_case *t, ZydisEncoderRequest *req,
				ZydisEncoderOperand memory)
{
	ZydisEncoderOperand *op = req->operands;

	switch (t->form->shape) {
	case VM:
	case MV:
		operands_vector(t, req, memory);
		break;
	case SCALAR_VM:
	case LANE_VM:
		op[0] = operand_vector(16, false);
		op[1] = memory;
		break;
	case SCALAR_MV:
		op[1] = operand_vector(16, false);
		break;
	case LANE_VVM:
		op[0] = operand_vector(16, false);
		op[1] = operand_vector(16, false);
		op[2] = memory;
		req->operand_count = 3;
		break;
	case EXTRACT:
		op[1] = operand_vector(t->form->arg,
				       t->form->level == NATIVE_AVX512);
		op[2].type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
		op[2].imm.u = below(256);
		req->operand_count = 3;
		if (t->form->level == NATIVE_AVX512) {
			op[3] = op[2];
			op[2] = op[1];
			op[1].reg.value = ZYDIS_REGISTER_K0;
			req->operand_count = 4;
		}
		break;
	case BROADCAST:
		op[0] = operand_vector(below(2) ? 16 : 32, false);
		op[1] = memory;
		req->allowed_encodings = ZYDIS_ENCODABLE_ENCODING_VEX;
		break;
	default:
		break;
	}
}

static void set_operands(struct test_case *t, ZydisEncoderRequest *req,
			 ZydisEncoderOperand memory)
{
	static const unsigned int wider[] = {2, 4, 8};
	ZydisEncoderOperand *op = req->operands;
	unsigned int width = t->width;

	req->operand_count = 2;
	op[0] = memory;
	switch (t->form->shape) {
	case MR:
		op[1] = operand_gpr(width);
		break;
	case RM:
	case RMI:
		op[0] = operand_gpr(width);
		op[1] = memory;
		op[2] = operand_imm(width);
		req->operand_count = t->form->shape == RMI ? 3 : 2;
		break;
	case MI:
		op[1] = operand_imm(width);
		if (t->form->arg || t->form->undefined == (OF | SF | AF | PF))
			op[1].imm.s = (int64_t)below(t->form->arg ? 256 : 128);
		break;
	case M:
		req->operand_count = 1;
		break;
	case EXTEND:
		do
			width = wider[below(3)];
		while (width <= t->width);
		op[0] = operand_gpr(width);
		op[1] = memory;
		break;
	case MC:
		op[1].type = ZYDIS_OPERAND_TYPE_REGISTER;
		op[1].reg.value = ZYDIS_REGISTER_CL;
		break;
	case STRING:
		req->operand_count = 0;
		break;
	case DIR64B:
		/* To the other half of memory; the case may be refused. */
		op[0].type = ZYDIS_OPERAND_TYPE_REGISTER;
		op[0].reg.value = gpr(UVF_REG_RDI, 8);
		op[1] = memory;
		t->before.gpr[UVF_REG_RDI] = (uint64_t)(uintptr_t)t->memory;
		break;
	default:
		set_vector_operands(t, req, memory);
		break;
	}
}

static void set_prefixes(struct test_case *t, ZydisEncoderRequest *req)
{
	if (t->form->shape == STRING) {
		if (below(2))
			return;
		switch (t->form->mnemonic) {
		case ZYDIS_MNEMONIC_CMPSB:
		case ZYDIS_MNEMONIC_CMPSW:
		case ZYDIS_MNEMONIC_CMPSD:
		case ZYDIS_MNEMONIC_CMPSQ:
		case ZYDIS_MNEMONIC_SCASB:
		case ZYDIS_MNEMONIC_SCASW:
		case ZYDIS_MNEMONIC_SCASD:
		case ZYDIS_MNEMONIC_SCASQ:
			req->prefixes = below(2) ? ZYDIS_ATTRIB_HAS_REPE
						 : ZYDIS_ATTRIB_HAS_REPNE;
			return;
		default:
			req->prefixes = ZYDIS_ATTRIB_HAS_REP;
			return;
		}
	}
	t->is_locked = !below(3);
	if (t->is_locked)
		req->prefixes = ZYDIS_ATTRIB_HAS_LOCK;
}

/* Registers of a string instruction. */
static void set_string(struct test_case *t)
{
	uint64_t half = (uint64_t)(uintptr_t)t->memory + MEMORY_SIZE / 2;
	struct native *b = &t->before;
	uint64_t count = below(200), span;

	if (!below(8))
		count = 0;
	span = (count + 1) * t->width;
	b->gpr[UVF_REG_RCX] = count;
	if (below(2))
		b->flags |= DF;
	/* From one half to the other, so that one can be a device's. */
	b->gpr[UVF_REG_RSI] = half - (b->flags & DF ? 64 : span) - below(64);
	b->gpr[UVF_REG_RDI] = half + (b->flags & DF ? span : 0) + below(64);
	if (below(3)) {
		/* Something to find, or not. */
		memset(t->memory, (int)below(2), MEMORY_SIZE);
		t->memory[below(MEMORY_SIZE)] = 7;
		b->gpr[UVF_REG_RAX] = below(2) * 0x0101010101010101ULL;
	}
}

static void randomize(struct test_case *t)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		t->before.gpr[i] = interesting();
	t->before.gpr[UVF_REG_RSP] =
		(uint64_t)(uintptr_t)t->memory + MEMORY_SIZE / 2 + 8;
	t->before.flags = (rnd() & ARITH) | 0x202;
	for (i = 1; i < 8; i++)
		t->before.mask[i] = rnd();
	for (i = 0; i < sizeof(t->before.vector); i += 8) {
		uint64_t value = rnd();

		memcpy((uint8_t *)t->before.vector + i, &value, 8);
	}
	for (i = 0; i < MEMORY_SIZE; i += 8) {
		uint64_t value = interesting();

		memcpy(t->memory + i, &value, 8);
	}
	t->device_mask = (unsigned int)below(4);
}

static unsigned int pick_width(unsigned int widths)
{
	unsigned int width;

	do
		width = 1U << below(7);
	while (!(widths & width));
	return width;
}

/* Comparisons that hold now and then. */
static void agree(struct test_case *t, uint64_t to)
{
	uint64_t value[2];

	if (below(2) || t->memory == native_near)
		return;
	memcpy(value, (const void *)(uintptr_t)to, sizeof(value));
	switch (t->form->mnemonic) {
	case ZYDIS_MNEMONIC_CMPXCHG16B:
		t->before.gpr[UVF_REG_RDX] = value[1];
		t->before.gpr[UVF_REG_RAX] = value[0];
		break;
	case ZYDIS_MNEMONIC_CMPXCHG8B:
		t->before.gpr[UVF_REG_RDX] = value[0] >> 32;
		t->before.gpr[UVF_REG_RAX] = value[0];
		break;
	case ZYDIS_MNEMONIC_CMPXCHG:
		t->before.gpr[UVF_REG_RAX] = value[0];
		break;
	default:
		break;
	}
}

/* A bit's number in a register moves the operand: keep it inside. */
static bool fits_bit(const struct test_case *t)
{
	struct uvf_cpu cpu = {.rip = native_rip()};
	struct uvf_insn insn;
	uint64_t addr;

	memcpy(cpu.gpr, t->before.gpr, sizeof(cpu.gpr));
	if (uvf_decode(t->bytes, t->len, &insn) ||
	    !uvf_emulate_address(&insn, &cpu, &addr))
		return true;
	addr -= (uint64_t)(uintptr_t)t->memory;
	return addr < MEMORY_SIZE - 64;
}

bool make(struct test_case *t, const struct form *form)
{
	ZydisEncoderRequest req = {
		.machine_mode = ZYDIS_MACHINE_MODE_LONG_64,
		.mnemonic = form->mnemonic,
		.allowed_encodings = ZYDIS_ENCODABLE_ENCODING_DEFAULT,
	};
	ZydisEncoderOperand memory = {0};
	uint64_t to;
	unsigned int i;

	memset(t, 0, sizeof(*t));
	t->form = form;
	t->width = pick_width(form->widths);
	t->memory =
		form->shape != STRING && !below(10) ? native_near : low_memory;
	randomize(t);
	/* So that bits lie near more often than not. */
	if (form->undefined == (OF | SF | AF | PF))
		for (i = 0; i < 16; i++)
			if (i != UVF_REG_RSP)
				t->before.gpr[i] =
					(uint64_t)((int64_t)below(8192) - 4096);
	if (form->shape == STRING) {
		set_string(t);
	} else {
		to = target(t);
		agree(t, to);
		memory = operand_memory(t, t->width, to);
	}
	set_operands(t, &req, memory);
	set_prefixes(t, &req);
	t->len = sizeof(t->bytes);
	if (ZYAN_FAILED(ZydisEncoderEncodeInstructionAbsolute(
		    &req, t->bytes, &t->len, native_rip())))
		return false;
	/* The register of the destination was chosen after the address. */
	if (form->shape == DIR64B && (memory.mem.base == gpr(UVF_REG_RDI, 8) ||
				      memory.mem.base == gpr(UVF_REG_RDI, 4) ||
				      memory.mem.index == gpr(UVF_REG_RDI, 8) ||
				      memory.mem.index == gpr(UVF_REG_RDI, 4)))
		return false;
	return fits_bit(t);
}

void cases_seed(uint64_t value)
{
	seed ^= value * 0x9e3779b97f4a7c15ULL;
}

int cases_init(void *memory)
{
	int where = memory ? MAP_FIXED_NOREPLACE : MAP_32BIT;

	level = native_init();
	low_memory = mmap(memory, MEMORY_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | where, -1, 0);
	return low_memory == MAP_FAILED ? -1 : 0;
}

bool is_supported(const struct form *form)
{
	unsigned int eax, ebx, ecx = 0, edx;

	if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
		ecx = 0;
	if (form->mnemonic == ZYDIS_MNEMONIC_MOVDIRI)
		return ecx >> 27 & 1;
	if (form->mnemonic == ZYDIS_MNEMONIC_MOVDIR64B)
		return ecx >> 28 & 1;
	return form->level <= level;
}

unsigned int undefined_flags(const struct test_case *t)
{
	unsigned int undefined = t->form->undefined;
	struct uvf_insn insn;
	unsigned int count;

	if (uvf_decode(t->bytes, t->len, &insn) ||
	    (insn.kind != UVF_INSN_SHIFT && insn.kind != UVF_INSN_ROTATE))
		return undefined;
	count = (unsigned int)(insn.has_imm ? (uint64_t)insn.imm
					    : t->before.gpr[UVF_REG_RCX]);
	count &= t->width == 8 ? 63 : 31;
	if (!count)
		return 0;
	if (count > 1)
		undefined |= OF;
	if (count >= 8 * t->width && insn.kind == UVF_INSN_SHIFT)
		undefined |= CF;
	return undefined;
}

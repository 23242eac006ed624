/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From Zydis' terms to ours.  Only forms in the table below are understood:
 * an instruction that we do not know is refused, never guessed.
 */
#include "front/supervisor/decode.h"

#include <string.h>

#include <Zydis/Zydis.h>

#define INSN_MAX 15

/* Entries of each thread's cache; a power of two. */
#define CACHE_SIZE 64U

const char uvf_decode_more[] = "too few bytes of the instruction";

struct form {
	ZydisMnemonic mnemonic;
	uint8_t kind; /* enum uvf_insn_kind */
	uint8_t op;
};

#define MN(name) ZYDIS_MNEMONIC_##name

static const struct form forms[] = {
	{MN(MOV), UVF_INSN_MOV, 0},
	{MN(MOVZX), UVF_INSN_MOV, 0},
	{MN(MOVSX), UVF_INSN_MOV, 1},
	{MN(MOVSXD), UVF_INSN_MOV, 1},
	{MN(MOVNTI), UVF_INSN_MOV, 0},
	{MN(MOVDIRI), UVF_INSN_MOV, 0},
	{MN(MOVBE), UVF_INSN_MOVBE, 0},
	{MN(MOVDIR64B), UVF_INSN_MOVDIR64B, 0},

	{MN(ADD), UVF_INSN_ALU, UVF_ALU_ADD},
	{MN(OR), UVF_INSN_ALU, UVF_ALU_OR},
	{MN(ADC), UVF_INSN_ALU, UVF_ALU_ADC},
	{MN(SBB), UVF_INSN_ALU, UVF_ALU_SBB},
	{MN(AND), UVF_INSN_ALU, UVF_ALU_AND},
	{MN(SUB), UVF_INSN_ALU, UVF_ALU_SUB},
	{MN(XOR), UVF_INSN_ALU, UVF_ALU_XOR},
	{MN(CMP), UVF_INSN_ALU, UVF_ALU_CMP},
	{MN(TEST), UVF_INSN_ALU, UVF_ALU_TEST},
	{MN(INC), UVF_INSN_ALU, UVF_ALU_INC},
	{MN(DEC), UVF_INSN_ALU, UVF_ALU_DEC},
	{MN(NEG), UVF_INSN_ALU, UVF_ALU_NEG},
	{MN(NOT), UVF_INSN_ALU, UVF_ALU_NOT},
	{MN(IMUL), UVF_INSN_IMUL, 0},

	{MN(SHL), UVF_INSN_SHIFT, UVF_SHIFT_LEFT},
	{MN(SHR), UVF_INSN_SHIFT, UVF_SHIFT_RIGHT},
	{MN(SAR), UVF_INSN_SHIFT, UVF_SHIFT_SIGNED},
	{MN(ROL), UVF_INSN_ROTATE, UVF_ROTATE_LEFT},
	{MN(ROR), UVF_INSN_ROTATE, UVF_ROTATE_RIGHT},
	{MN(RCL), UVF_INSN_ROTATE, UVF_ROTATE_CARRY_LEFT},
	{MN(RCR), UVF_INSN_ROTATE, UVF_ROTATE_CARRY_RIGHT},
	{MN(MUL), UVF_INSN_MULTIPLY, 0},

	{MN(XCHG), UVF_INSN_XCHG, 0},
	{MN(XADD), UVF_INSN_XADD, 0},
	{MN(CMPXCHG), UVF_INSN_CMPXCHG, 0},
	{MN(CMPXCHG8B), UVF_INSN_CMPXCHG_PAIR, 0},
	{MN(CMPXCHG16B), UVF_INSN_CMPXCHG_PAIR, 0},
	{MN(BT), UVF_INSN_BIT, UVF_BIT_TEST},
	{MN(BTS), UVF_INSN_BIT, UVF_BIT_SET},
	{MN(BTR), UVF_INSN_BIT, UVF_BIT_RESET},
	{MN(BTC), UVF_INSN_BIT, UVF_BIT_COMPLEMENT},
	{MN(PUSH), UVF_INSN_PUSH, 0},
	{MN(POP), UVF_INSN_POP, 0},

	{MN(SETO), UVF_INSN_SETCC, 0},
	{MN(SETNO), UVF_INSN_SETCC, 1},
	{MN(SETB), UVF_INSN_SETCC, 2},
	{MN(SETNB), UVF_INSN_SETCC, 3},
	{MN(SETZ), UVF_INSN_SETCC, 4},
	{MN(SETNZ), UVF_INSN_SETCC, 5},
	{MN(SETBE), UVF_INSN_SETCC, 6},
	{MN(SETNBE), UVF_INSN_SETCC, 7},
	{MN(SETS), UVF_INSN_SETCC, 8},
	{MN(SETNS), UVF_INSN_SETCC, 9},
	{MN(SETP), UVF_INSN_SETCC, 10},
	{MN(SETNP), UVF_INSN_SETCC, 11},
	{MN(SETL), UVF_INSN_SETCC, 12},
	{MN(SETNL), UVF_INSN_SETCC, 13},
	{MN(SETLE), UVF_INSN_SETCC, 14},
	{MN(SETNLE), UVF_INSN_SETCC, 15},
	{MN(CMOVO), UVF_INSN_CMOVCC, 0},
	{MN(CMOVNO), UVF_INSN_CMOVCC, 1},
	{MN(CMOVB), UVF_INSN_CMOVCC, 2},
	{MN(CMOVNB), UVF_INSN_CMOVCC, 3},
	{MN(CMOVZ), UVF_INSN_CMOVCC, 4},
	{MN(CMOVNZ), UVF_INSN_CMOVCC, 5},
	{MN(CMOVBE), UVF_INSN_CMOVCC, 6},
	{MN(CMOVNBE), UVF_INSN_CMOVCC, 7},
	{MN(CMOVS), UVF_INSN_CMOVCC, 8},
	{MN(CMOVNS), UVF_INSN_CMOVCC, 9},
	{MN(CMOVP), UVF_INSN_CMOVCC, 10},
	{MN(CMOVNP), UVF_INSN_CMOVCC, 11},
	{MN(CMOVL), UVF_INSN_CMOVCC, 12},
	{MN(CMOVNL), UVF_INSN_CMOVCC, 13},
	{MN(CMOVLE), UVF_INSN_CMOVCC, 14},
	{MN(CMOVNLE), UVF_INSN_CMOVCC, 15},

	{MN(MOVSB), UVF_INSN_MOVS, 0},
	{MN(MOVSW), UVF_INSN_MOVS, 0},
	{MN(MOVSD), UVF_INSN_MOVS, 0}, /* or VECTOR, see find_form() */
	{MN(MOVSQ), UVF_INSN_MOVS, 0},
	{MN(STOSB), UVF_INSN_STOS, 0},
	{MN(STOSW), UVF_INSN_STOS, 0},
	{MN(STOSD), UVF_INSN_STOS, 0},
	{MN(STOSQ), UVF_INSN_STOS, 0},
	{MN(LODSB), UVF_INSN_LODS, 0},
	{MN(LODSW), UVF_INSN_LODS, 0},
	{MN(LODSD), UVF_INSN_LODS, 0},
	{MN(LODSQ), UVF_INSN_LODS, 0},
	{MN(CMPSB), UVF_INSN_CMPS, 0},
	{MN(CMPSW), UVF_INSN_CMPS, 0},
	{MN(CMPSD), UVF_INSN_CMPS, 0}, /* or SSE, refused by find_form() */
	{MN(CMPSQ), UVF_INSN_CMPS, 0},
	{MN(SCASB), UVF_INSN_SCAS, 0},
	{MN(SCASW), UVF_INSN_SCAS, 0},
	{MN(SCASD), UVF_INSN_SCAS, 0},
	{MN(SCASQ), UVF_INSN_SCAS, 0},

	{MN(MOVD), UVF_INSN_VECTOR, 0},
	{MN(MOVQ), UVF_INSN_VECTOR, 0},
	{MN(MOVSS), UVF_INSN_VECTOR, 0},
	{MN(MOVUPS), UVF_INSN_VECTOR, 0},
	{MN(MOVUPD), UVF_INSN_VECTOR, 0},
	{MN(MOVAPS), UVF_INSN_VECTOR, 0},
	{MN(MOVAPD), UVF_INSN_VECTOR, 0},
	{MN(MOVDQU), UVF_INSN_VECTOR, 0},
	{MN(MOVDQA), UVF_INSN_VECTOR, 0},
	{MN(LDDQU), UVF_INSN_VECTOR, 0},
	{MN(MOVNTDQ), UVF_INSN_VECTOR, 0},
	{MN(MOVNTDQA), UVF_INSN_VECTOR, 0},
	{MN(MOVNTPS), UVF_INSN_VECTOR, 0},
	{MN(MOVNTPD), UVF_INSN_VECTOR, 0},
	{MN(VMOVD), UVF_INSN_VECTOR, 0},
	{MN(VMOVQ), UVF_INSN_VECTOR, 0},
	{MN(VMOVSH), UVF_INSN_VECTOR, 0},
	{MN(VMOVW), UVF_INSN_VECTOR, 0},
	{MN(VMOVSS), UVF_INSN_VECTOR, 0},
	{MN(VMOVSD), UVF_INSN_VECTOR, 0},
	{MN(VMOVUPS), UVF_INSN_VECTOR, 0},
	{MN(VMOVUPD), UVF_INSN_VECTOR, 0},
	{MN(VMOVAPS), UVF_INSN_VECTOR, 0},
	{MN(VMOVAPD), UVF_INSN_VECTOR, 0},
	{MN(VMOVDQU), UVF_INSN_VECTOR, 0},
	{MN(VMOVDQA), UVF_INSN_VECTOR, 0},
	{MN(VMOVDQU8), UVF_INSN_VECTOR, 0},
	{MN(VMOVDQU16), UVF_INSN_VECTOR, 0},
	{MN(VMOVDQU32), UVF_INSN_VECTOR, 0},
	{MN(VMOVDQU64), UVF_INSN_VECTOR, 0},
	{MN(VMOVDQA32), UVF_INSN_VECTOR, 0},
	{MN(VMOVDQA64), UVF_INSN_VECTOR, 0},
	{MN(VLDDQU), UVF_INSN_VECTOR, 0},
	{MN(VMOVNTDQ), UVF_INSN_VECTOR, 0},
	{MN(VMOVNTDQA), UVF_INSN_VECTOR, 0},
	{MN(VMOVNTPS), UVF_INSN_VECTOR, 0},
	{MN(VMOVNTPD), UVF_INSN_VECTOR, 0},

	{MN(MOVLPS), UVF_INSN_LANE, 0},
	{MN(MOVLPD), UVF_INSN_LANE, 0},
	{MN(MOVHPS), UVF_INSN_LANE, 1},
	{MN(MOVHPD), UVF_INSN_LANE, 1},
	{MN(VMOVLPS), UVF_INSN_LANE, 0},
	{MN(VMOVLPD), UVF_INSN_LANE, 0},
	{MN(VMOVHPS), UVF_INSN_LANE, 1},
	{MN(VMOVHPD), UVF_INSN_LANE, 1},

	{MN(PEXTRB), UVF_INSN_EXTRACT, 16},
	{MN(PEXTRW), UVF_INSN_EXTRACT, 16},
	{MN(PEXTRD), UVF_INSN_EXTRACT, 16},
	{MN(PEXTRQ), UVF_INSN_EXTRACT, 16},
	{MN(EXTRACTPS), UVF_INSN_EXTRACT, 16},
	{MN(VPEXTRB), UVF_INSN_EXTRACT, 16},
	{MN(VPEXTRW), UVF_INSN_EXTRACT, 16},
	{MN(VPEXTRD), UVF_INSN_EXTRACT, 16},
	{MN(VPEXTRQ), UVF_INSN_EXTRACT, 16},
	{MN(VEXTRACTPS), UVF_INSN_EXTRACT, 16},
	{MN(VEXTRACTF128), UVF_INSN_EXTRACT, 32},
	{MN(VEXTRACTI128), UVF_INSN_EXTRACT, 32},
	{MN(VEXTRACTF32X8), UVF_INSN_EXTRACT, 64},
	{MN(VEXTRACTI32X8), UVF_INSN_EXTRACT, 64},
	{MN(VEXTRACTF64X4), UVF_INSN_EXTRACT, 64},
	{MN(VEXTRACTI64X4), UVF_INSN_EXTRACT, 64},

	{MN(VBROADCASTSS), UVF_INSN_BROADCAST, 0},
	{MN(VBROADCASTSD), UVF_INSN_BROADCAST, 0},
	{MN(VBROADCASTF128), UVF_INSN_BROADCAST, 0},
	{MN(VBROADCASTI128), UVF_INSN_BROADCAST, 0},
	{MN(VPBROADCASTB), UVF_INSN_BROADCAST, 0},
	{MN(VPBROADCASTW), UVF_INSN_BROADCAST, 0},
	{MN(VPBROADCASTD), UVF_INSN_BROADCAST, 0},
	{MN(VPBROADCASTQ), UVF_INSN_BROADCAST, 0},
};

static const struct form *find_form(const ZydisDecodedInstruction *zi)
{
	static const struct form sse_movsd = {MN(MOVSD), UVF_INSN_VECTOR, 0};
	size_t i;

	/* Two mnemonics mean a string instruction and an SSE one. */
	if (zi->meta.category != ZYDIS_CATEGORY_STRINGOP) {
		if (zi->mnemonic == ZYDIS_MNEMONIC_MOVSD)
			return &sse_movsd;
		if (zi->mnemonic == ZYDIS_MNEMONIC_CMPSD)
			return NULL;
	}
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].mnemonic == zi->mnemonic)
			return &forms[i];
	return NULL;
}

static bool is_string(uint8_t kind)
{
	return kind >= UVF_INSN_MOVS && kind <= UVF_INSN_SCAS;
}

static bool is_vector(uint8_t kind)
{
	return kind >= UVF_INSN_VECTOR && kind <= UVF_INSN_BROADCAST;
}

/* The number of a general register, UVF_REG_NONE for any other. */
static uint8_t general(ZydisRegister reg, bool *ret_is_high)
{
	*ret_is_high = false;
	if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH) {
		*ret_is_high = true;
		return (uint8_t)(reg - ZYDIS_REGISTER_AH);
	}
	if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_BL)
		return (uint8_t)(reg - ZYDIS_REGISTER_AL);
	if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B)
		return (uint8_t)(reg - ZYDIS_REGISTER_SPL + 4);
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
		return (uint8_t)ZydisRegisterGetId(reg);
	default:
		return UVF_REG_NONE;
	}
}

static uint8_t vector(ZydisRegister reg)
{
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_XMM:
	case ZYDIS_REGCLASS_YMM:
	case ZYDIS_REGCLASS_ZMM:
		return (uint8_t)ZydisRegisterGetId(reg);
	default:
		return UVF_REG_NONE;
	}
}

static uint8_t address_register(ZydisRegister reg)
{
	bool is_high;

	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return UVF_REG_RIP;
	return general(reg, &is_high);
}

static const char *take_memory(struct uvf_insn *insn,
			       const ZydisDecodedOperand *op)
{
	if (op->mem.type != ZYDIS_MEMOP_TYPE_MEM)
		return "an address that is not one";
	if (op->mem.segment == ZYDIS_REGISTER_FS ||
	    op->mem.segment == ZYDIS_REGISTER_GS)
		return "a segment with a base";
	insn->width = (uint8_t)(op->size / 8);
	insn->base = address_register(op->mem.base);
	insn->index = address_register(op->mem.index);
	insn->scale = op->mem.scale;
	insn->disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0;
	insn->is_memory_first = !insn->has_reg;
	insn->is_store = (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
	if (op->element_size)
		insn->element = (uint8_t)(op->element_size / 8);
	/* A base or an index that is none of these: VSIB and the like. */
	if (op->mem.base != ZYDIS_REGISTER_NONE && insn->base == UVF_REG_NONE)
		return "an unusual base register";
	if (op->mem.index != ZYDIS_REGISTER_NONE && insn->index == UVF_REG_NONE)
		return "an unusual index register";
	return NULL;
}

static const char *take_register(struct uvf_insn *insn,
				 const ZydisDecodedOperand *op)
{
	uint8_t reg;
	bool is_high = false;

	if (ZydisRegisterGetClass(op->reg.value) == ZYDIS_REGCLASS_MASK)
		return NULL;
	if (is_vector(insn->kind))
		reg = vector(op->reg.value);
	else
		reg = general(op->reg.value, &is_high);
	if (reg == UVF_REG_NONE)
		return "an unusual register";
	/* The first one is where a result goes; LANE has one more. */
	if (insn->has_reg) {
		insn->source = reg;
		return NULL;
	}
	insn->has_reg = true;
	insn->reg = reg;
	insn->is_high = is_high;
	insn->reg_width = (uint8_t)(op->size / 8);
	return NULL;
}

static const char *take_operands(struct uvf_insn *insn,
				 const ZydisDecodedInstruction *zi,
				 const ZydisDecodedOperand *ops)
{
	const char *error = NULL;
	bool has_memory = false;
	uint8_t i;

	for (i = 0; i < zi->operand_count && !error; i++) {
		if (ops[i].visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
			continue;
		switch (ops[i].type) {
		case ZYDIS_OPERAND_TYPE_MEMORY:
			error = take_memory(insn, &ops[i]);
			has_memory = true;
			break;
		case ZYDIS_OPERAND_TYPE_REGISTER:
			error = take_register(insn, &ops[i]);
			break;
		case ZYDIS_OPERAND_TYPE_IMMEDIATE:
			insn->has_imm = true;
			insn->imm = ops[i].imm.is_signed
					    ? ops[i].imm.value.s
					    : (int64_t)ops[i].imm.value.u;
			break;
		default:
			return "an unusual operand";
		}
	}
	if (!error && !has_memory)
		return "no operand in memory";
	return error;
}

/* A string instruction: all its operands are implied. */
static const char *take_string(struct uvf_insn *insn,
			       const ZydisDecodedInstruction *zi,
			       const ZydisDecodedOperand *ops)
{
	uint8_t i;

	insn->width = (uint8_t)(zi->operand_width / 8);
	for (i = 0; i < zi->operand_count; i++)
		if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (ops[i].mem.segment == ZYDIS_REGISTER_FS ||
		     ops[i].mem.segment == ZYDIS_REGISTER_GS))
			return "a segment with a base";
	for (i = 0; i < zi->raw.prefix_count; i++) {
		if (zi->raw.prefixes[i].value == 0xf3) {
			insn->is_rep = true;
			insn->is_repne = false;
		} else if (zi->raw.prefixes[i].value == 0xf2) {
			insn->is_repne = true;
			insn->is_rep = false;
		}
	}
	return NULL;
}

static const char *take_vector(struct uvf_insn *insn,
			       const ZydisDecodedInstruction *zi)
{
	switch (zi->encoding) {
	case ZYDIS_INSTRUCTION_ENCODING_LEGACY:
		insn->encoding = UVF_ENCODING_LEGACY;
		break;
	case ZYDIS_INSTRUCTION_ENCODING_VEX:
		insn->encoding = UVF_ENCODING_VEX;
		break;
	case ZYDIS_INSTRUCTION_ENCODING_EVEX:
		insn->encoding = UVF_ENCODING_EVEX;
		break;
	default:
		return "an unusual encoding";
	}
	if (zi->avx.mask.reg != ZYDIS_REGISTER_NONE)
		insn->mask = (uint8_t)ZydisRegisterGetId(zi->avx.mask.reg);
	insn->is_zeroing = zi->avx.mask.mode == ZYDIS_MASK_MODE_ZEROING;
	if (insn->mask && insn->kind != UVF_INSN_VECTOR)
		return "a mask";
	if (insn->kind == UVF_INSN_BROADCAST)
		insn->reg_width = (uint8_t)(zi->avx.vector_length / 8);
	return NULL;
}

/* What the forms have in common with no other. */
static const char *finish(struct uvf_insn *insn)
{
	switch (insn->kind) {
	case UVF_INSN_MOV:
		insn->is_signed = insn->op;
		break;
	case UVF_INSN_XCHG:
		insn->is_locked = true;
		break;
	case UVF_INSN_IMUL:
		if (insn->has_reg)
			break;
		insn->kind = UVF_INSN_MULTIPLY;
		insn->op = 1;
		break;
	case UVF_INSN_MOVDIR64B:
		if (insn->width != 64)
			return "an unusual width";
		break;
	default:
		break;
	}
	return NULL;
}

static const char *decode(const uint8_t *bytes, size_t len,
			  struct uvf_insn *insn)
{
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction zi;
	const struct form *form;
	const char *error;
	ZydisDecoder decoder;
	ZyanStatus status;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
	status = ZydisDecoderDecodeFull(&decoder, bytes, len, &zi, ops);
	if (status == ZYDIS_STATUS_NO_MORE_DATA)
		return uvf_decode_more;
	if (ZYAN_FAILED(status))
		return "not an instruction";
	form = find_form(&zi);
	if (!form)
		return "an instruction that is not emulated";

	memset(insn, 0, sizeof(*insn));
	insn->length = zi.length;
	insn->kind = form->kind;
	insn->op = form->op;
	insn->base = UVF_REG_NONE;
	insn->index = UVF_REG_NONE;
	insn->source = UVF_REG_NONE;
	insn->is_addr32 = zi.address_width == 32;
	insn->is_locked = (zi.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0;
	error = is_string(insn->kind) ? take_string(insn, &zi, ops)
				      : take_operands(insn, &zi, ops);
	if (!error && is_vector(insn->kind))
		error = take_vector(insn, &zi);
	if (!error)
		error = finish(insn);
	return error;
}

/*
 * A program touches devices from few places: what they decode to is kept,
 * by thread, under the bytes themselves, so that nothing can be stale.
 */
struct entry {
	uint8_t bytes[16]; /* the last one is their number; 0: free */
	struct uvf_insn insn;
};

const char *uvf_decode(const uint8_t *bytes, size_t len,
		       struct uvf_insn *ret_insn)
{
	static _Thread_local struct entry cache[CACHE_SIZE];
	uint8_t key[16] = {0};
	struct entry *entry;
	const char *error;
	uint64_t hash[2];

	if (len > INSN_MAX)
		len = INSN_MAX;
	if (!len)
		return uvf_decode_more;
	memcpy(key, bytes, len);
	key[15] = (uint8_t)len;
	memcpy(hash, key, sizeof(hash));
	hash[0] = (hash[0] ^ hash[1] << 7) * 0x9e3779b97f4a7c15ULL;
	entry = &cache[(hash[0] >> 32) % CACHE_SIZE];
	if (!memcmp(entry->bytes, key, sizeof(key))) {
		*ret_insn = entry->insn;
		return NULL;
	}
	error = decode(key, len, ret_insn);
	if (error)
		return error;
	memcpy(entry->bytes, key, sizeof(key));
	entry->insn = *ret_insn;
	return NULL;
}

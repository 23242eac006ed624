/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One instruction that touched memory, in the terms of emulate.c.
 */
#ifndef UVF_FRONT_SUPERVISOR_DECODE_H
#define UVF_FRONT_SUPERVISOR_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum uvf_insn_kind {
	UVF_INSN_UNKNOWN,
	UVF_INSN_MOV,      /* with sign or zero extension of a load */
	UVF_INSN_MOVBE,    /* with the bytes swapped */
	UVF_INSN_ALU,      /* op is an enum uvf_alu */
	UVF_INSN_SHIFT,    /* op is an enum uvf_shift; count: imm, CL */
	UVF_INSN_ROTATE,   /* op is an enum uvf_rotate; likewise */
	UVF_INSN_MULTIPLY, /* to AX and DX; op: signed */
	UVF_INSN_XCHG,
	UVF_INSN_XADD,
	UVF_INSN_CMPXCHG,
	UVF_INSN_CMPXCHG_PAIR, /* 8b, 16b: width says which */
	UVF_INSN_BIT,          /* op is an enum uvf_bit */
	UVF_INSN_PUSH,
	UVF_INSN_POP,
	UVF_INSN_SETCC,  /* op is the condition's code */
	UVF_INSN_CMOVCC, /* likewise */
	UVF_INSN_IMUL,   /* to a register; by imm if has_imm */
	UVF_INSN_MOVS,
	UVF_INSN_STOS,
	UVF_INSN_LODS,
	UVF_INSN_CMPS,
	UVF_INSN_SCAS,
	UVF_INSN_VECTOR,    /* all of memory, lowest part of a register */
	UVF_INSN_LANE,      /* 8 bytes, lane op of the lowest 16 */
	UVF_INSN_EXTRACT,   /* store of part imm of a register */
	UVF_INSN_BROADCAST, /* memory to all parts of a register */
	UVF_INSN_MOVDIR64B, /* memory to the address in reg */
};

enum uvf_alu {
	UVF_ALU_ADD,
	UVF_ALU_OR,
	UVF_ALU_ADC,
	UVF_ALU_SBB,
	UVF_ALU_AND,
	UVF_ALU_SUB,
	UVF_ALU_XOR,
	UVF_ALU_CMP,
	UVF_ALU_TEST,
	/* With one operand. */
	UVF_ALU_INC,
	UVF_ALU_DEC,
	UVF_ALU_NEG,
	UVF_ALU_NOT,
};

enum uvf_shift {
	UVF_SHIFT_LEFT,
	UVF_SHIFT_RIGHT,
	UVF_SHIFT_SIGNED,
};

enum uvf_rotate {
	UVF_ROTATE_LEFT,
	UVF_ROTATE_RIGHT,
	UVF_ROTATE_CARRY_LEFT,
	UVF_ROTATE_CARRY_RIGHT,
};

enum uvf_bit {
	UVF_BIT_TEST,
	UVF_BIT_SET,
	UVF_BIT_RESET,
	UVF_BIT_COMPLEMENT,
};

/* How the upper bytes of a vector register fare, and where it came from. */
enum uvf_encoding {
	UVF_ENCODING_LEGACY, /* keeps what lies above 16 bytes */
	UVF_ENCODING_VEX,    /* clears all that is not written */
	UVF_ENCODING_EVEX,   /* likewise */
};

#define UVF_REG_RAX  0
#define UVF_REG_RCX  1
#define UVF_REG_RDX  2
#define UVF_REG_RBX  3
#define UVF_REG_RSP  4
#define UVF_REG_RBP  5
#define UVF_REG_RSI  6
#define UVF_REG_RDI  7
#define UVF_REG_RIP  16
#define UVF_REG_NONE 0xff

struct uvf_insn {
	uint8_t length; /* bytes */
	uint8_t kind;   /* enum uvf_insn_kind */
	uint8_t op;     /* see there */
	uint8_t width;  /* bytes of the memory operand */

	/* Memory operand: base + index * scale + disp. */
	uint8_t base;  /* 0..15, UVF_REG_RIP or UVF_REG_NONE */
	uint8_t index; /* 0..15 or UVF_REG_NONE */
	uint8_t scale;
	bool is_addr32; /* the address is cut to 32 bits */
	int64_t disp;

	bool is_store;        /* memory is written; else only read */
	bool is_memory_first; /* memory comes before the register */
	bool has_reg;         /* a register is the other operand */
	bool has_imm;         /* imm is an operand */
	bool is_high;         /* reg is AH, CH, DH, BH (as 0..3) */
	bool is_signed;       /* a load is sign extended to reg_width */
	bool is_locked;       /* with LOCK, or XCHG */
	bool is_rep;          /* REP or REPE */
	bool is_repne;        /* REPNE */
	uint8_t reg;          /* general 0..15, vector 0..31 */
	uint8_t reg_width;    /* bytes of it that are written */
	uint8_t source;       /* second register of LANE; else UVF_REG_NONE */
	int64_t imm;

	uint8_t encoding; /* enum uvf_encoding */
	uint8_t mask;     /* k1..k7; 0: none */
	bool is_zeroing;  /* what the mask leaves out becomes zero */
	uint8_t element;  /* bytes that one bit of the mask stands for */
};

/**
 * uvf_decode() - understand an instruction
 * @bytes:    as many as there are, at most 15 are looked at
 * @len:      their number
 * @ret_insn: written on success
 *
 * Any thread may call it.
 *
 * Return: NULL, or why not: a constant text that starts in lower case;
 * uvf_decode_more when there are too few bytes.
 */
const char *uvf_decode(const uint8_t *bytes, size_t len,
		       struct uvf_insn *ret_insn);

/* Compared by its address. */
extern const char uvf_decode_more[];

#endif /* UVF_FRONT_SUPERVISOR_DECODE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "front/supervisor/decode.h"

struct bytes {
	uint8_t bytes[15];
	uint8_t len;
};

/* Understood by nobody here: what they do to a device would be a guess. */
static const struct bytes refused[] = {
	{{0x64, 0x8b, 0x07}, 3},                   /* mov eax, fs:[rdi] */
	{{0x65, 0x89, 0x07}, 3},                   /* mov gs:[rdi], eax */
	{{0x65, 0xa4}, 2},                         /* movs gs: */
	{{0x66, 0x0f, 0xfe, 0x07}, 4},             /* paddd xmm0, [rdi] */
	{{0x0f, 0x6f, 0x07}, 3},                   /* movq mm0, [rdi] */
	{{0x0f, 0x7f, 0x07}, 3},                   /* movq [rdi], mm0 */
	{{0x0f, 0xae, 0x07}, 3},                   /* fxsave */
	{{0xd9, 0x07}, 2},                         /* fld */
	{{0x8c, 0x1f}, 2},                         /* mov [rdi], ds */
	{{0x8e, 0x1f}, 2},                         /* mov ds, [rdi] */
	{{0xf7, 0x37}, 2},                         /* div [rdi] */
	{{0xf7, 0x3f}, 2},                         /* idiv [rdi] */
	{{0xff, 0x17}, 2},                         /* call [rdi] */
	{{0xff, 0x27}, 2},                         /* jmp [rdi] */
	{{0x6c}, 1},                               /* ins */
	{{0xd7}, 1},                               /* xlat */
	{{0x8d, 0x07}, 2},                         /* lea eax, [rdi] */
	{{0x89, 0xc7}, 2},                         /* mov edi, eax */
	{{0x0f, 0x1f, 0x07}, 3},                   /* nop [rdi] */
	{{0x66, 0x0f, 0xc2, 0x07, 0x00}, 5},       /* cmppd */
	{{0xf2, 0x0f, 0xc2, 0x07, 0x00}, 5},       /* cmpsd, of SSE */
	{{0xc4, 0xe2, 0x75, 0x92, 0x04, 0x17}, 6}, /* vgatherdps */
	{{0xc4, 0xe2, 0x79, 0x2e, 0x07}, 5},       /* vmaskmovps store */
	{{0x06}, 1},                               /* not an instruction */
	{{0xf0, 0x89, 0x07}, 3},                   /* lock mov: #UD */
};

static void unknown_forms_are_refused(void **unused)
{
	struct uvf_insn insn;
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *error;

		error = uvf_decode(refused[i].bytes, 15, &insn);
		if (!error || error == uvf_decode_more)
			fail_msg("case %zu: %s", i, error ? error : "taken");
	}
}

static void too_few_bytes_are_told_from_wrong_ones(void **unused)
{
	/* mov dword [rip + 0x11223344], 0x55667788 */
	static const uint8_t bytes[] = {0xc7, 0x05, 0x44, 0x33, 0x22,
					0x11, 0x88, 0x77, 0x66, 0x55};
	struct uvf_insn insn;
	size_t len;

	(void)unused;
	for (len = 0; len < sizeof(bytes); len++)
		assert_ptr_equal(uvf_decode(bytes, len, &insn),
				 uvf_decode_more);
	assert_null(uvf_decode(bytes, len, &insn));
	assert_int_equal(insn.length, 10);
	assert_int_equal(insn.kind, UVF_INSN_MOV);
	assert_int_equal(insn.width, 4);
	assert_int_equal(insn.base, UVF_REG_RIP);
	assert_int_equal(insn.disp, 0x11223344);
	assert_int_equal(insn.imm, 0x55667788);
	assert_true(insn.is_store);
}

static void absolute_addresses_are_understood(void **unused)
{
	static const uint8_t load[] = {0xa1, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t store[] = {0x67, 0xa2, 1, 2, 3, 0x84};
	struct uvf_insn insn;

	(void)unused;
	assert_null(uvf_decode(load, sizeof(load), &insn));
	assert_int_equal(insn.base, UVF_REG_NONE);
	assert_int_equal(insn.disp, 0x0807060504030201);
	assert_int_equal(insn.width, 4);
	assert_false(insn.is_store);
	assert_null(uvf_decode(store, sizeof(store), &insn));
	assert_true(insn.is_store && insn.is_addr32);
	assert_int_equal(insn.width, 1);
	assert_int_equal((uint32_t)insn.disp, 0x84030201);
}

/* What is kept from one call must not leak into another. */
static void the_cache_tells_instructions_apart(void **unused)
{
	uint8_t bytes[15] = {0x8b, 0x87}; /* mov eax, [rdi + disp32] */
	struct uvf_insn insn;
	uint32_t disp;
	int pass;

	(void)unused;
	for (pass = 0; pass < 2; pass++)
		for (disp = 0; disp < 10000; disp++) {
			memcpy(bytes + 2, &disp, sizeof(disp));
			assert_null(uvf_decode(bytes, 15, &insn));
			assert_int_equal(insn.disp, disp);
			/* The same bytes, but fewer than it takes. */
			assert_ptr_equal(uvf_decode(bytes, 5, &insn),
					 uvf_decode_more);
		}
}

static void locked_forms_are_marked(void **unused)
{
	static const uint8_t locked[] = {0xf0, 0x01, 0x07};
	static const uint8_t plain[] = {0x01, 0x07};
	static const uint8_t xchg[] = {0x87, 0x07};
	struct uvf_insn insn;

	(void)unused;
	assert_null(uvf_decode(locked, sizeof(locked), &insn));
	assert_true(insn.is_locked);
	assert_null(uvf_decode(plain, sizeof(plain), &insn));
	assert_false(insn.is_locked);
	assert_null(uvf_decode(xchg, sizeof(xchg), &insn));
	assert_true(insn.is_locked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_forms_are_refused),
		cmocka_unit_test(too_few_bytes_are_told_from_wrong_ones),
		cmocka_unit_test(absolute_addresses_are_understood),
		cmocka_unit_test(the_cache_tells_instructions_apart),
		cmocka_unit_test(locked_forms_are_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

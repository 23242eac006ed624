/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Vector registers between a client and its device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_harness.h"

static int client_vectors(void)
{
	volatile uint8_t *map = toy_map(RW);
	uint8_t in[64], out[64];
	unsigned int i;

	for (i = 0; i < 64; i++)
		in[i] = (uint8_t)(i * 3 + 1);
	memset(out, 0, sizeof(out));
	__asm__ volatile("movdqu (%0), %%xmm5\n"
			 "movdqu %%xmm5, (%1)\n"
			 "pxor %%xmm5, %%xmm5\n"
			 "pxor %%xmm6, %%xmm6\n"
			 "movdqu (%1), %%xmm6\n"
			 "movdqu %%xmm6, (%2)\n"
			 :
			 : "r"(in), "r"(map), "r"(out)
			 : "xmm5", "xmm6", "memory");
	NEED(!memcmp(in, out, 16));
	if (!__builtin_cpu_supports("avx2"))
		return 0;
	__asm__ volatile("vmovdqu (%0), %%ymm7\n"
			 "vmovdqu %%ymm7, 64(%1)\n"
			 "vzeroall\n"
			 "vmovdqu 64(%1), %%ymm8\n"
			 "vmovdqu %%ymm8, (%2)\n"
			 "vzeroupper\n"
			 :
			 : "r"(in), "r"(map), "r"(out)
			 : "xmm7", "xmm8", "memory");
	NEED(!memcmp(in, out, 32));
	if (!__builtin_cpu_supports("avx512bw"))
		return 0;
	__asm__ volatile("vmovdqu64 (%0), %%zmm1\n"
			 "vmovdqu64 %%zmm1, %%zmm17\n"
			 "vmovdqu64 %%zmm17, 128(%1)\n"
			 "vzeroall\n"
			 "vpxorq %%zmm17, %%zmm17, %%zmm17\n"
			 "vmovdqu64 128(%1), %%zmm17\n"
			 "vmovdqu64 %%zmm17, (%2)\n"
			 "kxnorq %%k1, %%k1, %%k1\n"
			 "kshiftrq $40, %%k1, %%k1\n"
			 "vmovdqu8 %%zmm17, 256(%1) %{%%k1%}\n"
			 "vzeroupper\n"
			 :
			 : "r"(in), "r"(map), "r"(out)
			 : "xmm1", "memory");
	NEED(!memcmp(in, out, 64));
	NEED(!memcmp(toy->bytes + 256, in, 24) && !toy->bytes[256 + 24]);
	return 0;
}

void vector_registers_are_loaded_and_stored(void **unused)
{
	unsigned int i;

	(void)unused;
	assert_int_equal(toy_run(client_vectors), 0);
	for (i = 0; i < toy->n_log; i++)
		assert_int_equal(toy->log[i].len, 8);
}

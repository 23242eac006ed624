/* SPDX-License-Identifier: BSD-3-Clause */
#include "emulate_native.h"

#include <cpuid.h>
#include <string.h>
#include <sys/mman.h>

uint8_t native_near[NATIVE_NEAR_SIZE] __attribute__((aligned(4096)));

/* Used by the code below. */
extern struct native native_state;
extern uint32_t native_level_now;
extern uint8_t native_hole[];
extern uint8_t native_begin[];
void native_enter(void);

struct native native_state;
uint32_t native_level_now;

/*
 * Registers are taken from native_state, with flags and RSP last; then comes
 * the hole, then all goes the other way.  The code has pages of its own,
 * which native_init() makes writable.
 */
__asm__(".pushsection .text.native, \"ax\", @progbits\n"
	".balign 4096\n"
	".globl native_begin, native_enter, native_hole\n"
	"native_begin:\n"
	"native_host_rsp: .quad 0\n"
	".balign 64\n"
	"native_enter:\n"
	"push %rbx\n push %rbp\n push %r12\n push %r13\n"
	"push %r14\n push %r15\n"
	"mov %rsp, native_host_rsp(%rip)\n"
	"lea native_state(%rip), %rax\n"
	"lea 200(%rax), %rbx\n"
	"cmpl $1, native_level_now(%rip)\n"
	"ja 2f\n"
	"je 1f\n"
	".set i, 0\n"
	".irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"movdqu \\r*64(%rbx), %xmm\\r\n"
	".endr\n"
	"jmp 3f\n"
	"1:\n"
	".irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"vmovdqu \\r*64(%rbx), %ymm\\r\n"
	".endr\n"
	"jmp 3f\n"
	"2:\n"
	".irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,"
	"23,24,25,26,27,28,29,30,31\n"
	"vmovdqu64 \\r*64(%rbx), %zmm\\r\n"
	".endr\n"
	".irp r, 1,2,3,4,5,6,7\n"
	"kmovq 136+\\r*8(%rax), %k\\r\n"
	".endr\n"
	"3:\n"
	"pushq 128(%rax)\n"
	"popfq\n"
	"mov 8(%rax), %rcx\n mov 16(%rax), %rdx\n mov 24(%rax), %rbx\n"
	"mov 32(%rax), %rsp\n mov 40(%rax), %rbp\n mov 48(%rax), %rsi\n"
	"mov 56(%rax), %rdi\n mov 64(%rax), %r8\n mov 72(%rax), %r9\n"
	"mov 80(%rax), %r10\n mov 88(%rax), %r11\n mov 96(%rax), %r12\n"
	"mov 104(%rax), %r13\n mov 112(%rax), %r14\n mov 120(%rax), %r15\n"
	"mov (%rax), %rax\n"
	"native_hole:\n"
	".fill 16, 1, 0x90\n"
	"mov %rax, native_state(%rip)\n"
	"mov %rsp, native_state+32(%rip)\n"
	"mov native_host_rsp(%rip), %rsp\n"
	"pushfq\n"
	"cld\n"
	"lea native_state(%rip), %rax\n"
	"popq 128(%rax)\n"
	"mov %rcx, 8(%rax)\n mov %rdx, 16(%rax)\n mov %rbx, 24(%rax)\n"
	"mov %rbp, 40(%rax)\n mov %rsi, 48(%rax)\n"
	"mov %rdi, 56(%rax)\n mov %r8, 64(%rax)\n mov %r9, 72(%rax)\n"
	"mov %r10, 80(%rax)\n mov %r11, 88(%rax)\n mov %r12, 96(%rax)\n"
	"mov %r13, 104(%rax)\n mov %r14, 112(%rax)\n mov %r15, 120(%rax)\n"
	"lea 200(%rax), %rbx\n"
	"cmpl $1, native_level_now(%rip)\n"
	"ja 2f\n"
	"je 1f\n"
	".irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"movdqu %xmm\\r, \\r*64(%rbx)\n"
	".endr\n"
	"jmp 3f\n"
	"1:\n"
	".irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"vmovdqu %ymm\\r, \\r*64(%rbx)\n"
	".endr\n"
	"vzeroupper\n"
	"jmp 3f\n"
	"2:\n"
	".irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,"
	"23,24,25,26,27,28,29,30,31\n"
	"vmovdqu64 %zmm\\r, \\r*64(%rbx)\n"
	".endr\n"
	".irp r, 1,2,3,4,5,6,7\n"
	"kmovq %k\\r, 136+\\r*8(%rax)\n"
	".endr\n"
	"vzeroupper\n"
	"3:\n"
	"pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
	"ret\n"
	".balign 4096\n"
	".popsection\n");

_Static_assert(offsetof(struct native, flags) == 128, "in the code above");
_Static_assert(offsetof(struct native, mask) == 136, "in the code above");
_Static_assert(offsetof(struct native, vector) == 200, "in the code above");

enum native_level native_init(void)
{
	__builtin_cpu_init();
	native_level_now = NATIVE_SSE;
	if (__builtin_cpu_supports("avx2"))
		native_level_now = NATIVE_AVX;
	if (__builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512dq"))
		native_level_now = NATIVE_AVX512;
	/* One page suffices: the assembler would not fit the hole elsewhere. */
	if (mprotect(native_begin, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
		native_level_now = NATIVE_SSE;
	return (enum native_level)native_level_now;
}

uint64_t native_rip(void)
{
	return (uint64_t)(uintptr_t)native_hole;
}

void native_run(struct native *state, const uint8_t *bytes, size_t len)
{
	memset(native_hole, 0x90, 16);
	memcpy(native_hole, bytes, len);
	native_state = *state;
	native_enter();
	*state = native_state;
}

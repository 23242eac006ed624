/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The copies themselves are assembly that keeps everything in registers
 * which a caller expects to lose: a fault in it is answered by continuing at
 * a return, with no state to restore.
 */
#include "mem/copy.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#include "base/lock.h"

/* One fault at another address than ours ends in the handler before us. */
static struct sigaction former_segv;
static struct sigaction former_bus;
static struct uvf_mutex guard_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static atomic_bool is_on;

#ifdef __x86_64__

/*
 * rdi: to, rsi: from, rdx: bytes, r8: the address to align.
 *
 * First single pieces until the address is aligned to 8, then blocks of 64,
 * then ever smaller pieces: a naturally aligned unit never
 * falls into two pieces.  A store of 16 bytes to an address that is aligned
 * to 8 keeps both halves whole on every x86-64.
 */
__asm__(".pushsection .text.uvf_copy,\"ax\",@progbits\n"
	".balign 64\n"
	".globl uvf_copy_from\n"
	".type uvf_copy_from, @function\n"
	"uvf_copy_from:\n"
	"	mov	%rsi, %r8\n"
	"	jmp	1f\n"
	".size uvf_copy_from, . - uvf_copy_from\n"
	".globl uvf_copy_to\n"
	".type uvf_copy_to, @function\n"
	"uvf_copy_to:\n"
	"	mov	%rdi, %r8\n"
	"1:	test	$7, %r8b\n"
	"	jnz	8f\n"
	"2:	sub	$64, %rdx\n"
	"	jb	4f\n"
	"	.balign 16\n"
	"3:	movups	(%rsi), %xmm0\n"
	"	movups	16(%rsi), %xmm1\n"
	"	movups	32(%rsi), %xmm2\n"
	"	movups	48(%rsi), %xmm3\n"
	"	movups	%xmm0, (%rdi)\n"
	"	movups	%xmm1, 16(%rdi)\n"
	"	movups	%xmm2, 32(%rdi)\n"
	"	movups	%xmm3, 48(%rdi)\n"
	"	add	$64, %rsi\n"
	"	add	$64, %rdi\n"
	"	sub	$64, %rdx\n"
	"	jae	3b\n"
	"4:	add	$64, %rdx\n"
	"	jz	7f\n"
	"	test	$32, %dl\n"
	"	jz	51f\n"
	"	movups	(%rsi), %xmm0\n"
	"	movups	16(%rsi), %xmm1\n"
	"	movups	%xmm0, (%rdi)\n"
	"	movups	%xmm1, 16(%rdi)\n"
	"	add	$32, %rsi\n"
	"	add	$32, %rdi\n"
	"51:	test	$16, %dl\n"
	"	jz	52f\n"
	"	movups	(%rsi), %xmm0\n"
	"	movups	%xmm0, (%rdi)\n"
	"	add	$16, %rsi\n"
	"	add	$16, %rdi\n"
	"52:	test	$8, %dl\n"
	"	jz	6f\n"
	"	mov	(%rsi), %rax\n"
	"	mov	%rax, (%rdi)\n"
	"	add	$8, %rsi\n"
	"	add	$8, %rdi\n"
	"6:	test	$4, %dl\n"
	"	jz	61f\n"
	"	mov	(%rsi), %eax\n"
	"	mov	%eax, (%rdi)\n"
	"	add	$4, %rsi\n"
	"	add	$4, %rdi\n"
	"61:	test	$2, %dl\n"
	"	jz	62f\n"
	"	movzwl	(%rsi), %eax\n"
	"	mov	%ax, (%rdi)\n"
	"	add	$2, %rsi\n"
	"	add	$2, %rdi\n"
	"62:	test	$1, %dl\n"
	"	jz	7f\n"
	"	movzbl	(%rsi), %eax\n"
	"	mov	%al, (%rdi)\n"
	"7:	xor	%eax, %eax\n"
	"	ret\n"
	/* Up to the next multiple of 8. */
	"8:	test	$1, %r8b\n"
	"	jz	81f\n"
	"	sub	$1, %rdx\n"
	"	jb	7b\n"
	"	movzbl	(%rsi), %eax\n"
	"	mov	%al, (%rdi)\n"
	"	add	$1, %rsi\n"
	"	add	$1, %rdi\n"
	"	add	$1, %r8\n"
	"81:	test	$2, %r8b\n"
	"	jz	82f\n"
	"	cmp	$2, %rdx\n"
	"	jb	6b\n"
	"	sub	$2, %rdx\n"
	"	movzwl	(%rsi), %eax\n"
	"	mov	%ax, (%rdi)\n"
	"	add	$2, %rsi\n"
	"	add	$2, %rdi\n"
	"	add	$2, %r8\n"
	"82:	test	$4, %r8b\n"
	"	jz	2b\n"
	"	cmp	$4, %rdx\n"
	"	jb	6b\n"
	"	sub	$4, %rdx\n"
	"	mov	(%rsi), %eax\n"
	"	mov	%eax, (%rdi)\n"
	"	add	$4, %rsi\n"
	"	add	$4, %rdi\n"
	"	jmp	2b\n"
	".size uvf_copy_to, . - uvf_copy_to\n"
	".type uvf_copy_touch, @function\n"
	"uvf_copy_touch:\n"
	"	test	%esi, %esi\n"
	"	jnz	1f\n"
	"	movzbl	(%rdi), %eax\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"1:	lock orb $0, (%rdi)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	".size uvf_copy_touch, . - uvf_copy_touch\n"
	"uvf_copy_end:\n"
	"	mov	$-14, %eax\n" /* -EFAULT */
	"	ret\n"
	".popsection\n");

int uvf_copy_touch(uint64_t addr, int may_write);
extern const char uvf_copy_end[];

static bool resume(void *context)
{
	ucontext_t *uc = context;
	greg_t *rip = &uc->uc_mcontext.gregs[REG_RIP];

	if ((uintptr_t)*rip < (uintptr_t)uvf_copy_from ||
	    (uintptr_t)*rip >= (uintptr_t)uvf_copy_end)
		return false;
	*rip = (greg_t)(uintptr_t)uvf_copy_end;
	return true;
}

#else
#error "uvfio: write the guarded copies for this processor"
#endif

static_assert(EFAULT == 14, "what the assembly returns");

/* Nobody else wants the signal: let it do what it does without us. */
static void die(int sig, const siginfo_t *info)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	sigaction(sig, &action, NULL);
	/* A fault happens again; a signal that was sent does not. */
	if (info->si_code <= 0)
		raise(sig);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	const struct sigaction *former =
		sig == SIGBUS ? &former_bus : &former_segv;

	if (info->si_code > 0 && resume(context))
		return;
	if (former->sa_flags & SA_SIGINFO)
		former->sa_sigaction(sig, info, context);
	else if (former->sa_handler == SIG_DFL ||
		 (former->sa_handler == SIG_IGN && info->si_code > 0))
		die(sig, info);
	else if (former->sa_handler != SIG_IGN)
		former->sa_handler(sig);
}

/* Put ours before whatever handles the signal now. */
static int install(int sig, struct sigaction *ret_former)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART,
	};
	struct sigaction now;

	if (sigaction(sig, NULL, &now))
		return -errno;
	if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_fault)
		return 0;
	/* It must be known before the first fault comes. */
	*ret_former = now;
	sigemptyset(&action.sa_mask);
	return sigaction(sig, &action, NULL) ? -errno : 0;
}

int uvf_copy_guard_init(void)
{
	int ret;

	uvf_lock(&guard_lock);
	ret = install(SIGSEGV, &former_segv);
	if (!ret)
		ret = install(SIGBUS, &former_bus);
	if (!ret)
		atomic_store_explicit(&is_on, true, memory_order_release);
	uvf_unlock(&guard_lock);
	return ret;
}

bool uvf_copy_guard_is_on(void)
{
	return atomic_load_explicit(&is_on, memory_order_acquire);
}

int uvf_copy_probe(uint64_t addr, bool may_write)
{
	return uvf_copy_touch(addr, may_write);
}

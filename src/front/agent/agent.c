/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The code that lives in a client: the handler of SIGBUS and SIGSEGV.
 *
 * It runs on whatever stack the thread has, in any state of the client, with
 * all signals blocked but those that a fault of its own would raise.  So: no
 * library, no thread-local storage, no vector registers, no relocations, no
 * data but the page that the injection made.  The signal frame keeps all
 * registers of the client, and the return from the handler restores them.
 *
 * What is not the supervisor's goes to the handler that the client believes
 * to have.  That is a jump, not a call: the client's handler finds the stack
 * as the kernel made it, may unwind through it, or leave by siglongjmp().
 */
#include <stddef.h>

#include <asm/unistd.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ucontext.h>

#include "front/agent/abi.h"

/* How far from a slot's first choice the search for a free one goes. */
#define SLOT_PROBES 64U

/*
 * How long the answer to a ring is waited for, in pauses of the processor:
 * first until somebody takes the request, which is some microseconds, then
 * until it is done.
 */
#define PAUSES_UNTIL_TAKEN 500U
#define PAUSES_UNTIL_DONE  20000U

/* Bits of the sa_flags that the kernel itself would act on. */
#define CLIENT_NODEFER   0x40000000ULL
#define CLIENT_RESETHAND 0x80000000ULL

#define AGENT_BITS (1ULL << (SIGBUS - 1) | 1ULL << (SIGSEGV - 1))

static_assert(offsetof(ucontext_t, uc_sigmask) == 296, "kernel's ucontext");
static_assert((int)UVF_AGENT_EFLAGS == REG_EFL, "order of the signal frame");
static_assert((int)UVF_AGENT_RAX == REG_RAX, "order of the signal frame");
static_assert((unsigned int)(MAP_SHARED | MAP_STACK | MAP_DENYWRITE |
			     MAP_EXECUTABLE) == UVF_AGENT_MMAP_FLAGS,
	      "abi.h spells the flags as a number");

/* The page behind the code; the linker script puts it there. */
extern struct uvf_agent_data uvf_agent_data
	__attribute__((visibility("hidden")));

/*
 * The head, the handler and the restorer.  The handler keeps its arguments,
 * asks, and jumps to the handler of the client if there is one to run.  The
 * restorer is byte for byte what libgcc and gdb know one by.
 */
__asm__(".section .head, \"ax\", @progbits\n"
	".globl uvf_agent_head\n"
	"uvf_agent_head:\n"
	".quad 0x31746e6761667675\n" /* UVF_AGENT_MAGIC */
	".quad 1\n"                  /* UVF_AGENT_VERSION */
	".long entry - uvf_agent_head\n"
	".long restorer - uvf_agent_head\n"
	".balign 16\n"
	"entry:\n"
	"push %rdi\n"
	"push %rsi\n"
	"push %rdx\n"
	"call uvf_agent_fault\n"
	"pop %rdx\n"
	"pop %rsi\n"
	"pop %rdi\n"
	"test %rax, %rax\n"
	"jz 1f\n"
	"mov (%rsi), %edi\n" /* si_signo, which chain() may have changed */
	"jmp *%rax\n"
	"1: ret\n"
	".balign 16\n"
	"nop\n" /* unwinders look at the byte before a return address */
	"restorer:\n"
	"movq $15, %rax\n"
	"syscall\n"
	".text\n");

static long call6(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		  uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static void copy(void *dst, const void *src, uint64_t len)
{
	__asm__ volatile("rep movsb"
			 : "+D"(dst), "+S"(src), "+c"(len)
			 :
			 : "memory");
}

/* Set the signal mask of the thread, unseen by the filter. */
static void set_mask(const uint64_t *mask)
{
	call6(__NR_rt_sigprocmask, SIG_SETMASK, (uint64_t)mask, 0,
	      sizeof(*mask), 0, UVF_AGENT_MAGIC);
}

/*
 * Give a signal its default action.  A fault will repeat and end the client
 * with the right core; a signal that will not come again is sent once more,
 * and delivered when the handler has returned.
 */
static void end_by_default(int sig, int comes_again)
{
	struct uvf_agent_sigaction act = {0};
	long pid;

	call6(__NR_rt_sigaction, (uint64_t)sig, (uint64_t)&act, 0,
	      sizeof(act.mask), 0, UVF_AGENT_MAGIC);
	if (comes_again)
		return;
	pid = call6(__NR_getpid, 0, 0, 0, 0, 0, 0);
	call6(__NR_tgkill, (uint64_t)pid,
	      (uint64_t)call6(__NR_gettid, 0, 0, 0, 0, 0, 0), (uint64_t)sig, 0,
	      0, 0);
}

/*
 * The client's own handler, or 0 when nothing is left to run; the mask is
 * then what the kernel would have set for it, but for the signals that must
 * reach the agent at all times.
 *
 * @sig: may be another than the kernel sent; then the fault is told as that.
 */
static uint64_t chain(int sig, siginfo_t *info, const ucontext_t *uc)
{
	struct uvf_agent_client *client =
		&uvf_agent_data.client[sig == SIGBUS ? UVF_AGENT_SIGBUS
						     : UVF_AGENT_SIGSEGV];
	struct uvf_agent_sigaction *act = &client->action[client->current & 1];
	int comes_again = info->si_signo == sig && info->si_code > 0;
	uint64_t handler;
	uint64_t mask;

	handler = act->handler;
	if (act->flags & CLIENT_RESETHAND)
		handler =
			__atomic_exchange_n(&act->handler, 0, __ATOMIC_SEQ_CST);
	if (handler == (uint64_t)SIG_IGN && info->si_code <= 0)
		return 0;
	if (handler == (uint64_t)SIG_DFL || handler == (uint64_t)SIG_IGN) {
		end_by_default(sig, comes_again);
		return 0;
	}
	if (info->si_signo != sig) {
		info->si_signo = sig;
		info->si_code = BUS_ADRERR;
	}
	copy(&mask, &uc->uc_sigmask, sizeof(mask));
	mask = (mask | act->mask) & ~AGENT_BITS;
	set_mask(&mask);
	return handler;
}

/* A free slot, now ours, or UVF_AGENT_NO_SLOT. */
static uint32_t slot_take(struct uvf_agent_slot *slots, uint64_t hint)
{
	uint32_t i, index, busy;

	/* Threads differ in their stacks: each finds its own slot again. */
	hint = (hint >> 12) * 0x9e3779b1U;
	for (i = 0; i < SLOT_PROBES; i++) {
		index = (uint32_t)((hint >> 16) + i) % UVF_AGENT_SLOTS;
		busy = __atomic_load_n(&slots[index].busy, __ATOMIC_RELAXED);
		if (!(busy & 1) &&
		    __atomic_compare_exchange_n(&slots[index].busy, &busy,
						busy + 1, 0, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return index;
	}
	return UVF_AGENT_NO_SLOT;
}

/* Whether the agent closed these pages. */
static int is_closed(uint64_t addr, uint64_t len)
{
	uint32_t i, count;

	count = __atomic_load_n(&uvf_agent_data.closed_count, __ATOMIC_RELAXED);
	for (i = 0; i < count && i < UVF_AGENT_CLOSED_MAX; i++) {
		const struct uvf_agent_interval *at = &uvf_agent_data.closed[i];
		uint64_t size = __atomic_load_n(&at->len, __ATOMIC_ACQUIRE);

		if (addr - at->addr < size && len <= size - (addr - at->addr))
			return 1;
	}
	return 0;
}

/*
 * Take the rights from pages that trap, and note it before.  Without room for
 * the note they stay as they are, which is slower and no less right.
 */
static void close_pages(uint64_t addr, uint64_t len)
{
	struct uvf_agent_interval *at;
	uint32_t i;

	if (!is_closed(addr, len)) {
		if (uvf_agent_data.closed_count >= UVF_AGENT_CLOSED_MAX)
			return;
		i = __atomic_fetch_add(&uvf_agent_data.closed_count, 1,
				       __ATOMIC_RELAXED);
		if (i >= UVF_AGENT_CLOSED_MAX)
			return;
		at = &uvf_agent_data.closed[i];
		at->addr = addr;
		__atomic_store_n(&at->len, len, __ATOMIC_RELEASE);
	}
	call6(__NR_mprotect, addr, len, PROT_NONE, 0, 0, 0);
}

static void request(struct uvf_agent_slot *slot, const siginfo_t *info,
		    const ucontext_t *uc, int32_t tid)
{
	uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
	uint64_t addr = (uint64_t)info->si_addr;
	uint64_t len = UVF_AGENT_PAGE_SIZE - rip % UVF_AGENT_PAGE_SIZE;

	if (len > UVF_AGENT_INSN_MAX)
		len = UVF_AGENT_INSN_MAX;
	/* Code inside a device is no code: reading it would fault again. */
	if (rip / UVF_AGENT_PAGE_SIZE == addr / UVF_AGENT_PAGE_SIZE)
		len = 0;
	slot->addr = addr;
	slot->ucontext = (uint64_t)uc;
	slot->fpstate = (uint64_t)uc->uc_mcontext.fpregs;
	copy(slot->regs, uc->uc_mcontext.gregs, sizeof(slot->regs));
	copy(slot->insn, (const void *)rip, len);
	slot->insn_len = (uint32_t)len;
	slot->is_missed = 0;
	slot->tid = tid;
	slot->signal = info->si_signo;
	slot->is_closed = is_closed(addr, 1);
	__atomic_store_n(&slot->state, UVF_AGENT_REQUEST, __ATOMIC_RELEASE);
}

/*
 * Asks until there is an answer: before Linux 5.19 a signal can interrupt
 * the call even after the supervisor has acted.
 */
static long ask(uint32_t index, struct uvf_agent_slot *slot)
{
	long ret;

	do {
		ret = call6(__NR_ioctl, (uint64_t)-1, UVF_AGENT_FAULT, index,
			    (uint64_t)slot, 0, UVF_AGENT_MAGIC);
	} while (ret == -EINTR);
	return ret;
}

static struct uvf_agent_bell *find_bell(void)
{
	return (void *)(uvf_agent_data.mailbox + UVF_AGENT_BELL_OFFSET);
}

/* The number of the thread while somebody hears rings, else 0. */
static int32_t heard_as(void)
{
	if (!__atomic_load_n(&find_bell()->is_heard, __ATOMIC_RELAXED))
		return 0;
	return (int32_t)call6(__NR_gettid, 0, 0, 0, 0, 0, 0);
}

/* Wait while a slot is in a state.  Return: the one that it has then. */
static uint32_t wait_while(const struct uvf_agent_slot *slot, uint32_t state,
			   unsigned int pauses)
{
	uint32_t now = state;

	while (pauses-- && now == state) {
		__asm__ volatile("pause");
		now = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
	}
	return now;
}

/*
 * Ask a thread that is awake.  Return: its answer, or 0: ask by a call.
 */
static long ring(uint32_t index, struct uvf_agent_slot *slot)
{
	struct uvf_agent_bell *bell = find_bell();
	uint32_t state;

	__atomic_fetch_or(&bell->rung[index / 64], 1ULL << index % 64,
			  __ATOMIC_SEQ_CST);
	state = wait_while(slot, UVF_AGENT_REQUEST, PAUSES_UNTIL_TAKEN);
	if (state == UVF_AGENT_SERVING)
		state = wait_while(slot, UVF_AGENT_SERVING, PAUSES_UNTIL_DONE);
	if (state == UVF_AGENT_ANSWERED)
		return slot->action;
	/* It may be taken, and declined, at any time until the call is. */
	slot->is_missed = state != UVF_AGENT_DECLINED;
	return 0;
}

/* Whether the client can now touch the memory itself. */
static int overlay(const struct uvf_agent_slot *slot)
{
	long ret;

	ret = call6(__NR_mmap, slot->map_addr, slot->map_len, slot->map_prot,
		    UVF_AGENT_MMAP_FLAGS | MAP_FIXED, (uint64_t)slot->map_fd,
		    slot->map_offset);
	call6(__NR_close, (uint64_t)slot->map_fd, 0, 0, 0, 0, 0);
	return ret == (long)slot->map_addr;
}

/* Return: what the entry shall jump to, or 0. */
uint64_t uvf_agent_fault(int sig, siginfo_t *info, ucontext_t *uc)
	__attribute__((visibility("hidden")));

uint64_t uvf_agent_fault(int sig, siginfo_t *info, ucontext_t *uc)
{
	struct uvf_agent_slot *slots = (void *)uvf_agent_data.mailbox;
	struct uvf_agent_slot on_stack;
	struct uvf_agent_slot *slot = &on_stack;
	uint32_t index;
	int32_t tid;
	long action;

	if (info->si_code != (sig == SIGBUS ? BUS_ADRERR : SEGV_ACCERR))
		return chain(sig, info, uc);

	tid = heard_as();
	index = slot_take(slots, (uint64_t)uc);
	if (index != UVF_AGENT_NO_SLOT)
		slot = &slots[index];
	else
		tid = 0;
	request(slot, info, uc, tid);
	action = tid ? ring(index, slot) : 0;
	if (!action)
		action = ask(index, slot);
	if (action > 0)
		copy(uc->uc_mcontext.gregs, slot->regs, sizeof(slot->regs));
	if (action == UVF_AGENT_OVERLAY && !overlay(slot))
		action = UVF_AGENT_BUS;
	if (action == UVF_AGENT_CLOSE)
		close_pages(slot->map_addr, slot->map_len);
	if (index != UVF_AGENT_NO_SLOT)
		__atomic_add_fetch(&slot->busy, 1, __ATOMIC_RELEASE);
	if (action == UVF_AGENT_RESUME || action == UVF_AGENT_OVERLAY ||
	    action == UVF_AGENT_CLOSE)
		return 0;
	return chain(action == UVF_AGENT_BUS ? SIGBUS : sig, info, uc);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the agent, the filter and the supervisor agree on.
 *
 * The agent is one page of code and one page of data that the supervisor puts
 * into a client which maps a device.  The first touch of a device page raises
 * SIGBUS.  A page that traps loses its rights then, since the kernel raises
 * SIGSEGV in less time; a store to a page that may be read only does so, too.
 * The agent's handler describes it in a slot of the mailbox, makes one trapped
 * system call, and does what the answer says.  While a thread of the
 * supervisor looks at the mailbox, the agent rings instead and waits for a
 * moment; when nobody answered by then it makes the call.
 *
 * Owners: a slot belongs to the thread that set uvf_agent_slot::busy; between
 * its system call and the answer the supervisor may read and write it.  The
 * client can write all of this at any time, so that the supervisor copies a
 * slot once and believes none of it.
 */
#ifndef UVF_FRONT_AGENT_ABI_H
#define UVF_FRONT_AGENT_ABI_H

#include <assert.h>
#include <stdint.h>

/*
 * The trapped system call: ioctl(-1, UVF_AGENT_FAULT, slot, address of the
 * slot, 0, UVF_AGENT_MAGIC).  The number is _IO(0x3b, 0xf0).  It returns an
 * enum uvf_agent_action.
 */
#define UVF_AGENT_FAULT 0x3bf0U

/*
 * In the sixth argument of every system call of the agent, and of those made
 * for it, that takes fewer: rt_sigaction and rt_sigprocmask that carry it pass
 * the filter.
 */
#define UVF_AGENT_MAGIC 0x31746e6761667675ULL

/*
 * MAP_SHARED | MAP_STACK | MAP_DENYWRITE | MAP_EXECUTABLE, a combination that
 * no program uses: the filter lets mmap() with these pass, with or without
 * MAP_FIXED.
 */
#define UVF_AGENT_MMAP_FLAGS 0x21801U

#define UVF_AGENT_PAGE_SIZE   4096U
#define UVF_AGENT_DATA_OFFSET UVF_AGENT_PAGE_SIZE
#define UVF_AGENT_SIZE        (2 * UVF_AGENT_PAGE_SIZE)

#define UVF_AGENT_SLOTS        256U
#define UVF_AGENT_BELL_OFFSET  (UVF_AGENT_SLOTS * 256U)
#define UVF_AGENT_MAILBOX_SIZE (UVF_AGENT_BELL_OFFSET + UVF_AGENT_PAGE_SIZE)

/* All slots are taken: the slot is on the stack of the thread. */
#define UVF_AGENT_NO_SLOT 0xffffffffU

#define UVF_AGENT_INSN_MAX 15

/* Order of uvf_agent_slot::regs, that of the signal frame. */
enum uvf_agent_reg {
	UVF_AGENT_R8,
	UVF_AGENT_R9,
	UVF_AGENT_R10,
	UVF_AGENT_R11,
	UVF_AGENT_R12,
	UVF_AGENT_R13,
	UVF_AGENT_R14,
	UVF_AGENT_R15,
	UVF_AGENT_RDI,
	UVF_AGENT_RSI,
	UVF_AGENT_RBP,
	UVF_AGENT_RBX,
	UVF_AGENT_RDX,
	UVF_AGENT_RAX,
	UVF_AGENT_RCX,
	UVF_AGENT_RSP,
	UVF_AGENT_RIP,
	UVF_AGENT_EFLAGS,
	UVF_AGENT_REGS,
};

enum uvf_agent_action {
	UVF_AGENT_RESUME = 1, /* go on with the registers of the slot */
	UVF_AGENT_OVERLAY,    /* map what the slot says, try again */
	UVF_AGENT_CHAIN,      /* not ours: the client's own handler */
	UVF_AGENT_BUS,        /* nothing answers: that of SIGBUS */
	UVF_AGENT_CLOSE,      /* RESUME, and the interval may not be touched */
};

/* Where the signals that the agent handles are in its data. */
#define UVF_AGENT_SIGNALS 2
#define UVF_AGENT_SIGBUS  0
#define UVF_AGENT_SIGSEGV 1

enum uvf_agent_state {
	UVF_AGENT_IDLE,
	UVF_AGENT_REQUEST, /* by the agent */
	UVF_AGENT_SERVING, /* by the supervisor */
	UVF_AGENT_ANSWERED,
	UVF_AGENT_DECLINED, /* it takes the system call */
};

/* Times of flight: one fault. */
struct uvf_agent_slot {
	uint32_t busy;  /* odd: taken; counts up, so that no two look alike */
	uint32_t state; /* enum uvf_agent_state; atomic */

	/* Request; regs are also the answer, for all actions. */
	uint64_t addr;     /* touched, as the kernel reports it */
	uint64_t ucontext; /* the signal frame */
	uint64_t fpstate;  /* its vector registers, or 0 */
	uint64_t regs[UVF_AGENT_REGS];
	uint8_t insn[16]; /* at RIP, never from the next page */
	uint32_t insn_len;

	/* Answer. */
	uint32_t action;     /* enum uvf_agent_action */
	uint64_t map_addr;   /* OVERLAY, CLOSE */
	uint64_t map_len;    /* bytes */
	uint64_t map_offset; /* bytes, in map_fd; OVERLAY */
	uint32_t map_prot;
	int32_t map_fd; /* of the client; the agent closes it */

	int32_t tid;        /* of the thread; 0: it does not ring */
	uint32_t is_missed; /* it rang, and nobody came; part of a request */
	int32_t signal;     /* likewise; the kernel's number */
	uint32_t is_closed; /* likewise; the page was, by CLOSE */
	uint32_t reserved[2];
};

static_assert(sizeof(struct uvf_agent_slot) == 256, "a slot is 4 lines");

/* Behind the slots. */
struct uvf_agent_bell {
	uint32_t is_heard; /* by the supervisor; atomic */
	uint32_t reserved[15];
	/* A bit for each slot with a request, in a line of its own; atomic. */
	uint64_t rung[UVF_AGENT_SLOTS / 64];
};

static_assert(sizeof(struct uvf_agent_bell) == 96, "shared with agent.c");

/* As the kernel's rt_sigaction() has it. */
struct uvf_agent_sigaction {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

static_assert(sizeof(struct uvf_agent_sigaction) == 32, "kernel ABI");

/* The first bytes of the code page. */
struct uvf_agent_head {
	uint64_t magic; /* UVF_AGENT_MAGIC */
	uint64_t version;
	uint32_t handler;  /* bytes from the head */
	uint32_t restorer; /* bytes from the head */
};

static_assert(sizeof(struct uvf_agent_head) == 24, "shared with agent.c");

#define UVF_AGENT_VERSION 1ULL

/*
 * The page after the code; private, so that fork() gives the child its own.
 *
 * The supervisor writes the entry of client[] that is not current, then
 * current, so that a thread which reads meanwhile finds a whole one.
 */
struct uvf_agent_client {
	struct uvf_agent_sigaction action[2];
	uint32_t current; /* index into action */
	uint32_t reserved;
};

/* Addresses that the agent closed; what the client does later may differ. */
struct uvf_agent_interval {
	uint64_t addr;
	uint64_t len; /* bytes, 0: not written yet; last */
};

#define UVF_AGENT_CLOSED_MAX 128U

struct uvf_agent_data {
	uint64_t mailbox; /* address in the client; set once */
	uint32_t owner;   /* process that the supervisor last saw here */
	uint32_t closed_count;
	struct uvf_agent_client client[UVF_AGENT_SIGNALS]; /* what it set */
	struct uvf_agent_sigaction own; /* what the agent runs with */
	struct uvf_agent_interval closed[UVF_AGENT_CLOSED_MAX];
};

static_assert(sizeof(struct uvf_agent_data) == 192 + 16 * UVF_AGENT_CLOSED_MAX,
	      "shared with agent.c");

#endif /* UVF_FRONT_AGENT_ABI_H */

/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"

static_assert(UVF_AGENT_BELL_OFFSET ==
		      UVF_AGENT_SLOTS * sizeof(struct uvf_agent_slot),
	      "abi.h");

/* What the answer changes: state and action apart, which go last. */
#define ANSWER_FIRST offsetof(struct uvf_agent_slot, map_addr)
#define ANSWER_SIZE  (offsetof(struct uvf_agent_slot, tid) - ANSWER_FIRST)

struct uvf_mailbox {
	int fd;
	struct uvf_agent_slot *slots; /* shared with all clients */
	struct uvf_agent_bell *bell;  /* likewise */
	/* Thread last seen in each slot, and slot->busy at that time. */
	_Atomic(uint64_t) owners[UVF_AGENT_SLOTS];
	/* By a thread of ours; slot->state is no more than a client's word. */
	atomic_bool is_served[UVF_AGENT_SLOTS];
	atomic_bool was_missed; /* a ring */
};

int uvf_mailbox_create(struct uvf_mailbox **ret_mailbox)
{
	struct uvf_mailbox *mailbox;
	void *slots;
	int ret;

	mailbox = uvf_zalloc(sizeof(*mailbox));
	if (!mailbox)
		return -ENOMEM;
	mailbox->fd =
		memfd_create("uvfio-mailbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (mailbox->fd < 0) {
		ret = -errno;
		goto err_free;
	}
	/* A client that could truncate it could fault us. */
	if (ftruncate(mailbox->fd, UVF_AGENT_MAILBOX_SIZE) ||
	    fcntl(mailbox->fd, F_ADD_SEALS,
		  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)) {
		ret = -errno;
		goto err_close;
	}
	slots = mmap(NULL, UVF_AGENT_MAILBOX_SIZE, PROT_READ | PROT_WRITE,
		     MAP_SHARED, mailbox->fd, 0);
	if (slots == MAP_FAILED) {
		ret = -errno;
		goto err_close;
	}
	mailbox->slots = slots;
	mailbox->bell = (void *)((char *)slots + UVF_AGENT_BELL_OFFSET);
	*ret_mailbox = mailbox;
	return 0;

err_close:
	close(mailbox->fd);
err_free:
	uvf_free(mailbox);
	return ret;
}

void uvf_mailbox_destroy(struct uvf_mailbox *mailbox)
{
	if (!mailbox)
		return;
	munmap(mailbox->slots, UVF_AGENT_MAILBOX_SIZE);
	close(mailbox->fd);
	uvf_free(mailbox);
}

int uvf_mailbox_fd(const struct uvf_mailbox *mailbox)
{
	return mailbox->fd;
}

static struct iovec iov(uint64_t addr, size_t len)
{
	return (struct iovec){.iov_base = (void *)(uintptr_t)addr,
			      .iov_len = len};
}

/* What a slot says about a request that was served before. */
static int get_answer(const struct uvf_agent_slot *slot)
{
	uint32_t action = __atomic_load_n(&slot->action, __ATOMIC_RELAXED);

	/* Zero would mean that it is to be served. */
	return action && action <= UVF_AGENT_CLOSE ? (int)action : -EINVAL;
}

static int stack_begin(pid_t tid, uint64_t addr, struct uvf_agent_slot *copy)
{
	struct iovec local = {.iov_base = copy, .iov_len = sizeof(*copy)};
	struct iovec remote = iov(addr, sizeof(*copy));

	if (process_vm_readv(tid, &local, 1, &remote, 1, 0) !=
	    (ssize_t)sizeof(*copy))
		return -EFAULT;
	return copy->state == UVF_AGENT_ANSWERED ? get_answer(copy) : 0;
}

int uvf_mailbox_begin(struct uvf_mailbox *mailbox, pid_t tid, uint64_t index,
		      uint64_t addr, struct uvf_agent_slot *ret_copy)
{
	struct uvf_agent_slot *slot;
	uint64_t owner;
	int ret;

	if ((uint32_t)index == UVF_AGENT_NO_SLOT) {
		uvf_mailbox_reclaim(mailbox);
		return stack_begin(tid, addr, ret_copy);
	}
	if (index >= UVF_AGENT_SLOTS)
		return -EINVAL;
	slot = &mailbox->slots[index];
	owner = (uint64_t)tid << 32 |
		__atomic_load_n(&slot->busy, __ATOMIC_RELAXED);
	atomic_store_explicit(&mailbox->owners[index], owner,
			      memory_order_relaxed);
	/*
	 * A request that a signal interrupted (before Linux 5.19) comes a
	 * second time: another thread of ours may be serving it right now.
	 */
	while (atomic_exchange(&mailbox->is_served[index], true))
		sched_yield();
	switch (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE)) {
	case UVF_AGENT_REQUEST:
	case UVF_AGENT_DECLINED:
		__atomic_store_n(&slot->state, UVF_AGENT_SERVING,
				 __ATOMIC_RELAXED);
		memcpy(ret_copy, slot, sizeof(*ret_copy));
		if (ret_copy->is_missed) {
			uvf_mailbox_listen(mailbox, false);
			atomic_store(&mailbox->was_missed, true);
		}
		return 0;
	case UVF_AGENT_ANSWERED:
		ret = get_answer(slot);
		break;
	default:
		ret = -EINVAL;
	}
	atomic_store(&mailbox->is_served[index], false);
	return ret;
}

void uvf_mailbox_listen(struct uvf_mailbox *mailbox, bool on)
{
	__atomic_store_n(&mailbox->bell->is_heard, on, __ATOMIC_RELAXED);
}

bool uvf_mailbox_take_missed(struct uvf_mailbox *mailbox)
{
	return atomic_load_explicit(&mailbox->was_missed,
				    memory_order_relaxed) &&
	       atomic_exchange(&mailbox->was_missed, false);
}

bool uvf_mailbox_find_ring(struct uvf_mailbox *mailbox, uint32_t *ret_index)
{
	for (uint32_t i = 0; i < UVF_AGENT_SLOTS / 64; i++) {
		uint64_t *rung = &mailbox->bell->rung[i];
		uint64_t bits = __atomic_load_n(rung, __ATOMIC_RELAXED);
		uint64_t bit = bits & -bits;

		if (!bits ||
		    !(__atomic_fetch_and(rung, ~bit, __ATOMIC_ACQ_REL) & bit))
			continue;
		*ret_index = i * 64 + (uint32_t)__builtin_ctzll(bit);
		return true;
	}
	return false;
}

int uvf_mailbox_begin_ring(struct uvf_mailbox *mailbox, uint32_t index,
			   struct uvf_agent_slot *ret_copy)
{
	struct uvf_agent_slot *slot = &mailbox->slots[index];
	uint32_t request = UVF_AGENT_REQUEST;

	/* Who made the call meanwhile is served by that. */
	if (atomic_exchange(&mailbox->is_served[index], true))
		return -EBUSY;
	if (!__atomic_compare_exchange_n(&slot->state, &request,
					 UVF_AGENT_SERVING, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		atomic_store(&mailbox->is_served[index], false);
		return -EINVAL;
	}
	memcpy(ret_copy, slot, sizeof(*ret_copy));
	atomic_store_explicit(&mailbox->owners[index],
			      (uint64_t)ret_copy->tid << 32 | ret_copy->busy,
			      memory_order_relaxed);
	return 0;
}

void uvf_mailbox_decline(struct uvf_mailbox *mailbox, uint32_t index)
{
	__atomic_store_n(&mailbox->slots[index].state, UVF_AGENT_DECLINED,
			 __ATOMIC_RELEASE);
	atomic_store(&mailbox->is_served[index], false);
}

static void stack_end(pid_t tid, uint64_t addr,
		      const struct uvf_agent_slot *copy)
{
	struct uvf_agent_slot answer = *copy;
	struct iovec local = {.iov_base = &answer, .iov_len = sizeof(answer)};
	struct iovec remote = iov(addr, sizeof(answer));

	answer.state = UVF_AGENT_ANSWERED;
	(void)process_vm_writev(tid, &local, 1, &remote, 1, 0);
}

void uvf_mailbox_end(struct uvf_mailbox *mailbox, pid_t tid, uint64_t index,
		     uint64_t addr, const struct uvf_agent_slot *copy)
{
	struct uvf_agent_slot *slot;

	if ((uint32_t)index == UVF_AGENT_NO_SLOT) {
		stack_end(tid, addr, copy);
		return;
	}
	slot = &mailbox->slots[index];
	/* What stays as it is need not travel between processors. */
	for (unsigned int i = 0; i < UVF_AGENT_REGS; i++)
		if (slot->regs[i] != copy->regs[i])
			slot->regs[i] = copy->regs[i];
	if (copy->action == UVF_AGENT_OVERLAY ||
	    copy->action == UVF_AGENT_CLOSE)
		memcpy((char *)slot + ANSWER_FIRST,
		       (const char *)copy + ANSWER_FIRST, ANSWER_SIZE);
	slot->action = copy->action;
	__atomic_store_n(&slot->state, UVF_AGENT_ANSWERED, __ATOMIC_RELEASE);
	atomic_store(&mailbox->is_served[index], false);
}

static bool is_gone(pid_t tid)
{
	/* Signal 0 finds threads too, unlike what its manual promises. */
	return syscall(SYS_tkill, tid, 0) && errno == ESRCH;
}

void uvf_mailbox_reclaim(struct uvf_mailbox *mailbox)
{
	uint64_t owner;
	uint32_t i, busy;

	for (i = 0; i < UVF_AGENT_SLOTS; i++) {
		owner = atomic_load(&mailbox->owners[i]);
		busy = (uint32_t)owner;
		if (!(busy & 1) || !is_gone((pid_t)(owner >> 32)))
			continue;
		/* Free already, or another's: then the value has moved on. */
		__atomic_compare_exchange_n(&mailbox->slots[i].busy, &busy,
					    busy + 1, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One-shot ptrace of a thread that waits in a notification.
 *
 * The thread stops on its way back to user mode.  There its registers are
 * replaced, so that it executes its own `syscall` instruction again and
 * again, with our numbers; system-call stops tell when, and unlike single
 * steps they raise no SIGTRAP that the client could have blocked or ignored.
 * All signals are blocked meanwhile, which keeps them pending where the
 * kernel has them.
 */
#include "front/supervisor/inject.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/agent/abi.h"
#include "front/agent/blob.h"

/* The signals that the agent handles, in the order of abi.h. */
static const int signals[UVF_AGENT_SIGNALS] = {SIGBUS, SIGSEGV};

#define AGENT_BITS (1ULL << (SIGBUS - 1) | 1ULL << (SIGSEGV - 1))

/* Flags as the kernel has them; glibc hides SA_RESTORER. */
#define AGENT_SA_FLAGS                                                         \
	((uint64_t)(SA_SIGINFO | SA_ONSTACK | SA_NODEFER) | 0x04000000ULL)

/* User code segment of a 64-bit program. */
#define CS_64 0x33U

/* Stops of the thread by signals that no mask holds back; see step(). */
#define HELD_MAX 4

struct tracee {
	pid_t tid;
	struct uvf_inject_params *params;
	struct user_regs_struct regs; /* as the client shall go on */
	uint64_t mask;                /* likewise */
	uint64_t insn;                /* address of its `syscall` */
	int held[HELD_MAX];           /* signals to send again */
	unsigned int n_held;
};

static bool is_error(int64_t ret)
{
	return ret < 0 && ret >= -4095;
}

static int client_read(pid_t pid, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = {.iov_base = buf, .iov_len = len};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)addr,
			       .iov_len = len};

	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)len)
		return -EFAULT;
	return 0;
}

static int client_write(pid_t pid, uint64_t addr, const void *buf, size_t len)
{
	struct iovec local = {.iov_base = (void *)(uintptr_t)buf,
			      .iov_len = len};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)addr,
			       .iov_len = len};

	if (process_vm_writev(pid, &local, 1, &remote, 1, 0) != (ssize_t)len)
		return -EFAULT;
	return 0;
}

/* Whether it is for the front, not for us, to learn that the process ended. */
static bool is_own_child(pid_t tid)
{
	char path[32], line[256];
	const char *end;
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	len = read(fd, line, sizeof(line) - 1);
	close(fd);
	line[len < 0 ? 0 : len] = 0;
	/* The name, in parentheses, may hold anything; then state, parent. */
	end = strrchr(line, ')');
	return end && strlen(end) > 4 && strtol(end + 4, NULL, 10) == getpid();
}

/*
 * Wait until the thread stops.  The exit of a child of our own is left to
 * be waited for by the front; any other would stay a zombie for us.
 *
 * Return: 0 with the stop in *ret_stop, or -ESRCH: it is gone.
 */
static int wait_stop(struct tracee *t, int *ret_stop)
{
	siginfo_t info = {0};

	while (waitid(P_PID, (id_t)t->tid, &info,
		      WSTOPPED | WEXITED | WNOWAIT | __WALL))
		if (errno != EINTR)
			return -ESRCH;
	if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
	    info.si_code == CLD_DUMPED) {
		if (!is_own_child(t->tid))
			(void)waitid(P_PID, (id_t)t->tid, &info,
				     WEXITED | WNOHANG | __WALL);
		return -ESRCH;
	}
	(void)waitid(P_PID, (id_t)t->tid, &info, WSTOPPED | WNOHANG | __WALL);
	*ret_stop = info.si_status;
	return 0;
}

/* Note a signal that stopped the thread, to be sent again at the end. */
static void hold(struct tracee *t, int stop)
{
	if (stop >> 8 == 0 && t->n_held < HELD_MAX)
		t->held[t->n_held++] = stop;
}

/*
 * Run until the next system-call stop.  SIGSTOP is the only signal that can
 * come in between; a group stop is re-entered by the kernel at the detach.
 */
static int step(struct tracee *t)
{
	int stop, ret;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, t->tid, 0, 0))
			return -ESRCH;
		ret = wait_stop(t, &stop);
		if (ret)
			return ret;
		if (stop == (SIGTRAP | 0x80))
			return 0;
		hold(t, stop);
	}
}

/* Make the client do one system call.  Return: 0, or -ESRCH: it is gone. */
static int call(struct tracee *t, int64_t *ret_value, long number,
		const uint64_t args[6])
{
	struct user_regs_struct regs = t->regs;
	int ret;

	regs.rip = t->insn;
	regs.rax = (unsigned long long)number;
	regs.orig_rax = ~0ULL;
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	if (ptrace(PTRACE_SETREGS, t->tid, 0, &regs))
		return -ESRCH;
	ret = step(t);
	if (!ret)
		ret = step(t);
	if (ret)
		return ret;
	if (ptrace(PTRACE_GETREGS, t->tid, 0, &regs))
		return -ESRCH;
	*ret_value = (int64_t)regs.rax;
	return 0;
}

/* The same, for calls whose only result is success. */
static int call_int(struct tracee *t, long number, const uint64_t args[6])
{
	int64_t value;
	int ret;

	ret = call(t, &value, number, args);
	if (!ret && is_error(value))
		ret = (int)value;
	return ret;
}

static int call_mmap(struct tracee *t, uint64_t *ret_addr, uint64_t len,
		     uint64_t flags, int fd)
{
	int64_t value;
	int ret;

	ret = call(t, &value, SYS_mmap,
		   (uint64_t[6]){0, len, PROT_READ | PROT_WRITE, flags,
				 (uint64_t)fd, 0});
	if (ret)
		return ret;
	if (is_error(value))
		return (int)value;
	*ret_addr = (uint64_t)value;
	return 0;
}

static void call_munmap(struct tracee *t, uint64_t addr, uint64_t len)
{
	(void)call_int(t, SYS_munmap, (uint64_t[6]){addr, len});
}

static int call_sigaction(struct tracee *t, int sig, uint64_t act, uint64_t old)
{
	return call_int(t, SYS_rt_sigaction,
			(uint64_t[6]){(uint64_t)sig, act, old, sizeof(uint64_t),
				      0, UVF_AGENT_MAGIC});
}

/* Code and data, before the code becomes read-only. */
static int write_pages(struct tracee *t, uint64_t base, uint64_t mailbox)
{
	const struct uvf_agent_head *head = (const void *)uvf_agent_blob;
	struct uvf_agent_data data = {
		.mailbox = mailbox,
		.owner = (uint32_t)t->params->pid,
		.own = {.handler = base + head->handler,
			.flags = AGENT_SA_FLAGS,
			.restorer = base + head->restorer,
			/* What the agent's own faults raise stays open. */
			.mask = ~(AGENT_BITS | 1ULL << (SIGILL - 1) |
				  1ULL << (SIGFPE - 1) |
				  1ULL << (SIGTRAP - 1))},
	};
	int ret;

	ret = client_write(t->tid, base, uvf_agent_blob, uvf_agent_blob_size);
	if (ret)
		return ret;
	return client_write(t->tid, base + UVF_AGENT_DATA_OFFSET, &data,
			    sizeof(data));
}

/* Where the data says what the client set for a signal. */
static uint64_t client_at(uint64_t base, int which)
{
	return base + UVF_AGENT_DATA_OFFSET +
	       offsetof(struct uvf_agent_data, client) +
	       (uint64_t)which * sizeof(struct uvf_agent_client);
}

/*
 * The actions of the client move into the agent's data before ours replace
 * them, so that no thread that faults in between misses one.
 */
static int install_handlers(struct tracee *t, uint64_t base)
{
	uint64_t own = base + UVF_AGENT_DATA_OFFSET +
		       offsetof(struct uvf_agent_data, own);
	struct uvf_agent_sigaction act;
	uint64_t other;
	int ret = 0;

	for (int i = 0; i < UVF_AGENT_SIGNALS && !ret; i++)
		ret = call_sigaction(t, signals[i], 0, client_at(base, i));
	if (!ret)
		ret = client_read(t->tid, client_at(base, UVF_AGENT_SIGBUS),
				  &act, sizeof(act));
	if (ret)
		return ret;
	other = act.handler & ~(uint64_t)(UVF_AGENT_PAGE_SIZE - 1);
	if (uvf_inject_is_present(t->tid, other)) {
		t->params->base = other;
		return -EEXIST;
	}
	for (int i = 0; i < UVF_AGENT_SIGNALS && !ret; i++)
		ret = call_sigaction(t, signals[i], own, 0);
	return ret;
}

static int install(struct tracee *t, int fd)
{
	uint64_t base = 0, mailbox = 0;
	int ret;

	ret = call_mmap(t, &base, UVF_AGENT_SIZE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1);
	if (ret)
		return ret;
	ret = call_mmap(t, &mailbox, UVF_AGENT_MAILBOX_SIZE,
			UVF_AGENT_MMAP_FLAGS, fd);
	if (ret)
		goto err_unmap_base;
	ret = write_pages(t, base, mailbox);
	if (!ret)
		ret = call_int(t, SYS_mprotect,
			       (uint64_t[6]){base, UVF_AGENT_PAGE_SIZE,
					     PROT_READ | PROT_EXEC});
	if (!ret)
		ret = install_handlers(t, base);
	if (ret)
		goto err_unmap_mailbox;
	t->params->base = base;
	return 0;

err_unmap_mailbox:
	call_munmap(t, mailbox, UVF_AGENT_MAILBOX_SIZE);
err_unmap_base:
	call_munmap(t, base, UVF_AGENT_SIZE);
	return ret;
}

/* Stopped at the end of its system call: keep what it shall go on with. */
static int save(struct tracee *t)
{
	uint64_t all = ~0ULL;
	long insn;

	if (ptrace(PTRACE_GETREGS, t->tid, 0, &t->regs) ||
	    ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(t->mask), &t->mask) ||
	    ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(all), &all))
		return -ESRCH;
	t->mask &= ~AGENT_BITS;
	t->insn = t->regs.rip - 2;
	errno = 0;
	insn = ptrace(PTRACE_PEEKTEXT, t->tid, t->insn, 0);
	if (errno || (insn & 0xffff) != 0x050f || t->regs.cs != CS_64)
		return -EOPNOTSUPP;
	t->params->result = (int64_t)t->regs.rax;
	/*
	 * Before Linux 5.19 the interruption reaches into the notification,
	 * and the kernel means to restart the call (-ERESTARTSYS and its
	 * kin); that is decided where we will not come by again.
	 */
	if (t->params->result <= -512 && t->params->result >= -516) {
		t->regs.rip = t->insn;
		t->regs.rax = t->regs.orig_rax;
		t->params->is_restarted = true;
	}
	return 0;
}

static void restore(struct tracee *t)
{
	unsigned int i;

	(void)ptrace(PTRACE_SETREGS, t->tid, 0, &t->regs);
	(void)ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(t->mask), &t->mask);
	(void)ptrace(PTRACE_DETACH, t->tid, 0, 0);
	for (i = 0; i < t->n_held; i++)
		(void)syscall(SYS_tgkill, t->params->pid, t->tid, t->held[i]);
}

/* Stopped: do what is to be done with the descriptor, or only close it. */
static int work(struct tracee *t, int fd)
{
	int ret, err;

	ret = save(t);
	if (ret == -ESRCH)
		return ret;
	/* Else nothing can be run in it, not even a close. */
	if (ret != -EOPNOTSUPP && fd >= 0) {
		if (t->params->is_restarted || !is_error(t->params->result))
			ret = install(t, fd);
		err = call_int(t, SYS_close, (uint64_t[6]){(uint64_t)fd});
		if (err == -ESRCH)
			ret = err;
	}
	restore(t);
	return ret;
}

int uvf_inject_agent(pid_t tid, struct uvf_inject_params *params)
{
	struct tracee t = {.tid = tid, .params = params};
	int fd, stop, ret;

	params->is_answered = false;
	params->is_restarted = false;
	params->result = 0;
	params->base = 0;

	if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD))
		return -errno;
	/* From here on only a stopped thread can be let go of. */
	fd = params->fd_install(params->context);
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0))
		return -ESRCH;
	params->is_answered = true;
	(void)params->answer(params->context);
	ret = wait_stop(&t, &stop);
	if (ret)
		return ret;
	hold(&t, stop);
	ret = work(&t, fd);
	return fd < 0 && ret != -ESRCH ? fd : ret;
}

bool uvf_inject_is_present(pid_t pid, uint64_t base)
{
	unsigned char head[sizeof(struct uvf_agent_head)];

	return base && !client_read(pid, base, head, sizeof(head)) &&
	       !memcmp(head, uvf_agent_blob, sizeof(head));
}

/*
 * A process that the agent's data does not name is a child: by fork(), which
 * gave it a copy, or by vfork(), which did not.  Writing its number shows
 * which: the parent sees that in the latter case only.
 */
static bool is_borrower(pid_t pid, uint64_t addr, uint32_t owner)
{
	uint64_t at = addr + offsetof(struct uvf_agent_data, owner);
	uint32_t mine = (uint32_t)pid, seen = 0;

	if (owner == mine || client_write(pid, at, &mine, sizeof(mine)))
		return false;
	if (client_read((pid_t)owner, at, &seen, sizeof(seen)) || seen != mine)
		return false;
	(void)client_write(pid, at, &owner, sizeof(owner));
	return true;
}

/* What the client set for a signal; 0 or -EFAULT. */
static int read_client(pid_t pid, uint64_t base, int which,
		       struct uvf_agent_client *ret_client)
{
	return client_read(pid, client_at(base, which), ret_client,
			   sizeof(*ret_client));
}

/* The entry that nobody uses, then the word that says which is used. */
static int write_client(pid_t pid, uint64_t base, int which, uint32_t current,
			const struct uvf_agent_sigaction *action)
{
	uint64_t at = client_at(base, which);

	if (client_write(pid, at + current * sizeof(*action), action,
			 sizeof(*action)))
		return -EFAULT;
	return client_write(pid,
			    at + offsetof(struct uvf_agent_client, current),
			    &current, sizeof(current));
}

int uvf_inject_sigaction(pid_t pid, uint64_t base, uint64_t signo, uint64_t act,
			 uint64_t old, uint64_t size,
			 enum uvf_inject_verdict *ret_verdict)
{
	uint64_t addr = base + UVF_AGENT_DATA_OFFSET;
	int which = (int)signo == SIGBUS ? UVF_AGENT_SIGBUS : UVF_AGENT_SIGSEGV;
	struct uvf_agent_client client;
	struct uvf_agent_sigaction next;
	struct uvf_agent_data data;

	*ret_verdict = UVF_INJECT_ANSWER;
	if (size != sizeof(uint64_t))
		return -EINVAL;
	if (client_read(pid, addr, &data, sizeof(data)) ||
	    is_borrower(pid, addr, data.owner)) {
		*ret_verdict = UVF_INJECT_CONTINUE;
		return 0;
	}
	client = data.client[which];
	if (act &&
	    (client_read(pid, act, &next, sizeof(next)) ||
	     write_client(pid, base, which, (client.current & 1) ^ 1, &next)))
		return -EFAULT;
	if (old && client_write(pid, old, &client.action[client.current & 1],
				sizeof(next)))
		return -EFAULT;
	return 0;
}

bool uvf_inject_has_handler(pid_t pid, uint64_t base)
{
	struct uvf_agent_client client;
	uint64_t handler;

	if (read_client(pid, base, UVF_AGENT_SIGBUS, &client))
		return false;
	handler = client.action[client.current & 1].handler;
	return handler != (uint64_t)SIG_DFL && handler != (uint64_t)SIG_IGN;
}

void uvf_inject_sigprocmask(pid_t tid, uint64_t how, uint64_t set)
{
	uint64_t mask;

	if (how == SIG_UNBLOCK || !set ||
	    client_read(tid, set, &mask, sizeof(mask)) || !(mask & AGENT_BITS))
		return;
	mask &= ~AGENT_BITS;
	(void)client_write(tid, set, &mask, sizeof(mask));
}

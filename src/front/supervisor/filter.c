/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "front/agent/abi.h"
#include "front/supervisor/view_writes.h"

/* Since Linux 5.19. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define X32_BIT       0x40000000U
#define X32_IOCTL     (X32_BIT + 514)
#define I386_IOCTL    54U
#define IOCTL_TYPE    0x0000ff00U
#define VFIO_TYPE     0x00003b00U
#define KVM_TYPE      0x0000ae00U
#define KVM_CREATE    0xc00caee0U /* KVM_CREATE_DEVICE */
#define KVM_SET_ATTR  0x4018aee1U /* KVM_SET_DEVICE_ATTR */
#define KVM_GET_ATTR  0x4018aee2U
#define KVM_HAS_ATTR  0x4018aee3U
#define KVM_GET_API   0xae00U   /* KVM_GET_API_VERSION */
#define HIGH_OFFSET   (1U << 8) /* upper half of 1 << 40, a region's index */
#define SMALL_ACCESS  64        /* bytes of a pread() that BAR0 may see */
#define MAP_TYPE_MASK 0x0fU
#define VECTOR_MAX    8   /* pieces of a writev() that may go to /sys */
#define BLOCK_MAX     255 /* instructions a jump can skip */

/* Offsets of what a program may look at. */
#define NR       ((uint32_t)offsetof(struct seccomp_data, nr))
#define ARCH     ((uint32_t)offsetof(struct seccomp_data, arch))
#define LOW(n)   ((uint32_t)offsetof(struct seccomp_data, args[n]))
#define UPPER(n) (LOW(n) + 4)

struct program {
	struct sock_filter *code;
	size_t count;
	bool is_too_long;
};

static void emit(struct program *p, uint16_t op, uint32_t k, uint8_t jt,
		 uint8_t jf)
{
	if (p->count == UVF_FILTER_MAX) {
		p->is_too_long = true;
		return;
	}
	p->code[p->count++] = (struct sock_filter){op, jt, jf, k};
}

static void load(struct program *p, uint32_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void mask(struct program *p, uint32_t bits)
{
	emit(p, BPF_ALU | BPF_AND | BPF_K, bits, 0, 0);
}

static void done(struct program *p, uint32_t action)
{
	emit(p, BPF_RET | BPF_K, action, 0, 0);
}

static void trap(struct program *p)
{
	done(p, SECCOMP_RET_USER_NOTIF);
}

static void allow(struct program *p)
{
	done(p, SECCOMP_RET_ALLOW);
}

/* End with an action when the accumulator is k, has bits of k, is >= k. */
static void if_equal(struct program *p, uint32_t k, uint32_t action)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
	done(p, action);
}

static void if_bits(struct program *p, uint32_t k, uint32_t action)
{
	emit(p, BPF_JMP | BPF_JSET | BPF_K, k, 0, 1);
	done(p, action);
}

static void if_at_least(struct program *p, uint32_t k, uint32_t action)
{
	emit(p, BPF_JMP | BPF_JGE | BPF_K, k, 0, 1);
	done(p, action);
}

static void unless_equal(struct program *p, uint32_t k, uint32_t action)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0);
	done(p, action);
}

/*
 * What follows, up to end(), is for this value of the accumulator only and
 * returns on every path; so the accumulator is as before after end().
 */
static size_t begin(struct program *p, uint32_t value)
{
	size_t at = p->count;

	emit(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0);
	return at;
}

static void end(struct program *p, size_t at)
{
	size_t skip = p->count - at - 1;

	if (p->is_too_long || skip > BLOCK_MAX) {
		p->is_too_long = true;
		return;
	}
	p->code[at].jf = (uint8_t)skip;
}

static void trap_always(struct program *p, int nr)
{
	if_equal(p, (uint32_t)nr, SECCOMP_RET_USER_NOTIF);
}

/* 32-bit programs: no VFIO for them, all else as without us. */
static void filter_foreign_ioctl(struct program *p, uint32_t nr)
{
	size_t at = begin(p, nr);

	load(p, LOW(1));
	mask(p, IOCTL_TYPE);
	if_equal(p, VFIO_TYPE, SECCOMP_RET_ERRNO | ENOSYS);
	allow(p);
	end(p, at);
}

static void filter_architecture(struct program *p)
{
	size_t at;

	load(p, ARCH);
	at = begin(p, AUDIT_ARCH_I386);
	load(p, NR);
	filter_foreign_ioctl(p, I386_IOCTL);
	allow(p);
	end(p, at);
	unless_equal(p, AUDIT_ARCH_X86_64, SECCOMP_RET_ALLOW);
	load(p, NR);
	filter_foreign_ioctl(p, X32_IOCTL);
	if_at_least(p, X32_BIT, SECCOMP_RET_ALLOW);
}

/*
 * Our commands, and those that the kernel would answer for a regular file
 * but VFIO answers in its own way.
 */
static void filter_ioctl(struct program *p, bool has_host_kvm)
{
	static const uint32_t others[] = {
		0,           TCGETS,     FIONREAD,     FIOQSIZE,
		KVM_GET_API, KVM_CREATE, KVM_SET_ATTR, KVM_GET_ATTR,
		KVM_HAS_ATTR};
	size_t at = begin(p, SYS_ioctl);

	load(p, LOW(1));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if_equal(p, others[i], SECCOMP_RET_USER_NOTIF);
	mask(p, IOCTL_TYPE);
	if_equal(p, VFIO_TYPE, SECCOMP_RET_USER_NOTIF);
	/* Of the host's, the rest is frequent and none of our business. */
	if (!has_host_kvm)
		if_equal(p, KVM_TYPE, SECCOMP_RET_USER_NOTIF);
	allow(p);
	end(p, at);
}

/*
 * Region N of a device lies at N << 40.  Region 0 cannot be told from the
 * start of any file, but registers are read by few bytes at a time.
 */
static void filter_pread(struct program *p, uint32_t nr)
{
	size_t at = begin(p, nr);

	load(p, UPPER(3));
	if_at_least(p, HIGH_OFFSET, SECCOMP_RET_USER_NOTIF);
	unless_equal(p, 0, SECCOMP_RET_ALLOW);
	load(p, UPPER(2));
	unless_equal(p, 0, SECCOMP_RET_ALLOW);
	load(p, LOW(2));
	if_at_least(p, SMALL_ACCESS + 1, SECCOMP_RET_ALLOW);
	trap(p);
	end(p, at);
}

/*
 * A file of /sys takes a page at most; C libraries write by one vector of
 * few pieces.
 */
static void filter_write(struct program *p, uint32_t nr, uint32_t most)
{
	size_t at = begin(p, nr);

	load(p, UPPER(2));
	unless_equal(p, 0, SECCOMP_RET_ALLOW);
	load(p, LOW(2));
	if_at_least(p, most + 1, SECCOMP_RET_ALLOW);
	trap(p);
	end(p, at);
}

static void filter_preadv(struct program *p, uint32_t nr)
{
	size_t at = begin(p, nr);

	load(p, UPPER(3));
	if_at_least(p, HIGH_OFFSET, SECCOMP_RET_USER_NOTIF);
	allow(p);
	end(p, at);
}

static void filter_mmap(struct program *p)
{
	size_t at = begin(p, SYS_mmap);

	load(p, LOW(4));
	if_bits(p, 1U << 31, SECCOMP_RET_ALLOW);
	load(p, LOW(3));
	mask(p, ~(uint32_t)MAP_FIXED);
	if_equal(p, UVF_AGENT_MMAP_FLAGS, SECCOMP_RET_ALLOW);
	mask(p, MAP_TYPE_MASK);
	if_bits(p, MAP_SHARED, SECCOMP_RET_USER_NOTIF);
	/* Libraries are mapped privately too, but with another flag. */
	load(p, LOW(3));
	if_bits(p, MAP_DENYWRITE | MAP_ANONYMOUS, SECCOMP_RET_ALLOW);
	trap(p);
	end(p, at);
}

/*
 * Nearly every open for reading, of a library for instance, carries
 * O_CLOEXEC or O_DIRECTORY; nearly no open of a VFIO node is for reading.
 * The latter is seen without these flags only.
 */
static void filter_open(struct program *p, uint32_t nr, unsigned int flags_arg)
{
	size_t at = begin(p, nr);

	load(p, LOW(flags_arg));
	if_bits(p, O_PATH, SECCOMP_RET_ALLOW);
	if_bits(p, O_ACCMODE, SECCOMP_RET_USER_NOTIF);
	if_bits(p, O_CLOEXEC | O_DIRECTORY, SECCOMP_RET_ALLOW);
	trap(p);
	end(p, at);
}

/* Calls of the agent, and those made for it, pass. */
static void pass_agent(struct program *p)
{
	load(p, UPPER(5));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(UVF_AGENT_MAGIC >> 32), 0,
	     3);
	load(p, LOW(5));
	if_equal(p, (uint32_t)UVF_AGENT_MAGIC, SECCOMP_RET_ALLOW);
}

static void filter_signals(struct program *p)
{
	size_t at = begin(p, SYS_rt_sigaction);

	load(p, LOW(0));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, SIGBUS, 2, 0);
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, SIGSEGV, 1, 0);
	allow(p);
	pass_agent(p);
	trap(p);
	end(p, at);

	at = begin(p, SYS_rt_sigprocmask);
	load(p, LOW(0));
	if_equal(p, SIG_UNBLOCK, SECCOMP_RET_ALLOW);
	pass_agent(p);
	load(p, LOW(1));
	unless_equal(p, 0, SECCOMP_RET_USER_NOTIF);
	load(p, UPPER(1));
	unless_equal(p, 0, SECCOMP_RET_USER_NOTIF);
	allow(p);
	end(p, at);
}

/* Who listens to the kernel's uevents is to hear the machine's. */
static void filter_socket(struct program *p)
{
	size_t at = begin(p, SYS_socket);

	load(p, LOW(0));
	unless_equal(p, AF_NETLINK, SECCOMP_RET_ALLOW);
	load(p, LOW(2));
	unless_equal(p, NETLINK_KOBJECT_UEVENT, SECCOMP_RET_ALLOW);
	trap(p);
	end(p, at);
}

int uvf_filter_build(const struct uvf_filter *filter, struct sock_filter *code)
{
	static const int always[] = {
		SYS_creat,  SYS_openat2,   SYS_fsync,    SYS_fdatasync,
		SYS_execve, SYS_ftruncate, SYS_execveat, SYS_fallocate,
		SYS_statfs, SYS_fstatfs,
	};
	struct program p = {.code = code};

	filter_architecture(&p);
	filter_ioctl(&p, filter->has_host_kvm);
	filter_pread(&p, SYS_pread64);
	filter_pread(&p, SYS_pwrite64);
	filter_mmap(&p);
	if (filter->traps_write) {
		filter_write(&p, SYS_write, UVF_VIEW_WRITE_MAX);
		filter_write(&p, SYS_writev, VECTOR_MAX);
	}
	for (const int *nr = filter->path_calls; nr && *nr >= 0; nr++)
		trap_always(&p, *nr);
	filter_open(&p, SYS_openat, 2);
	filter_open(&p, SYS_open, 1);
	filter_signals(&p);
	filter_socket(&p);
	filter_preadv(&p, SYS_preadv);
	filter_preadv(&p, SYS_pwritev);
	filter_preadv(&p, SYS_preadv2);
	filter_preadv(&p, SYS_pwritev2);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		trap_always(&p, always[i]);
	if (filter->traps_eventfd) {
		trap_always(&p, SYS_eventfd);
		trap_always(&p, SYS_eventfd2);
	}
	allow(&p);
	return p.is_too_long ? -E2BIG : (int)p.count;
}

static int install(struct sock_fprog *prog, unsigned long flags)
{
	long ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);

	/* A right in our user namespace, or the promise never to gain any. */
	if (ret < 0 && errno == EACCES &&
	    !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags,
			      prog);
	return ret < 0 ? -errno : (int)ret;
}

int uvf_filter_install(const struct uvf_filter *filter)
{
	/* Each kernel takes the first it knows all flags of. */
	static const unsigned long flags[] = {
		SECCOMP_FILTER_FLAG_NEW_LISTENER |
			SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV |
			SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		SECCOMP_FILTER_FLAG_NEW_LISTENER |
			SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		SECCOMP_FILTER_FLAG_NEW_LISTENER,
	};
	struct sock_filter code[UVF_FILTER_MAX];
	struct sock_fprog prog = {.filter = code};
	int ret;

	ret = uvf_filter_build(filter, code);
	if (ret < 0)
		return ret;
	prog.len = (unsigned short)ret;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		ret = install(&prog, flags[i]);
		if (ret != -EINVAL)
			return ret;
	}
	return -ENOSYS;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which calls the filter traps: the program is interpreted, as the kernel
 * would.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "front/agent/abi.h"
#include "front/supervisor/filter.h"

#define TRAP  SECCOMP_RET_USER_NOTIF
#define ALLOW SECCOMP_RET_ALLOW

static struct sock_filter code[UVF_FILTER_MAX];
static int count;

static uint32_t load(const struct seccomp_data *data, uint32_t at)
{
	uint32_t value;

	assert_true(at % 4 == 0 && at + 4 <= sizeof(*data));
	memcpy(&value, (const char *)data + at, sizeof(value));
	return value;
}

static int is_true(const struct sock_filter *insn, uint32_t a)
{
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return a == insn->k;
	case BPF_JGE:
		return a >= insn->k;
	case BPF_JSET:
		return (a & insn->k) != 0;
	default:
		fail_msg("jump %#x", insn->code);
		return 0;
	}
}

static uint32_t interpret(const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (int pc = 0; pc < count; pc++) {
		const struct sock_filter *insn = &code[pc];

		switch (BPF_CLASS(insn->code)) {
		case BPF_LD:
			a = load(data, insn->k);
			break;
		case BPF_ALU:
			assert_int_equal(BPF_OP(insn->code), BPF_AND);
			a &= insn->k;
			break;
		case BPF_JMP:
			pc += is_true(insn, a) ? insn->jt : insn->jf;
			break;
		case BPF_RET:
			return insn->k;
		default:
			fail_msg("instruction %#x", insn->code);
		}
	}
	fail_msg("the program has no end");
	return 0;
}

static uint32_t verdict_in(uint32_t arch, int nr, const uint64_t args[6])
{
	struct seccomp_data data = {.nr = nr, .arch = arch};

	memcpy(data.args, args, sizeof(data.args));
	return interpret(&data);
}

#define VERDICT(nr, ...)                                                       \
	verdict_in(AUDIT_ARCH_X86_64, nr, (const uint64_t[6]){__VA_ARGS__})

static int setup(void **state)
{
	const struct uvf_filter filter = {.path_calls = NULL};

	(void)state;
	count = uvf_filter_build(&filter, code);
	return count > 0 ? 0 : -1;
}

static void vfio_ioctls_are_trapped(void **state)
{
	(void)state;
	for (uint64_t cmd = 0x3b00; cmd < 0x3c00; cmd++)
		assert_int_equal(VERDICT(SYS_ioctl, 3, cmd), TRAP);
	assert_int_equal(VERDICT(SYS_ioctl, 3, 0xc0103b64), TRAP);
	/* The upper half is no part of a command. */
	assert_int_equal(VERDICT(SYS_ioctl, 3, 0xffffffff00003b64), TRAP);
	assert_int_equal(VERDICT(SYS_ioctl, 3, 0x4018aee1), TRAP);
	assert_int_equal(VERDICT(SYS_ioctl, 3, TCGETS), TRAP);
	assert_int_equal(VERDICT(SYS_ioctl, 3, FIONREAD), TRAP);
	assert_int_equal(VERDICT(SYS_ioctl, 3, 0), TRAP);
}

static void other_ioctls_pass(void **state)
{
	(void)state;
	assert_int_equal(VERDICT(SYS_ioctl, 3, 0x3a64), ALLOW);
	assert_int_equal(VERDICT(SYS_ioctl, 3, 0x643b), ALLOW);
	assert_int_equal(VERDICT(SYS_ioctl, 3, TIOCGWINSZ), ALLOW);
	assert_int_equal(VERDICT(SYS_ioctl, 3, FIONBIO), ALLOW);
}

static void kvm_is_the_hosts_or_ours(void **state)
{
	const struct uvf_filter filter = {.has_host_kvm = true};

	(void)state;
	for (int host = 0; host < 2; host++) {
		uint32_t verdict = host ? ALLOW : TRAP;

		if (host)
			count = uvf_filter_build(&filter, code);
		assert_true(count > 0);
		/* KVM_RUN, KVM_CREATE_VM, KVM_SET_USER_MEMORY_REGION */
		assert_int_equal(VERDICT(SYS_ioctl, 3, 0xae80), verdict);
		assert_int_equal(VERDICT(SYS_ioctl, 3, 0xae01), verdict);
		assert_int_equal(VERDICT(SYS_ioctl, 3, 0x4020ae46), verdict);
		/* KVM_CREATE_DEVICE and attributes of devices */
		assert_int_equal(VERDICT(SYS_ioctl, 3, 0xc00caee0), TRAP);
		assert_int_equal(VERDICT(SYS_ioctl, 3, 0x4018aee1), TRAP);
		assert_int_equal(VERDICT(SYS_ioctl, 3, 0x4018aee2), TRAP);
		assert_int_equal(VERDICT(SYS_ioctl, 3, 0x4018aee3), TRAP);
	}
}

static void reads_of_regions_are_trapped(void **state)
{
	static const int calls[] = {SYS_pread64, SYS_pwrite64};

	(void)state;
	for (int i = 0; i < 2; i++) {
		int nr = calls[i];

		assert_int_equal(VERDICT(nr, 3, 1, 4, 0), TRAP);
		assert_int_equal(VERDICT(nr, 3, 1, 64, 0xffffffff), TRAP);
		assert_int_equal(VERDICT(nr, 3, 1, 65, 0), ALLOW);
		assert_int_equal(VERDICT(nr, 3, 1, 4, 1ULL << 32), ALLOW);
		assert_int_equal(VERDICT(nr, 3, 1, 1ULL << 32, 0), ALLOW);
		assert_int_equal(VERDICT(nr, 3, 1, 4096, 1ULL << 40), TRAP);
		assert_int_equal(VERDICT(nr, 3, 1, 4096, (1ULL << 40) - 1),
				 ALLOW);
		assert_int_equal(VERDICT(nr, 3, 1, 4, 7ULL << 40), TRAP);
		assert_int_equal(VERDICT(nr, 3, 1, 4, -1ULL), TRAP);
	}
	assert_int_equal(VERDICT(SYS_preadv, 3, 1, 1, 7ULL << 40), TRAP);
	assert_int_equal(VERDICT(SYS_preadv, 3, 1, 1, 4096), ALLOW);
	assert_int_equal(VERDICT(SYS_read, 3, 1, 4), ALLOW);
}

static void shared_mappings_of_files_are_trapped(void **state)
{
	const uint64_t rw = PROT_READ | PROT_WRITE;

	(void)state;
	assert_int_equal(VERDICT(SYS_mmap, 0, 4096, rw, MAP_SHARED, 3, 0),
			 TRAP);
	assert_int_equal(VERDICT(SYS_mmap, 0, 4096, rw,
				 MAP_SHARED_VALIDATE | MAP_FIXED, 3, 0),
			 TRAP);
	assert_int_equal(VERDICT(SYS_mmap, 0, 4096, rw, MAP_PRIVATE, 3, 0),
			 TRAP);
	assert_int_equal(VERDICT(SYS_mmap, 0, 4096, rw,
				 MAP_PRIVATE | MAP_DENYWRITE, 3, 0),
			 ALLOW);
	assert_int_equal(VERDICT(SYS_mmap, 0, 4096, rw,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1ULL, 0),
			 ALLOW);
	assert_int_equal(VERDICT(SYS_mmap, 0, 4096, rw,
				 MAP_SHARED | MAP_ANONYMOUS, 0xffffffff, 0),
			 ALLOW);
}

static void the_agent_is_not_trapped(void **state)
{
	(void)state;
	assert_int_equal(
		VERDICT(SYS_mmap, 0, 4096, 1, UVF_AGENT_MMAP_FLAGS, 3, 0),
		ALLOW);
	assert_int_equal(VERDICT(SYS_mmap, 0, 4096, 1,
				 UVF_AGENT_MMAP_FLAGS | MAP_FIXED, 3, 0),
			 ALLOW);
	assert_int_equal(
		VERDICT(SYS_rt_sigaction, SIGBUS, 1, 1, 8, 0, UVF_AGENT_MAGIC),
		ALLOW);
	assert_int_equal(VERDICT(SYS_rt_sigprocmask, SIG_SETMASK, 1, 0, 8, 0,
				 UVF_AGENT_MAGIC),
			 ALLOW);
	/* Half of the magic is none. */
	assert_int_equal(VERDICT(SYS_rt_sigaction, SIGBUS, 1, 1, 8, 0,
				 UVF_AGENT_MAGIC & 0xffffffff),
			 TRAP);
	assert_int_equal(VERDICT(SYS_rt_sigaction, SIGBUS, 1, 1, 8, 0,
				 UVF_AGENT_MAGIC & ~0xffffffffULL),
			 TRAP);
	assert_int_equal(VERDICT(SYS_ioctl, -1ULL, UVF_AGENT_FAULT, 0, 0, 0,
				 UVF_AGENT_MAGIC),
			 TRAP);
}

static void opens_of_nodes_are_trapped(void **state)
{
	const uint64_t cwd = (uint64_t)AT_FDCWD;

	(void)state;
	assert_int_equal(VERDICT(SYS_openat, cwd, 1, O_RDWR), TRAP);
	assert_int_equal(VERDICT(SYS_openat, cwd, 1, O_RDWR | O_CLOEXEC), TRAP);
	assert_int_equal(VERDICT(SYS_openat, cwd, 1, O_WRONLY), TRAP);
	assert_int_equal(VERDICT(SYS_openat, cwd, 1, O_RDONLY), TRAP);
	assert_int_equal(VERDICT(SYS_openat, cwd, 1, O_RDONLY | O_CLOEXEC),
			 ALLOW);
	assert_int_equal(VERDICT(SYS_openat, cwd, 1, O_DIRECTORY), ALLOW);
	assert_int_equal(VERDICT(SYS_openat, cwd, 1, O_PATH | O_RDWR), ALLOW);
	assert_int_equal(VERDICT(SYS_open, 1, O_RDWR), TRAP);
	assert_int_equal(VERDICT(SYS_open, 1, O_RDONLY | O_CLOEXEC), ALLOW);
	assert_int_equal(VERDICT(SYS_openat2, cwd, 1, 1, 24), TRAP);
	assert_int_equal(VERDICT(SYS_creat, 1, 0600), TRAP);
}

static void signals_of_faults_are_watched(void **state)
{
	(void)state;
	assert_int_equal(VERDICT(SYS_rt_sigaction, SIGBUS, 1, 0, 8), TRAP);
	assert_int_equal(VERDICT(SYS_rt_sigaction, SIGSEGV, 1, 0, 8), TRAP);
	assert_int_equal(VERDICT(SYS_rt_sigaction, SIGUSR1, 1, 0, 8), ALLOW);
	assert_int_equal(VERDICT(SYS_rt_sigprocmask, SIG_BLOCK, 1), TRAP);
	assert_int_equal(VERDICT(SYS_rt_sigprocmask, SIG_SETMASK, 1ULL << 32),
			 TRAP);
	assert_int_equal(VERDICT(SYS_rt_sigprocmask, SIG_UNBLOCK, 1), ALLOW);
	assert_int_equal(VERDICT(SYS_rt_sigprocmask, SIG_BLOCK, 0), ALLOW);
}

static void everyday_calls_pass(void **state)
{
	static const int calls[] = {SYS_read,    SYS_write,  SYS_close,
				    SYS_lseek,   SYS_stat,   SYS_futex,
				    SYS_getppid, SYS_dup2,   SYS_sendmsg,
				    SYS_clone,   SYS_munmap, SYS_eventfd2};

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_int_equal(VERDICT(calls[i], 3, 3, 3, 3, 3, 3), ALLOW);
}

static void the_other_word_sizes_get_no_vfio(void **state)
{
	const uint64_t vfio[6] = {3, 0x3b64};
	const uint64_t other[6] = {3, 0x5401};

	(void)state;
	assert_int_equal(verdict_in(AUDIT_ARCH_I386, 54, vfio),
			 SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(verdict_in(AUDIT_ARCH_I386, 54, other), ALLOW);
	/* Number 5 is open() there. */
	assert_int_equal(verdict_in(AUDIT_ARCH_I386, 5, vfio), ALLOW);
	assert_int_equal(verdict_in(AUDIT_ARCH_X86_64, 0x40000000 + 514, vfio),
			 SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(verdict_in(AUDIT_ARCH_X86_64, 0x40000000 + 257, vfio),
			 ALLOW);
	assert_int_equal(verdict_in(AUDIT_ARCH_X86_64, -1, vfio), ALLOW);
}

static void more_calls_are_trapped_when_asked_for(void **state)
{
	static const int paths[] = {SYS_stat, SYS_openat, SYS_execve, -1};
	const struct uvf_filter filter = {.path_calls = paths,
					  .traps_eventfd = true};

	(void)state;
	count = uvf_filter_build(&filter, code);
	assert_true(count > 0);
	assert_int_equal(VERDICT(SYS_stat, 1), TRAP);
	assert_int_equal(VERDICT(SYS_openat, 1, 1, O_CLOEXEC), TRAP);
	assert_int_equal(VERDICT(SYS_eventfd2, 0, 0), TRAP);
	assert_int_equal(VERDICT(SYS_eventfd, 0), TRAP);
	assert_int_equal(VERDICT(SYS_lstat, 1), ALLOW);
}

static void too_many_calls_are_refused(void **state)
{
	static int paths[UVF_FILTER_MAX + 1];
	const struct uvf_filter filter = {.path_calls = paths};

	(void)state;
	paths[UVF_FILTER_MAX] = -1;
	assert_int_equal(uvf_filter_build(&filter, code), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(vfio_ioctls_are_trapped, setup),
		cmocka_unit_test_setup(other_ioctls_pass, setup),
		cmocka_unit_test_setup(kvm_is_the_hosts_or_ours, setup),
		cmocka_unit_test_setup(reads_of_regions_are_trapped, setup),
		cmocka_unit_test_setup(shared_mappings_of_files_are_trapped,
				       setup),
		cmocka_unit_test_setup(the_agent_is_not_trapped, setup),
		cmocka_unit_test_setup(opens_of_nodes_are_trapped, setup),
		cmocka_unit_test_setup(signals_of_faults_are_watched, setup),
		cmocka_unit_test_setup(everyday_calls_pass, setup),
		cmocka_unit_test_setup(the_other_word_sizes_get_no_vfio, setup),
		cmocka_unit_test_setup(more_calls_are_trapped_when_asked_for,
				       setup),
		cmocka_unit_test_setup(too_many_calls_are_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

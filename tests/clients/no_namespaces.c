/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a program as Docker's default seccomp profile does: no namespaces,
 * no mounts, no pidfd_getfd(), no userfaultfd().
 *
 * Usage: no_namespaces PROGRAM [ARG]...
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* CLONE_NEWTIME shares its bit with an exit signal; clone() lacks it. */
#define CLONE_NEW_ANY 0x7e020000u

#define STMT(code, k) ((struct sock_filter)BPF_STMT((code), (k)))
#define JUMP(code, k, jt, jf)                                                  \
	((struct sock_filter)BPF_JUMP((code), (k), (jt), (jf)))
#define LOAD(member)                                                           \
	STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define REFUSE(error) STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW         STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static const unsigned int refused[] = {
	SYS_unshare,
	SYS_setns,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_open_tree,
	SYS_move_mount,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
	SYS_mount_setattr,
	SYS_pidfd_getfd,
	SYS_userfaultfd,
	SYS_perf_event_open,
	SYS_kcmp,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
};

#define REFUSED_COUNT (sizeof(refused) / sizeof(refused[0]))

static int install(void)
{
	struct sock_filter code[2 * REFUSED_COUNT + 16];
	struct sock_fprog prog = {.filter = code};
	unsigned short n = 0;

	code[n++] = LOAD(arch);
	code[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	code[n++] = ALLOW;
	code[n++] = LOAD(nr);
	for (size_t i = 0; i < REFUSED_COUNT; i++) {
		code[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i], 0, 1);
		code[n++] = REFUSE(EPERM);
	}
	/* Its flags are in memory, so that the C library must use clone(). */
	code[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
	code[n++] = REFUSE(ENOSYS);
	code[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3);
	code[n++] = LOAD(args[0]);
	code[n++] = JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEW_ANY, 0, 1);
	code[n++] = REFUSE(EPERM);
	code[n++] = ALLOW;
	prog.len = n;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: no_namespaces PROGRAM [ARG]...\n");
		return 2;
	}
	if (install()) {
		fprintf(stderr, "no_namespaces: %s\n", strerror(errno));
		return 2;
	}
	execvp(argv[1], argv + 1);
	fprintf(stderr, "no_namespaces: %s: %s\n", argv[1], strerror(errno));
	return 127;
}

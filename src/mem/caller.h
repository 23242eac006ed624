/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who makes a call: its memory, its rights, and its file descriptors.
 *
 * A front fills one for each call; it lives no longer than the call.
 */
#ifndef UVF_MEM_CALLER_H
#define UVF_MEM_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mem/mem.h"

struct uvf_caller;
struct uvf_file;

struct uvf_caller_ops {
	/*
	 * The VFIO file behind a descriptor of the caller, with a reference,
	 * in *ret_file; 0 with NULL when it is open but none of ours.
	 * -EBADF: not open.
	 */
	int (*file_lookup)(struct uvf_caller *caller, int fd,
			   struct uvf_file **ret_file);
	/*
	 * Our own descriptor of the caller's eventfd, to be closed by us.
	 * -EBADF: not open, -EINVAL: no eventfd.
	 */
	int (*eventfd_lookup)(struct uvf_caller *caller, int fd);
	/*
	 * Our own descriptor of any file of the caller that is none of ours,
	 * to be closed by us.  -EBADF: not open, -EMFILE, -EINVAL: it is one
	 * of ours, or cannot be had.
	 */
	int (*fd_fetch)(struct uvf_caller *caller, int fd);
	/* 0, or -EMFILE when the caller's table has no number left. */
	int (*fd_check)(struct uvf_caller *caller);
	/*
	 * Give the caller a new descriptor of file, close-on-exec unless the
	 * file survives it, whose reference moves to the descriptor on
	 * success.  Return the number, or -EMFILE, -ENFILE, -ENOMEM.
	 */
	int (*file_install)(struct uvf_caller *caller, struct uvf_file *file);
	/*
	 * Whether the caller has CAP_IPC_LOCK now; NULL: it has not.  Asked
	 * only when it matters.
	 */
	bool (*has_ipc_lock)(struct uvf_caller *caller);
	/* The caller's real user; NULL: ours. */
	uid_t (*uid)(struct uvf_caller *caller);
};

struct uvf_caller {
	const struct uvf_caller_ops *ops;
	struct uvf_mm *mm;     /* borrowed for the call */
	pid_t pid;             /* thread-group id; 0: our own process */
	bool has_rawio;        /* CAP_SYS_RAWIO */
	bool has_sys_resource; /* CAP_SYS_RESOURCE */
	bool ignores_memlock;  /* it may lock any amount of memory */
};

/*
 * Bytes that the caller's process may lock now by its RLIMIT_MEMLOCK;
 * UINT64_MAX: any number.
 */
uint64_t uvf_caller_memlock_limit(const struct uvf_caller *caller);

/* The number of the caller's process, for messages. */
pid_t uvf_caller_pid(const struct uvf_caller *caller);

/* Whether that limit is not the caller's, who has CAP_IPC_LOCK. */
bool uvf_caller_has_ipc_lock(struct uvf_caller *caller);

/* Whose counters the caller uses: its real user. */
uid_t uvf_caller_uid(struct uvf_caller *caller);

/* Bytes of the name of a task, final NUL included. */
#define UVF_CALLER_COMM 16

/* The name of the caller's program, for messages; empty when it is gone. */
void uvf_caller_comm(const struct uvf_caller *caller,
		     char ret_comm[UVF_CALLER_COMM]);

/* Return: 0 or -EFAULT. */
int uvf_copy_in(struct uvf_caller *caller, void *dst, uint64_t addr,
		size_t len);
int uvf_copy_out(struct uvf_caller *caller, uint64_t addr, const void *src,
		 size_t len);

/**
 * uvf_copy_string_in() - read a name as the kernel's strndup_user() does
 * @ret_text: on success a string that the caller frees by uvf_free()
 * @addr:     client address
 * @max:      bytes, final NUL included
 *
 * Return: 0, or -EFAULT, -EINVAL no NUL within @max bytes, -ENOMEM.
 */
int uvf_copy_string_in(struct uvf_caller *caller, char **ret_text,
		       uint64_t addr, size_t max);

#endif /* UVF_MEM_CALLER_H */

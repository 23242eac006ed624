/* SPDX-License-Identifier: BSD-3-Clause */
#include "mem/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"

/* No piece of a name crosses a page, so that what is there can be read. */
#define PAGE_BYTES 4096u

int uvf_copy_in(struct uvf_caller *caller, void *dst, uint64_t addr, size_t len)
{
	return len ? caller->mm->ops->read(caller->mm, addr, dst, len) : 0;
}

int uvf_copy_out(struct uvf_caller *caller, uint64_t addr, const void *src,
		 size_t len)
{
	return len ? caller->mm->ops->write(caller->mm, addr, src, len) : 0;
}

/*
 * Where prlimit(2) is refused, since the process is another user's.  One that
 * is gone meanwhile has nothing to be limited.
 */
static uint64_t read_memlock_limit(pid_t pid)
{
	static const char name[] = "\nMax locked memory";
	char path[32];
	char text[4096];
	const char *p;
	uint64_t limit;
	ssize_t len;
	char *end;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return UINT64_MAX;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	p = strstr(text, name);
	if (!p)
		return UINT64_MAX;
	p += strlen(name);
	limit = strtoull(p, &end, 10);
	return end == p ? UINT64_MAX : limit;
}

/*
 * The system call of this name takes half the time of prlimit(2), which
 * getrlimit(3) is.
 */
static void read_own_memlock_limit(struct rlimit *ret_limit)
{
#ifdef SYS_getrlimit
	(void)syscall(SYS_getrlimit, RLIMIT_MEMLOCK, ret_limit);
#else
	(void)getrlimit(RLIMIT_MEMLOCK, ret_limit);
#endif
}

uint64_t uvf_caller_memlock_limit(const struct uvf_caller *caller)
{
	struct rlimit limit;

	if (caller->ignores_memlock)
		return UINT64_MAX;
	if (!caller->pid)
		read_own_memlock_limit(&limit);
	else if (prlimit(caller->pid, RLIMIT_MEMLOCK, NULL, &limit))
		return read_memlock_limit(caller->pid);
	return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

pid_t uvf_caller_pid(const struct uvf_caller *caller)
{
	return caller->pid ? caller->pid : getpid();
}

bool uvf_caller_has_ipc_lock(struct uvf_caller *caller)
{
	return caller->ops && caller->ops->has_ipc_lock &&
	       caller->ops->has_ipc_lock(caller);
}

uid_t uvf_caller_uid(struct uvf_caller *caller)
{
	return caller->ops && caller->ops->uid ? caller->ops->uid(caller)
					       : getuid();
}

void uvf_caller_comm(const struct uvf_caller *caller,
		     char ret_comm[UVF_CALLER_COMM])
{
	char path[32];
	ssize_t len = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm",
		       (int)uvf_caller_pid(caller));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, ret_comm, UVF_CALLER_COMM - 1);
		close(fd);
	}
	ret_comm[len > 0 ? len : 0] = '\0';
	ret_comm[strcspn(ret_comm, "\n")] = '\0';
}

/* Fill @text up to its NUL, which must come within @max bytes. */
static int read_string(struct uvf_caller *caller, char *text, uint64_t addr,
		       size_t max)
{
	size_t done = 0;

	while (done < max) {
		size_t len = PAGE_BYTES - ((addr + done) & (PAGE_BYTES - 1));
		int ret;

		if (len > max - done)
			len = max - done;
		ret = uvf_copy_in(caller, text + done, addr + done, len);
		if (ret)
			return ret;
		if (memchr(text + done, 0, len))
			return 0;
		done += len;
	}
	return -EINVAL;
}

int uvf_copy_string_in(struct uvf_caller *caller, char **ret_text,
		       uint64_t addr, size_t max)
{
	char *text = uvf_zalloc(max ? max : 1);
	int ret;

	if (!text)
		return -ENOMEM;
	ret = read_string(caller, text, addr, max);
	if (ret) {
		uvf_free(text);
		return ret;
	}
	*ret_text = text;
	return 0;
}

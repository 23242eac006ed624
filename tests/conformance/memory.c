/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *pages(size_t count)
{
	void *p = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED, "mmap");
	memset(p, 0, count * PAGE);
	return p;
}

void *bad_pointer(void)
{
	void *p = pages(1);

	need(!mprotect(p, PAGE, PROT_NONE), "mprotect");
	return p;
}

/* @len bytes that end where a page begins that faults. */
void *before_fault(size_t len)
{
	char *p = pages(2);

	need(!mprotect(p + PAGE, PAGE, PROT_NONE), "mprotect");
	return p + PAGE - len;
}

void *read_only(const void *data, size_t len)
{
	void *p = pages(1);

	memcpy(p, data, len);
	need(!mprotect(p, PAGE, PROT_READ), "mprotect");
	return p;
}

int closed_fd(void)
{
	int fd = dup(0);

	need(fd >= 0, "dup");
	close(fd);
	return fd;
}

/* For cases that ask what is refused to those without it. */
void capability_drop(unsigned int capability)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	need(!syscall(SYS_capget, &head, data), "capget");
	data[capability / 32].effective &= ~(1u << capability % 32);
	data[capability / 32].permitted &= ~(1u << capability % 32);
	need(!syscall(SYS_capset, &head, data), "capset");
}

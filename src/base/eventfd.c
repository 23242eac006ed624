/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/eventfd.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool uvf_eventfd_is(int fd)
{
	static const char name[] = "anon_inode:[eventfd]";
	char path[32], target[sizeof(name)];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, target, sizeof(target));
	return len == (ssize_t)sizeof(name) - 1 &&
	       !memcmp(target, name, sizeof(name) - 1);
}

void uvf_eventfd_signal(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	uint64_t one = 1;

	/* The descriptor may be blocking, and its counter saturated. */
	if (poll(&ready, 1, 0) == 1 && ready.revents & POLLOUT &&
	    write(fd, &one, sizeof(one)) < 0)
		return;
}

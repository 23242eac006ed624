/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the programs that write to /sys share: one file, one write; and events
 * of the kernel's kind.
 */
#ifndef TESTS_CLIENTS_SYSFS_H
#define TESTS_CLIENTS_SYSFS_H

#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "client.h"

/* Bytes taken by one write(2), or a negative errno. */
static inline long sysfs_put_bytes(const char *path, const void *data,
				   size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, data, size);
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* As printf(1) does.  0 or a negative errno. */
static inline long sysfs_put(const char *path, const char *text)
{
	long length = (long)strlen(text);
	long ret = sysfs_put_bytes(path, text, (size_t)length);

	return ret == length ? 0 : ret;
}

/* As echo(1) does, with a newline.  0 or a negative errno. */
static inline long sysfs_echo(const char *path, const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "%s\n", text);
	return sysfs_put(path, line);
}

/* What is in a file, until the next call; "" when it cannot be read. */
static inline const char *sysfs_get(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

/* Whether there is the name, and whether it leads to something. */
static inline bool has_name(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static inline bool has_target(const char *path)
{
	struct stat st;

	return !stat(path, &st);
}

static inline int uevents_open(void)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = 1};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
			NETLINK_KOBJECT_UEVENT);

	NEED(fd >= 0);
	CHECK(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}

/* Waits for one event whose first string is this. */
static inline bool uevents_hear(int fd, const char *head)
{
	char text[4096];

	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};

		if (poll(&pfd, 1, 10000) != 1)
			return false;
		if (recv(fd, text, sizeof(text), 0) > 0 && !strcmp(text, head))
			return true;
	}
}

#endif /* TESTS_CLIENTS_SYSFS_H */

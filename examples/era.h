/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the examples of each era share: to call, and to say what came of it.
 */
#ifndef EXAMPLES_ERA_H
#define EXAMPLES_ERA_H

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PCI "/sys/bus/pci/"

/* Prints a result as strace does, and passes it on. */
static inline int say(const char *what, int result)
{
	int error = errno;

	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(error));
	else
		printf("%s: ok\n", what);
	/* In order with what other processes print. */
	fflush(stdout);
	return result;
}

/* What the rest of the program cannot do without. */
static inline int need(const char *what, int result)
{
	if (result >= 0)
		return result;
	perror(what);
	exit(1);
}

/* As echo does it: 0 or -1. */
static inline int echo(const char *text, const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	error = errno;
	close(fd);
	errno = error;
	return n < 0 ? -1 : 0;
}

static inline void print_status(int group)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};

	if (ioctl(group, VFIO_GROUP_GET_STATUS, &status))
		printf("  status: %s\n", strerrorname_np(errno));
	else
		printf("  status:%s%s\n",
		       status.flags & VFIO_GROUP_FLAGS_VIABLE ? " viable"
							      : " not viable",
		       status.flags & VFIO_GROUP_FLAGS_CONTAINER_SET
			       ? ", in a container"
			       : "");
	fflush(stdout);
}

#endif /* EXAMPLES_ERA_H */

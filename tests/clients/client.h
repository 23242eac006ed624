/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the client programs share.  Each runs under `uvfio run -d edu -d edu`,
 * prints what went wrong, and exits 0 when nothing did.
 */
#ifndef TESTS_CLIENTS_CLIENT_H
#define TESTS_CLIENTS_CLIENT_H

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTAINER "/dev/vfio/vfio"
#define GROUP     "/dev/vfio/1"
#define DEVICE    "0000:00:03.0"

/* Volatile: some tests leave a check by a signal. */
static volatile int client_failures;

#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond)) {                                                 \
			client_failures = client_failures + 1;                 \
			fprintf(stderr, "%s:%d: %s: not so (%s)\n", __FILE__,  \
				__LINE__, #cond, strerror(errno));             \
		}                                                              \
	} while (0)

/* Nothing below makes sense without it. */
#define NEED(cond)                                                             \
	do {                                                                   \
		CHECK(cond);                                                   \
		if (client_failures)                                           \
			exit(1);                                               \
	} while (0)

static inline int client_status(void)
{
	return client_failures ? 1 : 0;
}

/* Whether the group's node can be opened; it is closed again. */
static inline int group_is_free(void)
{
	int fd = open(GROUP, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return 0;
	close(fd);
	return 1;
}

/* A container with an IOMMU, a group in it, and a device of that. */
struct client_vfio {
	int container, group, device;
};

static inline struct client_vfio client_open(void)
{
	struct client_vfio vfio;

	vfio.container = open(CONTAINER, O_RDWR | O_CLOEXEC);
	vfio.group = open(GROUP, O_RDWR | O_CLOEXEC);
	NEED(vfio.container >= 0 && vfio.group >= 0);
	NEED(!ioctl(vfio.group, VFIO_GROUP_SET_CONTAINER, &vfio.container));
	NEED(!ioctl(vfio.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	vfio.device = ioctl(vfio.group, VFIO_GROUP_GET_DEVICE_FD, DEVICE);
	NEED(vfio.device >= 0);
	return vfio;
}

static inline void client_close(const struct client_vfio *vfio)
{
	close(vfio->device);
	close(vfio->group);
	close(vfio->container);
}

/* The exit status of a child, or -1. */
static inline int client_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif /* TESTS_CLIENTS_CLIENT_H */

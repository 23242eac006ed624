/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client without a free descriptor gets EMFILE, and nothing stays behind.
 */
#include "client.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

static void fill_table(void)
{
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		continue;
	CHECK(errno == EMFILE);
}

int main(void)
{
	struct rlimit limit;
	struct client_vfio vfio;
	int last;

	/* What uvfio needs for itself is not seen here. */
	NEED(!getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 64;
	NEED(!setrlimit(RLIMIT_NOFILE, &limit));
	fill_table();
	CHECK(open(CONTAINER, O_RDWR) < 0 && errno == EMFILE);
	CHECK(open(GROUP, O_RDWR) < 0 && errno == EMFILE);
	last = 63;
	close(last);
	/* A group that had been opened in vain would be busy. */
	CHECK(open(GROUP, O_RDWR) == last);
	CHECK(open(CONTAINER, O_RDWR) < 0 && errno == EMFILE);
	close(last);
	CHECK(open(CONTAINER, O_RDWR) == last);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	vfio = client_open();
	close(vfio.device);
	fill_table();
	CHECK(ioctl(vfio.group, VFIO_GROUP_GET_DEVICE_FD, DEVICE) < 0 &&
	      errno == EMFILE);
	close(last);
	vfio.device = ioctl(vfio.group, VFIO_GROUP_GET_DEVICE_FD, DEVICE);
	CHECK(vfio.device == last);
	client_close(&vfio);
	CHECK(group_is_free());
	return client_status();
}

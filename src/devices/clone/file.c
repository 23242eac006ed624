/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a file that somebody named: any size up to a limit, as files of
 * sysfs do not tell theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clone.h"

#define FIRST_SIZE 65536u

/* Reads on until the file or the room ends. */
static int read_some(int fd, uint8_t *data, size_t size, size_t *len)
{
	while (*len < size) {
		ssize_t n = read(fd, data + *len, size - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		*len += (size_t)n;
	}
	return 0;
}

/* The bytes in more room, or NULL; the old room is gone. */
static uint8_t *grow(uint8_t *data, size_t len, size_t size)
{
	uint8_t *more = calloc(1, size);

	if (more && len)
		memcpy(more, data, len);
	free(data);
	return more;
}

static int read_all(int fd, size_t max, uint8_t **ret_data, size_t *ret_len)
{
	size_t size = FIRST_SIZE, len = 0;
	uint8_t *data = NULL;
	int ret;

	for (;; size *= 2) {
		data = grow(data, len, size);
		ret = data ? read_some(fd, data, size, &len) : -ENOMEM;
		if (!ret && len > max)
			ret = -EFBIG;
		if (ret) {
			free(data);
			return ret;
		}
		if (len < size)
			break;
	}
	*ret_data = data;
	*ret_len = len;
	return 0;
}

int clone_file_read(const char *path, size_t max, uint8_t **ret_data,
		    size_t *ret_len)
{
	/* A FIFO without a writer must not hold anybody up. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = read_all(fd, max, ret_data, ret_len);
	close(fd);
	return ret;
}

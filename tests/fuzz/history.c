/* SPDX-License-Identifier: BSD-3-Clause */
#include "history.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HISTORY_SIZE ((size_t)16 << 20)

/* Shared with the file, so that it outlives any end of the process. */
static uint8_t *history;
static size_t used;

static void open_history(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	void *mapped;

	if (fd < 0 || ftruncate(fd, (off_t)HISTORY_SIZE)) {
		perror(path);
		abort();
	}
	mapped = mmap(NULL, HISTORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	close(fd);
	if (mapped == MAP_FAILED) {
		perror(path);
		abort();
	}
	history = mapped;
}

void history_add(const uint8_t *data, size_t size)
{
	static bool is_known;
	const uint32_t len = (uint32_t)size;

	if (!is_known && getenv("UVF_FUZZ_HISTORY"))
		open_history(getenv("UVF_FUZZ_HISTORY"));
	is_known = true;
	if (!history || size + 2 * sizeof(len) > HISTORY_SIZE - used)
		return;
	memcpy(history + used, &len, sizeof(len));
	memcpy(history + used + sizeof(len), data, size);
	used += sizeof(len) + size;
	/* A length of nothing ends it. */
	memset(history + used, 0, sizeof(len));
}

void history_clear(void)
{
	used = 0;
}

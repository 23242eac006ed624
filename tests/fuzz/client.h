/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client that exists only as far as the core can see it: 64 KiB of memory
 * at a fixed address, and a few descriptors.  Whatever an input makes of it,
 * no byte of the test's own process is in its reach.
 */
#ifndef TESTS_FUZZ_CLIENT_H
#define TESTS_FUZZ_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/range.h"
#include "input.h"
#include "mem/caller.h"

#define CLIENT_FIRST 0x10000ull
#define CLIENT_SIZE  0x10000u
#define CLIENT_FDS   32

struct uvf_file;

struct client {
	struct uvf_mm mm;
	struct uvf_caller caller;
	uint8_t memory[CLIENT_SIZE];
	struct {
		struct uvf_file *file; /* with a reference, or NULL */
		int eventfd;           /* or -1 */
	} fds[CLIENT_FDS];
	/* While guarded, a call that writes to another address aborts. */
	bool is_guarded;
	unsigned int writable_count;
	struct uvf_range writable[2];
};

void client_init(struct client *client);
/* Closes all that is open. */
void client_reset(struct client *client);

/*
 * An ioctl with an argument of ours; it is copied to a place of its own.
 * Nothing happens when fd is no file: -EBADF.
 */
long client_call(struct client *client, unsigned int fd, unsigned int cmd,
		 const void *arg, size_t len);
/* What the last of them left in its argument. */
uint32_t client_answer(const struct client *client, size_t offset);
long client_ioctl(struct client *client, unsigned int fd, unsigned int cmd,
		  unsigned long arg);

/* Descriptors by number; one that is not open is skipped. */
int client_install(struct client *client, struct uvf_file *file);
void client_close(struct client *client, unsigned int fd);
/* Opens an eventfd; a number, or -1 when all are taken. */
int client_eventfd(struct client *client);

#endif /* TESTS_FUZZ_CLIENT_H */

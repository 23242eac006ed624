/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Processes with descriptors and a memory of their own, played in the test's
 * process: the core sees what it would see of real ones.  Descriptors can be
 * duplicated, inherited and passed; each call may come from any thread.
 */
#ifndef TESTS_LIB_CLIENT_H
#define TESTS_LIB_CLIENT_H

#include <stdbool.h>

#include <uvfio/uvfio.h>

struct client;
struct uvf_caller;
struct uvf_file;

struct client *client_create(struct uvfio_machine *machine);

/* A child: the descriptors of its parent, another memory. */
struct client *client_fork(struct client *parent);

/* Exit: closes what is open. */
void client_destroy(struct client *client);

/* As the system calls; a negative errno on failure. */
int client_open(struct client *client, const char *path);
int client_dup(struct client *client, int fd);
int client_close(struct client *client, int fd);
long client_ioctl(struct client *client, int fd, unsigned int cmd,
		  unsigned long arg);

/* Another process, of another machine perhaps, gets a descriptor. */
int client_pass(struct client *from, int fd, struct client *to);

/* A descriptor of something that is no VFIO file: a pipe, for instance. */
int client_open_foreign(struct client *client);

/* Whether it has CAP_SYS_RAWIO, as it has at first. */
void client_set_rawio(struct client *client, bool has_rawio);

/* No further descriptor can be opened. */
void client_fill_table(struct client *client, bool is_full);

/* The file behind a descriptor, with a reference. */
struct uvf_file *client_file(struct client *client, int fd);

/* A container with an IOMMU and the group @path in it, and a device. */
struct opened client_open_all(struct client *client, const char *path,
			      const char *device);

#endif /* TESTS_LIB_CLIENT_H */

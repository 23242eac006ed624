/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/client.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "base/list.h"
#include "core/file.h"
#include "front/machine.h"
#include "fs/devfs.h"
#include "lib/machine.h"
#include "mem/caller.h"
#include "mem/self.h"

#define FD_MAX 256

struct client {
	struct uvfio_machine *machine;
	struct uvf_mm *mm;
	bool has_rawio;
	pthread_mutex_t lock; /* protects what follows */
	bool is_full;
	struct {
		bool is_open;
		struct uvf_file *file; /* NULL: none of VFIO */
	} fds[FD_MAX];
};

struct client_caller {
	struct uvf_caller base;
	struct client *client;
};

struct client *client_create(struct uvfio_machine *machine)
{
	struct client *client = calloc(1, sizeof(*client));

	assert_non_null(client);
	client->machine = machine;
	client->has_rawio = true;
	assert_int_equal(uvf_self_create(&client->mm), 0);
	pthread_mutex_init(&client->lock, NULL);
	return client;
}

struct client *client_fork(struct client *parent)
{
	struct client *child = client_create(parent->machine);

	pthread_mutex_lock(&parent->lock);
	for (int fd = 0; fd < FD_MAX; fd++) {
		child->fds[fd] = parent->fds[fd];
		if (child->fds[fd].file)
			uvf_file_get(child->fds[fd].file);
	}
	pthread_mutex_unlock(&parent->lock);
	return child;
}

void client_destroy(struct client *client)
{
	for (int fd = 0; fd < FD_MAX; fd++)
		(void)client_close(client, fd);
	uvf_mm_put(client->mm);
	pthread_mutex_destroy(&client->lock);
	free(client);
}

/* The reference moves to the descriptor. */
static int install(struct client *client, struct uvf_file *file)
{
	int fd = 0;

	pthread_mutex_lock(&client->lock);
	while (fd < FD_MAX && client->fds[fd].is_open)
		fd++;
	if (fd == FD_MAX || client->is_full) {
		fd = -EMFILE;
	} else {
		client->fds[fd].is_open = true;
		client->fds[fd].file = file;
	}
	pthread_mutex_unlock(&client->lock);
	return fd;
}

static int lookup(struct client *client, int fd, struct uvf_file **ret_file)
{
	int ret = -EBADF;

	pthread_mutex_lock(&client->lock);
	if (fd >= 0 && fd < FD_MAX && client->fds[fd].is_open) {
		ret = 0;
		*ret_file = client->fds[fd].file;
		if (*ret_file)
			uvf_file_get(*ret_file);
	}
	pthread_mutex_unlock(&client->lock);
	return ret;
}

static struct client *client_of(struct uvf_caller *caller)
{
	return uvf_container_of(caller, struct client_caller, base)->client;
}

static int file_lookup(struct uvf_caller *caller, int fd,
		       struct uvf_file **ret_file)
{
	return lookup(client_of(caller), fd, ret_file);
}

static int eventfd_lookup(struct uvf_caller *caller, int fd)
{
	(void)caller;
	(void)fd;
	return -EBADF;
}

/* None of them is a file of memory. */
static int fd_fetch(struct uvf_caller *caller, int fd)
{
	struct uvf_file *file = NULL;
	int ret = lookup(client_of(caller), fd, &file);

	uvf_file_put(file);
	return ret ? ret : -EINVAL;
}

static int fd_check(struct uvf_caller *caller)
{
	return client_of(caller)->is_full ? -EMFILE : 0;
}

static int file_install(struct uvf_caller *caller, struct uvf_file *file)
{
	return install(client_of(caller), file);
}

static const struct uvf_caller_ops caller_ops = {
	.file_lookup = file_lookup,
	.eventfd_lookup = eventfd_lookup,
	.fd_fetch = fd_fetch,
	.fd_check = fd_check,
	.file_install = file_install,
};

int client_open(struct client *client, const char *path)
{
	const struct uvf_caller caller = {.has_rawio = client->has_rawio};
	struct uvf_file *file;
	int ret = uvf_devfs_open(&client->machine->vfio, &caller,
				 path + strlen("/dev/"), &file);

	if (ret)
		return ret;
	ret = install(client, file);
	if (ret < 0)
		uvf_file_put(file);
	return ret;
}

void client_set_rawio(struct client *client, bool has_rawio)
{
	client->has_rawio = has_rawio;
}

int client_open_foreign(struct client *client)
{
	return install(client, NULL);
}

void client_fill_table(struct client *client, bool is_full)
{
	client->is_full = is_full;
}

int client_dup(struct client *client, int fd)
{
	struct uvf_file *file;
	int ret = lookup(client, fd, &file);

	if (!ret)
		ret = install(client, file);
	return ret;
}

int client_pass(struct client *from, int fd, struct client *to)
{
	struct uvf_file *file;
	int ret = lookup(from, fd, &file);

	return ret ? ret : install(to, file);
}

int client_close(struct client *client, int fd)
{
	struct uvf_file *file = NULL;
	int ret = -EBADF;

	pthread_mutex_lock(&client->lock);
	if (fd >= 0 && fd < FD_MAX && client->fds[fd].is_open) {
		ret = 0;
		file = client->fds[fd].file;
		client->fds[fd].is_open = false;
		client->fds[fd].file = NULL;
	}
	pthread_mutex_unlock(&client->lock);
	uvf_file_put(file);
	return ret;
}

struct uvf_file *client_file(struct client *client, int fd)
{
	struct uvf_file *file = NULL;

	assert_int_equal(lookup(client, fd, &file), 0);
	return file;
}

long client_ioctl(struct client *client, int fd, unsigned int cmd,
		  unsigned long arg)
{
	struct client_caller caller = {
		.base = {.ops = &caller_ops,
			 .mm = client->mm,
			 .pid = 1,
			 .has_rawio = client->has_rawio},
		.client = client,
	};
	struct uvf_file *file;
	long ret = lookup(client, fd, &file);

	if (ret)
		return ret;
	ret = file ? uvf_file_ioctl(file, &caller.base, cmd, arg) : -ENOTTY;
	uvf_file_put(file);
	return ret;
}

struct opened client_open_all(struct client *client, const char *path,
			      const char *device)
{
	struct opened all = {
		.container = client_open(client, "/dev/vfio/vfio"),
		.group = client_open(client, path),
	};
	unsigned long type = VFIO_TYPE1_IOMMU;

	if (client_ioctl(client, all.container, VFIO_CHECK_EXTENSION, type) !=
	    1)
		type = VFIO_SPAPR_TCE_IOMMU;
	assert_int_equal(client_ioctl(client, all.group,
				      VFIO_GROUP_SET_CONTAINER,
				      (uintptr_t)&all.container),
			 0);
	assert_int_equal(
		client_ioctl(client, all.container, VFIO_SET_IOMMU, type), 0);
	all.device = (int)client_ioctl(
		client, all.group, VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)device);
	assert_true(all.device >= 0);
	return all;
}

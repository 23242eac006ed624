/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/list.h"
#include "core/file.h"

/* Where arguments of ours are put. */
#define SCRATCH 0x7f00u

static bool is_inside(uint64_t addr, size_t len)
{
	return addr >= CLIENT_FIRST && len <= CLIENT_SIZE &&
	       addr - CLIENT_FIRST <= CLIENT_SIZE - len;
}

static int mm_read(struct uvf_mm *mm, uint64_t addr, void *buf, size_t len)
{
	struct client *client = uvf_container_of(mm, struct client, mm);

	if (!is_inside(addr, len))
		return -EFAULT;
	memcpy(buf, client->memory + (addr - CLIENT_FIRST), len);
	return 0;
}

static int mm_dma_write(struct uvf_mm *mm, uint64_t addr, const void *buf,
			size_t len)
{
	struct client *client = uvf_container_of(mm, struct client, mm);

	if (!is_inside(addr, len))
		return -EFAULT;
	memcpy(client->memory + (addr - CLIENT_FIRST), buf, len);
	return 0;
}

static void check_write(const struct client *client, uint64_t addr, size_t len)
{
	if (!client->is_guarded || !len || !is_inside(addr, len))
		return;
	for (unsigned int i = 0; i < client->writable_count; i++)
		if (addr >= client->writable[i].first &&
		    addr + len - 1 <= client->writable[i].last)
			return;
	fprintf(stderr, "%zu bytes written to 0x%llx\n", len,
		(unsigned long long)addr);
	abort();
}

static int mm_write(struct uvf_mm *mm, uint64_t addr, const void *buf,
		    size_t len)
{
	check_write(uvf_container_of(mm, struct client, mm), addr, len);
	return mm_dma_write(mm, addr, buf, len);
}

/* Any range may be mapped for DMA; what lies outside faults when used. */
static int mm_map(struct uvf_mm *mm, struct uvf_range vaddr, uint32_t prot,
		  struct uvf_mem *mem)
{
	struct client *client = uvf_container_of(mm, struct client, mm);
	struct uvf_range all = {CLIENT_FIRST, CLIENT_FIRST + CLIENT_SIZE - 1};
	struct uvf_mem_span span = {.offset = 0};

	(void)prot;
	if (!uvf_range_meets(vaddr, all))
		return 0;
	if (vaddr.first < all.first)
		span.offset = all.first - vaddr.first;
	else
		all.first = vaddr.first;
	if (vaddr.last < all.last)
		all.last = vaddr.last;
	span.size = all.last - all.first + 1;
	span.ptr = client->memory + (all.first - CLIENT_FIRST);
	return uvf_mem_add_span(mem, &span);
}

static void mm_destroy(struct uvf_mm *mm)
{
	(void)mm;
}

static const struct uvf_mm_ops mm_ops = {
	.read = mm_read,
	.write = mm_write,
	.dma_read = mm_read,
	.dma_write = mm_dma_write,
	.map = mm_map,
	.destroy = mm_destroy,
};

static int file_lookup(struct uvf_caller *caller, int fd,
		       struct uvf_file **ret_file)
{
	struct client *client = uvf_container_of(caller, struct client, caller);

	if (fd < 0 || fd >= CLIENT_FDS ||
	    (!client->fds[fd].file && client->fds[fd].eventfd < 0))
		return -EBADF;
	*ret_file = client->fds[fd].file ? uvf_file_get(client->fds[fd].file)
					 : NULL;
	return 0;
}

static int eventfd_lookup(struct uvf_caller *caller, int fd)
{
	struct client *client = uvf_container_of(caller, struct client, caller);

	if (fd < 0 || fd >= CLIENT_FDS)
		return -EBADF;
	if (client->fds[fd].eventfd >= 0)
		return fcntl(client->fds[fd].eventfd, F_DUPFD_CLOEXEC, 0);
	return client->fds[fd].file ? -EINVAL : -EBADF;
}

static int free_fd(const struct client *client)
{
	for (int fd = 0; fd < CLIENT_FDS; fd++)
		if (!client->fds[fd].file && client->fds[fd].eventfd < 0)
			return fd;
	return -1;
}

static int fd_fetch(struct uvf_caller *caller, int fd)
{
	return eventfd_lookup(caller, fd);
}

static int fd_check(struct uvf_caller *caller)
{
	struct client *client = uvf_container_of(caller, struct client, caller);

	return free_fd(client) < 0 ? -EMFILE : 0;
}

int client_install(struct client *client, struct uvf_file *file)
{
	int fd = free_fd(client);

	if (fd < 0)
		return -EMFILE;
	client->fds[fd].file = file;
	return fd;
}

static int file_install(struct uvf_caller *caller, struct uvf_file *file)
{
	return client_install(uvf_container_of(caller, struct client, caller),
			      file);
}

static const struct uvf_caller_ops caller_ops = {
	.file_lookup = file_lookup,
	.eventfd_lookup = eventfd_lookup,
	.fd_fetch = fd_fetch,
	.fd_check = fd_check,
	.file_install = file_install,
};

void client_init(struct client *client)
{
	client->mm.ops = &mm_ops;
	uvf_ref_init(&client->mm.ref);
	client->caller = (struct uvf_caller){
		.ops = &caller_ops,
		.mm = &client->mm,
		.pid = getpid(),
		.has_rawio = true,
	};
	for (int fd = 0; fd < CLIENT_FDS; fd++)
		client->fds[fd].eventfd = -1;
}

void client_close(struct client *client, unsigned int fd)
{
	struct uvf_file *file = client->fds[fd].file;

	client->fds[fd].file = NULL;
	uvf_file_put(file);
	if (client->fds[fd].eventfd >= 0)
		close(client->fds[fd].eventfd);
	client->fds[fd].eventfd = -1;
}

int client_eventfd(struct client *client)
{
	int fd = free_fd(client);

	if (fd >= 0)
		client->fds[fd].eventfd =
			eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return fd;
}

long client_ioctl(struct client *client, unsigned int fd, unsigned int cmd,
		  unsigned long arg)
{
	if (!client->fds[fd].file)
		return -EBADF;
	return uvf_file_ioctl(client->fds[fd].file, &client->caller, cmd, arg);
}

long client_call(struct client *client, unsigned int fd, unsigned int cmd,
		 const void *arg, size_t len)
{
	memcpy(client->memory + SCRATCH, arg, len);
	return client_ioctl(client, fd, cmd, CLIENT_FIRST + SCRATCH);
}

uint32_t client_answer(const struct client *client, size_t offset)
{
	uint32_t value;

	memcpy(&value, client->memory + SCRATCH + offset, sizeof(value));
	return value;
}

void client_reset(struct client *client)
{
	for (unsigned int fd = 0; fd < CLIENT_FDS; fd++)
		client_close(client, fd);
	memset(client->memory, 0, sizeof(client->memory));
}

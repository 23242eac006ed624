/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "core/file.h"
#include "mem/caller.h"
#include "mem/self.h"

#define PIECE 65536u

struct uvf_spool {
	struct uvf_list node; /* spools->list */
	struct uvf_spools *spools;
	struct uvf_file *file;
	struct uvf_mm *mm; /* our own memory */
	int fd;            /* for reading and writing */
	off_t done;        /* bytes that are on both sides */
	bool is_broken;    /* the stream took no more, and never will */
	uint8_t piece[PIECE];
};

void uvf_spools_init(struct uvf_spools *spools)
{
	uvf_mutex_init(&spools->lock);
	uvf_list_init(&spools->list);
}

void uvf_spools_fini(struct uvf_spools *spools)
{
	uvf_mutex_fini(&spools->lock);
}

static void destroy(struct uvf_spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	uvf_mm_put(spool->mm);
	uvf_free(spool);
}

/* What a stream has, until there is no more, now. */
static void pull(struct uvf_spool *spool, struct uvf_caller *caller)
{
	ssize_t got;

	while ((got = uvf_file_read(spool->file, caller,
				    (uintptr_t)spool->piece, PIECE, 0)) > 0) {
		ssize_t put = pwrite(spool->fd, spool->piece, (size_t)got,
				     spool->done);

		if (put != got) {
			/* A stream with a gap is worse than one that ends. */
			(void)ftruncate(spool->fd, 0);
			spool->is_broken = true;
			return;
		}
		spool->done += got;
	}
}

/* Where a stream fails it does so for good, and says so at the next arc. */
static void push(struct uvf_spool *spool, struct uvf_caller *caller)
{
	ssize_t got;

	while ((got = pread(spool->fd, spool->piece, PIECE, spool->done)) > 0) {
		ssize_t put =
			uvf_file_write(spool->file, caller,
				       (uintptr_t)spool->piece, (size_t)got, 0);

		if (put <= 0) {
			spool->is_broken = true;
			return;
		}
		spool->done += put;
	}
}

static void sync_spool(struct uvf_spool *spool)
{
	struct uvf_caller caller = {.mm = spool->mm, .pid = getpid()};

	if (spool->is_broken)
		return;
	if (spool->file->open_mode == O_RDONLY)
		pull(spool, &caller);
	else
		push(spool, &caller);
}

void uvf_spools_sync(struct uvf_spools *spools)
{
	struct uvf_list *node;

	if (!atomic_load(&spools->count))
		return;
	uvf_lock(&spools->lock);
	uvf_list_for_each (node, &spools->list)
		sync_spool(uvf_list_entry(node, struct uvf_spool, node));
	uvf_unlock(&spools->lock);
}

static int open_for_client(const struct uvf_spool *spool, int *ret_fd)
{
	char path[64];

	if (fchmod(spool->fd, 0600))
		return -errno;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", spool->fd);
	*ret_fd = open(path, spool->file->open_mode | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

int uvf_spool_create(struct uvf_spools *spools, struct uvf_spool **ret_spool,
		     struct uvf_file *file, int *ret_fd)
{
	struct uvf_spool *spool = uvf_zalloc(sizeof(*spool));
	int ret;

	if (!spool)
		return -ENOMEM;
	spool->spools = spools;
	spool->file = file;
	spool->fd = memfd_create("vfio-stream", MFD_CLOEXEC);
	ret = spool->fd < 0 ? -errno : uvf_self_create(&spool->mm);
	if (!ret)
		ret = open_for_client(spool, ret_fd);
	if (ret) {
		destroy(spool);
		return ret;
	}
	uvf_lock(&spools->lock);
	sync_spool(spool);
	uvf_list_append(&spools->list, &spool->node);
	atomic_fetch_add(&spools->count, 1);
	uvf_unlock(&spools->lock);
	*ret_spool = spool;
	return 0;
}

void uvf_spool_destroy(struct uvf_spool *spool)
{
	struct uvf_spools *spools;

	if (!spool)
		return;
	spools = spool->spools;
	uvf_lock(&spools->lock);
	sync_spool(spool);
	uvf_list_remove(&spool->node);
	atomic_fetch_sub(&spools->count, 1);
	uvf_unlock(&spools->lock);
	destroy(spool);
}

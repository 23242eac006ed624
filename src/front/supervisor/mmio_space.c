/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asking the kernel costs a twentieth of a register access on Linux 6.11
 * and later, and much more before: a few answers are kept.
 */
#include "front/supervisor/mmio_space.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/lock.h"

#define KEPT 8U

struct uvf_mmio_space {
	int fd; /* /proc/PID/maps; bound to the memory, not to PID */
	struct uvf_mutex lock;     /* protects what follows */
	struct uvf_vma kept[KEPT]; /* n_kept valid ones, a ring */
	unsigned int n_kept;
	unsigned int next;
};

int uvf_mmio_space_create(struct uvf_mmio_space **ret_space, pid_t pid)
{
	struct uvf_mmio_space *space;
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	space = uvf_zalloc(sizeof(*space));
	if (!space) {
		close(fd);
		return -ENOMEM;
	}
	space->fd = fd;
	uvf_mutex_init(&space->lock);
	*ret_space = space;
	return 0;
}

void uvf_mmio_space_destroy(struct uvf_mmio_space *space)
{
	if (!space)
		return;
	uvf_mutex_fini(&space->lock);
	close(space->fd);
	uvf_free(space);
}

void uvf_mmio_space_changed(struct uvf_mmio_space *space)
{
	uvf_lock(&space->lock);
	space->n_kept = 0;
	space->next = 0;
	uvf_unlock(&space->lock);
}

static bool find_kept_locked(struct uvf_mmio_space *space, uint64_t addr,
			     struct uvf_vma *ret_vma) UVF_REQUIRES(space->lock)
{
	for (unsigned int i = 0; i < space->n_kept; i++) {
		if (addr < space->kept[i].addr.first ||
		    addr > space->kept[i].addr.last)
			continue;
		*ret_vma = space->kept[i];
		return true;
	}
	return false;
}

int uvf_mmio_space_find(struct uvf_mmio_space *space, uint64_t addr,
			struct uvf_vma *ret_vma)
{
	int ret = 0;

	/* Held while asking, so that no change goes unnoticed meanwhile. */
	uvf_lock(&space->lock);
	if (!find_kept_locked(space, addr, ret_vma)) {
		ret = uvf_vma_find(space->fd, addr, ret_vma, NULL);
		if (!ret) {
			space->kept[space->next] = *ret_vma;
			space->next = (space->next + 1) % KEPT;
			if (space->n_kept < KEPT)
				space->n_kept++;
		}
	}
	uvf_unlock(&space->lock);
	return ret;
}

int uvf_mmio_space_look(struct uvf_mmio_space *space, uint64_t addr,
			struct uvf_vma *ret_vma)
{
	uvf_mmio_space_changed(space);
	return uvf_mmio_space_find(space, addr, ret_vma);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/mmio_overlay.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/lock.h"

/*
 * A device makes a new memory file each time its memory is hidden, and
 * clients map it anew then: old ones are soon of no use.
 */
#define KEPT 256U

struct memory {
	dev_t dev;
	ino_t inode;
	struct uvf_mmio_overlay over;
};

struct uvf_mmio_overlays {
	struct uvf_mutex lock; /* protects what follows */
	struct memory kept[KEPT];
	unsigned int count; /* of all ever added: a ring */
};

int uvf_mmio_overlays_create(struct uvf_mmio_overlays **ret_overlays)
{
	struct uvf_mmio_overlays *overlays = uvf_zalloc(sizeof(*overlays));

	if (!overlays)
		return -ENOMEM;
	uvf_mutex_init(&overlays->lock);
	*ret_overlays = overlays;
	return 0;
}

void uvf_mmio_overlays_destroy(struct uvf_mmio_overlays *overlays)
{
	if (!overlays)
		return;
	uvf_mutex_fini(&overlays->lock);
	uvf_free(overlays);
}

/* From the newest; NULL: there is none so old. */
static const struct memory *
kept_locked(const struct uvf_mmio_overlays *overlays, unsigned int age)
	UVF_REQUIRES(overlays->lock)
{
	if (age >= KEPT || age >= overlays->count)
		return NULL;
	return &overlays->kept[(overlays->count - 1 - age) % KEPT];
}

static bool is_known_locked(const struct uvf_mmio_overlays *overlays,
			    const struct memory *memory)
	UVF_REQUIRES(overlays->lock)
{
	const struct memory *other;

	for (unsigned int i = 0; (other = kept_locked(overlays, i)); i++)
		if (other->dev == memory->dev &&
		    other->inode == memory->inode &&
		    other->over.dev == memory->over.dev &&
		    other->over.inode == memory->over.inode &&
		    other->over.shift == memory->over.shift)
			return true;
	return false;
}

void uvf_mmio_overlays_add(struct uvf_mmio_overlays *overlays, int fd,
			   const struct uvf_mmio_overlay *over)
{
	struct memory memory = {.over = *over};
	struct stat st;

	if (fstat(fd, &st))
		return;
	memory.dev = st.st_dev;
	memory.inode = st.st_ino;
	uvf_lock(&overlays->lock);
	if (!is_known_locked(overlays, &memory))
		overlays->kept[overlays->count++ % KEPT] = memory;
	uvf_unlock(&overlays->lock);
}

bool uvf_mmio_overlays_find(struct uvf_mmio_overlays *overlays, dev_t dev,
			    ino_t inode, unsigned int index,
			    struct uvf_mmio_overlay *ret_over)
{
	const struct memory *memory;

	uvf_lock(&overlays->lock);
	for (unsigned int i = 0; (memory = kept_locked(overlays, i)); i++) {
		if (memory->dev != dev || memory->inode != inode || index--)
			continue;
		*ret_over = memory->over;
		break;
	}
	uvf_unlock(&overlays->lock);
	return memory;
}

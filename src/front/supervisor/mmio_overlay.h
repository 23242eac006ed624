/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of devices that clients mapped over the pages of a VFIO file, and
 * which file that was.  A client's kernel tells of such a page only the memory
 * file behind it; when that was made empty, and the page is touched, the VFIO
 * file has to be asked what is there now.
 */
#ifndef UVF_FRONT_SUPERVISOR_MMIO_OVERLAY_H
#define UVF_FRONT_SUPERVISOR_MMIO_OVERLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_mmio_overlays;

/* The VFIO file, and where in it the memory lies. */
struct uvf_mmio_overlay {
	dev_t dev;
	ino_t inode;
	uint64_t shift; /* position in it - offset in the memory file */
};

/**
 * uvf_mmio_overlays_create() - an empty table
 * Return: 0 or -ENOMEM.
 */
int uvf_mmio_overlays_create(struct uvf_mmio_overlays **ret_overlays);
void uvf_mmio_overlays_destroy(struct uvf_mmio_overlays *overlays);

/**
 * uvf_mmio_overlays_add() - a client is about to map memory
 * @fd:   the memory file
 * @over: what it is mapped over
 *
 * What is known already is kept once.  A full table forgets what it learned
 * first.
 */
void uvf_mmio_overlays_add(struct uvf_mmio_overlays *overlays, int fd,
			   const struct uvf_mmio_overlay *over);

/**
 * uvf_mmio_overlays_find() - what a memory file was mapped over
 * @index: 0 for what was learned last, and so on: several files of a device
 *         share its memory
 *
 * Return: false when there is no more.
 */
bool uvf_mmio_overlays_find(struct uvf_mmio_overlays *overlays, dev_t dev,
			    ino_t inode, unsigned int index,
			    struct uvf_mmio_overlay *ret_over);

#endif /* UVF_FRONT_SUPERVISOR_MMIO_OVERLAY_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many objects of some KiB each, that are read in no order: in blocks of
 * 2 MiB, each of which is one entry of a processor's TLB where the system has
 * huge pages to give.  A block goes back when none of its objects is in use.
 * The caller serialises.
 */
#ifndef UVF_BASE_SLAB_H
#define UVF_BASE_SLAB_H

#include <stddef.h>

struct uvf_slab_block;

/* All zero is an empty one. */
struct uvf_slab {
	struct uvf_slab_block *room; /* blocks with an object to give */
};

/**
 * uvf_slab_zalloc() - a zeroed object, aligned to a line of the cache
 * @size: bytes, up to 64 KiB; the same each time
 * Return: NULL out of memory; can be made to fail as uvf_zalloc().
 */
void *uvf_slab_zalloc(struct uvf_slab *slab, size_t size)
	__attribute__((warn_unused_result));

/* Cannot fail. */
void uvf_slab_free(struct uvf_slab *slab, void *object);

#endif /* UVF_BASE_SLAB_H */

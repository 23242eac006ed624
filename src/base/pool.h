/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small objects of one size without the cost of an allocation each: neither
 * the bytes that malloc() keeps beside them, nor its time.  The caller
 * serialises.
 */
#ifndef UVF_BASE_POOL_H
#define UVF_BASE_POOL_H

#include <stddef.h>

struct uvf_pool_block;

struct uvf_pool {
	size_t size;                   /* bytes of an object; set once */
	size_t count;                  /* objects in use */
	void *free;                    /* those let go, by their first word */
	struct uvf_pool_block *blocks; /* the newest first */
	size_t left;                   /* objects never used of the newest */
};

/* @size: a multiple of 8; objects are aligned to that and no more. */
#define UVF_POOL_INIT(object_size)                                             \
	{                                                                      \
		.size = (object_size)                                          \
	}

/* Gives the memory back; no object may be in use. */
void uvf_pool_fini(struct uvf_pool *pool);

/* A zeroed object or NULL; can be made to fail as uvf_zalloc(). */
void *uvf_pool_zalloc(struct uvf_pool *pool)
	__attribute__((warn_unused_result));

/*
 * Takes NULL; cannot fail.  When the last object goes, so does the memory,
 * but for a little.
 */
void uvf_pool_free(struct uvf_pool *pool, void *object);

#endif /* UVF_BASE_POOL_H */

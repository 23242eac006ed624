/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/pool.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"

/* The first block is small, each further one twice as large. */
#define BLOCK_MIN 1024u
#define BLOCK_MAX 65536u

/* Objects follow. */
struct uvf_pool_block {
	struct uvf_pool_block *next;
	size_t bytes; /* of objects */
};

/* The sanitizers see the end of an object that is an allocation. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_PLAIN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_PLAIN 1
#endif
#endif
#ifndef IS_PLAIN
#define IS_PLAIN 0
#endif

static void free_blocks(struct uvf_pool *pool, struct uvf_pool_block *keep)
{
	while (pool->blocks != keep) {
		struct uvf_pool_block *block = pool->blocks;

		pool->blocks = block->next;
		uvf_free(block);
	}
}

void uvf_pool_fini(struct uvf_pool *pool)
{
	UVF_BUG_ON(pool->count);
	free_blocks(pool, NULL);
	pool->free = NULL;
	pool->left = 0;
}

static int add_block(struct uvf_pool *pool)
{
	size_t bytes = pool->blocks ? 2 * pool->blocks->bytes : BLOCK_MIN;
	struct uvf_pool_block *block;

	if (bytes > BLOCK_MAX)
		bytes = BLOCK_MAX;
	block = uvf_zalloc(sizeof(*block) + bytes);
	if (!block)
		return -1;
	block->bytes = bytes;
	block->next = pool->blocks;
	pool->blocks = block;
	pool->left = bytes / pool->size;
	return 0;
}

/* The newest block is used from its end on. */
static void *take_new(struct uvf_pool *pool)
{
	uint8_t *objects;

	if (!pool->left && add_block(pool))
		return NULL;
	objects = (uint8_t *)(pool->blocks + 1);
	pool->left--;
	return objects + pool->left * pool->size;
}

void *uvf_pool_zalloc(struct uvf_pool *pool)
{
	void *object;

	if (IS_PLAIN) {
		object = uvf_zalloc(pool->size);
		pool->count += object != NULL;
		return object;
	}
	if (uvf_alloc_must_fail())
		return NULL;
	object = pool->free;
	if (object) {
		memcpy(&pool->free, object, sizeof(pool->free));
		memset(object, 0, pool->size);
	} else {
		object = take_new(pool);
	}
	pool->count += object != NULL;
	return object;
}

/* Nothing is in use: keep the oldest block, which is the smallest. */
static void empty(struct uvf_pool *pool)
{
	struct uvf_pool_block *keep = pool->blocks;

	while (keep->next)
		keep = keep->next;
	if (keep == pool->blocks)
		return;
	free_blocks(pool, keep);
	memset(keep + 1, 0, keep->bytes);
	pool->left = keep->bytes / pool->size;
	pool->free = NULL;
}

void uvf_pool_free(struct uvf_pool *pool, void *object)
{
	if (!object)
		return;
	pool->count--;
	if (IS_PLAIN) {
		uvf_free(object);
		return;
	}
	memcpy(object, &pool->free, sizeof(pool->free));
	pool->free = object;
	if (!pool->count)
		empty(pool);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/slab.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"

#define BLOCK_BYTES ((size_t)2 << 20)
#define LINE_BYTES  64u

/* At the start of a block, whose address is a multiple of its size. */
struct uvf_slab_block {
	struct uvf_slab_block *next; /* of those with room */
	struct uvf_slab_block *prev; /* NULL: the first */
	void *free;                  /* objects let go, by their first word */
	size_t used;                 /* objects */
	size_t fresh;                /* bytes up to the first never given out */
	bool has_room;               /* it is in the list */
};

static_assert(sizeof(struct uvf_slab_block) <= LINE_BYTES, "objects follow");

static struct uvf_slab_block *block_of(void *object)
{
	uintptr_t offset = (uintptr_t)object & (BLOCK_BYTES - 1);

	return (struct uvf_slab_block *)(void *)((uint8_t *)object - offset);
}

/* Addresses of twice the size have an aligned block in them. */
static struct uvf_slab_block *block_create(void)
{
	uint8_t *start = mmap(NULL, 2 * BLOCK_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uvf_slab_block *block;
	size_t before;

	if (start == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)start & (BLOCK_BYTES - 1);
	if (before)
		(void)munmap(start, before);
	block = (struct uvf_slab_block *)(void *)(start + before);
	(void)munmap(start + before + BLOCK_BYTES, BLOCK_BYTES - before);
	/* Where there are none, all is as usual. */
	(void)madvise(block, BLOCK_BYTES, MADV_HUGEPAGE);
	block->fresh = LINE_BYTES;
	return block;
}

static void add(struct uvf_slab *slab, struct uvf_slab_block *block)
{
	block->prev = NULL;
	block->next = slab->room;
	if (block->next)
		block->next->prev = block;
	slab->room = block;
	block->has_room = true;
}

static void take_out(struct uvf_slab *slab, struct uvf_slab_block *block)
{
	if (block->prev)
		block->prev->next = block->next;
	else
		slab->room = block->next;
	if (block->next)
		block->next->prev = block->prev;
	block->has_room = false;
}

static size_t stride_of(size_t size)
{
	return (size + LINE_BYTES - 1) & ~(size_t)(LINE_BYTES - 1);
}

static void *take(struct uvf_slab_block *block, size_t size)
{
	void *object = block->free;

	if (object) {
		memcpy(&block->free, object, sizeof(block->free));
		memset(object, 0, size);
	} else {
		object = (uint8_t *)block + block->fresh;
		block->fresh += stride_of(size);
	}
	block->used++;
	return object;
}

void *uvf_slab_zalloc(struct uvf_slab *slab, size_t size)
{
	struct uvf_slab_block *block = slab->room;
	void *object;

	if (uvf_alloc_must_fail())
		return NULL;
	if (!block) {
		block = block_create();
		if (!block)
			return NULL;
		add(slab, block);
	}
	object = take(block, size);
	if (!block->free && block->fresh + stride_of(size) > BLOCK_BYTES)
		take_out(slab, block);
	return object;
}

void uvf_slab_free(struct uvf_slab *slab, void *object)
{
	struct uvf_slab_block *block = block_of(object);

	memcpy(object, &block->free, sizeof(block->free));
	block->free = object;
	if (!block->has_room)
		add(slab, block);
	if (--block->used)
		return;
	take_out(slab, block);
	(void)munmap(block, BLOCK_BYTES);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A radix tree of bitmaps.  A node or a bitmap, once it is there, stays as
 * long as the tree.  Who marks makes what is missing; of two that do at the
 * same time, one throws his away.
 */
#include "iommu/dirty.h"

#include <stdatomic.h>

#include "base/alloc.h"

#define PAGE_SHIFT 12u
#define WORD_SHIFT 6u /* pages in a word */
#define WORD_BITS  (1u << WORD_SHIFT)
#define MAP_SHIFT  15u /* pages in a bitmap of 4 KiB */
#define NODE_SHIFT 9u
#define NODE_SLOTS (1u << NODE_SHIFT)
#define MAP_WORDS  (1u << (MAP_SHIFT - WORD_SHIFT))
#define LEVELS     5u /* 5 * 9 bits reach over the 52 - 15 there are */

/* In a slot: no memory for what belongs here, so all of it counts as set. */
#define ALL ((uintptr_t)1)

struct node {
	_Atomic uintptr_t slots[NODE_SLOTS]; /* nodes, or bitmaps at level 0 */
};

struct bitmap {
	_Atomic uint64_t words[MAP_WORDS];
};

struct uvf_dirty {
	struct node root;
};

struct uvf_dirty *uvf_dirty_create(void)
{
	return uvf_zalloc(sizeof(struct uvf_dirty));
}

static void free_slots(struct node *node, unsigned int level)
{
	for (unsigned int i = 0; i < NODE_SLOTS; i++) {
		uintptr_t slot = atomic_load_explicit(&node->slots[i],
						      memory_order_relaxed);

		if (!slot || slot == ALL)
			continue;
		if (level)
			free_slots((struct node *)slot, level - 1);
		uvf_free((void *)slot);
	}
}

void uvf_dirty_destroy(struct uvf_dirty *dirty)
{
	if (!dirty)
		return;
	free_slots(&dirty->root, LEVELS - 1);
	uvf_free(dirty);
}

static _Atomic uintptr_t *slot_at(struct node *node, uint64_t page,
				  unsigned int level)
{
	unsigned int shift = MAP_SHIFT + NODE_SHIFT * level;

	return &node->slots[page >> shift & (NODE_SLOTS - 1)];
}

/* What a slot leads to; made if there is nothing yet. */
static uintptr_t fill(_Atomic uintptr_t *slot, unsigned int level)
{
	uintptr_t now = atomic_load_explicit(slot, memory_order_acquire);
	void *object;
	uintptr_t want;

	if (now)
		return now;
	object =
		uvf_zalloc(level ? sizeof(struct node) : sizeof(struct bitmap));
	want = object ? (uintptr_t)object : ALL;
	if (atomic_compare_exchange_strong_explicit(slot, &now, want,
						    memory_order_acq_rel,
						    memory_order_acquire))
		return want;
	uvf_free(object);
	return now;
}

static void mark_page(struct uvf_dirty *dirty, uint64_t page)
{
	uint64_t bit = 1ull << (page % WORD_BITS);
	struct node *node = &dirty->root;
	_Atomic uint64_t *word;

	for (unsigned int level = LEVELS; level--;) {
		uintptr_t slot = fill(slot_at(node, page, level), level);

		if (slot == ALL)
			return;
		node = (struct node *)slot;
	}
	word = &((struct bitmap *)node)
			->words[page >> WORD_SHIFT & (MAP_WORDS - 1)];
	/* The mark comes behind the data: who clears it sees the data. */
	if (!(atomic_load_explicit(word, memory_order_relaxed) & bit))
		atomic_fetch_or_explicit(word, bit, memory_order_release);
}

void uvf_dirty_mark(struct uvf_dirty *dirty, struct uvf_range iova)
{
	uint64_t last = iova.last >> PAGE_SHIFT;

	for (uint64_t page = iova.first >> PAGE_SHIFT; page <= last; page++)
		mark_page(dirty, page);
}

/*
 * What is known of a page's word: the bits, or ~0 below ALL, or 0 below an
 * empty slot.  *ret_span is how many pages the answer holds for.
 */
static uint64_t look(struct uvf_dirty *dirty, uint64_t page, uint64_t mask,
		     bool is_clear, uint64_t *ret_span)
{
	struct node *node = &dirty->root;
	_Atomic uint64_t *word;

	for (unsigned int level = LEVELS; level--;) {
		uintptr_t slot = atomic_load_explicit(
			slot_at(node, page, level), memory_order_acquire);

		*ret_span = 1ull << (MAP_SHIFT + NODE_SHIFT * level);
		if (!slot)
			return 0;
		if (slot == ALL)
			return ~0ull;
		node = (struct node *)slot;
	}
	*ret_span = 1ull << WORD_SHIFT;
	word = &((struct bitmap *)node)
			->words[page >> WORD_SHIFT & (MAP_WORDS - 1)];
	if (!(atomic_load_explicit(word, memory_order_relaxed) & mask))
		return 0;
	if (is_clear)
		return atomic_fetch_and_explicit(word, ~mask,
						 memory_order_acq_rel);
	return atomic_load_explicit(word, memory_order_acquire);
}

/* The bits of a word, whose first page is @page, that lie in an interval. */
static uint64_t mask_of(uint64_t page, uint64_t first, uint64_t last)
{
	uint64_t mask = ~0ull;

	if (first > page)
		mask &= ~0ull << (first - page);
	if (last - page < WORD_BITS - 1)
		mask &= ~0ull >> (WORD_BITS - 1 - (last - page));
	return mask;
}

/* The runs of bits in one word, whose first stands for @iova. */
static void tell(uint64_t word, uint64_t iova, uvf_dirty_fn *fn, void *arg)
{
	while (word) {
		unsigned int first = (unsigned int)__builtin_ctzll(word);
		uint64_t rest = ~(word >> first);
		unsigned int count =
			rest ? (unsigned int)__builtin_ctzll(rest) : WORD_BITS;
		struct uvf_range run = {
			iova + ((uint64_t)first << PAGE_SHIFT),
			iova + ((uint64_t)(first + count) << PAGE_SHIFT) - 1,
		};

		fn(arg, run);
		if (first + count >= WORD_BITS)
			return;
		word &= UINT64_MAX << (first + count);
	}
}

void uvf_dirty_take(struct uvf_dirty *dirty, struct uvf_range iova,
		    bool is_clear, uvf_dirty_fn *fn, void *arg)
{
	uint64_t first = iova.first >> PAGE_SHIFT;
	uint64_t last = iova.last >> PAGE_SHIFT;
	uint64_t page = first & ~(uint64_t)(WORD_BITS - 1);

	while (page <= last) {
		uint64_t mask = mask_of(page, first, last);
		uint64_t span;
		uint64_t bits = look(dirty, page, mask, is_clear, &span) & mask;

		if (bits) {
			span = WORD_BITS;
			if (fn)
				tell(bits, page << PAGE_SHIFT, fn, arg);
		}
		/* Up to the next multiple of what the answer holds for. */
		page = (page | (span - 1)) + 1;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A radix tree of mappings: 4 KiB grain, 9 bits of the address for each
 * level.  A slot is empty, leads to a node, or belongs to a mapping that
 * covers all of the slot's addresses; so a mapping costs a slot for each
 * largest aligned block in it, and one walk serves the whole block.
 *
 * A slot of a mapping holds the rights and, if all of its bytes are mapped
 * here, where they are, as an entry of a processor's page table does: most
 * accesses need to look at nothing else.  Beside it stands the leaf, for
 * those that do.
 *
 * 1. A leaf does not change from its first publication until it is freed.
 * 2. A slot is written by the one who maps, read by anyone, and always
 *    behind the leaf that stands beside it.
 * 3. Nothing is freed that was reachable by a reader which runs still.
 * 4. A node other than the root has a slot in use, except while one maps.
 * 5. The root covers the highest address that was ever mapped.
 *
 * All but the reading is for one thread at a time.
 */
#ifndef UVF_IOMMU_TREE_H
#define UVF_IOMMU_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/range.h"
#include "base/slab.h"

struct uvf_mem;

#define UVF_TREE_PAGE_SHIFT  12u
#define UVF_TREE_LEVEL_SHIFT 9u
#define UVF_TREE_SLOTS       512u
#define UVF_TREE_LEVELS      6u /* 12 + 6 * 9 bits are more than 64 */

/* In the low bits of a slot; above them a node, or where the bytes are. */
#define UVF_SLOT_LEAF   0x1ull /* of a mapping */
#define UVF_SLOT_READ   0x2ull
#define UVF_SLOT_WRITE  0x4ull
#define UVF_SLOT_DIRECT 0x8ull      /* there is an address */
#define UVF_SLOT_ADDR   (~0xfffull) /* of an IOVA, likewise */

/* In the low bits of the root: how many levels there are. */
#define UVF_ROOT_LEVEL 0x7ull

/* One mapping, as the readers see it. */
struct uvf_leaf {
	uint64_t first_prot; /* IOVA of a page, and UVF_PROT_* of the tables */
	uint64_t last;       /* IOVA */
	union {
		struct uvf_mem *mem;        /* holds one reference */
		struct uvf_leaf *next_dead; /* when nobody reads it any more */
	};
	uint64_t offset; /* of the first byte in mem */
};

struct uvf_tree_node {
	_Atomic uint64_t slots[UVF_TREE_SLOTS];
	_Atomic(struct uvf_leaf *) leaves[UVF_TREE_SLOTS];
	struct uvf_tree_node *next_dead;
	unsigned int used; /* slots */
	bool is_small;     /* not of the slab */
};

/* All zero is an empty tree. */
struct uvf_tree {
	_Atomic uint64_t root; /* node and level; 0: nothing was mapped yet */
	struct uvf_tree_node *dead_nodes;  /* not waited for yet */
	struct uvf_tree_node *spare_nodes; /* waited for, by next_dead */
	unsigned int spare_count;
	unsigned int small_count; /* nodes that are not of the slab */
	struct uvf_slab slab;     /* of all other nodes */
};

static inline uint64_t uvf_leaf_first(const struct uvf_leaf *leaf)
{
	return leaf->first_prot & UVF_SLOT_ADDR;
}

static inline uint32_t uvf_leaf_prot(const struct uvf_leaf *leaf)
{
	return (uint32_t)(leaf->first_prot & ~UVF_SLOT_ADDR);
}

/* Bits of an address below what a slot at this level covers. */
static inline unsigned int uvf_tree_shift(unsigned int level)
{
	return UVF_TREE_PAGE_SHIFT + UVF_TREE_LEVEL_SHIFT * (level - 1);
}

/* Where a walk ended. */
struct uvf_tree_place {
	struct uvf_tree_node *node;
	unsigned int index;
	unsigned int shift; /* of what the slot covers */
};

/**
 * uvf_tree_find() - the slot of a mapping at an address, or 0
 * @ret_place: written when it is not 0
 * Context: in a section of a reader, or as the one who maps.
 */
static inline uint64_t uvf_tree_find(const struct uvf_tree *tree, uint64_t iova,
				     struct uvf_tree_place *ret_place)
{
	uint64_t ref = atomic_load_explicit(&tree->root, memory_order_acquire);
	unsigned int shift = uvf_tree_shift(ref & UVF_ROOT_LEVEL);
	struct uvf_tree_node *node;
	unsigned int index;

	/* There may be bits that the root does not look at. */
	if (!ref || iova >> shift >> UVF_TREE_LEVEL_SHIFT)
		return 0;
	ref &= ~UVF_ROOT_LEVEL;
	for (;;) {
		node = (struct uvf_tree_node *)(uintptr_t)ref;
		index = (iova >> shift) & (UVF_TREE_SLOTS - 1);
		ref = atomic_load_explicit(&node->slots[index],
					   memory_order_acquire);
		if (ref & UVF_SLOT_LEAF)
			break;
		if (!ref)
			return 0;
		shift -= UVF_TREE_LEVEL_SHIFT;
	}
	*ret_place = (struct uvf_tree_place){node, index, shift};
	return ref;
}

/* The leaf at an address, or NULL.  Context: as uvf_tree_find(). */
struct uvf_leaf *uvf_tree_leaf(const struct uvf_tree *tree, uint64_t iova);

/* The lowest mapping, or NULL. */
struct uvf_leaf *uvf_tree_first(const struct uvf_tree *tree);

/**
 * uvf_tree_prepare() - make all nodes that a mapping needs
 * Return: 0 or -ENOMEM, and then nothing changed for readers.
 */
int uvf_tree_prepare(struct uvf_tree *tree, struct uvf_range iova);

/* Let the slots of a mapping, which are prepared, lead to it. */
void uvf_tree_publish(struct uvf_tree *tree, struct uvf_leaf *leaf);

/**
 * uvf_tree_exchange() - put another mapping in the place of one
 * @iova: of the present mapping, exactly
 * @leaf: of the same interval; NULL: none
 * Return: the old one, which readers may still use, or NULL: it was not there.
 */
struct uvf_leaf *uvf_tree_exchange(struct uvf_tree *tree, struct uvf_range iova,
				   struct uvf_leaf *leaf);

/**
 * uvf_tree_cut() - let a slot begin at an address inside a mapping
 * Return: 0 or -ENOMEM; readers see no change.
 */
int uvf_tree_cut(struct uvf_tree *tree, uint64_t at);

/* Let slots that are in use, and cut at both ends, lead to a mapping. */
void uvf_tree_overwrite(struct uvf_tree *tree, struct uvf_leaf *leaf);

/* Readers that ran when the dead nodes were unlinked have ended. */
void uvf_tree_free_dead(struct uvf_tree *tree);

/* Nothing is mapped, and nobody reads. */
void uvf_tree_fini(struct uvf_tree *tree);

#endif /* UVF_IOMMU_TREE_H */

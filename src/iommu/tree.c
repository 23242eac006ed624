/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommu/tree.h"

#include <errno.h>

#include "base/alloc.h"
#include "mem/mem.h"

/* Empty nodes to keep, so that a mapping that comes and goes is cheap. */
#define SPARE_MAX 8u
/* So many nodes are too few for memory in blocks of MiB. */
#define SMALL_MAX 64u

/* The way from the root to the slot of an address. */
struct path {
	uint64_t iova;
	unsigned int level; /* of the lowest node; level 0 is not used */
	struct uvf_tree_node *nodes[UVF_TREE_LEVELS + 1];
};

/* Slots of one node, side by side, that an interval covers. */
struct run {
	unsigned int level;
	unsigned int count;
	uint64_t last; /* address in the last of them */
};

static uint64_t ref_of(const void *object, uint64_t bits)
{
	return (uintptr_t)object | bits;
}

static struct uvf_tree_node *node_of(uint64_t ref)
{
	return (struct uvf_tree_node *)(uintptr_t)(ref & ~UVF_ROOT_LEVEL);
}

static unsigned int index_of(uint64_t iova, unsigned int level)
{
	return (iova >> uvf_tree_shift(level)) & (UVF_TREE_SLOTS - 1);
}

static uint64_t load(const _Atomic uint64_t *ref)
{
	return atomic_load_explicit(ref, memory_order_acquire);
}

static void store(_Atomic uint64_t *ref, uint64_t value)
{
	atomic_store_explicit(ref, value, memory_order_release);
}

static unsigned int top_of(const struct uvf_tree *tree)
{
	return load(&tree->root) & UVF_ROOT_LEVEL;
}

/* How many levels reach an address. */
static unsigned int level_for(uint64_t iova)
{
	unsigned int level = 1;

	while (level < UVF_TREE_LEVELS && iova >> uvf_tree_shift(level + 1))
		level++;
	return level;
}

static struct uvf_leaf *leaf_at(const struct uvf_tree_node *node,
				unsigned int index)
{
	return atomic_load_explicit(&node->leaves[index], memory_order_acquire);
}

struct uvf_leaf *uvf_tree_leaf(const struct uvf_tree *tree, uint64_t iova)
{
	struct uvf_tree_place place;
	struct uvf_leaf *leaf;

	if (!uvf_tree_find(tree, iova, &place))
		return NULL;
	leaf = leaf_at(place.node, place.index);
	/* Another may have come meanwhile; never one that is not there. */
	return uvf_leaf_first(leaf) <= iova && iova <= leaf->last ? leaf : NULL;
}

static struct uvf_tree_node *node_create(struct uvf_tree *tree)
{
	struct uvf_tree_node *node = tree->spare_nodes;

	if (node) {
		tree->spare_nodes = node->next_dead;
		tree->spare_count--;
		return node;
	}
	if (tree->small_count == SMALL_MAX)
		return uvf_slab_zalloc(&tree->slab, sizeof(*node));
	node = uvf_zalloc(sizeof(*node));
	if (!node)
		return NULL;
	node->is_small = true;
	tree->small_count++;
	return node;
}

/* Takes NULL. */
static void node_free(struct uvf_tree *tree, struct uvf_tree_node *node)
{
	if (node && node->is_small) {
		tree->small_count--;
		uvf_free(node);
	} else if (node) {
		uvf_slab_free(&tree->slab, node);
	}
}

/* The node has no slot in use, and no reader sees it any more. */
static void node_destroy(struct uvf_tree *tree, struct uvf_tree_node *node)
{
	if (tree->spare_count == SPARE_MAX) {
		node_free(tree, node);
		return;
	}
	node->next_dead = tree->spare_nodes;
	tree->spare_nodes = node;
	tree->spare_count++;
}

static void bury_node(struct uvf_tree *tree, struct uvf_tree_node *node)
{
	node->next_dead = tree->dead_nodes;
	tree->dead_nodes = node;
}

void uvf_tree_free_dead(struct uvf_tree *tree)
{
	while (tree->dead_nodes) {
		struct uvf_tree_node *node = tree->dead_nodes;

		tree->dead_nodes = node->next_dead;
		node_destroy(tree, node);
	}
}

void uvf_tree_fini(struct uvf_tree *tree)
{
	uvf_tree_free_dead(tree);
	node_free(tree, node_of(load(&tree->root)));
	while (tree->spare_nodes) {
		struct uvf_tree_node *node = tree->spare_nodes;

		tree->spare_nodes = node->next_dead;
		node_free(tree, node);
	}
}

/* Let the tree be high enough for an address. */
static int grow(struct uvf_tree *tree, uint64_t iova)
{
	unsigned int want = level_for(iova);
	uint64_t root = load(&tree->root);

	while ((root & UVF_ROOT_LEVEL) < want) {
		struct uvf_tree_node *node = node_create(tree);
		struct uvf_tree_node *old = node_of(root);
		unsigned int level = want;

		if (!node)
			return -ENOMEM;
		if (old && old->used) {
			level = (root & UVF_ROOT_LEVEL) + 1;
			store(&node->slots[0], ref_of(old, 0));
			node->used = 1;
		} else if (old) {
			bury_node(tree, old);
		}
		root = ref_of(node, level);
		store(&tree->root, root);
	}
	return 0;
}

/*
 * Go down to the slot of an address, at @level or where the way ends before.
 * Return what the slot holds.
 */
static uint64_t walk(const struct uvf_tree *tree, uint64_t iova,
		     unsigned int level, struct path *path)
{
	uint64_t ref = load(&tree->root);

	path->iova = iova;
	path->level = ref & UVF_ROOT_LEVEL;
	ref = ref_of(node_of(ref), 0);
	for (;;) {
		struct uvf_tree_node *node = node_of(ref);

		path->nodes[path->level] = node;
		ref = load(&node->slots[index_of(iova, path->level)]);
		if (!ref || ref & UVF_SLOT_LEAF || path->level == level)
			return ref;
		path->level--;
	}
}

/* The lowest node of a path, and the slot in it. */
static struct uvf_tree_node *end_of(const struct path *path,
				    unsigned int *ret_index)
{
	*ret_index = index_of(path->iova, path->level);
	return path->nodes[path->level];
}

static _Atomic uint64_t *slot_of(const struct path *path)
{
	unsigned int index;
	struct uvf_tree_node *node = end_of(path, &index);

	return &node->slots[index];
}

/* Take the lowest node out, and those above it, while they hold nothing. */
static void prune(struct uvf_tree *tree, struct path *path)
{
	unsigned int top = top_of(tree);

	while (path->level < top && !path->nodes[path->level]->used) {
		struct uvf_tree_node *node = path->nodes[path->level];

		path->level++;
		store(slot_of(path), 0);
		path->nodes[path->level]->used--;
		bury_node(tree, node);
	}
}

/* The first slots of [iova, last]; both ends lie on pages. */
static struct run first_run(const struct uvf_tree *tree, uint64_t iova,
			    uint64_t last)
{
	unsigned int top = top_of(tree);
	struct run run = {.level = 1};
	uint64_t below = (1ull << UVF_TREE_PAGE_SHIFT) - 1;
	uint64_t blocks;
	unsigned int room;

	while (run.level < top) {
		uint64_t wide = (1ull << uvf_tree_shift(run.level + 1)) - 1;

		if (iova & wide || last - iova < wide)
			break;
		below = wide;
		run.level++;
	}
	blocks = ((last - iova - below) >> uvf_tree_shift(run.level)) + 1;
	room = UVF_TREE_SLOTS - index_of(iova, run.level);
	run.count = blocks < room ? (unsigned int)blocks : room;
	/* Modulo 2^64: all of the address space is one run. */
	run.last =
		iova + (((uint64_t)run.count << uvf_tree_shift(run.level)) - 1);
	return run;
}

/* Make the node at @level for an address, and those above it. */
static int walk_create(struct uvf_tree *tree, uint64_t iova, unsigned int level)
{
	struct path path;

	walk(tree, iova, level, &path);
	while (path.level > level) {
		struct uvf_tree_node *node = node_create(tree);

		if (!node) {
			prune(tree, &path);
			return -ENOMEM;
		}
		store(slot_of(&path), ref_of(node, 0));
		path.nodes[path.level]->used++;
		path.level--;
		path.nodes[path.level] = node;
	}
	return 0;
}

/* Unlink the nodes without a slot in use on the way to [iova.first, end). */
static void unprepare(struct uvf_tree *tree, struct uvf_range iova,
		      uint64_t end)
{
	uint64_t pos = iova.first;

	while (pos != end) {
		struct run run = first_run(tree, pos, iova.last);
		struct path path;

		walk(tree, pos, run.level, &path);
		prune(tree, &path);
		pos = run.last + 1;
	}
}

int uvf_tree_prepare(struct uvf_tree *tree, struct uvf_range iova)
{
	uint64_t pos = iova.first;
	int ret = grow(tree, iova.last);

	while (!ret) {
		struct run run = first_run(tree, pos, iova.last);

		ret = walk_create(tree, pos, run.level);
		if (ret)
			unprepare(tree, iova, pos);
		else if (run.last == iova.last)
			return 0;
		pos = run.last + 1;
	}
	return ret;
}

/* What the slot that covers @size bytes from @iova on holds for a leaf. */
static uint64_t slot_for(const struct uvf_leaf *leaf, uint64_t iova,
			 uint64_t size)
{
	uint64_t offset = leaf->offset + (iova - uvf_leaf_first(leaf));
	uint64_t slot = UVF_SLOT_LEAF;
	uint64_t addr = (uintptr_t)uvf_mem_at(leaf->mem, offset, size);

	if (uvf_leaf_prot(leaf) & UVF_PROT_READ)
		slot |= UVF_SLOT_READ;
	if (uvf_leaf_prot(leaf) & UVF_PROT_WRITE)
		slot |= UVF_SLOT_WRITE;
	if (addr && !(addr & ~UVF_SLOT_ADDR))
		slot |= UVF_SLOT_DIRECT | addr;
	return slot;
}

/* Let a slot lead to a leaf, or to nothing; @iova is where it begins. */
static void set(struct uvf_tree_node *node, unsigned int index,
		struct uvf_leaf *leaf, uint64_t iova, unsigned int level)
{
	if (!leaf) {
		/* Who has seen the slot may look at the old leaf still. */
		store(&node->slots[index], 0);
		return;
	}
	atomic_store_explicit(&node->leaves[index], leaf, memory_order_release);
	store(&node->slots[index],
	      slot_for(leaf, iova, 1ull << uvf_tree_shift(level)));
}

void uvf_tree_publish(struct uvf_tree *tree, struct uvf_leaf *leaf)
{
	uint64_t pos = uvf_leaf_first(leaf);

	for (;;) {
		struct run run = first_run(tree, pos, leaf->last);
		struct uvf_tree_node *node;
		struct path path;
		unsigned int index;

		walk(tree, pos, run.level, &path);
		node = end_of(&path, &index);
		node->used += run.count;
		for (unsigned int i = 0; i < run.count; i++) {
			set(node, index + i, leaf, pos, run.level);
			pos += 1ull << uvf_tree_shift(run.level);
		}
		if (run.last == leaf->last)
			return;
	}
}

/* Whether a slot belongs to a mapping of exactly this interval. */
static bool is_exactly(const struct uvf_leaf *leaf, struct uvf_range iova)
{
	return uvf_leaf_first(leaf) == iova.first && leaf->last == iova.last;
}

struct uvf_leaf *uvf_tree_exchange(struct uvf_tree *tree, struct uvf_range iova,
				   struct uvf_leaf *leaf)
{
	uint64_t pos = iova.first;
	struct uvf_leaf *old;

	if (!load(&tree->root))
		return NULL;
	for (;;) {
		struct uvf_tree_node *node;
		struct path path;
		unsigned int index, count = 0;

		/* The root may have grown since: go where the leaf is. */
		if (!(walk(tree, pos, 1, &path) & UVF_SLOT_LEAF))
			return NULL;
		node = end_of(&path, &index);
		old = leaf_at(node, index);
		if (!is_exactly(old, iova))
			return NULL;
		while (index < UVF_TREE_SLOTS &&
		       load(&node->slots[index]) & UVF_SLOT_LEAF &&
		       leaf_at(node, index) == old) {
			set(node, index, leaf, pos, path.level);
			pos += 1ull << uvf_tree_shift(path.level);
			index++;
			count++;
		}
		if (!leaf) {
			node->used -= count;
			prune(tree, &path);
		}
		if (pos == iova.last + 1)
			return old;
	}
}

int uvf_tree_cut(struct uvf_tree *tree, uint64_t at)
{
	for (;;) {
		struct uvf_tree_node *node, *above;
		struct uvf_leaf *leaf;
		struct path path;
		unsigned int index;
		uint64_t span;

		walk(tree, at, 1, &path);
		span = 1ull << uvf_tree_shift(path.level);
		if (!(at & (span - 1)))
			return 0;
		node = node_create(tree);
		if (!node)
			return -ENOMEM;
		above = end_of(&path, &index);
		leaf = leaf_at(above, index);
		for (unsigned int i = 0; i < UVF_TREE_SLOTS; i++)
			set(node, i, leaf,
			    (at & ~(span - 1)) + i * (span / UVF_TREE_SLOTS),
			    path.level - 1);
		node->used = UVF_TREE_SLOTS;
		store(&above->slots[index], ref_of(node, 0));
	}
}

void uvf_tree_overwrite(struct uvf_tree *tree, struct uvf_leaf *leaf)
{
	uint64_t pos = uvf_leaf_first(leaf);

	do {
		struct uvf_tree_node *node;
		struct path path;
		unsigned int index;

		walk(tree, pos, 1, &path);
		node = end_of(&path, &index);
		set(node, index, leaf, pos, path.level);
		pos += 1ull << uvf_tree_shift(path.level);
	} while (pos != leaf->last + 1);
}

struct uvf_leaf *uvf_tree_first(const struct uvf_tree *tree)
{
	uint64_t ref = load(&tree->root);
	struct uvf_tree_node *node = node_of(ref);
	unsigned int i = 0;

	while (node) {
		for (i = 0; i < UVF_TREE_SLOTS - 1; i++)
			if (load(&node->slots[i]))
				break;
		ref = load(&node->slots[i]);
		if (!ref || ref & UVF_SLOT_LEAF)
			break;
		node = node_of(ref);
	}
	return node && ref ? leaf_at(node, i) : NULL;
}

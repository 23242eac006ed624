/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A radix tree of mappings: 4 KiB grain, 9 bits of the address for each
 * level.  A slot is empty, leads to a node, or holds a mapping that covers
 * all of the slot's addresses; so a mapping costs a slot for each largest
 * aligned block in it, and one walk serves the rest of the mapping.
 *
 * 1. A leaf does not change from its first publication until it is freed.
 * 2. A slot is written by the one who maps, read by anyone.
 * 3. Nothing is freed that was reachable by a reader which runs still.
 * 4. A node other than the root has a slot in use, except while one maps.
 * 5. The root covers the highest address that was ever mapped.
 */
#include "iommu/translate.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "iommu/reader.h"
#include "mem/copy.h"
#include "mem/mem.h"

#define PAGE_SHIFT  12u
#define LEVEL_SHIFT 9u
#define SLOT_COUNT  512u
#define LEVEL_MAX   6u /* 12 + 6 * 9 bits are more than 64 */

/* In the low bits of a reference, which all objects leave free. */
#define REF_LEAF  0x8ull /* of a slot: a leaf, no node */
#define REF_LEVEL 0x7ull /* of the root: how many levels there are */
#define REF_BITS  0xfull

/* Empty nodes to keep, so that a mapping that comes and goes is cheap. */
#define SPARE_MAX 8u

/* Bytes that one section of a reader may copy. */
#define SECTION_BYTES 65536u

/* One mapping, as the readers see it. */
struct leaf {
	struct uvf_range iova;
	uint8_t *direct;     /* to iova.first, or NULL: through mem */
	struct uvf_mem *mem; /* holds one reference */
	uint64_t offset;     /* of iova.first in mem */
	struct leaf *next_dead;
	uint32_t prot; /* UVF_PROT_*, what the tables can say */
};

struct node {
	_Atomic uint64_t slots[SLOT_COUNT];
	struct node *next_dead;
	unsigned int used; /* slots; of the one who maps */
};

struct uvf_aspace {
	_Atomic uint64_t root; /* node and level; 0: nothing was mapped yet */
	bool write_implies_read;
	/* What follows is of the one who maps. */
	struct leaf *dead_leaves; /* unlinked, and not waited for yet */
	struct node *dead_nodes;  /* likewise; without a slot in use */
	struct node *spare_nodes; /* waited for, by next_dead */
	unsigned int spare_count;
};

/* The way from the root to the slot of an address; of the one who maps. */
struct path {
	uint64_t iova;
	unsigned int level;                /* of the lowest node */
	struct node *nodes[LEVEL_MAX + 1]; /* by level; 0 is not used */
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

static void *object_of(uint64_t ref)
{
	return (void *)(uintptr_t)(ref & ~REF_BITS);
}

/* Bits of an address below what a slot at this level covers. */
static unsigned int shift_of(unsigned int level)
{
	return PAGE_SHIFT + LEVEL_SHIFT * (level - 1);
}

static unsigned int index_of(uint64_t iova, unsigned int level)
{
	return (iova >> shift_of(level)) & (SLOT_COUNT - 1);
}

static uint64_t load(const _Atomic uint64_t *ref)
{
	return atomic_load_explicit(ref, memory_order_acquire);
}

static void store(_Atomic uint64_t *ref, uint64_t value)
{
	atomic_store_explicit(ref, value, memory_order_release);
}

/* How many levels reach an address. */
static unsigned int level_for(uint64_t iova)
{
	unsigned int level = 1;

	while (level < LEVEL_MAX && iova >> shift_of(level + 1))
		level++;
	return level;
}

/* The leaf at an address, or NULL. */
static inline const struct leaf *find(const struct uvf_aspace *as,
				      uint64_t iova)
{
	uint64_t ref = load(&as->root);
	unsigned int shift;

	if (!ref)
		return NULL;
	shift = shift_of(ref & REF_LEVEL);
	if (iova >> shift >> LEVEL_SHIFT)
		return NULL;
	for (;;) {
		const struct node *node = object_of(ref);

		ref = load(&node->slots[(iova >> shift) & (SLOT_COUNT - 1)]);
		if (ref & REF_LEAF)
			return object_of(ref);
		if (!ref)
			return NULL;
		shift -= LEVEL_SHIFT;
	}
}

int uvf_aspace_create(struct uvf_aspace **ret_as, bool write_implies_read)
{
	struct uvf_aspace *as = uvf_zalloc(sizeof(*as));

	if (!as)
		return -ENOMEM;
	as->write_implies_read = write_implies_read;
	*ret_as = as;
	return 0;
}

static struct node *node_create(struct uvf_aspace *as)
{
	struct node *node = as->spare_nodes;

	if (!node)
		return uvf_zalloc(sizeof(*node));
	as->spare_nodes = node->next_dead;
	as->spare_count--;
	return node;
}

/* The node has no slot in use, and no reader sees it any more. */
static void node_destroy(struct uvf_aspace *as, struct node *node)
{
	if (as->spare_count == SPARE_MAX) {
		uvf_free(node);
		return;
	}
	node->next_dead = as->spare_nodes;
	as->spare_nodes = node;
	as->spare_count++;
}

static void bury_node(struct uvf_aspace *as, struct node *node)
{
	node->next_dead = as->dead_nodes;
	as->dead_nodes = node;
}

/* Let the tree be high enough for an address. */
static int grow(struct uvf_aspace *as, uint64_t iova)
{
	unsigned int want = level_for(iova);
	uint64_t root = load(&as->root);

	while ((root & REF_LEVEL) < want) {
		struct node *node = node_create(as);
		struct node *old = object_of(root);
		unsigned int level = want;

		if (!node)
			return -ENOMEM;
		if (old && old->used) {
			level = (root & REF_LEVEL) + 1;
			store(&node->slots[0], ref_of(old, 0));
			node->used = 1;
		} else if (old) {
			bury_node(as, old);
		}
		root = ref_of(node, level);
		store(&as->root, root);
	}
	return 0;
}

/*
 * Go down to the slot of an address, at @level or where the way ends before.
 * Return what the slot holds.
 */
static uint64_t walk(const struct uvf_aspace *as, uint64_t iova,
		     unsigned int level, struct path *path)
{
	uint64_t ref = load(&as->root);

	path->iova = iova;
	path->level = ref & REF_LEVEL;
	for (;;) {
		struct node *node = object_of(ref);

		path->nodes[path->level] = node;
		ref = load(&node->slots[index_of(iova, path->level)]);
		if (!ref || ref & REF_LEAF || path->level == level)
			return ref;
		path->level--;
	}
}

static _Atomic uint64_t *slot_of(const struct path *path)
{
	unsigned int index = index_of(path->iova, path->level);

	return &path->nodes[path->level]->slots[index];
}

/* Take the lowest node out, and those above it, while they hold nothing. */
static void prune(struct uvf_aspace *as, struct path *path)
{
	unsigned int top = load(&as->root) & REF_LEVEL;

	while (path->level < top && !path->nodes[path->level]->used) {
		struct node *node = path->nodes[path->level];

		path->level++;
		store(slot_of(path), 0);
		path->nodes[path->level]->used--;
		bury_node(as, node);
	}
}

/* The first slots of [iova, last]; both ends lie on pages. */
static struct run first_run(const struct uvf_aspace *as, uint64_t iova,
			    uint64_t last)
{
	unsigned int top = load(&as->root) & REF_LEVEL;
	struct run run = {.level = 1};
	uint64_t below = (1ull << PAGE_SHIFT) - 1;
	uint64_t blocks;
	unsigned int room;

	while (run.level < top) {
		uint64_t wide = (1ull << shift_of(run.level + 1)) - 1;

		if (iova & wide || last - iova < wide)
			break;
		below = wide;
		run.level++;
	}
	blocks = ((last - iova - below) >> shift_of(run.level)) + 1;
	room = SLOT_COUNT - index_of(iova, run.level);
	run.count = blocks < room ? (unsigned int)blocks : room;
	/* Modulo 2^64: all of the address space is one run. */
	run.last = iova + (((uint64_t)run.count << shift_of(run.level)) - 1);
	return run;
}

/* Make the node at @level for an address, and those above it. */
static int walk_create(struct uvf_aspace *as, uint64_t iova, unsigned int level)
{
	struct path path;

	walk(as, iova, level, &path);
	while (path.level > level) {
		struct node *node = node_create(as);

		if (!node) {
			prune(as, &path);
			return -ENOMEM;
		}
		store(slot_of(&path), ref_of(node, 0));
		path.nodes[path.level]->used++;
		path.level--;
		path.nodes[path.level] = node;
	}
	return 0;
}

/* Drop the nodes without a slot in use on the way to [iova.first, last]. */
static void unprepare(struct uvf_aspace *as, struct uvf_range iova,
		      uint64_t end)
{
	uint64_t pos = iova.first;

	while (pos != end) {
		struct run run = first_run(as, pos, iova.last);
		struct path path;

		walk(as, pos, run.level, &path);
		prune(as, &path);
		pos = run.last + 1;
	}
	uvf_aspace_drain(as);
}

/* Make all nodes that an interval needs, or none. */
static int prepare(struct uvf_aspace *as, struct uvf_range iova)
{
	uint64_t pos = iova.first;

	for (;;) {
		struct run run = first_run(as, pos, iova.last);
		int ret = walk_create(as, pos, run.level);

		if (ret) {
			unprepare(as, iova, pos);
			return ret;
		}
		if (run.last == iova.last)
			return 0;
		pos = run.last + 1;
	}
}

/* Let the slots of an interval, whose nodes are there, hold a leaf. */
static void publish(struct uvf_aspace *as, struct leaf *leaf)
{
	uint64_t pos = leaf->iova.first;

	for (;;) {
		struct run run = first_run(as, pos, leaf->iova.last);
		struct path path;
		_Atomic uint64_t *slot;

		walk(as, pos, run.level, &path);
		slot = slot_of(&path);
		for (unsigned int i = 0; i < run.count; i++)
			store(&slot[i], ref_of(leaf, REF_LEAF));
		path.nodes[path.level]->used += run.count;
		if (run.last == leaf->iova.last)
			return;
		pos = run.last + 1;
	}
}

static struct leaf *leaf_create(struct uvf_range iova, struct uvf_mem *mem,
				uint64_t offset, uint32_t prot)
{
	struct leaf *leaf = uvf_zalloc(sizeof(*leaf));

	if (!leaf)
		return NULL;
	leaf->iova = iova;
	leaf->mem = uvf_mem_get(mem);
	leaf->offset = offset;
	leaf->direct = uvf_mem_direct(mem);
	if (leaf->direct)
		leaf->direct += offset;
	leaf->prot = prot;
	return leaf;
}

static void leaf_destroy(struct leaf *leaf)
{
	uvf_mem_put(leaf->mem);
	uvf_free(leaf);
}

int uvf_aspace_map(struct uvf_aspace *as, struct uvf_range iova,
		   struct uvf_mem *mem, uint32_t prot)
{
	return uvf_aspace_map_slice(as, iova, mem, 0, prot);
}

int uvf_aspace_map_slice(struct uvf_aspace *as, struct uvf_range iova,
			 struct uvf_mem *mem, uint64_t offset, uint32_t prot)
{
	struct leaf *leaf;
	int ret;

	if (prot & UVF_PROT_WRITE && as->write_implies_read)
		prot |= UVF_PROT_READ;
	leaf = leaf_create(iova, mem, offset, prot);
	if (!leaf)
		return -ENOMEM;
	ret = grow(as, iova.last);
	if (!ret)
		ret = prepare(as, iova);
	if (ret) {
		leaf_destroy(leaf);
		return ret;
	}
	/* Commit: nothing below can fail. */
	publish(as, leaf);
	return 0;
}

/*
 * Let every slot that holds the leaf at @iova hold @leaf instead, or nothing
 * when that is NULL.  Return the old one; NULL is a bug of the caller.
 */
static struct leaf *exchange(struct uvf_aspace *as, struct uvf_range iova,
			     struct leaf *leaf)
{
	uint64_t value = leaf ? ref_of(leaf, REF_LEAF) : 0;
	uint64_t pos = iova.first;
	struct leaf *old;
	uint64_t ref;

	if (!load(&as->root))
		return NULL;
	for (;;) {
		struct path path;
		_Atomic uint64_t *slot;
		unsigned int room, count = 0;

		/* The root may have grown since: go where the leaf is. */
		ref = walk(as, pos, 1, &path);
		old = ref & REF_LEAF ? object_of(ref) : NULL;
		if (!old || old->iova.first != iova.first ||
		    old->iova.last != iova.last)
			return NULL;
		slot = slot_of(&path);
		room = SLOT_COUNT - index_of(pos, path.level);
		while (count < room && load(&slot[count]) == ref)
			store(&slot[count++], value);
		pos += (uint64_t)count << shift_of(path.level);
		if (!leaf) {
			path.nodes[path.level]->used -= count;
			prune(as, &path);
		}
		if (pos == iova.last + 1)
			return old;
	}
}

static void bury(struct uvf_aspace *as, struct leaf *leaf)
{
	leaf->next_dead = as->dead_leaves;
	as->dead_leaves = leaf;
}

void uvf_aspace_unlink(struct uvf_aspace *as, struct uvf_range iova)
{
	struct leaf *leaf = exchange(as, iova, NULL);

	if (!UVF_BUG_ON(!leaf))
		bury(as, leaf);
}

void uvf_aspace_drain(struct uvf_aspace *as)
{
	if (!as->dead_leaves && !as->dead_nodes)
		return;
	uvf_reader_synchronize();
	while (as->dead_leaves) {
		struct leaf *leaf = as->dead_leaves;

		as->dead_leaves = leaf->next_dead;
		leaf_destroy(leaf);
	}
	while (as->dead_nodes) {
		struct node *node = as->dead_nodes;

		as->dead_nodes = node->next_dead;
		node_destroy(as, node);
	}
}

void uvf_aspace_unmap(struct uvf_aspace *as, const struct uvf_range *iovas,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		uvf_aspace_unlink(as, iovas[i]);
	uvf_aspace_drain(as);
}

int uvf_aspace_replace(struct uvf_aspace *as, struct uvf_range iova,
		       struct uvf_mem *mem)
{
	const struct leaf *now = find(as, iova.first);
	struct leaf *leaf, *old;

	if (UVF_BUG_ON(!now))
		return 0;
	leaf = leaf_create(iova, mem, 0, now->prot);
	if (!leaf)
		return -ENOMEM;
	old = exchange(as, iova, leaf);
	if (UVF_BUG_ON(!old)) {
		leaf_destroy(leaf);
		return 0;
	}
	bury(as, old);
	uvf_aspace_drain(as);
	return 0;
}

/* Let a slot begin at an address inside a mapping; accesses see no change. */
static int cut_slot(struct uvf_aspace *as, uint64_t at)
{
	for (;;) {
		struct path path;
		uint64_t ref = walk(as, at, 1, &path);
		struct node *node;

		if (!(at & ((1ull << shift_of(path.level)) - 1)))
			return 0;
		node = node_create(as);
		if (!node)
			return -ENOMEM;
		for (unsigned int i = 0; i < SLOT_COUNT; i++)
			store(&node->slots[i], ref);
		node->used = SLOT_COUNT;
		store(slot_of(&path), ref_of(node, 0));
	}
}

/* Let the slots of an interval, all in use, hold another leaf. */
static void overwrite(struct uvf_aspace *as, struct leaf *leaf)
{
	uint64_t pos = leaf->iova.first;

	do {
		struct path path;

		walk(as, pos, 1, &path);
		store(slot_of(&path), ref_of(leaf, REF_LEAF));
		pos += 1ull << shift_of(path.level);
	} while (pos != leaf->iova.last + 1);
}

int uvf_aspace_split(struct uvf_aspace *as, struct uvf_range iova, uint64_t at)
{
	const struct leaf *now = find(as, iova.first);
	struct uvf_range low = {iova.first, at - 1};
	struct uvf_range high = {at, iova.last};
	struct leaf *first, *second;

	if (UVF_BUG_ON(!now || now->iova.last != iova.last))
		return 0;
	first = leaf_create(low, now->mem, now->offset, now->prot);
	second = leaf_create(high, now->mem, now->offset + (at - iova.first),
			     now->prot);
	if (!first || !second || cut_slot(as, at)) {
		if (first)
			leaf_destroy(first);
		if (second)
			leaf_destroy(second);
		return -ENOMEM;
	}
	/* Commit: nothing below can fail. */
	overwrite(as, first);
	overwrite(as, second);
	bury(as, (struct leaf *)(uintptr_t)now);
	uvf_aspace_drain(as);
	return 0;
}

/* The lowest mapping, or NULL. */
static const struct leaf *first_leaf(const struct uvf_aspace *as)
{
	uint64_t ref = load(&as->root);

	while (ref && !(ref & REF_LEAF)) {
		const struct node *node = object_of(ref);
		unsigned int i = 0;

		while (i < SLOT_COUNT - 1 && !load(&node->slots[i]))
			i++;
		ref = load(&node->slots[i]);
	}
	return ref ? object_of(ref) : NULL;
}

void uvf_aspace_destroy(struct uvf_aspace *as)
{
	const struct leaf *leaf;

	if (!as)
		return;
	while ((leaf = first_leaf(as)))
		uvf_aspace_unlink(as, leaf->iova);
	uvf_aspace_drain(as);
	uvf_reader_synchronize();
	uvf_free(object_of(load(&as->root)));
	while (as->spare_nodes) {
		struct node *node = as->spare_nodes;

		as->spare_nodes = node->next_dead;
		uvf_free(node);
	}
	uvf_free(as);
}

/*
 * Copy what one mapping and one section allow, up to a multiple of @grain.
 * Return: 0 and the bytes in *ret_len, or -EFAULT.
 */
static int copy_piece(struct uvf_aspace *as, uint64_t iova, uint8_t *buf,
		      uint64_t grain, bool is_write, size_t *ret_len)
{
	const struct leaf *leaf;
	uint64_t len = grain - (iova & (grain - 1));
	int ret = -EFAULT;

	if (len > *ret_len)
		len = *ret_len;
	uvf_reader_enter();
	leaf = find(as, iova);
	if (leaf && leaf->prot & (is_write ? UVF_PROT_WRITE : UVF_PROT_READ)) {
		uint64_t offset = leaf->offset + (iova - leaf->iova.first);

		if (len > leaf->iova.last - iova)
			len = leaf->iova.last - iova + 1;
		ret = is_write ? uvf_mem_write(leaf->mem, offset, buf, len)
			       : uvf_mem_read(leaf->mem, offset, buf, len);
	}
	uvf_reader_leave();
	*ret_len = len;
	return ret;
}

static int copy(struct uvf_aspace *as, uint64_t iova, uint8_t *buf, size_t len,
		bool is_write, size_t *ret_done)
{
	uint64_t grain = SECTION_BYTES;
	size_t done = 0;
	int ret = 0;

	while (done < len) {
		size_t piece = len - done;

		/* There is nothing behind the last address. */
		ret = -EFAULT;
		if (iova + done < iova)
			break;
		ret = copy_piece(as, iova + done, buf + done, grain, is_write,
				 &piece);
		if (!ret)
			done += piece;
		else if (grain == SECTION_BYTES)
			grain = 1u << PAGE_SHIFT; /* find the page */
		else
			break;
	}
	if (ret_done)
		*ret_done = done;
	return ret;
}

int uvf_aspace_read(struct uvf_aspace *as, uint64_t iova, void *buf, size_t len,
		    size_t *ret_done)
{
	const struct leaf *leaf;
	int ret = -EFAULT;

	if (len - 1 < SECTION_BYTES) {
		uvf_reader_enter();
		leaf = find(as, iova);
		if (leaf && leaf->direct && leaf->prot & UVF_PROT_READ &&
		    len - 1 <= leaf->iova.last - iova)
			ret = uvf_copy_from(
				buf, leaf->direct + (iova - leaf->iova.first),
				len);
		uvf_reader_leave();
	}
	if (ret)
		return copy(as, iova, buf, len, false, ret_done);
	if (ret_done)
		*ret_done = len;
	return 0;
}

int uvf_aspace_write(struct uvf_aspace *as, uint64_t iova, const void *buf,
		     size_t len, size_t *ret_done)
{
	const struct leaf *leaf;
	int ret = -EFAULT;

	if (len - 1 < SECTION_BYTES) {
		uvf_reader_enter();
		leaf = find(as, iova);
		if (leaf && leaf->direct && leaf->prot & UVF_PROT_WRITE &&
		    len - 1 <= leaf->iova.last - iova)
			ret = uvf_copy_to(leaf->direct +
						  (iova - leaf->iova.first),
					  buf, len);
		uvf_reader_leave();
	}
	if (ret)
		return copy(as, iova, (uint8_t *)(uintptr_t)buf, len, true,
			    ret_done);
	if (ret_done)
		*ret_done = len;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A balanced search tree: the heights of two children differ by one at the
 * most (Adelson-Velsky and Landis, 1962).
 */
#include "base/itree.h"

static uint32_t height(const struct uvf_inode *inode)
{
	return inode ? inode->height : 0;
}

static void update_height(struct uvf_inode *inode)
{
	uint32_t before = height(inode->child[0]);
	uint32_t behind = height(inode->child[1]);

	inode->height = 1 + (before > behind ? before : behind);
}

/* Which child of its parent the inode is. */
static int side_of(const struct uvf_inode *inode)
{
	return inode->parent->child[1] == inode;
}

/* Put @inode, which may be NULL, where @old hangs. */
static void replace(struct uvf_itree *tree, struct uvf_inode *old,
		    struct uvf_inode *inode)
{
	if (inode)
		inode->parent = old->parent;
	if (old->parent)
		old->parent->child[side_of(old)] = inode;
	else
		tree->root = inode;
}

/* Let the child at @side take the place of @inode, and return it. */
static struct uvf_inode *lift(struct uvf_itree *tree, struct uvf_inode *inode,
			      int side)
{
	struct uvf_inode *top = inode->child[side];
	struct uvf_inode *inner = top->child[!side];

	replace(tree, inode, top);
	inode->child[side] = inner;
	if (inner)
		inner->parent = inode;
	top->child[!side] = inode;
	inode->parent = top;
	update_height(inode);
	update_height(top);
	return top;
}

/* Balance one inode and return what stands in its place. */
static struct uvf_inode *balance(struct uvf_itree *tree,
				 struct uvf_inode *inode)
{
	uint32_t before = height(inode->child[0]);
	uint32_t behind = height(inode->child[1]);
	struct uvf_inode *tall;
	int side;

	if (before <= behind + 1 && behind <= before + 1) {
		update_height(inode);
		return inode;
	}
	side = behind > before;
	tall = inode->child[side];
	if (height(tall->child[!side]) > height(tall->child[side]))
		lift(tree, tall, !side);
	return lift(tree, inode, side);
}

static void balance_up(struct uvf_itree *tree, struct uvf_inode *inode)
{
	while (inode) {
		uint32_t was = inode->height;

		inode = balance(tree, inode);
		if (inode->height == was)
			return;
		inode = inode->parent;
	}
}

int uvf_itree_insert(struct uvf_itree *tree, struct uvf_inode *inode,
		     struct uvf_range range)
{
	struct uvf_inode **link = &tree->root;
	struct uvf_inode *parent = NULL;

	while (*link) {
		parent = *link;
		if (uvf_range_meets(parent->key, range))
			return -EEXIST;
		link = &parent->child[range.first > parent->key.last];
	}
	inode->child[0] = NULL;
	inode->child[1] = NULL;
	inode->parent = parent;
	inode->key = range;
	inode->height = 1;
	*link = inode;
	tree->count++;
	balance_up(tree, parent);
	return 0;
}

void uvf_itree_remove(struct uvf_itree *tree, struct uvf_inode *inode)
{
	struct uvf_inode *lowest; /* whose children changed */

	if (inode->child[0] && inode->child[1]) {
		/* The next interval has no child before it: it moves here. */
		struct uvf_inode *next = uvf_itree_next(inode);

		lowest = next->parent == inode ? next : next->parent;
		replace(tree, next, next->child[1]);
		next->child[0] = inode->child[0];
		next->child[1] = inode->child[1];
		next->child[0]->parent = next;
		if (next->child[1])
			next->child[1]->parent = next;
		next->height = inode->height;
		replace(tree, inode, next);
	} else {
		lowest = inode->parent;
		replace(tree, inode, inode->child[!inode->child[0]]);
	}
	tree->count--;
	balance_up(tree, lowest);
}

struct uvf_inode *uvf_itree_find(const struct uvf_itree *tree,
				 struct uvf_range range)
{
	struct uvf_inode *inode = tree->root;

	while (inode && !uvf_range_meets(inode->key, range))
		inode = inode->child[range.first > inode->key.last];
	return inode;
}

struct uvf_inode *uvf_itree_at_or_after(const struct uvf_itree *tree,
					uint64_t addr)
{
	struct uvf_inode *inode = tree->root;
	struct uvf_inode *best = NULL;

	while (inode) {
		if (inode->key.last < addr) {
			inode = inode->child[1];
		} else {
			best = inode;
			inode = inode->child[0];
		}
	}
	return best;
}

struct uvf_inode *uvf_itree_first(const struct uvf_itree *tree)
{
	return uvf_itree_at_or_after(tree, 0);
}

struct uvf_inode *uvf_itree_next(const struct uvf_inode *inode)
{
	struct uvf_inode *next = inode->child[1];

	if (next) {
		while (next->child[0])
			next = next->child[0];
		return next;
	}
	while (inode->parent && side_of(inode))
		inode = inode->parent;
	return inode->parent;
}

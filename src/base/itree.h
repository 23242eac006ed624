/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ordered sets of intervals that do not meet, through a member of the
 * element.  Nothing is allocated; the caller serialises.
 */
#ifndef UVF_BASE_ITREE_H
#define UVF_BASE_ITREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/range.h"

/* Member of an element; key is read-only while it is in a tree. */
struct uvf_inode {
	struct uvf_inode *child[2]; /* before, behind */
	struct uvf_inode *parent;
	struct uvf_range key;
	uint32_t height; /* levels below and with this one */
	uint32_t own;    /* the element's: alignment leaves the room */
};

/* All zero is an empty tree. */
struct uvf_itree {
	struct uvf_inode *root;
	size_t count;
};

#define uvf_itree_entry(inode, type, member)                                   \
	uvf_container_of(inode, type, member)

static inline void uvf_itree_init(struct uvf_itree *tree)
{
	tree->root = NULL;
	tree->count = 0;
}

/**
 * uvf_itree_insert() - add an interval
 * Return: 0, or -EEXIST when @range meets an interval of the tree.
 */
int uvf_itree_insert(struct uvf_itree *tree, struct uvf_inode *inode,
		     struct uvf_range range);

/** uvf_itree_remove() - take out an interval that is in the tree */
void uvf_itree_remove(struct uvf_itree *tree, struct uvf_inode *inode);

/** uvf_itree_find() - an interval that meets @range, or NULL */
struct uvf_inode *uvf_itree_find(const struct uvf_itree *tree,
				 struct uvf_range range);

/** uvf_itree_at_or_after() - the first interval that ends not before @addr */
struct uvf_inode *uvf_itree_at_or_after(const struct uvf_itree *tree,
					uint64_t addr);

/** uvf_itree_first() - the lowest interval, or NULL */
struct uvf_inode *uvf_itree_first(const struct uvf_itree *tree);

/** uvf_itree_next() - the interval behind @inode, or NULL */
struct uvf_inode *uvf_itree_next(const struct uvf_inode *inode);

#endif /* UVF_BASE_ITREE_H */

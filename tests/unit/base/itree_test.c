/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interval tree against an array that is searched from end to end.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/itree.h"

#define ELEMENTS   400
#define OPERATIONS 200000

struct element {
	struct uvf_inode inode;
	bool is_in;
};

static struct element elements[ELEMENTS];
static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* Addresses lie close together, at both ends of the space. */
static uint64_t draw_address(void)
{
	uint64_t addr = draw(2000);

	return draw(2) ? addr : ~addr;
}

static struct uvf_range draw_range(void)
{
	struct uvf_range range;
	uint64_t a = draw_address();
	uint64_t b = draw(16) ? a + draw(20) : draw_address();

	if (b < a && draw(16))
		b = a;
	range.first = a < b ? a : b;
	range.last = a < b ? b : a;
	return range;
}

static struct element *naive_find(struct uvf_range range)
{
	for (int i = 0; i < ELEMENTS; i++)
		if (elements[i].is_in &&
		    uvf_range_meets(elements[i].inode.key, range))
			return &elements[i];
	return NULL;
}

static struct uvf_inode *naive_at_or_after(uint64_t addr)
{
	struct uvf_inode *best = NULL;

	for (int i = 0; i < ELEMENTS; i++) {
		struct uvf_inode *inode = &elements[i].inode;

		if (elements[i].is_in && inode->key.last >= addr &&
		    (!best || inode->key.first < best->key.first))
			best = inode;
	}
	return best;
}

/* Heights of children differ by one at the most, and parents are right. */
static uint32_t check(const struct uvf_inode *inode,
		      const struct uvf_inode *parent, size_t *count)
{
	uint32_t before, behind;

	if (!inode)
		return 0;
	++*count;
	assert_ptr_equal(inode->parent, parent);
	before = check(inode->child[0], inode, count);
	behind = check(inode->child[1], inode, count);
	assert_true(before <= behind + 1 && behind <= before + 1);
	assert_int_equal(inode->height,
			 1 + (before > behind ? before : behind));
	return inode->height;
}

static void check_order(const struct uvf_itree *tree)
{
	struct uvf_inode *inode = uvf_itree_first(tree);
	size_t count = 0, walked = 0;

	check(tree->root, NULL, &count);
	assert_int_equal(count, tree->count);
	for (; inode; inode = uvf_itree_next(inode)) {
		struct uvf_inode *next = uvf_itree_next(inode);

		walked++;
		assert_true(!next || inode->key.last < next->key.first);
	}
	assert_int_equal(walked, count);
}

static void agrees_with_an_array(void **state)
{
	const char *text = getenv("UVF_SEED");
	struct uvf_itree tree;

	(void)state;
	seed = text ? strtoull(text, NULL, 0) : 20260101;
	printf("seed %llu\n", (unsigned long long)seed);
	uvf_itree_init(&tree);
	for (int i = 0; i < OPERATIONS; i++) {
		struct element *element = &elements[draw(ELEMENTS)];
		struct uvf_range range = draw_range();
		uint64_t addr = draw_address();
		struct uvf_inode *found = uvf_itree_find(&tree, range);

		assert_int_equal(found != NULL, naive_find(range) != NULL);
		assert_true(!found || uvf_range_meets(found->key, range));
		assert_ptr_equal(uvf_itree_at_or_after(&tree, addr),
				 naive_at_or_after(addr));
		if (element->is_in) {
			uvf_itree_remove(&tree, &element->inode);
			element->is_in = false;
		} else {
			int ret =
				uvf_itree_insert(&tree, &element->inode, range);

			assert_int_equal(ret, found ? -EEXIST : 0);
			element->is_in = !ret;
		}
		if (i % 64 == 0)
			check_order(&tree);
	}
}

static void holds_all_of_the_address_space(void **state)
{
	struct uvf_range all = {0, UINT64_MAX};
	struct uvf_range top = {UINT64_MAX, UINT64_MAX};
	struct uvf_inode a, b;
	struct uvf_itree tree;

	(void)state;
	uvf_itree_init(&tree);
	assert_null(uvf_itree_first(&tree));
	assert_int_equal(uvf_itree_insert(&tree, &a, all), 0);
	assert_int_equal(uvf_itree_insert(&tree, &b, top), -EEXIST);
	assert_ptr_equal(uvf_itree_at_or_after(&tree, UINT64_MAX), &a);
	assert_null(uvf_itree_next(&a));
	uvf_itree_remove(&tree, &a);
	assert_int_equal(uvf_itree_insert(&tree, &b, top), 0);
	assert_ptr_equal(uvf_itree_find(&tree, all), &b);
	assert_int_equal(tree.count, 1);
}

static void stays_shallow_when_filled_in_order(void **state)
{
	enum {
		COUNT = 65535
	};
	struct uvf_inode *inodes = calloc(COUNT, sizeof(*inodes));
	struct uvf_itree tree;

	(void)state;
	assert_non_null(inodes);
	uvf_itree_init(&tree);
	for (uint64_t i = 0; i < COUNT; i++)
		assert_int_equal(
			uvf_itree_insert(
				&tree, &inodes[i],
				(struct uvf_range){i * 4096, i * 4096 + 4095}),
			0);
	assert_true(tree.root->height <= 17);
	check_order(&tree);
	for (uint64_t i = 0; i < COUNT; i++)
		uvf_itree_remove(&tree, &inodes[i]);
	assert_null(tree.root);
	free(inodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_an_array),
		cmocka_unit_test(holds_all_of_the_address_space),
		cmocka_unit_test(stays_shallow_when_filled_in_order),
	};

	return cmocka_run_group_tests_name("itree", tests, NULL, NULL);
}

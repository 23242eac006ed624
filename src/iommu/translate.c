/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommu/translate.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "base/pool.h"
#include "iommu/dirty.h"
#include "iommu/reader.h"
#include "iommu/stage1.h"
#include "iommu/tree.h"
#include "mem/copy.h"
#include "mem/mem.h"

/* Bytes that one section of a reader may copy. */
#define SECTION_BYTES 65536u
#define PAGE_BYTES    (1u << UVF_TREE_PAGE_SHIFT)

/* Mappings that share a wait for running accesses. */
#define DEAD_MAX 256u

struct uvf_aspace {
	struct uvf_tree tree;
	_Atomic(struct uvf_dirty *) dirty; /* NULL: writes leave no marks */
	bool write_implies_read;
	struct uvf_stage1 *stage1; /* a nested one; owned, and set once */
	/* What follows is of the one who maps. */
	struct uvf_pool leaves;
	unsigned int dead_count; /* unlinked, and not waited for yet */
	struct uvf_leaf *dead[DEAD_MAX];
	struct uvf_leaf *waited; /* for these somebody has waited */
};

int uvf_aspace_create(struct uvf_aspace **ret_as, bool write_implies_read)
{
	struct uvf_aspace *as = uvf_zalloc(sizeof(*as));

	if (!as)
		return -ENOMEM;
	as->write_implies_read = write_implies_read;
	as->leaves = (struct uvf_pool)UVF_POOL_INIT(sizeof(struct uvf_leaf));
	*ret_as = as;
	return 0;
}

int uvf_aspace_create_nested(struct uvf_aspace **ret_as,
			     struct uvf_aspace *parent, uint64_t root)
{
	struct uvf_aspace *as;
	int ret = uvf_aspace_create(&as, false);

	if (ret)
		return ret;
	ret = uvf_stage1_create(&as->stage1, parent, root);
	if (ret)
		uvf_aspace_destroy(as);
	else
		*ret_as = as;
	return ret;
}

void uvf_aspace_invalidate(struct uvf_aspace *as)
{
	uvf_stage1_invalidate(as->stage1);
}

static struct uvf_dirty *dirty_of(const struct uvf_aspace *as)
{
	return atomic_load_explicit(&as->dirty, memory_order_acquire);
}

static struct uvf_range range_of(const struct uvf_leaf *leaf)
{
	return (struct uvf_range){uvf_leaf_first(leaf), leaf->last};
}

static struct uvf_leaf *leaf_create(struct uvf_aspace *as,
				    struct uvf_range iova, struct uvf_mem *mem,
				    uint64_t offset, uint32_t prot)
{
	struct uvf_leaf *leaf = uvf_pool_zalloc(&as->leaves);

	if (!leaf)
		return NULL;
	if (prot & UVF_PROT_WRITE && as->write_implies_read)
		prot |= UVF_PROT_READ;
	leaf->first_prot = iova.first | (prot & UVF_PROT_ALL);
	leaf->last = iova.last;
	leaf->mem = uvf_mem_get(mem);
	leaf->offset = offset;
	return leaf;
}

/* Takes NULL. */
static void leaf_destroy(struct uvf_aspace *as, struct uvf_leaf *leaf)
{
	if (!leaf)
		return;
	uvf_mem_put(leaf->mem);
	uvf_pool_free(&as->leaves, leaf);
}

int uvf_aspace_map(struct uvf_aspace *as, struct uvf_range iova,
		   struct uvf_mem *mem, uint32_t prot)
{
	return uvf_aspace_map_slice(as, iova, mem, 0, prot);
}

int uvf_aspace_map_slice(struct uvf_aspace *as, struct uvf_range iova,
			 struct uvf_mem *mem, uint64_t offset, uint32_t prot)
{
	struct uvf_leaf *leaf;
	int ret;

	leaf = leaf_create(as, iova, mem, offset, prot);
	if (!leaf)
		return -ENOMEM;
	ret = uvf_tree_prepare(&as->tree, iova);
	if (ret) {
		leaf_destroy(as, leaf);
		uvf_aspace_drain(as);
		return ret;
	}
	/* Commit: nothing below can fail. */
	uvf_tree_publish(&as->tree, leaf);
	return 0;
}

/* Wait until nobody uses what was unlinked, and let go of its memory. */
static void wait_for_dead(struct uvf_aspace *as)
{
	uvf_reader_synchronize();
	while (as->dead_count) {
		struct uvf_leaf *leaf = as->dead[--as->dead_count];

		uvf_mem_put(leaf->mem);
		leaf->next_dead = as->waited;
		as->waited = leaf;
	}
	uvf_tree_free_dead(&as->tree);
}

static void bury(struct uvf_aspace *as, struct uvf_leaf *leaf)
{
	as->dead[as->dead_count++] = leaf;
	if (as->dead_count == DEAD_MAX)
		wait_for_dead(as);
}

void uvf_aspace_unlink(struct uvf_aspace *as, struct uvf_range iova)
{
	uint64_t pos = iova.first;

	do {
		const struct uvf_leaf *leaf = uvf_tree_leaf(&as->tree, pos);

		if (UVF_BUG_ON(!leaf ||
			       !uvf_range_contains(iova, range_of(leaf))))
			return;
		pos = leaf->last + 1;
		bury(as, uvf_tree_exchange(&as->tree, range_of(leaf), NULL));
	} while (pos != iova.last + 1);
}

void uvf_aspace_drain(struct uvf_aspace *as)
{
	uvf_aspace_drain_dirty(as, NULL, NULL);
}

void uvf_aspace_drain_dirty(struct uvf_aspace *as, uvf_dirty_fn *fn, void *arg)
{
	struct uvf_dirty *dirty = dirty_of(as);

	if (as->dead_count || as->tree.dead_nodes)
		wait_for_dead(as);
	while (as->waited) {
		struct uvf_leaf *leaf = as->waited;

		as->waited = leaf->next_dead;
		/* What is mapped there next begins without marks. */
		if (dirty)
			uvf_dirty_take(dirty, range_of(leaf), true, fn, arg);
		uvf_pool_free(&as->leaves, leaf);
	}
}

void uvf_aspace_unmap(struct uvf_aspace *as, const struct uvf_range *iovas,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		uvf_aspace_unlink(as, iovas[i]);
	uvf_aspace_drain(as);
}

/* The mapping is not reached any more, but its interval still is. */
static void drop(struct uvf_aspace *as, struct uvf_leaf *leaf)
{
	uvf_reader_synchronize();
	leaf_destroy(as, leaf);
	uvf_tree_free_dead(&as->tree);
}

int uvf_aspace_replace_slice(struct uvf_aspace *as, struct uvf_range iova,
			     struct uvf_mem *mem, uint64_t offset,
			     uint32_t prot)
{
	struct uvf_leaf *leaf, *old;

	leaf = leaf_create(as, iova, mem, offset, prot);
	if (!leaf)
		return -ENOMEM;
	old = uvf_tree_exchange(&as->tree, iova, leaf);
	if (UVF_BUG_ON(!old)) {
		leaf_destroy(as, leaf);
		return 0;
	}
	drop(as, old);
	return 0;
}

int uvf_aspace_replace(struct uvf_aspace *as, struct uvf_range iova,
		       struct uvf_mem *mem)
{
	const struct uvf_leaf *now = uvf_tree_leaf(&as->tree, iova.first);

	if (UVF_BUG_ON(!now))
		return 0;
	return uvf_aspace_replace_slice(as, iova, mem, 0, uvf_leaf_prot(now));
}

int uvf_aspace_split(struct uvf_aspace *as, struct uvf_range iova, uint64_t at)
{
	struct uvf_leaf *now = uvf_tree_leaf(&as->tree, at);
	struct uvf_leaf *first, *second;
	struct uvf_range low, high;

	if (UVF_BUG_ON(!now || !uvf_range_contains(iova, range_of(now))))
		return 0;
	/* It was cut there before, and what came then failed. */
	if (uvf_leaf_first(now) == at)
		return 0;
	low = (struct uvf_range){uvf_leaf_first(now), at - 1};
	high = (struct uvf_range){at, now->last};
	first = leaf_create(as, low, now->mem, now->offset, uvf_leaf_prot(now));
	second = leaf_create(as, high, now->mem, now->offset + (at - low.first),
			     uvf_leaf_prot(now));
	if (!first || !second || uvf_tree_cut(&as->tree, at)) {
		leaf_destroy(as, first);
		leaf_destroy(as, second);
		return -ENOMEM;
	}
	/* Commit: nothing below can fail. */
	uvf_tree_overwrite(&as->tree, first);
	uvf_tree_overwrite(&as->tree, second);
	drop(as, now);
	return 0;
}

void uvf_aspace_destroy(struct uvf_aspace *as)
{
	const struct uvf_leaf *leaf;

	if (!as)
		return;
	while ((leaf = uvf_tree_first(&as->tree)))
		uvf_aspace_unlink(as, range_of(leaf));
	uvf_aspace_drain(as);
	uvf_reader_synchronize();
	uvf_stage1_destroy(as->stage1);
	uvf_dirty_destroy(dirty_of(as));
	uvf_tree_fini(&as->tree);
	uvf_pool_fini(&as->leaves);
	uvf_free(as);
}

int uvf_aspace_track_dirty(struct uvf_aspace *as, bool on)
{
	struct uvf_dirty *dirty = NULL;
	struct uvf_dirty *old;

	if (on) {
		dirty = uvf_dirty_create();
		if (!dirty)
			return -ENOMEM;
	}
	old = atomic_exchange_explicit(&as->dirty, dirty, memory_order_acq_rel);
	uvf_reader_synchronize();
	uvf_dirty_destroy(old);
	return 0;
}

void uvf_aspace_take_dirty(struct uvf_aspace *as, struct uvf_range iova,
			   bool is_clear, uvf_dirty_fn *fn, void *arg)
{
	struct uvf_dirty *dirty = dirty_of(as);

	if (dirty)
		uvf_dirty_take(dirty, iova, is_clear, fn, arg);
}

/* Behind the data and inside the section of the access. */
static void mark(struct uvf_aspace *as, uint64_t iova, size_t len)
{
	struct uvf_dirty *dirty = dirty_of(as);

	if (dirty)
		uvf_dirty_mark(dirty, (struct uvf_range){iova, iova + len - 1});
}

/* An access, cut into pieces. */
struct access {
	struct uvf_aspace *as;
	uint8_t *buf;
	uint64_t grain; /* pieces end at its multiples */
	bool is_write;
};

/* Inside a section; @len reaches over no end of the leaf. */
static int copy_leaf(struct access *access, const struct uvf_leaf *leaf,
		     uint64_t iova, uint8_t *buf, size_t len)
{
	uint64_t offset = leaf->offset + (iova - uvf_leaf_first(leaf));
	int ret;

	if (!access->is_write) {
		ret = uvf_mem_read(leaf->mem, offset, buf, len);
	} else {
		ret = uvf_mem_write(leaf->mem, offset, buf, len);
		/* Of a page that failed, a part may be written. */
		if (!ret || access->grain == PAGE_BYTES)
			mark(access->as, iova, len);
	}
	return ret;
}

/*
 * Copy what one mapping and one section allow.
 * Return: 0 and the bytes in *ret_len, or -EFAULT.
 */
static int copy_piece(struct access *access, uint64_t iova, uint8_t *buf,
		      size_t *ret_len)
{
	uint32_t prot = access->is_write ? UVF_PROT_WRITE : UVF_PROT_READ;
	uint64_t len = access->grain - (iova & (access->grain - 1));
	const struct uvf_leaf *leaf;
	int ret = -EFAULT;

	if (len > *ret_len)
		len = *ret_len;
	uvf_reader_enter();
	leaf = uvf_tree_leaf(&access->as->tree, iova);
	if (leaf && uvf_leaf_prot(leaf) & prot) {
		if (len > leaf->last - iova)
			len = leaf->last - iova + 1;
		ret = copy_leaf(access, leaf, iova, buf, len);
	}
	uvf_reader_leave();
	*ret_len = len;
	return ret;
}

static int copy(struct access *access, uint64_t iova, size_t len,
		size_t *ret_done)
{
	size_t done = 0;
	int ret = 0;

	if (access->as->stage1)
		return uvf_stage1_copy(access->as->stage1, iova, access->buf,
				       len, access->is_write, ret_done);
	while (done < len) {
		size_t piece = len - done;

		/* There is nothing behind the last address. */
		ret = -EFAULT;
		if (iova + done < iova)
			break;
		ret = copy_piece(access, iova + done, access->buf + done,
				 &piece);
		if (!ret)
			done += piece;
		else if (access->grain == SECTION_BYTES)
			access->grain = PAGE_BYTES; /* find the page */
		else
			break;
	}
	if (ret_done)
		*ret_done = done;
	return ret;
}

/*
 * Where an access may go in one go: its bytes, which one slot covers, are
 * mapped here and for this use.  Inside a section.
 */
static inline uint8_t *find_direct(const struct uvf_aspace *as, uint64_t iova,
				   size_t len, uint64_t right)
{
	uint64_t want = UVF_SLOT_LEAF | UVF_SLOT_DIRECT | right;
	struct uvf_tree_place place;
	uint64_t slot = uvf_tree_find(&as->tree, iova, &place);
	uint64_t offset;

	if ((slot & want) != want)
		return NULL;
	offset = iova & ((1ull << place.shift) - 1);
	if (len > (1ull << place.shift) - offset)
		return NULL;
	return (uint8_t *)(uintptr_t)(slot & UVF_SLOT_ADDR) + offset;
}

int uvf_aspace_read(struct uvf_aspace *as, uint64_t iova, void *buf, size_t len,
		    size_t *ret_done)
{
	int ret = -EFAULT;

	if (len - 1 < SECTION_BYTES) {
		uint8_t *from;

		uvf_reader_enter();
		from = find_direct(as, iova, len, UVF_SLOT_READ);
		if (from)
			ret = uvf_copy_from(buf, from, len);
		uvf_reader_leave();
	}
	if (ret) {
		struct access access = {
			.as = as, .buf = buf, .grain = SECTION_BYTES};

		return copy(&access, iova, len, ret_done);
	}
	if (ret_done)
		*ret_done = len;
	return 0;
}

int uvf_aspace_write(struct uvf_aspace *as, uint64_t iova, const void *buf,
		     size_t len, size_t *ret_done)
{
	int ret = -EFAULT;

	if (len - 1 < SECTION_BYTES) {
		uint8_t *to;

		uvf_reader_enter();
		to = find_direct(as, iova, len, UVF_SLOT_WRITE);
		if (to)
			ret = uvf_copy_to(to, buf, len);
		if (!ret)
			mark(as, iova, len);
		uvf_reader_leave();
	}
	if (ret) {
		struct access access = {
			.as = as,
			.buf = (uint8_t *)(uintptr_t)buf,
			.grain = SECTION_BYTES,
			.is_write = true,
		};

		return copy(&access, iova, len, ret_done);
	}
	if (ret_done)
		*ret_done = len;
	return 0;
}

enum uvf_access_fault uvf_aspace_why(const struct uvf_aspace *as, uint64_t iova,
				     bool is_write)
{
	uint32_t prot = is_write ? UVF_PROT_WRITE : UVF_PROT_READ;
	enum uvf_access_fault why = UVF_FAULT_UNMAPPED;
	const struct uvf_leaf *leaf;

	uvf_reader_enter();
	leaf = uvf_tree_leaf(&as->tree, iova);
	if (leaf)
		why = uvf_leaf_prot(leaf) & prot ? UVF_FAULT_MEMORY
						 : UVF_FAULT_PERMISSION;
	uvf_reader_leave();
	return why;
}

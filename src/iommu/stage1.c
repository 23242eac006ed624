/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The form of the table is that of section 9.7 of the VT-d specification,
 * revision 4.0; a request without PASID is one of a user.
 *
 * A slot of the cache is three words that are written one by one.  Each but
 * the first is mixed with the first, so that words of two writers are no
 * entry.  An entry is of a generation: who reads the table while it is
 * invalidated leaves behind what nobody uses.
 */
#include "iommu/stage1.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "iommu/reader.h"
#include "iommu/translate.h"

#define PAGE_SHIFT  12u
#define PAGE_SIZE   (1ull << PAGE_SHIFT)
#define LEVEL_SHIFT 9u
#define LEVELS      4u
#define SLOT_COUNT  256u

#define ENTRY_PRESENT 0x1ull
#define ENTRY_WRITE   0x2ull
#define ENTRY_USER    0x4ull
#define ENTRY_LARGE   0x80ull
#define ENTRY_ADDRESS 0x000ffffffffff000ull

/* In the low bits of what is kept of a page. */
#define PAGE_VALID    0x1ull
#define PAGE_WRITABLE 0x2ull

struct slot {
	_Atomic uint64_t page;       /* address in the parent, and its bits */
	_Atomic uint64_t iova;       /* of the page, mixed */
	_Atomic uint64_t generation; /* mixed */
};

struct uvf_stage1 {
	struct uvf_aspace *parent;
	uint64_t root;
	_Atomic uint64_t generation;
	struct slot slots[SLOT_COUNT];
};

int uvf_stage1_create(struct uvf_stage1 **ret_stage1, struct uvf_aspace *parent,
		      uint64_t root)
{
	struct uvf_stage1 *stage1 = uvf_zalloc(sizeof(*stage1));

	if (!stage1)
		return -ENOMEM;
	stage1->parent = parent;
	stage1->root = root & ENTRY_ADDRESS;
	*ret_stage1 = stage1;
	return 0;
}

void uvf_stage1_destroy(struct uvf_stage1 *stage1)
{
	uvf_free(stage1);
}

void uvf_stage1_invalidate(struct uvf_stage1 *stage1)
{
	atomic_fetch_add(&stage1->generation, 1);
	uvf_reader_synchronize();
}

static struct slot *slot_of(struct uvf_stage1 *stage1, uint64_t iova)
{
	return &stage1->slots[(iova >> PAGE_SHIFT) % SLOT_COUNT];
}

/* What is kept of a page, or 0. */
static uint64_t recall(struct uvf_stage1 *stage1, uint64_t iova,
		       uint64_t generation)
{
	struct slot *slot = slot_of(stage1, iova);
	uint64_t page = atomic_load_explicit(&slot->page, memory_order_relaxed);

	if ((atomic_load_explicit(&slot->iova, memory_order_relaxed) ^ page) !=
		    iova ||
	    (atomic_load_explicit(&slot->generation, memory_order_relaxed) ^
	     page) != generation)
		return 0;
	return page;
}

static void keep(struct uvf_stage1 *stage1, uint64_t iova, uint64_t generation,
		 uint64_t page)
{
	struct slot *slot = slot_of(stage1, iova);

	atomic_store_explicit(&slot->page, page, memory_order_relaxed);
	atomic_store_explicit(&slot->iova, iova ^ page, memory_order_relaxed);
	atomic_store_explicit(&slot->generation, generation ^ page,
			      memory_order_relaxed);
}

/* Whether the bits above those that the table translates repeat the last. */
static bool is_canonical(uint64_t iova)
{
	unsigned int bits = PAGE_SHIFT + LEVEL_SHIFT * LEVELS;

	return (uint64_t)((int64_t)(iova << (64 - bits)) >> (64 - bits)) ==
	       iova;
}

/* An entry at a level that ends the walk: the page's own address, or 0. */
static uint64_t leaf_address(uint64_t entry, uint64_t iova, unsigned int level)
{
	uint64_t wide = (1ull << (PAGE_SHIFT + LEVEL_SHIFT * (level - 1))) - 1;

	/* Large pages are of 2 MiB and 1 GiB, and lie on such addresses. */
	if (level > 3 || entry & ENTRY_ADDRESS & wide)
		return 0;
	return (entry & ENTRY_ADDRESS) | (iova & wide & ~(PAGE_SIZE - 1)) |
	       PAGE_VALID;
}

/* The page of an IOVA by the table, with its bits; 0: none. */
static uint64_t walk(const struct uvf_stage1 *stage1, uint64_t iova)
{
	uint64_t bits = ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER;
	uint64_t table = stage1->root;

	for (unsigned int level = LEVELS; level; level--) {
		unsigned int shift = PAGE_SHIFT + LEVEL_SHIFT * (level - 1);
		uint64_t index = (iova >> shift) & ((1u << LEVEL_SHIFT) - 1);
		uint64_t entry, page;

		if (uvf_aspace_read(stage1->parent, table + 8 * index, &entry,
				    sizeof(entry), NULL))
			return 0;
		bits &= entry;
		if (!(bits & ENTRY_PRESENT) || !(bits & ENTRY_USER))
			return 0;
		table = entry & ENTRY_ADDRESS;
		if (level > 1 && !(entry & ENTRY_LARGE))
			continue;
		page = leaf_address(entry, iova, level);
		if (page && bits & ENTRY_WRITE)
			page |= PAGE_WRITABLE;
		return page;
	}
	return 0;
}

/* Copy inside one page, in one section with its translation. */
static int copy_piece(struct uvf_stage1 *stage1, uint64_t iova, uint8_t *buf,
		      size_t len, bool is_write)
{
	uint64_t generation = atomic_load(&stage1->generation);
	uint64_t first = iova & ~(PAGE_SIZE - 1);
	uint64_t page = recall(stage1, first, generation);
	uint64_t addr;

	if (!page) {
		page = is_canonical(iova) ? walk(stage1, first) : 0;
		if (!page)
			return -EFAULT;
		keep(stage1, first, generation, page);
	}
	if (is_write && !(page & PAGE_WRITABLE))
		return -EFAULT;
	addr = (page & ENTRY_ADDRESS) | (iova & (PAGE_SIZE - 1));
	return is_write ? uvf_aspace_write(stage1->parent, addr, buf, len, NULL)
			: uvf_aspace_read(stage1->parent, addr, buf, len, NULL);
}

int uvf_stage1_copy(struct uvf_stage1 *stage1, uint64_t iova, uint8_t *buf,
		    size_t len, bool is_write, size_t *ret_done)
{
	size_t done = 0;
	int ret = 0;

	while (done < len) {
		uint64_t at = iova + done;
		size_t piece = PAGE_SIZE - (at & (PAGE_SIZE - 1));

		ret = -EFAULT;
		if (at < iova)
			break;
		if (piece > len - done)
			piece = len - done;
		uvf_reader_enter();
		ret = copy_piece(stage1, at, buf + done, piece, is_write);
		uvf_reader_leave();
		if (ret)
			break;
		done += piece;
	}
	if (ret_done)
		*ret_done = done;
	return ret;
}

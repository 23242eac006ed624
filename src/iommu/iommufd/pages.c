/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Client memory that was mapped once, whoever shares it by COPY.
 *
 * What page tables and accesses hold of it is pinned: looked at, and charged
 * once however many hold it.  The pages are kept as runs that are held
 * equally often.  A run is cut where somebody begins or ends to hold, and
 * never joined again, so that to let go needs no memory.
 */
#include <errno.h>

#include "base/alloc.h"
#include "iommu/iommufd/private.h"
#include "mem/mem.h"

/* Pages side by side. */
struct run {
	struct uvf_inode node; /* key: their numbers */
	uint64_t holds;
};

static struct run *run_of(struct uvf_inode *node)
{
	return node ? uvf_itree_entry(node, struct run, node) : NULL;
}

static uint64_t count_of(const struct run *run)
{
	return uvf_range_size(run->node.key);
}

int uvf_pages_create(struct uvf_pages **ret_pages, struct uvf_iommufd *ctx,
		     const struct uvf_map *map)
{
	struct uvf_pages *pages = uvf_zalloc(sizeof(*pages));

	if (!pages)
		return -ENOMEM;
	if (uvf_payer_init(&pages->payer, ctx, map->caller)) {
		uvf_free(pages);
		return -ENOMEM;
	}
	pages->users = 1;
	pages->mm = uvf_mm_get(map->mm);
	pages->vaddr.first = map->vaddr;
	pages->vaddr.last = map->vaddr + (map->size - 1);
	pages->is_writable = map->prot & UVF_PROT_WRITE;
	pages->is_file = map->is_file;
	*ret_pages = pages;
	return 0;
}

struct uvf_pages *uvf_pages_get(struct uvf_pages *pages)
{
	pages->users++;
	return pages;
}

void uvf_pages_put(struct uvf_pages *pages)
{
	if (--pages->users)
		return;
	uvf_payer_fini(&pages->payer);
	uvf_mm_put(pages->mm);
	uvf_free(pages);
}

/* The numbers of the pages that hold some bytes. */
static struct uvf_range numbers_of(const struct uvf_pages *pages,
				   struct uvf_range bytes)
{
	uint64_t start = pages->vaddr.first & (UVF_IOMMUFD_PAGE - 1);

	return (struct uvf_range){
		(start + bytes.first) / UVF_IOMMUFD_PAGE,
		(start + bytes.last) / UVF_IOMMUFD_PAGE,
	};
}

static int add_run(struct uvf_pages *pages, struct uvf_range numbers,
		   uint64_t holds)
{
	struct run *run = uvf_zalloc(sizeof(*run));

	if (!run)
		return -ENOMEM;
	run->holds = holds;
	(void)uvf_itree_insert(&pages->runs, &run->node, numbers);
	return 0;
}

/* Let no run go on across the start of a page. */
static int cut_run(struct uvf_pages *pages, uint64_t number)
{
	struct run *run = run_of(uvf_itree_find(
		&pages->runs, (struct uvf_range){number, number}));
	struct uvf_range low, high;
	struct run *rest;

	if (!run || run->node.key.first == number)
		return 0;
	low = (struct uvf_range){run->node.key.first, number - 1};
	high = (struct uvf_range){number, run->node.key.last};
	rest = uvf_zalloc(sizeof(*rest));
	if (!rest)
		return -ENOMEM;
	rest->holds = run->holds;
	uvf_itree_remove(&pages->runs, &run->node);
	(void)uvf_itree_insert(&pages->runs, &run->node, low);
	(void)uvf_itree_insert(&pages->runs, &rest->node, high);
	return 0;
}

/* Let there be runs for all of an interval; new ones are held by nobody. */
static int fill_runs(struct uvf_pages *pages, struct uvf_range numbers)
{
	uint64_t pos = numbers.first;
	int ret = cut_run(pages, numbers.first);

	if (!ret)
		ret = cut_run(pages, numbers.last + 1);
	while (!ret && pos <= numbers.last) {
		struct uvf_inode *next =
			uvf_itree_at_or_after(&pages->runs, pos);

		if (next && next->key.first == pos) {
			pos = next->key.last + 1;
			continue;
		}
		if (next && next->key.first <= numbers.last)
			ret = add_run(
				pages,
				(struct uvf_range){pos, next->key.first - 1},
				0);
		else
			ret = add_run(pages,
				      (struct uvf_range){pos, numbers.last}, 0);
	}
	return ret;
}

/* Take the runs of an interval away that nobody holds; how many pages. */
static uint64_t drop_runs(struct uvf_pages *pages, struct uvf_range numbers)
{
	struct uvf_inode *node =
		uvf_itree_at_or_after(&pages->runs, numbers.first);
	uint64_t count = 0;

	while (node && node->key.first <= numbers.last) {
		struct run *run = run_of(node);

		node = uvf_itree_next(node);
		if (run->holds)
			continue;
		count += count_of(run);
		uvf_itree_remove(&pages->runs, &run->node);
		uvf_free(run);
	}
	return count;
}

/* How many pages of an interval nobody holds yet; all have runs. */
static uint64_t count_free(const struct uvf_pages *pages,
			   struct uvf_range numbers)
{
	struct uvf_inode *node =
		uvf_itree_at_or_after(&pages->runs, numbers.first);
	uint64_t count = 0;

	for (; node && node->key.first <= numbers.last;
	     node = uvf_itree_next(node))
		if (!run_of(node)->holds)
			count += count_of(run_of(node));
	return count;
}

static void change_holds(struct uvf_pages *pages, struct uvf_range numbers,
			 int by)
{
	struct uvf_inode *node =
		uvf_itree_at_or_after(&pages->runs, numbers.first);

	for (; node && node->key.first <= numbers.last;
	     node = uvf_itree_next(node))
		run_of(node)->holds += (uint64_t)(int64_t)by;
}

static int pin(struct uvf_pages *pages, struct uvf_range numbers)
{
	uint64_t count = 0;
	int ret = fill_runs(pages, numbers);

	if (!ret) {
		count = count_free(pages, numbers);
		ret = uvf_payer_charge(&pages->payer, count);
	}
	if (ret) {
		drop_runs(pages, numbers);
		return ret;
	}
	change_holds(pages, numbers, 1);
	pages->held += count;
	return 0;
}

static void unpin(struct uvf_pages *pages, struct uvf_range numbers)
{
	uint64_t count;

	change_holds(pages, numbers, -1);
	count = drop_runs(pages, numbers);
	pages->held -= count;
	uvf_payer_uncharge(&pages->payer, count);
}

/*
 * Memory for some bytes: that of all of them if it can be had, which others
 * share; else, for a part that is there, its own.
 */
static int get_mem(struct uvf_pages *pages, struct uvf_range bytes,
		   bool is_direct, struct uvf_hold *hold)
{
	/* Linux pins pages of memory for an iommufd, and no others. */
	uint32_t prot = UVF_MEM_NO_DEVICE |
			(pages->is_writable ? UVF_PROT_WRITE : UVF_PROT_READ);
	struct uvf_range part = {pages->vaddr.first + bytes.first,
				 pages->vaddr.first + bytes.last};
	bool is_all = uvf_range_contains(part, pages->vaddr);
	int ret = 0;

	if (!pages->mem)
		ret = uvf_mem_create(&pages->mem, pages->mm, pages->vaddr,
				     prot);
	if (!ret && (!is_direct || uvf_mem_direct(pages->mem))) {
		hold->mem = uvf_mem_get(pages->mem);
		hold->offset = bytes.first;
		return 0;
	}
	if (ret && (ret == -ENOMEM || is_all))
		return ret;
	ret = uvf_mem_create(&hold->mem, pages->mm, part, prot);
	if (ret)
		return ret;
	hold->offset = 0;
	if (!is_direct || uvf_mem_direct(hold->mem))
		return 0;
	uvf_mem_put(hold->mem);
	return -EFAULT;
}

static void forget_mem(struct uvf_pages *pages)
{
	if (pages->runs.count)
		return;
	uvf_mem_put(pages->mem);
	pages->mem = NULL;
}

int uvf_pages_hold(struct uvf_pages *pages, struct uvf_range bytes,
		   bool is_direct, struct uvf_hold *ret_hold)
{
	struct uvf_hold hold;
	int ret = get_mem(pages, bytes, is_direct, &hold);

	if (!ret) {
		ret = pin(pages, numbers_of(pages, bytes));
		if (ret)
			uvf_mem_put(hold.mem);
	}
	if (ret)
		forget_mem(pages);
	else
		*ret_hold = hold;
	return ret;
}

void uvf_pages_release(struct uvf_pages *pages, struct uvf_range bytes,
		       struct uvf_hold *hold)
{
	unpin(pages, numbers_of(pages, bytes));
	uvf_mem_put(hold->mem);
	hold->mem = NULL;
	forget_mem(pages);
}

int uvf_pages_split(struct uvf_pages *pages, uint64_t byte)
{
	struct uvf_range numbers =
		numbers_of(pages, (struct uvf_range){byte, byte});

	return cut_run(pages, numbers.first);
}

int uvf_pages_charge_heir(struct uvf_pages *pages, struct uvf_caller *caller)
{
	int ret;

	if (pages->has_heir)
		return 0;
	ret = uvf_payer_init_as(&pages->heir, pages->payer.mode, caller);
	if (ret)
		return ret;
	pages->has_heir = !uvf_payer_is(&pages->payer, &pages->heir);
	if (pages->has_heir) {
		ret = uvf_payer_charge(&pages->heir, pages->held);
		pages->has_heir = !ret;
	}
	if (!pages->has_heir)
		uvf_payer_fini(&pages->heir);
	return ret;
}

void uvf_pages_end_heir(struct uvf_pages *pages, bool is_taken)
{
	struct uvf_payer *loser = is_taken ? &pages->payer : &pages->heir;

	if (!pages->has_heir)
		return;
	pages->has_heir = false;
	uvf_payer_uncharge(loser, pages->held);
	uvf_payer_fini(loser);
	if (is_taken)
		pages->payer = pages->heir;
}

static int copy(struct uvf_mem *mem, uint64_t offset, void *buf, size_t len,
		bool is_write)
{
	return is_write ? uvf_mem_write(mem, offset, buf, len)
			: uvf_mem_read(mem, offset, buf, len);
}

int uvf_pages_rw(struct uvf_pages *pages, uint64_t offset, void *buf,
		 size_t len, bool is_write)
{
	struct uvf_range bytes = {offset, offset + (len - 1)};
	struct uvf_hold hold;
	int ret = get_mem(pages, bytes, false, &hold);

	if (!ret) {
		ret = copy(hold.mem, hold.offset, buf, len, is_write);
		uvf_mem_put(hold.mem);
	}
	forget_mem(pages);
	return ret;
}

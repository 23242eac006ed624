/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Client memory for devices that have no DMA of their own: pages that are
 * held in place, and copies by the processor.
 *
 * Source: vfio_iommu_type1_pin_pages(), _unpin_pages() and _dma_rw_chunk() of
 * drivers/vfio/vfio_iommu_type1.c, Linux 6.12.  What is different: a driver
 * that keeps pages pinned does not bring the system down.
 */
#include <errno.h>

#include "base/alloc.h"
#include "iommu/translate.h"
#include "iommu/type1.h"
#include "mem/mem.h"

#define PAGE_BYTES 4096ull

/* One page.  Of the instance; under its lock. */
struct pin {
	struct uvf_inode node; /* key: IOVA */
	unsigned int count;    /* how often it is pinned */
	bool is_written;       /* some of those may write it */
	struct uvf_mem *mem;   /* holds one reference */
	void *page;
};

static struct pin *pin_of(struct uvf_inode *node)
{
	return node ? uvf_itree_entry(node, struct pin, node) : NULL;
}

static struct uvf_range page_at(uint64_t iova)
{
	uint64_t first = iova & ~(PAGE_BYTES - 1);

	return (struct uvf_range){first, first + (PAGE_BYTES - 1)};
}

void uvf_type1_register_user(void *state, struct uvf_dma_user *user)
{
	struct uvf_type1 *t1 = state;

	uvf_lock(&t1->users_lock);
	uvf_list_append(&t1->users, &user->node);
	atomic_fetch_add(&t1->user_count, 1);
	uvf_unlock(&t1->users_lock);
}

void uvf_type1_unregister_user(void *state, struct uvf_dma_user *user)
{
	struct uvf_type1 *t1 = state;

	uvf_lock(&t1->users_lock);
	uvf_list_remove(&user->node);
	atomic_fetch_sub(&t1->user_count, 1);
	uvf_unlock(&t1->users_lock);
}

void uvf_type1_notify_unmap(struct uvf_type1 *t1, struct uvf_range iova)
{
	struct uvf_list *node;

	uvf_lock(&t1->users_lock);
	uvf_list_for_each (node, &t1->users) {
		struct uvf_dma_user *user =
			uvf_list_entry(node, struct uvf_dma_user, node);

		user->dma_unmap(user, iova);
	}
	uvf_unlock(&t1->users_lock);
}

bool uvf_type1_is_pinned_locked(const struct uvf_type1 *t1,
				struct uvf_range iova)
{
	return uvf_itree_find(&t1->pins, iova);
}

uint64_t uvf_type1_count_pins_locked(const struct uvf_type1 *t1,
				     struct uvf_range iova)
{
	struct uvf_inode *node = uvf_itree_at_or_after(&t1->pins, iova.first);
	uint64_t count = 0;

	for (; node && node->key.first <= iova.last;
	     node = uvf_itree_next(node))
		count++;
	return count;
}

void uvf_type1_mark_pins_locked(struct uvf_type1 *t1,
				const struct uvf_mapping *mapping)
{
	const struct uvf_range iova = mapping->node.key;
	struct uvf_inode *node = uvf_itree_at_or_after(&t1->pins, iova.first);

	for (; node && node->key.first <= iova.last;
	     node = uvf_itree_next(node))
		if (pin_of(node)->is_written || t1->host.reports_all_dirty)
			uvf_type1_mark_dirty_locked(t1, node->key);
}

static void drop_locked(struct uvf_type1 *t1, struct pin *pin)
	UVF_REQUIRES(t1->lock)
{
	uvf_itree_remove(&t1->pins, &pin->node);
	uvf_mem_put(pin->mem);
	uvf_free(pin);
}

void uvf_type1_drop_pins_locked(struct uvf_type1 *t1, struct uvf_range iova)
{
	struct uvf_inode *node;

	while ((node = uvf_itree_find(&t1->pins, iova)))
		drop_locked(t1, pin_of(node));
}

/* The mapping of a page, if it is one for this use. */
static int find_mapping_locked(const struct uvf_type1 *t1, uint64_t iova,
			       uint32_t prot, struct uvf_mapping **ret_mapping)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_mapping *mapping = uvf_mapping_of(
		uvf_itree_find(&t1->mappings, (struct uvf_range){iova, iova}));

	if (!mapping)
		return -EINVAL;
	if ((uvf_mapping_mem(mapping)->prot & prot) != prot)
		return -EPERM;
	*ret_mapping = mapping;
	return 0;
}

/*
 * A page in memory that holds it, and where it is: that of the mapping where
 * it is here, else what is at the client's address now.
 */
static int hold_page(const struct uvf_mapping *mapping, uint64_t first,
		     struct uvf_mem **ret_mem, uint8_t **ret_page)
{
	uint64_t offset = first - mapping->node.key.first;
	struct uvf_mem *mem = uvf_mapping_mem(mapping);
	uint8_t *here = uvf_mem_at(mem, offset, PAGE_BYTES);
	uint64_t vaddr = mem->vaddr + offset;
	int ret;

	if (uvf_mapping_is(mapping, UVF_MAPPING_MAPPED) && here) {
		*ret_mem = uvf_mem_get(mem);
		*ret_page = here;
		return 0;
	}
	ret = uvf_mem_create(&mem, mem->mm,
			     (struct uvf_range){vaddr, vaddr + PAGE_BYTES - 1},
			     mem->prot);
	if (ret)
		return ret;
	*ret_page = uvf_mem_direct(mem);
	if (*ret_page) {
		*ret_mem = mem;
		return 0;
	}
	/* As the kernel about a page that has no struct page. */
	ret = uvf_mem_pinned_pages(mem) ? -EFAULT : -EINVAL;
	uvf_mem_put(mem);
	return ret;
}

/* Where no group has DMA of its own, each pinned page is paid for. */
static int charge_pin_locked(struct uvf_type1 *t1, struct uvf_mapping *mapping)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_mapping_more *more = uvf_mapping_get_more(mapping);
	int ret;

	if (!more)
		return -ENOMEM;
	if (uvf_type1_has_domain_locked(t1))
		return 0;
	ret = uvf_account_charge_task(&more->task, more->mem->mm, 1);
	if (ret)
		return ret;
	more->payer = more->mem->mm;
	more->charged++;
	return 0;
}

/* NULL and an errno in *ret_error when the page cannot be pinned. */
static struct pin *pin_new_locked(struct uvf_type1 *t1,
				  struct uvf_mapping *mapping, uint64_t iova,
				  int *ret_error) UVF_REQUIRES(t1->lock)
{
	struct pin *pin = uvf_zalloc(sizeof(*pin));
	uint8_t *page;

	*ret_error = -ENOMEM;
	if (!pin)
		return NULL;
	*ret_error = hold_page(mapping, page_at(iova).first, &pin->mem, &page);
	if (*ret_error)
		goto err_free;
	*ret_error = charge_pin_locked(t1, mapping);
	if (*ret_error)
		goto err_put;
	pin->page = page;
	/* The page was looked for before, and is not in the tree. */
	(void)uvf_itree_insert(&t1->pins, &pin->node, page_at(iova));
	return pin;

err_put:
	uvf_mem_put(pin->mem);
err_free:
	uvf_free(pin);
	return NULL;
}

static int pin_one_locked(struct uvf_type1 *t1, uint64_t iova, uint32_t prot,
			  void **ret_page) UVF_REQUIRES(t1->lock)
{
	struct uvf_mapping *mapping;
	struct pin *pin;
	int ret = find_mapping_locked(t1, iova, prot, &mapping);

	if (ret)
		return ret;
	pin = pin_of(uvf_itree_find(&t1->pins, page_at(iova)));
	if (!pin)
		pin = pin_new_locked(t1, mapping, iova, &ret);
	if (!pin)
		return ret;
	pin->count++;
	pin->is_written |= prot & UVF_PROT_WRITE;
	if (pin->is_written || t1->host.reports_all_dirty)
		uvf_type1_mark_dirty_locked(t1, page_at(iova));
	*ret_page = pin->page;
	return 0;
}

static void unpin_one_locked(struct uvf_type1 *t1, struct pin *pin)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_mapping *mapping =
		uvf_mapping_of(uvf_itree_find(&t1->mappings, pin->node.key));

	if (--pin->count)
		return;
	if (mapping && !uvf_type1_has_domain_locked(t1)) {
		uvf_account_uncharge(mapping->more->payer, 1);
		mapping->more->charged--;
	}
	drop_locked(t1, pin);
}

static void unpin_locked(struct uvf_type1 *t1, uint64_t iova, size_t count)
	UVF_REQUIRES(t1->lock)
{
	for (size_t i = 0; i < count; i++) {
		struct pin *pin = pin_of(uvf_itree_find(
			&t1->pins, page_at(iova + i * PAGE_BYTES)));

		if (pin)
			unpin_one_locked(t1, pin);
	}
}

/* Whether the pages go beyond the last address, where that is looked at. */
static bool wraps(const struct uvf_type1 *t1, uint64_t iova, size_t count)
{
	struct uvf_range range;

	return uvf_type1_knows_overflow(t1) &&
	       uvf_range_make(&range, iova, count * PAGE_BYTES) == -EOVERFLOW;
}

int uvf_type1_pin_pages(void *state, struct uvf_iommu_member *member,
			uint64_t iova, size_t count, uint32_t prot,
			void **ret_pages)
{
	struct uvf_type1 *t1 = state;
	size_t done = 0;
	int ret = 0;

	if (count > UVF_PIN_MAX)
		return -E2BIG;
	if (!t1->is_v2)
		return -EACCES;
	if (wraps(t1, iova, count))
		return -EOVERFLOW;
	uvf_lock(&t1->lock);
	if (t1->invalid_count)
		ret = -EBUSY;
	/* Whoever pins must hear when the pages go. */
	else if (!atomic_load(&t1->user_count))
		ret = -EINVAL;
	for (; done < count && !ret; done += !ret)
		ret = pin_one_locked(t1, iova + done * PAGE_BYTES, prot,
				     &ret_pages[done]);
	if (ret) {
		unpin_locked(t1, iova, done);
	} else if (member->domain && !member->tells_pages) {
		member->tells_pages = true;
		t1->silent_count--;
	}
	uvf_unlock(&t1->lock);
	return ret ? ret : (int)count;
}

void uvf_type1_unpin_pages(void *state, uint64_t iova, size_t count)
{
	struct uvf_type1 *t1 = state;

	if (!t1->is_v2)
		return;
	uvf_lock(&t1->lock);
	unpin_locked(t1, iova, count);
	uvf_unlock(&t1->lock);
}

/* Up to the end of a mapping; *ret_len is how far.  Who writes must read. */
static int rw_chunk_locked(struct uvf_type1 *t1, uint64_t iova, void *buf,
			   size_t len, bool is_write, size_t *ret_len)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_mapping *mapping;
	uint64_t offset;
	int ret = find_mapping_locked(
		t1, iova, is_write ? UVF_PROT_ALL : UVF_PROT_READ, &mapping);

	if (ret)
		return ret;
	offset = iova - mapping->node.key.first;
	if (mapping->node.key.last - iova < len - 1)
		len = mapping->node.key.last - iova + 1;
	*ret_len = len;
	if (!is_write)
		return uvf_mem_read(uvf_mapping_mem(mapping), offset, buf, len);
	ret = uvf_mem_write(uvf_mapping_mem(mapping), offset, buf, len);
	if (!ret)
		uvf_type1_mark_dirty_locked(
			t1, (struct uvf_range){iova, iova + (len - 1)});
	return ret;
}

int uvf_type1_rw(void *state, uint64_t iova, void *buf, size_t len,
		 bool is_write)
{
	struct uvf_type1 *t1 = state;
	uint8_t *at = buf;
	size_t done;
	int ret = 0;

	uvf_lock(&t1->lock);
	if (t1->invalid_count)
		ret = -EBUSY;
	for (; len && !ret; len -= done, at += done, iova += done) {
		done = 0;
		ret = rw_chunk_locked(t1, iova, at, len, is_write, &done);
	}
	uvf_unlock(&t1->lock);
	return ret;
}

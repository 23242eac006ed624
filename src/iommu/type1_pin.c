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
	struct uvf_inode *node =
		uvf_itree_find(&t1->mappings, (struct uvf_range){iova, iova});
	struct uvf_mapping *mapping;

	if (!node)
		return -EINVAL;
	mapping = uvf_itree_entry(node, struct uvf_mapping, node);
	if ((mapping->mem->prot & prot) != prot)
		return -EPERM;
	*ret_mapping = mapping;
	return 0;
}

static int pin_new_locked(struct uvf_type1 *t1,
			  const struct uvf_mapping *mapping, uint64_t iova,
			  struct pin **ret_pin) UVF_REQUIRES(t1->lock)
{
	uint8_t *all = uvf_mem_direct(mapping->mem);
	struct pin *pin;

	if (!all)
		return -EFAULT;
	pin = uvf_zalloc(sizeof(*pin));
	if (!pin)
		return -ENOMEM;
	pin->mem = uvf_mem_get(mapping->mem);
	pin->page = all + (page_at(iova).first - mapping->node.key.first);
	/* The page was looked for before, and is not in the tree. */
	(void)uvf_itree_insert(&t1->pins, &pin->node, page_at(iova));
	*ret_pin = pin;
	return 0;
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
		ret = pin_new_locked(t1, mapping, iova, &pin);
	if (ret)
		return ret;
	pin->count++;
	*ret_page = pin->page;
	return 0;
}

static void unpin_locked(struct uvf_type1 *t1, uint64_t iova, size_t count)
	UVF_REQUIRES(t1->lock)
{
	for (size_t i = 0; i < count; i++) {
		struct pin *pin = pin_of(uvf_itree_find(
			&t1->pins, page_at(iova + i * PAGE_BYTES)));

		if (pin && !--pin->count)
			drop_locked(t1, pin);
	}
}

int uvf_type1_pin_pages(void *state, uint64_t iova, size_t count, uint32_t prot,
			void **ret_pages)
{
	struct uvf_type1 *t1 = state;
	size_t done = 0;
	int ret = 0;

	if (count > UVF_PIN_MAX)
		return -E2BIG;
	uvf_lock(&t1->lock);
	if (t1->invalid_count)
		ret = -EBUSY;
	/* Whoever pins must hear when the pages go. */
	else if (!atomic_load(&t1->user_count))
		ret = -EINVAL;
	for (; done < count && !ret; done += !ret)
		ret = pin_one_locked(t1, iova + done * PAGE_BYTES, prot,
				     &ret_pages[done]);
	if (ret)
		unpin_locked(t1, iova, done);
	uvf_unlock(&t1->lock);
	return ret ? ret : (int)count;
}

void uvf_type1_unpin_pages(void *state, uint64_t iova, size_t count)
{
	struct uvf_type1 *t1 = state;

	uvf_lock(&t1->lock);
	unpin_locked(t1, iova, count);
	uvf_unlock(&t1->lock);
}

/* Up to the end of a mapping; *ret_len is how far. */
static int rw_chunk_locked(struct uvf_type1 *t1, uint64_t iova, void *buf,
			   size_t len, bool is_write, size_t *ret_len)
	UVF_REQUIRES(t1->lock)
{
	struct uvf_mapping *mapping;
	uint64_t offset;
	int ret = find_mapping_locked(
		t1, iova, is_write ? UVF_PROT_WRITE : UVF_PROT_READ, &mapping);

	if (ret)
		return ret;
	offset = iova - mapping->node.key.first;
	if (mapping->node.key.last - iova < len - 1)
		len = mapping->node.key.last - iova + 1;
	*ret_len = len;
	return is_write ? uvf_mem_write(mapping->mem, offset, buf, len)
			: uvf_mem_read(mapping->mem, offset, buf, len);
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

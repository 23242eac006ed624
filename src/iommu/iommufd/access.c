/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Emulated devices: they reach memory by CPU, and say what they still need.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "base/itree.h"
#include "iommu/iommufd/private.h"
#include "mem/mem.h"

struct uvf_iommufd_access {
	struct uvf_object object; /* its driver is a user */
	struct uvf_iommufd *ctx;  /* holds one reference */
	const struct uvf_iommufd_access_ops *ops;
	void *arg;
	struct uvf_ioas *ioas;       /* to pin in; NULL: not attached */
	struct uvf_ioas *unpin_ioas; /* to unpin in; one user of it */
	struct uvf_list ioas_node;
	struct uvf_itree pins;  /* struct pin; all in unpin_ioas */
	uint64_t round;         /* of the last callback */
	unsigned int callbacks; /* that run */
};

/* A page that is held.  Of the access; under the context's lock. */
struct pin {
	struct uvf_inode node;  /* key: IOVA */
	struct uvf_area *area;  /* stays while there are pins */
	struct uvf_range bytes; /* of its memory */
	struct uvf_hold hold;
	unsigned int count; /* how often it is pinned */
};

int uvf_iommufd_access_create(struct uvf_iommufd_access **ret_access,
			      struct uvf_iommufd *ctx,
			      const struct uvf_iommufd_access_ops *ops,
			      void *arg)
{
	struct uvf_iommufd_access *access = uvf_zalloc(sizeof(*access));
	int ret;

	if (!access)
		return -ENOMEM;
	uvf_list_init(&access->ioas_node);
	access->ctx = ctx;
	access->ops = ops;
	access->arg = arg;
	uvf_lock(&ctx->lock);
	ret = uvf_object_add(ctx, &access->object, UVF_OBJECT_ACCESS);
	if (!ret)
		access->object.users = 1;
	uvf_unlock(&ctx->lock);
	if (ret) {
		uvf_free(access);
		return ret;
	}
	uvf_iommufd_get(ctx);
	*ret_access = access;
	return 0;
}

uint32_t uvf_iommufd_access_id(const struct uvf_iommufd_access *access)
{
	return access->object.id;
}

/* The context's lock is dropped while the driver runs. */
static void ask_to_unpin(struct uvf_iommufd_access *access,
			 struct uvf_range iova) UVF_REQUIRES(access->ctx->lock)
{
	access->callbacks++;
	uvf_unlock(&access->ctx->lock);
	access->ops->unmap(access->arg, iova);
	uvf_lock(&access->ctx->lock);
	access->callbacks--;
	pthread_cond_broadcast(&access->ctx->callback_ended);
}

/* One that was not asked in this round, or NULL. */
static struct uvf_iommufd_access *next_to_ask(const struct uvf_ioas *ioas,
					      uint64_t round)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &ioas->accesses) {
		struct uvf_iommufd_access *access = uvf_list_entry(
			node, struct uvf_iommufd_access, ioas_node);

		if (access->round < round)
			return access;
	}
	return NULL;
}

void uvf_iommufd_notify(struct uvf_ioas *ioas, struct uvf_range iova)
{
	struct uvf_iommufd_access *access;
	uint64_t round = ++ioas->ctx->round;

	uvf_assert_held(&ioas->ctx->lock);
	/* Nobody destroys the space, but accesses may come and go. */
	ioas->object.users++;
	while ((access = next_to_ask(ioas, round))) {
		access->round = round;
		uvf_assert_held(&access->ctx->lock);
		ask_to_unpin(access, iova);
	}
	ioas->object.users--;
}

static struct uvf_range page_at(uint64_t iova)
{
	uint64_t first = iova & ~(UVF_IOMMUFD_PAGE - 1);

	return (struct uvf_range){first, first + (UVF_IOMMUFD_PAGE - 1)};
}

static struct pin *pin_of(struct uvf_inode *node)
{
	return node ? uvf_itree_entry(node, struct pin, node) : NULL;
}

static void drop_pin(struct uvf_iommufd_access *access, struct pin *pin)
	UVF_REQUIRES(access->ctx->lock)
{
	uvf_itree_remove(&access->pins, &pin->node);
	pin->area->pins--;
	uvf_pages_release(pin->area->pages, pin->bytes, &pin->hold);
	uvf_free(pin);
}

/* What a driver keeps is its bug; it does not keep the space from going. */
static void drop_pins(struct uvf_iommufd_access *access)
	UVF_REQUIRES(access->ctx->lock)
{
	struct uvf_inode *node;

	while ((node = uvf_itree_first(&access->pins)))
		drop_pin(access, pin_of(node));
}

/* Give back each page of an interval once, if it is held. */
static void unpin_pages(struct uvf_iommufd_access *access,
			struct uvf_range iova) UVF_REQUIRES(access->ctx->lock)
{
	struct uvf_inode *node =
		uvf_itree_at_or_after(&access->pins, iova.first);

	while (node && node->key.first <= iova.last) {
		struct pin *pin = pin_of(node);

		node = uvf_itree_next(node);
		if (!--pin->count)
			drop_pin(access, pin);
	}
}

/* Go to another space, or to none. */
static int change_ioas(struct uvf_iommufd_access *access, struct uvf_ioas *to)
	UVF_REQUIRES(access->ctx->lock)
{
	const struct uvf_range all = {0, UINT64_MAX};
	struct uvf_ioas *from = access->ioas;
	int ret;

	/* It is on its way from another one. */
	if (from != access->unpin_ioas)
		return -EBUSY;
	if (from == to)
		return 0;
	if (to) {
		to->access_count++;
		ret = uvf_ioas_update_alignment(to);
		if (ret) {
			to->access_count--;
			return ret;
		}
		to->object.users++;
	}
	access->ioas = NULL;
	if (from) {
		ask_to_unpin(access, all);
		drop_pins(access);
		uvf_list_remove(&access->ioas_node);
		from->access_count--;
		uvf_ioas_update_alignment(from);
		from->object.users--;
	}
	if (to)
		uvf_list_append(&to->accesses, &access->ioas_node);
	access->ioas = to;
	access->unpin_ioas = to;
	return 0;
}

int uvf_iommufd_access_attach(struct uvf_iommufd_access *access,
			      uint32_t ioas_id)
{
	struct uvf_iommufd *ctx = access->ctx;
	struct uvf_ioas *ioas;
	int ret = -ENOENT;

	uvf_lock(&access->ctx->lock);
	ioas = uvf_ioas_find(ctx, ioas_id);
	if (ioas)
		ret = change_ioas(access, ioas);
	uvf_unlock(&access->ctx->lock);
	return ret;
}

void uvf_iommufd_access_detach(struct uvf_iommufd_access *access)
{
	uvf_lock(&access->ctx->lock);
	UVF_BUG_ON(change_ioas(access, NULL));
	uvf_unlock(&access->ctx->lock);
}

void uvf_iommufd_access_destroy(struct uvf_iommufd_access *access)
{
	struct uvf_iommufd *ctx = access->ctx;

	uvf_lock(&access->ctx->lock);
	UVF_BUG_ON(change_ioas(access, NULL));
	while (access->callbacks)
		uvf_cond_wait(&ctx->callback_ended, &access->ctx->lock);
	uvf_object_remove(ctx, &access->object);
	uvf_unlock(&access->ctx->lock);
	uvf_free(access);
	uvf_iommufd_put(ctx);
}

/* Whether pieces from @iova on start and end with their memory's pages. */
static bool has_whole_pages(const struct uvf_area *area, uint64_t iova,
			    bool is_last)
{
	uint64_t vaddr = area->pages->vaddr.first + area->offset;
	uint64_t mask = UVF_IOMMUFD_PAGE - 1;

	if ((vaddr + (iova - area->node.key.first)) & mask)
		return false;
	return is_last || !((vaddr + area->size) & mask);
}

static bool may(const struct uvf_area *area, bool is_write)
{
	return area->prot & (is_write ? UVF_PROT_WRITE : UVF_PROT_READ);
}

static int pin_new(struct uvf_iommufd_access *access, struct uvf_area *area,
		   uint64_t iova, struct pin **ret_pin)
	UVF_REQUIRES(access->ctx->lock)
{
	struct pin *pin = uvf_zalloc(sizeof(*pin));
	uint64_t start = area->offset + (iova - area->node.key.first);
	int ret;

	if (!pin)
		return -ENOMEM;
	/* To the end of the page, or of the memory. */
	pin->bytes.first = start;
	pin->bytes.last = start + UVF_IOMMUFD_PAGE - 1;
	if (pin->bytes.last >
	    area->pages->vaddr.last - area->pages->vaddr.first)
		pin->bytes.last =
			area->pages->vaddr.last - area->pages->vaddr.first;
	ret = uvf_pages_hold(area->pages, pin->bytes, true, &pin->hold);
	if (ret) {
		uvf_free(pin);
		return ret;
	}
	area->pins++;
	pin->area = area;
	pin->count = 1;
	/* The page was looked for before, and is not in the tree. */
	(void)uvf_itree_insert(&access->pins, &pin->node, page_at(iova));
	*ret_pin = pin;
	return 0;
}

/* The page of iova.first; iova.last is the end of all that are pinned. */
static int pin_page(struct uvf_iommufd_access *access, struct uvf_range iova,
		    bool is_write, void **ret_page)
	UVF_REQUIRES(access->ctx->lock)
{
	struct uvf_area *area = uvf_area_at(access->ioas, iova.first);
	struct pin *pin;
	int ret = 0;

	if (!area)
		return -ENOENT;
	if (area->is_going ||
	    !has_whole_pages(area, iova.first,
			     iova.last <= area->node.key.last))
		return -EINVAL;
	if (!may(area, is_write))
		return -EPERM;
	pin = pin_of(uvf_itree_find(&access->pins, page_at(iova.first)));
	if (pin)
		pin->count++;
	else
		ret = pin_new(access, area, iova.first, &pin);
	if (!ret)
		*ret_page = uvf_mem_direct(pin->hold.mem) + pin->hold.offset;
	return ret;
}

static int pin_pages(struct uvf_iommufd_access *access, struct uvf_range iova,
		     bool is_write, void **ret_pages)
	UVF_REQUIRES(access->ctx->lock)
{
	struct uvf_range todo = iova;

	if (!access->ioas)
		return -ENOENT;
	for (;;) {
		int ret = pin_page(access, todo, is_write, ret_pages++);

		if (ret && todo.first != iova.first)
			unpin_pages(access, (struct uvf_range){iova.first,
							       todo.first - 1});
		if (ret || todo.last - todo.first < UVF_IOMMUFD_PAGE)
			return ret;
		todo.first += UVF_IOMMUFD_PAGE;
	}
}

int uvf_iommufd_access_pin(struct uvf_iommufd_access *access, uint64_t iova,
			   uint64_t size, bool is_write, void **ret_pages)
{
	struct uvf_range range;
	int ret = uvf_range_make(&range, iova, size);

	if (ret)
		return ret;
	uvf_lock(&access->ctx->lock);
	ret = pin_pages(access, range, is_write, ret_pages);
	uvf_unlock(&access->ctx->lock);
	return ret;
}

void uvf_iommufd_access_unpin(struct uvf_iommufd_access *access, uint64_t iova,
			      uint64_t size)
{
	struct uvf_range range;

	if (uvf_range_make(&range, iova, size))
		return;
	uvf_lock(&access->ctx->lock);
	unpin_pages(access, range);
	uvf_unlock(&access->ctx->lock);
}

/* Copy the part of [iova.first, iova.last] that lies in one area. */
static int copy_area(struct uvf_area *area, struct uvf_range iova, void *buf,
		     bool is_write)
{
	uint64_t offset = area->offset + (iova.first - area->node.key.first);

	if (area->is_going)
		return -EINVAL;
	if (!may(area, is_write))
		return -EPERM;
	return uvf_pages_rw(area->pages, offset, buf, uvf_range_size(iova),
			    is_write);
}

static int copy_areas(const struct uvf_ioas *ioas, struct uvf_range iova,
		      uint8_t *buf, bool is_write)
{
	for (;;) {
		struct uvf_area *area = uvf_area_at(ioas, iova.first);
		struct uvf_range piece = iova;
		int ret;

		if (!area)
			return -ENOENT;
		if (piece.last > area->node.key.last)
			piece.last = area->node.key.last;
		ret = copy_area(area, piece, buf, is_write);
		if (ret || piece.last == iova.last)
			return ret;
		buf += uvf_range_size(piece);
		iova.first = piece.last + 1;
	}
}

int uvf_iommufd_access_rw(struct uvf_iommufd_access *access, uint64_t iova,
			  void *buf, size_t len, bool is_write)
{
	struct uvf_iommufd *ctx = access->ctx;
	struct uvf_range range;
	int ret = uvf_range_make(&range, iova, len);

	if (ret)
		return ret;
	uvf_lock(&ctx->lock);
	ret = access->ioas ? copy_areas(access->ioas, range, buf, is_write)
			   : -ENOENT;
	uvf_unlock(&ctx->lock);
	return ret;
}

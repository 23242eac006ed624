/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * I/O address spaces: the calls that make, map and ask them.
 */
#include <errno.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "iommu/iommufd/abi.h"
#include "iommu/iommufd/private.h"
#include "mem/caller.h"

static_assert(sizeof(struct uvf_range) == sizeof(struct iommu_iova_range) &&
		      offsetof(struct uvf_range, last) ==
			      offsetof(struct iommu_iova_range, last),
	      "ranges go out as they are");

int uvf_ioas_create(struct uvf_iommufd *ctx, struct uvf_ioas **ret_ioas)
{
	struct uvf_ioas *ioas = uvf_zalloc(sizeof(*ioas));
	int ret;

	uvf_assert_held(&ctx->lock);
	if (!ioas)
		return -ENOMEM;
	ret = uvf_object_add(ctx, &ioas->object, UVF_OBJECT_IOAS);
	if (ret) {
		uvf_free(ioas);
		return ret;
	}
	ioas->ctx = ctx;
	ioas->alignment = 1;
	uvf_list_init(&ioas->hwpts);
	uvf_list_init(&ioas->accesses);
	*ret_ioas = ioas;
	return 0;
}

void uvf_ioas_destroy(struct uvf_ioas *ioas)
{
	const struct uvf_range all = {0, UINT64_MAX};
	struct uvf_iommufd *ctx = ioas->ctx;
	uint64_t size;

	uvf_assert_held(&ctx->lock);
	uvf_object_remove(ctx, &ioas->object);
	if (ctx->compat == ioas)
		ctx->compat = NULL;
	UVF_BUG_ON(uvf_ioas_unmap(ioas, all, &size));
	uvf_allowed_clear(&ioas->allowed);
	uvf_free(ioas);
}

struct uvf_ioas *uvf_ioas_find(struct uvf_iommufd *ctx, uint32_t id)
{
	struct uvf_object *object = uvf_object_find(ctx, id);

	return object && object->type == UVF_OBJECT_IOAS
		       ? (struct uvf_ioas *)(void *)object
		       : NULL;
}

int uvf_ioas_set_small_pages(struct uvf_ioas *ioas, bool on)
{
	int ret;

	if (ioas->has_small_pages == on)
		return 0;
	/* What is filled by large pages cannot become small. */
	if (on && ioas->hwpt_count && ioas->areas.count)
		return -EINVAL;
	ioas->has_small_pages = on;
	ret = uvf_ioas_update_alignment(ioas);
	if (ret)
		ioas->has_small_pages = !on;
	return ret;
}

/**
 * iommu_ioctl_ioas_alloc() - make an empty space
 * @cmd: struct iommu_ioas_alloc
 * Return: 0, or -EOPNOTSUPP flags, -ENOMEM, -EFAULT.
 */
int iommu_ioctl_ioas_alloc(struct uvf_iommufd_call *call, void *cmd)
{
	struct iommu_ioas_alloc *alloc = cmd;
	struct uvf_ioas *ioas;
	int ret;

	if (alloc->flags)
		return -EOPNOTSUPP;
	ret = uvf_ioas_create(call->ctx, &ioas);
	if (ret)
		return ret;
	alloc->out_ioas_id = ioas->object.id;
	ret = uvf_iommufd_respond(call, alloc, sizeof(*alloc));
	if (ret)
		uvf_ioas_destroy(ioas);
	return ret;
}

/**
 * iommu_ioctl_ioas_iova_ranges() - which IOVAs there are
 * @cmd: struct iommu_ioas_iova_ranges
 *
 * A list that is too short gets what fits, and the number of all.
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  reserved field
 *   -ENOENT      no such space
 *   -EFAULT      the list, or the structure, cannot be written
 *   -EMSGSIZE    the list is too short
 */
int iommu_ioctl_ioas_iova_ranges(struct uvf_iommufd_call *call, void *cmd)
{
	struct uvf_range ranges[UVF_IOAS_RESERVED_MAX + 1];
	struct iommu_ioas_iova_ranges *query = cmd;
	uint32_t room = query->num_iovas;
	struct uvf_ioas *ioas;
	uint32_t count;

	if (query->reserved)
		return -EOPNOTSUPP;
	ioas = uvf_ioas_find(call->ctx, query->ioas_id);
	if (!ioas)
		return -ENOENT;
	count = uvf_ioas_usable(ioas, ranges);
	if (uvf_copy_out(call->caller, query->allowed_iovas, ranges,
			 (count < room ? count : room) * sizeof(ranges[0])))
		return -EFAULT;
	query->num_iovas = count;
	query->out_iova_alignment = ioas->alignment;
	if (uvf_iommufd_respond(call, query, sizeof(*query)))
		return -EFAULT;
	return count > room ? -EMSGSIZE : 0;
}

static int read_allowed(struct uvf_caller *caller,
			const struct iommu_ioas_allow_iovas *allow,
			struct uvf_itree *tree)
{
	for (uint32_t i = 0; i < allow->num_iovas; i++) {
		struct iommu_iova_range range;
		int ret;

		if (uvf_copy_in(caller, &range,
				allow->allowed_iovas + i * sizeof(range),
				sizeof(range)))
			return -EFAULT;
		if (range.start >= range.last)
			return -EINVAL;
		ret = uvf_allowed_add(
			tree, (struct uvf_range){range.start, range.last});
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * iommu_ioctl_ioas_allow_iovas() - where MAP may choose a place
 * @cmd: struct iommu_ioas_allow_iovas; an empty list allows all
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  reserved field
 *   -ENOENT      no such space
 *   -EFAULT      a range cannot be read
 *   -EINVAL      it is empty, of one byte, or meets one before it
 *   -ENOMEM      out of memory
 *   -EADDRINUSE  one is reserved
 */
int iommu_ioctl_ioas_allow_iovas(struct uvf_iommufd_call *call, void *cmd)
{
	const struct iommu_ioas_allow_iovas *allow = cmd;
	struct uvf_itree tree = {0};
	struct uvf_ioas *ioas;
	int ret;

	if (allow->reserved)
		return -EOPNOTSUPP;
	ioas = uvf_ioas_find(call->ctx, allow->ioas_id);
	if (!ioas)
		return -ENOENT;
	ret = read_allowed(call->caller, allow, &tree);
	if (!ret)
		ret = uvf_ioas_allow(ioas, &tree);
	uvf_allowed_clear(&tree);
	return ret;
}

uint32_t uvf_ioas_prot(uint32_t flags)
{
	return (flags & IOMMU_IOAS_MAP_READABLE ? UVF_PROT_READ : 0) |
	       (flags & IOMMU_IOAS_MAP_WRITEABLE ? UVF_PROT_WRITE : 0);
}

/**
 * iommu_ioctl_ioas_map() - let devices reach client memory
 * @cmd: struct iommu_ioas_map
 *
 * Until a device is attached, the memory need not be there.
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  unknown flag, reserved field
 *   -EOVERFLOW   IOVA or length 2^64-1
 *   -EINVAL      neither readable nor writeable
 *   -ENOENT      no such space
 *   or what uvf_ioas_map() returns
 *   -EFAULT      the answer cannot be written, too late
 */
int iommu_ioctl_ioas_map(struct uvf_iommufd_call *call, void *cmd)
{
	struct iommu_ioas_map *map = cmd;
	struct uvf_map what = {
		.caller = call->caller,
		.mm = call->caller->mm,
		.vaddr = map->user_va,
		.size = map->length,
		.prot = uvf_ioas_prot(map->flags),
		.is_fixed = map->flags & IOMMU_IOAS_MAP_FIXED_IOVA,
	};
	struct uvf_ioas *ioas;
	int ret;

	if (map->flags & ~IOMMU_IOAS_MAP_FLAGS || map->reserved)
		return -EOPNOTSUPP;
	if (map->iova == UINT64_MAX || map->length == UINT64_MAX)
		return -EOVERFLOW;
	if (!what.prot)
		return -EINVAL;
	ioas = uvf_ioas_find(call->ctx, map->ioas_id);
	if (!ioas)
		return -ENOENT;
	ret = uvf_ioas_map(ioas, &what, &map->iova);
	return ret ? ret : uvf_iommufd_respond(call, map, sizeof(*map));
}

/**
 * iommu_ioctl_ioas_copy() - map once more what is mapped
 * @cmd: struct iommu_ioas_copy
 *
 * Source and copy share the memory, and live apart.
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  unknown flag
 *   -EOVERFLOW   length or an IOVA 2^64-1
 *   -EINVAL      neither readable nor writeable
 *   -ENOENT      no such source
 *   or what uvf_ioas_copy() returns
 *   -ENOENT      no such destination
 *   or what uvf_ioas_add_areas() returns
 *   -EFAULT      the answer cannot be written, too late
 */
int iommu_ioctl_ioas_copy(struct uvf_iommufd_call *call, void *cmd)
{
	struct iommu_ioas_copy *copy = cmd;
	struct uvf_ioas *from, *to;
	struct uvf_list areas;
	int ret;

	if (copy->flags & ~IOMMU_IOAS_MAP_FLAGS)
		return -EOPNOTSUPP;
	if (copy->length == UINT64_MAX || copy->src_iova == UINT64_MAX ||
	    copy->dst_iova == UINT64_MAX)
		return -EOVERFLOW;
	if (!uvf_ioas_prot(copy->flags))
		return -EINVAL;
	from = uvf_ioas_find(call->ctx, copy->src_ioas_id);
	if (!from)
		return -ENOENT;
	uvf_list_init(&areas);
	ret = uvf_ioas_copy(from, copy->src_iova, copy->length, &areas);
	if (ret)
		return ret;
	to = uvf_ioas_find(call->ctx, copy->dst_ioas_id);
	if (!to) {
		uvf_ioas_drop_areas(&areas);
		return -ENOENT;
	}
	ret = uvf_ioas_add_areas(
		to, &areas, copy->length, uvf_ioas_prot(copy->flags),
		copy->flags & IOMMU_IOAS_MAP_FIXED_IOVA, &copy->dst_iova);
	return ret ? ret : uvf_iommufd_respond(call, copy, sizeof(*copy));
}

/**
 * iommu_ioctl_ioas_unmap() - take mappings away, whole ones only
 * @cmd: struct iommu_ioas_unmap; IOVA 0 and length 2^64-1 is everything
 *
 * Areas before the one that reaches over an end are gone.
 *
 * Return: 0, or, in the order they are tested:
 *   -ENOENT      no such space
 *   -EOVERFLOW   IOVA or length 2^64-1
 *   -EINVAL      length 0
 *   -EOVERFLOW   the interval wraps
 *   -ENOENT      an area reaches over an end, or there is none
 *   -EDEADLOCK   an emulated device does not give it back
 *   -EFAULT      the answer cannot be written, too late
 */
int iommu_ioctl_ioas_unmap(struct uvf_iommufd_call *call, void *cmd)
{
	struct iommu_ioas_unmap *unmap = cmd;
	struct uvf_range iova = {0, UINT64_MAX};
	bool is_all = !unmap->iova && unmap->length == UINT64_MAX;
	struct uvf_ioas *ioas = uvf_ioas_find(call->ctx, unmap->ioas_id);
	uint64_t size;
	int ret = 0;

	if (!ioas)
		return -ENOENT;
	if (!is_all) {
		if (unmap->iova == UINT64_MAX || unmap->length == UINT64_MAX)
			return -EOVERFLOW;
		ret = uvf_range_make(&iova, unmap->iova, unmap->length);
	}
	if (!ret)
		ret = uvf_ioas_unmap(ioas, iova, &size);
	if (ret)
		return ret;
	if (!size && !is_all)
		return -ENOENT;
	unmap->length = size;
	return uvf_iommufd_respond(call, unmap, sizeof(*unmap));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of a VFIO container on an iommufd, by the rules of Linux 6.12,
 * drivers/iommu/iommufd/vfio_compat.c.  They work on one I/O address space,
 * which a group makes or VFIO_IOAS chooses.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stddef.h>

#include "base/profile.h"
#include "iommu/iommufd/abi.h"
#include "iommu/iommufd/private.h"
#include "mem/caller.h"
#include "mem/mem.h"

/* Room for the IOVA ranges between what can be reserved. */
#define RANGES_MAX (UVF_IOAS_RESERVED_MAX + 1)

static_assert(VFIO_DMA_MAP_FLAG_READ == UVF_PROT_READ &&
		      VFIO_DMA_MAP_FLAG_WRITE == UVF_PROT_WRITE,
	      "protections are passed on as they come");

int uvf_iommufd_compat_create(struct uvf_iommufd *ctx)
{
	struct uvf_ioas *ioas;
	int ret = 0;

	uvf_lock(&ctx->lock);
	if (ctx->is_noiommu) {
		ret = -EINVAL;
	} else if (!ctx->compat) {
		ret = uvf_ioas_create(ctx, &ioas);
		if (!ret)
			ctx->compat = ioas;
	}
	uvf_unlock(&ctx->lock);
	return ret;
}

int uvf_iommufd_compat_id(struct uvf_iommufd *ctx, uint32_t *ret_id)
{
	int ret = 0;

	uvf_lock(&ctx->lock);
	if (ctx->compat)
		*ret_id = ctx->compat->object.id;
	else
		ret = -ENODEV;
	uvf_unlock(&ctx->lock);
	return ret;
}

int uvf_iommufd_set_noiommu(struct uvf_iommufd *ctx)
{
	int ret = 0;

	uvf_lock(&ctx->lock);
	if (ctx->compat)
		ret = -EINVAL;
	else
		ctx->is_noiommu = true;
	uvf_unlock(&ctx->lock);
	return ret;
}

/**
 * iommu_ioctl_vfio_ioas() - which space the calls of a container are about
 * @cmd: struct iommu_vfio_ioas
 * Return: 0, or, in the order they are tested: -EOPNOTSUPP reserved field or
 * unknown operation, -ENODEV GET and there is none, -ENOENT SET of no space,
 * -EFAULT.
 */
int iommu_ioctl_vfio_ioas(struct uvf_iommufd_call *call, void *cmd)
{
	struct uvf_iommufd *ctx = call->ctx;
	struct iommu_vfio_ioas *vfio = cmd;
	struct uvf_ioas *ioas;

	if (vfio->reserved)
		return -EOPNOTSUPP;
	switch (vfio->op) {
	case IOMMU_VFIO_IOAS_GET:
		if (!ctx->compat)
			return -ENODEV;
		vfio->ioas_id = ctx->compat->object.id;
		return uvf_iommufd_respond(call, vfio, sizeof(*vfio));
	case IOMMU_VFIO_IOAS_SET:
		ioas = uvf_ioas_find(ctx, vfio->ioas_id);
		if (!ioas)
			return -ENOENT;
		ctx->compat = ioas;
		return 0;
	case IOMMU_VFIO_IOAS_CLEAR:
		ctx->compat = NULL;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* Whether DMA is coherent by all page tables; no table is as good as one. */
static bool enforces_coherency(const struct uvf_ioas *ioas)
{
	const struct uvf_list *node;

	uvf_list_for_each (node, &ioas->hwpts)
		if (!uvf_list_entry(node, struct uvf_hwpt, ioas_node)
			     ->hw.enforces_coherency)
			return false;
	return true;
}

static long check_extension_locked(struct uvf_iommufd *ctx,
				   unsigned long extension)
	UVF_REQUIRES(ctx->lock)
{
	switch (extension) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return !ctx->is_noiommu;
	case VFIO_NOIOMMU_IOMMU:
		return ctx->host.noiommu != NULL;
	case VFIO_DMA_CC_IOMMU:
		if (!ctx->compat)
			return -ENODEV;
		return enforces_coherency(ctx->compat);
	default:
		return 0;
	}
}

/* May be repeated; TYPE1 stays, as it is about the space. */
static int set_iommu_locked(struct uvf_iommufd *ctx, struct uvf_caller *caller,
			    unsigned long type) UVF_REQUIRES(ctx->lock)
{
	if (type == VFIO_NOIOMMU_IOMMU && ctx->is_noiommu)
		return caller->has_rawio ? 0 : -EPERM;
	if ((type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU) ||
	    ctx->is_noiommu)
		return -EINVAL;
	if (!ctx->compat)
		return -ENODEV;
	/* Only pages that are small can be cut wherever TYPE1 wants to. */
	if (type == VFIO_TYPE1_IOMMU)
		return uvf_ioas_set_small_pages(ctx->compat, true);
	return 0;
}

/* Errors in this order: EFAULT, EINVAL, ENODEV, those of uvf_ioas_map(). */
static int map_dma_locked(struct uvf_iommufd *ctx, struct uvf_caller *caller,
			  uint64_t arg) UVF_REQUIRES(ctx->lock)
{
	struct vfio_iommu_type1_dma_map map;
	struct uvf_map what;
	uint64_t iova;

	if (uvf_copy_in(caller, &map, arg, sizeof(map)))
		return -EFAULT;
	if (map.argsz < sizeof(map) || map.flags & ~UVF_PROT_ALL)
		return -EINVAL;
	if (!ctx->compat)
		return -ENODEV;
	iova = map.iova;
	what = (struct uvf_map){
		.caller = caller,
		.mm = caller->mm,
		.vaddr = map.vaddr,
		.size = map.size,
		.prot = map.flags,
		.is_fixed = true,
	};
	return uvf_ioas_map(ctx->compat, &what, &iova);
}

/* TYPE1 cuts at both ends. */
static int cut(struct uvf_ioas *ioas,
	       const struct vfio_iommu_type1_dma_unmap *unmap)
{
	int ret = 0;

	if (!ioas->has_small_pages)
		return 0;
	ret = uvf_ioas_cut(ioas, unmap->iova + unmap->size - 1);
	if (!ret && unmap->iova)
		ret = uvf_ioas_cut(ioas, unmap->iova - 1);
	return ret;
}

/*
 * What went is written back also when the rest could not go.
 *
 * Errors in this order: EFAULT, EINVAL argsz or flags, ENODEV, EINVAL ALL
 * with an interval; of a cut; then with a size, EINVAL size 0, EOVERFLOW,
 * ENOENT, EDEADLOCK.
 */
static int unmap_dma_locked(struct uvf_iommufd *ctx, struct uvf_caller *caller,
			    uint64_t arg) UVF_REQUIRES(ctx->lock)
{
	struct vfio_iommu_type1_dma_unmap unmap;
	struct uvf_range iova = {0, UINT64_MAX};
	uint64_t size = 0;
	int ret = 0;

	if (uvf_copy_in(caller, &unmap, arg, sizeof(unmap)))
		return -EFAULT;
	if (unmap.argsz < sizeof(unmap) ||
	    unmap.flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return -EINVAL;
	if (!ctx->compat)
		return -ENODEV;
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		if (unmap.iova || unmap.size)
			return -EINVAL;
	} else {
		ret = cut(ctx->compat, &unmap);
		if (ret)
			return ret;
		ret = uvf_range_make(&iova, unmap.iova, unmap.size);
	}
	if (!ret)
		ret = uvf_ioas_unmap(ctx->compat, iova, &size);
	unmap.size = size;
	if (uvf_copy_out(caller, arg, &unmap, sizeof(unmap)))
		return -EFAULT;
	return ret;
}

static uint64_t page_sizes(const struct uvf_ioas *ioas)
{
	uint64_t mask = UVF_IOMMUFD_PAGE - 1;
	uint64_t sizes = UINT64_MAX;
	const struct uvf_list *node;

	uvf_list_for_each (node, &ioas->hwpts)
		sizes &= uvf_list_entry(node, struct uvf_hwpt, ioas_node)
				 ->hw.page_sizes;
	if (sizes & mask)
		sizes = (sizes & ~mask) | UVF_IOMMUFD_PAGE;
	return sizes > ioas->alignment ? sizes : ioas->alignment;
}

/* GET_INFO's structure and its two capabilities, as they lie in memory. */
struct reply {
	struct vfio_iommu_type1_info info;
	struct vfio_iommu_type1_info_dma_avail avail;
	uint32_t padding;
	struct vfio_iommu_type1_info_cap_iova_range iova;
	struct vfio_iova_range ranges[RANGES_MAX];
};

static_assert(offsetof(struct reply, avail) == 24, "ABI");
static_assert(offsetof(struct reply, iova) == 40, "ABI");
static_assert(offsetof(struct reply, ranges) == 56, "ABI");

static uint32_t fill_reply(const struct uvf_ioas *ioas, struct reply *reply)
{
	struct uvf_range ranges[RANGES_MAX];
	unsigned int count = uvf_ioas_usable(ioas, ranges);

	for (unsigned int i = 0; i < count; i++) {
		reply->ranges[i].start = ranges[i].first;
		reply->ranges[i].end = ranges[i].last;
	}
	reply->info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	reply->info.iova_pgsizes = page_sizes(ioas);
	reply->avail.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
	reply->avail.header.version = 1;
	reply->avail.header.next = offsetof(struct reply, iova);
	reply->avail.avail = UINT32_MAX;
	reply->iova.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	reply->iova.header.version = 1;
	reply->iova.nr_iovas = count;
	return (uint32_t)(offsetof(struct reply, ranges) +
			  count * sizeof(reply->ranges[0]));
}

/* Capabilities that fit, each as a whole; a short buffer gets some. */
static int copy_caps(struct uvf_caller *caller, uint64_t arg, uint32_t argsz,
		     const struct reply *reply, uint32_t total)
{
	const size_t avail = offsetof(struct reply, avail);
	const size_t iova = offsetof(struct reply, iova);
	const size_t ranges = offsetof(struct reply, ranges);
	size_t room;

	if (argsz >= avail + sizeof(reply->avail)) {
		/* The link is set once there is room up to the next one. */
		struct vfio_iommu_type1_info_dma_avail cap = reply->avail;

		if (argsz < iova)
			cap.header.next = 0;
		if (uvf_copy_out(caller, arg + avail, &cap, sizeof(cap)))
			return -EFAULT;
	}
	if (argsz < ranges)
		return 0;
	room = (argsz < total ? argsz : total) - ranges;
	room -= room % sizeof(reply->ranges[0]);
	if (uvf_copy_out(caller, arg + ranges, reply->ranges, room))
		return -EFAULT;
	if (argsz < total)
		return 0;
	return uvf_copy_out(caller, arg + iova, &reply->iova,
			    sizeof(reply->iova));
}

/* Errors in this order: EFAULT, EINVAL argsz, ENODEV, EFAULT. */
static int get_info_locked(struct uvf_iommufd *ctx, struct uvf_caller *caller,
			   uint64_t arg) UVF_REQUIRES(ctx->lock)
{
	const size_t min = offsetof(struct vfio_iommu_type1_info, cap_offset);
	struct reply reply = {0};
	uint32_t argsz, total;

	if (uvf_copy_in(caller, &reply, arg, min))
		return -EFAULT;
	argsz = reply.info.argsz;
	if (argsz < min)
		return -EINVAL;
	if (!ctx->compat)
		return -ENODEV;
	total = fill_reply(ctx->compat, &reply);
	if (copy_caps(caller, arg, argsz, &reply, total))
		return -EFAULT;
	reply.info.argsz = total;
	if (argsz >= total)
		reply.info.cap_offset = sizeof(reply.info);
	return uvf_copy_out(caller, arg, &reply.info,
			    argsz < sizeof(reply.info) ? argsz
						       : sizeof(reply.info));
}

long uvf_iommufd_compat_ioctl(struct uvf_iommufd *ctx,
			      struct uvf_caller *caller, unsigned int cmd,
			      unsigned long arg)
{
	long ret = -ENOTTY;

	uvf_lock(&ctx->lock);
	switch (cmd) {
	case VFIO_GET_API_VERSION:
		ret = VFIO_API_VERSION;
		break;
	case VFIO_CHECK_EXTENSION:
		ret = check_extension_locked(ctx, arg);
		break;
	case VFIO_SET_IOMMU:
		ret = set_iommu_locked(ctx, caller, arg);
		break;
	case VFIO_IOMMU_GET_INFO:
		ret = get_info_locked(ctx, caller, arg);
		break;
	case VFIO_IOMMU_MAP_DMA:
		ret = map_dma_locked(ctx, caller, arg);
		break;
	case VFIO_IOMMU_UNMAP_DMA:
		ret = unmap_dma_locked(ctx, caller, arg);
		break;
	}
	uvf_unlock(&ctx->lock);
	return ret;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page tables.  Each mirrors its I/O address space in a struct uvf_aspace of
 * its own; nested ones are in nested.c.
 */
#include <errno.h>
#include <stddef.h>

#include "base/alloc.h"
#include "iommu/iommufd/abi_hwpt.h"
#include "iommu/iommufd/private.h"
#include "iommu/translate.h"
#include "mem/mem.h"

int uvf_hwpt_create(struct uvf_ioas *ioas, const struct uvf_iommu_hw *hw,
		    uint32_t flags, struct uvf_hwpt **ret_hwpt)
{
	struct uvf_iommufd *ctx = ioas->ctx;
	struct uvf_hwpt *hwpt = uvf_zalloc(sizeof(*hwpt));
	int ret;

	uvf_assert_held(&ctx->lock);
	if (!hwpt)
		return -ENOMEM;
	uvf_list_init(&hwpt->ioas_node);
	hwpt->ioas = ioas;
	hwpt->hw = *hw;
	hwpt->is_nest_parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	hwpt->has_dirty = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	ret = uvf_aspace_create(&hwpt->aspace, hw->write_implies_read);
	if (ret)
		goto err_free;
	ret = uvf_object_add(ctx, &hwpt->object, UVF_OBJECT_HWPT);
	if (ret)
		goto err_aspace;
	ret = uvf_ioas_add_hwpt(ioas, hwpt);
	if (ret)
		goto err_remove;
	ioas->object.users++;
	*ret_hwpt = hwpt;
	return 0;

err_remove:
	uvf_object_remove(ctx, &hwpt->object);
err_aspace:
	uvf_aspace_destroy(hwpt->aspace);
err_free:
	uvf_free(hwpt);
	return ret;
}

void uvf_hwpt_destroy(struct uvf_hwpt *hwpt)
{
	struct uvf_ioas *ioas = hwpt->ioas;

	uvf_assert_held(&ioas->ctx->lock);
	uvf_object_remove(ioas->ctx, &hwpt->object);
	if (hwpt->fault)
		uvf_fault_object(hwpt->fault)->users--;
	if (hwpt->parent) {
		uvf_aspace_destroy(hwpt->aspace);
		hwpt->parent->object.users--;
	} else {
		uvf_ioas_remove_hwpt(ioas, hwpt);
		ioas->object.users--;
	}
	uvf_free(hwpt);
}

void uvf_hwpt_put(struct uvf_hwpt *hwpt)
{
	if (!--hwpt->object.users && hwpt->is_auto)
		uvf_hwpt_destroy(hwpt);
}

int uvf_hwpt_map(struct uvf_hwpt *hwpt, const struct uvf_area *area)
{
	/*
	 * No right at all is none of a table; and reading alone, under tables
	 * that nest, an erratum of hardware, which Linux takes all to have.
	 */
	if (!area->prot ||
	    (hwpt->is_nest_parent && !(area->prot & UVF_PROT_WRITE)))
		return -EINVAL;
	return uvf_aspace_map_slice(hwpt->aspace, area->node.key,
				    area->hold.mem, area->hold.offset,
				    area->prot);
}

/* Whether the tables of an IOMMU can lie on top of others. */
static bool nests(const struct uvf_iommu_host *host,
		  const struct uvf_iommu_hw *hw)
{
	return host->is_scalable && hw->vendor == UVF_IOMMU_INTEL;
}

static int alloc_paging(struct uvf_iommufd_call *call,
			const struct iommu_hwpt_alloc *alloc,
			struct uvf_ioas *ioas, struct uvf_hwpt **ret_hwpt)
{
	const struct uvf_iommu_host *host = &call->ctx->host;
	const struct uvf_iommu_hw *hw = uvf_iommufd_device_hw(
		uvf_iommufd_device_find(call->ctx, alloc->dev_id));

	if (alloc->flags & ~host->profile->hwpt_flags)
		return -EOPNOTSUPP;
	if (alloc->flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING &&
	    !host->tracks_dirty)
		return -EOPNOTSUPP;
	if (alloc->flags & IOMMU_HWPT_ALLOC_NEST_PARENT &&
	    (!nests(host, hw) || alloc->flags & IOMMU_HWPT_FAULT_ID_VALID))
		return -EOPNOTSUPP;
	if (alloc->data_len)
		return -EOPNOTSUPP;
	return uvf_hwpt_create(ioas, hw, alloc->flags, ret_hwpt);
}

static int alloc_on(struct uvf_iommufd_call *call,
		    const struct iommu_hwpt_alloc *alloc,
		    struct uvf_hwpt **ret_hwpt)
{
	struct uvf_object *object = uvf_object_find(call->ctx, alloc->pt_id);

	if (object && object->type == UVF_OBJECT_IOAS)
		return alloc_paging(call, alloc,
				    (struct uvf_ioas *)(void *)object,
				    ret_hwpt);
	if (object && object->type == UVF_OBJECT_HWPT)
		return uvf_hwpt_alloc_nested(call, alloc,
					     (struct uvf_hwpt *)(void *)object,
					     ret_hwpt);
	return -EINVAL;
}

static int set_fault(struct uvf_iommufd *ctx, struct uvf_hwpt *hwpt,
		     uint32_t id)
{
	struct uvf_iommufd_fault *fault = uvf_fault_find(ctx, id);

	if (!fault)
		return -ENOENT;
	hwpt->fault = fault;
	uvf_fault_object(fault)->users++;
	return 0;
}

/**
 * iommu_ioctl_hwpt_alloc() - make a page table that stays without devices
 * @cmd: struct iommu_hwpt_alloc
 *
 * Of a space it leads where the space does; on top of another page table it
 * is the client's.
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  reserved field
 *   -EINVAL      data without a type, or the reverse
 *   -ENOENT      no such device
 *   -EINVAL      no such object, or one that is neither
 *   of a space:
 *   -EOPNOTSUPP  unknown flag, or one that the hardware cannot do; data
 *   -EADDRINUSE, -EFAULT, -ENOMEM: a mapping cannot be
 *   -EINVAL      a mapping for reading only, and others are to nest on it
 *   on top of a page table:
 *   -EOPNOTSUPP  any flag but that of a fault queue; no data
 *   -EINVAL      it is automatic, or was not made for this
 *   -EOPNOTSUPP  unknown type of data
 *   -EINVAL      length of data
 *   -EFAULT      the data cannot be read
 *   of both:
 *   -ENOENT      no such fault queue
 *   -EFAULT      the answer cannot be written
 */
int iommu_ioctl_hwpt_alloc(struct uvf_iommufd_call *call, void *cmd)
{
	struct iommu_hwpt_alloc *alloc = cmd;
	struct uvf_hwpt *hwpt;
	int ret;

	if (alloc->reserved)
		return -EOPNOTSUPP;
	if (!alloc->data_type != !alloc->data_len)
		return -EINVAL;
	if (!uvf_iommufd_device_find(call->ctx, alloc->dev_id))
		return -ENOENT;
	ret = alloc_on(call, alloc, &hwpt);
	if (ret)
		return ret;
	if (alloc->flags & IOMMU_HWPT_FAULT_ID_VALID)
		ret = set_fault(call->ctx, hwpt, alloc->fault_id);
	alloc->out_hwpt_id = hwpt->object.id;
	if (!ret)
		ret = uvf_iommufd_respond(call, alloc, sizeof(*alloc));
	if (ret)
		uvf_hwpt_destroy(hwpt);
	return ret;
}

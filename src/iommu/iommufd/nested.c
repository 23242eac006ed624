/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page tables of a client on top of one of ours: VT-d's first stage.
 */
#include <errno.h>

#include "base/alloc.h"
#include "iommu/iommufd/abi_hwpt.h"
#include "iommu/iommufd/private.h"
#include "iommu/translate.h"
#include "mem/caller.h"

#define WIDTH_4_LEVELS 48u

/* Most bytes of an entry, and most entries, of one INVALIDATE. */
#define ENTRY_BYTES_MAX 4096u
#define ENTRIES_MAX     (1u << 19)

/* Whether our hardware can walk it; found out when a device comes. */
static bool is_usable(const struct iommu_hwpt_vtd_s1 *data)
{
	return data->addr_width == WIDTH_4_LEVELS &&
	       !(data->flags & IOMMU_VTD_S1_EAFE);
}

static int nested_create(struct uvf_hwpt *parent,
			 const struct iommu_hwpt_vtd_s1 *data,
			 struct uvf_hwpt **ret_hwpt)
{
	struct uvf_iommufd *ctx = parent->ioas->ctx;
	struct uvf_hwpt *hwpt = uvf_zalloc(sizeof(*hwpt));
	int ret;

	uvf_assert_held(&ctx->lock);
	if (!hwpt)
		return -ENOMEM;
	uvf_list_init(&hwpt->ioas_node);
	ret = uvf_aspace_create_nested(&hwpt->aspace, parent->aspace,
				       data->pgtbl_addr);
	if (!ret)
		ret = uvf_object_add(ctx, &hwpt->object,
				     UVF_OBJECT_HWPT_NESTED);
	if (ret) {
		uvf_aspace_destroy(hwpt->aspace);
		uvf_free(hwpt);
		return ret;
	}
	hwpt->ioas = parent->ioas;
	hwpt->hw = parent->hw;
	hwpt->parent = parent;
	hwpt->is_unusable = !is_usable(data);
	parent->object.users++;
	*ret_hwpt = hwpt;
	return 0;
}

int uvf_hwpt_alloc_nested(struct uvf_iommufd_call *call,
			  const struct iommu_hwpt_alloc *alloc,
			  struct uvf_hwpt *parent, struct uvf_hwpt **ret_hwpt)
{
	struct iommu_hwpt_vtd_s1 data;

	if (alloc->flags & ~IOMMU_HWPT_FAULT_ID_VALID || !alloc->data_len)
		return -EOPNOTSUPP;
	if (parent->is_auto || !parent->is_nest_parent)
		return -EINVAL;
	if (alloc->data_type != IOMMU_HWPT_DATA_VTD_S1)
		return -EOPNOTSUPP;
	if (alloc->data_len != sizeof(data))
		return -EINVAL;
	if (uvf_copy_in(call->caller, &data, alloc->data_uptr, sizeof(data)))
		return -EFAULT;
	return nested_create(parent, &data, ret_hwpt);
}

/* Check one entry; what it names is forgotten later, with all else. */
static int read_entry(struct uvf_caller *caller,
		      const struct iommu_hwpt_invalidate *invalidate,
		      uint32_t index)
{
	struct iommu_hwpt_vtd_s1_invalidate entry;

	if (invalidate->entry_len != sizeof(entry))
		return -EINVAL;
	if (uvf_copy_in(caller, &entry,
			invalidate->data_uptr + (uint64_t)index * sizeof(entry),
			sizeof(entry)))
		return -EFAULT;
	if (entry.flags & ~IOMMU_VTD_INV_FLAGS_LEAF || entry.reserved)
		return -EOPNOTSUPP;
	if (entry.addr & (UVF_IOMMUFD_PAGE - 1) ||
	    (entry.npages == UINT64_MAX && entry.addr))
		return -EINVAL;
	return 0;
}

static int invalidate_entries(struct uvf_iommufd_call *call,
			      const struct iommu_hwpt_invalidate *invalidate,
			      uint32_t *ret_done)
{
	struct uvf_object *object =
		uvf_object_find(call->ctx, invalidate->hwpt_id);
	struct uvf_hwpt *hwpt;
	int ret = 0;

	if (!object || object->type != UVF_OBJECT_HWPT_NESTED)
		return -ENOENT;
	hwpt = (struct uvf_hwpt *)(void *)object;
	if (invalidate->data_type != IOMMU_HWPT_INVALIDATE_DATA_VTD_S1)
		return -EINVAL;
	while (*ret_done < invalidate->entry_num) {
		ret = read_entry(call->caller, invalidate, *ret_done);
		if (ret)
			break;
		(*ret_done)++;
	}
	if (*ret_done)
		uvf_aspace_invalidate(hwpt->aspace);
	return ret;
}

/**
 * iommu_ioctl_hwpt_invalidate() - a client changed its page table
 * @cmd: struct iommu_hwpt_invalidate
 *
 * How many entries were carried out is written back also on failure.  No
 * entry at all asks whether their type is known.
 *
 * Return: 0, or, in the order they are tested:
 *   -EOPNOTSUPP  reserved field
 *   -EINVAL      entries without an address, a length, or too many of them
 *   -ENOENT      no such page table, or not a nested one
 *   -EINVAL      unknown type; length of an entry
 *   -EFAULT      an entry cannot be read
 *   -EOPNOTSUPP  unknown flag, reserved field of an entry
 *   -EINVAL      address of an entry
 *   -EFAULT      the answer cannot be written, before all others
 */
int iommu_ioctl_hwpt_invalidate(struct uvf_iommufd_call *call, void *cmd)
{
	struct iommu_hwpt_invalidate *invalidate = cmd;
	uint32_t done = 0;
	int ret;

	if (invalidate->reserved)
		ret = -EOPNOTSUPP;
	else if (invalidate->entry_num &&
		 (!invalidate->data_uptr || !invalidate->entry_len ||
		  invalidate->entry_len > ENTRY_BYTES_MAX ||
		  invalidate->entry_num > ENTRIES_MAX))
		ret = -EINVAL;
	else
		ret = invalidate_entries(call, invalidate, &done);
	invalidate->entry_num = done;
	if (uvf_iommufd_respond(call, invalidate, sizeof(*invalidate)))
		return -EFAULT;
	return ret;
}

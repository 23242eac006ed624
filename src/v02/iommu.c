/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An iommu: what one or more groups share.  Today's container is this
 * object with a file of its own.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "bus/group.h"
#include "core/file.h"
#include "iommu/translate.h"
#include "mem/caller.h"
#include "v02/abi.h"
#include "v02/state.h"

struct uvf_v02_iommu *uvf_v02_iommu_create(struct uvf_v02_group *group)
{
	struct uvf_v02_iommu *iommu = uvf_zalloc(sizeof(*iommu));

	if (!iommu)
		return NULL;
	iommu->v02 = group->v02;
	iommu->bus = group->bus;
	uvf_list_init(&iommu->groups);
	uvf_list_init(&iommu->files);
	uvf_itree_init(&iommu->entries);
	uvf_itree_init(&iommu->pieces);
	return iommu;
}

void uvf_v02_iommu_destroy(struct uvf_v02_iommu *iommu)
{
	UVF_BUG_ON(iommu->is_open || !uvf_list_is_empty(&iommu->groups) ||
		   !uvf_list_is_empty(&iommu->files));
	uvf_free(iommu);
}

void uvf_v02_iommu_add_group_locked(struct uvf_v02_iommu *iommu,
				    struct uvf_v02_group *group)
{
	uvf_v02_assert_held(iommu->v02);
	uvf_list_append(&iommu->groups, &group->iommu_node);
	group->iommu = iommu;
}

void uvf_v02_iommu_remove_group_locked(struct uvf_v02_group *group)
{
	uvf_v02_assert_held(group->v02);
	uvf_list_remove(&group->iommu_node);
	group->iommu = NULL;
}

bool uvf_v02_device_is_open_locked(const struct uvf_v02_device *device)
{
	return !uvf_list_is_empty(&device->files);
}

bool uvf_v02_group_has_open_device_locked(const struct uvf_v02_group *group)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &group->devices)
		if (uvf_v02_device_is_open_locked(
			    uvf_list_entry(node, struct uvf_v02_device, node)))
			return true;
	return false;
}

bool uvf_v02_iommu_is_in_use_locked(const struct uvf_v02_iommu *iommu)
{
	struct uvf_list *node;

	if (!uvf_list_is_empty(&iommu->files))
		return true;
	uvf_list_for_each (node, &iommu->groups)
		if (uvf_v02_group_has_open_device_locked(uvf_list_entry(
			    node, struct uvf_v02_group, iommu_node)))
			return true;
	return false;
}

static bool has_open_group(const struct uvf_v02_iommu *iommu)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &iommu->groups)
		if (uvf_list_entry(node, struct uvf_v02_group, iommu_node)
			    ->file_count)
			return true;
	return false;
}

bool uvf_v02_iommu_is_viable_locked(const struct uvf_v02_iommu *iommu)
{
	struct uvf_list *outer, *inner;

	uvf_list_for_each (outer, &iommu->groups) {
		struct uvf_v02_group *group =
			uvf_list_entry(outer, struct uvf_v02_group, iommu_node);

		uvf_list_for_each (inner, &group->devices)
			if (!uvf_list_entry(inner, struct uvf_v02_device, node)
				     ->data)
				return false;
	}
	return true;
}

/* How many bits of address the IOMMU before a group has. */
static unsigned int bits_of(const struct uvf_v02_group *group)
{
	unsigned int bits = group->v02->host.aperture_bits;

	return group->iommu_group && group->iommu_group->iommu_bits
		       ? group->iommu_group->iommu_bits
		       : bits;
}

unsigned int uvf_v02_iommu_bits_locked(const struct uvf_v02_iommu *iommu)
{
	unsigned int least = iommu->v02->host.aperture_bits;
	struct uvf_list *node;
	bool is_first = true;

	uvf_list_for_each (node, &iommu->groups) {
		unsigned int bits = bits_of(
			uvf_list_entry(node, struct uvf_v02_group, iommu_node));

		if (is_first || bits < least)
			least = bits;
		is_first = false;
	}
	return least;
}

/* Whether the IOMMU before a group reaches all that its set has mapped. */
static bool reaches_all(const struct uvf_v02_group *group)
{
	unsigned int bits = bits_of(group);

	return bits >= 64 ||
	       !uvf_itree_at_or_after(&group->iommu->entries, 1ull << bits);
}

int uvf_v02_attach_locked(struct uvf_v02_group *group)
{
	int ret;

	uvf_v02_assert_held(group->v02);
	if (group->is_attached || !group->iommu_group)
		return 0;
	if (!reaches_all(group))
		return -EFAULT;
	ret = uvf_iommu_group_claim(group->iommu_group, group->iommu);
	if (ret)
		return ret;
	uvf_iommu_group_set_domain(group->iommu_group, group->iommu->aspace);
	group->is_attached = true;
	return 0;
}

void uvf_v02_detach_locked(struct uvf_v02_group *group)
{
	uvf_v02_assert_held(group->v02);
	if (!group->is_attached)
		return;
	uvf_iommu_group_set_domain(group->iommu_group, NULL);
	uvf_iommu_group_release(group->iommu_group);
	group->is_attached = false;
}

/* The domain can be coherent when all devices in it can. */
static bool is_coherent(const struct uvf_v02_iommu *iommu)
{
	struct uvf_list *outer, *inner;

	if (!iommu->v02->host.is_coherent)
		return false;
	uvf_list_for_each (outer, &iommu->groups) {
		struct uvf_v02_group *group =
			uvf_list_entry(outer, struct uvf_v02_group, iommu_node);

		uvf_list_for_each (inner, &group->devices) {
			struct uvf_v02_device *device = uvf_list_entry(
				inner, struct uvf_v02_device, node);

			if (device->ops->is_coherent &&
			    !device->ops->is_coherent(device->bus_device))
				return false;
		}
	}
	return true;
}

static int attach_all_locked(struct uvf_v02_iommu *iommu)
	UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_list *node;
	int ret = 0;

	uvf_list_for_each (node, &iommu->groups) {
		ret = uvf_v02_attach_locked(
			uvf_list_entry(node, struct uvf_v02_group, iommu_node));
		if (ret)
			break;
	}
	return ret;
}

int uvf_v02_iommu_open_locked(struct uvf_v02_iommu *iommu, struct uvf_mm *mm)
{
	const struct uvf_v02_host *host = &iommu->v02->host;
	int ret;

	uvf_v02_assert_held(iommu->v02);
	if (!uvf_v02_iommu_is_viable_locked(iommu))
		return -EBUSY;
	if (iommu->is_open)
		return -EINVAL;
	if (uvf_aspace_create(&iommu->aspace, false))
		return -EFAULT;
	iommu->is_open = true;
	iommu->mm = uvf_mm_get(mm);
	ret = attach_all_locked(iommu);
	if (!ret && !host->remaps_interrupts && !host->allows_unsafe_interrupts)
		ret = -EFAULT;
	if (ret)
		uvf_v02_iommu_close_locked(iommu);
	else
		iommu->is_coherent = is_coherent(iommu);
	return ret;
}

void uvf_v02_iommu_close_locked(struct uvf_v02_iommu *iommu)
{
	struct uvf_list *node;

	uvf_v02_assert_held(iommu->v02);
	if (!iommu->is_open)
		return;
	uvf_list_for_each (node, &iommu->groups)
		uvf_v02_detach_locked(
			uvf_list_entry(node, struct uvf_v02_group, iommu_node));
	uvf_v02_unmap_all_locked(iommu);
	uvf_aspace_destroy(iommu->aspace);
	iommu->aspace = NULL;
	uvf_mm_put(iommu->mm);
	iommu->mm = NULL;
	iommu->is_open = false;
}

void uvf_v02_iommu_settle_locked(struct uvf_v02_iommu *iommu)
{
	struct uvf_list *node, *tmp;

	uvf_v02_assert_held(iommu->v02);
	if (uvf_v02_iommu_is_in_use_locked(iommu))
		return;
	uvf_v02_iommu_close_locked(iommu);
	pthread_cond_broadcast(&iommu->v02->released);
	if (has_open_group(iommu))
		return;
	uvf_list_for_each_safe (node, tmp, &iommu->groups)
		uvf_v02_iommu_remove_group_locked(
			uvf_list_entry(node, struct uvf_v02_group, iommu_node));
	uvf_v02_iommu_destroy(iommu);
}

/* A descriptor of an iommu. */
struct iommu_file {
	struct uvf_list node;        /* iommu->files */
	struct uvf_v02 *v02;         /* fixed */
	struct uvf_v02_iommu *iommu; /* NULL: revoked */
};

static struct iommu_file *iommu_file_of(struct uvf_file *file)
{
	return file->object;
}

static long ioctl_get_flags(struct uvf_caller *caller, unsigned long arg)
{
	const uint64_t flags = V02_IOMMU_MAP_ANY;

	return uvf_copy_out(caller, arg, &flags, sizeof(flags));
}

/* IOMMU_MAP_DMA and IOMMU_UNMAP_DMA; a success writes the struct back. */
static long ioctl_dma(struct iommu_file *self, struct uvf_caller *caller,
		      unsigned int cmd, unsigned long arg)
{
	struct uvf_v02 *v02 = self->v02;
	struct v02_dma_map map;
	int ret;

	if (uvf_copy_in(caller, &map, arg, sizeof(map)))
		return -EFAULT;
	uvf_v02_lock(v02);
	if (!self->iommu)
		ret = -ENODEV;
	else if (cmd == V02_IOMMU_MAP_DMA)
		ret = uvf_v02_map_locked(self->iommu, caller, &map);
	else
		ret = uvf_v02_unmap_locked(self->iommu, &map);
	uvf_v02_unlock(v02);
	return ret ? ret : uvf_copy_out(caller, arg, &map, sizeof(map));
}

/*
 * Whoever holds the descriptor may call: the owner of the set is not asked
 * for, and memory is the caller's.
 */
static long iommu_ioctl(struct uvf_file *file, struct uvf_caller *caller,
			unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case V02_IOMMU_GET_FLAGS:
		return ioctl_get_flags(caller, arg);
	case V02_IOMMU_MAP_DMA:
	case V02_IOMMU_UNMAP_DMA:
		return ioctl_dma(iommu_file_of(file), caller, cmd, arg);
	default:
		return -ENOSYS;
	}
}

static void iommu_release(struct uvf_file *file)
{
	struct iommu_file *self = iommu_file_of(file);
	struct uvf_v02 *v02 = self->v02;

	uvf_v02_lock(v02);
	if (self->iommu) {
		uvf_list_remove(&self->node);
		uvf_v02_iommu_settle_locked(self->iommu);
	}
	uvf_v02_unlock(v02);
	uvf_free(self);
}

static const struct uvf_file_ops iommu_file_ops = {
	.ioctl = iommu_ioctl,
	.release = iommu_release,
};

int uvf_v02_iommu_file_create_locked(struct uvf_v02_iommu *iommu,
				     struct uvf_file **ret_file)
{
	struct iommu_file *self = uvf_zalloc(sizeof(*self));
	int ret;

	uvf_v02_assert_held(iommu->v02);
	if (!self)
		return -ENOMEM;
	ret = uvf_file_create(ret_file, UVF_FILE_V02_IOMMU, &iommu_file_ops,
			      self);
	if (ret) {
		uvf_free(self);
		return ret;
	}
	(*ret_file)->survives_exec = true;
	self->v02 = iommu->v02;
	self->iommu = iommu;
	uvf_list_append(&iommu->files, &self->node);
	return 0;
}

void uvf_v02_iommu_revoke_locked(struct uvf_v02_iommu *iommu)
{
	struct uvf_list *outer, *inner, *tmp;

	uvf_v02_assert_held(iommu->v02);
	uvf_list_for_each (outer, &iommu->groups) {
		struct uvf_v02_group *group =
			uvf_list_entry(outer, struct uvf_v02_group, iommu_node);

		uvf_list_for_each (inner, &group->devices)
			uvf_v02_device_revoke_locked(uvf_list_entry(
				inner, struct uvf_v02_device, node));
	}
	uvf_list_for_each_safe (inner, tmp, &iommu->files) {
		struct iommu_file *self =
			uvf_list_entry(inner, struct iommu_file, node);

		uvf_list_remove(&self->node);
		self->iommu = NULL;
	}
	uvf_v02_iommu_settle_locked(iommu);
}

/* Of all groups of a set. */
static void each_group_locked(const struct uvf_v02_iommu *iommu,
			      void (*fn)(void *arg, unsigned int id), void *arg)
	UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &iommu->groups)
		fn(arg,
		   uvf_list_entry(node, struct uvf_v02_group, iommu_node)->id);
}

void uvf_v02_each_group(const struct uvf_file *file,
			void (*fn)(void *arg, unsigned int id), void *arg)
{
	const struct uvf_v02_group *group = file->object;
	const struct iommu_file *self = file->object;

	if (file->kind == UVF_FILE_V02_GROUP) {
		fn(arg, group->id);
		return;
	}
	uvf_v02_lock(self->v02);
	if (self->iommu)
		each_group_locked(self->iommu, fn, arg);
	uvf_v02_unlock(self->v02);
}

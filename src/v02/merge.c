/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GROUP_MERGE and GROUP_UNMERGE.
 *
 * Either takes a second group by its descriptor.  What UNMERGE does is about
 * that one alone; the first is only asked whether it is of the same set.
 */
#include <errno.h>

#include "core/file.h"
#include "mem/caller.h"
#include "v02/state.h"

/*
 * The group that an argument names, by a file with a reference.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  a negative number
 *   -EBADF   not open
 *   -EINVAL  no group
 */
static int lookup_group(struct uvf_caller *caller, int fd,
			struct uvf_file **ret_file,
			struct uvf_v02_group **ret_group)
{
	int ret = caller->ops->file_lookup(caller, fd, ret_file);

	if (ret)
		return ret;
	*ret_group = *ret_file ? uvf_v02_group_of_file(*ret_file) : NULL;
	if (*ret_group)
		return 0;
	uvf_file_put(*ret_file);
	return -EINVAL;
}

static int read_fd(struct uvf_caller *caller, unsigned long arg, int32_t *fd)
{
	if (uvf_copy_in(caller, fd, arg, sizeof(*fd)))
		return -EFAULT;
	return *fd < 0 ? -EINVAL : 0;
}

/* Whether a group is alone with its iommu. */
static bool is_single(const struct uvf_v02_group *group)
{
	const struct uvf_list *groups = &group->iommu->groups;

	return groups->next == groups->prev;
}

/*
 * Open the other set and close it again, to know what it is like; then let
 * it in.  self is open when this is called.
 */
static int join_locked(struct uvf_v02_group *self, struct uvf_v02_group *other,
		       struct uvf_v02_iommu *tried) UVF_REQUIRES(uvf_v02_role)
{
	int ret;

	if (tried->is_coherent != self->iommu->is_coherent)
		ret = -EINVAL;
	else
		ret = 0;
	uvf_v02_iommu_close_locked(tried);
	if (ret)
		return ret;
	uvf_v02_iommu_remove_group_locked(other);
	uvf_v02_iommu_add_group_locked(self->iommu, other);
	ret = uvf_v02_attach_locked(other);
	if (ret) {
		uvf_v02_iommu_remove_group_locked(other);
		uvf_v02_iommu_add_group_locked(tried, other);
		return ret;
	}
	uvf_v02_iommu_destroy(tried);
	return 0;
}

/*
 * A set may only be joined by a group that is a set of its own: others of
 * its set would lose their iommu.
 */
static int merge_locked(struct uvf_v02_group *self, struct uvf_v02_group *other,
			struct uvf_mm *mm) UVF_REQUIRES(uvf_v02_role)
{
	struct uvf_v02_iommu *tried = other->iommu;
	bool was_open = self->iommu->is_open;
	int ret;

	if (other == self || !tried || tried == self->iommu || tried->is_open ||
	    other->bus != self->bus || !is_single(other))
		return -EINVAL;
	ret = uvf_v02_iommu_open_locked(tried, mm);
	if (ret)
		return ret;
	ret = was_open ? 0 : uvf_v02_iommu_open_locked(self->iommu, mm);
	if (ret) {
		uvf_v02_iommu_close_locked(tried);
		return ret;
	}
	ret = join_locked(self, other, tried);
	if (ret && !was_open)
		uvf_v02_iommu_close_locked(self->iommu);
	return ret;
}

/*
 * GROUP_MERGE: another group joins the iommu of this one.
 *
 * A failure leaves both as they were.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  a negative descriptor
 *   -EBADF   it is not open
 *   -EINVAL  it is no group; the same group; of a set with others, this one
 *            included; its iommu is open; of another bus
 *   or why one of them cannot be opened
 *   -EINVAL  one can be coherent and the other cannot
 *   or why the other cannot be attached
 */
long group_ioctl_merge(struct uvf_v02_group *group, struct uvf_caller *caller,
		       unsigned long arg)
{
	struct uvf_v02 *v02 = group->v02;
	struct uvf_v02_group *other;
	struct uvf_file *file;
	int32_t fd;
	int ret = read_fd(caller, arg, &fd);

	if (!ret)
		ret = lookup_group(caller, fd, &file, &other);
	if (ret)
		return ret;
	uvf_v02_lock(v02);
	if (uvf_v02_is_foreign_locked(group, caller))
		ret = -EPERM;
	else
		ret = merge_locked(group, other, caller->mm);
	uvf_v02_unlock(v02);
	uvf_file_put(file);
	return ret;
}

/* Mappings and descriptors of the iommu stay where they are. */
static int unmerge_locked(struct uvf_v02_group *self,
			  struct uvf_v02_group *other,
			  struct uvf_v02_iommu *fresh)
	UVF_REQUIRES(uvf_v02_role)
{
	if (other == self || other->iommu != self->iommu)
		return -EINVAL;
	if (uvf_v02_group_has_open_device_locked(other))
		return -EBUSY;
	uvf_v02_detach_locked(other);
	uvf_v02_iommu_remove_group_locked(other);
	uvf_v02_iommu_add_group_locked(fresh, other);
	/* Its devices are not held by the set any more. */
	pthread_cond_broadcast(&self->v02->released);
	return 0;
}

/*
 * GROUP_UNMERGE: another group of the set gets an iommu of its own.
 *
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the argument cannot be read
 *   -EINVAL  a negative descriptor
 *   -ENOMEM  out of memory
 *   -EBADF   it is not open
 *   -EINVAL  it is no group; the same group; not of the set
 *   -EBUSY   a device of it is open
 */
long group_ioctl_unmerge(struct uvf_v02_group *group, struct uvf_caller *caller,
			 unsigned long arg)
{
	struct uvf_v02 *v02 = group->v02;
	struct uvf_v02_iommu *fresh;
	struct uvf_v02_group *other;
	struct uvf_file *file;
	int32_t fd;
	int ret = read_fd(caller, arg, &fd);

	if (ret)
		return ret;
	fresh = uvf_v02_iommu_create(group);
	if (!fresh)
		return -ENOMEM;
	ret = lookup_group(caller, fd, &file, &other);
	if (ret) {
		uvf_v02_iommu_destroy(fresh);
		return ret;
	}
	uvf_v02_lock(v02);
	if (uvf_v02_is_foreign_locked(group, caller))
		ret = -EPERM;
	else
		ret = unmerge_locked(group, other, fresh);
	uvf_v02_unlock(v02);
	if (ret)
		uvf_v02_iommu_destroy(fresh);
	uvf_file_put(file);
	return ret;
}

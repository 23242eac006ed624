/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/external.h"

#include <errno.h>
#include <stddef.h>

#include "bus/group.h"
#include "bus/machine.h"
#include "core/container.h"
#include "core/device.h"
#include "core/device_file.h"
#include "core/file.h"
#include "core/group.h"
#include "core/viability.h"

bool uvf_file_is_group(const struct uvf_file *file)
{
	return file->kind == UVF_FILE_GROUP;
}

static struct uvf_vfio *vfio_of(const struct uvf_file *file)
{
	if (file->kind == UVF_FILE_GROUP) {
		const struct uvf_group *group = file->object;

		return group->vfio;
	}
	if (file->kind == UVF_FILE_DEVICE) {
		const struct uvf_device_file *df = file->object;

		return df->vfio;
	}
	return NULL;
}

bool uvf_file_is_valid(const struct uvf_file *file)
{
	if (file->kind == UVF_FILE_DEVICE)
		return vfio_of(file)->machine->profile->has_cdev;
	return uvf_file_is_group(file);
}

bool uvf_file_enforced_coherent(const struct uvf_file *file)
{
	struct uvf_vfio *vfio = vfio_of(file);
	struct uvf_group *group = file->object;
	bool is_empty;

	if (!uvf_file_is_valid(file))
		return true;
	if (!uvf_file_is_group(file))
		return vfio->host.enforces_coherency;
	uvf_lock(&group->device_lock);
	is_empty = uvf_list_is_empty(&group->devices);
	uvf_unlock(&group->device_lock);
	return is_empty || group->hw.enforces_coherency;
}

void uvf_file_set_kvm(struct uvf_file *file, struct uvf_kvm *kvm)
{
	struct uvf_device_file *df = uvf_device_file_of(file);
	struct uvf_group *group = file->object;

	if (df)
		uvf_device_file_set_kvm(df, kvm);
	if (!uvf_file_is_group(file))
		return;
	uvf_lock(&group->kvm_lock);
	group->kvm = kvm;
	uvf_unlock(&group->kvm_lock);
}

bool uvf_file_has_dev(const struct uvf_file *file,
		      const struct uvf_device *device)
{
	return uvf_file_is_group(file) && device->group == file->object;
}

struct uvf_iommu_group *uvf_file_iommu_group(const struct uvf_file *file)
{
	struct uvf_group *group = file->object;
	struct uvf_iommu_group *iommu_group;

	if (!uvf_file_is_group(file))
		return NULL;
	uvf_lock(&group->lock);
	iommu_group = group->iommu_group;
	if (iommu_group)
		uvf_iommu_group_get(iommu_group);
	uvf_unlock(&group->lock);
	return iommu_group;
}

int uvf_group_get_external_user(struct uvf_file *file,
				struct uvf_group **ret_group)
{
	struct uvf_group *group = file->object;
	int ret = 0;

	if (!uvf_file_is_group(file))
		return -EINVAL;
	uvf_lock(&group->lock);
	if (!group->container || !uvf_container_has_iommu(group->container) ||
	    !uvf_group_is_viable_locked(group)) {
		ret = -EINVAL;
	} else {
		group->container_users++;
		uvf_file_get(group->opened_file);
		*ret_group = group;
	}
	uvf_unlock(&group->lock);
	return ret;
}

void uvf_group_put_external_user(struct uvf_group *group)
{
	struct uvf_file *file;

	uvf_lock(&group->lock);
	group->container_users--;
	file = group->opened_file;
	uvf_unlock(&group->lock);
	uvf_file_put(file);
}

unsigned int uvf_group_external_user_iommu_id(const struct uvf_group *group)
{
	return group->id;
}

long uvf_group_external_check_extension(struct uvf_group *group,
					unsigned long extension)
{
	return uvf_container_check_extension(group->container, extension);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bus/group.h"

#include <errno.h>
#include <stddef.h>

#include "base/bug.h"

int uvf_iommu_group_claim(struct uvf_iommu_group *group, void *owner)
{
	int ret = 0;

	uvf_lock(&group->lock);
	if (group->host_users || group->owner)
		ret = -EPERM;
	else
		group->owner = owner;
	uvf_unlock(&group->lock);
	return ret;
}

void uvf_iommu_group_release(struct uvf_iommu_group *group)
{
	uvf_lock(&group->lock);
	UVF_BUG_ON(!group->owner);
	group->owner = NULL;
	uvf_unlock(&group->lock);
}

bool uvf_iommu_group_is_idle(struct uvf_iommu_group *group)
{
	bool is_idle;

	uvf_lock(&group->lock);
	is_idle = !group->host_users && !group->owner;
	uvf_unlock(&group->lock);
	return is_idle;
}

int uvf_iommu_group_use_by_host(struct uvf_iommu_group *group)
{
	int ret = 0;

	uvf_lock(&group->lock);
	if (group->owner)
		ret = -EBUSY;
	else
		group->host_users++;
	uvf_unlock(&group->lock);
	return ret;
}

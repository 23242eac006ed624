/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOMMU groups: devices that cannot be told apart by the IOMMU, and who
 * owns their DMA.
 */
#ifndef UVF_BUS_GROUP_H
#define UVF_BUS_GROUP_H

#include <stdbool.h>

#include "base/list.h"
#include "base/lock.h"

struct uvf_bus_device;
struct uvf_machine;

struct uvf_iommu_group {
	unsigned int id;
	struct uvf_list machine_node;
	struct uvf_list devices; /* struct uvf_bus_device; fixed at run time */

	struct uvf_mutex lock;   /* protects what follows */
	unsigned int host_users; /* members bound to a host driver */
	void *owner;             /* who claimed the DMA, or NULL */
};

/**
 * uvf_iommu_group_claim() - take the DMA of a whole group
 * @owner: not NULL
 * Return: 0, or -EPERM when a host driver or another owner uses it.
 */
int uvf_iommu_group_claim(struct uvf_iommu_group *group, void *owner);
void uvf_iommu_group_release(struct uvf_iommu_group *group);

/**
 * uvf_iommu_group_use_by_host() - a host driver takes a member
 * Return: 0, or -EBUSY when the DMA is claimed.
 */
int uvf_iommu_group_use_by_host(struct uvf_iommu_group *group);

/* Whether nobody uses the group's DMA. */
bool uvf_iommu_group_is_idle(struct uvf_iommu_group *group);

#endif /* UVF_BUS_GROUP_H */

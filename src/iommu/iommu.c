/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommu/iommu.h"

#include "iommu/noiommu.h"
#include "iommu/type1.h"

const struct uvf_iommu_backend *const uvf_iommu_backends[] = {
	&uvf_type1_backend,
	&uvf_noiommu_backend,
	NULL,
};

bool uvf_iommu_host_allows_noiommu(const struct uvf_iommu_host *host)
{
	return host->noiommu && atomic_load(host->noiommu);
}

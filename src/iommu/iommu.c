/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommu/iommu.h"

#include "iommu/noiommu.h"
#include "iommu/spapr.h"
#include "iommu/type1.h"

const struct uvf_iommu_backend *const uvf_iommu_backends[] = {
	&uvf_type1_backend,
	&uvf_noiommu_backend,
	NULL,
};

static const struct uvf_iommu_backend *const power_backends[] = {
	&uvf_spapr_backend,
	&uvf_noiommu_backend,
	NULL,
};

const struct uvf_iommu_backend *const *
uvf_iommu_backends_of(const struct uvf_iommu_host *host)
{
	return host->spapr ? power_backends : uvf_iommu_backends;
}

bool uvf_iommu_host_allows_noiommu(const struct uvf_iommu_host *host)
{
	return host->noiommu && atomic_load(host->noiommu);
}

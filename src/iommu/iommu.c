/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommu/iommu.h"

#include "base/bug.h"
#include "iommu/noiommu.h"
#include "iommu/reader.h"
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

#ifdef UVF_TSAN
char uvf_reader_token;
#endif

/* Registrations of this thread that nest. */
static __thread unsigned int registered;

void uvf_reader_register(void)
{
	if (!registered++)
		urcu_memb_register_thread();
}

void uvf_reader_unregister(void)
{
	if (UVF_BUG_ON(!registered))
		return;
	if (!--registered)
		urcu_memb_unregister_thread();
}

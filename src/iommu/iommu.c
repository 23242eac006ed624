/* SPDX-License-Identifier: BSD-3-Clause */
#include "iommu/iommu.h"

#include "base/bug.h"
#include "iommu/reader.h"
#include "iommu/type1.h"

static const struct uvf_iommu_backend *const backends[] = {
	&uvf_type1_backend,
};

#ifdef UVF_TSAN
char uvf_reader_token;
#endif

/* Registrations of this thread that nest. */
static __thread unsigned int registered;

const struct uvf_iommu_backend *uvf_iommu_backend_at(unsigned int index)
{
	return index < sizeof(backends) / sizeof(backends[0]) ? backends[index]
							      : NULL;
}

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

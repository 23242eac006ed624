/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The backend of containers whose groups have no IOMMU: it maps nothing, so
 * that a program which wants DMA has to know addresses of the memory itself.
 */
#ifndef UVF_IOMMU_NOIOMMU_H
#define UVF_IOMMU_NOIOMMU_H

#include "iommu/iommu.h"

extern const struct uvf_iommu_backend uvf_noiommu_backend;

#endif /* UVF_IOMMU_NOIOMMU_H */

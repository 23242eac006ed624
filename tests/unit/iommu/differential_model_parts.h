/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of the model share with each other.
 */
#ifndef TESTS_UNIT_IOMMU_DIFFERENTIAL_MODEL_PARTS_H
#define TESTS_UNIT_IOMMU_DIFFERENTIAL_MODEL_PARTS_H

#include "differential_model.h"

#define LAST       UINT64_MAX
#define MISALIGNED (DM_PAGE - 1)

void dm_insert(struct dm_space *space, struct dm_area area);
void dm_remove_area(struct dm_space *space, struct dm_area *area);

/* What the protection of client memory allows; 0: not all is there. */
uint32_t dm_allows(const struct dm_model *dm, uint64_t vaddr, uint64_t size);

bool dm_is_reachable(uint64_t first, uint64_t last);

/* dm_map() and dm_unmap() of v1 and v2. */
int dm_type1_map(struct dm_model *dm, struct dm_call *call);
int dm_type1_unmap(struct dm_model *dm, struct dm_call *call);

#endif /* TESTS_UNIT_IOMMU_DIFFERENTIAL_MODEL_PARTS_H */

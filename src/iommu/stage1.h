/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first of two stages of translation: a table in client memory, in the
 * form of VT-d's first stage, whose addresses are those of the second.
 *
 * What was found is kept until the client says that it changed the table.
 * Readers take no lock; see iommu/reader.h.
 */
#ifndef UVF_IOMMU_STAGE1_H
#define UVF_IOMMU_STAGE1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uvf_aspace;
struct uvf_stage1;

/**
 * uvf_stage1_create() - use a table
 * @parent: where the table, and what it leads to, is; outlives it
 * @root:   address of the topmost page of the table, which has four levels
 * Return: 0 or -ENOMEM.
 */
int uvf_stage1_create(struct uvf_stage1 **ret_stage1, struct uvf_aspace *parent,
		      uint64_t root);

/* No access runs any more.  Takes NULL. */
void uvf_stage1_destroy(struct uvf_stage1 *stage1);

/**
 * uvf_stage1_invalidate() - forget what the table said
 * When it returns, no access by what it said before runs any more.
 * Context: never from inside an access.
 */
void uvf_stage1_invalidate(struct uvf_stage1 *stage1);

/**
 * uvf_stage1_copy() - copy as uvf_aspace_read() and uvf_aspace_write() do
 * Return: 0, or -EFAULT at the first byte that cannot be had.
 */
int uvf_stage1_copy(struct uvf_stage1 *stage1, uint64_t iova, uint8_t *buf,
		    size_t len, bool is_write, size_t *ret_done);

#endif /* UVF_IOMMU_STAGE1_H */

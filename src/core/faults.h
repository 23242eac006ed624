/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DMA of a device that did not get through: how often, and the last of them.
 */
#ifndef UVF_CORE_FAULTS_H
#define UVF_CORE_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommu/translate.h"

#define UVF_FAULTS_KEPT 16u

struct uvf_dma_fault {
	enum uvf_access_fault why;
	uint64_t iova; /* of the first byte that was not moved */
	uint64_t len;  /* bytes from there on that were asked for */
	bool is_write;
};

/* Of a device, under its lock. */
struct uvf_dma_faults {
	uint64_t count; /* of all; the last is at (count - 1) % KEPT */
	struct uvf_dma_fault kept[UVF_FAULTS_KEPT];
};

void uvf_faults_note(struct uvf_dma_faults *faults,
		     const struct uvf_dma_fault *fault);

/** uvf_faults_last() - the last but @back; NULL: there is none, or no more */
const struct uvf_dma_fault *uvf_faults_last(const struct uvf_dma_faults *faults,
					    unsigned int back);

#endif /* UVF_CORE_FAULTS_H */

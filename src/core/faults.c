/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/faults.h"

void uvf_faults_note(struct uvf_dma_faults *faults,
		     const struct uvf_dma_fault *fault)
{
	faults->kept[faults->count++ % UVF_FAULTS_KEPT] = *fault;
}

const struct uvf_dma_fault *uvf_faults_last(const struct uvf_dma_faults *faults,
					    unsigned int back)
{
	if (back >= UVF_FAULTS_KEPT || back >= faults->count)
		return NULL;
	return &faults->kept[(faults->count - 1 - back) % UVF_FAULTS_KEPT];
}

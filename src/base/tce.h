/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows of bus addresses that tables of TCEs translate, on a POWER host.
 */
#ifndef UVF_BASE_TCE_H
#define UVF_BASE_TCE_H

#include <stdint.h>

/* Each IOMMU group has up to so many. */
#define UVF_TCE_WINDOWS 2

struct uvf_tce_window {
	uint32_t page_shift;
	uint64_t offset; /* pages */
	uint64_t size;   /* pages; 0: there is none */
};

#endif /* UVF_BASE_TCE_H */

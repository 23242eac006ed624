/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOMMU backends of a container: what VFIO_SET_IOMMU chooses among.
 */
#ifndef UVF_IOMMU_IOMMU_H
#define UVF_IOMMU_IOMMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/profile.h"
#include "base/range.h"

struct uvf_aspace;
struct uvf_caller;

/* The pretended host's IOMMU; fixed for the life of a machine. */
struct uvf_iommu_host {
	const struct uvf_profile *profile;
	unsigned int aperture_bits;  /* IOVAs end below 2^bits */
	uint64_t page_sizes;         /* bitmap, as GET_INFO shows it */
	bool write_implies_read;     /* tables cannot say write-only */
	bool enforces_coherency;     /* DMA_CC */
	struct uvf_range msi_window; /* reserved for interrupt messages */
};

struct uvf_iommu_backend {
	const char *name;
	/* Positive when the backend offers it; state is NULL before open. */
	int (*check_extension)(void *state, const struct uvf_iommu_host *host,
			       unsigned long extension);
	/* type is what VFIO_SET_IOMMU was given. */
	int (*open)(void **ret_state, const struct uvf_iommu_host *host,
		    unsigned long type);
	void (*release)(void *state);
	/* Let a group's devices translate here; *ret_as is borrowed. */
	int (*attach_group)(void *state, struct uvf_aspace **ret_as);
	void (*detach_group)(void *state);
	/* Unknown commands: -ENOTTY. */
	long (*ioctl)(void *state, struct uvf_caller *caller, unsigned int cmd,
		      unsigned long arg);
};

/** uvf_iommu_backend_at() - the backends, newest first; NULL ends */
const struct uvf_iommu_backend *uvf_iommu_backend_at(unsigned int index);

/* A thread that does DMA registers once before and unregisters after. */
void uvf_reader_register(void);
void uvf_reader_unregister(void);

#endif /* UVF_IOMMU_IOMMU_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the model is compared with: a container or an iommufd, behind the same
 * calls for all modes.
 */
#ifndef TESTS_UNIT_IOMMU_DIFFERENTIAL_TARGET_H
#define TESTS_UNIT_IOMMU_DIFFERENTIAL_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "differential_model.h"
#include "iommu/iommufd/iommufd.h"
#include "mem/caller.h"
#include "rig.h"

#define TARGET_GROUPS 4u /* of a container */

struct target {
	enum dm_mode mode;
	struct uvf_aspace *as; /* where the device's DMA goes, or NULL */
	/* v1 and v2. */
	struct rig rig;
	struct uvf_iommu_member members[TARGET_GROUPS - 1];
	unsigned int member_count;
	/* The others. */
	struct uvf_profile profile;
	struct uvf_iommu_host host;
	struct uvf_caller caller;
	struct uvf_iommufd *ctx;
	struct uvf_iommufd_device *device;
	uint32_t ioas[2];
	struct uvf_user *user;
	void *owner; /* of the device's group */
};

/* Client memory as the model has it; one for all targets. */
uint8_t *target_memory(void);

void target_open(struct target *target, enum dm_mode mode, const char *abi);
/* Nothing is charged, and nothing holds the client's memory any more. */
void target_close(struct target *target);

/*
 * A call as in the model, and its answer in it.  What must not be written is
 * looked at.
 */
int target_map(struct target *target, struct dm_call *call);
int target_unmap(struct target *target, struct dm_call *call);
int target_copy(struct target *target, struct dm_call *call);
/* In v1 and v2 a group more, or less. */
int target_attach(struct target *target, unsigned int space);
void target_detach(struct target *target);
/* Not in v1 and v2. */
int target_allow(struct target *target, unsigned int space,
		 const struct dm_range *ranges, unsigned int count);

/* The ranges that may be used, and mappings left, or 0 where nobody counts. */
unsigned int target_ranges(struct target *target, unsigned int space,
			   struct dm_range ret_ranges[4], uint32_t *ret_left);

/* DIRTY_PAGES; @bitmap for GET. */
int target_dirty(struct target *target, uint32_t flags, uint64_t iova,
		 uint64_t size, void *bitmap, uint64_t bitmap_size);

/* DMA by the device; returns the bytes that it moved. */
size_t target_dma(struct target *target, uint64_t iova, void *buf, size_t len,
		  bool is_write);

/* Pages that are charged to the process, or to the user. */
uint64_t target_locked(const struct target *target);

#endif /* TESTS_UNIT_IOMMU_DIFFERENTIAL_TARGET_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One type1 instance with a group, and a caller whose memory is ours.
 */
#ifndef TESTS_UNIT_IOMMU_RIG_H
#define TESTS_UNIT_IOMMU_RIG_H

#include <linux/vfio.h>
#include <stddef.h>
#include <stdint.h>

#include "iommu/iommu.h"
#include "mem/caller.h"

#define PAGE 4096ull
#define RW   (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

struct rig {
	struct uvf_profile profile;
	const struct uvf_iommu_backend *backend;
	struct uvf_iommu_host host;
	struct uvf_caller caller;
	struct uvf_iommu_member member; /* the group that it is opened with */
	struct uvf_aspace *as;
	void *state;
};

/* Client memory to map: pages that can be read and written. */
#define RIG_PAGES 64u
extern uint8_t *rig_memory;

/* Of a host with an IOMMU of Intel; no limit of locked memory counts. */
extern const struct uvf_iommu_host rig_host;

/* Open an instance; @type of VFIO_SET_IOMMU, @abi of a profile. */
void rig_open(struct rig *rig, unsigned long type, const char *abi);
void rig_open_on(struct rig *rig, unsigned long type, const char *abi,
		 const struct uvf_iommu_host *host);
void rig_close(struct rig *rig);

/* The same without a group. */
void rig_open_bare(struct rig *rig, unsigned long type, const char *abi,
		   const struct uvf_iommu_host *host);
void rig_close_bare(struct rig *rig);

/* A group behind an IOMMU; NULL: as the host has. */
void rig_member(struct uvf_iommu_member *member, const struct uvf_iommu_hw *hw);
int rig_attach(struct rig *rig, struct uvf_iommu_member *member,
	       struct uvf_aspace **ret_as);

int rig_ioctl(struct rig *rig, unsigned int cmd, void *arg);
int rig_map(struct rig *rig, uint32_t flags, const void *vaddr, uint64_t iova,
	    uint64_t size);
/* *size is what was written back. */
int rig_unmap(struct rig *rig, uint32_t flags, uint64_t iova, uint64_t *size);

/* Whether a device can write and read a byte there. */
bool rig_is_mapped(struct rig *rig, uint64_t iova);

/* How many mappings there is room for, as GET_INFO tells. */
uint32_t rig_available(struct rig *rig);
uint64_t rig_page_sizes(struct rig *rig);

/* The IOVAs that GET_INFO says are valid; 0 when it says nothing. */
#define RIG_RANGES 16u
unsigned int rig_valid(struct rig *rig, struct uvf_range *ret_ranges);

#endif /* TESTS_UNIT_IOMMU_RIG_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One sPAPR instance with groups, and two processes whose memory is ours.
 */
#ifndef TESTS_UNIT_IOMMU_SPAPR_RIG_H
#define TESTS_UNIT_IOMMU_SPAPR_RIG_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommu/spapr.h"
#include "mem/caller.h"

#define PAGE  4096ull
#define READ  VFIO_DMA_MAP_FLAG_READ
#define WRITE VFIO_DMA_MAP_FLAG_WRITE
#define RW    (READ | WRITE)
#define V1    VFIO_SPAPR_TCE_IOMMU
#define V2    VFIO_SPAPR_TCE_v2_IOMMU

#define REGISTER   VFIO_IOMMU_SPAPR_REGISTER_MEMORY
#define UNREGISTER VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY

#define WINDOW (1ull << 30) /* bytes of the default window */
#define HIGH   (1ull << 59) /* where the second begins */

/* A group, and what it was told. */
struct spapr_group {
	struct uvf_iommu_member member;
	bool is_blocked;
	struct uvf_tce_window windows[UVF_TCE_WINDOWS];
};

struct spapr_rig {
	struct uvf_profile profile;
	struct uvf_spapr_hw hw;
	struct uvf_iommu_host host;
	struct uvf_caller caller, other; /* two processes */
	struct spapr_group groups[2];    /* the first is attached */
	struct uvf_aspace *as;
	void *state;
};

/* Client memory: pages that can be read and written, at a multiple of 64 KiB,
 * then 4 to read only, then 4 that are not there. */
#define SPAPR_GOOD 64u
extern uint8_t *spapr_memory;
uint8_t *spapr_page(unsigned int number);
/* Fill each with its number. */
void spapr_number_pages(void);

/* Open an instance; @type of VFIO_SET_IOMMU, @abi of a profile. */
void spapr_open_rig(struct spapr_rig *rig, unsigned long type, const char *abi);
/* Of 6.12, each page filled with its number: v1, enabled. */
void spapr_open_v1(struct spapr_rig *rig);
/* The same: v2, all memory registered. */
void spapr_open_v2(struct spapr_rig *rig);
/* All that was charged is given back. */
void spapr_close_rig(struct spapr_rig *rig);

/* Another instance, for the same processes, with the second group. */
void *spapr_open_other(struct spapr_rig *rig, unsigned long type);
void spapr_close_other(struct spapr_rig *rig, void *state);

int spapr_ioctl(struct spapr_rig *rig, unsigned int cmd, void *arg);
int spapr_map(struct spapr_rig *rig, uint32_t flags, const void *vaddr,
	      uint64_t iova, uint64_t size);
int spapr_unmap(struct spapr_rig *rig, uint64_t iova, uint64_t size);
int spapr_register(struct spapr_rig *rig, unsigned int cmd, const void *vaddr,
		   uint64_t size);
int spapr_create(struct spapr_rig *rig, uint32_t page_shift, uint64_t size,
		 uint32_t levels, uint64_t *ret_start);
int spapr_remove(struct spapr_rig *rig, uint64_t start);
int spapr_eeh(struct spapr_rig *rig, uint32_t op);

/* The byte that a device reads, or -1; and whether it may write one. */
int spapr_read(struct spapr_rig *rig, uint64_t iova);
bool spapr_write(struct spapr_rig *rig, uint64_t iova, uint8_t byte);

/* Pages that the first process has locked. */
uint64_t spapr_charged(const struct spapr_rig *rig);

#endif /* TESTS_UNIT_IOMMU_SPAPR_RIG_H */

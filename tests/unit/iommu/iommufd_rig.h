/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An iommufd context, IOMMU groups to bind, and a caller whose memory is
 * ours.
 */
#ifndef TESTS_UNIT_IOMMU_IOMMUFD_RIG_H
#define TESTS_UNIT_IOMMU_IOMMUFD_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "iommu/iommufd/abi.h"
#include "iommu/iommufd/abi_hwpt.h"
#include "iommu/iommufd/iommufd.h"
#include "mem/caller.h"

#define PAGE 4096ull

#define FIXED IOMMU_IOAS_MAP_FIXED_IOVA
#define READ  IOMMU_IOAS_MAP_READABLE
#define WRITE IOMMU_IOAS_MAP_WRITEABLE
#define RW    (READ | WRITE)

/* Client memory that can be read and written, and nothing behind it. */
#define RIG_PAGES 64u
extern uint8_t *rig_memory;

struct rig {
	struct uvf_profile profile;
	struct uvf_iommu_host host;
	atomic_bool noiommu; /* the module parameter */
	struct uvf_caller caller;
	struct uvf_iommufd *ctx;
};

/* What the last FAULT_QUEUE_ALLOC opened; close it. */
extern struct uvf_iommufd_fault *rig_fault;

/* The caller's CAP_IPC_LOCK and user. */
extern bool rig_has_ipc_lock;
extern uid_t rig_uid;
#define RIG_FAULT_FD 77

/* What an IOMMU group of the machine is to iommufd. */
struct group {
	void *owner;
	unsigned int claims;
	struct uvf_aspace *as; /* where its DMA goes */
	int refusal;           /* of a claim, or 0 */
};

extern const struct uvf_iommufd_group_ops rig_group_ops;

void rig_open(struct rig *rig);
/* Everything that the test bound is unbound by it; objects may be left. */
void rig_close(struct rig *rig);

int rig_ioctl(struct rig *rig, unsigned int cmd, void *arg);
uint32_t rig_ioas(struct rig *rig);
int rig_destroy(struct rig *rig, uint32_t id);
/* *iova is read if FIXED, and written on success. */
int rig_map(struct rig *rig, uint32_t ioas, uint32_t flags, const void *vaddr,
	    uint64_t length, uint64_t *iova);
int rig_map_at(struct rig *rig, uint32_t ioas, const void *vaddr,
	       uint64_t length, uint64_t iova);
/* *length becomes what went, if it succeeds. */
int rig_unmap(struct rig *rig, uint32_t ioas, uint64_t iova, uint64_t *length);
int rig_copy(struct rig *rig, uint32_t to, uint64_t *dst, uint32_t from,
	     uint64_t src, uint64_t length, uint32_t flags);

struct uvf_iommufd_device *rig_bind(struct rig *rig, struct group *group);

int rig_attach(struct uvf_iommufd_device *device, uint32_t pt);

/* The byte that a device of the group reads there, or -EFAULT. */
int rig_read(const struct group *group, uint64_t iova);

#endif /* TESTS_UNIT_IOMMU_IOMMUFD_RIG_H */

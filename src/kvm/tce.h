/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables of TCEs, the IOMMU of POWER: one of a guest's, made by
 * KVM_CREATE_SPAPR_TCE under a LIOBN, is tied to the hardware's of each group
 * that the guest drives through it.
 */
#ifndef UVF_KVM_TCE_H
#define UVF_KVM_TCE_H

#include <stdbool.h>

struct uvf_caller;
struct uvf_file;
struct uvf_iommu_group;
struct uvf_kvm_host;
struct uvf_vm;

/* Whether KVM-VFIO has an attribute for it. */
bool uvf_tce_is_known(const struct uvf_kvm_host *host);

/**
 * uvf_tce_ioctl_create() - KVM_CREATE_SPAPR_TCE
 * uvf_tce_ioctl_create_64() - KVM_CREATE_SPAPR_TCE_64
 * Source: arch/powerpc/kvm/book3s_64_vio.c, Linux 6.12.
 *
 * Return: a descriptor, or, in the order they are tested:
 *   -ENOTTY  no POWER host
 *   -EFAULT  the structure cannot be read
 *   -EINVAL  flags; no size; page shift outside of 12 to 34; overflow
 *   -ENOMEM  out of memory
 *   -EBUSY   the VM has a table of this LIOBN
 *   -EMFILE  no free descriptor
 */
long uvf_tce_ioctl_create(struct uvf_vm *vm, struct uvf_caller *caller,
			  unsigned long arg);
long uvf_tce_ioctl_create_64(struct uvf_vm *vm, struct uvf_caller *caller,
			     unsigned long arg);

/**
 * uvf_tce_tie() - let a guest's table drive a group
 * @table: any file, or NULL
 * Context: takes @vm->tce_lock.
 * Return: 0, also when it does already, or, in the order they are tested:
 *   -EINVAL  @table is no table of this VM
 *   -EFAULT  groups of this host have no tables
 *   -EINVAL  the group has none with the table's start, its size at least, and
 * pages of its size at most -ENOMEM  out of memory
 */
int uvf_tce_tie(struct uvf_vm *vm, const struct uvf_file *table,
		struct uvf_iommu_group *group);

/* A group leaves all tables of the VM. */
void uvf_tce_untie(struct uvf_vm *vm, const struct uvf_iommu_group *group);

/* How many groups a table drives. */
unsigned int uvf_tce_count_ties(const struct uvf_file *table);

#endif /* UVF_KVM_TCE_H */

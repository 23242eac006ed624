/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtual machine, as far as the KVM-VFIO device needs one.  What it is
 * otherwise (a descriptor of the real KVM, or nothing at all) is a matter of
 * who embeds it.
 *
 * Lock order: vm->lock, the KVM-VFIO device's lock, vm->tce_lock or any lock of
 * the core.  No lock of the core is held when these are taken.
 */
#ifndef UVF_KVM_VM_H
#define UVF_KVM_VM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/profile.h"
#include "base/tce.h"
#include "core/kvm.h"

struct uvf_caller;
struct uvf_file;
struct uvf_iommu_group;
struct uvf_kvm_vfio;
struct uvf_mm;

/* The pretended host's KVM; fixed for the life of a machine. */
struct uvf_kvm_host {
	const struct uvf_profile *profile;
	bool is_spapr;  /* a POWER host: TCE tables */
	bool has_liobn; /* attribute group 2 of the 2013 RFC */
	/* Of a POWER host, for groups that nobody owns; its IOMMU's. */
	struct uvf_tce_window window;
};

struct uvf_vm {
	struct uvf_kvm kvm;
	const struct uvf_kvm_host *host;
	struct uvf_mm *mm; /* of its creator; a reference, told by address */
	void (*destroy)(struct uvf_vm *vm); /* frees what it is embedded in */

	/* What the rest of KVM would act upon. */
	atomic_uint assigned_count;    /* tracked files */
	atomic_uint noncoherent_count; /* devices that say so: 0 or 1 */

	/* Held while the device comes and goes; readers without it. */
	struct uvf_mutex lock;
	_Atomic(struct uvf_kvm_vfio *) vfio; /* one at most, or NULL */

	struct uvf_mutex tce_lock;  /* a leaf; protects what follows */
	struct uvf_list tce_tables; /* struct uvf_tce_table */
};

/**
 * uvf_vm_init() - a virtual machine with one reference
 * @mm: of its creator; the VM takes a reference
 */
void uvf_vm_init(struct uvf_vm *vm, const struct uvf_kvm_host *host,
		 struct uvf_mm *mm, void (*destroy)(struct uvf_vm *vm));

/* Takes back uvf_vm_init() of a VM that nobody has seen. */
void uvf_vm_fini(struct uvf_vm *vm);

/**
 * uvf_vm_ioctl_create_device() - KVM_CREATE_DEVICE
 * Source: virt/kvm/kvm_main.c, Linux 6.12.
 *
 * Return: 0, or, in the order they are tested:
 *   -EIO     another process than the VM's
 *   -EFAULT  the structure cannot be read
 *   -ENODEV  no such type of device
 *   -ENOMEM  out of memory
 *   -EBUSY   the VM has such a device
 *   -EMFILE  no free descriptor
 *   -EFAULT  the structure cannot be written; the device stays
 */
long uvf_vm_ioctl_create_device(struct uvf_vm *vm, struct uvf_caller *caller,
				unsigned long arg);

/* What files without a position answer to a read or write at one. */
ssize_t uvf_kvm_file_read(struct uvf_file *file, struct uvf_caller *caller,
			  uint64_t addr, size_t len, uint64_t pos);

/**
 * uvf_vm_find_group_by_liobn() - the group that a guest's TCE call means
 *
 * Context: within a section of a reader (uvf_reader_enter()), takes no lock.
 * Return: the IOMMU group, valid until the section ends, or NULL.
 */
struct uvf_iommu_group *uvf_vm_find_group_by_liobn(struct uvf_vm *vm,
						   uint32_t liobn);

#endif /* UVF_KVM_VM_H */

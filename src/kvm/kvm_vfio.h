/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The KVM-VFIO device of a virtual machine: which files of VFIO the machine
 * uses.  It holds these files, ties them to the machine, and says whether
 * their DMA is coherent.
 */
#ifndef UVF_KVM_KVM_VFIO_H
#define UVF_KVM_KVM_VFIO_H

struct uvf_file;
struct uvf_kvm_vfio;
struct uvf_vm;

/**
 * uvf_kvm_vfio_create() - the device of a VM
 * @ret_file: on success its descriptor, which holds the VM
 *
 * Return: 0, or, in the order they are tested:
 *   -ENOMEM  out of memory
 *   -EBUSY   the VM has one
 */
int uvf_kvm_vfio_create(struct uvf_vm *vm, struct uvf_file **ret_file);

/* Takes back uvf_kvm_vfio_create(): nobody got the file. */
void uvf_kvm_vfio_abort(struct uvf_file *file);

/**
 * uvf_kvm_vfio_destroy() - let go of all files and free the device
 * @kv: nobody uses it any more; may be NULL
 * Context: no lock is held; releases files.
 */
void uvf_kvm_vfio_destroy(struct uvf_kvm_vfio *kv);

#endif /* UVF_KVM_KVM_VFIO_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's KVM: virtual machines are the kernel's, their KVM-VFIO devices
 * are ours, since the kernel's would refuse our files.
 *
 * A virtual machine is known here from the creation of its device until that
 * device, and each device of VFIO that was opened for it, is closed.  For so
 * long we hold a descriptor of it, as the kernel's own device would.
 */
#ifndef UVF_FRONT_SUPERVISOR_KVM_H
#define UVF_FRONT_SUPERVISOR_KVM_H

#include <stdbool.h>
#include <sys/types.h>

struct uvf_kvm_host;
struct uvf_kvms;
struct uvf_mm;
struct uvf_vm;

/**
 * uvf_kvms_create() - an empty table
 * @may_fetch: pidfd_getfd() works; else each look finds another VM
 * Return: 0 or -ENOMEM.
 */
int uvf_kvms_create(struct uvf_kvms **ret_kvms, const struct uvf_kvm_host *host,
		    bool may_fetch);

/* No file of a client is left.  Takes NULL. */
void uvf_kvms_destroy(struct uvf_kvms *kvms);

/* Whether a descriptor of a thread is a virtual machine of the host's. */
bool uvf_kvms_is_vm(pid_t tid, int fd);

/**
 * uvf_kvms_lookup() - the virtual machine behind a client's descriptor
 * @ret_vm: on success with a reference, to be put by uvf_kvm_put()
 * @pidfd:  of the client
 * @mm:     whose it is if nobody asked for it before
 * Return: 0 or -ENOMEM.
 */
int uvf_kvms_lookup(struct uvf_kvms *kvms, struct uvf_vm **ret_vm, int pidfd,
		    int fd, struct uvf_mm *mm);

#endif /* UVF_FRONT_SUPERVISOR_KVM_H */

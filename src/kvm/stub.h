/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A /dev/kvm that makes virtual machines with a KVM-VFIO device and nothing
 * else: no memory, no processors.  Programs can be tested up to there.
 */
#ifndef UVF_KVM_STUB_H
#define UVF_KVM_STUB_H

#include "core/vfio.h"
#include "kvm/vm.h"

struct uvf_kvm_stub {
	struct uvf_misc misc;
	struct uvf_kvm_host host;
};

/* To be added to a machine; fixed from here on. */
void uvf_kvm_stub_init(struct uvf_kvm_stub *stub,
		       const struct uvf_kvm_host *host);

/* The virtual machine behind a file, or NULL; borrowed. */
struct uvf_vm *uvf_kvm_stub_vm(const struct uvf_file *file);

#endif /* UVF_KVM_STUB_H */

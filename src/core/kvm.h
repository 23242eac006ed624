/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtual machine of KVM, as far as VFIO knows it: something that lives
 * while a device that is tied to it is open.  What is behind it is in
 * src/kvm.
 *
 * The last put may destroy a whole VM, which lets go of files, which take
 * the locks of groups and devices: never drop a reference under a lock of
 * the core.
 */
#ifndef UVF_CORE_KVM_H
#define UVF_CORE_KVM_H

#include <stdbool.h>

#include "base/ref.h"

struct uvf_kvm {
	struct uvf_ref ref;
	void (*destroy)(struct uvf_kvm *kvm); /* once, from the last put */
};

/* With one reference; @destroy frees what @kvm is embedded in. */
void uvf_kvm_init(struct uvf_kvm *kvm, void (*destroy)(struct uvf_kvm *kvm));
struct uvf_kvm *uvf_kvm_get(struct uvf_kvm *kvm);
void uvf_kvm_put(struct uvf_kvm *kvm); /* takes NULL */

/**
 * uvf_kvm_get_safe() - a reference by somebody who holds none
 * @kvm: its memory is kept from going, by the lock under which it was found
 * Return: false when the VM is being destroyed.
 */
bool uvf_kvm_get_safe(struct uvf_kvm *kvm);

#endif /* UVF_CORE_KVM_H */

/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/kvm.h"

void uvf_kvm_init(struct uvf_kvm *kvm, void (*destroy)(struct uvf_kvm *kvm))
{
	uvf_ref_init(&kvm->ref);
	kvm->destroy = destroy;
}

struct uvf_kvm *uvf_kvm_get(struct uvf_kvm *kvm)
{
	uvf_ref_get(&kvm->ref);
	return kvm;
}

bool uvf_kvm_get_safe(struct uvf_kvm *kvm)
{
	return uvf_ref_try_get(&kvm->ref);
}

void uvf_kvm_put(struct uvf_kvm *kvm)
{
	if (kvm && uvf_ref_put(&kvm->ref))
		kvm->destroy(kvm);
}

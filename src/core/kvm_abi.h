/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers of KVM that linux/kvm.h names on some architectures only.
 */
#ifndef UVF_CORE_KVM_ABI_H
#define UVF_CORE_KVM_ABI_H

#include <assert.h>
#include <linux/kvm.h>
#include <stdint.h>

/* asm/kvm.h of powerpc has them. */
#ifndef __powerpc__
struct kvm_create_spapr_tce {
	uint64_t liobn;
	uint32_t window_size; /* bytes */
	uint32_t reserved;
};

struct kvm_create_spapr_tce_64 {
	uint64_t liobn;
	uint32_t page_shift;
	uint32_t flags;
	uint64_t offset; /* pages */
	uint64_t size;   /* pages */
};
#endif

static_assert(KVM_CREATE_SPAPR_TCE == 0x4010aea8, "ABI");
static_assert(KVM_CREATE_SPAPR_TCE_64 == 0x4020aea8, "ABI");

/* Of the RFC of 2013, which was not merged; the number is a LIOBN. */
#define KVM_DEV_VFIO_SPAPR_TCE_LIOBN 2

#endif /* UVF_CORE_KVM_ABI_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pretended host, as --host describes it.
 */
#ifndef UVF_FRONT_HOST_H
#define UVF_FRONT_HOST_H

#include <stddef.h>

#include "iommu/iommu.h"
#include "kvm/vm.h"

struct uvfio_error;

/* What a program finds as /dev/kvm. */
enum uvf_kvm_mode {
	UVF_KVM_AUTO, /* the host's where a front can show it, else the stub */
	UVF_KVM_REAL,
	UVF_KVM_STUB,
	UVF_KVM_NONE,
};

struct uvf_host {
	struct uvf_iommu_host iommu;
	bool has_iommu;      /* else no device has an IOMMU group */
	bool starts_noiommu; /* enable_unsafe_noiommu_mode */
	/* iommufd and character devices; those of POWER have neither. */
	bool has_cdev;
	enum uvf_kvm_mode kvm_mode;
	struct uvf_kvm_host kvm;
	bool remaps_interrupts;
	bool allows_unsafe_interrupts;
	bool refuses_violation; /* where kernels up to 4.1 would stop */
	bool requires_reset;    /* vfio-platform: of its devices */
};

#define UVF_HOST_VALUES 4 /* at most, of a key */

/* One key of --host. */
struct uvf_host_key {
	const char *name;
	const char *values[UVF_HOST_VALUES]; /* all there are; NULL ends */
	unsigned int initial; /* which of them, without the key */
	const char *summary;  /* a line */
};

/* The keys in the order of the help; NULL behind the last. */
const struct uvf_host_key *uvf_host_key_at(size_t i);

/**
 * uvf_host_parse() - from KEY=VALUE,... to a host
 * @ret_host: written on success
 * @profile:  of the machine
 * @text:     keys of uvf_host_key_at() and their values, or NULL
 *
 * Return: 0, -ENOMEM, or -EINVAL and a line in @err.
 */
int uvf_host_parse(struct uvf_host *ret_host, const struct uvf_profile *profile,
		   const char *text, struct uvfio_error *err);

#endif /* UVF_FRONT_HOST_H */

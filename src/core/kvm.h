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

struct uvf_caller;
struct uvf_file;

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

/*
 * What core/dispatch.c calls for a file of KVM, none of which the core itself
 * knows.  NULL: no such ioctl of that file, -ENOTTY.
 */
struct uvf_kvm_calls {
	long (*get_api_version)(struct uvf_file *file,
				struct uvf_caller *caller, unsigned long arg);
	long (*check_extension)(struct uvf_file *file,
				struct uvf_caller *caller, unsigned long arg);
	long (*create_vm)(struct uvf_file *file, struct uvf_caller *caller,
			  unsigned long arg);
	long (*create_device)(struct uvf_file *file, struct uvf_caller *caller,
			      unsigned long arg);
	long (*create_spapr_tce)(struct uvf_file *file,
				 struct uvf_caller *caller, unsigned long arg);
	long (*create_spapr_tce_64)(struct uvf_file *file,
				    struct uvf_caller *caller,
				    unsigned long arg);
	long (*set_device_attr)(struct uvf_file *file,
				struct uvf_caller *caller, unsigned long arg);
	long (*get_device_attr)(struct uvf_file *file,
				struct uvf_caller *caller, unsigned long arg);
	long (*has_device_attr)(struct uvf_file *file,
				struct uvf_caller *caller, unsigned long arg);
	/* Any other command. */
	long (*other)(struct uvf_file *file, struct uvf_caller *caller,
		      unsigned int cmd);
};

#endif /* UVF_CORE_KVM_H */

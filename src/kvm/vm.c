/* SPDX-License-Identifier: BSD-3-Clause */
#include "kvm/vm.h"

#include <errno.h>
#include <linux/kvm.h>

#include "base/bug.h"
#include "core/file.h"
#include "kvm/kvm_vfio.h"
#include "mem/caller.h"

static void vm_destroy(struct uvf_kvm *kvm)
{
	struct uvf_vm *vm = uvf_container_of(kvm, struct uvf_vm, kvm);

	/* Where it does not die with its descriptor. */
	uvf_kvm_vfio_destroy(atomic_load(&vm->vfio));
	UVF_BUG_ON(atomic_load(&vm->assigned_count));
	UVF_BUG_ON(atomic_load(&vm->noncoherent_count));
	uvf_vm_fini(vm);
	vm->destroy(vm);
}

void uvf_vm_init(struct uvf_vm *vm, const struct uvf_kvm_host *host,
		 struct uvf_mm *mm, void (*destroy)(struct uvf_vm *vm))
{
	uvf_kvm_init(&vm->kvm, vm_destroy);
	vm->host = host;
	vm->mm = uvf_mm_get(mm);
	vm->destroy = destroy;
	atomic_init(&vm->assigned_count, 0);
	atomic_init(&vm->noncoherent_count, 0);
	uvf_mutex_init(&vm->lock);
	atomic_init(&vm->vfio, NULL);
	uvf_mutex_init(&vm->tce_lock);
	uvf_list_init(&vm->tce_tables);
}

void uvf_vm_fini(struct uvf_vm *vm)
{
	UVF_BUG_ON(!uvf_list_is_empty(&vm->tce_tables));
	uvf_mutex_fini(&vm->tce_lock);
	uvf_mutex_fini(&vm->lock);
	uvf_mm_put(vm->mm);
}

static long create_vfio(struct uvf_vm *vm, struct uvf_caller *caller)
{
	struct uvf_file *file;
	long ret = uvf_kvm_vfio_create(vm, &file);

	if (ret)
		return ret;
	ret = caller->ops->file_install(caller, file);
	if (ret < 0)
		uvf_kvm_vfio_abort(file);
	return ret;
}

long uvf_vm_ioctl_create_device(struct uvf_vm *vm, struct uvf_caller *caller,
				unsigned long arg)
{
	struct kvm_create_device create;
	long ret;

	if (caller->mm != vm->mm)
		return -EIO;
	if (uvf_copy_in(caller, &create, arg, sizeof(create)))
		return -EFAULT;
	if (create.type != KVM_DEV_TYPE_VFIO ||
	    !vm->host->profile->has_kvm_vfio)
		return -ENODEV;
	if (!(create.flags & KVM_CREATE_DEVICE_TEST)) {
		ret = create_vfio(vm, caller);
		if (ret < 0)
			return ret;
		create.fd = (uint32_t)ret;
	}
	return uvf_copy_out(caller, arg, &create, sizeof(create));
}

ssize_t uvf_kvm_file_read(struct uvf_file *file, struct uvf_caller *caller,
			  uint64_t addr, size_t len, uint64_t pos)
{
	(void)file;
	(void)caller;
	(void)addr;
	(void)len;
	(void)pos;
	return -ESPIPE;
}

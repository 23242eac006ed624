/* SPDX-License-Identifier: BSD-3-Clause */
#include "kvm/stub.h"

#include <errno.h>
#include <linux/kvm.h>

#include "base/alloc.h"
#include "core/file.h"
#include "kvm/tce.h"
#include "mem/caller.h"

static long check_extension(const struct uvf_kvm_host *host,
			    unsigned long extension)
{
	switch (extension) {
	case KVM_CAP_DEVICE_CTRL:
	case KVM_CAP_CHECK_EXTENSION_VM:
		return 1;
	case KVM_CAP_SPAPR_TCE:
	case KVM_CAP_SPAPR_TCE_64:
		return host->is_spapr;
	case KVM_CAP_SPAPR_TCE_VFIO:
		return uvf_tce_is_known(host);
	default:
		return 0;
	}
}

static long vm_ioctl_check_extension(struct uvf_file *file,
				     struct uvf_caller *caller,
				     unsigned long arg)
{
	const struct uvf_vm *vm = file->object;

	return caller->mm == vm->mm ? check_extension(vm->host, arg) : -EIO;
}

static long vm_ioctl_create_device(struct uvf_file *file,
				   struct uvf_caller *caller, unsigned long arg)
{
	return uvf_vm_ioctl_create_device(file->object, caller, arg);
}

static long vm_ioctl_create_spapr_tce(struct uvf_file *file,
				      struct uvf_caller *caller,
				      unsigned long arg)
{
	struct uvf_vm *vm = file->object;

	return caller->mm == vm->mm ? uvf_tce_ioctl_create(vm, caller, arg)
				    : -EIO;
}

static long vm_ioctl_create_spapr_tce_64(struct uvf_file *file,
					 struct uvf_caller *caller,
					 unsigned long arg)
{
	struct uvf_vm *vm = file->object;

	return caller->mm == vm->mm ? uvf_tce_ioctl_create_64(vm, caller, arg)
				    : -EIO;
}

/* Every memory slot and every processor is one too many. */
static long vm_ioctl_other(struct uvf_file *file, struct uvf_caller *caller,
			   unsigned int cmd)
{
	const struct uvf_vm *vm = file->object;

	if (caller->mm != vm->mm)
		return -EIO;
	switch (cmd) {
	case KVM_CREATE_VCPU:
	case KVM_SET_USER_MEMORY_REGION:
		return -EINVAL;
	default:
		return -ENOTTY;
	}
}

static const struct uvf_kvm_calls vm_calls = {
	.check_extension = vm_ioctl_check_extension,
	.create_device = vm_ioctl_create_device,
	.create_spapr_tce = vm_ioctl_create_spapr_tce,
	.create_spapr_tce_64 = vm_ioctl_create_spapr_tce_64,
	.other = vm_ioctl_other,
};

static void vm_release(struct uvf_file *file)
{
	struct uvf_vm *vm = file->object;

	uvf_kvm_put(&vm->kvm);
}

static const struct uvf_file_ops vm_file_ops = {
	.read = uvf_kvm_file_read,
	.write = uvf_kvm_file_read,
	.release = vm_release,
	.kvm = &vm_calls,
};

struct uvf_vm *uvf_kvm_stub_vm(const struct uvf_file *file)
{
	return file->ops == &vm_file_ops ? file->object : NULL;
}

static void vm_free(struct uvf_vm *vm)
{
	uvf_free(vm);
}

static long kvm_ioctl_create_vm(struct uvf_file *file,
				struct uvf_caller *caller, unsigned long arg)
{
	const struct uvf_kvm_stub *stub = file->object;
	struct uvf_file *vm_file;
	struct uvf_vm *vm;
	long ret;

	ret = caller->ops->fd_check(caller);
	if (ret)
		return ret;
	/* Other types need hardware. */
	if (arg)
		return -EINVAL;
	vm = uvf_zalloc(sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	ret = uvf_file_create(&vm_file, UVF_FILE_KVM_VM, &vm_file_ops, vm);
	if (ret) {
		uvf_free(vm);
		return ret;
	}
	uvf_vm_init(vm, &stub->host, caller->mm, vm_free);
	ret = caller->ops->file_install(caller, vm_file);
	if (ret < 0)
		uvf_file_put(vm_file);
	return ret;
}

static long kvm_ioctl_get_api_version(struct uvf_file *file,
				      struct uvf_caller *caller,
				      unsigned long arg)
{
	(void)file;
	(void)caller;
	return arg ? -EINVAL : KVM_API_VERSION;
}

static long kvm_ioctl_check_extension(struct uvf_file *file,
				      struct uvf_caller *caller,
				      unsigned long arg)
{
	const struct uvf_kvm_stub *stub = file->object;

	(void)caller;
	return check_extension(&stub->host, arg);
}

static long kvm_ioctl_other(struct uvf_file *file, struct uvf_caller *caller,
			    unsigned int cmd)
{
	(void)file;
	(void)caller;
	(void)cmd;
	return -EINVAL;
}

static const struct uvf_kvm_calls kvm_calls = {
	.get_api_version = kvm_ioctl_get_api_version,
	.check_extension = kvm_ioctl_check_extension,
	.create_vm = kvm_ioctl_create_vm,
	.other = kvm_ioctl_other,
};

static void kvm_release(struct uvf_file *file)
{
	(void)file;
}

static const struct uvf_file_ops kvm_file_ops = {
	.release = kvm_release,
	.kvm = &kvm_calls,
};

static int stub_open(struct uvf_misc *misc, struct uvf_file **ret_file)
{
	return uvf_file_create(
		ret_file, UVF_FILE_KVM, &kvm_file_ops,
		uvf_container_of(misc, struct uvf_kvm_stub, misc));
}

void uvf_kvm_stub_init(struct uvf_kvm_stub *stub,
		       const struct uvf_kvm_host *host)
{
	stub->misc = (struct uvf_misc){
		.path = "kvm",
		.mode = 0666,
		.open = stub_open,
	};
	stub->host = *host;
}

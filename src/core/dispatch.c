/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every ioctl there is, in one table: which file knows it and who decides.
 *
 * A number alone says nothing, since container, group and device files use
 * the same numbers for different calls; the kind of the file comes first.
 * Files of another ABI (src/v02) bring a table of their own.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <stddef.h>

#include "core/container.h"
#include "core/device.h"
#include "core/device_file.h"
#include "core/file.h"
#include "core/group.h"
#include "core/ioctl.h"
#include "core/kvm.h"
#include "core/kvm_abi.h"

typedef long ioctl_fn(struct uvf_file *file, struct uvf_caller *caller,
		      unsigned int cmd, unsigned long arg);

typedef long device_ioctl_fn(struct uvf_device *device,
			     struct uvf_caller *caller, unsigned long arg);

typedef long kvm_ioctl_fn(struct uvf_file *file, struct uvf_caller *caller,
			  unsigned long arg);

struct ioctl_row {
	unsigned int cmd;
	ioctl_fn *handler; /* NULL: not the core's, but at op */
	size_t op; /* offset in struct uvf_device_ops or uvf_kvm_calls */
};

#define CORE(cmd, handler)                                                     \
	{                                                                      \
		cmd, handler, 0                                                \
	}
#define DRIVER(cmd, op)                                                        \
	{                                                                      \
		cmd, NULL, offsetof(struct uvf_device_ops, op)                 \
	}

#define KVM(cmd, op)                                                           \
	{                                                                      \
		cmd, NULL, offsetof(struct uvf_kvm_calls, op)                  \
	}

static const struct ioctl_row container_rows[] = {
	CORE(VFIO_GET_API_VERSION, container_ioctl_get_api_version),
	CORE(VFIO_CHECK_EXTENSION, container_ioctl_check_extension),
	CORE(VFIO_SET_IOMMU, container_ioctl_set_iommu),
};

static const struct ioctl_row group_rows[] = {
	CORE(VFIO_GROUP_GET_STATUS, group_ioctl_get_status),
	CORE(VFIO_GROUP_SET_CONTAINER, group_ioctl_set_container),
	CORE(VFIO_GROUP_UNSET_CONTAINER, group_ioctl_unset_container),
	CORE(VFIO_GROUP_GET_DEVICE_FD, group_ioctl_get_device_fd),
};

static const struct ioctl_row device_rows[] = {
	DRIVER(VFIO_DEVICE_GET_INFO, get_info),
	DRIVER(VFIO_DEVICE_GET_REGION_INFO, get_region_info),
	DRIVER(VFIO_DEVICE_GET_IRQ_INFO, get_irq_info),
	DRIVER(VFIO_DEVICE_SET_IRQS, set_irqs),
	DRIVER(VFIO_DEVICE_RESET, reset),
	DRIVER(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, get_pci_hot_reset_info),
	DRIVER(VFIO_DEVICE_PCI_HOT_RESET, pci_hot_reset),
	DRIVER(VFIO_DEVICE_IOEVENTFD, ioeventfd),
	CORE(VFIO_DEVICE_FEATURE, device_ioctl_feature),
	CORE(VFIO_DEVICE_BIND_IOMMUFD, device_ioctl_bind_iommufd),
	CORE(VFIO_DEVICE_ATTACH_IOMMUFD_PT, device_ioctl_attach_iommufd_pt),
	CORE(VFIO_DEVICE_DETACH_IOMMUFD_PT, device_ioctl_detach_iommufd_pt),
};

static const struct ioctl_row kvm_rows[] = {
	KVM(KVM_GET_API_VERSION, get_api_version),
	KVM(KVM_CHECK_EXTENSION, check_extension),
	KVM(KVM_CREATE_VM, create_vm),
};

static const struct ioctl_row kvm_vm_rows[] = {
	KVM(KVM_CHECK_EXTENSION, check_extension),
	KVM(KVM_CREATE_DEVICE, create_device),
	KVM(KVM_CREATE_SPAPR_TCE, create_spapr_tce),
	KVM(KVM_CREATE_SPAPR_TCE_64, create_spapr_tce_64),
};

static const struct ioctl_row kvm_vfio_rows[] = {
	KVM(KVM_SET_DEVICE_ATTR, set_device_attr),
	KVM(KVM_GET_DEVICE_ATTR, get_device_attr),
	KVM(KVM_HAS_DEVICE_ATTR, has_device_attr),
};

#define ROWS(rows) rows, sizeof(rows) / sizeof((rows)[0])

/* Who decides what the core does not. */
static long call_driver(struct uvf_file *file, struct uvf_caller *caller,
			const struct ioctl_row *row, unsigned long arg)
{
	const struct uvf_device_file *df = file->object;
	device_ioctl_fn *const *fn =
		(const void *)((const char *)df->device->ops + row->op);

	if (!*fn)
		return device_ioctl_other(file, caller, row->cmd, arg);
	return (*fn)(df->device, caller, arg);
}

static long call_kvm(struct uvf_file *file, struct uvf_caller *caller,
		     const struct ioctl_row *row, unsigned long arg)
{
	kvm_ioctl_fn *const *fn =
		(const void *)((const char *)file->ops->kvm + row->op);

	return *fn ? (*fn)(file, caller, arg) : -ENOTTY;
}

static long kvm_ioctl_other(struct uvf_file *file, struct uvf_caller *caller,
			    unsigned int cmd, unsigned long arg)
{
	(void)arg;
	return file->ops->kvm->other(file, caller, cmd);
}

static const struct ioctl_kind {
	const struct ioctl_row *rows;
	size_t count;
	ioctl_fn *other; /* what is in no row; NULL: -ENOTTY */
	long (*call)(struct uvf_file *file, struct uvf_caller *caller,
		     const struct ioctl_row *row, unsigned long arg);
} kinds[] = {
	[UVF_FILE_CONTAINER] = {ROWS(container_rows), container_ioctl_iommu,
				NULL},
	[UVF_FILE_GROUP] = {ROWS(group_rows), NULL, NULL},
	[UVF_FILE_DEVICE] = {ROWS(device_rows), device_ioctl_other,
			     call_driver},
	[UVF_FILE_KVM] = {ROWS(kvm_rows), kvm_ioctl_other, call_kvm},
	[UVF_FILE_KVM_VM] = {ROWS(kvm_vm_rows), kvm_ioctl_other, call_kvm},
	[UVF_FILE_KVM_VFIO] = {ROWS(kvm_vfio_rows), kvm_ioctl_other, call_kvm},
	[UVF_FILE_KVM_TCE] = {NULL, 0, NULL, NULL},
	[UVF_FILE_SYSFS] = {NULL, 0, NULL, NULL},
};

static long by_table(struct uvf_file *file, struct uvf_caller *caller,
		     unsigned int cmd, unsigned long arg)
{
	const struct ioctl_kind *kind = &kinds[file->kind];

	for (size_t i = 0; i < kind->count; i++) {
		const struct ioctl_row *row = &kind->rows[i];

		if (row->cmd != cmd)
			continue;
		if (!row->handler)
			return kind->call(file, caller, row, arg);
		return row->handler(file, caller, cmd, arg);
	}
	return kind->other ? kind->other(file, caller, cmd, arg) : -ENOTTY;
}

/* A device that rests is woken up, whatever is asked for. */
static long call_device(struct uvf_file *file, struct uvf_caller *caller,
			unsigned int cmd, unsigned long arg,
			struct uvf_device *device)
{
	const struct uvf_device_ops *ops = device->ops;
	long ret;

	if (cmd == VFIO_DEVICE_BIND_IOMMUFD)
		return by_table(file, caller, cmd, arg);
	if (!uvf_device_file_is_granted(file->object))
		return -EINVAL;
	if (ops->wake)
		ops->wake(device);
	ret = by_table(file, caller, cmd, arg);
	if (ops->rest)
		ops->rest(device);
	return ret;
}

long uvf_file_ioctl(struct uvf_file *file, struct uvf_caller *caller,
		    unsigned int cmd, unsigned long arg)
{
	struct uvf_device *device;
	long ret;

	if (file->ops->ioctl)
		return file->ops->ioctl(file, caller, cmd, arg);
	if (file->kind != UVF_FILE_DEVICE)
		return by_table(file, caller, cmd, arg);
	device = uvf_device_file_enter(file->object);
	if (!device)
		return -ENODEV;
	ret = call_device(file, caller, cmd, arg, device);
	uvf_device_file_leave(file->object);
	return ret;
}

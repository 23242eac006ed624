/* SPDX-License-Identifier: BSD-3-Clause */
#include "kvm/kvm_vfio.h"

#include <errno.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/lock.h"
#include "bus/group.h"
#include "core/external.h"
#include "core/file.h"
#include "core/kvm.h"
#include "core/kvm_abi.h"
#include "iommu/reader.h"
#include "kvm/tce.h"
#include "kvm/vm.h"
#include "mem/caller.h"

#define LIOBN_MAX 0xffffffffull /* of sPAPR */

/* A tracked file; immutable but for what says otherwise. */
struct entry {
	_Atomic(struct entry *) next; /* under the device's lock; RCU */
	struct uvf_file *file;        /* holds a reference; the identity */
	struct uvf_group *external;   /* used from outside, or NULL */

	/* Of a POWER host; under the device's lock. */
	struct uvf_iommu_group *iommu_group; /* a reference, once needed */
	atomic_uint liobn;                   /* 0: none; RCU readers */
};

struct uvf_kvm_vfio {
	struct uvf_vm *vm;             /* which outlives it */
	struct uvf_mutex lock;         /* protects what follows */
	_Atomic(struct entry *) first; /* in the order of ADD; RCU readers */
	bool is_noncoherent;
};

static bool is_coherent(const struct uvf_kvm_vfio *kv,
			const struct entry *entry)
{
	switch (kv->vm->host->profile->kvm_coherency) {
	case UVF_KVM_NEVER_COHERENT:
		return false;
	case UVF_KVM_ASKS_CONTAINER:
		return entry->external &&
		       uvf_group_external_check_extension(
			       entry->external, VFIO_DMA_CC_IOMMU) > 0;
	default:
		return uvf_file_enforced_coherent(entry->file);
	}
}

/*
 * One file that comes or goes may change what the IOMMU can do for others,
 * so all are asked; the VM hears of a change of the whole only.
 */
static void update_coherency_locked(struct uvf_kvm_vfio *kv)
	UVF_REQUIRES(kv->lock)
{
	bool is_noncoherent = false;
	struct entry *entry;

	for (entry = atomic_load(&kv->first); entry && !is_noncoherent;
	     entry = atomic_load(&entry->next))
		is_noncoherent = !is_coherent(kv, entry);
	if (is_noncoherent == kv->is_noncoherent)
		return;
	kv->is_noncoherent = is_noncoherent;
	if (is_noncoherent)
		atomic_fetch_add(&kv->vm->noncoherent_count, 1);
	else
		atomic_fetch_sub(&kv->vm->noncoherent_count, 1);
}

/* Where the pointer to the entry of a file is, or the end of the list. */
static _Atomic(struct entry *) *find_locked(struct uvf_kvm_vfio *kv,
					    const struct uvf_file *file)
	UVF_REQUIRES(kv->lock)
{
	_Atomic(struct entry *) *at = &kv->first;
	struct entry *entry;

	while ((entry = atomic_load(at)) && entry->file != file)
		at = &entry->next;
	return at;
}

/* The entry is out of the list, or about to go with it. */
static void untie_locked(struct uvf_kvm_vfio *kv, struct entry *entry)
	UVF_REQUIRES(kv->lock)
{
	if (entry->iommu_group)
		uvf_tce_untie(kv->vm, entry->iommu_group);
	if (!entry->external)
		uvf_file_set_kvm(entry->file, NULL);
	atomic_fetch_sub(&kv->vm->assigned_count, 1);
}

/* Until no reader can have found what was taken out of the list. */
static void wait_for_readers(const struct uvf_vm *vm)
{
	/* Nobody looks for a LIOBN where there are none. */
	if (vm->host->has_liobn)
		uvf_reader_synchronize();
}

/* May release the file, so no lock is held. */
static void free_entry(struct entry *entry)
{
	uvf_iommu_group_put(entry->iommu_group);
	if (entry->external)
		uvf_group_put_external_user(entry->external);
	uvf_file_put(entry->file);
	uvf_free(entry);
}

static int add_locked(struct uvf_kvm_vfio *kv, struct uvf_file *file,
		      struct uvf_group *external) UVF_REQUIRES(kv->lock)
{
	_Atomic(struct entry *) *at = find_locked(kv, file);
	struct entry *entry;

	if (atomic_load(at))
		return -EEXIST;
	entry = uvf_zalloc(sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->file = uvf_file_get(file);
	entry->external = external;
	atomic_store(at, entry);
	atomic_fetch_add(&kv->vm->assigned_count, 1);
	/* Before there was a pointer to the VM, groups had users. */
	if (!external)
		uvf_file_set_kvm(file, &kv->vm->kvm);
	update_coherency_locked(kv);
	return 0;
}

static long add(struct uvf_kvm_vfio *kv, struct uvf_file *file)
{
	struct uvf_group *external = NULL;
	long ret;

	if (!file)
		return -EINVAL;
	if (kv->vm->host->profile->kvm_add_wants_viable) {
		ret = uvf_group_get_external_user(file, &external);
		if (ret)
			return ret;
	} else if (!uvf_file_is_valid(file)) {
		return -EINVAL;
	}
	uvf_lock(&kv->lock);
	ret = add_locked(kv, file, external);
	uvf_unlock(&kv->lock);
	if (ret && external)
		uvf_group_put_external_user(external);
	return ret;
}

static int check_group(struct uvf_file *file)
{
	struct uvf_group *external;
	int ret;

	if (!file)
		return -EINVAL;
	ret = uvf_group_get_external_user(file, &external);
	if (!ret)
		uvf_group_put_external_user(external);
	return ret;
}

static long del(struct uvf_kvm_vfio *kv, struct uvf_file *file)
{
	_Atomic(struct entry *) *at;
	struct entry *entry;

	if (kv->vm->host->profile->kvm_del_checks_group) {
		int ret = check_group(file);

		if (ret)
			return ret;
	}
	uvf_lock(&kv->lock);
	at = find_locked(kv, file);
	entry = atomic_load(at);
	if (entry) {
		atomic_store(at, atomic_load(&entry->next));
		untie_locked(kv, entry);
		update_coherency_locked(kv);
	}
	uvf_unlock(&kv->lock);
	if (!entry)
		return -ENOENT;
	wait_for_readers(kv->vm);
	free_entry(entry);
	return 0;
}

/* The file behind the descriptor that an attribute's address leads to. */
static long read_file(struct uvf_caller *caller, uint64_t addr,
		      struct uvf_file **ret_file)
{
	int32_t fd;

	if (uvf_copy_in(caller, &fd, addr, sizeof(fd)))
		return -EFAULT;
	return caller->ops->file_lookup(caller, fd, ret_file);
}

/* Once, before the first LIOBN: readers then see it without a lock. */
static void learn_group_locked(struct uvf_kvm_vfio *kv, struct entry *entry)
	UVF_REQUIRES(kv->lock)
{
	(void)kv;
	if (!entry->iommu_group && !atomic_load(&entry->liobn))
		entry->iommu_group = uvf_file_iommu_group(entry->file);
}

static long tie_locked(struct uvf_kvm_vfio *kv, const struct uvf_file *group,
		       const struct uvf_file *table) UVF_REQUIRES(kv->lock)
{
	struct entry *entry = atomic_load(find_locked(kv, group));

	if (!entry)
		return -ENOENT;
	learn_group_locked(kv, entry);
	if (!entry->iommu_group)
		return -EIO;
	return uvf_tce_tie(kv->vm, table, entry->iommu_group);
}

/*
 * Source: kvm_vfio_file_set_spapr_tce() of virt/kvm/vfio.c, Linux 6.12: what
 * is wrong with the group wins over a table that is not open.
 */
static long set_spapr_tce(struct uvf_kvm_vfio *kv, struct uvf_caller *caller,
			  uint64_t addr)
{
	struct kvm_vfio_spapr_tce param;
	struct uvf_file *group;
	struct uvf_file *table = NULL;
	long is_bad;
	long ret;

	if (uvf_copy_in(caller, &param, addr, sizeof(param)))
		return -EFAULT;
	ret = caller->ops->file_lookup(caller, param.groupfd, &group);
	if (ret)
		return ret;
	is_bad = caller->ops->file_lookup(caller, param.tablefd, &table);
	uvf_lock(&kv->lock);
	ret = tie_locked(kv, group, table);
	uvf_unlock(&kv->lock);
	if (ret == -EINVAL && is_bad)
		ret = is_bad;
	uvf_file_put(table);
	uvf_file_put(group);
	return ret;
}

static long set_group(struct uvf_kvm_vfio *kv, struct uvf_caller *caller,
		      const struct kvm_device_attr *attr)
{
	const struct uvf_kvm_host *host = kv->vm->host;
	struct uvf_file *file;
	long ret;

	switch (attr->attr) {
	case KVM_DEV_VFIO_GROUP_ADD:
	case KVM_DEV_VFIO_GROUP_DEL:
		ret = read_file(caller, attr->addr, &file);
		if (ret)
			return ret;
		ret = attr->attr == KVM_DEV_VFIO_GROUP_ADD ? add(kv, file)
							   : del(kv, file);
		uvf_file_put(file);
		return ret;
	case KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE:
		return uvf_tce_is_known(host)
			       ? set_spapr_tce(kv, caller, attr->addr)
			       : -ENXIO;
	default:
		return -ENXIO;
	}
}

/*
 * The RFC of 2013, with what its review asked for: a number out of range is
 * refused, a second number replaces the first, and 0 takes it away.
 */
static long set_liobn(struct uvf_kvm_vfio *kv, struct uvf_caller *caller,
		      const struct kvm_device_attr *attr)
{
	struct uvf_file *file;
	struct entry *entry;
	long ret;

	if (attr->attr > LIOBN_MAX)
		return -EINVAL;
	ret = read_file(caller, attr->addr, &file);
	if (ret)
		return ret;
	if (kv->vm->host->profile->kvm_add_wants_viable)
		ret = check_group(file);
	else if (!file || !uvf_file_is_group(file))
		ret = -EINVAL;
	if (!ret) {
		uvf_lock(&kv->lock);
		entry = atomic_load(find_locked(kv, file));
		if (entry) {
			learn_group_locked(kv, entry);
			atomic_store(&entry->liobn, (uint32_t)attr->attr);
		} else {
			ret = -ENXIO;
		}
		uvf_unlock(&kv->lock);
	}
	uvf_file_put(file);
	return ret;
}

struct uvf_iommu_group *uvf_vm_find_group_by_liobn(struct uvf_vm *vm,
						   uint32_t liobn)
{
	struct uvf_kvm_vfio *kv = atomic_load(&vm->vfio);
	struct entry *entry = kv && liobn ? atomic_load(&kv->first) : NULL;

	while (entry && atomic_load(&entry->liobn) != liobn)
		entry = atomic_load(&entry->next);
	return entry ? entry->iommu_group : NULL;
}

/* What comes before any ioctl of the device is looked at. */
static int admit(const struct uvf_kvm_vfio *kv, const struct uvf_caller *caller)
{
	if (kv->vm->host->profile->kvm_checks_mm && caller->mm != kv->vm->mm)
		return -EIO;
	return 0;
}

static long vfio_ioctl_set_device_attr(struct uvf_file *file,
				       struct uvf_caller *caller,
				       unsigned long arg)
{
	struct uvf_kvm_vfio *kv = file->object;
	struct kvm_device_attr attr;
	int ret = admit(kv, caller);

	if (ret)
		return ret;
	if (uvf_copy_in(caller, &attr, arg, sizeof(attr)))
		return -EFAULT;
	if (attr.group == KVM_DEV_VFIO_GROUP)
		return set_group(kv, caller, &attr);
	if (attr.group == KVM_DEV_VFIO_SPAPR_TCE_LIOBN &&
	    kv->vm->host->has_liobn)
		return set_liobn(kv, caller, &attr);
	return -ENXIO;
}

static long vfio_ioctl_get_device_attr(struct uvf_file *file,
				       struct uvf_caller *caller,
				       unsigned long arg)
{
	int ret = admit(file->object, caller);

	(void)arg;
	return ret ? ret : -EPERM;
}

static long vfio_ioctl_has_device_attr(struct uvf_file *file,
				       struct uvf_caller *caller,
				       unsigned long arg)
{
	struct uvf_kvm_vfio *kv = file->object;
	struct kvm_device_attr attr;
	int ret = admit(kv, caller);

	if (ret)
		return ret;
	if (uvf_copy_in(caller, &attr, arg, sizeof(attr)))
		return -EFAULT;
	if (attr.group == KVM_DEV_VFIO_SPAPR_TCE_LIOBN)
		return kv->vm->host->has_liobn ? 0 : -ENXIO;
	if (attr.group != KVM_DEV_VFIO_GROUP)
		return -ENXIO;
	switch (attr.attr) {
	case KVM_DEV_VFIO_GROUP_ADD:
	case KVM_DEV_VFIO_GROUP_DEL:
		return 0;
	case KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE:
		return uvf_tce_is_known(kv->vm->host) ? 0 : -ENXIO;
	default:
		return -ENXIO;
	}
}

static long vfio_ioctl_other(struct uvf_file *file, struct uvf_caller *caller,
			     unsigned int cmd)
{
	int ret = admit(file->object, caller);

	(void)cmd;
	return ret ? ret : -ENOTTY;
}

static const struct uvf_kvm_calls vfio_calls = {
	.set_device_attr = vfio_ioctl_set_device_attr,
	.get_device_attr = vfio_ioctl_get_device_attr,
	.has_device_attr = vfio_ioctl_has_device_attr,
	.other = vfio_ioctl_other,
};

void uvf_kvm_vfio_destroy(struct uvf_kvm_vfio *kv)
{
	struct entry *entry;
	struct entry *next;

	if (!kv)
		return;
	/*
	 * Another device of the VM may follow, and take the same files, only
	 * when these are no longer tied to this one.
	 */
	uvf_lock(&kv->vm->lock);
	atomic_store(&kv->vm->vfio, NULL);
	uvf_lock(&kv->lock);
	entry = atomic_exchange(&kv->first, NULL);
	for (next = entry; next; next = atomic_load(&next->next))
		untie_locked(kv, next);
	update_coherency_locked(kv);
	uvf_unlock(&kv->lock);
	uvf_unlock(&kv->vm->lock);
	wait_for_readers(kv->vm);
	for (; entry; entry = next) {
		next = atomic_load(&entry->next);
		free_entry(entry);
	}
	uvf_mutex_fini(&kv->lock);
	uvf_free(kv);
}

static void vfio_release(struct uvf_file *file)
{
	struct uvf_kvm_vfio *kv = file->object;
	struct uvf_vm *vm = kv->vm;

	if (vm->host->profile->kvm_dies_with_fd)
		uvf_kvm_vfio_destroy(kv);
	uvf_kvm_put(&vm->kvm);
}

static const struct uvf_file_ops vfio_file_ops = {
	.read = uvf_kvm_file_read,
	.write = uvf_kvm_file_read,
	.release = vfio_release,
	.kvm = &vfio_calls,
};

int uvf_kvm_vfio_create(struct uvf_vm *vm, struct uvf_file **ret_file)
{
	struct uvf_kvm_vfio *kv = uvf_zalloc(sizeof(*kv));
	struct uvf_file *file;
	bool is_taken;

	if (!kv)
		return -ENOMEM;
	if (uvf_file_create(&file, UVF_FILE_KVM_VFIO, &vfio_file_ops, kv)) {
		uvf_free(kv);
		return -ENOMEM;
	}
	kv->vm = vm;
	uvf_mutex_init(&kv->lock);
	uvf_lock(&vm->lock);
	is_taken = atomic_load(&vm->vfio);
	if (!is_taken)
		atomic_store(&vm->vfio, kv);
	uvf_unlock(&vm->lock);
	if (is_taken) {
		uvf_file_discard(file);
		uvf_mutex_fini(&kv->lock);
		uvf_free(kv);
		return -EBUSY;
	}
	(void)uvf_kvm_get(&vm->kvm);
	*ret_file = file;
	return 0;
}

void uvf_kvm_vfio_abort(struct uvf_file *file)
{
	struct uvf_kvm_vfio *kv = file->object;
	struct uvf_vm *vm = kv->vm;

	uvf_kvm_vfio_destroy(kv);
	uvf_file_discard(file);
	uvf_kvm_put(&vm->kvm);
}

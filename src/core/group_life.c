/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How groups come and go, and who has their node open.
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "bus/group.h"
#include "bus/machine.h"
#include "core/class.h"
#include "core/container.h"
#include "core/device.h"
#include "core/file.h"
#include "core/group.h"
#include "core/iommufd.h"
#include "core/kvm.h"
#include "core/viability.h"
#include "mem/caller.h"

static bool is_noiommu(const struct uvf_group *group)
{
	return group->kind == UVF_DEVICE_NOIOMMU;
}

static void print_name(const struct uvf_group *group,
		       char ret_name[UVF_GROUP_NAME])
{
	(void)snprintf(ret_name, UVF_GROUP_NAME, "%s%u",
		       is_noiommu(group) ? UVF_GROUP_NOIOMMU : "", group->id);
}

/* Its node came or went. */
static void tell(const struct uvf_group *group, enum uvf_uevent_action action)
{
	char name[UVF_GROUP_NAME];

	uvf_machine_touch(group->vfio->machine);
	print_name(group, name);
	uvf_class_emit_group(group->vfio->machine, action, group->minor, name);
}

static struct uvf_group *find_id_locked(struct uvf_vfio *vfio, unsigned int id)
	UVF_REQUIRES(vfio->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &vfio->groups) {
		struct uvf_group *group =
			uvf_list_entry(node, struct uvf_group, vfio_node);

		if (group->id == id)
			return group;
	}
	return NULL;
}

/*
 * A backend calls it while the group is in its container, and has an IOMMU
 * group for so long.
 */
static void block_member(struct uvf_iommu_member *member, bool is_blocked)
{
	struct uvf_group *group =
		uvf_container_of(member, struct uvf_group, member);

	uvf_iommu_group_set_blocked(group->iommu_group, is_blocked);
}

static void set_member_windows(struct uvf_iommu_member *member,
			       const struct uvf_tce_window *windows)
{
	struct uvf_group *group =
		uvf_container_of(member, struct uvf_group, member);

	uvf_iommu_group_set_windows(group->iommu_group, windows);
}

static struct uvf_group *alloc_group(struct uvf_vfio *vfio,
				     struct uvf_iommu_group *iommu_group,
				     enum uvf_device_kind kind)
{
	struct uvf_group *group = uvf_zalloc(sizeof(*group));

	if (!group)
		return NULL;
	uvf_ref_init(&group->ref);
	group->vfio = vfio;
	group->id = iommu_group->id;
	group->kind = kind;
	group->iommu_group = uvf_iommu_group_get(iommu_group);
	uvf_list_init(&group->vfio_node);
	uvf_list_init(&group->devices);
	uvf_list_init(&group->unbound);
	atomic_init(&group->is_violated, false);
	uvf_list_init(&group->container_node);
	uvf_list_init(&group->member.node);
	uvf_iommu_hw_init_other(&group->hw, &vfio->host, iommu_group->iommu,
				iommu_group->iommu_bits);
	group->member.hw = &group->hw;
	group->member.is_emulated = kind == UVF_DEVICE_EMULATED;
	group->member.block = block_member;
	group->member.set_windows = set_member_windows;
	uvf_mutex_init(&group->lock);
	uvf_mutex_init(&group->device_lock);
	uvf_mutex_init(&group->kvm_lock);
	/* Before vfio->lock: calls run under a lock that is above it. */
	group->notifier.call = uvf_group_notified;
	uvf_iommu_group_add_notifier(iommu_group, &group->notifier);
	return group;
}

/* Hear no more of the IOMMU group, and let it go. */
static void silence(struct uvf_group *group,
		    struct uvf_iommu_group *iommu_group)
{
	if (!iommu_group)
		return;
	uvf_iommu_group_remove_notifier(iommu_group, &group->notifier);
	uvf_group_forget_unbound(group, NULL);
	uvf_iommu_group_put(iommu_group);
}

static void free_group(struct uvf_group *group)
{
	UVF_BUG_ON(group->container);
	silence(group, group->iommu_group);
	uvf_mutex_fini(&group->kvm_lock);
	uvf_mutex_fini(&group->device_lock);
	uvf_mutex_fini(&group->lock);
	uvf_free(group);
}

void uvf_group_put(struct uvf_group *group)
{
	struct uvf_vfio *vfio = group->vfio;
	bool is_last;

	uvf_lock(&vfio->lock);
	is_last = uvf_ref_put(&group->ref);
	if (is_last)
		uvf_list_remove(&group->vfio_node);
	uvf_unlock(&vfio->lock);
	if (!is_last)
		return;
	if (group->is_shown)
		tell(group, UVF_UEVENT_REMOVE);
	free_group(group);
}

static bool has_minor_locked(struct uvf_vfio *vfio, unsigned int minor)
	UVF_REQUIRES(vfio->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &vfio->groups) {
		struct uvf_group *group =
			uvf_list_entry(node, struct uvf_group, vfio_node);

		if (group->minor == minor)
			return true;
	}
	return false;
}

static unsigned int free_minor_locked(struct uvf_vfio *vfio)
	UVF_REQUIRES(vfio->lock)
{
	unsigned int minor = 0;

	while (has_minor_locked(vfio, minor))
		minor++;
	return minor;
}

/* The group of an IOMMU group, one reference for the device that comes. */
static struct uvf_group *obtain_group(struct uvf_vfio *vfio,
				      struct uvf_iommu_group *iommu_group,
				      enum uvf_device_kind kind)
{
	struct uvf_group *made = alloc_group(vfio, iommu_group, kind);
	struct uvf_group *group;

	if (!made)
		return NULL;
	uvf_lock(&vfio->lock);
	group = find_id_locked(vfio, iommu_group->id);
	if (group) {
		uvf_ref_get(&group->ref);
	} else {
		group = made;
		group->minor = free_minor_locked(vfio);
		group->is_shown = true;
		uvf_list_append(&vfio->groups, &group->vfio_node);
	}
	group->drivers++;
	uvf_unlock(&vfio->lock);
	if (group == made)
		tell(group, UVF_UEVENT_ADD);
	else
		free_group(made);
	return group;
}

/*
 * The group loses its node, and with it all that makes it one.  An iommufd
 * stays its own until UNSET_CONTAINER or the last close.
 */
static void orphan(struct uvf_group *group)
{
	struct uvf_iommu_group *iommu_group;

	uvf_lock(&group->lock);
	if (group->container)
		uvf_container_detach(group);
	iommu_group = group->iommu_group;
	group->iommu_group = NULL;
	uvf_unlock(&group->lock);
	silence(group, iommu_group);
}

static void leave_group(struct uvf_group *group)
{
	struct uvf_vfio *vfio = group->vfio;
	bool is_orphan;

	uvf_lock(&vfio->lock);
	is_orphan = !--group->drivers &&
		    vfio->machine->profile->last_device_detaches;
	if (is_orphan) {
		uvf_list_remove(&group->vfio_node);
		group->is_shown = false;
	}
	uvf_unlock(&vfio->lock);
	if (is_orphan) {
		tell(group, UVF_UEVENT_REMOVE);
		orphan(group);
	}
	uvf_group_put(group);
}

static bool has_bus_device_locked(struct uvf_group *group,
				  const struct uvf_bus_device *bus_device)
	UVF_REQUIRES(group->device_lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &group->devices)
		if (uvf_list_entry(node, struct uvf_device, group_node)
			    ->bus_device == bus_device)
			return true;
	return false;
}

int uvf_group_add_device(struct uvf_device *device,
			 struct uvf_iommu_group *iommu_group)
{
	struct uvf_group *group =
		obtain_group(device->vfio, iommu_group, device->kind);
	int ret = 0;

	if (!group)
		return -ENOMEM;
	uvf_lock(&group->device_lock);
	if (has_bus_device_locked(group, device->bus_device)) {
		ret = -EEXIST;
	} else {
		device->group = group;
		uvf_list_append(&group->devices, &device->group_node);
	}
	uvf_unlock(&group->device_lock);
	if (ret)
		leave_group(group);
	return ret;
}

void uvf_group_hide_device(struct uvf_device *device)
{
	uvf_lock(&device->group->device_lock);
	uvf_list_remove(&device->group_node);
	uvf_unlock(&device->group->device_lock);
}

void uvf_group_remove_device(struct uvf_device *device)
{
	struct uvf_group *group = device->group;

	device->group = NULL;
	leave_group(group);
}

struct uvf_kvm *uvf_group_kvm_get(struct uvf_group *group)
{
	struct uvf_kvm *kvm;

	uvf_lock(&group->kvm_lock);
	kvm = group->kvm;
	if (kvm && !uvf_kvm_get_safe(kvm))
		kvm = NULL;
	uvf_unlock(&group->kvm_lock);
	return kvm;
}

bool uvf_group_node(struct uvf_vfio *vfio, unsigned int id,
		    struct uvf_group_node *ret_node)
{
	const struct uvf_group *group;

	uvf_lock(&vfio->lock);
	group = find_id_locked(vfio, id);
	if (group) {
		ret_node->minor = group->minor;
		print_name(group, ret_node->name);
	}
	uvf_unlock(&vfio->lock);
	return group;
}

static void group_release(struct uvf_file *file)
{
	struct uvf_group *group = file->object;

	uvf_lock(&group->lock);
	if (group->container)
		uvf_container_detach(group);
	uvf_group_unset_iommufd(group);
	group->opened_file = NULL;
	uvf_unlock(&group->lock);
	uvf_group_put(group);
}

static const struct uvf_file_ops group_file_ops = {
	.release = group_release,
};

static struct uvf_group *get_by_id(struct uvf_vfio *vfio, unsigned int id,
				   bool wants_noiommu)
{
	struct uvf_group *group;

	uvf_lock(&vfio->lock);
	group = find_id_locked(vfio, id);
	if (group && is_noiommu(group) != wants_noiommu)
		group = NULL;
	if (group)
		uvf_ref_get(&group->ref);
	uvf_unlock(&vfio->lock);
	return group;
}

int uvf_group_open(struct uvf_vfio *vfio, const struct uvf_caller *caller,
		   unsigned int id, bool wants_noiommu,
		   struct uvf_file **ret_file)
{
	struct uvf_group *group = get_by_id(vfio, id, wants_noiommu);
	int ret;

	if (!group)
		return -vfio->machine->profile->stale_node_errno;
	uvf_lock(&group->lock);
	if (!group->iommu_group)
		ret = -ENODEV;
	else if (is_noiommu(group) && !caller->has_rawio)
		ret = -EPERM;
	else if (group->cdevs || group->opened_file)
		ret = -EBUSY;
	else
		ret = uvf_file_create(ret_file, UVF_FILE_GROUP, &group_file_ops,
				      group);
	if (!ret)
		group->opened_file = *ret_file;
	uvf_unlock(&group->lock);
	if (ret)
		uvf_group_put(group);
	return ret;
}

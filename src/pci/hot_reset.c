/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets of a bus: who is told what they affect, and who may ask for one.
 * Whoever does must own all that is there, by groups or by an iommufd.
 */
#include <errno.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/profile.h"
#include "bus/device.h"
#include "bus/group.h"
#include "bus/machine.h"
#include "core/device_file.h"
#include "core/device_set.h"
#include "core/external.h"
#include "core/file.h"
#include "core/iommufd.h"
#include "pci/domain.h"
#include "pci/handlers.h"

#define INFO_SIZE  offsetof(struct vfio_pci_hot_reset_info, devices)
#define RESET_SIZE offsetof(struct vfio_pci_hot_reset, group_fds)

/* In linux/vfio.h since 6.5. */
#define FLAG_DEV_ID       0x1u
#define FLAG_DEV_ID_OWNED 0x2u
#define DEVID_OWNED       0u
#define DEVID_NOT_OWNED   UINT32_MAX

/* Whose a function is, in the eyes of the context of @device. */
static uint32_t devid_locked(struct uvf_device *device,
			     const struct uvf_bus_device *function)
	UVF_REQUIRES(device->set->lock)
{
	struct uvf_device *member = uvf_device_set_find(device->set, function);
	int id;

	if (!member)
		return DEVID_NOT_OWNED;
	id = uvf_device_iommufd_id(member, uvf_device_iommufd_ctx(device));
	if (id == -ENOENT)
		return DEVID_OWNED;
	return id > 0 ? (uint32_t)id : DEVID_NOT_OWNED;
}

/* One entry for each function. */
static int fill_locked(struct uvf_device *device,
		       struct uvf_bus_device *const *functions, size_t count,
		       struct vfio_pci_dependent_device *entries,
		       uint32_t *flags) UVF_REQUIRES(device->set->lock)
{
	for (size_t i = 0; i < count; i++) {
		const struct uvf_pci *pci = uvf_pci_of_bus(functions[i]);
		struct vfio_pci_dependent_device *entry = &entries[i];
		unsigned int group;

		entry->segment = pci->address.segment;
		entry->bus = pci->address.bus;
		entry->devfn = pci->address.devfn;
		if (*flags & FLAG_DEV_ID) {
			/* Newer headers call the field devid. */
			entry->group_id = devid_locked(device, functions[i]);
			if (entry->group_id == DEVID_NOT_OWNED)
				*flags &= ~FLAG_DEV_ID_OWNED;
			continue;
		}
		if (!uvf_bus_device_group_id(functions[i], &group))
			return -EPERM;
		entry->group_id = group;
	}
	return 0;
}

static int answer(struct uvf_device *device, struct uvf_caller *caller,
		  uint64_t arg, struct uvf_bus_device *const *functions,
		  size_t count, struct vfio_pci_hot_reset_info *hdr)
{
	struct vfio_pci_dependent_device *entries =
		uvf_calloc(count, sizeof(*entries));
	int ret;

	if (!entries)
		return -ENOMEM;
	if (uvf_device_is_open_by_cdev(device))
		hdr->flags = FLAG_DEV_ID | FLAG_DEV_ID_OWNED;
	uvf_lock(&device->set->lock);
	ret = fill_locked(device, functions, count, entries, &hdr->flags);
	uvf_unlock(&device->set->lock);
	if (!ret)
		ret = uvf_copy_out(caller, arg + INFO_SIZE, entries,
				   count * sizeof(*entries));
	uvf_free(entries);
	return ret;
}

/*
 * VFIO_DEVICE_GET_PCI_HOT_RESET_INFO.
 *
 * Source: drivers/vfio/pci/vfio_pci_core.c, Linux 6.12.
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the header cannot be read
 *   -EINVAL  argsz too small
 *   -ENODEV  the bus cannot be reset
 *   -ENOSPC  argsz too small for the list; count says how long it is
 *   -ENOMEM  out of memory
 *   -EPERM   by a group's file: a function has no IOMMU group
 *   -EFAULT  list or header cannot be written
 */
long pci_ioctl_get_pci_hot_reset_info(struct uvf_device *device,
				      struct uvf_caller *caller,
				      unsigned long arg)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	struct vfio_pci_hot_reset_info hdr;
	struct uvf_bus_device **functions;
	size_t count;
	int ret;

	if (uvf_copy_in(caller, &hdr, arg, INFO_SIZE))
		return -EFAULT;
	if (hdr.argsz < INFO_SIZE)
		return -EINVAL;
	if (!uvf_domain_is_resettable(pci))
		return -ENODEV;
	functions = uvf_domain_functions(pci, &count);
	if (!functions)
		return -ENOMEM;
	hdr.flags = 0;
	if (count >
	    (hdr.argsz - INFO_SIZE) / sizeof(struct vfio_pci_dependent_device))
		ret = -ENOSPC;
	else
		ret = answer(device, caller, arg, functions, count, &hdr);
	uvf_bus_devices_put(functions, count);
	hdr.count = (uint32_t)count;
	if ((!ret || ret == -ENOSPC) &&
	    uvf_copy_out(caller, arg, &hdr, INFO_SIZE))
		ret = -EFAULT;
	return ret;
}

/* By what a caller owns devices: files of groups, or else a context. */
struct owner {
	struct uvf_file **files;
	size_t count;
	bool is_cdev;
};

static bool owns_locked(const struct owner *owner, struct uvf_device *caller,
			struct uvf_device *device)
	UVF_REQUIRES(caller->set->lock)
{
	int id;

	if (owner->is_cdev) {
		id = uvf_device_iommufd_id(device,
					   uvf_device_iommufd_ctx(caller));
		return id > 0 || id == -ENOENT;
	}
	for (size_t i = 0; i < owner->count; i++)
		if (uvf_file_has_dev(owner->files[i], device))
			return true;
	return false;
}

/* NULL: the bus cannot be reset, or something there is none of ours. */
static struct uvf_bus_device **
find_resettable_locked(struct uvf_device_set *set, size_t *ret_count)
	UVF_REQUIRES(set->lock)
{
	struct uvf_device *first =
		uvf_list_entry(set->devices.next, struct uvf_device, set_node);
	struct uvf_bus_device **functions;
	size_t count;
	bool is_whole = true;

	if (!uvf_domain_is_resettable(uvf_pci_of(first)))
		return NULL;
	functions = uvf_domain_functions(uvf_pci_of(first), &count);
	if (!functions)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (!uvf_device_set_find(set, functions[i]))
			is_whole = false;
	*ret_count = count;
	if (is_whole)
		return functions;
	uvf_bus_devices_put(functions, count);
	return NULL;
}

/* Each member is awake until it may rest again. */
static void each_member_locked(struct uvf_device_set *set,
			       void (*fn)(struct uvf_pci *pci))
	UVF_REQUIRES(set->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &set->devices)
		fn(uvf_pci_of(
			uvf_list_entry(node, struct uvf_device, set_node)));
}

static void mark_clean(struct uvf_pci *pci)
{
	pci->needs_reset = false;
}

static bool owns_all_locked(const struct owner *owner,
			    struct uvf_device *caller)
	UVF_REQUIRES(caller->set->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &caller->set->devices)
		if (!owns_locked(
			    owner, caller,
			    uvf_list_entry(node, struct uvf_device, set_node)))
			return false;
	return true;
}

static int hot_reset(struct uvf_device *device, const struct owner *owner)
{
	struct uvf_device_set *set = device->set;
	struct uvf_bus_device **functions;
	size_t count;
	int ret = -EINVAL;

	uvf_lock(&set->lock);
	uvf_assert_held(&device->set->lock);
	functions = find_resettable_locked(set, &count);
	if (functions) {
		each_member_locked(set, uvf_low_power_resume);
		if (owns_all_locked(owner, device))
			ret = uvf_domain_reset(functions, count);
		each_member_locked(set, uvf_low_power_suspend);
		uvf_bus_devices_put(functions, count);
	}
	uvf_unlock(&set->lock);
	return ret;
}

void uvf_hot_reset_unused(struct uvf_device_set *set)
{
	struct uvf_bus_device **functions;
	struct uvf_list *node;
	bool is_needed = false;
	size_t count;

	uvf_assert_held(&set->lock);
	uvf_list_for_each (node, &set->devices)
		is_needed |= uvf_pci_of(uvf_list_entry(node, struct uvf_device,
						       set_node))
				     ->needs_reset;
	if (!is_needed || uvf_device_set_open_count(set))
		return;
	functions = find_resettable_locked(set, &count);
	if (!functions)
		return;
	if (!uvf_domain_reset(functions, count))
		each_member_locked(set, mark_clean);
	uvf_bus_devices_put(functions, count);
}

/* References to the groups' files; on failure none are held. */
static int lookup_groups(struct uvf_caller *caller, const int32_t *fds,
			 struct owner *owner, size_t count)
{
	int ret = 0;

	for (; owner->count < count && !ret; owner->count++) {
		struct uvf_file **file = &owner->files[owner->count];

		*file = NULL;
		ret = caller->ops->file_lookup(caller, fds[owner->count], file);
		if (!ret && (!*file || !uvf_file_is_group(*file)))
			ret = -EINVAL;
	}
	return ret;
}

static int reset_by_groups(struct uvf_device *device, struct uvf_caller *caller,
			   uint64_t fds_at, size_t count)
{
	struct owner owner = {
		.files = uvf_calloc(count, sizeof(*owner.files)),
	};
	int32_t *fds = uvf_calloc(count, sizeof(*fds));
	int ret = owner.files && fds ? 0 : -ENOMEM;

	if (!ret)
		ret = uvf_copy_in(caller, fds, fds_at, count * sizeof(*fds));
	if (!ret)
		ret = lookup_groups(caller, fds, &owner, count);
	if (!ret)
		ret = hot_reset(device, &owner);
	for (size_t i = 0; i < owner.count; i++)
		uvf_file_put(owner.files[i]);
	uvf_free(fds);
	uvf_free(owner.files);
	return ret;
}

/* As many groups as there are functions are enough. */
static int check_count(const struct uvf_pci *pci, uint32_t wanted)
{
	size_t count;
	struct uvf_bus_device **functions = uvf_domain_functions(pci, &count);

	if (!functions)
		return -ENOMEM;
	uvf_bus_devices_put(functions, count);
	return wanted > count ? -EINVAL : 0;
}

/*
 * VFIO_DEVICE_PCI_HOT_RESET.
 *
 * Source: as above.  A sibling that is busy is waited for: no -EBUSY.
 * Return: 0, or, in the order they are tested:
 *   -EFAULT  the header cannot be read
 *   -EINVAL  argsz too small, flags
 *   -EINVAL  groups are given by a cdev's file, or none by a group's (before
 *            6.3: after the next)
 *   -ENODEV  the bus cannot be reset
 *   -EINVAL  more groups than functions
 *   -ENOMEM  out of memory
 *   -EFAULT  the groups cannot be read
 *   -EBADF, -EINVAL  what is given is no file, or not of a group
 *   -EINVAL  a function is not the caller's, or not bound to vfio-pci
 *   -EAGAIN  a driver is about to come to one of them, or to leave it
 */
long pci_ioctl_pci_hot_reset(struct uvf_device *device,
			     struct uvf_caller *caller, unsigned long arg)
{
	struct uvf_pci *pci = uvf_pci_of(device);
	const struct owner by_context = {.is_cdev = true};
	bool is_cdev = uvf_device_is_open_by_cdev(device);
	bool checks_bus_first = pci->profile->hot_reset_checks_bus_first;
	struct vfio_pci_hot_reset hdr;
	int ret;

	if (uvf_copy_in(caller, &hdr, arg, RESET_SIZE))
		return -EFAULT;
	if (hdr.argsz < RESET_SIZE || hdr.flags)
		return -EINVAL;
	if (!checks_bus_first && !hdr.count != is_cdev)
		return -EINVAL;
	if (!uvf_domain_is_resettable(pci))
		return -ENODEV;
	if (!hdr.count != is_cdev)
		return -EINVAL;
	if (is_cdev)
		return hot_reset(device, &by_context);
	ret = check_count(pci, hdr.count);
	return ret ? ret
		   : reset_by_groups(device, caller, arg + RESET_SIZE,
				     hdr.count);
}

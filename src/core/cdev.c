/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/cdev.h"

#include <errno.h>
#include <stddef.h>

#include "bus/machine.h"
#include "core/device.h"
#include "core/device_file.h"
#include "core/device_set.h"
#include "core/file.h"
#include "core/group.h"
#include "core/ioctl.h"
#include "core/iommufd.h"
#include "core/kvm.h"

/* linux/vfio.h has these since 6.6, the fields after a blank since 6.19. */
struct bind_iommufd {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t out_devid;

	uint64_t token_uuid_ptr;
};

struct attach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pt_id;

	uint32_t pasid;
};

struct detach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags;

	uint32_t pasid;
};

#define BIND_FLAG_TOKEN 0x1u
#define TOKEN_SIZE      16
#define PT_FLAG_PASID   0x1u

#define BIND_MIN   offsetof(struct bind_iommufd, token_uuid_ptr)
#define ATTACH_MIN offsetof(struct attach_iommufd_pt, pasid)
#define DETACH_MIN offsetof(struct detach_iommufd_pt, pasid)

static struct uvf_device *find_locked(struct uvf_vfio *vfio, unsigned int from)
	UVF_REQUIRES(vfio->lock)
{
	struct uvf_list *node;

	uvf_list_for_each (node, &vfio->devices) {
		struct uvf_device *device =
			uvf_list_entry(node, struct uvf_device, vfio_node);

		if (device->index >= from && device->has_cdev)
			return device;
	}
	return NULL;
}

bool uvf_cdev_next(struct uvf_vfio *vfio, unsigned int *index)
{
	struct uvf_device *device;

	if (!vfio->has_cdev)
		return false;
	uvf_lock(&vfio->lock);
	device = find_locked(vfio, *index);
	if (device)
		*index = device->index;
	uvf_unlock(&vfio->lock);
	return device;
}

bool uvf_cdev_exists(struct uvf_vfio *vfio, unsigned int index)
{
	unsigned int found = index;

	return uvf_cdev_next(vfio, &found) && found == index;
}

int uvf_cdev_open(struct uvf_vfio *vfio, unsigned int index,
		  struct uvf_file **ret_file)
{
	struct uvf_device *device;
	int ret = 0;

	if (!vfio->has_cdev)
		return -ENOENT;
	uvf_lock(&vfio->lock);
	device = find_locked(vfio, index);
	if (!device || device->index != index)
		ret = -ENOENT;
	else if (!uvf_device_try_get(device))
		ret = -ENODEV;
	uvf_unlock(&vfio->lock);
	if (ret)
		return ret;
	ret = uvf_device_file_create(device, ret_file);
	if (ret)
		uvf_device_put_user(device);
	return ret;
}

static bool has_pasid(const struct uvf_device_file *df)
{
	return df->vfio->machine->profile->has_pasid;
}

/* What a caller of the future says where we know of nothing. */
static int check_tail(struct uvf_caller *caller, uint64_t arg, uint32_t argsz)
{
	uint8_t byte;

	for (uint32_t at = sizeof(struct bind_iommufd); at < argsz; at++) {
		if (uvf_copy_in(caller, &byte, arg + at, 1))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return 0;
}

/* The argument of BIND, and the errors that it has by itself. */
static int read_bind(const struct uvf_device_file *df,
		     struct uvf_caller *caller, uint64_t arg,
		     struct bind_iommufd *bind)
{
	uint32_t known = 0;
	int ret = 0;

	if (!has_pasid(df)) {
		if (uvf_copy_in(caller, bind, arg, BIND_MIN))
			return -EFAULT;
		if (bind->argsz < BIND_MIN)
			return -EINVAL;
	} else {
		known = BIND_FLAG_TOKEN;
		if (uvf_copy_in(caller, &bind->argsz, arg, sizeof(uint32_t)))
			return -EFAULT;
		if (bind->argsz < BIND_MIN)
			return -EINVAL;
		ret = check_tail(caller, arg, bind->argsz);
		if (!ret)
			ret = uvf_copy_in(caller, bind, arg,
					  bind->argsz < sizeof(*bind)
						  ? bind->argsz
						  : sizeof(*bind));
	}
	if (!ret && (bind->flags & ~known || bind->iommufd < 0))
		ret = -EINVAL;
	return ret;
}

/* The token that users of a PF and of its VFs share. */
static int check_token(struct uvf_device *device, struct uvf_caller *caller,
		       const struct bind_iommufd *bind)
{
	const bool is_given = bind->flags & BIND_FLAG_TOKEN;
	uint8_t uuid[TOKEN_SIZE];

	if (!device->ops->match_token)
		return is_given ? -EINVAL : 0;
	if (is_given &&
	    uvf_copy_in(caller, uuid, bind->token_uuid_ptr, sizeof(uuid)))
		return -EFAULT;
	return device->ops->match_token(device, is_given ? uuid : NULL);
}

/* Under the set's lock, what is left to find out, and the binding. */
static int bind_locked(struct uvf_device_file *df, struct uvf_caller *caller,
		       uint64_t arg, const struct bind_iommufd *bind,
		       struct uvf_iommufd *ctx, int lookup,
		       struct uvf_kvm **kvm) UVF_REQUIRES(df->device->set->lock)
{
	uint32_t id = 0;
	int ret;

	if (df->is_granted)
		return -EINVAL;
	ret = has_pasid(df) ? check_token(df->device, caller, bind) : 0;
	if (ret)
		return ret;
	if (lookup)
		return lookup;
	if (!ctx)
		return -EBADFD;
	ret = uvf_device_file_bind_locked(df, ctx, kvm, &id);
	if (ret)
		return ret;
	if (uvf_copy_out(caller, arg + offsetof(struct bind_iommufd, out_devid),
			 &id, sizeof(id))) {
		uvf_device_file_unbind_locked(df, kvm);
		return -EFAULT;
	}
	df->is_granted = true;
	return 0;
}

/* While a device is bound, the node of its group cannot be opened. */
static int block_group(struct uvf_group *group)
{
	int ret = 0;

	uvf_lock(&group->lock);
	if (group->opened_file)
		ret = -EBUSY;
	else
		group->cdevs++;
	uvf_unlock(&group->lock);
	return ret;
}

static void unblock_group(struct uvf_group *group)
{
	uvf_lock(&group->lock);
	group->cdevs--;
	uvf_unlock(&group->lock);
}

/*
 * Source: VFIO_DEVICE_BIND_IOMMUFD; order of errors from drivers/vfio/
 * device_cdev.c, Linux 6.12: the group is looked at before the iommufd.
 */
long device_ioctl_bind_iommufd(struct uvf_file *file, struct uvf_caller *caller,
			       unsigned int cmd, unsigned long arg)
{
	struct uvf_device_file *df = file->object;
	struct bind_iommufd bind = {0};
	struct uvf_file *other = NULL;
	struct uvf_iommufd *ctx;
	struct uvf_kvm *kvm;
	int ret, lookup;

	if (!df->vfio->has_cdev)
		return device_ioctl_other(file, caller, cmd, arg);
	ret = read_bind(df, caller, arg, &bind);
	if (!ret && df->group)
		ret = -EINVAL;
	if (!ret)
		ret = block_group(df->device->group);
	if (ret)
		return ret;
	lookup = caller->ops->file_lookup(caller, bind.iommufd, &other);
	ctx = !lookup && other ? uvf_iommufd_of_file(other) : NULL;
	kvm = uvf_device_file_kvm_get(df);
	uvf_lock(&df->device->set->lock);
	ret = bind_locked(df, caller, arg, &bind, ctx, lookup, &kvm);
	uvf_unlock(&df->device->set->lock);
	uvf_kvm_put(kvm);
	if (ret)
		unblock_group(df->device->group);
	if (!lookup)
		uvf_file_put(other);
	return ret;
}

/* Which flags ATTACH and DETACH know; PASID no driver can do. */
static int check_pt(const struct uvf_device_file *df, uint32_t argsz,
		    uint32_t min, uint32_t flags)
{
	uint32_t known = has_pasid(df) ? PT_FLAG_PASID : 0;

	if (argsz < min || flags & ~known)
		return -EINVAL;
	return flags ? -EOPNOTSUPP : 0;
}

/* Source: VFIO_DEVICE_ATTACH_IOMMUFD_PT; as above. */
long device_ioctl_attach_iommufd_pt(struct uvf_file *file,
				    struct uvf_caller *caller, unsigned int cmd,
				    unsigned long arg)
{
	struct uvf_device_file *df = file->object;
	struct attach_iommufd_pt attach;
	struct uvf_device *device = df->device;
	int ret;

	/* To a file that came from a group it means nothing. */
	if (df->group)
		return device_ioctl_other(file, caller, cmd, arg);
	if (uvf_copy_in(caller, &attach, arg, ATTACH_MIN))
		return -EFAULT;
	ret = check_pt(df, attach.argsz, ATTACH_MIN, attach.flags);
	if (ret)
		return ret;
	uvf_lock(&device->set->lock);
	ret = uvf_device_iommufd_attach(device, &attach.pt_id);
	if (!ret &&
	    uvf_copy_out(caller,
			 arg + offsetof(struct attach_iommufd_pt, pt_id),
			 &attach.pt_id, sizeof(attach.pt_id))) {
		uvf_device_iommufd_detach(device);
		ret = -EFAULT;
	}
	uvf_unlock(&device->set->lock);
	return ret;
}

/* Source: VFIO_DEVICE_DETACH_IOMMUFD_PT; as above. */
long device_ioctl_detach_iommufd_pt(struct uvf_file *file,
				    struct uvf_caller *caller, unsigned int cmd,
				    unsigned long arg)
{
	struct uvf_device_file *df = file->object;
	struct detach_iommufd_pt detach;
	struct uvf_device *device = df->device;
	int ret;

	if (df->group)
		return device_ioctl_other(file, caller, cmd, arg);
	if (uvf_copy_in(caller, &detach, arg, DETACH_MIN))
		return -EFAULT;
	ret = check_pt(df, detach.argsz, DETACH_MIN, detach.flags);
	if (ret)
		return ret;
	uvf_lock(&device->set->lock);
	uvf_device_iommufd_detach(device);
	uvf_unlock(&device->set->lock);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device file (df): what stands behind a device descriptor.
 *
 * It keeps its device registered from its creation to its end.  While it is
 * open - from GET_DEVICE_FD on, or from BIND_IOMMUFD on for a cdev - it
 * counts in the device's open count.  Revoking ends both early: the file
 * stays, and everything on it fails.
 */
#ifndef UVF_CORE_DEVICE_FILE_H
#define UVF_CORE_DEVICE_FILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"

struct uvf_caller;
struct uvf_device;
struct uvf_file;
struct uvf_group;
struct uvf_iommufd;
struct uvf_kvm;
struct uvf_vfio;

struct uvf_device_file {
	struct uvf_ref ref; /* the file, and who is revoking it */
	/* Fixed. */
	struct uvf_vfio *vfio;
	struct uvf_group *group; /* through which it came; NULL: cdev */

	struct uvf_list set_node; /* device->files, under set->lock */

	struct uvf_mutex lock; /* protects what follows; held over the close */
	struct uvf_device *device; /* NULL: closed */
	bool is_open;              /* counts in the open count */
	bool is_revoked;           /* no further call begins */
	unsigned int calls;        /* that run */
	pthread_cond_t idle;       /* calls is 0 */

	/* Calls but BIND may be made; written under the set's lock. */
	atomic_bool is_granted;

	struct uvf_mutex kvm_lock; /* a leaf; protects what follows */
	struct uvf_kvm *kvm;       /* borrowed from who tied the file to it */
};

/* Tie the file to a virtual machine, for BIND; NULL: untie. */
void uvf_device_file_set_kvm(struct uvf_device_file *df, struct uvf_kvm *kvm);

/* A reference to the virtual machine that the file is tied to, or NULL. */
struct uvf_kvm *uvf_device_file_kvm_get(struct uvf_device_file *df);

/**
 * uvf_device_file_open() - one more open of a device, through its group
 * @device:   its user's reference moves to the file on success
 * @caller:   whose rights count, at the first open
 * @kvm:      NULL or a reference; the first open takes it and leaves NULL
 * @ret_file: a new device file
 * Context: the group's lock is held and it has a container.
 * Return: 0, or, in the order they are tested:
 *   -ENOMEM  out of memory
 *   -EPERM   it has no IOMMU, and the caller no CAP_SYS_RAWIO, or the
 *            iommufd an address space for groups that have one
 *   or what binding it, the driver, and attaching it say
 */
int uvf_device_file_open(struct uvf_group *group, struct uvf_device *device,
			 const struct uvf_caller *caller, struct uvf_kvm **kvm,
			 struct uvf_file **ret_file);

/**
 * uvf_device_file_create() - a file that has a device, and may not use it yet
 * @device: its user's reference moves to the file on success
 * Return: 0 or -ENOMEM.
 */
int uvf_device_file_create(struct uvf_device *device,
			   struct uvf_file **ret_file);

/**
 * uvf_device_file_bind_locked() - the first open of a device, not by its group
 * uvf_device_file_unbind_locked() - undo it
 * @kvm:    NULL or a reference; binding takes it and leaves NULL, and the
 *          undoing gives it back
 * @ret_id: of the device in @ctx
 * Context: the set's lock is held, a call on @df runs, and the group's node
 * is blocked.
 * Return: 0, -EINVAL it is open, or what uvf_device_iommufd_bind() and the
 * driver's open() say.
 */
int uvf_device_file_bind_locked(struct uvf_device_file *df,
				struct uvf_iommufd *ctx, struct uvf_kvm **kvm,
				uint32_t *ret_id);
void uvf_device_file_unbind_locked(struct uvf_device_file *df,
				   struct uvf_kvm **kvm);

/* Whether a device is open by its own node, and so by nothing else. */
bool uvf_device_is_open_by_cdev(struct uvf_device *device);

/* Whether calls on it may be made. */
bool uvf_device_file_is_granted(struct uvf_device_file *df);

/* The device file behind a file, or NULL. */
struct uvf_device_file *uvf_device_file_of(const struct uvf_file *file);

/**
 * uvf_device_file_enter() - begin a call on a device file
 * Return: the device, which stays open until uvf_device_file_leave(), or NULL
 * when the file was revoked.
 */
struct uvf_device *uvf_device_file_enter(struct uvf_device_file *df);
void uvf_device_file_leave(struct uvf_device_file *df);

/*
 * Take a device away from all who have it open: their files and mappings
 * fail from now on, and the driver's close() has run.
 * Context: no locks of the core are held.
 */
void uvf_device_revoke(struct uvf_device *device);

#endif /* UVF_CORE_DEVICE_FILE_H */

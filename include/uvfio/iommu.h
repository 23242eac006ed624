/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * To write an IOMMU driver of VFIO: what a container chooses by
 * VFIO_SET_IOMMU, beside type1.  It answers the container's ioctls, and the
 * calls of drivers (uvfio/driver.h) that pin pages or copy.
 *
 * Devices that do DMA on a bus of the machine translate by the machine's own
 * drivers only: behind one of these their DMA reaches nothing.
 */
#ifndef UVFIO_IOMMU_H
#define UVFIO_IOMMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvfio_client; /* of uvfio/driver.h, as the calls on it */
struct uvfio_machine;

/* A group that joins a container; the same at attach and at detach. */
struct uvfio_iommu_group;

/* A device that wants to hear of pages that go away. */
struct uvfio_iommu_user;

/*
 * What an IOMMU driver does; state is what open() made.  Calls for one state
 * may overlap, but those that attach and detach.
 */
struct uvfio_iommu_ops {
	const char *name;

	/*
	 * Whether it offers an extension, or a type of VFIO_SET_IOMMU:
	 * positive yes.  Asked with state NULL before it is chosen.
	 */
	int (*check_extension)(void *state, unsigned long extension);
	/* A container chose it by this type; 0 or a negative errno. */
	int (*open)(void **ret_state, unsigned long type);
	/* The last group has left. */
	void (*release)(void *state);

	/* is_emulated: the group's device has no DMA of its own. */
	int (*attach_group)(void *state, struct uvfio_iommu_group *group,
			    bool is_emulated);
	void (*detach_group)(void *state, struct uvfio_iommu_group *group);

	/* May be NULL, and is -ENOTTY then, as unknown commands are. */
	long (*ioctl)(void *state, struct uvfio_client *client,
		      unsigned int cmd, unsigned long arg);

	/* Both, or neither. */
	void (*register_device)(void *state, struct uvfio_iommu_user *user);
	void (*unregister_device)(void *state, struct uvfio_iommu_user *user);

	/*
	 * Of uvfio_pin_pages(), uvfio_unpin_pages() and uvfio_dma_rw(); each
	 * may be NULL, and is -ENOTTY then.  pin_pages() returns count.
	 */
	int (*pin_pages)(void *state, uint64_t iova, size_t count,
			 uint32_t prot, void **ret_pages);
	void (*unpin_pages)(void *state, uint64_t iova, size_t count);
	int (*dma_rw)(void *state, uint64_t iova, void *buf, size_t len,
		      bool is_write);
};

/**
 * uvfio_register_iommu_driver() - let containers choose an IOMMU driver
 * @ops: used until it is unregistered; all up to detach_group() are there
 *
 * It is asked before those that were registered earlier.
 *
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  a call is missing, or one of register_device() and
 *            unregister_device()
 *   -ENOMEM  out of memory
 *   -EINVAL  @ops are registered
 */
int uvfio_register_iommu_driver(struct uvfio_machine *machine,
				const struct uvfio_iommu_ops *ops);

/**
 * uvfio_unregister_iommu_driver() - let them choose it no more
 * Before the machine is destroyed.
 * Return: 0, or, in the order they are tested:
 *   -ENODEV  @ops are not registered
 *   -EBUSY   a container uses it
 */
int uvfio_unregister_iommu_driver(struct uvfio_machine *machine,
				  const struct uvfio_iommu_ops *ops);

/**
 * uvfio_iommu_user_unmap() - tell a device that pages go away
 * @user: registered
 * @len:  bytes, not 0
 *
 * When this returns, the device has unpinned what it had pinned there.
 *
 * Context: no lock is held that unpin_pages() takes.
 */
void uvfio_iommu_user_unmap(struct uvfio_iommu_user *user, uint64_t iova,
			    uint64_t len);

#ifdef __cplusplus
}
#endif

#endif /* UVFIO_IOMMU_H */

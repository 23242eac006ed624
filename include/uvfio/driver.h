/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * To write a VFIO driver: a device that programs reach by the ioctls of VFIO,
 * and that sees these ioctls itself, as a driver in the kernel does.
 *
 * Who emulates hardware writes a model instead (uvfio/pci.h) and never sees
 * VFIO.  This is for what hardware emulation cannot express: devices without
 * a bus, with regions of their own, or drivers for a device of the machine.
 *
 * The calls are those of the kernel's include/linux/vfio.h, from 3.14 to
 * 6.12, with the errors of the profile that the machine has.  They may be
 * used from any thread, but not from a callback of the same device unless
 * they say so.
 */
#ifndef UVFIO_DRIVER_H
#define UVFIO_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uvfio/migration.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvfio_machine;
struct vfio_irq_set; /* of linux/vfio.h */

/* One device of a driver. */
struct uvfio_vfio_device;

/* Who makes a call, for the time of the call. */
struct uvfio_client;

/*
 * How a driver's device migrates.  Which arcs lead to a state, when a stream
 * begins and ends and what its file answers is decided before.
 *
 * Calls for one device never overlap.  None may be NULL, but precopy_left when
 * the device has no PRE_COPY, and reset.
 */
struct uvfio_vfio_migration_ops {
	uint32_t flags; /* VFIO_MIGRATION_* of linux/vfio.h */
	/*
	 * One arc.  On failure the device is still in @from; -EIO: it is in
	 * ERROR, which a reset ends.  RESUMING to STOP judges the stream.
	 */
	int (*step)(struct uvfio_vfio_device *device,
		    enum uvfio_migration_state from,
		    enum uvfio_migration_state to);
	/* Up to len bytes of state; 0: there are no more, now. */
	ssize_t (*save)(struct uvfio_vfio_device *device, void *buf,
			size_t len);
	/* Take all of it, or fail. */
	int (*load)(struct uvfio_vfio_device *device, const void *buf,
		    size_t len);
	/* Bytes that a save in STOP_COPY would give. */
	uint64_t (*data_size)(struct uvfio_vfio_device *device);
	/* Bytes left of those first to come, and of those that changed. */
	void (*precopy_left)(struct uvfio_vfio_device *device,
			     uint64_t *ret_initial, uint64_t *ret_dirty);
	/* uvfio_migration_reset(): forget what is under way. */
	void (*reset)(struct uvfio_vfio_device *device);
	bool has_plain_end; /* PRE_COPY ends with 0 bytes, not -ENOMSG */
	bool has_empty_log; /* DMA_LOGGING_* succeed, and tell of no page */
	bool is_sample;     /* only where the profile's kernel has it */
};

/*
 * What a driver does.  Any of them may be NULL; what read, write, mmap and
 * ioctl say then is -EINVAL.
 */
struct uvfio_vfio_ops {
	const char *name; /* of the driver */

	/* The device comes to life; 0 or a negative errno. */
	int (*init)(struct uvfio_vfio_device *device);
	/* Its last reference went. */
	void (*release)(struct uvfio_vfio_device *device);

	/*
	 * The first program opens it (by switch: each that opens it), the
	 * last one has closed it.  A program may pin no pages before, and
	 * the driver has none pinned behind.
	 */
	int (*open_device)(struct uvfio_vfio_device *device);
	void (*close_device)(struct uvfio_vfio_device *device);

	/*
	 * The system calls of a program on the device's file.  addr and arg
	 * are addresses of the client, to be reached by
	 * uvfio_copy_from_client() and uvfio_copy_to_client().
	 */
	ssize_t (*read)(struct uvfio_vfio_device *device,
			struct uvfio_client *client, uint64_t addr, size_t len,
			uint64_t pos);
	ssize_t (*write)(struct uvfio_vfio_device *device,
			 struct uvfio_client *client, uint64_t addr, size_t len,
			 uint64_t pos);
	/*
	 * Which memory lies at these bytes of the device's file: for mmap(2),
	 * and once more for each page that is touched.  Returns a descriptor
	 * of the file that is to be mapped, from *ret_offset on, or a negative
	 * errno.  The descriptor stays the driver's, and open until
	 * close_device().  prot and flags are those of mmap(2).
	 */
	int (*mmap)(struct uvfio_vfio_device *device, uint64_t pos,
		    uint64_t len, int prot, int flags, uint64_t *ret_offset);
	/* Every ioctl but those of the core; unknown ones are -ENOTTY. */
	long (*ioctl)(struct uvfio_vfio_device *device,
		      struct uvfio_client *client, unsigned int cmd,
		      unsigned long arg);

	/*
	 * Somebody waits for the program to let go of the device: count times
	 * was it asked before.
	 */
	void (*request)(struct uvfio_vfio_device *device, unsigned int count);
	/*
	 * The program takes these bytes out of its container: unpin what is
	 * pinned there, with this call or soon.  May come before
	 * open_device(), and, from an iommufd, after close_device(); with len
	 * UINT64_MAX when the device leaves all of an address space, whose
	 * pages may not be used when the call returns.  Needed for
	 * uvfio_pin_pages().
	 */
	void (*dma_unmap)(struct uvfio_vfio_device *device, uint64_t iova,
			  uint64_t len);
	/*
	 * Whether VFIO_GROUP_GET_DEVICE_FD means this device: positive yes, 0
	 * no, a negative errno ends the search.  NULL: the name says so.
	 */
	int (*match)(struct uvfio_vfio_device *device, const char *name);
	/*
	 * A feature that the core does not know; flags are those of
	 * VFIO_DEVICE_FEATURE, data is an address of the client.
	 */
	long (*device_feature)(struct uvfio_vfio_device *device,
			       struct uvfio_client *client, uint32_t flags,
			       uint64_t data, size_t size);
	/* NULL: the device cannot be migrated. */
	const struct uvfio_vfio_migration_ops *migration;
};

/**
 * uvfio_migration_reset() - the device was reset: RUNNING, and no stream
 * uvfio_migration_end() - no stream; the state stays
 *
 * Of a device without migration they do nothing.
 *
 * Context: any callback but those of migration.
 */
void uvfio_migration_reset(struct uvfio_vfio_device *device);
void uvfio_migration_end(struct uvfio_vfio_device *device);

/**
 * uvfio_copy_from_client() - read memory of the program that calls
 * uvfio_copy_to_client() - write it
 * @client: as a callback got it
 * @addr:   address of the client
 * Return: 0 or -EFAULT.
 */
int uvfio_copy_from_client(struct uvfio_client *client, void *dst,
			   uint64_t addr, size_t len);
int uvfio_copy_to_client(struct uvfio_client *client, uint64_t addr,
			 const void *src, size_t len);

/**
 * uvfio_eventfd_get() - an eventfd of the program that calls, for interrupts
 * @fd: the program's number of it
 * Return: a descriptor for close(2), or -EBADF not open, -EINVAL no eventfd.
 */
int uvfio_eventfd_get(struct uvfio_client *client, int fd);

/* Adds 1; never blocks. */
void uvfio_eventfd_signal(int eventfd);

/**
 * uvfio_set_irqs_check() - whether VFIO_DEVICE_SET_IRQS can mean something
 * @hdr:      the argument without its data, 20 bytes
 * @num_irqs: interrupts that its index has
 * @indexes:  that the device has
 * @ret_size: written on success: bytes of data that follow
 * Return: 0 or -EINVAL.
 */
int uvfio_set_irqs_check(const struct vfio_irq_set *hdr, unsigned int num_irqs,
			 unsigned int indexes, size_t *ret_size);

/**
 * uvfio_alloc_device() - make a device, which nobody can reach yet
 * @ret_device: written on success; the caller owns one reference
 * @name:       what programs ask for; for uvfio_register_group_dev() the
 *              address of a device of the machine
 * @ops:        used until release()
 * @data:       what uvfio_device_data() returns
 *
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  no name, one that is too long, or no ops
 *   -ENOMEM  out of memory
 *   or what init() returned; then release() does not follow
 */
int uvfio_alloc_device(struct uvfio_machine *machine,
		       struct uvfio_vfio_device **ret_device, const char *name,
		       const struct uvfio_vfio_ops *ops, void *data);

/**
 * uvfio_put_device() - let go of a device
 * @device: not registered any more; NULL is allowed
 */
void uvfio_put_device(struct uvfio_vfio_device *device);

void *uvfio_device_data(const struct uvfio_vfio_device *device);
const char *uvfio_device_name(const struct uvfio_vfio_device *device);

/**
 * uvfio_register_group_dev() - let programs reach a device of the machine
 * @device: named as a device of the machine that VFIO has not registered
 *
 * The device can be opened as soon as this returns, or even before.
 *
 * Return: 0, or, in the order they are tested:
 *   -ENODEV  the machine has no device of this name
 *   -EINVAL  it has no IOMMU group, and there is no no-IOMMU mode
 *   -EINVAL  it is registered (-EBUSY by switch)
 *   -ENOMEM  out of memory
 */
int uvfio_register_group_dev(struct uvfio_vfio_device *device);

/**
 * uvfio_register_emulated_iommu_dev() - let programs reach a device that is
 * nowhere but here
 * @device: of any name
 *
 * It gets an IOMMU group of its own, which is always viable, and reaches
 * memory by the calls below.
 *
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  it is registered (-EBUSY by switch)
 *   -ENOMEM  out of memory
 */
int uvfio_register_emulated_iommu_dev(struct uvfio_vfio_device *device);

/**
 * uvfio_unregister_group_dev() - let programs reach a device no more
 * Waits until the last of them has closed it, with request() in between; it
 * cannot fail.
 */
void uvfio_unregister_group_dev(struct uvfio_vfio_device *device);

/* The number of its group, /dev/vfio/<number>; -1 while not registered. */
int uvfio_device_group_id(struct uvfio_vfio_device *device);

/**
 * uvfio_device_get_from_dev() - find a registered device by its name
 * It stays registered until uvfio_device_put_registration().  One that is
 * being unregistered is found as long as a program has it open.
 * Return: the device, or NULL when no driver of this interface has one.
 */
struct uvfio_vfio_device *
uvfio_device_get_from_dev(struct uvfio_machine *machine, const char *name);
void uvfio_device_put_registration(struct uvfio_vfio_device *device);

/**
 * uvfio_assign_device_set() - devices that can only be reset together
 * @device: not registered yet
 * @key:    the same for all of them
 *
 * Opens and closes of the devices of a set follow one another.
 *
 * Return: 0, -EINVAL no key, or -ENOMEM.
 */
int uvfio_assign_device_set(struct uvfio_vfio_device *device, const void *key);

/* How often devices of its set are open; from any callback but match(). */
unsigned int uvfio_device_set_open_count(struct uvfio_vfio_device *device);

#define UVFIO_PROT_READ  0x1u /* the driver reads */
#define UVFIO_PROT_WRITE 0x2u /* the driver writes */
#define UVFIO_PAGE_SIZE  4096u

/**
 * uvfio_pin_pages() - hold pages of the program in place
 * @device: open
 * @iova:   address on the bus, of any byte of the first page
 * @count:  pages
 * @prot:   UVFIO_PROT_*
 * @pages:  where they are, valid until they are unpinned
 *
 * Context: any thread, and callbacks other than dma_unmap(), release().
 * Return: @count, or, in the order they are tested:
 *   -EINVAL  no pages, count 0, not open, or no dma_unmap() in the ops
 *   -E2BIG   more than 512 in a container
 *   -ENOTTY  the container's backend cannot
 *   -EINVAL  a page is not mapped, or, in an iommufd, is being unmapped
 *   -ENOENT  a page is not mapped, in an iommufd
 *   -EPERM   a page is mapped, but not for this use
 *   -EFAULT  the memory is gone, or cannot be reached here
 *   -ENOMEM  out of memory
 */
int uvfio_pin_pages(struct uvfio_vfio_device *device, uint64_t iova,
		    size_t count, uint32_t prot, void **pages);

/* Any thread, and every callback, as long as the device is open. */
void uvfio_unpin_pages(struct uvfio_vfio_device *device, uint64_t iova,
		       size_t count);

/**
 * uvfio_dma_rw() - copy from the program's memory, or to it
 * @device: open
 * Context: as uvfio_pin_pages().
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  no buffer, length 0, or not open
 *   -ENOTTY  the container's backend cannot
 *   -EINVAL  a byte is not mapped (-ENOENT in an iommufd)
 *   -EPERM   a byte is mapped, but not for this use
 *   -EFAULT  the memory is gone
 */
int uvfio_dma_rw(struct uvfio_vfio_device *device, uint64_t iova, void *buf,
		 size_t len, bool is_write);

/* A group that somebody outside of VFIO uses. */
struct uvfio_group;

/**
 * uvfio_group_get_external_user() - use a group from outside, as KVM does
 * @fd:        of the group, as uvfio_open() returned it
 * @ret_group: written on success
 *
 * The group stays in its container until uvfio_group_put_external_user(), as
 * if one of its devices were open.
 *
 * Return: 0, or, in the order they are tested:
 *   -EBADF   no descriptor of the machine
 *   -EINVAL  no group's
 *   -EINVAL  no container, no IOMMU, or the group is not viable
 */
int uvfio_group_get_external_user(struct uvfio_machine *machine, int fd,
				  struct uvfio_group **ret_group);
void uvfio_group_put_external_user(struct uvfio_group *group);

/* The number of the IOMMU group. */
int uvfio_external_user_iommu_id(struct uvfio_group *group);

/* As VFIO_CHECK_EXTENSION of the group's container. */
long uvfio_external_check_extension(struct uvfio_group *group,
				    unsigned long extension);

#ifdef __cplusplus
}
#endif

#endif /* UVFIO_DRIVER_H */

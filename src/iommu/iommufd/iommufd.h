/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iommufd: the context behind an open of /dev/iommu, and what the VFIO core
 * does with it.  docs/adr tells who owns what.
 *
 * Every behaviour, and the order of errors, is that of Linux 6.12,
 * drivers/iommu/iommufd, where a profile does not say otherwise.
 *
 * Lock order: the context's lock, then what the callbacks of a group take.
 * No call is made from inside a callback, but uvf_iommufd_access_unpin().
 */
#ifndef UVF_IOMMU_IOMMUFD_IOMMUFD_H
#define UVF_IOMMU_IOMMUFD_IOMMUFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "iommu/iommu.h"

struct uvf_aspace;
struct uvf_caller;
struct uvf_iommufd;
struct uvf_iommufd_access;
struct uvf_iommufd_device;
struct uvf_iommufd_fault;

/*
 * An IOMMU group as iommufd sees it: an opaque pointer, the same for all its
 * devices, and who owns and aims its DMA.
 */
struct uvf_iommufd_group_ops {
	/* One more device of @owner.  -EPERM, -EBUSY: somebody else's. */
	int (*claim)(void *group, void *owner);
	void (*release)(void *group, void *owner);
	/* NULL: nowhere.  No DMA to the former one runs when it returns. */
	void (*aim)(void *group, struct uvf_aspace *as);
	/* The IOMMU before the group; NULL: as the host is described. */
	void (*describe)(void *group, const struct uvf_iommu_host *host,
			 struct uvf_iommu_hw *ret_hw);
};

/*
 * Give a caller a descriptor of a fault queue, which is closed by
 * uvf_iommufd_fault_close().  Return its number, or a negative errno.
 */
typedef int uvf_open_fault_fn(struct uvf_caller *caller,
			      struct uvf_iommufd_fault *fault);

/**
 * uvf_iommufd_create() - what stands behind an open of /dev/iommu
 * @ret_ctx: written on success; one reference
 * Return: 0 or -ENOMEM.
 */
int uvf_iommufd_create(struct uvf_iommufd **ret_ctx,
		       const struct uvf_iommu_host *host,
		       uvf_open_fault_fn *open_fault);
struct uvf_iommufd *uvf_iommufd_get(struct uvf_iommufd *ctx);
void uvf_iommufd_put(struct uvf_iommufd *ctx); /* takes NULL */

/* An ioctl on it, those of a VFIO container included. */
long uvf_iommufd_ioctl(struct uvf_iommufd *ctx, struct uvf_caller *caller,
		       unsigned int cmd, unsigned long arg);

/**
 * uvf_iommufd_compat_create() - see to an I/O address space for containers
 * Return: 0, or, in the order they are tested: -ENOMEM, -EINVAL in no-IOMMU
 * mode.
 */
int uvf_iommufd_compat_create(struct uvf_iommufd *ctx);

/** uvf_iommufd_compat_id() - the id of that space; -ENODEV without one */
int uvf_iommufd_compat_id(struct uvf_iommufd *ctx, uint32_t *ret_id);

/**
 * uvf_iommufd_set_noiommu() - let it be the container of no-IOMMU groups
 * Return: 0, or -EINVAL when it is that of others.
 */
int uvf_iommufd_set_noiommu(struct uvf_iommufd *ctx);

/**
 * uvf_iommufd_device_bind() - own a device's DMA
 * @ret_device: written on success; holds a reference to @ctx
 * @group:      its IOMMU group, for @ops
 * Return: 0, or -ENOMEM, or what ops->claim() said.
 */
int uvf_iommufd_device_bind(struct uvf_iommufd_device **ret_device,
			    struct uvf_iommufd *ctx,
			    const struct uvf_iommufd_group_ops *ops,
			    void *group);

/* Detaches if need be.  The device thread keeps no way to memory. */
void uvf_iommufd_device_unbind(struct uvf_iommufd_device *device);

uint32_t uvf_iommufd_device_id(const struct uvf_iommufd_device *device);

/* The context it is bound to; no reference. */
struct uvf_iommufd *
uvf_iommufd_device_ctx(const struct uvf_iommufd_device *device);

/* Whether a device of this IOMMU group is bound to the context. */
bool uvf_iommufd_has_group(struct uvf_iommufd *ctx, const void *group);

/**
 * uvf_iommufd_device_attach() - let a device reach an address space
 * @pt_id: an I/O address space or a page table; on success the page table
 *
 * A device that is attached is moved in one step; if that fails, it stays
 * where it is.
 *
 * Return: 0, or, in the order they are tested:
 *   -ENOENT      no object has this id
 *   -EINVAL      it is neither, or another device of the group is elsewhere
 *   -EADDRINUSE  a mapping, or a range that is to be used, cannot be
 *   -ENODEV      it has a fault queue, and the device cannot wait
 *   -EINVAL      a page table of an unlike IOMMU, or a client's that the
 *                hardware cannot walk
 *   -EFAULT      the memory of a mapping is not there
 *   -ENOMEM      out of memory
 */
int uvf_iommufd_device_attach(struct uvf_iommufd_device *device,
			      uint32_t *pt_id);

/* Nothing happens when it is not attached. */
void uvf_iommufd_device_detach(struct uvf_iommufd_device *device);

/* A page that a device asks for. */
struct uvf_page_request {
	uint64_t iova;
	uint32_t grpid; /* the same for all that get one answer */
	uint32_t prot;  /* UVF_PROT_* */
};

/* A device that can wait for pages (PRI). */
struct uvf_iommufd_pri_ops {
	/* The answer; runs under the context's lock. */
	void (*respond)(void *arg, uint32_t grpid, bool is_there);
};

/* Before it is attached, once. */
void uvf_iommufd_device_enable_pri(struct uvf_iommufd_device *device,
				   const struct uvf_iommufd_pri_ops *ops,
				   void *arg);

/**
 * uvf_iommufd_device_request() - ask the client for pages
 * @count: at least 1; they get one answer
 * Return: 0 and later an answer, or -ENODEV nobody is there to ask, -ENOMEM.
 */
int uvf_iommufd_device_request(struct uvf_iommufd_device *device,
			       const struct uvf_page_request *requests,
			       size_t count);

/**
 * uvf_iommufd_fault_read() - whole groups of requests
 * Return: bytes, 0 when there are none, or, in the order they are tested:
 *   -ESPIPE  no multiple of a request
 *   -EINVAL  the first group does not fit
 *   -EFAULT  @addr cannot be written
 */
ssize_t uvf_iommufd_fault_read(struct uvf_iommufd_fault *fault,
			       struct uvf_caller *caller, uint64_t addr,
			       size_t len);

/**
 * uvf_iommufd_fault_write() - answers
 * Return: bytes up to the first that is wrong, or, in the order they are
 * tested:
 *   -ESPIPE  no multiple of an answer
 *   -EFAULT  @addr cannot be read
 *   -EINVAL  unknown code, or nobody waits for it
 */
ssize_t uvf_iommufd_fault_write(struct uvf_iommufd_fault *fault,
				struct uvf_caller *caller, uint64_t addr,
				size_t len);

/* Whether there is something to read; it can always be written. */
bool uvf_iommufd_fault_is_readable(struct uvf_iommufd_fault *fault);

void uvf_iommufd_fault_close(struct uvf_iommufd_fault *fault);

/* A device whose DMA is done by CPU. */
struct uvf_iommufd_access_ops {
	/*
	 * Give back what is pinned of @iova.  Runs without locks of
	 * iommufd, at any time between attach and detach.
	 */
	void (*unmap)(void *arg, struct uvf_range iova);
};

/**
 * uvf_iommufd_access_create() - bind an emulated device
 * @ret_access: written on success; holds a reference to @ctx
 * Return: 0 or -ENOMEM.
 */
int uvf_iommufd_access_create(struct uvf_iommufd_access **ret_access,
			      struct uvf_iommufd *ctx,
			      const struct uvf_iommufd_access_ops *ops,
			      void *arg);

/* Detaches if need be, and waits for callbacks that run. */
void uvf_iommufd_access_destroy(struct uvf_iommufd_access *access);

uint32_t uvf_iommufd_access_id(const struct uvf_iommufd_access *access);

/**
 * uvf_iommufd_access_attach() - choose the address space it accesses
 * @ioas_id: of an I/O address space
 *
 * Leaving another one calls ops->unmap() for all of it, and what is pinned
 * then is given back.
 *
 * Return: 0, or -ENOENT, -EBUSY it is being detached, -EADDRINUSE a mapping
 * there has no whole pages.
 */
int uvf_iommufd_access_attach(struct uvf_iommufd_access *access,
			      uint32_t ioas_id);
void uvf_iommufd_access_detach(struct uvf_iommufd_access *access);

/**
 * uvf_iommufd_access_pin() - keep pages until they are given back
 * @iova:      at the start of a page of client memory
 * @ret_pages: where each page is here
 * Return: 0, or, in the order they are tested:
 *   -EINVAL     @size is 0
 *   -EOVERFLOW  it wraps
 *   -ENOENT     not attached, or there is a hole
 *   -EINVAL     it is being unmapped, or no whole pages
 *   -EPERM      not mapped for this use
 *   -ENOMEM     out of memory
 *   -EFAULT     the memory is not there, or cannot be reached here
 */
int uvf_iommufd_access_pin(struct uvf_iommufd_access *access, uint64_t iova,
			   uint64_t size, bool is_write, void **ret_pages);

/* Undoes one pin of each of these pages, if they are pinned. */
void uvf_iommufd_access_unpin(struct uvf_iommufd_access *access, uint64_t iova,
			      uint64_t size);

/**
 * uvf_iommufd_access_rw() - copy from or to an IOVA, by CPU
 *
 * What was moved before the error stays moved.
 *
 * Return: as uvf_iommufd_access_pin(), but any piece will do.
 */
int uvf_iommufd_access_rw(struct uvf_iommufd_access *access, uint64_t iova,
			  void *buf, size_t len, bool is_write);

#endif /* UVF_IOMMU_IOMMUFD_IOMMUFD_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VFIO device: a device of the machine whose bus driver registered it.
 *
 * Its life: uvf_device_init(), perhaps uvf_device_assign_set(),
 * uvf_device_register(), uvf_device_unregister(), uvf_device_put().
 */
#ifndef UVF_CORE_DEVICE_H
#define UVF_CORE_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "core/file.h"
#include "iommu/iommu.h"

struct uvf_bus_device;
struct uvf_device;
struct uvf_device_set;
struct uvf_dma_log;
struct uvf_group;
struct uvf_iommufd_access;
struct uvf_iommufd_device;
struct uvf_iommu;
struct uvf_kvm;
struct uvf_migration;
struct uvf_task;
struct uvf_unbound;
struct uvf_vfio;
struct uvfio_dev;

/*
 * What a bus driver (vfio-pci) does for its devices.  ioctl handlers are
 * named in core/dispatch.c; NULL there means -ENOTTY.
 */
struct uvf_device_ops {
	/* In uvf_device_init() and uvf_device_put(); may be NULL. */
	int (*init)(struct uvf_device *device);
	void (*release)(struct uvf_device *device);
	/*
	 * Positive: this is the name; 0: no; negative: end the search.  NULL:
	 * it is the bus device's.
	 */
	int (*match)(struct uvf_device *device, const char *name);
	/*
	 * Of BIND_IOMMUFD, where it can carry a token: 16 bytes, or NULL when
	 * it does not.  0 or a negative errno; NULL: no token is any good.
	 */
	int (*match_token)(struct uvf_device *device, const uint8_t *uuid);
	/* First open, last close (each, by device_opens_per_fd). */
	int (*open)(struct uvf_device *device);
	void (*close)(struct uvf_device *device);
	/*
	 * Pages in this interval are going away: unpin them.  NULL: the device
	 * pins none.  Takes no lock that open() runs under.
	 */
	void (*dma_unmap)(struct uvf_device *device, struct uvf_range iova);
	/* Ask the user to let go, for the count-th time from 0; may be NULL. */
	void (*request)(struct uvf_device *device, unsigned int count);

	/* Around each ioctl on an open file; both or none may be NULL. */
	void (*wake)(struct uvf_device *device);
	void (*rest)(struct uvf_device *device);

	long (*get_info)(struct uvf_device *device, struct uvf_caller *caller,
			 unsigned long arg);
	long (*get_region_info)(struct uvf_device *device,
				struct uvf_caller *caller, unsigned long arg);
	long (*get_irq_info)(struct uvf_device *device,
			     struct uvf_caller *caller, unsigned long arg);
	long (*set_irqs)(struct uvf_device *device, struct uvf_caller *caller,
			 unsigned long arg);
	long (*reset)(struct uvf_device *device, struct uvf_caller *caller,
		      unsigned long arg);
	long (*get_pci_hot_reset_info)(struct uvf_device *device,
				       struct uvf_caller *caller,
				       unsigned long arg);
	long (*pci_hot_reset)(struct uvf_device *device,
			      struct uvf_caller *caller, unsigned long arg);
	long (*ioeventfd)(struct uvf_device *device, struct uvf_caller *caller,
			  unsigned long arg);
	/* What none of those above answers; NULL: nothing does. */
	long (*ioctl)(struct uvf_device *device, struct uvf_caller *caller,
		      unsigned int cmd, unsigned long arg);
	/* One feature the core does not know; flags are checked already. */
	long (*feature)(struct uvf_device *device, struct uvf_caller *caller,
			uint32_t flags, uint64_t data, size_t data_size);

	ssize_t (*read)(struct uvf_device *device, struct uvf_caller *caller,
			uint64_t addr, size_t len, uint64_t pos);
	ssize_t (*write)(struct uvf_device *device, struct uvf_caller *caller,
			 uint64_t addr, size_t len, uint64_t pos);
	int (*mmap)(struct uvf_device *device, uint64_t pos, uint64_t len,
		    int prot, int flags);
	void (*fault)(struct uvf_device *device, uint64_t pos,
		      struct uvf_page *ret_page);
	bool (*mmio)(struct uvf_device *device, uint64_t pos, void *buf,
		     size_t len, bool is_write);
	bool stays_put; /* read and write do not move a file's position */
	/* As of a file; NULL: it can be mapped for DMA, and is not reached. */
	int (*dma_target)(struct uvf_device *device, uint64_t pos,
			  struct uvf_mem_io **ret_io);
};

/* What is behind a device's DMA, and so what its group may do. */
enum uvf_device_kind {
	UVF_DEVICE_IOMMU,    /* an IOMMU */
	UVF_DEVICE_EMULATED, /* the processor copies; no DMA of its own */
	UVF_DEVICE_NOIOMMU,  /* nothing: it reaches all of memory */
};

/* What a device is bound to by iommufd; of core/iommufd.c. */
struct uvf_device_iommufd {
	struct uvf_iommufd_device *device; /* with DMA of its own, or NULL */
	struct uvf_iommufd_access *access; /* emulated, or NULL */
	bool is_bound; /* a device without IOMMU is, by neither */
};

/* Embedded by what a bus driver keeps per device. */
struct uvf_device {
	/* The driver's, set before uvf_device_init(). */
	const struct uvf_device_ops *ops;
	struct uvf_bus_device *bus_device; /* outlives the device */
	struct uvfio_dev *model; /* whose DMA the group governs, or NULL */
	struct uvf_migration *migration;   /* NULL: cannot be migrated */
	const struct uvf_dma_log *dma_log; /* NULL: does not log */
	unsigned int v02_opens; /* under the lock of struct uvf_v02 */

	/* Fixed from uvf_device_init() to uvf_device_put(). */
	struct uvf_vfio *vfio;
	struct uvf_list vfio_node;  /* vfio->devices, under vfio->lock */
	unsigned int index;         /* N of vfioN, the lowest that is free */
	bool has_cdev;              /* a node; under vfio->lock */
	struct uvf_device_set *set; /* from its assignment on */
	struct uvf_list set_node;   /* set->devices, under set->lock */

	/* Fixed while registered. */
	enum uvf_device_kind kind;
	struct uvf_group *group;     /* holds a reference */
	struct uvf_list group_node;  /* group->devices, under device_lock */
	struct uvf_unbound *unbound; /* of core/viability.c */

	/*
	 * Who keeps the device registered: its driver, each file, and each
	 * call on a file while it runs.
	 */
	struct uvf_ref users;
	struct uvf_mutex wait_lock; /* a leaf; protects what follows */
	bool is_unused;             /* users is 0 */
	pthread_cond_t wake;        /* is_unused, or a signal came */

	/* Under set->lock. */
	unsigned int open_count;
	struct uvf_list files; /* struct uvf_device_file that have it open */
	struct uvf_device_iommufd iommufd;
	struct uvf_kvm *kvm; /* a reference while open; open() sees it */

	/* Fixed while open; of core/pin.c. */
	struct uvf_iommu *iommu; /* of the container; a reference, or NULL */
	struct uvf_dma_user dma_user;
};

/**
 * uvf_device_init() - begin a device: give it its number
 * @device: the driver's fields set, all else anything
 * Return: 0, or what ops->init() said.
 */
int uvf_device_init(struct uvf_vfio *vfio, struct uvf_device *device);

/*
 * End a device that is not registered: it leaves its set, its number is free
 * again, and ops->release() runs, which may free it.
 */
void uvf_device_put(struct uvf_device *device);

/**
 * uvf_device_register() - make a device reachable through its group
 *
 * It is in a set of its own, unless it was assigned to one before.  Without
 * an IOMMU group it gets one in no-IOMMU mode, and a line is logged.
 *
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  the bus device has no IOMMU group, and no-IOMMU mode is off
 *   -EINVAL  the device is registered already (by duplicate_register_errno)
 *   -ENOMEM  out of memory
 */
int uvf_device_register(struct uvf_device *device);

/**
 * uvf_device_register_emulated() - the same for a device that has no DMA of
 * its own and so no IOMMU group; it gets one
 * Return: as uvf_device_register(), but -EINVAL when it has a group.
 */
int uvf_device_register_emulated(struct uvf_device *device);

/**
 * uvf_device_unregister() - take a device away from its users
 * @task: on whose behalf, for messages and signals; may be NULL
 *
 * Waits until no file of the device is open, asking for it by
 * ops->request() at once, then in intervals, and at once after the first
 * signal to @task.  Never fails.
 *
 * Context: no locks of the core are held.
 */
void uvf_device_unregister(struct uvf_device *device, struct uvf_task *task);

/* Keep a device registered; false when it is on its way out. */
bool uvf_device_try_get(struct uvf_device *device);

/* The last one ends the wait of uvf_device_unregister(). */
void uvf_device_put_user(struct uvf_device *device);

#endif /* UVF_CORE_DEVICE_H */

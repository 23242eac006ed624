/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VFIO device: a device of the machine whose bus driver registered it.
 *
 * Lock order: group->lock, device->lock, then the driver's own.
 */
#ifndef UVF_CORE_DEVICE_H
#define UVF_CORE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "core/file.h"

struct uvf_bus_device;
struct uvf_device;
struct uvf_dma_log;
struct uvf_group;
struct uvf_kvm;
struct uvf_migration;
struct uvf_vfio;
struct uvfio_dev;

/*
 * What a bus driver (vfio-pci) does for its devices.  ioctl handlers are
 * named in core/dispatch.c; NULL there means -ENOTTY.
 */
struct uvf_device_ops {
	/* Positive: this is the name; 0: no; negative: end the search. */
	int (*match)(struct uvf_device *device, const char *name);
	int (*open)(struct uvf_device *device);   /* first open */
	void (*close)(struct uvf_device *device); /* last close */

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
};

/* Embedded by what a bus driver keeps per device. */
struct uvf_device {
	const struct uvf_device_ops *ops;
	struct uvf_bus_device *bus_device; /* outlives the registration */
	struct uvf_group *group;           /* set while registered */
	struct uvf_list group_node;        /* group->devices */
	struct uvfio_dev *model;           /* whose DMA the group governs */
	unsigned int index;                /* N of vfioN */
	struct uvf_migration *migration;   /* NULL: cannot be migrated */
	const struct uvf_dma_log *dma_log; /* NULL: does not log */

	struct uvf_mutex lock; /* protects what follows and open, close */
	unsigned int open_count;
	struct uvf_kvm
		*kvm; /* a reference while open, or NULL; open() sees it */
};

/**
 * uvf_device_register() - make a device reachable through its group
 * @vfio:   the core
 * @device: ops, bus_device and model set, all else zero
 *
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  the bus device has no IOMMU group
 *   -EINVAL  the device is registered already
 *   -ENOMEM  out of memory
 */
int uvf_device_register(struct uvf_vfio *vfio, struct uvf_device *device);

/* The device is not open. */
void uvf_device_unregister(struct uvf_device *device);

/**
 * uvf_device_open() - one more user
 * @kvm:      NULL or a reference; the first open takes it and leaves NULL
 * @ret_file: a new device file
 * Context: the group's lock is held and its container has an IOMMU.
 * Return: 0, -ENOMEM, or what ops->open() returned.
 */
int uvf_device_open(struct uvf_device *device, struct uvf_kvm **kvm,
		    struct uvf_file **ret_file);

#endif /* UVF_CORE_DEVICE_H */

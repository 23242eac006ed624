/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO v0.2: the ABI that was proposed in 2011, as a personality of its own
 * in place of the core's containers and groups.
 *
 * A group has a node as soon as its bus driver knows the devices in it, and
 * each open group leads to an iommu, which groups can be merged into.  A
 * device may be opened when all devices of the set are bound.  Here is the
 * bus drivers' side, named as in the proposal; the clients' is abi.h.
 */
#ifndef UVF_V02_V02_H
#define UVF_V02_V02_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_bus_device;
struct uvf_caller;
struct uvf_file;
struct uvf_page;
struct uvf_task;
struct uvf_v02;

/* What the pretended host offers; fixed for the life of a machine. */
struct uvf_v02_host {
	unsigned int aperture_bits; /* addresses of devices end below 2^bits */
	bool is_coherent;           /* the IOMMU can enforce coherency */
	bool remaps_interrupts;
	bool allows_unsafe_interrupts; /* the option allow_unsafe_intrs */
};

/* What a bus driver does for its devices; data is that of bind_dev. */
struct uvf_v02_device_ops {
	bool (*match)(struct uvf_bus_device *device, const char *name);
	int (*get)(void *data);  /* one more open; any error is EFAULT */
	void (*put)(void *data); /* one less */
	long (*ioctl)(void *data, struct uvf_caller *caller, unsigned int cmd,
		      unsigned long arg);
	ssize_t (*read)(void *data, struct uvf_caller *caller, uint64_t addr,
			size_t len, uint64_t pos);
	ssize_t (*write)(void *data, struct uvf_caller *caller, uint64_t addr,
			 size_t len, uint64_t pos);
	/* As in struct uvf_file_ops; fault and mmio come with mmap. */
	int (*mmap)(void *data, uint64_t pos, uint64_t len, int prot,
		    int flags);
	void (*fault)(void *data, uint64_t pos, struct uvf_page *ret_page);
	bool (*mmio)(void *data, uint64_t pos, void *buf, size_t len,
		     bool is_write);

	/* What follows is not of the proposal; each may be NULL. */

	/* Unbind waits: ask users to let go, for the count-th time from 0. */
	void (*request)(void *data, unsigned int count);
	/* Whether its DMA can be coherent; NULL: as the host's. */
	bool (*is_coherent)(struct uvf_bus_device *device);
	/*
	 * A device was added to a group in use: let the VFIO driver take it
	 * before another does.  No lock is held.
	 */
	void (*claim)(struct uvf_bus_device *device);
};

/**
 * uvf_v02_create() - the personality of one machine, without groups
 * Return: 0 or -ENOMEM.
 */
int uvf_v02_create(struct uvf_v02 **ret_v02, const struct uvf_v02_host *host);

/* Nothing is open, all devices were deleted.  Takes NULL. */
void uvf_v02_destroy(struct uvf_v02 *v02);

/**
 * uvf_v02_group_add_dev() - make a device known: vfio_group_add_dev()
 * @device: of any bus; a reference is held until it is deleted
 *
 * The group of its IOMMU group is made with the first device.  A group of
 * another bus with the same number is another group.
 *
 * Return: 0, also when it is known already, or, in the order tested:
 *   -EINVAL  no @ops
 *   -ENODEV  the device has no IOMMU group
 *   -ENOMEM  out of memory
 *   or why the device cannot join an iommu that is open: -EPERM, -EBUSY
 */
int uvf_v02_group_add_dev(struct uvf_v02 *v02, struct uvf_bus_device *device,
			  const struct uvf_v02_device_ops *ops);

/**
 * uvf_v02_group_del_dev() - forget a device: vfio_group_del_dev()
 * It is not bound and not open.  One that is not known is a mistake of the
 * caller, which is logged.
 */
void uvf_v02_group_del_dev(struct uvf_v02 *v02, struct uvf_bus_device *device);

/**
 * uvf_v02_bind_dev() - a VFIO driver has taken a device: vfio_bind_dev()
 * @data: for the ops; not NULL
 * Return: 0, or -EINVAL for a caller that has not added the device, or binds
 * it twice or to nothing.
 */
int uvf_v02_bind_dev(struct uvf_v02 *v02, struct uvf_bus_device *device,
		     void *data);

/**
 * uvf_v02_unbind_dev() - the VFIO driver lets it go: vfio_unbind_dev()
 * @task: who waits; NULL: nobody who could be interrupted
 *
 * Waits until no iommu and no device of the whole set is open.  Users are
 * asked to let go at once, every 10 seconds, and when a signal comes.
 *
 * Return: what bind_dev was given; NULL: it is not bound.
 */
void *uvf_v02_unbind_dev(struct uvf_v02 *v02, struct uvf_bus_device *device,
			 struct uvf_task *task);

/* One node by its name below /dev/vfio. */
typedef int uvf_v02_node_fn(void *arg, const char *name, unsigned int minor);

/**
 * uvf_v02_walk_nodes() - the nodes, in the order they were made
 * Context: no lock is held when @fn runs.
 * Return: 0, -ENOMEM, or the first result of @fn that is not 0.
 */
int uvf_v02_walk_nodes(struct uvf_v02 *v02, uvf_v02_node_fn *fn, void *arg);

/**
 * uvf_v02_open() - open a group's node; any number of times
 * @name: below /dev/vfio
 * Return: 0 and a file with one reference, or -ENODEV no such group,
 * -ENOMEM.
 */
int uvf_v02_open(struct uvf_v02 *v02, const char *name,
		 struct uvf_file **ret_file);

/* The name of the node behind a file of a group; lives with the file. */
const char *uvf_v02_node_name(const struct uvf_file *file);

/* The name of the device behind a file of one; lives with the file. */
const char *uvf_v02_device_name(const struct uvf_file *file);

/*
 * The groups of a file of a group or of an iommu, by number.  A lock of v02
 * may be held around @fn.
 */
void uvf_v02_each_group(const struct uvf_file *file,
			void (*fn)(void *arg, unsigned int id), void *arg);

#endif /* UVF_V02_V02_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device of the machine, with or without a driver.
 *
 * Whoever has found a device holds a reference; the machine's own goes when
 * the device is unplugged.
 */
#ifndef UVF_BUS_DEVICE_H
#define UVF_BUS_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "bus/id.h"

#define UVF_BUS_PATH 256 /* bytes of a path below /sys, final NUL included */

struct uvf_aspace;
struct uvf_bus;
struct uvf_bus_device;
struct uvf_driver;
struct uvf_iommu_group;
struct uvfio_mdev_parent;
struct uvf_task;

/* One file of a device in sysfs. */
struct uvf_bus_attr {
	const char *name;
	/*
	 * The whole content, binary allowed: bytes written, at most size.
	 * NULL: the file cannot be read, -EIO.
	 */
	size_t (*show)(struct uvf_bus_device *device, void *buf, size_t size);
	unsigned int mode; /* permission bits */
	/*
	 * A write: size, or a negative errno.  A NUL follows buf[size - 1].
	 * NULL, and no pwrite: the file cannot be written, -EIO.
	 */
	ssize_t (*store)(struct uvf_bus_device *device, struct uvf_task *task,
			 const char *buf, size_t size);
	/* For a file in which the place matters; instead of show and store. */
	ssize_t (*pread)(struct uvf_bus_device *device,
			 const struct uvf_bus_attr *attr, void *buf,
			 size_t size, uint64_t pos);
	ssize_t (*pwrite)(struct uvf_bus_device *device,
			  const struct uvf_bus_attr *attr, const void *buf,
			  size_t size, uint64_t pos);
	unsigned int arg; /* of pread and pwrite */
};

/* A link of a device's directory to that of another. */
typedef void uvf_bus_link_fn(void *arg, const char *name,
			     struct uvf_bus_device *target);

struct uvf_bus_device_ops {
	const struct uvf_bus_attr *attrs; /* ends with a NULL name */
	const char *folder; /* of some of them, beside power; NULL: none */
	/* The last reference went. */
	void (*destroy)(struct uvf_bus_device *device);
	/*
	 * It is about to leave the machine, and what is behind it before;
	 * may wait.  NULL: nothing to do.  rescan_lock is held.
	 */
	void (*removing)(struct uvf_bus_device *device, struct uvf_task *task);
	/* It has left the machine; may be NULL.  rescan_lock is held. */
	void (*removed)(struct uvf_bus_device *device);
	/* Where its DMA leads from now on; NULL: nowhere. */
	void (*set_domain)(struct uvf_bus_device *device,
			   struct uvf_aspace *as);
	/* Lines KEY=VALUE of its uevents after DRIVER; bytes written. */
	size_t (*show_pairs)(struct uvf_bus_device *device, char *buf,
			     size_t size);
	/* Calls @link for each further link; NULL: there is none. */
	void (*each_link)(struct uvf_bus_device *device, uvf_bus_link_fn *link,
			  void *arg);
};

/* Embedded by the bus's device (struct uvf_pci). */
struct uvf_bus_device {
	struct uvf_ref ref;
	const struct uvf_bus_device_ops *ops;
	char name[40];   /* "0000:00:03.0", or a UUID */
	char root[32];   /* in /sys/devices: "pci0000:00" */
	char behind[16]; /* the bus behind a bridge, "0000:01"; or empty */
	/* A bridge, what it is a part of, or NULL; holds a reference. */
	struct uvf_bus_device *parent;
	struct uvf_bus *bus;
	struct uvf_bus_id id;

	/*
	 * The driver core's lock: held across probe and remove, so across
	 * register and unregister.  Outermost of all.
	 */
	struct uvf_mutex lock;
	/* Fixed: the IOMMU before it, where it is not the host's. */
	const char *iommu;       /* its vendor, static; NULL: the host's */
	unsigned int iommu_bits; /* of its addresses; 0: as the host's */
	bool is_dead;            /* was unplugged; under lock */
	/* For whom its driver's remove() runs, or NULL; under lock. */
	struct uvf_task *unbinding_task;
	void *driver_data; /* of the driver that is bound */

	/* Under the machine's lock; driver changes under lock as well. */
	struct uvf_list machine_node;
	struct uvf_iommu_group *group;   /* holds a reference; NULL: none */
	struct uvf_driver *driver;       /* NULL: driverless */
	bool is_unbinding;               /* remove() of its driver runs */
	char *driver_override;           /* NULL: none */
	int vfio_index;                  /* N of its vfioN; -1: none */
	struct uvfio_mdev_parent *mdevs; /* what it has of src/mdev; NULL */

	struct uvf_list group_node; /* under the group's lock */

	struct uvf_list remover_node; /* under the remover's lock */
};

/* One reference, for the caller; name, ops and id are set. */
void uvf_bus_device_init(struct uvf_bus_device *device);
struct uvf_bus_device *uvf_bus_device_get(struct uvf_bus_device *device);
void uvf_bus_device_put(struct uvf_bus_device *device); /* takes NULL */

/* Frees what init made, of a device that was never put. */
void uvf_bus_device_fini(struct uvf_bus_device *device);

/* Its group with a reference, or NULL. */
struct uvf_iommu_group *uvf_bus_device_group(struct uvf_bus_device *device);

/*
 * Its driver, or NULL; while it is being unbound NULL, too, as in sysfs.
 * Drivers live as long as the machine.
 */
struct uvf_driver *uvf_bus_device_driver(struct uvf_bus_device *device);

/* The name of that driver, or "none". */
const char *uvf_bus_device_driver_name(struct uvf_bus_device *device);

/* Whether it has a group, and which. */
bool uvf_bus_device_group_id(struct uvf_bus_device *device,
			     unsigned int *ret_id);

/* N of vfioN while a driver of VFIO has registered it; -1: none has. */
int uvf_bus_device_vfio_index(struct uvf_bus_device *device);
void uvf_bus_device_set_vfio_index(struct uvf_bus_device *device, int index);

/* Whether it has a file driver_override. */
bool uvf_bus_device_has_override(const struct uvf_bus_device *device);

/* Its directory below /sys: "devices/pci0000:00/0000:00:03.0". */
void uvf_bus_device_path(const struct uvf_bus_device *device,
			 char ret_path[UVF_BUS_PATH]);

/* What its file uevent shows, and its uevents carry: lines KEY=VALUE. */
size_t uvf_bus_device_pairs(struct uvf_bus_device *device, char *buf,
			    size_t size);

/**
 * uvf_bus_device_set_override() - write driver_override
 * @text: up to the first newline; empty or a newline clears it
 * @size: bytes written, NULs included
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  4095 bytes or more
 *   -ENOMEM  out of memory
 */
int uvf_bus_device_set_override(struct uvf_bus_device *device, const char *text,
				size_t size);

/* What driver_override shows: the name or (null), and a newline. */
size_t uvf_bus_device_show_override(struct uvf_bus_device *device, char *buf,
				    size_t size);

#endif /* UVF_BUS_DEVICE_H */

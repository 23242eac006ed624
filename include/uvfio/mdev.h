/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * To write a driver of mediated devices: parts of one parent that programs
 * create and remove by its files in /sys, each a device of VFIO with a UUID
 * for a name.
 *
 * What such a device does is said by the callbacks of uvfio/driver.h; here
 * is how it comes and goes.  The calls are those of the kernel's
 * include/linux/mdev.h, 6.1 to 6.12.
 */
#ifndef UVFIO_MDEV_H
#define UVFIO_MDEV_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvfio_error;
struct uvfio_machine;

struct uvfio_mdev;        /* one mediated device */
struct uvfio_mdev_parent; /* what it is a part of */

/* What can be created; an array of these ends with a NULL name. */
struct uvfio_mdev_type {
	const char *name;        /* after that of the driver: "1" of "mtty-1" */
	const char *pretty_name; /* in the file name; NULL: name */
};

/* A file of each device, for reading; an array ends with a NULL name. */
struct uvfio_mdev_file {
	const char *folder; /* NULL: in the device's directory */
	const char *name;
	/* The whole text, up to 255 bytes and a NUL. */
	void (*show)(struct uvfio_mdev *mdev, char *buf, size_t size);
};

struct uvfio_mdev_driver {
	const char *name;    /* of the driver, of its module, and of parents */
	const char *summary; /* one line for -d help */
	const char *device_api; /* "vfio-pci": whose indexes the devices have */
	const struct uvfio_mdev_type *types;
	unsigned int max_instances; /* of one parent, without available() */
	size_t parent_size; /* bytes of memory that each parent has of it */
	const struct uvfio_mdev_file *files; /* NULL: none */

	/*
	 * A device is there: make it one of VFIO, by uvfio_alloc_device() with
	 * its name and uvfio_register_emulated_iommu_dev().  0 or a negative
	 * errno, which is what create says.
	 */
	int (*probe)(struct uvfio_mdev *mdev);
	/*
	 * It goes: uvfio_unregister_group_dev(), which waits for its users,
	 * and uvfio_put_device().
	 */
	void (*remove)(struct uvfio_mdev *mdev);
	/*
	 * How many more of a type there can be; then probe() refuses what is
	 * too many.  NULL: max_instances without those that are there, and
	 * create says -EUSERS.
	 */
	unsigned int (*available)(struct uvfio_mdev_parent *parent,
				  unsigned int type);
	/* The file description of a type; NULL: there is none. */
	void (*describe)(struct uvfio_mdev_parent *parent, unsigned int type,
			 char *buf, size_t size);
};

/**
 * uvfio_mdev_register_parent() - let a machine have mediated devices
 * @driver:     used as long as the machine is there
 * @ret_parent: written on success
 * @err:        one line on what is wrong
 *
 * The parent is /sys/devices/virtual/NAME/NAME.
 *
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  the profile's kernel has no mediated devices
 *   -EEXIST  the machine has another driver, or a device, of this name
 *   -ENOMEM  out of memory
 */
int uvfio_mdev_register_parent(struct uvfio_machine *machine,
			       const struct uvfio_mdev_driver *driver,
			       struct uvfio_mdev_parent **ret_parent,
			       struct uvfio_error *err);

/**
 * uvfio_mdev_unregister_parent() - remove all its devices, then the parent
 * Waits until nobody uses them.  Before the machine is destroyed; takes NULL.
 */
void uvfio_mdev_unregister_parent(struct uvfio_mdev_parent *parent);

/* Memory of the driver: parent_size bytes, zeroed at first. */
void *uvfio_mdev_parent_priv(struct uvfio_mdev_parent *parent);

/* The UUID, in lower case; for uvfio_alloc_device(). */
const char *uvfio_mdev_name(const struct uvfio_mdev *mdev);

/* The index of its type in the driver's array. */
unsigned int uvfio_mdev_type(const struct uvfio_mdev *mdev);

struct uvfio_mdev_parent *uvfio_mdev_parent(const struct uvfio_mdev *mdev);
struct uvfio_machine *uvfio_mdev_machine(const struct uvfio_mdev *mdev);

/* A pointer of the driver's; NULL until it is set. */
void uvfio_mdev_set_data(struct uvfio_mdev *mdev, void *data);
void *uvfio_mdev_data(const struct uvfio_mdev *mdev);

/** uvfio_mdev_driver_at() - the built-in ones by number, NULL after the last */
const struct uvfio_mdev_driver *uvfio_mdev_driver_at(unsigned int index);

#ifdef __cplusplus
}
#endif

#endif /* UVFIO_MDEV_H */

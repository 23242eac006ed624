/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mediated devices: a bus of devices that programs create and remove by
 * files of their parent.
 *
 * On this bus no driver takes a device by itself.  Each parent has one, and
 * create gives it the device.
 *
 *              create                      remove
 *   (nothing) --------> CREATING, ACTIVE --------> REMOVING, (nothing)
 *
 * A device is in the list of all mediated devices from the first moment to
 * the last: that long its UUID is taken and its instance used.
 */
#ifndef UVF_MDEV_MDEV_H
#define UVF_MDEV_MDEV_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <uvfio/mdev.h>

#include "base/list.h"
#include "base/lock.h"
#include "bus/bus.h"
#include "bus/device.h"

#define UVF_MDEV_BUS "mdev"

/* Bytes of the name of a type, final NUL included. */
#define UVF_MDEV_TYPE_NAME 80

struct uvf_task;

/* All mediated devices of a machine; data of the bus. */
struct uvf_mdevs {
	struct uvf_mutex lock;   /* a leaf; protects what is said below */
	struct uvf_list devices; /* struct uvfio_mdev, with a reference each */
};

struct uvf_mdev_type {
	struct uvfio_mdev_parent *parent;
	const struct uvfio_mdev_type *desc;
	unsigned int index;
	char name[UVF_MDEV_TYPE_NAME]; /* "mtty-1" */
};

struct uvfio_mdev_parent {
	struct uvf_bus_device bus;
	/* Fixed. */
	struct uvf_bus class;
	struct uvf_mdevs *mdevs;
	const struct uvfio_mdev_driver *desc;
	struct uvf_driver *driver;
	struct uvf_mdev_type *types;
	size_t type_count;
	void *priv;

	/* Under mdevs->lock. */
	unsigned int available; /* instances, where the driver counts none */
	unsigned int calls;     /* that create or remove, now */
	bool is_unregistering;  /* no further call begins */
	pthread_cond_t idle;    /* calls is 0 */
};

struct uvfio_mdev {
	struct uvf_bus_device bus;  /* holds a reference to the parent's */
	struct uvf_mdev_type *type; /* fixed */
	void *data;                 /* of the driver */

	/* Under mdevs->lock. */
	struct uvf_list node;
	enum uvf_mdev_state {
		UVF_MDEV_CREATING,
		UVF_MDEV_ACTIVE,
		UVF_MDEV_REMOVING,
	} state;
};

/**
 * uvf_mdev_parent_create() - put a parent into the machine
 * @desc:       used as long as the machine is there
 * @ret_parent: written on success; with a reference of its bus device
 *
 * Return: 0, or, in the order they are tested:
 *   -EEXIST  the bus has another driver of this name
 *   -ENOMEM  out of memory
 *   -EEXIST  the machine has a device of this name
 */
int uvf_mdev_parent_create(struct uvf_machine *machine,
			   const struct uvfio_mdev_driver *desc,
			   struct uvfio_mdev_parent **ret_parent);

/* What a device of the machine is, or NULL. */
struct uvfio_mdev_parent *uvf_mdev_parent_of(struct uvf_bus_device *device);
struct uvfio_mdev *uvf_mdev_of(struct uvf_bus_device *device);

/* How many more of a type there can be, as its file says. */
unsigned int uvf_mdev_type_available(struct uvf_mdev_type *type);

/**
 * uvf_mdev_create() - write to the file create of a type
 * @text: a UUID, and one character more perhaps, whichever it is
 * @size: bytes of @text
 *
 * Source: create_store() and mdev_device_create(); drivers/vfio/mdev, Linux
 * 6.12.
 * Return: 0, or, in the order they are tested:
 *   -EINVAL  neither 36 nor 37 bytes, or no UUID
 *   -EEXIST  the machine has a mediated device of this UUID
 *   -EUSERS  no instance is left
 *   -ENOMEM  out of memory
 *   -ENODEV  the parent goes
 *   or what the driver's probe() said
 */
int uvf_mdev_create(struct uvf_mdev_type *type, const char *text, size_t size);

/**
 * uvf_mdev_remove() - write a number that is not 0 to the file remove
 * @task: on whose behalf it waits for users
 * Return: 0, or, in the order they are tested:
 *   -ENODEV  it is gone, or somebody else removes it
 *   -EAGAIN  it is not quite there
 *   -ENODEV  the parent goes
 */
int uvf_mdev_remove(struct uvfio_mdev *mdev, struct uvf_task *task);

/* What it is at this moment, for who shows it. */
enum uvf_mdev_state uvf_mdev_state(struct uvfio_mdev *mdev);

#endif /* UVF_MDEV_MDEV_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mediated devices by options: -d mtty,uuid=...,type=mtty-2.
 */
#ifndef UVF_FRONT_MDEV_H
#define UVF_FRONT_MDEV_H

struct uvf_options;
struct uvfio_error;
struct uvfio_machine;
struct uvfio_mdev_driver;

/* The built-in driver of this name, or NULL. */
const struct uvfio_mdev_driver *uvf_mdev_driver_find(const char *name);

/**
 * uvf_mdev_plug() - a parent of a driver, and a device of it by uuid=
 * The second time the parent is there, and a further device comes.
 * Return: 0, -EINVAL for an option, -EEXIST the parent is there and no uuid
 * given, or what uvfio_mdev_register_parent() and uvf_mdev_create() say.
 */
int uvf_mdev_plug(struct uvfio_machine *machine,
		  const struct uvfio_mdev_driver *driver,
		  const struct uvf_options *options, struct uvfio_error *err);

#endif /* UVF_FRONT_MDEV_H */

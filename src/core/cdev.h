/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The character device of a VFIO device, /dev/vfio/devices/vfioN: opened by
 * anybody, it can do nothing until it is bound to an iommufd.
 */
#ifndef UVF_CORE_CDEV_H
#define UVF_CORE_CDEV_H

#include <stdbool.h>

struct uvf_file;
struct uvf_vfio;

/**
 * uvf_cdev_next() - the nodes there are, by their number
 * @index: where to look from; becomes the number of the node
 * Return: whether there is one.
 */
bool uvf_cdev_next(struct uvf_vfio *vfio, unsigned int *index);

/* Whether a device has one. */
bool uvf_cdev_exists(struct uvf_vfio *vfio, unsigned int index);

/**
 * uvf_cdev_open() - open a node
 * Return: 0 and a file with one reference, or, in the order tested:
 *   -ENOENT  no such node
 *   -ENODEV  its device goes at this moment
 *   -ENOMEM  out of memory
 */
int uvf_cdev_open(struct uvf_vfio *vfio, unsigned int index,
		  struct uvf_file **ret_file);

#endif /* UVF_CORE_CDEV_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What mdev.c and parent.c share.
 */
#ifndef UVF_MDEV_PRIVATE_H
#define UVF_MDEV_PRIVATE_H

#include "bus/device.h"

struct uvf_task;
struct uvfio_mdev_parent;

/* Files beside those in fs/sysfs_mdev.c: none. */
extern const struct uvf_bus_attr uvf_mdev_no_attrs[];

/*
 * Remove what a parent has, on behalf of @task.  No call that creates or
 * removes runs, and none begins any more.
 */
void uvf_mdev_remove_all(struct uvfio_mdev_parent *parent,
			 struct uvf_task *task);

#endif /* UVF_MDEV_PRIVATE_H */

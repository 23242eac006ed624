/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the machine looks like below /sys.
 */
#ifndef UVF_FS_SYSFS_H
#define UVF_FS_SYSFS_H

#include <stddef.h>
#include <sys/types.h>

struct uvf_machine;
struct uvf_vfio;

/*
 * Takes the tree in an order in which parents come first; paths are relative
 * to /sys.  A non-zero result of a function ends the walk.
 */
struct uvf_sysfs_sink {
	int (*dir)(void *arg, const char *path);
	int (*file)(void *arg, const char *path, mode_t mode,
		    const void *content, size_t size);
	int (*link)(void *arg, const char *path, const char *target);
	void *arg;
};

/**
 * uvf_sysfs_walk() - describe /sys/bus/pci, /sys/devices/pciDDDD:BB,
 * /sys/kernel/iommu_groups, /sys/class/{vfio,vfio-dev,misc} and
 * /sys/module/{vfio,vfio_pci,...} as the profile's kernel would show them
 * Return: 0 or what a function of @sink returned.
 */
int uvf_sysfs_walk(struct uvf_vfio *vfio, const struct uvf_sysfs_sink *sink);

#endif /* UVF_FS_SYSFS_H */

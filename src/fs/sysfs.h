/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the machine looks like below /sys.
 *
 * Paths are relative to /sys.  Any thread may call; the tree is what it is
 * at the moment at which each part of it is looked at.
 */
#ifndef UVF_FS_SYSFS_H
#define UVF_FS_SYSFS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct uvf_machine;
struct uvf_task;
struct uvf_vfio;

/*
 * Takes the tree in an order in which parents come first.  A non-zero
 * result of a function ends the walk.
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

/**
 * uvf_sysfs_read() - open a file, read from it, close it
 * @path: links in it are followed
 * @pos:  bytes from the start of the file
 *
 * Return: bytes read, 0 at the end, or, in the order they are tested:
 *   -ENAMETOOLONG  the path
 *   -ELOOP         links that lead in circles
 *   -ENOENT        no such file; one that was open before says -ENODEV
 *   -EISDIR        it is a directory
 *   -EACCES        it is for writing only, even for root
 *   -EIO           the kernel has nothing to read there
 *   -ENOMEM        out of memory
 */
ssize_t uvf_sysfs_read(struct uvf_vfio *vfio, const char *path, void *buf,
		       size_t size, uint64_t pos);

/**
 * uvf_sysfs_write() - open a file, write to it, close it
 * @task: on whose behalf it may wait: unbind and remove wait for the users
 *        of a device, others for those
 * @size: bytes; of all files but a device's config, no more than 4096 are
 *        taken at once
 *
 * Whether the caller may write is for the front to decide.
 *
 * Return: bytes written, or, in the order they are tested:
 *   -ENAMETOOLONG, -ELOOP, -ENOENT, -EISDIR as above
 *   -EACCES        it is for reading only, even for root
 *   -ENOMEM        out of memory
 *   -EIO           the kernel takes nothing there
 *   or what the file says
 */
ssize_t uvf_sysfs_write(struct uvf_vfio *vfio, struct uvf_task *task,
			const char *path, const void *buf, size_t size,
			uint64_t pos);

#endif /* UVF_FS_SYSFS_H */

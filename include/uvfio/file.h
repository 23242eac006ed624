/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO in the caller's own process: the system calls of a VFIO program as
 * functions.  Each returns what the system call would, or a negative errno.
 *
 * Descriptors are numbers of the process, so that one never equals another
 * file's, but only the functions here understand them.  Any thread may call.
 */
#ifndef UVFIO_FILE_H
#define UVFIO_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvfio_machine;

/**
 * uvfio_open() - open a node of the machine
 * @path: "/dev/vfio/vfio" or "/dev/vfio/<group>"
 * Return: a descriptor, or -ENOENT, -EBUSY, -EMFILE, -ENOMEM.
 */
int uvfio_open(struct uvfio_machine *machine, const char *path);

/* Return: 0, or -EBADF. */
int uvfio_close(struct uvfio_machine *machine, int fd);

long uvfio_ioctl(struct uvfio_machine *machine, int fd, unsigned int cmd,
		 unsigned long arg);
ssize_t uvfio_pread(struct uvfio_machine *machine, int fd, void *buf,
		    size_t len, uint64_t offset);
ssize_t uvfio_pwrite(struct uvfio_machine *machine, int fd, const void *buf,
		     size_t len, uint64_t offset);

/**
 * uvfio_mmap() - map memory of a device
 * @offset:   into the file, whole pages
 * @len:      bytes
 * @prot:     of mmap(2), as @flags
 * @ret_addr: written on success; munmap(2) ends it
 *
 * What is mapped does not keep the device open: it must be unmapped before
 * the descriptor is closed.  Registers cannot be mapped, for nobody could see
 * them touched.
 *
 * Return: 0, or, in the order they are tested:
 *   -EBADF       no descriptor of the machine
 *   -EINVAL      no length, or no whole pages
 *   -ENODEV      a file that has nothing to map
 *   or what the device's driver says
 *   -EOPNOTSUPP  registers are there
 *   -ENXIO       nothing answers there, now
 *   -ENOMEM      out of memory
 */
int uvfio_mmap(struct uvfio_machine *machine, int fd, uint64_t offset,
	       size_t len, int prot, int flags, void **ret_addr);

/**
 * uvfio_sysfs_read() - open a file of the machine's /sys, read it, close it
 * @path:   "/sys/...", without "." and ".."; links are followed
 * @offset: bytes from the start of the file
 *
 * Return: bytes read, or, in the order they are tested:
 *   -ENOENT  no such file
 *   -EISDIR  it is a directory
 *   -EACCES  it is for writing only
 *   -EIO     there is nothing to read
 *   or -ENAMETOOLONG, -ELOOP, -ENOMEM
 */
ssize_t uvfio_sysfs_read(struct uvfio_machine *machine, const char *path,
			 void *buf, size_t size, uint64_t offset);

/**
 * uvfio_sysfs_write() - open a file of the machine's /sys, write it, close it
 * @path:   as above
 * @offset: bytes from the start; it matters for a device's config alone
 *
 * May block: unbind and remove wait until nobody uses the device.
 *
 * Return: bytes taken, or, in the order they are tested, -ENOENT, -EISDIR,
 * -EACCES it is for reading only, or what the file says of the text.
 */
ssize_t uvfio_sysfs_write(struct uvfio_machine *machine, const char *path,
			  const void *buf, size_t size, uint64_t offset);

/*
 * At the position of the file, which moves on by what is moved, unless it is a
 * platform device's; a stream has none, and pread and pwrite of it fail with
 * -ESPIPE.
 */
ssize_t uvfio_read(struct uvfio_machine *machine, int fd, void *buf,
		   size_t len);
ssize_t uvfio_write(struct uvfio_machine *machine, int fd, const void *buf,
		    size_t len);

#ifdef __cplusplus
}
#endif

#endif /* UVFIO_FILE_H */

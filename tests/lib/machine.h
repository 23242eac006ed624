/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine with two edu devices, used in the test's own process.
 */
#ifndef TESTS_LIB_MACHINE_H
#define TESTS_LIB_MACHINE_H

#include <uvfio/uvfio.h>

#define EDU_A "0000:00:03.0"
#define EDU_B "0000:00:04.0"

/* Two edu devices; together: both in group 1, else in groups 1 and 2. */
struct uvfio_machine *machine_create(bool together);

/* Apart, with a profile and a host; NULL: the default. */
struct uvfio_machine *machine_create_as(const char *abi, const char *host);

/* A container with an IOMMU and group 1 in it, and device EDU_A. */
struct opened {
	int container, group, device;
};
struct opened machine_open(struct uvfio_machine *machine);

/* As the calls they are named after; fail the test when those fail. */
int must_open(struct uvfio_machine *machine, const char *path);
void must_close(struct uvfio_machine *machine, int fd);
long must_ioctl(struct uvfio_machine *machine, int fd, unsigned int cmd,
		unsigned long arg);

/* Write a file of /sys: the bytes it took, or a negative errno. */
ssize_t sysfs_put(struct uvfio_machine *machine, const char *path,
		  const char *text);
/* What reading a file returns, without its content. */
ssize_t sysfs_can_read(struct uvfio_machine *machine, const char *path);
/* The file has this content, or the test fails. */
void sysfs_shows(struct uvfio_machine *machine, const char *path,
		 const char *content);

#endif /* TESTS_LIB_MACHINE_H */

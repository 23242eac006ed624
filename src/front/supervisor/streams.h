/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptors of files that are streams: the state of a device that migrates,
 * a fault queue of an iommufd.  Their read(2), write(2) and poll(2) are not
 * trapped, since every program makes these calls all the time.
 *
 * Each is a file of a FUSE file system that no namespace shows.  It is
 * mounted, in a child, when the first stream is opened, and served by a thread.
 */
#ifndef UVF_FRONT_SUPERVISOR_STREAMS_H
#define UVF_FRONT_SUPERVISOR_STREAMS_H

#include <stdint.h>

struct uvf_file;
struct uvf_streams;

/* Return: 0 or -ENOMEM. */
int uvf_streams_create(struct uvf_streams **ret_streams);

/* What is still open fails with ENOTCONN.  Takes NULL. */
void uvf_streams_destroy(struct uvf_streams *streams);

/**
 * uvf_streams_open() - a descriptor of a stream
 * @file:  borrowed until uvf_streams_forget()
 * @flags: O_RDONLY, O_WRONLY or O_RDWR
 *
 * Context: no lock that reading or writing @file takes is held by a thread
 * that waits for this one.
 * Return: a descriptor, close-on-exec; or -EOPNOTSUPP: namespaces, or FUSE, are
 * refused here; -ENOMEM, -EMFILE.
 */
int uvf_streams_open(struct uvf_streams *streams, struct uvf_file *file,
		     int flags);

/* Nobody has the file of this inode open any more. */
void uvf_streams_forget(struct uvf_streams *streams, uint64_t ino);

#endif /* UVF_FRONT_SUPERVISOR_STREAMS_H */
